"""A reason is rendered from facts alone, and nothing leaves without one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from detector.block import Block, Timebase
from detector.events import Event, Kind, from_dict, to_dict, to_json
from detector.night.offline import detect
from detector.recognition.events.stamp import Provenance, stamp
from detector.recognition.personal.minimums import MEASURED, QUANTITIES
from detector.recognition.pipeline import Watcher
from detector.recognition.rules.evidence import Check, CheckName
from detector.recognition.rules.features import FEATURES
from detector.recognition.rules.reason import Reason, RhythmStart, because, check_facts
from detector.words.checks import CHECKS, SHARES, SHORTFALLS
from detector.words.reasons import MINIMUMS, OBJECTIONS, check_words, reason_of, worded

START = check_facts(Check(CheckName.START, 0.9, 1.0, 3.0, "g/s"))
STAYED = {"settled_deg": 12.3}
_FIGURES = (("0.123", "0.5"), ("1.25 s", "0.75 s"))
EXAMPLES = {
    Reason.TWITCH: (
        {"peak_g": 0.204, "duration_s": 0.48},
        "one jerk of 0.20 g that lasted 0.5 s; the limb came back",
    ),
    Reason.SPASM: (
        {"peak_g": 0.4, "rise_s": 0.12, "turned_deg": 7.6, "duration_s": 2.2},
        (
            "a sudden jerk after rest reached 0.40 g within 0.12 s; "
            "the limb turned 8 degrees, and it lasted 2.2 s"
        ),
    ),
    Reason.PULL: (
        {
            "turned_deg": 24.3,
            "pull_s": 1.2,
            "away_s": 6.04,
            "let_go": True,
            "duration_s": 8.1,
        },
        (
            "the limb was drawn 24 degrees away within 1.2 s, held for 6.0 s and let go; "
            "it lasted 8.1 s"
        ),
    ),
    Reason.TONIC: (
        {"held_deg": 9.9, "duration_s": 5.0},
        (
            "the limb was pulled by 10 degrees and held there, trembling, for 5.0 s; "
            "stiffness without movement cannot be measured"
        ),
    ),
    Reason.TURN: (
        {"settled_deg": 41.2},
        "it started slowly, and the limb settled 41 degrees from where it was",
    ),
    Reason.SHAKEN: (
        {"duration_s": 1.0},
        "it shook for 1.0 s and did not turn: probably the bed, a phone or a vehicle",
    ),
    Reason.WALK: ({}, "an even rhythm of steps, as in walking"),
    Reason.BUZZ: (
        {"duration_s": 0.9},
        (
            "it buzzed for 0.9 s, at full strength at once, and did not turn: "
            "probably a phone's motor"
        ),
    ),
    Reason.HAND: ({"rhythm_hz": 5.02}, "strokes of a hand at work, 5.0 a second"),
    Reason.RHYTHM: (
        {
            "start": RhythmStart.ABRUPT,
            "rhythm_hz": 5.8,
            "beating_s": 6.1,
            "shares": {"clonus": 0.45, "tremor": 0.35, "voluntary": 0.2},
        },
        (
            "a sudden start, then 5.8 steady beats a second for 6.1 s, without a walking "
            "rhythm; what made it is not sure: the evidence is 45% for clonus, 35% for tremor, "
            "20% for a voluntary movement"
        ),
    ),
    Reason.NO_SPASM: (
        {"spasm": START, "rhythm": None},
        (
            "not a spasm: its start was too gentle, 0.9 g/s where 2 g/s or more is needed; "
            "no steady rhythm"
        ),
    ),
    Reason.BESIDE_RHYTHM: (
        {"rhythm_hz": 5.0},
        "movement before or after a rhythm of 5.0 beats a second",
    ),
    Reason.LONG_RHYTHM: (
        {"rhythm_hz": 5.0, "duration_s": 92.0},
        "5.0 steady beats a second for 92.0 s",
    ),
    Reason.LONG_MOVEMENT: ({"duration_s": 92.0}, "92 s of movement without a steady rhythm"),
    Reason.TREMOR_RESUMED: (
        {"rhythm_hz": 4.3},
        "the tremor before it continued, 4.3 beats a second",
    ),
    Reason.PERIODIC: (
        {"interval_s": 24.6},
        "one of a series of similar movements, about 25 s apart",
    ),
    Reason.SECOND_OPINION: (
        {
            "kind": Kind.MOVEMENT,
            "rather_than": Kind.TWITCH,
            "likely": 0.02,
            "against": [{"feature": "slope", "value": 0.12}, {"feature": "rest", "value": 2.0}],
        },
        (
            "a twitch is only 2% likely: "
            "at its steepest it would need 0.12 s to its peak, 2 s of rest went before it"
        ),
    ),
    Reason.SENSORS: (
        {
            "seen": [
                {"sensor": "left", "kind": Kind.TURN, "facts": because(Reason.WALK)},
                {"sensor": "right", "kind": Kind.TURN, "facts": {}},
            ]
        },
        "turn at left (an even rhythm of steps, as in walking), turn at right",
    ),
    Reason.SAME_MOVEMENT: ({"event": "abc"}, "the same movement as event abc, which reports it"),
    Reason.WAY_BACK: ({}, "the way back of the periodic movement before it, which reports it"),
    Reason.BELOW_MINIMUM: (
        {
            "quantity": "peak_g",
            "at_least": 0.12,
            "kind": Kind.SPASM,
            "was": because(Reason.WALK),
        },
        (
            "below this wearer's own minimum of 0.12 g; without it, it would be spasm "
            "(an even rhythm of steps, as in walking)"
        ),
    ),
}


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_its_words(reason: Reason) -> None:
    facts, words = EXAMPLES[reason]
    written = json.loads(json.dumps(because(reason, **facts), allow_nan=False))

    assert reason_of(written) == words


@pytest.mark.parametrize("name", CheckName)
def test_every_check_has_words_for_its_number_and_the_side_of_its_bar(name: CheckName) -> None:
    rising = check_facts(Check(name, 0.123456, 0.3, 0.7, details=STAYED))
    falling = check_facts(Check(name, 1.25, 0.95, 0.55, "s", details=STAYED))

    low, high = (("12.3%", "50%"), ("125%", "75%")) if name in SHARES else _FIGURES
    assert check_words(rising).endswith(f", {low[0]} where {low[1]} or more is needed")
    assert check_words(falling).endswith(f", {high[0]} where {high[1]} or less is needed")
    assert "{" not in check_words(rising) + check_words(falling)


def test_a_number_that_was_not_measured_has_its_limit_all_the_same() -> None:
    check = check_facts(Check(CheckName.SLOPE, float("inf"), 0.4, 0.2, "s"))

    assert check_words(check) == "it grew too slowly, not measured where 0.3 s or less is needed"


def test_what_a_limb_that_stayed_must_show_says_so() -> None:
    check = Check(CheckName.STAYED_START, 3.0, 4.0, 10.0, "g/s", STAYED)

    assert check_words(check_facts(check)) == (
        "its start was too gentle for a limb that stayed 12 degrees away, "
        "3 g/s where 7 g/s or more is needed"
    )


def test_every_feature_and_every_quantity_has_its_words() -> None:
    assert set(OBJECTIONS) == set(FEATURES)
    assert set(CHECKS) == set(SHORTFALLS) == set(CheckName)
    assert set(MINIMUMS) == set(QUANTITIES) == {name for of in MEASURED.values() for name in of}


def test_facts_hold_no_number_that_json_cannot() -> None:
    facts = because(Reason.SPASM, rise_s=float("inf"), jerks=[float("nan"), np.float64(1.2345678)])

    assert facts == {"reason": "spasm", "rise_s": None, "jerks": [None, 1.23457]}


@pytest.fixture(scope="module")
def found(recording: np.ndarray) -> list[Event]:
    watcher = Watcher()
    return watcher.process(Block(recording, 0, 50.0)) + watcher.finish()


def test_recognition_gives_facts_and_no_sentence(found: list[Event]) -> None:
    assert len({event.facts["reason"] for event in found}) > 4
    for event in found:
        assert event.reason == ""
        assert from_dict(json.loads(json.dumps(to_dict(event), allow_nan=False))) == event


def test_an_event_that_is_not_in_words_cannot_be_told(found: list[Event]) -> None:
    for event in found:
        stamped = stamp(event, Provenance(), Timebase(50.0))
        with pytest.raises(ValueError, match="facts and no reason"):
            to_json(stamped)
        assert json.loads(to_json(worded(stamped)))["facts"] == event.facts


def test_putting_into_words_twice_is_once_and_changes_the_sentence_alone(
    found: list[Event],
) -> None:
    for event in found:
        said = worded(event)
        assert worded(said) == said
        assert said.reason == reason_of(event.facts) != ""
        assert to_dict(said) | {"reason": ""} == to_dict(event)


def test_from_python_every_event_is_in_words(recording: np.ndarray) -> None:
    events = detect(recording, 50.0)

    assert len(events) > 5
    assert all(event.reason == reason_of(event.facts) for event in events)


SNIPPET = """
from detector.recognition.rules.evidence import RuleName
from detector.recognition.rules.kinds import Case

def asked(case: Case) -> bool:
    return case.holds(RuleName.SPASM) and case.holds("spasn")
"""


def test_a_rule_that_does_not_exist_does_not_type_check(tmp_path: Path) -> None:
    snippet = tmp_path / "snippet.py"
    snippet.write_text(SNIPPET, encoding="utf-8")
    root = Path(__file__).parents[2]
    words = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent"]
    words += ["--cache-dir", str(root / ".mypy_cache"), str(snippet)]
    checked = subprocess.run(words, cwd=root, capture_output=True, text=True, check=False)

    assert 'Argument 1 to "holds"' in checked.stdout
    assert "Found 1 error" in checked.stdout
