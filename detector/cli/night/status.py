"""`spasmwatch status`: what the service on this computer watches now, from another terminal."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from detector.status import WORDS, StateWord
from detector.terminal.invocation import Invocation, UsageError, program_name

if TYPE_CHECKING:
    from rich.text import Text

    from detector.config import Settings
    from detector.supervision.present import Present
    from detector.terminal.output import Output
    from detector.web.tonight.payload import NowPayload, PageNow

NOBODY = 3  # runs or answers: as LSB's `status` has it
BLIND = 4  # it runs, and nobody is watched, or alerts are paused
LOOK_S = 1.0
SILENT_S = 5.0
"""Without progress for so long, and with a page that does not answer, the service is frozen: each
alone may be a sensor that is just lost, or a busy page."""
SEEING = {StateWord.WATCHING, StateWord.SPASM}


@dataclass(frozen=True, slots=True)
class ServiceNow:
    """What is known of the service.

    running : whether it makes progress
    watching : whether somebody is watched, and alerts wake
    words : one sentence where there is no view, or why there is none
    page : what the page answers; None where it is off or does not answer
    """

    running: bool
    watching: bool
    words: str = ""
    page: PageNow | None = None

    def payload(self) -> NowPayload:
        """Return what --json prints."""
        return {
            "schema": "now/1",
            "running": self.running,
            "watching": self.watching,
            "why": self.words or None,
            "view": None if self.page is None else self.page["view"],
            "movement_g": [] if self.page is None else self.page["movement_g"],
        }


def status(
    ctx: typer.Context,
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Go on showing it until Ctrl-C.")] = False,
) -> None:
    """Show what `run` on this computer watches now: state, open alerts, tonight, who answered.

    Ends with 0 while somebody is watched, 4 where nobody is or alerts are paused, and 3 where no
    service runs or answers. With --json one object: schema, running, watching, why, view (what
    the page shows), movement_g; with --watch a line for each change.
    """
    call = Invocation.of(ctx)
    settings = call.configuration().settings
    if watch and call.out.quiet:
        raise UsageError("--watch shows what --quiet hides")
    now = _look(settings)
    try:
        if not watch:
            _show(call.out, now, settings)
        for latest in _each_second(call.out, settings) if watch else ():
            now = latest
            time.sleep(LOOK_S)
    except KeyboardInterrupt:
        pass
    if not now.watching:
        raise typer.Exit(BLIND if now.running else NOBODY)


def _look(settings: Settings) -> ServiceNow:
    from detector.supervision.present import present
    from detector.web.serving.address_file import read_address
    from detector.web.serving.asking import LocalPage, SilentServiceError

    page, why = read_address(settings.data_dir), ""
    if page is not None:
        try:
            now = LocalPage(page).now()
            return ServiceNow(True, now["view"]["state"] in SEEING, page=now)
        except SilentServiceError as error:
            why = str(error)
    here = present(settings.data_dir, os.environ)
    frozen = bool(why) and here.runs and here.age_s >= SILENT_S
    if here.beat is None or not here.makes_progress or frozen:
        return ServiceNow(False, False, _gone_words(here))
    off = "the page is off (web.enabled), which knows more"
    words = here.beat.words
    blind = any(words.startswith(WORDS[state]) for state in (StateWord.NO_SIGNAL, StateWord.PAUSED))
    return ServiceNow(True, bool(words) and not blind, f"{words or 'It starts'}; {why or off}")


def _gone_words(here: Present) -> str:
    """Return why nobody watches, and what to do."""
    from detector.words.phrases import length

    again = f"start it: {program_name()} run"
    if here.beat is None:
        return f"No night runs. To {again}"
    age = length(here.age_s)
    if here.runs:
        return f"spasmwatch hangs: no progress for {age}, nobody is watched. End it, and {again}"
    if here.beat.ended:
        return f"No night runs: the last ended {age} ago. To {again}"
    return f"No night runs: spasmwatch died, or was killed, {age} ago. To {again}"


def _show(out: Output, now: ServiceNow, settings: Settings) -> None:
    """Write what is known, once."""
    if out.json:
        from detector import plain_json

        out.data(plain_json.line(now.payload()))
    elif now.page is None:
        out.data(now.words)
        for line in () if now.running else _last_night(settings):
            out.data(line)
    else:
        for text in _lines(now):
            _write(out, text)


def _each_second(out: Output, settings: Settings) -> Iterator[ServiceNow]:
    """Show the present until interrupted: redrawn on a terminal, else as lines when it changes."""
    import sys

    from detector.web.tonight.view import lasting

    if out.json or out.plain or not sys.stdout.isatty():
        known: object = None
        while True:
            now = _look(settings)
            news = (now.words, now.page and lasting(now.page["view"]))
            if news != known:
                known = news
                _show(out, now, settings)
                sys.stdout.flush()
            yield now
    from rich.console import Console, Group
    from rich.live import Live

    with Live(console=Console(), auto_refresh=False, screen=False) as live:
        while True:
            now = _look(settings)
            live.update(Group(*_lines(now, live.console.width)), refresh=True)
            yield now


def _lines(now: ServiceNow, width: int | None = None) -> Sequence[Text]:
    from rich.text import Text

    from detector.terminal.page_lines import page_lines
    from detector.words.phrases import harmless

    if now.page is None:
        return [Text(f"✕ {harmless(now.words)}")]
    return page_lines(now.page["view"], now.page["movement_g"], width)


def _write(out: Output, text: Text) -> None:
    if out.plain:
        out.data(text.plain)
        return
    from rich.console import Console

    Console(soft_wrap=True, highlight=False).print(text)


def _last_night(settings: Settings) -> list[str]:
    """Return what the last night left; the state stays as it is, for the service to begin with."""
    from detector.events import Origin
    from detector.service.persistence.last_night import last_night
    from detector.service.persistence.places import DataFolder
    from detector.store.state import StateError
    from detector.terminal.left_lines import left_lines

    try:
        left = last_night(DataFolder.of(settings.data_dir, Origin.LIVE))
    except StateError as error:
        return [str(error)]
    return left_lines(left, settings.wearer.zone)
