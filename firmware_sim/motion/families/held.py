"""Spasms that are pulled, held and let go: flexor and extensor, sudden and ramped; stiffness.

A flexor spasm draws the leg up (hip and knee flex, the ankle dorsiflexes), an extensor spasm kicks
it straight. Angles as in `spasm`; rise 0.1 to 0.3 s (sudden) or 0.3 to 3 s (ramped), held 0.5 to
60 s; the release is slow or lets the leg fall onto the mattress, which often is the strongest
moment. Times and shares are estimates: no recording is public.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from detector.block import Samples
from detector.events import Kind
from firmware_sim.motion import clonus
from firmware_sim.motion.act import (
    PEAK_G,
    Act,
    arriving,
    log_uniform,
    no_stronger,
    peak_of,
    sign,
    with_peak,
)
from firmware_sim.motion.families.mattress import Mattress, draw_mattress, landing
from firmware_sim.motion.families.shapes import band_noise, risen, wander
from firmware_sim.motion.kinematics import (
    FINE_HZ,
    STANDARD_GRAVITY,
    Curve,
    Hinge,
    Motion,
    damped_ring,
    pushes,
    rotation,
    smooth_step,
    steps,
)
from firmware_sim.motion.limb import Limb
from firmware_sim.motion.spasm import EXTENSOR_DEG, FLEXOR_DEG

SUDDEN_S = (0.1, 0.3)
RAMPED_S = (0.3, 3.0)
HOLD_S = (0.5, 60.0)
SLOW_RELEASE_S = (1.0, 4.0)
MOST_S = RAMPED_S[1] + SLOW_RELEASE_S[1] + 4.0
"""Longest time beside the hold: rise, release, and the bed's ring after a fall."""
MOST_G = 1.5
"""Strongest moment, a heel's drop included [estimate; the signal note has 1.2 g without]."""
FALLS = 0.45
"""Share of flexor spasms that let the leg fall; of extensor spasms, which lift it less, half."""
FALL_M = (0.002, 0.03)
FALLING_WEIGHT = (0.15, 0.6)
JERKY = 0.35
"""Share of spasms with more jerks on top while they are held."""
JERK_G = (0.03, 0.8)
TREMBLE_HZ = (7.0, 13.0)
IRREGULAR_HZ = (3.0, 16.0)
TREMBLE_G = (0.002, 0.060)
"""Rms over all axes while held; twice the signal note's, for a whole leg [estimate]."""
STIFF_DEG = (0.3, 3.0)
STIFF_S = (3.0, 40.0)
UPPER_LEG_M = (0.38, 0.46)


@dataclass(frozen=True, slots=True)
class Pull:
    """Which way, how suddenly and how long: None is drawn."""

    flexor: bool | None = None
    sudden: bool | None = None
    hold_s: float | None = None
    longest_hold_s: float = HOLD_S[1]


ANY = Pull()


def spasm(
    rng: np.random.Generator, limb: Limb, *, pull: Pull = ANY, bed: Mattress | None = None
) -> Act:
    """Pull the leg up or straight, hold it, and let it go: one event from rest to rest."""
    drawn = _drawn(rng, pull)
    return Act(kind=Kind.SPASM, motion=_pulled(rng, limb, drawn, bed), manner=_said(drawn))


def with_clonus(
    rng: np.random.Generator,
    limb: Limb,
    *,
    pull: Pull = ANY,
    engine: clonus.Engine = "both",
    longest_s: float = 20.0,
    bed: Mattress | None = None,
) -> Act:
    """Hold a leg in a posture in which its foot beats, as the pull stretches the calf."""
    beating = clonus.bout(rng, limb, engine=engine, longest_s=longest_s)
    gap_s = rng.uniform(0.2, 1.5)
    drawn = _drawn(rng, pull)
    drawn = replace(drawn, hold_s=gap_s + clonus.lasting_s(beating) + rng.uniform(0.0, 3.0))
    held = _pulled(rng, limb, drawn, bed)
    return replace(
        beating,
        motion=held.then(beating.motion, steps(gap_s)),
        onset_s=None,
        end_s=None,
        parts=(Kind.SPASM, Kind.CLONUS),
        manner=_said(drawn),
    )


def stiffness(rng: np.random.Generator, limb: Limb, *, longest_s: float = STIFF_S[1]) -> Act:
    """Stiffen: hardly move, tremble for 3 to 40 s, let go."""
    rise = risen(rng, steps(rng.uniform(*RAMPED_S)))
    hold = np.ones(steps(log_uniform(rng, STIFF_S[0], max(longest_s, 3.1))))
    kept = rng.choice([0.0, rng.uniform(0.3, 1.0)])
    back = 1 - (1 - kept) * smooth_step(steps(rng.uniform(*SLOW_RELEASE_S)))
    angle = np.concatenate([rise, hold, back])
    size = np.concatenate([rise, hold, 1 - smooth_step(len(back))])
    motion = _leg(rng, limb, sign(rng) * np.radians(log_uniform(rng, *STIFF_DEG)) * angle)
    shaking = band_noise(rng, len(angle), TREMBLE_HZ, log_uniform(rng, 0.005, TREMBLE_G[1]))
    shaking *= (size * _tiring(rng, len(size)))[:, np.newaxis]
    motion = arriving(motion.then(pushes(shaking), 0), limb, limb.lifting)
    return Act(kind=Kind.TONIC, motion=motion, manner="stiffness")


def _drawn(rng: np.random.Generator, pull: Pull) -> Pull:
    flexor, sudden = rng.random() < 0.65, rng.random() < 0.4
    hold_s = log_uniform(rng, HOLD_S[0], max(pull.longest_hold_s, 0.6))
    return replace(
        pull,
        flexor=flexor if pull.flexor is None else pull.flexor,
        sudden=sudden if pull.sudden is None else pull.sudden,
        hold_s=hold_s if pull.hold_s is None else pull.hold_s,
    )


def _said(pull: Pull) -> str:
    return f"{'sudden' if pull.sudden else 'ramped'} {'flexor' if pull.flexor else 'extensor'}"


def _pulled(rng: np.random.Generator, limb: Limb, pull: Pull, bed: Mattress | None) -> Motion:
    radians, rise = _rise(rng, limb, pull)
    hold = steps(pull.hold_s or HOLD_S[0])
    way = 1.0 if pull.flexor else -1.0
    reach_m = float(np.linalg.norm(limb.joint.arm_m))
    held = _held(rng, rise, hold, radians * reach_m)
    falls = rng.random() < (FALLS if pull.flexor else FALLS / 2)
    kept = float(
        rng.choice([0.0, rng.uniform(0.1, 0.6), rng.uniform(0.0, 0.6)], p=[0.45, 0.3, 0.25])
    )
    slides = kept > 0 and rng.random() < 0.5
    until_s = rng.uniform(*SLOW_RELEASE_S)
    blow, blow_first = np.zeros(1), 0
    if falls:
        weight = rng.uniform(*FALLING_WEIGHT)
        blow, landed_s = landing(bed or draw_mattress(rng), log_uniform(rng, *FALL_M), weight)
        # The leg straightens under the same share of its weight, and lands as it is straight.
        accelerated = weight * STANDARD_GRAVITY / reach_m
        until_s = max(landed_s, float(np.sqrt(5.77 * radians * (1 - kept) / accelerated)))
        blow_first = steps(until_s - landed_s)
    back = held[-1] + (kept - held[-1]) * smooth_step(steps(until_s))
    angle = way * radians * np.concatenate([held, back])
    shaking = _trembling(rng, len(rise), hold, len(back))
    motion = _leg(rng, limb, angle).then(pushes(shaking), 0)
    if falls:
        up = motion.turned(limb.up[np.newaxis])[0]
        motion = motion.then(pushes(np.outer(blow, up)), len(held) + blow_first)
    if slides:
        elsewhere = sign(rng) * np.radians(rng.uniform(3, 20)) * smooth_step(len(back))
        motion = motion.then(rotation(limb.roll, elsewhere), len(held))
    return arriving(no_stronger(motion, limb, MOST_G), limb, limb.lifting)


def _rise(rng: np.random.Generator, limb: Limb, pull: Pull) -> tuple[float, Curve]:
    """Return an angle in rad and a rise that a muscle can do, and a sensor measure."""
    for _ in range(50):
        degrees = log_uniform(rng, *(FLEXOR_DEG if pull.flexor else EXTENSOR_DEG))
        rise = risen(rng, steps(log_uniform(rng, *(SUDDEN_S if pull.sudden else RAMPED_S))))
        radians = float(np.radians(degrees))
        peak_g = peak_of(rotation(limb.joint, radians * rise), limb)
        if peak_g <= PEAK_G[1] and (peak_g >= PEAK_G[0] or not pull.sudden):
            return radians, rise
    motion = with_peak(rotation(limb.joint, radians * rise), limb, log_uniform(rng, *PEAK_G))
    return float(np.abs(motion.angles_rad).max()), rise


def _held(rng: np.random.Generator, rise: Curve, hold: int, reach_m: float) -> Curve:
    """Return the pull from its start to its release, about 1: it sags, wanders, and may jerk.

    `reach_m` is how far the sensor moves; it turns accelerations in g into shares of the pull.
    """
    n = len(rise) + hold
    since = np.clip(np.arange(n) - len(rise), 0, None) / max(hold, 1)
    sag = rng.choice([0.0, rng.uniform(0.05, 0.4)])
    curve: Curve = np.append(rise, np.ones(hold)) - sag * since ** rng.uniform(0.7, 2.0)
    curve += rng.uniform(0.0, 0.02) * wander(rng, n, 0.8)
    # The limb swings after the rise, by as much as it was accelerated.
    landed = len(rise) * 3 // 4
    swing_hz = rng.uniform(2.5, 6)
    strongest = float(np.abs(np.diff(rise, 2)).max()) * FINE_HZ**2
    swing = rng.uniform(0.0, 0.8) * strongest / (2 * np.pi * swing_hz) ** 2
    curve[landed:] += swing * damped_ring(n - landed, swing_hz, rng.uniform(0.08, 0.3))
    if rng.random() < JERKY:
        for _ in range(int(rng.integers(1, 6))):
            _jerk(rng, curve, int(rng.integers(len(rise) // 2, n)), reach_m)
    return curve


def _jerk(rng: np.random.Generator, curve: Curve, first: int, reach_m: float) -> None:
    """Add one more jerk from a step on, in place: the limb goes back from it, wholly or in part."""
    out_s = rng.uniform(*SUDDEN_S)
    # A least-jerk step of size 1 in T accelerates by 5.77 / T^2.
    size = log_uniform(rng, *JERK_G) * STANDARD_GRAVITY * out_s**2 / (5.77 * reach_m)
    back = 1 - rng.uniform(0.3, 1.0) * smooth_step(steps(rng.uniform(0.3, 1.5)))
    jerk = min(size, 0.5) * np.concatenate([smooth_step(steps(out_s)), back])
    jerk = np.append(jerk, np.full(max(0, len(curve) - first - len(jerk)), jerk[-1]))
    curve[first:] += jerk[: len(curve) - first]


def _trembling(rng: np.random.Generator, rise: int, hold: int, back: int) -> Samples:
    """Shake while held: evenly at 7 to 13 Hz, irregularly, or hardly; it grows or tires."""
    n = rise + hold + back
    style = str(rng.choice(["hardly", "even", "irregular"], p=[0.2, 0.45, 0.35]))
    if style == "hardly":
        shaking = band_noise(rng, n, TREMBLE_HZ, TREMBLE_G[0])
    elif style == "even":
        middle_hz = rng.uniform(TREMBLE_HZ[0] + 0.7, TREMBLE_HZ[1] - 0.7)
        size_g = log_uniform(rng, 0.004, TREMBLE_G[1])
        shaking = band_noise(rng, n, (middle_hz - 0.7, middle_hz + 0.7), size_g)
    else:
        shaking = band_noise(rng, n, IRREGULAR_HZ, log_uniform(rng, 0.004, TREMBLE_G[1]))
    size = np.concatenate([smooth_step(rise), np.ones(hold), 1 - smooth_step(back)])
    shaken: Samples = shaking * (size * _tiring(rng, n))[:, np.newaxis]
    return shaken


def _tiring(rng: np.random.Generator, n: int) -> Curve:
    """Return how a tremble's size goes while a muscle is held, (n,)."""
    trend = np.linspace(1.0, rng.uniform(0.2, 2.0), n)
    return np.clip(trend * (1 + 0.3 * wander(rng, n, 0.7)), 0.05, None)


def _leg(rng: np.random.Generator, limb: Limb, angle: Curve) -> Motion:
    """Return the segment's turn, and that of the joint above, which partly undoes it.

    Of a leg drawn up, hip and knee turn against each other: the shank tilts by less than the knee
    bends, and is carried along. Foot, ankle and calf have that joint an upper leg further up.
    """
    tilt = rng.uniform(-0.4, 0.4)
    axis = np.cos(tilt) * limb.joint.axis + np.sin(tilt) * limb.side.axis
    motion = rotation(Hinge(axis, limb.joint.arm_m), angle)
    lag = steps(rng.uniform(0.0, 0.12))
    if limb.site not in ("foot", "ankle", "calf"):
        return motion.then(rotation(limb.side, rng.uniform(-0.3, 0.3) * angle), lag)
    above = Hinge(limb.joint.axis, limb.joint.arm_m + limb.along * rng.uniform(*UPPER_LEG_M))
    # Its arm is two or three times as long: a tenth to a third of the angle moves as much.
    return motion.then(rotation(above, -rng.uniform(0.05, 0.35) * angle), lag)
