"""Laws of explanations: they change nothing, agree with the events, and give every number."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.block import Block
from detector.events import Event, Kind, final_forms
from detector.recognition.pipeline import Bank, Watcher
from detector.recognition.rules.evidence import Check, CheckName
from detector.recognition.rules.kinds import Case
from detector.recognition.rules.reason import Reason, RhythmStart, because
from detector.recognition.rules.verdict import Finding, conclude
from detector.recognition.why.explainer import Explainer
from detector.recognition.why.explanation import (
    Asked,
    Coverage,
    Explanation,
    Verdict,
    explanation_dict,
)
from detector.recognition.why.margins import RuleOutcome, reading_of
from detector.words.why import needed
from firmware_sim.motion.scenarios import scenario

from .conftest import line, watch
from .explained import FS, explain, still

BESIDE = Reason.BESIDE_RHYTHM
DOUBTED = because(Reason.SECOND_OPINION, kind=Kind.TREMOR)
EVERY_SECOND = tuple(Asked(float(second), 1.0) for second in range(150))


def written(explanations: list[Explanation]) -> list[str]:
    return [json.dumps(explanation_dict(e), allow_nan=False) for e in explanations]


def jerking(
    samples: np.ndarray, onset_s: float, *, peak_g: float = 0.4, turn_g: float = 0.1
) -> np.ndarray:
    """Add a flick, with a turn by about five degrees for half a second."""
    t = np.arange(len(samples)) / FS - onset_s
    flick = peak_g * np.exp(-(((t - 0.1) / 0.05) ** 2)) + turn_g * ((t > 0.1) & (t < 0.6))
    return np.round(samples + flick[:, np.newaxis] * [1.0, 0.0, 0.0], 4)


@pytest.fixture(scope="module")
def second_by_second(recording: np.ndarray) -> list[Explanation]:
    """What is said of every second of a recording of many things."""
    return explain([Block(recording, 0, FS)], *EVERY_SECOND)


@pytest.fixture(scope="module")
def events(recording: np.ndarray) -> list[Event]:
    watcher = Watcher()
    return final_forms(watcher.process(Block(recording, 0, FS)) + watcher.finish())


@pytest.mark.parametrize("size", [1, 36, 7500])
def test_being_asked_changes_no_event(size: int, recording: np.ndarray, whole: list[str]) -> None:
    explainer = Explainer(EVERY_SECOND)
    starts = range(0, len(recording), size)
    said = [e for s in starts for e in explainer.process(Block(recording[s : s + size], s, FS))]
    said += explainer.finish()

    assert whole == [line(event) for event in said]


class Tally:
    """An observer that counts what it is shown of each wearer."""

    def __init__(self) -> None:
        self.frames = [0, 0]
        self.cases = [0, 0]

    def see_frames(self, wearer, frames, *, first, born, gate_g, floor_g):
        assert len(frames) == len(gate_g) == len(floor_g)
        assert born <= first
        self.frames[wearer] += len(frames)

    def see_case(self, wearer, case, finding):
        self.cases[wearer] += 1


def test_a_witness_of_many_sees_whose_frames_and_cases_they_are(recording: np.ndarray) -> None:
    quiet = still(len(recording) / FS)
    length = len(recording) // 12 * 12
    both = np.stack([quiet[:length], recording[:length]])
    tally = Tally()
    watched, alone = Bank(["ankle"] * 2, observer=tally), Bank(["ankle"] * 2)

    assert alone.process([0, 1], [0, 0], both) == watched.process([0, 1], [0, 0], both)
    assert alone.finish(0) + alone.finish(1) == watched.finish(0) + watched.finish(1)
    assert tally.frames == [length // 12, length // 12]
    assert tally.cases[1] > tally.cases[0] == 0


@settings(max_examples=15)
@given(
    sizes=st.lists(st.integers(0, 900), min_size=1, max_size=8).filter(any),
    at_s=st.floats(-5, 160, allow_nan=False),
    width_s=st.sampled_from([0.0, 1.0]),
)
def test_the_cutting_into_packets_changes_no_answer(
    sizes: list[int], at_s: float, width_s: float, recording: np.ndarray
) -> None:
    blocks, start, turn = [], 0, 0
    while start < len(recording):
        size = sizes[turn % len(sizes)]
        blocks.append(Block(recording[start : start + size], start, FS))
        start, turn = start + size, turn + 1
    asked = Asked(at_s, width_s)

    at_once = written(explain([Block(recording, 0, FS)], asked))

    assert at_once == written(explain(blocks, asked))


def test_what_else_is_asked_changes_no_answer(
    recording: np.ndarray, second_by_second: list[Explanation]
) -> None:
    for second in (8, 20, 90, 130):
        alone = explain([Block(recording, 0, FS)], Asked(float(second), 1.0))

        assert written([second_by_second[second]]) == written(alone)


def test_the_verdict_is_that_of_the_events(
    second_by_second: list[Explanation], events: list[Event]
) -> None:
    for explanation in second_by_second:
        since_s = explanation.asked.at_s
        there = [e for e in events if e.onset_s < since_s + 1 and e.end_s > since_s]
        likely = any(event.kind.is_spasm_family for event in there)

        if there:
            assert (explanation.verdict is Verdict.FOUND) == likely
            assert explanation.event in there
        assert explanation.verdict is not Verdict.UNKNOWN
    assert {e.verdict for e in second_by_second} >= {Verdict.FOUND, Verdict.OTHER, Verdict.NOTHING}


def test_among_several_events_a_likely_spasm_is_told(recording: np.ndarray) -> None:
    (answer,) = explain([Block(recording, 0, FS)], Asked(0.0, 150.0))

    assert answer.verdict is Verdict.FOUND


def test_nothing_is_said_to_be_found_only_where_no_gate_opened(
    second_by_second: list[Explanation],
) -> None:
    for explanation in second_by_second:
        assert explanation.frame is not None
        gate = explanation.frame.gate
        assert gate.passed == (gate.value > gate.least)
        assert bool(explanation.frame.rhythm) == gate.passed
        if explanation.verdict is Verdict.NOTHING:
            assert not gate.passed
            assert explanation.bout is None


def test_a_movement_that_got_a_name_has_a_rule_or_a_miss_for_it(
    second_by_second: list[Explanation],
) -> None:
    seen = [e.bout for e in second_by_second if e.bout is not None]
    for bout in seen:
        family = [rule for rule in bout.rules if rule.is_of_spasm_family]
        missed = [rule.miss for rule in bout.rules if rule.outcome is RuleOutcome.MISSED]

        assert {"spasm", "twitch", "tonic", "clonus"} == {rule.name for rule in family}
        assert missed == sorted(missed)
        assert all(miss > 0 for miss in missed)
        for rule in bout.rules:
            needed_ones = [r.miss for r in rule.readings if r.is_needed]
            assert needed_ones == sorted(needed_ones, reverse=True)
            assert len({r.what for r in rule.readings}) == len(rule.readings)
            if rule.outcome is RuleOutcome.OUTRANKED:
                assert not rule.failed
        assert all(a.kind is not b.kind for a, b in pairwise(bout.steps))
    assert len(seen) > 10


def test_the_last_name_is_the_events_own(second_by_second: list[Explanation]) -> None:
    for explanation in second_by_second:
        bout, event = explanation.bout, explanation.event
        if bout is not None and event is not None and event.facts["reason"] != BESIDE:
            assert bout.steps[-1].kind is event.kind


@given(
    value=st.floats(-100, 100),
    none=st.floats(-10, 10),
    step=st.floats(0.1, 10),
    rising=st.booleans(),
)
def test_a_reading_passes_exactly_where_its_check_gives_half_evidence(
    value: float, none: float, step: float, rising: bool
) -> None:
    check = Check(CheckName.PEAK, value, none, none + (step if rising else -step), "g")
    reading = reading_of(check)

    assert reading.passed == (check.strength >= 0.5)
    assert (reading.least, reading.most) == ((check.bar, None) if rising else (None, check.bar))
    if check.strength == 0:
        assert reading.miss >= 1 - 1e-6
    if 0 < check.strength < 0.5:
        assert reading.miss == pytest.approx(1 - 2 * check.strength, abs=1e-6)


def test_still_is_told_with_its_gate_and_the_wearers_floor() -> None:
    (answer,) = explain([Block(still(200), 0, FS)], Asked(150.0, 1.0))
    frame = answer.frame

    assert answer.verdict is Verdict.NOTHING
    assert frame is not None
    assert not frame.floor_assumed
    assert frame.gate.least == max(0.006, frame.floor_times * frame.floor_g)
    assert 0.001 < frame.gate.value < frame.gate.least
    assert answer.event is answer.near is answer.bout is None


def test_in_the_first_minute_the_floor_is_said_to_be_assumed() -> None:
    early, late = explain([Block(still(70), 0, FS)], Asked(59.0), Asked(61.0))

    assert early.frame is not None
    assert late.frame is not None
    assert early.frame.floor_assumed
    assert not late.frame.floor_assumed


def test_what_was_too_weak_is_told_by_the_peak_that_it_lacked() -> None:
    samples = jerking(still(60), 30.0, peak_g=0.016, turn_g=0.0)
    (answer,) = explain([Block(samples, 0, FS)], Asked(30.0, 1.0))

    assert answer.verdict is Verdict.OTHER
    assert answer.bout is not None
    assert answer.bout.nearest is not None
    for rule in answer.bout.rules:
        if rule.name in {"spasm", "twitch"}:
            peak = next(reading for reading in rule.failed if reading.what == "peak")
            assert peak.value < peak.least
            assert peak.value == pytest.approx(0.016, abs=0.004)


def test_a_moment_beside_an_event_names_it_as_the_nearest() -> None:
    samples = jerking(still(120), 30.0)
    before, after, far = explain(
        [Block(samples, 0, FS)], Asked(20.0, 1.0), Asked(45.0, 1.0), Asked(115.0, 1.0)
    )

    assert before.near is not None
    assert before.near == after.near
    assert before.near.onset_s == pytest.approx(30.0, abs=0.1)
    assert far.near is None


def test_a_rhythm_is_not_believed_just_behind_a_gap(recording: np.ndarray) -> None:
    start = round(8.5 * FS)  # in the midst of the first clonus
    early, later = explain(
        [Block(recording[:100], 0, FS), Block(recording[start:], start, FS)],
        Asked(9.2),
        Asked(10.4),
    )

    assert early.frame is not None
    assert later.frame is not None
    assert not early.frame.believed
    assert early.frame.age_s < 1.0
    assert later.frame.believed


def test_a_periodic_series_is_told_as_a_later_insight() -> None:
    samples = still(240)
    for onset_s in range(20, 220, 25):
        samples = jerking(samples, float(onset_s))
    answers = explain([Block(samples, 0, FS)], *(Asked(float(s), 1.0) for s in (20, 95, 195)))

    for answer in answers:
        assert answer.event is not None
        assert answer.event.kind is Kind.PLM
        assert answer.bout is not None
        assert answer.bout.steps[-1].by == "context"
        assert answer.bout.steps[-1].kind is Kind.PLM
        assert len(answer.bout.steps) > 1
        assert answer.bout.steps[-1].why["reason"] == Reason.PERIODIC


def test_a_second_opinion_is_told_beside_what_the_rules_said(recording: np.ndarray) -> None:
    def doubt(case: Case) -> Finding:
        finding = conclude(case)
        if finding.kind is not Kind.CLONUS:
            return finding
        return replace(finding, kind=Kind.TREMOR, parts=None, why=DOUBTED)

    explainer = Explainer([Asked(9.0, 1.0)], opinion=doubt)
    explainer.process(Block(recording, 0, FS))
    explainer.finish()
    (answer,) = explainer.explanations()

    assert answer.verdict is Verdict.OTHER
    assert answer.bout is not None
    assert [step.by for step in answer.bout.steps][-2:] == ["rules", "second opinion"]
    assert answer.bout.steps[-2].kind is Kind.CLONUS
    assert answer.bout.steps[-1].why == DOUBTED


def test_a_clonus_carries_what_every_rhythm_must_show(second_by_second: list[Explanation]) -> None:
    clonus = next(e for e in second_by_second if e.event and e.event.kind is Kind.CLONUS)

    assert clonus.bout is not None
    rule = next(rule for rule in clonus.bout.rules if rule.name == "clonus")
    assert rule.outcome is RuleOutcome.NAMED
    assert {"regularity", "beats", "strength"} <= {reading.what for reading in rule.readings}
    assert clonus.bout.nearest is None


def test_out_of_a_jerk_no_number_of_clonus_itself_is_needed() -> None:
    trace = scenario("mixed", seed=3, fs=52.0, duration_s=900)
    watcher = Watcher()
    found = watcher.process(Block(trace.samples, 0, 52.0)) + watcher.finish()
    clonus = [e for e in final_forms(found) if e.kind is Kind.CLONUS]
    told = explain([Block(trace.samples, 0, 52.0)], *(Asked(e.onset_s, 1.0) for e in clonus))
    missed = 0
    for event, explained in zip(clonus, told, strict=True):
        assert explained.bout is not None
        (rule,) = [r for r in explained.bout.rules if r.outcome is RuleOutcome.NAMED]
        out_of_jerk = event.facts["start"] == RhythmStart.JERK
        for reading in rule.readings:
            of_every_rhythm = reading.what in {"regularity", "beats", "stride", "pulsing"}
            assert reading.is_needed is (of_every_rhythm or not out_of_jerk)
            assert (needed(reading) == "not needed: a jerk began it") is not reading.is_needed
            missed += reading.miss > 0
        assert not rule.failed
        assert rule.miss == 0
    assert missed  # one that would have failed


def test_a_time_of_day_means_the_day_that_the_recording_reaches() -> None:
    blocks = [Block(still(60), 0, FS)]
    day_before, inside, after = explain(
        blocks,
        Asked(86_390.0, 1.0, or_at_s=-10.0),
        Asked(10.0, 1.0, or_at_s=10.0 - 86_400),
        Asked(100.0, 1.0, or_at_s=100.0 - 86_400),
    )

    assert day_before.presence.state is Coverage.BEFORE
    assert day_before.asked.at_s == -10.0
    assert inside.presence.state is Coverage.SEEN
    assert after.presence.state is Coverage.BEYOND


def test_an_explanation_is_plain_json_with_every_field(
    second_by_second: list[Explanation],
) -> None:
    plain = [json.loads(line) for line in written(second_by_second)]

    assert {entry["schema"] for entry in plain} == {"explanation/1"}
    assert len({tuple(entry) for entry in plain}) == 1
    bouts = [entry["bout"] for entry in plain if entry["bout"]]
    assert len({tuple(bout) for bout in bouts}) == 1
    for bout in bouts:
        assert (bout["nearest"] is None) or bout["nearest"] in {r["name"] for r in bout["rules"]}


def test_without_a_sample_nothing_is_known() -> None:
    (answer,) = explain([], Asked(1.0))

    assert answer.presence.state is Coverage.BEYOND


def test_the_witness_sees_what_the_watcher_alone_says(recording: np.ndarray) -> None:
    blocks = [Block(recording, 0, FS)]

    assert watch(Watcher(observer=Explainer([])), blocks) == watch(Watcher(), blocks)
