"""`spasmwatch events`: what was found in earlier nights, as it is kept."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from detector.events import Kind
from detector.terminal.invocation import Invocation, UsageError
from detector.terminal.nights import (
    NIGHT_HELP,
    SimulatedOption,
    damage_words,
    evenings_named,
    first_evening,
    kept_nights,
)
from detector.words.phrases import NOTICE, event_line, summary

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from detector.service.persistence.kept_nights import KeptNight
    from detector.terminal.output import Output


def events(
    ctx: typer.Context,
    night: Annotated[
        str | None,
        typer.Argument(metavar="NIGHT", help=NIGHT_HELP, show_default="last"),
    ] = None,
    *,
    kind: Annotated[
        list[Kind] | None, typer.Option(help="Only events of this kind; may be given again.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="All nights from this evening on; 7d: of seven days."),
    ] = None,
    csv: Annotated[
        bool, typer.Option("--csv", help="A table for spreadsheets, with a header line.")
    ] = False,
    simulated: SimulatedOption = False,
) -> None:
    """Show the events of a night, each once, in its final form, with what people said it was.

    They are read as they are kept; a night that runs is not disturbed. With --json one event/1 on
    each line, as `detect --json` prints them.
    """
    call = Invocation.of(ctx)
    if night is not None and since is not None:
        raise UsageError("Name one NIGHT, or --since for all from one on.")
    if csv and call.out.json:
        raise UsageError("--csv and --json are two forms of the same: choose one.")
    settings = call.configuration().settings
    nights = kept_nights(settings, simulated=simulated)
    if since is None:
        evenings = evenings_named([night] if night else [], nights)
    else:
        zone = settings.wearer.zone
        first = first_evening(since, datetime.now(UTC).astimezone(zone))
        evenings = [each for each in nights.evenings() if each >= first]
    found = [nights.night(each) for each in evenings]
    _show(found, frozenset(kind or Kind), call.out, settings.wearer.zone, csv=csv)
    for each in found:
        if each.damaged:
            call.out.say(damage_words(each))
    if since is not None and not found:
        call.out.say(f"No night is kept from {first} on.")
    if not call.out.json:
        call.out.say(NOTICE)


def _show(
    nights: Sequence[KeptNight],
    kinds: frozenset[Kind],
    out: Output,
    zone: tzinfo | None,
    *,
    csv: bool,
) -> None:
    from detector.events import to_json
    from detector.store.formats.event_table import csv_lines
    from detector.web.history.nights import title

    labels = {name: label for night in nights for name, label in night.labels.items()}
    chosen = [[event for event in night.events if event.kind in kinds] for night in nights]
    if csv:
        said = {name: label.words for name, label in labels.items()}
        sys.stdout.writelines(csv_lines([event for few in chosen for event in few], said))
        return
    for night, few in zip(nights, chosen, strict=True):
        if out.json:
            for event in few:
                out.data(to_json(event))
            continue
        out.data(title(night.evening))
        for event in few:
            label = labels.get(event.id)
            out.data(event_line(event, zone) + (f" [{label.words}]" if label else ""))
        out.data(summary(few))
