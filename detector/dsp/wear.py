"""Whether a sensor lies on a table or on a still sleeper.

On a table there is white noise: its power in the means of long times follows from that in the
means of short ones. A body breathes, which adds slow power. A body that was
detected and then no more without having been moved is still a body: nobody took the sensor off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.block import AXES, Samples
from detector.plain import from_plain, to_plain

Floats = NDArray[np.float64]

PARTS = 5
"""Parts of a second of which means are taken: breathing and its harmonics lie below 2.5 Hz, and
so does what a whole second averages away of the pulse."""

LOOK_S, EVERY_S = 10, 60
"""Ten seconds of each minute are looked at: two breaths, for a sixth of the work."""

MOVED_G = 10e-3
"""Half a degree of turning, or a touch. Breathing moves a leg by 0.5 to 2 mg [estimate]; warming
up shifts a sensor by about 1 mg/K. GGIR's 50 mg in an hour calls still sleepers unworn
(wadpac/GGIR#1172)."""

WINDOW = 40
"""Looks without movement from which it is judged: 40 min, between OpenSeizureDetector's 20 min and
GGIR's 60 min."""

WHITE = 1.25
"""Slow power over what white noise has. 40 looks scatter by 5 % about 1, a chip's own drift of
30 ug adds up to 9 %; breathing of 0.5 mg gives 1.5 at 2 mg of noise a sample, 3 at 1 mg."""

PULSE = 1.3
"""Likewise for the power from part to part over that from sample to sample: more is a pulse, or a
chip whose filter cuts far below half its rate. The two cannot be told apart."""

HIDDEN_G = 0.2e-3
"""Breathing that may hide in the noise; a sensor that hides more (1.15 mg of noise a sample at
50 Hz) cannot tell. Still sleepers called unworn are the known hazard, so fainter than a leg
breathes [estimate]."""

BLIND_LOOKS = 120
"""Unmoved looks after which such a sensor, too, counts as not worn: two hours, after which a person
who cannot turn is turned (usual care against pressure sores)."""

FORGET_S = 600.0
"""After a longer gap nothing is known of what was done to the sensor meanwhile."""

_COLUMNS = PARTS * 2 * AXES
_NOTHING = [0, 0, 0]
_PER_G2 = 1e13  # powers are summed as whole numbers, so that a running sum is exact
_UNIT = _PER_G2 * WINDOW


@dataclass(frozen=True, slots=True)
class Turn:
    """Known at a sample: it is not worn since `at` (for a `reason`), or worn again from there."""

    known: int
    at: int
    reason: str | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class _State:
    second: int = 0  # of the minute
    rows: Floats = field(default_factory=lambda: np.empty((0, _COLUMNS)))  # of an unfinished look
    place_g: Floats = field(default_factory=lambda: np.full((AXES, 1), np.nan))  # at the last look
    stop: int = 0  # end of the last look
    window: list[list[int]] = field(default_factory=list)  # slow, middle, fast power of each look
    slow: int = 0  # sums over the window
    middle: int = 0
    fast: int = 0
    still: int = 0  # looks since it was moved
    begun: int = 0  # first sample of these
    handled: bool = True  # since a body was detected; who starts a sensor has it in hand
    ever_moved: bool = False
    unworn: bool = False


class Wear:
    """Follows one sensor by whole seconds of `length` samples."""

    def __init__(self, fs: float) -> None:
        self._fs = fs
        self._part = max(2, round(fs / PARTS))
        self._forget = round(FORGET_S * fs)
        self.length = PARTS * self._part  # 1 s to within a tenth from 15 Hz on
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._state = _State()

    def interrupt(self) -> None:
        """Begin the next look anew after a gap."""
        self._state.second, self._state.rows = 0, np.empty((0, _COLUMNS))

    @property
    def settled(self) -> bool:
        """Whether enough was seen to judge."""
        return self._state.ever_moved or len(self._state.window) == WINDOW

    def save(self) -> dict[str, Any]:
        """Return the state as plain data."""
        saved: dict[str, Any] = to_plain(self._state)
        return saved

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self._state = from_plain(_State, state)

    def follow(self, seconds: Samples, first: int, steps_g: Floats) -> list[Turn]:
        """Take the next seconds (count, length, 3) g, the first sample of which is `first`.

        `steps_g` is the sensor's resolution as it was known after each, infinite if it was not.
        """
        state, count = self._state, len(seconds)
        phase = (state.second + np.arange(count)) % EVERY_S
        state.second = (state.second + count) % EVERY_S
        rows = np.concatenate((state.rows, self._measure(seconds[phase < LOOK_S])))
        last = np.flatnonzero(phase == LOOK_S - 1)
        ready = rows[: len(last) * LOOK_S]
        state.rows = rows[len(ready) :].copy()
        if not len(last):
            return []
        # Axes first, so that every sum runs along its own stretch of memory.
        looks = np.ascontiguousarray(ready.reshape(-1, 2, AXES).transpose(1, 2, 0))
        parts, change = looks.reshape(2, AXES, len(last), LOOK_S, PARTS)
        seconds_g = parts.sum(axis=-1) / PARTS
        place_g = seconds_g.sum(axis=-1) / LOOK_S
        slow = np.square(seconds_g - place_g[..., np.newaxis]).sum(axis=-1) / (LOOK_S - 1)
        steps = np.square(parts[..., 1:] - parts[..., :-1]).reshape(AXES, len(last), -1)
        fast = np.square(change).reshape(AXES, len(last), -1)
        power = np.stack((slow, _mean(steps), _mean(fast)))
        whole = ((power[:, 0] + power[:, 1] + power[:, 2]) * _PER_G2).astype(np.int64)
        flat = parts.reshape(AXES, len(last), -1)
        span_g = flat.max(axis=-1) - flat.min(axis=-1)
        was_g = np.concatenate((state.place_g, place_g[:, :-1]), axis=1)
        shift_g = np.abs(place_g - was_g)  # NaN of the first look is no shift
        limit_g = np.maximum(MOVED_G, 2 * steps_g[last])
        moved = ((span_g > limit_g) | (shift_g > limit_g)).any(axis=0)
        state.place_g = place_g[:, -1:].copy()
        stops = first + (last + 1) * self.length
        turns: list[Turn] = []
        for stop, of_look, has_moved, step_g in zip(
            stops.tolist(), whole.T.tolist(), moved.tolist(), steps_g[last].tolist(), strict=True
        ):
            turns += self._look(stop, of_look, has_moved, step_g)
        return turns

    def _measure(self, seconds: Samples) -> Floats:
        """Return each part's mean, and the change of its first two samples: (seconds, 30) g."""
        count, length, _ = seconds.shape
        if not count:
            return np.empty((0, _COLUMNS))
        flat = seconds.reshape(-1, AXES)
        sums = np.add.reduceat(flat, np.arange(0, count * length, self._part), axis=0)
        change = flat[1 :: self._part] - flat[:: self._part]
        return np.stack((sums / self._part, change), axis=1).reshape(count, _COLUMNS)

    def _look(self, stop: int, power: list[int], moved: bool, step_g: float) -> list[Turn]:
        state, start = self._state, stop - LOOK_S * self.length
        if start - state.stop > self._forget:
            self._begin_anew()
        state.stop = stop
        if moved:
            self._begin_anew()
            state.ever_moved = True
            return self._worn(stop, start)
        if not (state.handled or state.unworn):
            return []  # a body was detected, and nothing has moved since
        state.begun = state.begun if state.still else start
        state.still += 1
        state.window.append(power)
        oldest = state.window.pop(0) if len(state.window) > WINDOW else _NOTHING
        state.slow += power[0] - oldest[0]
        state.middle += power[1] - oldest[1]
        state.fast += power[2] - oldest[2]
        return self._judge(stop, step_g) if len(state.window) == WINDOW else []

    def _begin_anew(self) -> None:
        state = self._state
        state.window, state.slow, state.middle, state.fast = [], 0, 0, 0
        state.still, state.handled = 0, True

    def _worn(self, known: int, at: int) -> list[Turn]:
        was_worn, self._state.unworn = not self._state.unworn, False
        return [] if was_worn else [Turn(known, at)]

    def _judge(self, stop: int, step_g: float) -> list[Turn]:
        """Judge a window without movement."""
        state = self._state
        white = state.middle / (2 * PARTS)  # what slow power would be if samples were independent
        if state.slow >= WHITE * white and state.slow:
            state.handled = False
            return self._worn(stop, stop)
        if state.unworn:
            return []
        resolved = state.fast / _UNIT / (2 * AXES) >= (step_g / 2) ** 2
        hidden_g = (2 * (WHITE - 1) * white / _UNIT) ** 0.5
        pulseless = state.middle * self._part <= PULSE * state.fast
        sees = resolved and pulseless and hidden_g <= HIDDEN_G
        if not sees and state.still < BLIND_LOOKS:
            return []
        state.unworn = True
        minutes = (stop - state.begun) / self._fs / 60
        why = f"nothing moved for {minutes:.0f} min, "
        why += "and no breathing is felt" if sees else "and this sensor cannot feel breathing"
        numbers = {"still_min": minutes, "slow_over_white": state.slow / white if white else 0.0}
        return [Turn(stop, state.begun, f"{why}: it is likely not worn", numbers)]


def _mean(values: Floats) -> Floats:
    """Return the mean along the last axis."""
    mean: Floats = values.sum(axis=-1) / values.shape[-1]
    return mean
