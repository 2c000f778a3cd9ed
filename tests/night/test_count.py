"""Events are counted once, in their latest form; the likely spasms also by their context."""

from __future__ import annotations

import json
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from detector.events import Event, EventContext, Kind, Phase
from detector.night.count import REVISABLE, EventCount

LIKELY = {Kind.CLONUS, Kind.SPASM, Kind.TONIC}


def form(number: int, kind: Kind, phase: Phase) -> Event:
    """Make a form of an event, whose context is always the same."""
    return Event(
        id=f"{number:020}",
        kind=kind,
        phase=phase,
        onset_s=10.0 * number,
        duration_s=1.0,
        confidence=0.9,
        context=(None, *EventContext)[number % 4],
    )


nights = st.lists(
    st.builds(form, st.integers(0, 9), st.sampled_from(Kind), st.sampled_from(Phase)), max_size=40
)


@given(nights, st.integers(0, 40))
def test_a_night_is_counted_as_if_by_hand_and_over_restarts(night: list[Event], at: int) -> None:
    count, latest = EventCount(), dict[str, Event]()
    for number, event in enumerate(night):
        if number == at:
            saved, count = json.loads(json.dumps(count.save())), EventCount()
            count.load(saved)
        count.add(event)
        if event.phase is Phase.END:
            latest[event.id] = event
        elif event.kind is Kind.MOVEMENT:
            latest.pop(event.id, None)
    ended = Counter(event.kind for event in latest.values())
    contexts = Counter(event.context for event in latest.values() if event.kind in LIKELY)

    assert +count.counts == ended
    assert +count.contexts == contexts


def test_what_is_too_old_to_be_revised_still_counts() -> None:
    count = EventCount()
    for number in range(3 * REVISABLE):
        count.add(form(number, Kind.SPASM, Phase.END))
    again = EventCount()
    again.load(json.loads(json.dumps(count.save())))

    assert again.contexts == dict.fromkeys((None, *EventContext), 3 * REVISABLE // 4)
    assert len(json.dumps(count.save())) < 100 * REVISABLE


def test_a_night_that_was_saved_without_contexts_goes_on() -> None:
    count, again = EventCount(), EventCount()
    count.add(form(1, Kind.SPASM, Phase.END))
    saved = count.save()
    del saved["contexts"], saved["older_contexts"]
    again.load(saved)

    assert again.counts == {Kind.SPASM: 1}
    assert +again.contexts == {None: 1}
