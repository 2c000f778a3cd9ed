"""Judge two minutes of rest and one of ordinary movement: noise, scale, orientation. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.block import AXES, Samples
from detector.doctor.check import CheckResult, fail, ok, skip, warn
from detector.dsp.plausible import REST_G
from detector.dsp.posture import one_angle_deg
from detector.dsp.wear import MOVED_G

NOISE, SCALE, ORIENTATION = "Noise floor", "Scale", "Orientation"
REST, MOVEMENT = "Rest", "Movement"

LEAST_S = 10  # whole seconds of rest, below which nothing is said
QUIET_G, NOISY_G = 5e-3, 20e-3
"""Noise of the chips in worn sensors is 1 to 3 mg a sample at 50 Hz; from 20 mg on a twitch of the
foot can hide in it."""
MOST_MOVED = 0.1  # share of the seconds of rest in which somebody may move
LEAST_TIMES = 10.0  # ordinary movement over noise: a loose strap or a dead sensor shows less
NEAR_DEG = 25.0  # an axis as close to up is said to point there
AGAIN = "spasmwatch calibrate   (lying still for the first two minutes)"
TIGHTER = "spasmwatch calibrate   (with the strap tighter, moving the foot and the knee)"


@dataclass(frozen=True, slots=True)
class RestAndMovement:
    """What was measured; None where it could not be.

    noise_g : rms of a still second about its mean, all axes together
    rest_g : length of the mean acceleration at rest; 1 in the right scale
    up : direction of it, a unit vector on the sensor's axes
    moved : share of the seconds of rest in which somebody moved
    movement_g : rms of a second of ordinary movement that nine in ten do not exceed
    turned_deg : how far the sensor turned while moving
    """

    noise_g: float | None = None
    rest_g: float | None = None
    up: tuple[float, float, float] | None = None
    moved: float | None = None
    movement_g: float | None = None
    turned_deg: float | None = None


def calibrated(rest: Samples, move: Samples, fs: float) -> RestAndMovement:
    """Return what samples show, (n, 3) each, g, at `fs` Hz."""
    still, moving = _seconds(rest, fs), _seconds(move, fs)
    if len(still) < LEAST_S:
        return RestAndMovement()
    spread = _rms(still)
    noise_g = float(np.quantile(spread, 0.25))
    calm = still[spread <= max(MOVED_G, 3 * noise_g)]
    moved = 1 - len(calm) / len(still)
    if not len(calm):
        return RestAndMovement(noise_g=noise_g, moved=1.0)
    mean: NDArray[np.float64] = np.median(calm.mean(axis=1), axis=0)
    rest_g = float(np.linalg.norm(mean))
    up = mean / rest_g if rest_g > 0 else None
    movement_g = turned_deg = None
    if len(moving):
        movement_g = float(np.quantile(_rms(moving), 0.9))
        turned_deg = max(one_angle_deg(mean, each) for each in moving.mean(axis=1))
    return RestAndMovement(
        noise_g,
        rest_g,
        None if up is None else (float(up[0]), float(up[1]), float(up[2])),
        moved,
        movement_g,
        turned_deg,
    )


def check_calibration(found: RestAndMovement) -> list[CheckResult]:
    """Return what was found, in words, with what to do about it."""
    if found.noise_g is None or found.moved is None:
        return [fail(REST, f"less than {LEAST_S} s of rest were received", AGAIN)]
    return [
        _rest(found.moved),
        _noise(found.noise_g),
        _scale(found.rest_g),
        _orientation(found.up),
        _movement(found),
    ]


def orientation_words(up: tuple[float, float, float]) -> str:
    """Return which way a sensor lies: its z axis points up, 7 degrees off."""
    largest = int(np.argmax(np.abs(up)))
    off_deg = float(np.degrees(np.arccos(min(1.0, abs(up[largest])))))
    way = "up" if up[largest] > 0 else "down"
    axis = "xyz"[largest]
    if off_deg <= NEAR_DEG:
        return f"its {axis} axis points {way}, {off_deg:.0f} degrees off"
    second = int(np.argsort(np.abs(up))[-2])
    also = "up" if up[second] > 0 else "down"
    return f"it lies askew: {way} is between its {axis} axis and {also} along {'xyz'[second]}"


def _rest(moved: float) -> CheckResult:
    detail = f"still for {100 * (1 - moved):.0f} % of the time"
    if moved > MOST_MOVED:
        return warn(REST, f"{detail}: what follows is less sure", AGAIN)
    return ok(REST, detail)


def _noise(noise_g: float) -> CheckResult:
    detail = f"{1000 * noise_g:.1f} mg"
    if noise_g >= NOISY_G:
        return warn(NOISE, f"{detail}, loud: small twitches will be missed", AGAIN)
    return ok(NOISE, f"{detail}, {'very quiet' if noise_g < QUIET_G else 'quiet enough'}")


def _scale(rest_g: float | None) -> CheckResult:
    if rest_g is None:
        return skip(SCALE, "there was no still second")
    detail = f"{rest_g:.3f} g at rest, where 1 g is right"
    if not REST_G[0] <= rest_g <= REST_G[1]:
        return fail(SCALE, f"{detail}: its numbers are wrong", "spasmwatch doctor")
    return ok(SCALE, detail)


def _orientation(up: tuple[float, float, float] | None) -> CheckResult:
    if up is None:
        return skip(ORIENTATION, "there was no still second")
    return ok(ORIENTATION, orientation_words(up))


def _movement(found: RestAndMovement) -> CheckResult:
    if found.movement_g is None or found.turned_deg is None or not found.noise_g:
        return skip(MOVEMENT, "none was received")
    times = found.movement_g / found.noise_g
    detail = (
        f"{times:.0f} times the noise ({1000 * found.movement_g:.0f} mg), and it turned by up to "
        f"{found.turned_deg:.0f} degrees"
    )
    if times < LEAST_TIMES:
        return warn(MOVEMENT, f"only {detail}", TIGHTER)
    return ok(MOVEMENT, detail)


def _seconds(samples: Samples, fs: float) -> NDArray[np.float64]:
    """Return whole seconds, (n, fs, 3), of rows that are all known."""
    each = max(2, round(fs))
    count = len(samples) // each
    cut = np.asarray(samples[: count * each], dtype=np.float64).reshape(count, each, AXES)
    return cut[np.isfinite(cut).all(axis=(1, 2))]


def _rms(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rms of each second about its mean, of all axes together."""
    found: NDArray[np.float64] = np.sqrt(seconds.var(axis=1).sum(axis=1))
    return found
