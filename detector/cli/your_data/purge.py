"""`spasmwatch purge`: delete nights for good."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from detector import plain_json
from detector.errors import StorageError
from detector.terminal.invocation import Invocation, UsageError, program_name
from detector.terminal.nights import (
    NIGHT_HELP,
    SimulatedOption,
    evenings_named,
    first_evening,
    kept_nights,
)
from detector.words.phrases import NOTICE, counted

if TYPE_CHECKING:
    from detector.config import Settings
    from detector.service.persistence.kept_nights import KeptNight, KeptNights
    from detector.terminal.output import Output


def purge(
    ctx: typer.Context,
    nights: Annotated[
        list[str] | None,
        typer.Argument(metavar="NIGHT…", help=NIGHT_HELP, show_default=False),
    ] = None,
    *,
    older_than: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="All nights before this evening; 90d: before so long."),
    ] = None,
    recordings: Annotated[
        bool,
        typer.Option("--recordings", help="Recordings alone: events and what was said stay."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    simulated: SimulatedOption = False,
) -> None:
    """Delete nights for good: recordings, events, alerts, and what people said.

    It says what it will delete and asks. The present night is never deleted. While a night runs,
    only recordings can be deleted.
    """
    call = Invocation.of(ctx)
    if bool(nights) == (older_than is not None):
        raise UsageError("Name the nights, or --older-than for all before one.")
    settings = call.configuration().settings
    kept = kept_nights(settings, simulated=simulated)
    kept_from = _current(settings, kept)
    if older_than is not None:
        now = datetime.now(UTC).astimezone(settings.wearer.zone)
        before = first_evening(older_than, now, option="--older-than")
        evenings = [each for each in kept.evenings() if each < min(before, kept_from)]
    else:
        evenings = evenings_named(nights or [], kept)
        late = [each for each in evenings if each >= kept_from]
        if late:
            raise UsageError(f"The night of {late[0]} is the present one: it is never deleted.")
    found = [kept.night(each) for each in evenings]
    if not found:
        call.out.say("No night is so old: nothing was deleted.")
        return
    _list(found, call.out, recordings=recordings)
    if not yes and not _confirmed(call.out, len(found), recordings=recordings):
        call.out.say("Nothing was deleted.")
        raise typer.Exit(1)
    _delete(found, kept, call.out, settings, recordings=recordings)
    if not call.out.json:
        call.out.say(NOTICE)


def _current(settings: Settings, kept: KeptNights) -> date:
    """Return the first evening that must stay: this one, and that of a night that runs on."""
    from detector.evenings import evening_of
    from detector.supervision.present import present

    tonight = evening_of(datetime.now(UTC), settings.wearer.zone)
    if not present(settings.data_dir, os.environ).runs:
        return tonight
    return min([tonight, *kept.evenings()[-1:]])


def _list(nights: Sequence[KeptNight], out: Output, *, recordings: bool) -> None:
    for night in nights:
        size = sum(path.stat().st_size for path in night.recordings if path.exists())
        if out.json:
            body = {
                "night": night.evening.isoformat(),
                "recordings": [path.name for path in night.recordings],
                "bytes": size,
                "events": 0 if recordings else len(night.events),
            }
            out.data(plain_json.line(body))
            continue
        what = f"{counted(len(night.recordings), 'recording')} ({size / 1e6:.1f} MB)"
        more = "" if recordings else f", {counted(len(night.events), 'event')} and what was said"
        out.data(f"{night.evening}   {what}{more}")


def _confirmed(out: Output, count: int, *, recordings: bool) -> bool:
    """Ask; where nobody can answer, that is no."""
    if out.json or not sys.stdin.isatty():
        out.say("To delete without being asked: --yes.")
        return False
    what = "the recordings of" if recordings else ""
    out.say(f"There is no undo. To keep a copy first: {program_name()} backup FILE.zip")
    question = f"Delete {what} {counted(count, 'night')} for good?".replace("  ", " ")
    return typer.confirm(question, default=False, err=True)


def _delete(
    nights: Sequence[KeptNight],
    kept: KeptNights,
    out: Output,
    settings: Settings,
    *,
    recordings: bool,
) -> None:
    from detector.evenings import bounds
    from detector.service.persistence.retention import delete
    from detector.store.forgetting import forget

    told = ""
    if not recordings:  # first, as it may be in use: then nothing is deleted at all
        zone = settings.wearer.zone
        forgotten = forget(kept.state, [bounds(night.evening, zone) for night in nights])
        told = f" and {counted(forgotten.events, 'event')}"
    gone, trouble = delete([path for night in nights for path in night.recordings])
    out.say(f"Deleted: {counted(len(gone), 'recording')}{told}.")
    if trouble is not None:
        raise StorageError(f"{trouble}. The others are gone; give the command again.")
