"""What each rule of counting means: tolerances, parts, apart, contexts, gaps, first words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.evaluation.matching import (
    NO_CONTEXT,
    Context,
    FoundEvent,
    Truth,
    score_recording,
)
from detector.evaluation.scoring import NOTHING, calibrate, summarise
from detector.events import Kind

from .scored import WHOLE, law, scored


def event(kind: Kind, onset_s: float, end_s: float, **facts) -> FoundEvent:
    return FoundEvent(kind=kind, onset_s=onset_s, end_s=end_s, **facts)


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
