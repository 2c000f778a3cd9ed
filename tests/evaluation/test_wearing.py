"""How long a wearer rested: the time that events are counted by is the time that they began in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.block import Block
from detector.evaluation.matching import FoundEvent, score_recording
from detector.evaluation.scoring import summarise
from detector.evaluation.spans import Measure
from detector.evaluation.wearing import NOT_KNOWN, context_hours, spent
from detector.events import Event, EventContext, Kind, Phase, final_forms
from detector.recognition.events.context import REST_S
from detector.recognition.pipeline import Watcher
from firmware_sim.motion import scenario

from .scored import law, scored

found_events = st.lists(
    st.builds(
        lambda onset_s, length_s, kind, began: FoundEvent(
            onset_s=onset_s, end_s=onset_s + length_s, kind=kind, began=began
        ),
        st.floats(0, 280),
        st.floats(0.1, 20),
        st.sampled_from(Kind),
        st.none() | st.sampled_from(EventContext),
    ),
    max_size=8,
)
monitored_spans = st.lists(
    st.tuples(st.floats(0, 2000), st.floats(1, 900)).map(lambda at: (at[0], at[0] + at[1])),
    min_size=1,
    max_size=4,
)


@law
@given(found_events, monitored_spans)
def test_each_moment_that_was_watched_has_one_context(found, monitored) -> None:
    parts = [Measure(spans) for spans in spent(found, monitored).values()]

    assert sum(part.total for part in parts) == pytest.approx(Measure(monitored).total)
    for number, part in enumerate(parts):
        assert all(part.shared(other) == 0 for other in parts[number + 1 :])


@pytest.mark.parametrize("seed", [3, 1003])
def test_events_lie_in_the_time_of_their_context(seed: int) -> None:
    samples = np.asarray(scenario("severe-night", seed=seed, duration_s=5400).samples)
    # A context is that of the first word; opinions may later say that it began before that.
    watcher = Watcher(model="rules-v1")
    said = watcher.process(Block(samples[:100_000], 0, 50.0))
    said += watcher.process(Block(samples[101_000:], 101_000, 50.0)) + watcher.finish()
    events = final_forms(said)
    found = [
        FoundEvent(onset_s=e.onset_s, end_s=e.end_s, kind=e.kind, began=e.context) for e in events
    ]
    spans = spent(found, [(0.0, 2000.0), (2020.0, 5400.0)])
    time = {name: Measure(of) for name, of in spans.items()}
    periodic = [e.onset_s for e in events if e.kind is Kind.PLM]

    assert {e.began for e in found} > {EventContext.RESTING, EventContext.RESTLESS}
    for event in found:
        name = NOT_KNOWN if event.began is None else event.began.value
        late = any(event.onset_s - REST_S < at <= event.onset_s for at in periodic)
        if event.onset_s > 0.1 and not late:  # a series is known by its fourth movement
            assert time[name].meets(event.onset_s - 0.1, event.onset_s)


def test_false_alarms_are_counted_by_the_time_in_their_context() -> None:
    turn = FoundEvent(onset_s=400, end_s=403, kind=Kind.TURN, began=EventContext.RESTING)
    early, late = (
        FoundEvent(onset_s=at_s, end_s=at_s + 2, kind=Kind.SPASM, began=began)
        for at_s, began in ((350, EventContext.RESTING), (500, EventContext.RESTLESS))
    )
    score = scored([], [early, turn, late], monitored=[(0.0, 1000.0)])
    rates = score.false_by_context

    assert {name: rate.count for name, rate in rates.items()} == {
        "resting": 1, "restless": 1, "up": 0, NOT_KNOWN: 0,
    }  # fmt: skip
    assert {name: round(3600 * rate.hours) for name, rate in rates.items()} == {
        "resting": 100 + 297, "restless": 303, "up": 0, NOT_KNOWN: 300,
    }  # fmt: skip


def test_a_detector_without_contexts_has_no_such_figures() -> None:
    event = FoundEvent(onset_s=350, end_s=352, kind=Kind.SPASM)
    scores = summarise([score_recording([], [event], monitored=[(0.0, 900.0)])])

    assert scores.false_by_context == {}


def test_hours_by_context_are_all_that_were_monitored_and_not_known_counts_as_rest():
    events = [
        Event(
            id="a", kind=Kind.TURN, phase=Phase.END, onset_s=2000.0, duration_s=10.0,
            confidence=0.9, context=EventContext.RESTING,
        )
    ]  # fmt: skip
    hours = context_hours(events, [(0.0, 3600.0), (4000.0, 4100.0)])

    assert sum(hours.values()) == pytest.approx(3700 / 3600)
    assert hours[EventContext.RESTLESS] == pytest.approx((10 + REST_S) / 3600)
    assert hours[EventContext.UP] == 0.0
