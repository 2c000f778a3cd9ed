"""Simulated wearers are judged on a night that they did not learn from, as scoring judges it."""

from __future__ import annotations

import json
from dataclasses import replace

import left_out
import wearers
from learning import opinion_of
from model_file import rules_digest
from page_personal import halved, lost, ratio
from wearers import NIGHTS, REVIEWED, SimulatedNight, counts, is_real, lived, reviewed

from detector.evaluation.matching import Truth
from detector.events import Event, Kind, Phase
from detector.recognition.personal.minimums import Minimum, Personal
from detector.recognition.rules.reason import Reason, because

FACTS = because(Reason.TURN, settled_deg=20.0)


def found(onset_s: float, *, real: bool, kind: Kind = Kind.SPASM) -> Event:
    """Return an event that the model is as sure of, real or not; the real ones are weaker."""
    rms_g = 0.03 if real else 0.3
    return Event(
        id=f"{kind}{onset_s:g}", kind=kind, phase=Phase.END, onset_s=onset_s, duration_s=2.0,
        confidence=0.4, rms_g=rms_g, turn_deg=10.0, facts=FACTS,
    )  # fmt: skip


def a_night(number: int) -> SimulatedNight:
    """Return six spasms that are found, one that is not, and four false alarms."""
    truths = [Truth(onset_s=100.0 * n, end_s=100.0 * n + 2, kind=Kind.SPASM) for n in range(1, 8)]
    events = [found(100.0 * n, real=True) for n in range(1, 7)]
    events += [found(1000.0 + 100 * n, real=False) for n in range(4)]
    said = tuple(replace(event, id=f"{number}/{event.id}") for event in events)
    return SimulatedNight(6.0, tuple(truths), said)


WHOLE = [a_night(number) for number in range(NIGHTS)]


def test_false_alarms_and_what_is_seen_are_those_of_scoring():
    assert counts([a_night(0)], Personal()) == {"false": 4, "seen": 6, "truths": 7}

    nothing = Personal(minimums=(Minimum(Kind.SPASM, "confidence", 0.5, up_to_s=9.0),))
    assert counts([a_night(0)], nothing) == {"false": 0, "seen": 0, "truths": 7}


def test_a_verdict_is_the_truth_and_only_alarms_are_reviewed():
    twitch = found(5000.0, real=False, kind=Kind.TWITCH)
    night = replace(WHOLE[0], events=(*WHOLE[0].events, twitch))

    assert [each.is_real for each in reviewed([night])] == [True] * 6 + [False] * 4
    assert is_real(found(101.0, real=True), night)
    assert not is_real(found(104.1, real=True), night)  # a second behind the end, and more


def test_a_wearer_learns_from_the_reviewed_nights_alone_and_is_judged_by_the_others():
    figures, own = lived(WHOLE)

    assert (figures["labels"], figures["hours"]) == (10 * REVIEWED, 6.0 * (NIGHTS - REVIEWED))
    assert figures["before"] == {"false": 4, "seen": 6, "truths": 7}
    assert figures["after"] == {"false": 0, "seen": 6, "truths": 7}
    assert (figures["real"], figures["held"]) == (6, 0)
    strange = [*WHOLE[:REVIEWED], replace(WHOLE[-1], events=())]
    assert lived(strange)[1] == own


def test_a_bar_is_met_by_half_of_the_false_alarms_and_two_points():
    def wearer(false, seen):
        after = {"false": false, "seen": seen, "truths": 100}
        return {"hours": 6.0, "before": {"false": 10, "seen": 80, "truths": 100}, "after": after}

    good, deaf, idle = wearer(5, 78), wearer(0, 77), wearer(6, 80)
    assert [halved({"wearers": [each]})[1] for each in (good, deaf, idle)] == [True, False, False]
    assert (ratio([good, idle], "after")[0], lost([good, deaf], "after")[0]) == (0.55, 2.5)


def test_the_model_that_left_a_simulator_out_is_of_the_rules_and_features_that_there_are():
    kept = json.loads(left_out.PLACE.read_bytes())
    plans = kept["training"]["plans"]

    assert kept["training"]["rules_thresholds_sha256"] == rules_digest()
    assert not any(plan["torque"] for plan in plans.values())
    assert opinion_of(left_out.NAME).name == left_out.NAME


def test_nights_are_cut_from_one_recording_and_keep_their_truths():
    nights = wearers.nights_of(("own", "night", 9999), opinion_of("learned-v1"), night_h=0.1)

    assert len(nights) == NIGHTS
    assert {round(night.hours, 3) for night in nights} == {0.1}
    assert all(0 <= t.onset_s < 360 for night in nights for t in night.truths)
    assert sum(len(night.truths) for night in nights) > 0
