"""The sealed generator's mechanics against textbook formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_sim.sealed.muscle import respond, step
from firmware_sim.sealed.skeleton import KNEE, ROLL, SITES, feel, lying, still

RATE_HZ = 400.0
G_M_S2 = 9.80665


@settings(max_examples=25)
@given(
    hz=st.floats(1.0, 8.0),
    amplitude_deg=st.floats(0.1, 10.0),
    site=st.sampled_from(["ankle", "calf"]),
)
def test_a_swinging_shank_feels_its_lever_times_its_angular_acceleration(
    hz: float, amplitude_deg: float, site: str
) -> None:
    omega, amplitude = 2 * math.pi * hz, math.radians(amplitude_deg)
    angles = still(1200)
    angles[KNEE] = amplitude * np.sin(omega * np.arange(1200) / RATE_HZ)
    _, dynamic_g = feel(np.zeros(6), angles, None, site=SITES[site], rate_hz=RATE_HZ)
    lever_m = SITES[site].lever_m
    felt_g = np.abs(dynamic_g[5:-5]).max(axis=0)

    assert felt_g[2] == pytest.approx(lever_m * amplitude * omega**2 / G_M_S2, rel=0.02)
    assert felt_g[0] == pytest.approx(lever_m * (amplitude * omega) ** 2 / G_M_S2, rel=0.03)
    assert felt_g[1] == pytest.approx(0.0, abs=1e-9)


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32), site=st.sampled_from(sorted(SITES)))
def test_whoever_lies_still_feels_gravity_alone(seed: int, site: str) -> None:
    pose_rad = lying(np.random.default_rng(seed))
    felt_g, dynamic_g = feel(pose_rad, still(50), None, site=SITES[site], rate_hz=RATE_HZ)

    np.testing.assert_allclose(np.sum(felt_g**2, axis=1), 1.0)
    np.testing.assert_allclose(dynamic_g, 0.0, atol=1e-9)


def test_a_quarter_roll_moves_gravity_from_front_to_side() -> None:
    angles = still(2)
    angles[ROLL] = math.pi / 2
    on_back_g, _ = feel(np.zeros(6), still(2), None, site=SITES["ankle"], rate_hz=RATE_HZ)
    on_side_g, _ = feel(np.zeros(6), angles, None, site=SITES["ankle"], rate_hz=RATE_HZ)

    np.testing.assert_allclose(on_back_g[0], [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(on_side_g[0], [0, 1, 0], atol=1e-12)


@settings(max_examples=25)
@given(twitch_s=st.floats(0.02, 0.12), natural_hz=st.floats(0.9, 5.5), damping=st.floats(0.3, 1.0))
def test_a_limb_reaches_what_a_lasting_drive_asks_but_not_at_once(
    twitch_s: float, natural_hz: float, damping: float
) -> None:
    drive = step(2400, rate_hz=RATE_HZ, start_s=0.1, rise_s=0.02)
    angle = respond(
        drive, rate_hz=RATE_HZ, twitch_s=twitch_s, natural_hz=natural_hz, damping=damping
    )

    assert angle[-1] == pytest.approx(1.0, abs=0.01)
    assert angle[int(0.13 * RATE_HZ)] < 0.2
