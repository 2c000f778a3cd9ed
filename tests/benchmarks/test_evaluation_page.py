"""The pure parts of `make evaluation`: what counts, before anything is measured."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from detector.alerts.rules import parse_rules
from detector.events import Event, Kind, Phase

FOLDER = Path(__file__).parents[2] / "models" / "evaluation"
FS = 64.0


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch):
    """Import a module of the evaluation, which is a folder of scripts and no package."""
    monkeypatch.syspath_prepend(str(FOLDER))

    def enter(name: str) -> ModuleType:
        return import_module(name)

    return enter


def swinging(*parts: tuple[float, float], length_s: float = 4.0) -> np.ndarray:
    """Sines of (Hz, g) over gravity and a sensor's noise: (n, 3), g."""
    t = np.arange(int(length_s * FS)) / FS
    samples = np.random.default_rng(0).normal(0, 2e-3, (len(t), 3)) + np.array([0, 0, 1.0])
    for rate_hz, size_g in parts:
        samples[:, 0] += size_g * np.sin(2 * np.pi * rate_hz * t)
    return samples


@pytest.mark.parametrize(
    ("movement", "expected"),
    [
        (swinging((5.0, 0.1)), True),
        (swinging((3.5, 0.1), (1.0, 0.05)), True),
        (swinging((5.0, 0.01)), False),  # cannot be felt
        (swinging((1.0, 0.3), (2.0, 0.2), (4.0, 0.05)), False),  # strides
        (swinging(), False),  # noise alone
        (swinging((5.0, 0.1), length_s=1.5), False),  # too short to tell
        (swinging((10.0, 0.2)), False),
    ],
)
def test_a_freeze_trembles_where_one_rate_of_3_to_8_hz_rules_it(room, movement, expected):
    assert expected == room("freezes").trembles(movement, FS)


def test_only_freezes_are_parted_into_those_that_tremble_and_those_that_do_not(room):
    freezes, label = room("freezes"), import_module("detector.store.formats.labels").Label
    labels = (
        label(onset_s=0.0, duration_s=4.0, text="freeze"),
        label(onset_s=4.0, duration_s=4.0, text="freeze"),
        label(onset_s=0.0, duration_s=8.0, text="no_freeze"),
    )
    samples = np.concatenate([swinging((5.0, 0.1)), swinging()])

    found = room("relabelling").with_divided(labels, "freeze", samples, FS, freezes.by_trembling)

    assert ["freeze, trembling", "freeze, not trembling", "no_freeze"] == [f.text for f in found]


@pytest.mark.parametrize(
    ("movement", "rate_hz", "label"),
    [
        (swinging((3.5, 0.3), (1.0, 0.1), length_s=12.9), 3.5, "SAWING, 3 Hz and more"),
        (swinging((2.2, 0.3), (4.4, 0.2), length_s=12.9), 2.2, "SAWING, slower"),
    ],
)
def test_sawing_is_parted_by_its_strongest_rate(room, movement, rate_hz, label):
    sawing = room("sawing")

    assert sawing.rate_hz(movement, FS) == pytest.approx(rate_hz, abs=0.08)
    assert sawing.by_rate(movement, FS) == label


def segment(seizures: ModuleType, event: str, labels=(), alarms=()):
    everybody = {who: list(alarms) for who in seizures.WHO}
    return seizures.Segment(event, 100.0, tuple(labels), everybody)


def test_a_seizure_in_two_segments_is_one_and_found_in_either(room):
    seizures = room("seizures")
    tonic = (40.0, 60.0, "Seizure/Tonic-Clonic")

    found = seizures.summary(
        [segment(seizures, "a", [tonic]), segment(seizures, "a", [tonic], [(50.0, 55.0)])]
    )

    assert 1 == found["seizures"]
    assert {"found": 1, "of": 1, "false": 0} == found["who"]["ours"]


def test_an_alarm_is_false_only_where_no_seizure_of_any_type_is_near(room):
    seizures = room("seizures")
    labels = [(10.0, 20.0, "Seizure/Aura"), (70.0, 80.0, "False Alarm/Motor Vehicle")]
    alarms = [(24.0, 26.0), (26.0, 28.0), (72.0, 75.0)]  # 5 s beside an aura is still near

    found = seizures.summary([segment(seizures, "b", labels, alarms)])

    assert {"found": 0, "of": 0, "false": 2} == found["who"]["OSD alarm"]
    assert found["hours_without_seizure"] == pytest.approx(80 / 3600)


def test_every_measurement_has_a_name_of_its_own_and_a_section_that_tells_it(room):
    names = [each.name for each in room("plan").plan("nowhere")]
    sections = room("page").SECTIONS

    assert len(names) == len(set(names))
    assert {name.partition("/")[0] for name in names} == sections.keys()
    assert sections.keys() == room("texts").ABOUT.keys()


def test_nights_are_counted_with_the_rates_of_other_simulators_and_other_seeds(room):
    counted = [each.words for each in room("plan").plan("nowhere") if each.section == "counts"]
    seeds = set(room("error_rates").SEEDS)

    assert {words["generator"] for words in counted} == {"own", "torque", "sealed"}
    for words in counted:
        assert words["generator"] not in words["rates"]
        assert not seeds & set(words["seeds"])


def test_a_count_is_near_within_a_quarter_or_by_one(room):
    def night(true: int, found: int, low: int, high: int) -> dict[str, Any]:
        pooled = {"low": 0, "middle": 1, "high": 2}
        said = {"low": low, "middle": low, "high": high, "pooled": pooled}
        return {"true": true, "found": found} | said

    nights = [night(40, 50, 20, 39), night(40, 51, 40, 60), night(0, 1, 0, 2), night(2, 4, 3, 5)]
    told = room("counting").summary(nights)

    assert (told["near"], told["covered"], told["covered_pooled"]) == (2, 2, 2)
    assert told["nights"] == nights


def test_a_card_is_quoted_on_what_was_left_out(room):
    about = room("page").about_left_out

    left_out = about("# learned\n\n## Left out\nby 0.02.\n\n## Licences\nmany")
    assert ["**Left out**", "by 0.02."] == left_out
    assert ["The other generator: 0.97."] == about("A card.\n\nThe other generator: 0.97.")
    assert [] == about("A card that says nothing of it.")


def test_an_empty_share_and_a_rate_of_no_hours_are_dashes(room):
    cells = room("cells")

    assert "-" == cells.share(cells.share_of(0, 0))
    assert "-" == cells.rate(cells.rate_of(0, 0.0))
    assert "50.0 % (1-99)" == cells.share(
        {"hits": 1, "of": 2, "value": 0.5, "interval": (0.01, 0.99), "subjects": None}
    )


def test_an_alarm_is_true_where_as_many_spasms_began_as_it_says_or_one_goes_on(room):
    waking, label = room("waking"), import_module("detector.store.formats.labels").Label
    three, long = parse_rules(["3 spasms in 10min", "clonus >= 60s"])
    spasms = [label(onset_s=100.0 * n, duration_s=70.0, text="spasm") for n in (0, 1, 2)]
    turn = label(onset_s=300.0, duration_s=5.0, text="turn")

    def is_true(rule, at_s, happened):
        return waking.RaisedAlert(rule, at_s, at_s + 90).is_true(happened)

    assert is_true(three, 200.5, spasms)
    assert not is_true(three, 300.0, [*spasms[1:], turn])
    assert not is_true(three, 605.0, spasms), "the first began more than 10 min ago"
    assert is_true(long, 60.0, spasms)
    assert not is_true(long, 80.0, spasms[:1])
    assert not is_true(long, 302.0, [turn])


def test_the_default_rules_lose_no_true_alarm_of_a_severe_night(room):
    alarms = room("measuring").alarms(
        generator="own", name="severe-night", seeds=[1000], hours=2.0
    )["alarms"]

    assert alarms["in any context"]["true"]
    assert alarms["unless up"]["true"] == alarms["in any context"]["true"]
    assert (alarms["unless up"]["lost"], alarms["unless up"]["late_s"]) == (0, 0.0)


def told(kind: Kind, onset_s: float, end_s: float) -> Event:
    return Event(
        id=f"{onset_s}",
        kind=kind,
        phase=Phase.START,
        onset_s=onset_s,
        duration_s=end_s - onset_s,
        confidence=0.5,
    )


def test_a_word_is_the_first_form_of_a_likely_spasm_that_itself_overlaps_the_movement(room):
    words, label = room("first_words"), import_module("detector.store.formats.labels").Label
    truths = [
        label(onset_s=10.0, duration_s=5.0, text="spasm"),
        label(onset_s=30.0, duration_s=9.0, text="spasm", manner="ramped flexor"),
        label(onset_s=50.0, duration_s=5.0, text="clonus", parts=(Kind.SPASM, Kind.CLONUS)),
        label(onset_s=70.0, duration_s=5.0, text="clonus"),
        label(onset_s=80.0, duration_s=5.0, text="tonic", manner="stiffness"),
    ]
    said = [
        (9.0, told(Kind.SPASM, 5.0, 9.0)),  # over before it began
        (10.5, told(Kind.TWITCH, 10.0, 10.4)),
        (11.5, told(Kind.CLONUS, 10.0, 11.4)),
        (14.0, told(Kind.SPASM, 10.0, 14.0)),
        (29.8, told(Kind.SPASM, 20.0, 29.7)),  # runs into it: within the tolerance
        (60.0, told(Kind.MOVEMENT, 50.0, 55.0)),
        (76.0, told(Kind.CLONUS, 70.0, 75.0)),
    ]

    assert words.waits_s(truths, said) == {
        "sudden": [1.5, None],
        "ramped": [0.0],
        "clonus": [6.0],
    }


def test_the_bars_of_words_count_what_was_taken_back_and_leave_out_what_was_not_measured(room):
    bars_words = room("bars_words")
    result = {
        "waits": {"ramped": {"of": 4, "n": 3, "p50": 1.0, "p90": 3.2}},
        "announced": {"begun": 8, "taken_back": 2, "renamed": 1},
    }
    silent = {"waits": {}, "announced": {"begun": 0, "taken_back": 0, "renamed": 0}}
    results = {"words/own-hard": result, "words/torque": silent}

    found = [bar for make in bars_words.WORDS for bar in make(results)]

    assert [(bar.measured.partition(",")[0], bar.met) for bar in found] == [
        ("3.20 s", False),
        ("25.0 % (7-59)", True),
    ]
