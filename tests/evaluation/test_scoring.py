"""Laws of scoring: order and clock do not matter, perfection is 1, a false event never helps."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.evaluation.matching import (
    LOGGED,
    NO_CONTEXT,
    Context,
    FoundEvent,
    Matching,
    ScoredRecording,
    Truth,
    score_recording,
)
from detector.evaluation.scoring import MISSED, NOTHING, summarise
from detector.events import SPASM_FAMILY, Kind

from .scored import END_S, WHOLE, law, scored

RULE = Matching()

# Times on a quarter of a second are exact in binary, so that shifting them changes no bit.
times = st.integers(0, 1100).map(lambda quarter: quarter / 4)
durations = st.integers(1, 40).map(lambda quarter: quarter / 4)
kinds = st.sampled_from(Kind)


@st.composite
def truths(draw: st.DrawFn) -> Truth:
    onset_s = draw(times)
    return Truth(
        onset_s=onset_s,
        end_s=onset_s + draw(durations),
        kind=draw(kinds),
        parts=draw(st.sampled_from([(), (Kind.SPASM, Kind.CLONUS)])),
        rhythm_hz=draw(st.sampled_from([None, 5.0, 6.5])),
    )


@st.composite
def events(draw: st.DrawFn) -> FoundEvent:
    onset_s = draw(times)
    return FoundEvent(
        onset_s=onset_s,
        end_s=onset_s + draw(durations),
        kind=draw(kinds),
        confidence=draw(st.sampled_from([0.25, 0.5, 0.75, 1.0])),
        rhythm_hz=draw(st.sampled_from([None, 5.5])),
        said_s=onset_s + draw(durations),
    )


@st.composite
def contexts(draw: st.DrawFn) -> Context:
    onset_s = draw(times)
    label = draw(st.sampled_from(["walking", "asleep", "brushing"]))
    return Context(onset_s=onset_s, end_s=onset_s + 4 * draw(durations), label=label)


many_truths = st.lists(truths(), max_size=8)
many_events = st.lists(events(), max_size=10)
many_contexts = st.lists(contexts(), max_size=4)


@law
@given(many_truths, many_events, many_contexts, st.randoms())
def test_order_changes_nothing(happened, found, around, random):
    before = scored(happened, found, around)
    for items in (happened, found, around):
        random.shuffle(items)
    assert before == scored(happened, found, around)


@law
@given(many_truths, many_events, many_contexts, st.integers(-400, 4000))
def test_setting_every_clock_forward_changes_nothing(happened, found, around, quarters):
    shift_s = quarters / 4

    def later(item):
        moved = {"onset_s": item.onset_s + shift_s, "end_s": item.end_s + shift_s}
        if isinstance(item, FoundEvent):
            moved["said_s"] = item.said_s + shift_s
        return replace(item, **moved)

    moved = scored(
        *([later(item) for item in items] for items in (happened, found, around)),
        monitored=[(shift_s, END_S + shift_s)],
    )
    assert scored(happened, found, around) == moved


@law
@given(many_truths.filter(bool), many_contexts)
def test_a_perfect_detector_scores_one(happened, around):
    found = [
        FoundEvent(
            onset_s=t.onset_s,
            end_s=t.end_s,
            kind=t.kind,
            confidence=1.0,
            rhythm_hz=t.rhythm_hz,
            said_s=t.onset_s,
        )
        for t in happened
    ]
    score = scored(happened, found, around)
    for share in (score.named, score.seen, score.precision, *(k.named for k in score.kinds)):
        assert share.hits == share.of
    assert score.false.count == score.false_twitches.count == 0
    assert NOTHING not in score.confusion
    assert all(MISSED not in row for row in score.confusion.values())
    assert score.calibration is None or score.calibration.ece == 0
    if not any(t.parts for t in happened):
        errors = [(k.onset_error_s, k.offset_error_s, k.rhythm_error_hz) for k in score.kinds]
        assert all(not each.p90 for kind in errors for each in kind)


@law
@given(many_truths)
def test_finding_nothing_scores_zero_and_alarms_nobody(happened):
    score = scored(happened, [])
    assert score.named.hits == score.seen.hits == score.false.count == 0
    assert all(set(row) == {MISSED} for row in score.confusion.values())


@law
@given(many_truths, many_events, events())
def test_a_false_event_that_stands_alone_adds_itself_and_never_raises_precision(
    happened, found, extra
):
    far_s = 400.0  # beyond all others
    lone = replace(extra, onset_s=far_s, end_s=far_s + 2, said_s=far_s + 1)
    monitored = [(0.0, 500.0)]
    before = scored(happened, found, monitored=monitored)
    after = scored(happened, [*found, lone], monitored=monitored)
    assert after.false.count - before.false.count == (lone.kind in LOGGED)
    assert after.false_twitches.count - before.false_twitches.count == (lone.kind is Kind.TWITCH)
    assert (after.named, after.seen, after.kinds) == (before.named, before.seen, before.kinds)
    assert (after.precision.value or 0) <= (before.precision.value or 1)
    if lone.kind in LOGGED and before.precision.hits:
        assert after.precision.value < before.precision.value


@law
@given(many_truths, many_events, events())
def test_another_event_never_lowers_what_was_found(happened, found, extra):
    before, after = scored(happened, found), scored(happened, [*found, extra])
    assert after.named.hits >= before.named.hits
    assert after.seen.hits >= before.seen.hits


@law
@given(many_truths, many_events)
def test_an_event_in_two_pieces_less_than_a_second_apart_counts_as_one(happened, found):
    pieces = [
        piece
        for event in found
        for piece in (
            replace(event, end_s=event.onset_s + (event.end_s - event.onset_s) / 4),
            replace(event, onset_s=event.end_s - (event.end_s - event.onset_s) / 2),
        )
        if event.end_s - event.onset_s <= 3
    ]
    whole = [event for event in found if event.end_s - event.onset_s <= 3]
    one, two = scored(happened, whole), scored(happened, pieces)
    assert (one.named, one.seen, one.precision) == (two.named, two.seen, two.precision)
    assert (one.false, one.confusion) == (two.false, two.confusion)


def slow_twin(happened: list[Truth], found: list[FoundEvent]) -> tuple[int, int, int, int]:
    """Truths named, truths seen, alarms and twitches on no likely spasm; nothing is merged."""

    def meet(truth: Truth, event: FoundEvent) -> bool:
        return event.onset_s < truth.end_s + 1.0 and event.end_s > truth.onset_s - 0.5

    named = seen = false = twitches = 0
    for truth in happened:
        if truth.kind in SPASM_FAMILY and (
            truth.kind is not Kind.CLONUS or truth.end_s - truth.onset_s >= 1.2
        ):
            over = [event.kind for event in found if meet(truth, event)]
            named += any(kind is truth.kind or kind in truth.parts for kind in over)
            seen += any(kind in SPASM_FAMILY for kind in over)
    for event in found:
        if not any(meet(t, event) for t in happened if t.kind in SPASM_FAMILY):
            false += event.kind in (Kind.CLONUS, Kind.SPASM, Kind.TONIC)
            twitches += event.kind is Kind.TWITCH
    return named, seen, false, twitches


@law
@given(many_truths, many_events)
def test_the_quick_way_counts_as_the_slow_one(happened, found):
    # Far less than any distance on the quarter-second grid: touching is not merged.
    score = scored(happened, found, matching=replace(RULE, merge_s=-1e9))
    assert slow_twin(happened, found) == (
        score.named.hits,
        score.seen.hits,
        score.false.count,
        score.false_twitches.count,
    )


@law
@given(many_truths, many_events, many_contexts)
def test_every_truth_and_event_has_its_place_and_every_second_is_counted(happened, found, around):
    outcome = score_recording(happened, found, around, monitored=WHOLE)
    score = summarise([outcome])
    rows = {row: sum(columns.values()) for row, columns in score.confusion.items()}
    assert rows.pop(NOTHING, 0) == sum(event.lone for event in outcome.found)
    assert sum(rows.values()) == len(outcome.truths)
    assert sum(c.false.count for c in score.contexts) in (score.false.count, 0)
    assert outcome.monitored_s == END_S
    assert 0 <= outcome.context_s[NO_CONTEXT] <= END_S


@law
@given(many_truths, many_events, many_contexts)
def test_what_is_skipped_is_not_scored_but_told(happened, found, around):
    everything = [*around, Context(onset_s=0.0, end_s=500.0, label="unknown")]
    score = scored(happened, found, everything, skip=["unknown"])
    assert score.hours == score.named.of == score.false.count == 0
    told = {context.label: context for context in score.contexts}
    if found:
        assert sum(told["unknown"].by_kind.values()) > 0


@law
@given(st.lists(st.tuples(many_truths, many_events), min_size=1, max_size=4), st.randoms())
def test_recordings_add_up_in_any_order(nights, random):
    outcomes: list[ScoredRecording] = [
        score_recording(happened, found, monitored=WHOLE, subject=str(i))
        for i, (happened, found) in enumerate(nights)
    ]
    together = summarise(outcomes)
    apart = [summarise([outcome]) for outcome in outcomes]
    assert together.false.count == sum(score.false.count for score in apart)
    assert together.named.hits == sum(score.named.hits for score in apart)
    assert together.hours == pytest.approx(END_S / 3600 * len(nights))
    random.shuffle(outcomes)
    assert together == summarise(outcomes)
