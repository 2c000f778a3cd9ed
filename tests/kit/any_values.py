"""Values as hypothesis makes them: as hostile as their types allow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import strategies as st

from detector.alert import Alert, AlertClass, AlertState, Level
from detector.events import DetectorVersion, Event, EventContext, Kind, Origin, Phase, RecordingSpan
from detector.status import Snapshot, StateWord, Status, Vitals

wearers = st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=10, max_size=10)
words = st.text(min_size=1)  # surrogates, control characters and all
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
moments = st.integers(-(10**9), 10**9).map(lambda ms: NOON + timedelta(milliseconds=ms))
local = moments.map(lambda at: at.astimezone(timezone(timedelta(hours=-9, minutes=-30))))


def maybe(strategy: st.SearchStrategy) -> st.SearchStrategy:
    return st.none() | strategy


def events(numbers: st.SearchStrategy[float], text: st.SearchStrategy[str]) -> st.SearchStrategy:
    return st.builds(
        Event,
        id=st.text("0123456789abcdef", min_size=20, max_size=20),
        kind=st.sampled_from(Kind),
        phase=st.sampled_from(Phase),
        revision=st.integers(0, 9),
        onset_s=numbers,
        duration_s=numbers,
        onset=maybe(moments),
        end=maybe(moments),
        rhythm_hz=maybe(numbers),
        beats=maybe(st.integers(0, 10_000)),
        peak_g=maybe(numbers),
        rms_g=maybe(numbers),
        turn_deg=maybe(st.floats(0, 180)),
        confidence=st.floats(0, 1),
        grade=st.sampled_from([None, 1, 2, 3]),
        parts=maybe(st.tuples(st.sampled_from(Kind))),
        episode=maybe(st.text("0123456789abcdef", min_size=20)),
        cut_short=st.booleans(),
        context=maybe(st.sampled_from(EventContext)),
        reason=text,
        sensor=maybe(text),
        wearer=maybe(wearers),
        detector=maybe(st.builds(DetectorVersion, text, text, text)),
        source=st.sampled_from(Origin),
        recording=maybe(st.builds(RecordingSpan, text, st.integers(0), st.integers(0))),
    )


def alerts(text: st.SearchStrategy[str]) -> st.SearchStrategy:
    return st.builds(
        Alert,
        id=st.text("0123456789abcdef", min_size=20, max_size=20),
        episode=maybe(st.text("0123456789abcdef", min_size=20)),
        state=st.sampled_from(AlertState),
        alert_class=st.sampled_from(AlertClass),
        level=st.sampled_from(Level),
        kind=text,
        reason=text,
        rule=maybe(text),
        raised_at=maybe(moments),
        at=maybe(moments),
        at_s=maybe(st.floats(-1e5, 1e6)),
        by=maybe(text),
        source=st.sampled_from(Origin),
        wearer=maybe(wearers),
    )


def statuses(text: st.SearchStrategy[str]) -> st.SearchStrategy[Status]:
    return st.one_of(
        st.just(Status(StateWord.WATCHING)),
        st.builds(Status, st.just(StateWord.SPASM), kind=st.sampled_from(Kind)),
        st.builds(Status, st.just(StateWord.NO_SIGNAL), text),
        st.builds(Status, st.just(StateWord.PAUSED), until=local),
    )


anything = st.floats()
finite = st.floats(0, 1e6)
vitals = st.builds(
    Vitals,
    data_age_s=maybe(anything),
    rate_hz=maybe(anything),
    battery_percent=maybe(anything),
    battery_lasts_s=maybe(anything),
)
snapshots = st.builds(
    Snapshot,
    status=statuses(words),
    open_alerts=st.lists(alerts(words), max_size=2).map(tuple),
    since=maybe(local),
    counts=st.dictionaries(st.sampled_from(Kind), st.integers(0)),
    monitored_s=finite,
)
