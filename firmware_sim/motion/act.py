"""One movement with its label, and how it is played: force on the sensor, onset, end, peak.

What begins and ends. A movement without beats begins at the first moment its own force (noise and
everything else left out) differs from gravity at the start by more than the larger of 2 % of its
peak dynamic acceleration and 3 mg, and ends at the last moment it differs by as much from gravity
at the end. 2 % is where a least-jerk start leaves rest within 1 % of its rise; 3 mg is twice the
noise of a common sensor, below which no recording can show anything. A clonus lasts from the
start of its first beat to the end of its last, as the engine reports them; a spasm with clonus,
in which the muscle relaxes only after the beats, by the first rule. A twitch ends when the limb is
back: the ringing of a slack strap afterwards does not count. Under a loose strap, which may ring
for seconds, begin and end are those of the force below it; the peak is the sensor's, as always.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detector.block import Samples
from detector.events import Kind
from firmware_sim.motion.kinematics import FINE_HZ, Motion, Vector, felt, steps
from firmware_sim.motion.limb import SEEN_G, Limb
from firmware_sim.motion.truth import Truth

PEAK_G = (0.03, 1.2)
"""Range of peak dynamic acceleration; signal note, section 5 (knee estimate 1.25 g)."""
ONSET_SHARE = 0.02
ONSET_FLOOR_G = 0.003


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Act:
    """A movement and its label.

    Parameters
    ----------
    onset_s, end_s : seconds from the start of `motion`, None where the force determines them
    manner : detail beyond the kind: abrupt, bed partner, scratching
    """

    kind: Kind
    motion: Motion
    onset_s: float | None = None
    end_s: float | None = None
    rhythm_hz: float | None = None
    beats: int | None = None
    parts: tuple[Kind, ...] | None = None
    engine: str | None = None
    manner: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """An act on one limb, on the fine grid; times count from its first step.

    Parameters
    ----------
    force_g : (n, 3), specific force without noise
    up : (3,), what the sensor reads once it is over
    """

    force_g: Samples
    up: Vector
    onset_s: float
    end_s: float
    peak_g: float

    @property
    def duration_s(self) -> float:
        """Return the duration, s, the strap's ring-down included."""
        return len(self.force_g) / FINE_HZ


def play(act: Act, limb: Limb) -> Played:
    """Return an act played on a limb, from its resting posture."""
    motion = _with_ring_down(act.motion, limb)
    gravity, below = felt(motion, limb.up)
    dynamic = limb.wobbled(below)
    force = gravity + dynamic
    peak_g = _largest(dynamic)
    own = below if limb.loose else dynamic
    own_g = _largest(own)
    # A loose strap shows more than there is below it: the floor is meant at the sensor.
    least_g = max(ONSET_SHARE * own_g, ONSET_FLOOR_G * min(1.0, own_g / peak_g))
    first, last = _extent(gravity + own, limb.up, gravity[-1], least_g)
    return Played(
        force_g=force,
        up=gravity[-1],
        onset_s=first / FINE_HZ if act.onset_s is None else act.onset_s,
        end_s=last / FINE_HZ if act.end_s is None else act.end_s,
        peak_g=peak_g,
    )


def truth_of(act: Act, played: Played, at_s: float, clock: float = 1.0) -> Truth:
    """Return the truth of an act played at `at_s`; `clock`: sample-clock over true seconds."""
    return Truth(
        onset_s=(at_s + played.onset_s) * clock,
        duration_s=(played.end_s - played.onset_s) * clock,
        kind=act.kind,
        peak_g=played.peak_g,
        rhythm_hz=None if act.rhythm_hz is None else act.rhythm_hz / clock,
        beats=act.beats,
        parts=act.parts,
        engine=act.engine,
        manner=act.manner,
    )


def with_peak(motion: Motion, limb: Limb, peak_g: float) -> Motion:
    """Return the movement, scaled to a peak dynamic acceleration within 1 %."""
    for _ in range(20):  # the centripetal share grows with the square: a few iterations suffice
        factor = peak_g / peak_of(motion, limb)
        if abs(factor - 1) < 0.01:
            break
        motion = motion.scaled(factor)
    return motion


def no_stronger(motion: Motion, limb: Limb, most_g: float) -> Motion:
    """Return the movement, scaled down where its peak would exceed a muscle's."""
    return motion if peak_of(motion, limb) <= most_g else with_peak(motion, limb, most_g)


def arriving(motion: Motion, limb: Limb, share: float) -> Motion:
    """Return a movement scaled by the share that reaches the sensor, its peak at least `SEEN_G`."""
    if share == 1:
        return motion
    weakened = motion.scaled(share)
    gravity, dynamic = felt(weakened, limb.up)
    return weakened.scaled(max(1.0, SEEN_G / _largest(gravity + dynamic - limb.up)))


def peak_of(motion: Motion, limb: Limb) -> float:
    """Return the largest dynamic acceleration at the sensor, in g."""
    _, dynamic = felt(_with_ring_down(motion, limb), limb.up)
    return _largest(limb.wobbled(dynamic))


def sign(rng: np.random.Generator) -> float:
    """Return a random direction, 1 or -1."""
    return 1.0 if rng.random() < 0.5 else -1.0


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Return a random value whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _with_ring_down(motion: Motion, limb: Limb) -> Motion:
    return motion.held(0, len(motion) + steps(limb.ring_down_s))


def _largest(vectors: Samples) -> float:
    return float(np.sqrt((vectors**2).sum(axis=1)).max())


def _extent(force: Samples, start: Vector, end: Vector, least_g: float) -> tuple[int, int]:
    """Return the first step that differs from the start, and the last that differs from the end."""
    from_start = np.sqrt(((force - start) ** 2).sum(axis=1)) > least_g
    from_end = np.sqrt(((force - end) ** 2).sum(axis=1)) > least_g
    first = int(from_start.argmax())
    last = len(force) - 1 - int(from_end[::-1].argmax())
    return first, max(last, first + 1)
