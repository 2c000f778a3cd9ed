"""`spasmwatch note`: write down what belongs to a night that runs or is over, or take it back."""

from __future__ import annotations

import getpass
import os
import re
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from detector.alerts.commands import SaidKind
from detector.terminal.invocation import Invocation, UsageError, program_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.alerts.commands import Command
    from detector.config import Settings
    from detector.terminal.said_before import SaidBefore

NOBODY = "terminal"  # where the user's own name cannot be used


def note(
    ctx: typer.Context,
    text: Annotated[
        list[str] | None,
        typer.Argument(metavar="TEXT", help="What to write down.", show_default=False),
    ] = None,
    *,
    mark: Annotated[
        bool, typer.Option("--mark", help="A spasm was felt or seen just now, found or not.")
    ] = False,
    label: Annotated[
        SaidKind | None, typer.Option("--label", help="What the latest likely spasm was.")
    ] = None,
    undo: Annotated[
        bool, typer.Option("--undo", help="Take back the last note, mark or label of this person.")
    ] = False,
    by: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Who says so.", show_default="your login"),
    ] = None,
) -> None:
    """Note something that belongs to the night: "took baclofen", "moved the sensor".

    It stands in the log with the time, and on the page. While `run` watches, it goes there; else
    it is written behind the last night. With --mark or --label a text may be left out.
    """
    from detector.alerts.commands import AddNote, CommandError, LabelEvent, MarkSpasm, Withdraw

    call = Invocation.of(ctx)
    settings = call.configuration().settings
    who, words = by or _login(), " ".join(text or []).strip()
    if undo and (words or mark or label is not None):
        raise UsageError("--undo takes back what was said last: say something new afterwards.")
    if not (undo or mark or label is not None or text):
        raise UsageError("There is nothing to note: give a text, --mark, --label or --undo.")
    said: list[Command] = []
    told: list[str] = []
    try:
        before = _before(settings) if undo or label is not None else None
        if undo and before is not None:
            last = before.last_of(who)
            said.append(Withdraw(by=who, what=last.what, said=last.said))
            told.append(f"Taken back: {last.words}")
        if mark:
            said.append(MarkSpasm(by=who))
            told.append(f"A spasm is marked by {who}.")
        if label is not None and before is not None:
            event = before.latest_event()
            said.append(LabelEvent(by=who, event=event.id, verdict=label))
            told.append(f"Labelled by {who} as {label}: {event.words}.")
        if text:
            said.append(AddNote(by=who, text=words))
            told.append(f"Noted by {who}.")
        where = _say(settings, said)
    except CommandError as error:
        raise UsageError(f"Nothing was {'taken back' if undo else 'noted'}: {error}") from None
    call.out.say(f"{' '.join(told).removesuffix('.')}, {where}.")


def _before(settings: Settings) -> SaidBefore:
    """Return what is known of this night, or of the last one where none runs."""
    from detector.events import Origin
    from detector.service.persistence.places import DataFolder
    from detector.store.glance import glance
    from detector.terminal.said_before import said_before, said_tonight
    from detector.web.serving.address_file import read_address
    from detector.web.serving.asking import LocalPage, SilentServiceError

    page = read_address(settings.data_dir)
    if page is not None:
        try:
            return said_tonight(LocalPage(page).now()["view"])
        except SilentServiceError:
            pass  # it ended without a word, or hangs
    _check_silent(settings)
    seen = glance(DataFolder.of(settings.data_dir, Origin.LIVE).state)
    return said_before(seen, settings.wearer.zone)


def _say(settings: Settings, commands: Sequence[Command]) -> str:
    """Tell the night that runs, or write it where the last one ended; return which."""
    from detector.alerts.commands import name_of, to_dict
    from detector.web.serving.address_file import read_address
    from detector.web.serving.asking import LocalPage, SilentServiceError

    page, left = read_address(settings.data_dir), list(commands)
    if page is not None:
        try:
            while left:
                fields = {name: each for name, each in to_dict(left[0]).items() if each is not None}
                LocalPage(page).say(name_of(left[0]), fields)
                del left[0]
        except SilentServiceError:
            pass  # it ended without a word, or hangs
        else:
            return "in the night that runs"
    _check_silent(settings)
    _write(settings, left)
    return "behind the last night"


def _check_silent(settings: Settings) -> None:
    """Check that no night runs whose page cannot be reached.

    Raises
    ------
    ServiceError
        One does.
    """
    from detector.errors import ServiceError
    from detector.supervision.present import present

    if present(settings.data_dir, os.environ).runs:
        raise ServiceError(
            "A night runs that cannot be told, as its page is off (web.enabled) or hangs: nothing "
            f"was noted. Where `{program_name()} run` was started in a terminal, press n there and "
            "type the text."
        )


def _write(settings: Settings, commands: Sequence[Command]) -> None:
    from datetime import UTC, datetime

    from detector.events import Origin
    from detector.service.persistence.places import DataFolder
    from detector.store.log import of_command
    from detector.store.state import State

    now = datetime.now(UTC)
    with closing(State.open(DataFolder.of(settings.data_dir, Origin.LIVE).state)) as state:
        entries = [
            of_command(command, at=now, whose=state.wearer, source=Origin.LIVE)
            for command in commands
        ]
        state.commit(at=now, entries=entries)


def _login() -> str:
    """Return the user's name as the log takes it."""
    try:
        name = re.sub(r"[^a-z0-9_-]+", "-", getpass.getuser().lower()).strip("-_")[:32]
    except (OSError, KeyError):
        name = ""
    return name or NOBODY
