"""Laws of scoring: order and clock do not matter, perfection is 1, a false event never helps."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.evaluation.matching import (
    LOGGED,
    NO_CONTEXT,
    Context,
    Found,
    Matching,
    Outcome,
    Truth,
    score_recording,
)
from detector.evaluation.scoring import MISSED, NOTHING, Score, calibrate, summarise
from detector.events import SPASM_FAMILY, Kind

END_S = 300.0
WHOLE = [(0.0, END_S)]
RULE = Matching()
law = settings(max_examples=25, deadline=None)  # an example holds up to 22 stretches

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
def events(draw: st.DrawFn) -> Found:
    onset_s = draw(times)
    return Found(
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


def scored(happened, found, around=(), *, monitored=WHOLE, **how) -> Score:
    return summarise([score_recording(happened, found, around, monitored=monitored, **how)])


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
        if isinstance(item, Found):
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
        Found(
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


def slow_twin(happened: list[Truth], found: list[Found]) -> tuple[int, int, int, int]:
    """Truths named, truths seen, alarms and twitches on no likely spasm; nothing is merged."""

    def meet(truth: Truth, event: Found) -> bool:
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
    outcomes: list[Outcome] = [
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


def event(kind: Kind, onset_s: float, end_s: float, **facts) -> Found:
    return Found(kind=kind, onset_s=onset_s, end_s=end_s, **facts)


def truth(kind: Kind, onset_s: float, end_s: float, **facts) -> Truth:
    return Truth(kind=kind, onset_s=onset_s, end_s=end_s, **facts)


@pytest.mark.parametrize(
    ("onset_s", "end_s", "meets"),
    [(9.0, 9.5, False), (9.0, 9.6, True), (13.0, 14.0, False), (12.9, 14.0, True)],
)
def test_the_tolerance_is_half_a_second_before_and_one_after(onset_s, end_s, meets):
    score = scored([truth(Kind.SPASM, 10, 12)], [event(Kind.SPASM, onset_s, end_s)])
    assert score.named.hits == meets
    assert score.false.count == (not meets)


@pytest.mark.parametrize(
    ("called", "named", "seen"),
    [
        (Kind.CLONUS, 1, 1),
        (Kind.SPASM, 1, 1),
        (Kind.TWITCH, 0, 1),
        (Kind.MOVEMENT, 0, 0),
    ],
)
def test_a_mixed_spasm_is_named_right_by_any_of_its_parts(called, named, seen):
    mixed = truth(Kind.CLONUS, 10, 15, parts=(Kind.SPASM, Kind.CLONUS))
    score = scored([mixed], [event(called, 11, 12)])
    assert (score.named.hits, score.seen.hits) == (named, seen)


def test_a_clonus_too_short_for_the_bar_is_counted_apart_and_excuses_an_alarm():
    score = scored([truth(Kind.CLONUS, 10, 11)], [event(Kind.CLONUS, 10, 11)])
    assert score.named.of == 0
    assert score.short_clonus is not None
    assert score.short_clonus.named.hits == 1
    assert score.false.count == 0
    assert score.precision.hits == 1


def test_an_alarm_on_a_twitch_is_not_false_and_a_false_twitch_is_no_false_alarm():
    score = scored(
        [truth(Kind.TWITCH, 10, 10.3)],
        [event(Kind.SPASM, 10, 10.5), event(Kind.TWITCH, 50, 50.3)],
    )
    assert score.false.count == 0
    assert score.false_twitches.count == 1
    assert score.confusion == {"twitch": {"spasm": 1}, NOTHING: {"twitch": 1}}


def test_false_alarms_belong_to_what_went_on_most_and_most_exactly():
    around = [
        Context(onset_s=0, end_s=100, label="in bed"),
        Context(onset_s=50, end_s=60, label="scratching"),
    ]
    score = scored(
        [truth(Kind.TREMOR, 80, 90, manner="rest")],
        [event(Kind.SPASM, at, at + 1) for at in (20, 55, 82, 200)],
        around,
    )
    assert {c.label: c.false.count for c in score.contexts} == {
        "in bed": 1,
        "scratching": 1,
        "tremor (rest)": 1,
        NO_CONTEXT: 1,
    }
    assert {c.label: round(3600 * c.hours) for c in score.contexts} == {
        "in bed": 100,
        "scratching": 10,
        "tremor (rest)": 10,
        NO_CONTEXT: 200,
    }
    flagged = {c.label: c.flagged.hits for c in score.contexts}
    assert flagged == {"in bed": 1, "scratching": 1, "tremor (rest)": 1, NO_CONTEXT: 0}


def test_a_truth_in_a_gap_is_not_missed_and_a_gap_is_not_monitored():
    outcome = score_recording(
        [truth(Kind.SPASM, 20, 22), truth(Kind.SPASM, 31, 33), truth(Kind.SPASM, 500, 501)],
        [],
        monitored=[(0.0, 10.0), (32.0, 42.0)],
    )
    assert outcome.monitored_s == 20
    assert [t.kind for t in outcome.truths] == [Kind.SPASM]
    assert outcome.outside == 2


@pytest.mark.parametrize(
    ("onset_s", "end_s", "counts"),
    [
        (9.9, 12, True),
        (10, 12, False),
        (30, 32, False),
        (30, 32.1, True),
        (5, 5, True),
        (0, 0, True),
    ],
)
def test_a_truth_counts_if_any_of_it_was_recorded(onset_s, end_s, counts):
    outcome = score_recording(
        [truth(Kind.SPASM, onset_s, end_s)], [], monitored=[(0.0, 10.0), (32.0, 42.0)]
    )
    assert len(outcome.truths) == counts


def test_of_events_that_count_as_one_the_first_word_and_the_last_moment_count():
    found = [
        event(Kind.CLONUS, 10, 20, said_s=13),
        event(Kind.CLONUS, 12, 13, said_s=12.5),
        event(Kind.CLONUS, 20.5, 22, said_s=21),
    ]
    (kind,) = scored([truth(Kind.CLONUS, 10, 21)], found).kinds
    assert kind.latency_s.p50 == pytest.approx(2.5)
    assert (kind.onset_error_s.p50, kind.offset_error_s.p50) == (0, 1)
    inner = scored([truth(Kind.CLONUS, 18, 19.5)], found[:2])
    assert inner.named.hits == 1


def test_latency_runs_to_the_first_word_of_a_likely_spasm():
    found = [
        event(Kind.MOVEMENT, 10, 12, said_s=10.1),
        event(Kind.TWITCH, 10, 10.4, said_s=10.9),
        event(Kind.CLONUS, 10.2, 14.5, said_s=11.5, rhythm_hz=5.5),
    ]
    score = scored([truth(Kind.CLONUS, 10, 14, rhythm_hz=6.0)], found)
    (kind,) = score.kinds
    assert kind.latency_s.p50 == pytest.approx(0.9)
    assert kind.onset_error_s.p50 == pytest.approx(0.2)
    assert kind.offset_error_s.p50 == pytest.approx(0.5)
    assert kind.rhythm_error_hz.p50 == pytest.approx(0.5)


def test_only_the_kinds_that_were_asked_for_are_scored():
    happened = [truth(Kind.CLONUS, 10, 14), truth(Kind.SPASM, 50, 52)]
    found = [event(Kind.CLONUS, 10, 14), event(Kind.SPASM, 80, 82), event(Kind.CLONUS, 90, 95)]
    outcome = score_recording(happened, found, monitored=WHOLE)
    score = summarise([outcome], kinds=[Kind.CLONUS])
    assert [k.kind for k in score.kinds] == [Kind.CLONUS]
    assert (score.named.hits, score.named.of) == (1, 1)
    assert (score.false.count, list(score.false_by_kind)) == (1, [Kind.CLONUS])


def test_clonus_in_movement_is_told_by_background_and_length():
    happened = [
        truth(Kind.CLONUS, at, at + length_s, background_ratio=ratio)
        for at, length_s, ratio in ((10, 2, 0.1), (30, 2, 0.2), (50, 5, 2.0), (70, 1, 4.0))
    ]
    score = scored(happened, [event(Kind.CLONUS, 10, 12), event(Kind.CLONUS, 50, 52)])
    grid = {(b.ratio, b.duration_s): (b.named.hits, b.named.of) for b in score.buried}
    assert grid == {
        ((0.0, 0.3), (1.2, 3.0)): (1, 2),
        ((1.0, 3.0), (3.0, 10.0)): (1, 1),
        ((3.0, None), (0.0, 1.2)): (0, 1),
    }


def test_confidence_that_tells_the_truth_has_no_calibration_error():
    honest = [(0.25, i == 0) for i in range(4)] + [(0.75, i > 0) for i in range(4)]
    found = calibrate(honest)
    assert found is not None
    assert found.ece == pytest.approx(0)
    boastful = calibrate([(1.0, False)] * 5)
    assert boastful is not None
    assert boastful.ece == 1
    assert calibrate([]) is None


@law
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40))
def test_the_calibration_error_is_the_mean_gap_over_bins(judged):
    found = calibrate(judged)
    assert found is not None
    assert sum(b.right.of for b in found.bins) == len(judged)
    assert 0 <= found.ece <= 1
