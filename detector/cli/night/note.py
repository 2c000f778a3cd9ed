"""`spasmwatch note`: write down what belongs to a night that runs or is over, or take it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from detector.alerts.commands import NoteKind, SaidKind
from detector.terminal.invocation import Invocation, UsageError
from detector.terminal.said_when import HELP

if TYPE_CHECKING:
    from datetime import datetime

    from detector.alerts.commands import Command
    from detector.config import Settings
    from detector.terminal.said_before import SaidBefore


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
    kind: Annotated[
        NoteKind | None, typer.Option(help="What the note is about.", show_default="other")
    ] = None,
    at: Annotated[str | None, typer.Option(metavar="TIME", help=HELP)] = None,
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
    it is written behind the last night. With --mark or --label a text may be left out. A report
    shows the hours since a note of --kind medication; it says nothing of what a medicine does.
    """
    from detector.alerts.commands import AddNote, CommandError, LabelEvent, MarkSpasm, Withdraw
    from detector.terminal.saying import login, say

    call = Invocation.of(ctx)
    settings = call.configuration().settings
    who, words = by or login(), " ".join(text or []).strip()
    if undo and (words or mark or label is not None):
        raise UsageError("--undo takes back what was said last: say something new afterwards.")
    if not (undo or mark or label is not None or text):
        raise UsageError("There is nothing to note: give a text, --mark, --label or --undo.")
    if (kind or at) and not words:
        raise UsageError("--kind and --at belong to a note: give its text.")
    try:
        when = None if at is None else _when(at, settings)
    except ValueError as error:
        raise UsageError(f"Nothing was noted: {error}.", param_hint="--at") from None
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
            said.append(AddNote(by=who, text=words, kind=kind or NoteKind.OTHER, at=when))
            told.append(f"Noted by {who}{_of(when, settings)}.")
        where = say(settings, said)
    except CommandError as error:
        raise UsageError(f"Nothing was {'taken back' if undo else 'noted'}: {error}") from None
    call.out.say(f"{' '.join(told).removesuffix('.')}, {where}.")


def _when(text: str, settings: Settings) -> datetime:
    from datetime import UTC, datetime

    from detector.terminal.said_when import said_when

    return said_when(text, now=datetime.now(UTC), zone=settings.wearer.zone)


def _of(when: datetime | None, settings: Settings) -> str:
    return "" if when is None else f" for {when.astimezone(settings.wearer.zone):%Y-%m-%d %H:%M}"


def _before(settings: Settings) -> SaidBefore:
    """Return what is known of this night, or of the last one where none runs."""
    from detector.events import Origin
    from detector.service.persistence.places import DataFolder
    from detector.store.glance import glance
    from detector.terminal.said_before import said_before, said_tonight
    from detector.terminal.saying import check_silent
    from detector.web.serving.address_file import read_address
    from detector.web.serving.asking import LocalPage, SilentServiceError

    page = read_address(settings.data_dir)
    if page is not None:
        try:
            return said_tonight(LocalPage(page).now()["view"])
        except SilentServiceError:
            pass  # it ended without a word, or hangs
    check_silent(settings)
    seen = glance(DataFolder.of(settings.data_dir, Origin.LIVE).state)
    return said_before(seen, settings.wearer.zone)
