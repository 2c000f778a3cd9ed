"""The public vocabulary survives being written and read, and says nothing it must not."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.block import Block, Timebase
from detector.events import (
    LONGEST_FACTS,
    SHARE_NAMES,
    DetectorVersion,
    Event,
    EventContext,
    Kind,
    Origin,
    Phase,
    RecordingSpan,
    final_forms,
    from_dict,
    grade_of,
    relabelled,
    to_dict,
    to_json,
)

YOUNGER = ("facts", "held_back", "context", "shares")

seconds = st.floats(0, 1e6).map(lambda value: round(value, 3))
moments = st.none() | st.datetimes(
    datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)
).map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000))
facts = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-1e6, 1e6) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=6,
)
events = st.builds(
    Event,
    id=st.text(),
    kind=st.sampled_from(Kind),
    phase=st.sampled_from(Phase),
    revision=st.integers(0, 9),
    onset_s=seconds,
    duration_s=seconds,
    onset=moments,
    end=moments,
    rhythm_hz=st.none() | st.floats(0, 10),
    beats=st.none() | st.integers(0, 999),
    confidence=st.floats(0, 1),
    parts=st.none() | st.lists(st.sampled_from(Kind)).map(tuple),
    reason=st.text(min_size=1),
    context=st.none() | st.sampled_from(EventContext),
    held_back=st.none() | st.sampled_from(Kind),
    shares=st.none() | st.dictionaries(st.sampled_from(SHARE_NAMES), st.floats(0, 1)),
    facts=st.dictionaries(st.text(max_size=9), facts, max_size=4),
    sensor=st.none() | st.text(),
    source=st.sampled_from(Origin),
    detector=st.none() | st.builds(DetectorVersion, st.text(), st.text(), st.text()),
    recording=st.none() | st.builds(RecordingSpan, st.text(), st.integers(0), st.integers(0)),
)


@given(events)
def test_an_event_survives_its_json_but_for_hostile_text(event: Event) -> None:
    again = from_dict(json.loads(to_json(event)))
    assert to_json(again) == to_json(event)
    texts = [event.id, event.reason, event.sensor or "", *inner_texts(event)]
    if all(text.isprintable() for text in texts):
        assert again == event
    assert again.reason.isprintable()
    assert len(again.reason) == min(len(event.reason), 500)


def inner_texts(event: Event) -> list[str]:
    parts = [asdict(part) for part in (event.detector, event.recording) if part is not None]
    return [*(str(value) for part in parts for value in part.values()), *texts_in(event.facts)]


def texts_in(value: object) -> list[str]:
    """Every text of nested plain data, the keys included."""
    if isinstance(value, dict):
        return [*value, *(text for each in value.values() for text in texts_in(each))]
    if isinstance(value, list | tuple):
        return [text for each in value for text in texts_in(each)]
    return [value] if isinstance(value, str) else []


@given(events)
def test_every_field_of_the_contract_is_always_there_on_one_line(event: Event) -> None:
    line = to_json(event)

    assert "\n" not in line
    assert set(to_dict(event)) == {
        *("schema", "id", "kind", "phase", "revision", "onset_s", "duration_s", "onset", "end"),
        *("rhythm_hz", "beats", "peak_g", "rms_g", "turn_deg", "confidence", "grade", "parts"),
        *("episode", "cut_short", "context", "held_back", "shares", "reason", "facts"),
        *("sensor", "wearer"),
        *("detector", "source", "recording"),
    }


def test_what_is_no_number_is_written_as_unknown() -> None:
    event = Event(
        id="a", kind=Kind.SPASM, phase=Phase.END, onset_s=0, duration_s=1,
        confidence=float("nan"), reason="",
    )  # fmt: skip

    assert json.loads(to_json(event))["confidence"] is None


@pytest.mark.parametrize("broken", [{}, {"schema": "event/2"}, {"schema": "event/1", "id": "x"}])
def test_a_foreign_object_is_refused_in_one_sentence(broken: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="event/1"):
        from_dict(broken)


@given(st.lists(events, max_size=12))
def test_final_forms_hold_each_ended_event_once_in_order(said: list[Event]) -> None:
    final = final_forms(said)

    assert [e.onset_s for e in final] == sorted(e.onset_s for e in final)
    assert len({e.id for e in final}) == len(final)
    assert all(e.phase is Phase.END for e in final)


@given(events)
def test_a_later_insight_is_a_revision_of_the_same_event(event: Event) -> None:
    revised = relabelled(event, Kind.PLM, {"reason": "periodic"})

    assert (event.id, event.revision + 1, Kind.PLM) == (revised.id, revised.revision, revised.kind)
    with pytest.raises(ValueError, match="facts and no reason"):
        to_json(revised)


@given(events)
def test_what_the_first_release_wrote_is_read_without_facts(event: Event) -> None:
    old = {name: value for name, value in to_dict(event).items() if name not in YOUNGER}

    assert from_dict(old) == replace(event, facts={}, held_back=None, context=None, shares=None)


@pytest.mark.parametrize(
    "facts", [None, "because", ["spasm"], {"peak_g": float("nan")}, {"text": "x" * LONGEST_FACTS}]
)
def test_facts_that_recognition_would_not_make_are_refused(facts: object) -> None:
    event = Event(id="a", kind=Kind.TURN, phase=Phase.END, onset_s=0, duration_s=1, confidence=1)

    with pytest.raises(ValueError, match=r"facts|JSON"):
        from_dict(to_dict(event) | {"facts": facts})


def test_grades_are_the_scats_bins() -> None:
    assert [1, 2, 2, 3] == [grade_of(duration_s) for duration_s in (2.9, 3.0, 10.0, 10.1)]


def test_a_timebase_counts_from_its_epoch() -> None:
    base = Timebase(52.0, epoch_ns=1_700_000_000_000_000_000)

    assert base.at_s(1.5) == datetime.fromtimestamp(1_700_000_000, UTC) + timedelta(seconds=1.5)
    assert Timebase(52.0).at_s(1.5) is None


def test_a_block_is_valid_from_birth_and_cannot_be_changed() -> None:
    block = Block(np.zeros((4, 3)), 10, 50.0)
    with pytest.raises(ValueError, match="read-only"):
        block.samples[0, 0] = 1.0
    for samples, start, fs in ((np.zeros((4, 2)), 0, 50.0), (np.zeros((4, 3)), -1, 50.0)):
        with pytest.raises(ValueError, match=r"shape|start"):
            Block(samples, start, fs)
    with pytest.raises(ValueError, match="fs"):
        Block(np.zeros((4, 3)), 0, float("nan"))
