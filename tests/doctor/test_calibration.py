"""What rest and movement show of a sensor: its noise, its scale, how it lies, how it moves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from detector.doctor.calibration import (
    RestAndMovement,
    calibrated,
    check_calibration,
    orientation_words,
)
from detector.doctor.check import CheckStatus

FS = 50.0
UNIT = st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: 0.1 < np.linalg.norm(v))


def still(up=(0.0, 0.0, 1.0), noise_g=0.002, seconds=60, seed=0):
    n = round(seconds * FS)
    return np.asarray(up) + np.random.default_rng(seed).normal(0, noise_g, (n, 3))


def waving(size_g=0.3, seconds=40, up=(0.0, 0.0, 1.0)):
    t = np.arange(round(seconds * FS)) / FS
    made = still(up, seconds=seconds)
    made[:, 0] += size_g * np.sin(2 * np.pi * 1.3 * t)
    return made


def status(found):
    return {check.name: check.status for check in check_calibration(found)}


@given(vector=UNIT, noise_mg=st.floats(0.5, 8), scale=st.floats(0.95, 1.05))
def test_noise_scale_and_direction_are_those_that_were_made(vector, noise_mg, scale):
    up = np.array(vector) / np.linalg.norm(vector)
    found = calibrated(still(up * scale, noise_mg / 1000), waving(up=up * scale), FS)
    assert found.noise_g == pytest.approx(noise_mg / 1000 * np.sqrt(3), rel=0.1)
    assert found.rest_g == pytest.approx(scale, abs=0.003)
    np.testing.assert_allclose(found.up, up, atol=0.01)
    assert found.moved == 0


@given(vector=UNIT)
def test_the_axis_that_is_named_is_the_nearest_to_up(vector):
    up = np.array(vector) / np.linalg.norm(vector)
    ordered = np.sort(np.abs(up))
    assume(ordered[-1] - ordered[-2] > 0.05)
    words = orientation_words((float(up[0]), float(up[1]), float(up[2])))
    axis = int(np.argmax(np.abs(up)))
    assert f"its {'xyz'[axis]} axis" in words
    assert ("up" if up[axis] > 0 else "down") in words


@given(share=st.floats(0, 0.7))
def test_moving_while_resting_is_told_and_does_not_change_the_noise(share):
    rest = still(seconds=100)
    calm = calibrated(rest, waving(), FS)
    count = round(share * 100)
    rest[: round(count * FS)] += (
        waving(0.5, seconds=100)[: round(count * FS)] - still(seconds=100)[: round(count * FS)]
    )
    found = calibrated(rest, waving(), FS)
    assert found.moved == pytest.approx(count / 100, abs=0.011)
    assert found.noise_g == pytest.approx(calm.noise_g, rel=0.25)
    np.testing.assert_allclose(found.up, calm.up, atol=0.01)
    expected = CheckStatus.WARN if found.moved > 0.1 else CheckStatus.OK
    assert status(found)["Rest"] is expected


def test_a_wrong_scale_fails_with_a_remedy():
    found = calibrated(still((0, 0, 2.0)), waving(up=(0, 0, 2.0)), FS)
    (scale,) = [check for check in check_calibration(found) if check.name == "Scale"]
    assert scale.status is CheckStatus.FAIL
    assert scale.fix


def test_a_loud_sensor_and_a_still_wearer_are_warned_of():
    assert status(calibrated(still(noise_g=0.03), waving(2.0), FS))["Noise floor"] is (
        CheckStatus.WARN
    )
    quiet = calibrated(still(), still(seconds=40, seed=1), FS)
    assert status(quiet)["Movement"] is CheckStatus.WARN


@given(size_g=st.floats(0.1, 2))
def test_movement_is_its_rms_and_turning_is_an_angle(size_g):
    found = calibrated(still(), waving(size_g), FS)
    assert found.movement_g == pytest.approx(size_g / np.sqrt(2), rel=0.1)
    assert 0 <= found.turned_deg <= 180


def test_a_turn_of_the_leg_is_measured():
    found = calibrated(still((0, 0, 1)), still((0, 1, 0), seconds=30), FS)
    assert found.turned_deg == pytest.approx(90, abs=1)


@pytest.mark.parametrize("seconds", [0, 3, 9])
def test_too_little_rest_fails_and_measures_nothing(seconds):
    found = calibrated(still(seconds=seconds), waving(), FS)
    assert found == RestAndMovement()
    assert status(found) == {"Rest": CheckStatus.FAIL}


def test_rest_alone_still_tells_how_the_sensor_lies():
    found = calibrated(still(), np.zeros((0, 3)), FS)
    assert status(found)["Orientation"] is CheckStatus.OK
    assert status(found)["Movement"] is CheckStatus.SKIP


def test_rows_that_are_missing_count_for_nothing():
    rest = still()
    rest[500:700] = np.nan
    found = calibrated(rest, waving(), FS)
    assert found.rest_g == pytest.approx(1, abs=0.003)
