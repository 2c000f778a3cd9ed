"""Plays movements one after another into a recording, and notes the truth of each."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from detector.events import Kind
from firmware_sim.motion.truth import Truth
from firmware_sim.sealed.muscle import Array
from firmware_sim.sealed.sensor import Wearable
from firmware_sim.sealed.skeleton import Motion, Site, feel

Draw = Callable[[np.random.Generator, float, Array], Motion]
"""Draws a movement: random numbers, the simulation's rate in Hz, the pose it begins in."""

INNER_HZ = 400.0
"""At least so many steps a second inside a movement: a phone's 180 Hz stays below half of it."""
BEGINS, ENDS = 0.05, 0.10
"""Shares of the largest change at which a movement begins and ends."""
FELT_G = 0.005
"""Five times the noise of an average sensor: no movement begins or lasts below it."""
FINE, FINE_G = 0.02, 0.003
"""Share of the peak, and least change, at which a movement of the hard recordings begins and
ends: the rule at the top of `firmware_sim.motion.act`, so that a slow ramp's start counts."""
UNFELT_G = 0.006
"""A movement below it has no truth; the least that can open the product's gate."""
LOOSE = "loose strap"
"""What the manner of every truth ends with where the strap is slack."""
MOST_GAIN = 5.0
"""Largest factor that scales a weak movement to its least peak: beyond, angles are impossible."""


class Recorder:
    """A limb that lies still until it is moved.

    Parameters
    ----------
    samples : length of the recording
    fs : nominal rate, Hz
    pose_rad : (6,) in which it lies at first
    firm : the same sensor on a firm strap, which alone decides what is true; None if it is on one
    fine : whether movements begin and end by `FINE`
    """

    def __init__(
        self, samples: int, *, fs: float, site: Site, wearable: Wearable, pose_rad: Array,
        firm: Wearable | None = None, fine: bool = False,
    ) -> None:  # fmt: skip
        self._steps = math.ceil(INNER_HZ / fs)
        self._rate_hz = self._steps * wearable.true_fs
        self._fs = fs
        self._site = site
        self._wearable = wearable
        self._firm = wearable if firm is None else firm
        self._fine = fine
        self._pose_rad = pose_rad
        self._written = 0
        self.specific_g = np.empty((samples, 3))
        self.truth: list[Truth] = []
        self.moved: list[tuple[int, int]] = []

    @property
    def now_s(self) -> float:
        """Return the end of the last movement, rest after it included, on the sample clock."""
        return self._written / self._fs

    def play(self, rng: np.random.Generator, draw: Draw, *, at_s: float) -> bool:
        """Draw and write one movement at `at_s >= now_s`; False if it ends beyond the recording."""
        motion = self._swung_out(draw(rng, self._rate_hz, self._pose_rad))
        first = max(round(at_s * self._fs), self._written)
        stop = first + math.ceil(motion.angles_rad.shape[1] / self._steps)
        if stop > len(self.specific_g):
            return False
        gain, true_g, dynamic_g = self._felt(motion)
        felt_g, worn_g = true_g, dynamic_g
        if self._wearable.loose:
            felt_g, worn_g = self._through(motion, gain, self._wearable)
        self._rest_until(first)
        self.specific_g[first:stop] = felt_g[:: self._steps]
        if _change_g(felt_g) >= UNFELT_G:
            self._note(motion, (true_g, dynamic_g), first, peak_g=float(np.max(_size(worn_g))))
        self._pose_rad = self._pose_rad + gain * motion.angles_rad[:, -1]
        self._written = stop
        return True

    def finish(self) -> None:
        """Fill the rest of the recording with stillness."""
        self._rest_until(len(self.specific_g))

    def _felt(self, motion: Motion) -> tuple[float, Array, Array]:
        """Return the gain for a peak in range, the force at the sensor and its dynamic part."""
        gain, (felt_g, dynamic_g) = 1.0, self._through(motion, 1.0, self._firm)
        for _ in range(2):  # angles are not quite linear: twice comes within a few per cent
            peak_g = float(np.max(_size(dynamic_g)))
            low_g, high_g = (self._site.felt * bound for bound in motion.peak_g)
            wanted = min(max(peak_g, low_g), high_g) / max(peak_g, 1e-9)
            wanted = min(gain * wanted, MOST_GAIN if motion.push_g is None else math.inf)
            if math.isclose(wanted, gain, rel_tol=0.03):
                break
            gain = wanted
            felt_g, dynamic_g = self._through(motion, gain, self._firm)
        return gain, felt_g, dynamic_g

    def _swung_out(self, motion: Motion) -> Motion:
        """Return a movement with time after it for a slack strap to come to rest."""
        more = math.ceil(self._wearable.rings_s * self._rate_hz)
        if not more:
            return motion
        push_g = None if motion.push_g is None else np.pad(motion.push_g, ((0, more), (0, 0)))
        return replace(
            motion, push_g=push_g,
            angles_rad=np.pad(motion.angles_rad, ((0, 0), (0, more)), mode="edge"),
        )  # fmt: skip

    def _through(self, motion: Motion, gain: float, worn: Wearable) -> tuple[Array, Array]:
        push_g = None if motion.push_g is None else gain * motion.push_g
        both = feel(
            self._pose_rad, gain * motion.angles_rad, push_g, site=self._site,
            rate_hz=self._rate_hz,
        )  # fmt: skip
        felt_g = worn.carried(np.concatenate(both, axis=1), rate_hz=self._rate_hz)
        return felt_g[:, :3], felt_g[:, 3:]

    def _rest_until(self, stop: int) -> None:
        nothing = np.zeros((len(self._pose_rad), 3))
        rest_g, _ = feel(self._pose_rad, nothing, None, site=self._site, rate_hz=1.0)
        self.specific_g[self._written : stop] = rest_g[0]
        self._written = stop

    def _note(
        self, motion: Motion, truly: tuple[Array, Array], first: int, *, peak_g: float
    ) -> None:
        felt_g, dynamic_g = truly
        held = _held(motion, self._rate_hz)
        onset, end = _bounds(felt_g, held, dynamic_g if self._fine else None)
        if self._fine and motion.kind is Kind.CLONUS and motion.parts is None:
            end = min(end, round(motion.active_s * self._rate_hz))  # the end of its last beat
        if end <= onset:
            return
        manner = motion.manner
        if self._wearable.loose:
            manner = f"{manner or motion.kind.value}; {LOOSE}"
        per_s = self._steps * self._fs  # steps of one second on the sample clock
        self.moved.append((first + onset // self._steps, first + end // self._steps))
        slower = self._fs / self._wearable.true_fs
        self.truth.append(
            Truth(
                onset_s=first / self._fs + onset / per_s,
                duration_s=(end - onset) / per_s,
                kind=motion.kind,
                peak_g=peak_g,
                rhythm_hz=None if motion.rhythm_hz is None else motion.rhythm_hz * slower,
                beats=motion.beats,
                parts=motion.parts,
                engine="emg-bursts" if motion.beats is not None else None,
                manner=manner,
            )
        )


def _held(motion: Motion, rate_hz: float) -> int:
    """Return the step at which the contraction ends, which may be after the limb is still."""
    holds = motion.parts is not None or motion.kind in {Kind.SPASM, Kind.TONIC}
    return min(round(motion.active_s * rate_hz), motion.angles_rad.shape[1] - 1) if holds else 0


def _bounds(felt_g: Array, held: int, dynamic_g: Array | None) -> tuple[int, int]:
    """Return the first and last step of a movement; (0, 0) if it cannot be measured.

    With its dynamic part both ends follow `FINE`, else the shares of the largest change.
    """
    away, left = _size(felt_g - felt_g[0]), _size(felt_g - felt_g[-1])
    if max(away.max(), left.max()) < UNFELT_G:
        return 0, 0
    begins_g, ends_g = max(BEGINS * away.max(), FELT_G), max(ENDS * left.max(), FELT_G)
    if dynamic_g is not None:
        begins_g = ends_g = max(FINE * float(np.max(_size(dynamic_g))), FINE_G)
    begun, lasting = np.flatnonzero(away > begins_g), np.flatnonzero(left > ends_g)
    if not len(begun) or not len(lasting):
        return 0, 0
    return int(begun[0]), max(int(lasting[-1]), held)


def _change_g(felt_g: Array) -> float:
    """Return how far a force departs at most from where it began or where it ends."""
    return float(max(_size(felt_g - felt_g[0]).max(), _size(felt_g - felt_g[-1]).max()))


def _size(vectors: Array) -> Array:
    return np.asarray(np.sqrt(np.sum(vectors**2, axis=1)))
