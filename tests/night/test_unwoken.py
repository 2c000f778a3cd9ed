"""What wakes nobody for its context says so, from samples to the sentence that people read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detector.alert import AlertClass
from detector.alerts.rules import parse_rules
from detector.events import EventContext, Kind
from detector.night.observation import WornSensor
from detector.night.recorded import RecordedNight, RecordedSensor
from detector.recognition.events.stamp import Provenance
from detector.store.formats.reader import open_recording
from firmware_sim.motion import scenario


def clonus(still_g: np.ndarray, seconds: float) -> np.ndarray:
    """Make beats of 5 Hz that begin at once, around a posture: (n, 3) g."""
    t = np.arange(round(seconds * 50)) / 50
    beat = 0.3 * np.sin(2 * np.pi * 5 * t)
    wave = (beat + 0.4 * beat**2)[:, None] * np.array([1.0, 0.3, 0.2])
    return still_g + wave + np.random.default_rng(1).normal(0, 2e-3, (len(t), 3))


@pytest.fixture
def walked(tmp_path: Path) -> Path:
    """Lie for a minute, walk for half of one, stand for five seconds; a clonus of 70 s; stand."""
    rng = np.random.default_rng(2)
    walk = np.asarray(scenario("walk-to-bathroom", seed=4, duration_s=90).samples)[: 36 * 50]
    upright_g = walk[10 * 50 :].mean(axis=0)
    upright_g /= np.linalg.norm(upright_g)
    lying = walk[0] + rng.normal(0, 2e-3, (60 * 50, 3))
    standing = upright_g + rng.normal(0, 2e-3, (5 * 50, 3))
    parts = (lying, walk, standing, clonus(upright_g, 70.0), standing, standing)
    np.savez(tmp_path / "walked.npz", acc=np.concatenate(parts), fs=50.0)
    return tmp_path / "walked.npz"


def heard(path: Path, *rules: str) -> RecordedNight:
    with open_recording(path) as reader:
        worn = WornSensor(Provenance(recording="walked"), "ankle")
        recorded = RecordedNight([RecordedSensor(reader, worn)], rules=parse_rules(rules))
        for _ in recorded.steps():
            pass
    return recorded


def test_a_long_clonus_of_a_wearer_who_is_up_says_why_it_wakes_nobody(walked: Path) -> None:
    recorded = heard(walked, "clonus >= 60s")
    (event,) = (e for e in recorded.events if e.kind is Kind.CLONUS)

    assert event.context is EventContext.UP
    assert event.duration_s > 60
    assert "nobody is woken for it (clonus lasting 60 s or longer), as the wearer was up" in (
        event.reason
    )
    assert not [a for a in recorded.alerts if a.alert_class is AlertClass.CLINICAL]


def test_a_rule_for_any_context_wakes_and_says_nothing_of_it(walked: Path) -> None:
    recorded = heard(walked, "clonus >= 60s in any context")
    (event,) = (e for e in recorded.events if e.kind is Kind.CLONUS)

    assert "nobody is woken" not in event.reason
    assert {a.rule for a in recorded.alerts if a.alert_class is AlertClass.CLINICAL} == {
        "clonus >= 60s in any context"
    }
