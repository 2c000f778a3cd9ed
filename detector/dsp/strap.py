"""Whether the strap is loose: then every movement rings on at one rate, and looks like clonus.

A sensor on its strap and the soft tissue under it is a mass on a damped spring. Worn firmly it
rings at 8 to 20 Hz and dies within a beat or two (damping 0.1 to 0.4); a loose strap is a softer
spring, at 4 to 9 Hz and with a damping of 0.03 to 0.15: five beats and more, in the band of clonus.
After a movement it swings freely, and a free swing is a damped sine whose rate belongs to the
strap, whatever the movement was. So: fit one to the end of each movement, and see whether they
agree.

Set on the own generators (`firmware_sim.motion` and `.torque`), where of 39 recordings of 7 min to
4 h under a loose strap 30 are told (four are too short), of 176 under a firm one none. On seeds
that were looked at once, at the end: 17 of 19 and 1 of 30, a firm strap that rings at 8.4 Hz. None
of 1623 ends of strong movements in real recordings rings. No recording with a strap that is known
to be loose is public.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from math import pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.block import AXES, Samples
from detector.dsp.frames import FRAME_S, TILE_FRAMES, Floats
from detector.dsp.posture import one_angle_deg
from detector.dsp.wear import Turn
from detector.plain import pack, to_plain, unpack

# Frames are as long as the detector's own: half a beat to a beat of a loose strap.
PAUSE = 4  # still frames that end a movement: less than a second is no pause (Snow 1990)
BACKS = (2, 3, 4)  # frames before the end in which a free swing may begin; the best fit counts
BEFORE = 4  # frames before it, to compare
REACH = BEFORE + BACKS[-1] + 1  # frames that are looked at, with the first still one
KEPT = REACH + PAUSE - 2

GATE_G, GATE_STEPS = 0.006, 2.0
"""Rms of a frame that moves, of all axes together: the detector's gate, or the sensor's steps."""

STRONG_G = 0.02
"""Rms of the strongest frame before the end: what is weaker rings below the gate."""

RATES_HZ = np.arange(3.6, 10.45, 0.1)
DAMPINGS = (0.02, 0.03, 0.04, 0.055, 0.07, 0.09, 0.11, 0.135, 0.16, 0.24)
NYQUIST_SHARE = 0.8  # of what the sensor's rate can show

RINGS_HZ, RINGS_DAMPING = (3.9, 9.2), 0.135
"""What counts as ringing: loose straps do so at 4 to 9 Hz, and what dies faster makes no two beats
that look like clonus; the ends of what is fitted are where all is found that is no sine."""

LIKE = 0.8
"""Share of the energy that the sine explains. A limb that comes to rest leaves less: none of 1623
ends of strong real movements reaches it at a rate and damping that count."""

GOES_ON, GROWS = 0.6, 0.6
"""A movement that swung as fast before (share explained) and not as much more strongly as the sine
was then (share of its growth) is a rhythm of the limb: the end of a clonus or tremor, which beat
evenly and wane at last, says nothing of the strap."""

ALONG_GRAVITY = 0.88
"""Share of the energy along gravity from which it is the mattress that rings under a lying limb: in
severe nights 0.93 to 0.98 under firm straps, 0.3 to 0.7 under loose ones."""

SAME = 0.05
"""Of one rate: so far fits of one loose strap differ. At 0.07 the slackest of firm straps, whose
swings die sooner and are fitted worse, agree as well."""

LOOKED, ENOUGH = 24, 6
"""Of the latest 24 ends 6 agree. Loose straps ring after 20 to 70 % of the strong movements, firm
ones after 5 % at most at any one rate; the ends of bouts of tremor are too few."""

TURNED_DEG, TURNED = 1.0, 3
"""At least half of them follow a movement behind which the limb lies elsewhere than behind the one
before: what rings only where it lies still is a mattress that others shake."""

CLEAR = 16
"""None of so many rings at that rate: it was tightened. Of a loose one that rings after a fifth of
the movements, that is a chance of 1 in 35; after half of them, 1 in 65,000."""


SAVED_G, MOST_STEPS = 2.0**-11, 32_000
"""Samples are looked at in steps of 0.5 mg up to 15.6 g, a tenth of the gate, so that what is saved
takes two bytes each."""


@dataclass(slots=True)
class StrapState:
    """What is remembered: the last samples, and how the latest movements ended."""

    rest: Samples = field(default_factory=lambda: np.empty((0, AXES)))  # of an unfinished frame
    frames: Samples = field(default_factory=lambda: np.empty((0, AXES)))  # the last `KEPT`
    active: list[bool] = field(default_factory=list)  # ... whether they moved
    rings_hz: list[float] = field(default_factory=list)  # 0 of a movement without
    turned: list[bool] = field(default_factory=list)  # ... whether it turned the limb
    lay_g: Samples = field(default_factory=lambda: np.full(AXES, np.nan))  # behind the last one
    loose_hz: float | None = None


class Strap:
    """Follows one sensor by its samples. A gap ends a movement, and not what is known."""

    def __init__(self, fs: float) -> None:
        self._fs = fs
        self._length = max(3, round(FRAME_S * fs))
        self.state = StrapState()

    def save(self) -> dict[str, Any]:
        """Return the state as plain data."""
        state = self.state
        return {
            "rest": pack(_in_steps(state.rest).astype(np.int16)),
            "frames": pack(_in_steps(state.frames).astype(np.int16)),
            "active": list(state.active),
            "rings_hz": list(state.rings_hz),
            "turned": list(state.turned),
            "lay_g": to_plain(state.lay_g.tolist()),
            "loose_hz": state.loose_hz,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self.state = StrapState(
            rest=unpack(state["rest"], np.int16) * SAVED_G,
            frames=unpack(state["frames"], np.int16) * SAVED_G,
            active=list(state["active"]),
            rings_hz=list(state["rings_hz"]),
            turned=list(state["turned"]),
            lay_g=np.array([float(each) for each in state["lay_g"]]),
            loose_hz=state["loose_hz"],
        )

    def interrupt(self) -> None:
        """Begin anew after a gap; how movements ended is kept."""
        was = self.state
        self.state = StrapState(
            rings_hz=was.rings_hz, turned=was.turned, lay_g=was.lay_g, loose_hz=was.loose_hz
        )

    def follow(self, seconds: Samples, first: int, steps_g: NDArray[np.float64]) -> list[Turn]:
        """Take the next seconds (count, length, 3) g; `steps_g` is the resolution known then."""
        state, length = self.state, self._length
        samples = np.concatenate((state.rest, _in_steps(seconds.reshape(-1, AXES)) * SAVED_G))
        whole = len(samples) // length
        start = first - len(state.rest) - len(state.frames)
        state.rest = samples[whole * length :].copy()
        if not whole:
            return []
        fresh = samples[: whole * length]
        ends = np.arange(1, whole + 1) * length - 1 - (len(samples) - seconds[..., 0].size)
        step_g = steps_g[np.maximum(ends, 0) // seconds.shape[1]]
        gate_g = np.maximum(GATE_G, GATE_STEPS * step_g)
        was_active = np.array(state.active, dtype=np.bool_)
        active = np.concatenate((was_active, _rms(fresh, length) > gate_g))
        joined = np.concatenate((state.frames, fresh))
        known = len(state.active)
        state.frames = joined[-KEPT * length :].copy()
        state.active = active[-KEPT:].tolist()
        turns: list[Turn] = []
        for last in _ends(active):
            begin = last + 2 - REACH
            if last + PAUSE >= known and begin >= 0:
                reach = joined[begin * length : (last + 2) * length]
                turns += self._judge(reach, start + (last + PAUSE + 1) * length)
        return turns

    def _judge(self, reach: Samples, stop: int) -> list[Turn]:
        """Take how a movement ended; return whether that tells the strap's state."""
        state, rings_hz = self.state, self._rings_hz(reach)
        lies_g = reach[-self._length :].sum(axis=0) / self._length
        turned_deg = one_angle_deg(state.lay_g, lies_g)  # NaN of the first one is no turn
        state.lay_g = lies_g
        if rings_hz is None:
            return []
        state.rings_hz = [*state.rings_hz, rings_hz][-LOOKED:]
        state.turned = [*state.turned, turned_deg >= TURNED_DEG][-LOOKED:]
        rates_hz, turned = np.array(state.rings_hz), np.array(state.turned)
        if state.loose_hz is not None:
            recent_hz = rates_hz[-CLEAR:]
            if len(recent_hz) < CLEAR or _alike(recent_hz, state.loose_hz).any():
                return []
            state.rings_hz, state.turned, state.loose_hz = [], [], None
            return [Turn(stop, stop)]
        groups = [_alike(rates_hz, each) for each in state.rings_hz if each]
        groups = [each for each in groups if _count(each & turned) >= TURNED]
        agree = max(groups, key=_count, default=None)
        if agree is None or _count(agree) < ENOUGH:
            return []
        state.loose_hz = round(float(np.median(rates_hz[agree])), 2)
        numbers = {"rings_hz": state.loose_hz, "agree": float(_count(agree))}
        return [Turn(stop, stop, _loose(state.loose_hz), numbers)]

    def _rings_hz(self, reach: Samples) -> float | None:
        """Return the rate at which a movement rang on, 0 if it did not, None if it cannot tell.

        `reach` ends with the first still frame after it.
        """
        length = self._length
        if _rms(reach[:-length], length).max() < STRONG_G:
            return None
        fits = [self._fit(reach[-(back + 1) * length :]) for back in BACKS]
        best = max(range(len(BACKS)), key=lambda which: fits[which].like)
        found, begun = fits[best], len(reach) - (BACKS[best] + 1) * length
        before = reach[begun - BEFORE * length : begun]
        if self._was_beating(found, before, BACKS[best] + 1):
            return None
        if found.like < LIKE:
            return 0.0
        if _along(reach[-(BACKS[0] + 1) * length :], reach.mean(axis=0)) > ALONG_GRAVITY:
            return None
        low_hz, high_hz = RINGS_HZ
        rings = found.damping <= RINGS_DAMPING and low_hz < found.rate_hz < high_hz
        return found.rate_hz if rings else 0.0

    def _was_beating(self, found: _Swing, before: Samples, frames: int) -> bool:
        """Whether what was before a sine of so many frames is no earlier part of it but a beat."""
        apart_s = (BEFORE + frames) / 2 * self._length / self._fs
        growth = np.exp(2 * pi * found.rate_hz * found.damping * apart_s)
        if _spread(before) >= GROWS * growth * found.rms_g:
            return False
        return _swings(before, found.rate_hz / self._fs) > GOES_ON

    def _fit(self, window: Samples) -> _Swing:
        """Return the damped sine that explains most of (n, 3) g."""
        swing = window - window.sum(axis=0) / len(window)
        energy = float((swing * swing).sum())
        rates_hz, dampings, waves = _waves(len(window), self._fs)
        shares = np.einsum("wpn,an->wpa", waves, np.ascontiguousarray(swing.T))
        explained = (shares * shares).sum(axis=(1, 2))
        best = int(explained.argmax())
        like = float(explained[best]) / max(energy, 1e-12)
        return _Swing(rates_hz[best], dampings[best], like, (energy / len(window)) ** 0.5)


@dataclass(frozen=True, slots=True)
class _Swing:
    """A damped sine; `like` is the share of the energy that it explains."""

    rate_hz: float
    damping: float
    like: float
    rms_g: float


@lru_cache(maxsize=16)
def _waves(length: int, fs: float) -> tuple[list[float], list[float], Floats]:
    """Return rates, dampings and orthonormal pairs of damped waves (waves, 2, length)."""
    t = np.arange(length) / fs
    rates_hz, dampings, waves = list[float](), list[float](), list[Floats]()
    highest_hz = NYQUIST_SHARE * fs / 2
    for rate_hz in RATES_HZ[highest_hz > RATES_HZ]:
        for damping in DAMPINGS:
            decay = np.exp(-2 * pi * rate_hz * damping * t)
            waves.append(_pair(decay * np.cos(2 * pi * rate_hz * t),
                               decay * np.sin(2 * pi * rate_hz * t)))  # fmt: skip
            rates_hz.append(round(float(rate_hz), 1))
            dampings.append(damping)
    return rates_hz, dampings, np.array(waves)


def _pair(one: Floats, other: Floats) -> Floats:
    """Return two waves without their means, of length 1 and at right angles."""
    one = one - one.mean()
    one = one / np.sqrt((one * one).sum())
    other = other - other.mean()
    other = other - one * (one * other).sum()
    return np.stack((one, other / np.sqrt((other * other).sum())))


def _ends(active: NDArray[np.bool_]) -> list[int]:
    """Return the frames that move and are followed by `PAUSE` still ones."""
    ends = active[:-PAUSE].copy()
    for later in range(1, PAUSE + 1):
        ends &= ~active[later : len(active) - PAUSE + later]
    return np.flatnonzero(ends).tolist()


def _in_steps(samples: Samples) -> Samples:
    """Return samples in whole steps of `SAVED_G`; of its own result the same."""
    steps: Samples = np.clip(np.rint(samples / SAVED_G), -MOST_STEPS, MOST_STEPS)
    return steps


def _rms(samples: Samples, length: int) -> Floats:
    """Return the rms of every frame about its mean, all axes together: (n * length, 3) -> (n,)."""
    framed = samples.reshape(-1, length, AXES)
    rms = np.empty(len(framed))
    for first in range(0, len(framed), TILE_FRAMES):
        # The frames last, so that each sum runs along memory.
        tile = np.ascontiguousarray(framed[first : first + TILE_FRAMES].transpose(1, 2, 0))
        deviation = tile - tile.sum(axis=0) / length
        square = (deviation * deviation).sum(axis=0) / length
        rms[first : first + TILE_FRAMES] = np.sqrt(square[0] + square[1] + square[2])
    return rms


def _spread(window: Samples) -> float:
    return float(_rms(window, len(window))[0])


def _swings(window: Samples, cycles: float) -> float:
    """Return the share of the energy of (n, 3) at one rate, in cycles a sample."""
    phase = 2 * pi * cycles * np.arange(len(window))
    pair = _pair(np.cos(phase), np.sin(phase))
    swing = window - window.sum(axis=0) / len(window)
    shares = np.einsum("pn,na->pa", pair, swing)
    return float((shares * shares).sum() / max(float((swing * swing).sum()), 1e-12))


def _along(window: Samples, gravity_g: Floats) -> float:
    """Return the share of the energy of (n, 3) along gravity."""
    swing = window - window.sum(axis=0) / len(window)
    up = gravity_g / max(float(np.sqrt((gravity_g * gravity_g).sum())), 1e-9)
    along = swing[:, 0] * up[0] + swing[:, 1] * up[1] + swing[:, 2] * up[2]
    return float((along * along).sum() / max(float((swing * swing).sum()), 1e-12))


def _alike(rates_hz: Floats, rate_hz: float) -> NDArray[np.bool_]:
    alike: NDArray[np.bool_] = np.abs(rates_hz / rate_hz - 1) < SAME
    return alike


def _count(those: NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(those))


def _loose(rings_hz: float) -> str:
    return (
        f"the sensor swings on at {rings_hz:.1f} Hz after movements, as under a loose strap, which "
        "looks like clonus. Tighten the strap"
    )
