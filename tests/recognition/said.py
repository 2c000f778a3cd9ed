"""What sensors say, made up for the tests of fusion."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from detector.events import (
    SPASM_FAMILY,
    Event,
    EventContext,
    Kind,
    Phase,
    event_id,
    grade_of,
    relabelled,
    to_dict,
)
from detector.recognition.events.fusion import Fusion
from detector.recognition.rules.reason import Reason, because

MIDNIGHT = datetime(2026, 11, 21, tzinfo=UTC)
SENSORS = ("left-calf", "right-calf", "thigh")


def event(sensor, kind, onset_s, duration_s, phase=Phase.END, **values) -> Event:
    """What one sensor's detector says; recordings begin at midnight."""
    onset_s, duration_s = round(onset_s, 3), round(duration_s, 3)
    identity = values.pop("id", None) or event_id(None, sensor, None, round(onset_s * 1000))
    return Event(
        **{
            "id": identity,
            "kind": kind,
            "phase": phase,
            "onset_s": onset_s,
            "duration_s": duration_s,
            "onset": MIDNIGHT + timedelta(milliseconds=round(onset_s * 1000)),
            "end": MIDNIGHT + timedelta(milliseconds=round((onset_s + duration_s) * 1000)),
            "peak_g": 0.3,
            "confidence": 0.8,
            "grade": grade_of(duration_s) if kind in (Kind.CLONUS, Kind.SPASM) else None,
            "episode": identity if kind in SPASM_FAMILY else None,
            "context": (None, *EventContext)[sum(map(ord, identity)) % 4],
            "facts": because(Reason.WALK),
            "sensor": sensor,
            **values,
        }
    )


def left(kind, onset_s, duration_s, phase=Phase.END, **values) -> Event:
    return event("left-calf", kind, onset_s, duration_s, phase, **values)


def right(kind, onset_s, duration_s, phase=Phase.END, **values) -> Event:
    return event("right-calf", kind, onset_s, duration_s, phase, **values)


def tell(words, fusion=None) -> list[Event]:
    fusion = fusion or Fusion()
    return [said for word in words for said in fusion.process(word)]


def only(events) -> Event:
    assert len(events) == 1
    return events[0]


@st.composite
def life(draw, sensor: str, onset_s: float) -> list[Event]:
    """One event from its first word to its last form; the onset may be refined at the end."""
    kind = draw(st.sampled_from(list(Kind)))
    lengths = sorted(draw(st.lists(st.integers(1, 12_000), min_size=1, max_size=3, unique=True)))
    end = event(sensor, kind, onset_s, lengths[-1] / 1000, peak_g=draw(st.floats(0, 4)))
    if kind not in SPASM_FAMILY:
        return [end]
    first = draw(st.sampled_from([Kind.SPASM, kind]))
    words = [
        event(sensor, first, onset_s, ms / 1000, phase)
        for ms, phase in zip(lengths, [Phase.START, Phase.UPDATE], strict=False)
    ]
    later = draw(st.sampled_from([0, 0, 200, -200])) / 1000
    moved = event(sensor, kind, onset_s + later, end.duration_s, id=end.id)
    words.append(replace(moved, revision=int(kind is not first)))
    if draw(st.booleans()):
        series = relabelled(words[-1], Kind.PLM, because(Reason.PERIODIC, interval_s=30.0))
        words.append(replace(series, episode=None, grade=None))
    return words


@st.composite
def stream(draw, sensor: str) -> list[Event]:
    """What one sensor says: events one after the other, revisions up to three events late."""
    now_s, words, late = draw(st.integers(0, 8000)) / 1000, [], []
    for _ in range(draw(st.integers(0, 4))):
        said = draw(life(sensor, now_s))
        revised = said[-1].kind is Kind.PLM and len(said) > 1
        words += said[:-1] if revised else said
        late += said[-1:] if revised else []
        if len(late) > 2:
            words, late = words + late, []
        now_s = said[-1].end_s + 0.5 + draw(st.integers(0, 6000)) / 1000
    return words + late


@st.composite
def nights(draw, sensors=SENSORS) -> list[list[Event]]:
    return [draw(stream(sensor)) for sensor in sensors]


def interleaved(streams, data) -> list[Event]:
    """Any arrival order that keeps each sensor's own."""
    left_over = [list(each) for each in streams]
    order = data.draw(st.permutations([i for i, each in enumerate(streams) for _ in each]))
    return [left_over[i].pop(0) for i in order]


def substance(events) -> list[str]:
    """What was found, apart from the path to it: whose id, how many revisions, episode's name."""
    plain = [replace(e, id="", revision=0, episode=None) for e in events]
    return sorted(json.dumps(to_dict(e)) for e in plain)
