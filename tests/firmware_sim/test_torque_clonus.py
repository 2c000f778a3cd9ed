"""Laws of clonus in `firmware_sim.torque`: it beats by itself, and the truth says how often."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import find_peaks

from firmware_sim.torque import clonus
from firmware_sim.torque.channels import Array
from firmware_sim.torque.dynamics import RECORD_HZ

from .torque_rows import beating_rows, played


def rhythm_hz(angle: Array) -> float:
    """Usual rate at which an angle passes its own mean of half a second, upwards."""
    swing = angle - np.convolve(np.pad(angle, 62, mode="edge"), np.ones(125) / 125, "valid")
    upward = np.flatnonzero((swing[:-1] < 0) & (swing[1:] >= 0))
    return float(RECORD_HZ / np.median(np.diff(upward)))


@pytest.fixture(scope="module")
def bouts() -> list[tuple[str, Array, clonus.Beats | None]]:
    rows = beating_rows(60)
    found = []
    for row, seen in zip(rows, played(rows), strict=True):
        placed = row.placed[0]
        assert placed.act.beats_s is not None
        assert placed.act.engine is not None
        from_s, to_s = (placed.at_s + s for s in placed.act.beats_s)
        ankle = seen[2] - seen[1]
        found.append((placed.act.engine, ankle, clonus.beats(ankle, from_s, to_s)))
    return found


def test_most_feet_that_are_asked_to_beat_do(
    bouts: list[tuple[str, Array, clonus.Beats | None]],
) -> None:
    for engine in ("reflex", "oscillator"):
        ours = [beats is not None for name, _, beats in bouts if name == engine]
        assert len(ours) >= 20
        assert np.mean(ours) > 0.55


def test_rate_and_number_of_beats_are_those_of_the_angle(
    bouts: list[tuple[str, Array, clonus.Beats | None]],
) -> None:
    for _, ankle, beats in bouts:
        if beats is None:
            continue
        part = ankle[round(beats.onset_s * RECORD_HZ) : round(beats.end_s * RECORD_HZ) + 1]
        lasts_s = beats.end_s - beats.onset_s
        assert beats.count >= 3
        assert 3.0 <= beats.hz <= 8.0
        tops, _ = find_peaks(part, prominence=0.15 * np.ptp(part))
        assert len(tops) <= beats.count + 2
        assert beats.count == pytest.approx(beats.hz * lasts_s, abs=max(1.5, 0.2 * beats.count))
        if beats.count >= 8:
            assert rhythm_hz(part) == pytest.approx(beats.hz, rel=0.2)


def test_rhythms_differ_widely(bouts: list[tuple[str, Array, clonus.Beats | None]]) -> None:
    rates = [beats.hz for _, _, beats in bouts if beats is not None]

    assert np.ptp(rates) > 2.5


def test_an_angle_that_does_not_swing_does_not_beat() -> None:
    t = np.arange(1000) / RECORD_HZ

    assert clonus.beats(np.zeros(1000), 0.0, 4.0) is None
    assert clonus.beats(0.1 * np.sin(2 * np.pi * 1.0 * t), 0.0, 4.0) is None
    assert clonus.beats(0.001 * np.sin(2 * np.pi * 5.0 * t), 0.0, 4.0) is None


def test_beats_of_a_plain_swing_are_counted() -> None:
    t = np.arange(1000) / RECORD_HZ
    swing = np.where((t > 1) & (t < 3), 0.1 * np.sin(2 * np.pi * 5.0 * (t - 1)), 0.0)

    beats = clonus.beats(swing, 0.0, 4.0)

    assert beats is not None
    assert beats.hz == pytest.approx(5.0, rel=0.03)
    assert beats.count == pytest.approx(10, abs=1)
