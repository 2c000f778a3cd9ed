"""`spasmwatch alerts budget`: how often somebody is woken, and what fewer wakes would cost."""

from __future__ import annotations

from typing import Annotated

import typer

from detector.terminal.invocation import Invocation

NO_NIGHT = "No night was watched yet. Watch some with `spasmwatch run`, then ask again."


def budget(
    ctx: typer.Context,
    *,
    per_week: Annotated[
        float, typer.Option(min=0.0, max=70.0, metavar="N", help="How often somebody may be woken.")
    ] = 1.0,
) -> None:
    """Try other thresholds of your wake rules on the nights that were watched.

    It tells how often each choice would have woken somebody, and how much of what people labelled
    a spasm it would still have told. Nothing is changed. While `run` watches, it cannot be asked.
    """
    from contextlib import closing

    from detector import plain_json
    from detector.alerts.budget import propose
    from detector.alerts.rules import parse_rules
    from detector.errors import RecordingNotFoundError
    from detector.events import Origin
    from detector.service.persistence.places import DataFolder
    from detector.service.persistence.watched_nights import watched_nights
    from detector.store.state import State
    from detector.words.budget import budget_json, budget_lines

    call = Invocation.of(ctx)
    settings = call.configuration({}).settings
    place = DataFolder.of(settings.data_dir, Origin.LIVE)
    if not place.state.exists():
        raise RecordingNotFoundError(f"{NO_NIGHT} There is no {place.state}")
    with closing(State.open(place.state)) as state:
        known = watched_nights(state, place.nights)
    if not known.events:
        raise RecordingNotFoundError(f"{NO_NIGHT} {place.state} has no events")
    rules = parse_rules(settings.alerts.wake_for)
    found = propose(known.events, known.labels, rules, wakes_a_week=per_week)
    if call.out.json:
        call.out.data(plain_json.line(budget_json(found, per_week)))
        return
    for line in budget_lines(found, per_week):
        call.out.data(line)
