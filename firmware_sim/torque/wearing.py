"""The sensor on the leg: where it is, how it is turned, the strap, and what it feels.

Strap on soft tissue: 8 to 20 Hz, damping 0.1 to 0.4 (signal note, section 5); a loose one 4 to 9
Hz, 0.03 to 0.15, and it slides in large movements [estimate]. A quarter of straps is loose.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import bilinear, butter, lfilter

from firmware_sim.torque.body import GRAVITY, SCALARS, Leg
from firmware_sim.torque.channels import Array, log_uniform
from firmware_sim.torque.dynamics import RECORD_HZ

SITES: dict[str, tuple[int, float, float, float]] = {
    "foot": (2, 0.03, 0.13, 0.035),
    "ankle": (1, 0.80, 0.93, 0.042),
    "calf": (1, 0.25, 0.55, 0.055),
    "thigh": (0, 0.40, 0.80, 0.075),
}
"""Segment; distance from its upper joint, in m on the foot and in shares of it elsewhere; radius
of the limb there, m."""
LOOSE = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class Worn:
    """A sensor on a leg.

    Parameters
    ----------
    segment : 0 thigh, 1 shank, 2 foot
    distance_m, radius_m : along the segment and beside its axis
    around : rad, where round the limb
    mount : (3, 3), rows are the sensor's axes in those of the segment: along, outward, beside
    touched : unit vector along which the case is pushed
    strap_hz, strap_damping : its resonance
    low_pass_hz : bandwidth of the chip
    """

    segment: int
    distance_m: float
    radius_m: float
    around: float
    mount: Array
    touched: Array
    strap_hz: float
    strap_damping: float
    low_pass_hz: float
    loose: bool


def draw_worn(
    rng: np.random.Generator, leg: Leg, site: str, fs: float, *, loose: bool | None = None
) -> Worn:
    """Return a sensor strapped somewhere about a site.

    Raises
    ------
    ValueError
        No such site on a leg.
    """
    if site not in SITES:
        raise ValueError(f"site must be one of {', '.join(SITES)}, got {site!r}")
    segment, low, high, radius_m = SITES[site]
    if loose is None:
        loose = bool(rng.random() < LOOSE)
    scale = 1.0 if segment == 2 else float(leg.lengths[segment])
    tilt = rng.normal(0, np.radians(8), 3)
    spin = rng.choice([0.0, 0.5, 1.0, 1.5]) * np.pi  # any way up on its own face
    touched = rng.standard_normal(3)
    hz, damping = (
        (rng.uniform(4, 9), log_uniform(rng, 0.03, 0.15))
        if loose
        else (rng.uniform(8, 20), rng.uniform(0.1, 0.4))
    )
    return Worn(
        segment=segment,
        distance_m=rng.uniform(low, high) * scale,
        radius_m=radius_m * rng.uniform(0.8, 1.2),
        around=rng.uniform(0, 2 * np.pi),
        mount=_turn(2, tilt[2]) @ _turn(1, spin + tilt[1]) @ _turn(0, tilt[0]),
        touched=touched / np.linalg.norm(touched),
        strap_hz=hz,
        strap_damping=damping,
        low_pass_hz=fs * rng.uniform(0.3, 0.6),
        loose=loose,
    )


def felt(seen: Array, leg: Leg, worn: Worn, case: Array, slide: Array) -> tuple[Array, Array]:
    """Return gravity's share and the dynamic share at the sensor, each (n, 3) in g.

    Parameters
    ----------
    seen : (RECORDED, n), as `dynamics.simulate` returns them
    case : (n,), m/s^2 that touch adds
    slide : (n,), rad by which the strap has slid round the limb
    """
    angles, pitch, roll = seen[0:3], seen[10], seen[9]
    rates, gains = seen[3:6] - seen[14], seen[6:9] - seen[18]
    roll_rate, roll_gain, side_gain, bed_gain = seen[13], seen[17], seen[19], seen[20]
    cos, sin = np.cos(angles), np.sin(angles)
    lying = np.clip(np.cos(pitch), 0, 1)
    around = worn.around + slide
    outward, beside = worn.radius_m * np.cos(around), worn.radius_m * np.sin(around)
    bed = leg.scalars[SCALARS.index("hip_share")] * bed_gain * lying
    a_x, a_y = np.zeros_like(roll), bed * np.cos(roll)
    height = np.zeros_like(roll)
    for j in range(worn.segment + 1):
        arm = worn.distance_m if j == worn.segment else float(leg.lengths[j])
        a_x += arm * (-gains[j] * sin[j] - rates[j] ** 2 * cos[j])
        a_y += arm * (gains[j] * cos[j] - rates[j] ** 2 * sin[j])
        height += arm * sin[j]
    s = worn.segment
    up_x, up_y, up_z = -np.sin(pitch), np.cos(pitch) * np.cos(roll), np.cos(pitch) * np.sin(roll)
    gravity = np.stack([up_x * cos[s] + up_y * sin[s], up_y * cos[s] - up_x * sin[s], up_z])
    a_y = a_y - roll_rate**2 * height
    a_z = side_gain + roll_gain * height + bed * np.sin(roll)
    moving = np.stack([
        a_x * cos[s] + a_y * sin[s] - gains[s] * outward,
        a_y * cos[s] - a_x * sin[s] - rates[s] ** 2 * outward - roll_gain * beside,
        a_z + roll_gain * outward,
    ])  # fmt: skip
    gravity, moving = _round(gravity, around), _round(moving, around) / GRAVITY
    gravity = _by_rows(worn.mount, gravity)
    moving = _by_rows(worn.mount, moving) + worn.touched[:, np.newaxis] * case / GRAVITY
    return gravity.T.copy(), strapped(moving, worn).T.copy()


def strapped(moving: Array, worn: Worn) -> Array:
    """Return acceleration (3, n) as it comes through the strap and the chip's own low-pass."""
    rate = 2 * np.pi * worn.strap_hz
    lag = 2 * worn.strap_damping * rate
    b, a = bilinear([lag, rate**2], [1, lag, rate**2], fs=RECORD_HZ)
    moving = lfilter(b, a, moving, axis=1)
    if worn.low_pass_hz < 0.4 * RECORD_HZ:
        b, a = butter(2, worn.low_pass_hz, fs=RECORD_HZ)
        moving = lfilter(b, a, moving, axis=1)
    return np.asarray(moving)


def _round(vectors: Array, angle: Array) -> Array:
    """Turn (3, n) about the limb's own axis, so that the second axis points outward there."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([
        vectors[0], vectors[1] * cos + vectors[2] * sin, vectors[2] * cos - vectors[1] * sin,
    ])  # fmt: skip


def _by_rows(matrix: Array, vectors: Array) -> Array:
    """Return the product of (3, 3) and (3, n) without a library whose order of sums may change."""
    return np.stack([
        row[0] * vectors[0] + row[1] * vectors[1] + row[2] * vectors[2] for row in matrix
    ])  # fmt: skip


def _turn(axis: int, angle: float) -> Array:
    cos, sin = np.cos(angle), np.sin(angle)
    matrix = np.eye(3)
    i, j = [(1, 2), (2, 0), (0, 1)][axis]
    matrix[[i, j], [i, j]] = cos
    matrix[i, j], matrix[j, i] = -sin, sin
    return matrix
