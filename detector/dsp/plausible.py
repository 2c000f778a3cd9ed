"""Whether what a sensor shows can be: every axis changes while it is moved, and rest shows 1 g."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from detector.block import AXES, Samples
from detector.dsp.wear import Turn

AXIS_HELD_S = 60
"""As long as all axes must be held to be stuck (hazard H10 of the reliability note)."""

MOVED_S = 10
MOVED_G = 0.1
MOVED_STEPS = 8
"""... of which so many seconds show movement on another axis, by 0.1 g and eight of the sensor's
steps: nobody turns so exactly about one axis that it does not change by a single step."""

STILL_SHARE = 0.01  # of the size, or three steps: what an axis may vary by within a still second
LOOK_EVERY = 10  # seconds: a tenth of the work
LOOKS = 12  # still seconds: two minutes at rest

REST_G = (0.9, 1.1)
BACK_G = (0.92, 1.08)
"""Hazard H06 of the reliability note; a wrong range shows half or twice as much. Limits are wider
by a step of the sensor, and it is over once gravity is inside by a margin."""


@dataclass(slots=True)
class AxisState:
    """Axes whose value is held: since which sample, at which value, seconds moved meanwhile."""

    runs: dict[str, tuple[int, float, int]] = field(default_factory=dict)
    told: bool = False


class HeldAxes:
    """Finds an axis that keeps one value while the others move. A gap changes nothing."""

    def __init__(self, length: int) -> None:
        self._length = length
        self.state = AxisState()

    def follow(self, seconds: Samples, first: int, steps_g: NDArray[np.float64]) -> list[Turn]:
        """Take the next seconds (count, length, 3) g; `steps_g` is the resolution known then."""
        state = self.state
        may_hold = seconds[:, seconds.shape[1] // 2] == seconds[:, 0]
        if not may_hold.any() and not state.runs:
            return []
        spans_g = seconds.max(axis=1) - seconds.min(axis=1)
        turns: list[Turn] = []
        holds = (spans_g == 0).any(axis=1)
        for second in range(len(seconds)):
            if not holds[second] and not state.runs:
                continue
            start = first + second * self._length
            stop = start + self._length
            moved_g = max(MOVED_G, MOVED_STEPS * float(steps_g[second]))
            moved = bool(spans_g[second].max() >= moved_g)
            for axis in range(AXES):
                value_g = float(seconds[second, 0, axis])
                begun, held_g, moving = state.runs.pop(str(axis), (start, value_g, 0))
                if spans_g[second, axis]:
                    continue
                if value_g != held_g:
                    begun, moving = start, 0
                state.runs[str(axis)] = (begun, value_g, moving + moved)
            turns += self._judge(stop)
        return turns

    def _judge(self, stop: int) -> list[Turn]:
        """Return what is known now: an axis is held, or no longer one."""
        state = self.state
        held = [
            (begun, axis)
            for axis, (begun, _, moving) in state.runs.items()
            if moving >= MOVED_S and stop - begun >= AXIS_HELD_S * self._length
        ]
        if bool(held) == state.told:
            return []
        state.told = bool(held)
        if not held:
            return [Turn(stop, stop)]
        begun, axis = min(held)
        why = (
            f"the sensor's {'xyz'[int(axis)]} axis keeps one value while the others move: it is "
            "broken. Switch the sensor off and on; if that does not help, use another"
        )
        return [Turn(stop, begun, why, {"axis": float(axis), "held_s": float(AXIS_HELD_S)})]


@dataclass(slots=True)
class GravityState:
    """Sizes of what was shown in the latest still seconds, in mg."""

    sizes_mg: list[int] = field(default_factory=list)
    told: bool = False


class Gravity:
    """Compares what is shown at rest with 1 g. A gap changes nothing."""

    def __init__(self, length: int) -> None:
        self._length = length
        self.state = GravityState()

    def follow(self, seconds: Samples, first: int, steps_g: NDArray[np.float64]) -> list[Turn]:
        """Take the next seconds (count, length, 3) g; `steps_g` is the resolution known then."""
        state, turns = self.state, list[Turn]()
        for second in range(-(first // self._length) % LOOK_EVERY, len(seconds), LOOK_EVERY):
            looked_g, step_g = seconds[second], float(steps_g[second])
            if not np.isfinite(step_g):
                continue
            size_g = float(np.linalg.norm(looked_g.mean(axis=0)))
            span_g = float((looked_g.max(axis=0) - looked_g.min(axis=0)).max())
            if not 0 < span_g <= max(STILL_SHARE * size_g, 3 * step_g):
                continue  # it moves, or is held, which others judge
            state.sizes_mg = [*state.sizes_mg, round(1000 * size_g)][-LOOKS:]
            if len(state.sizes_mg) < LOOKS:
                continue
            rest_g = float(np.median(state.sizes_mg)) / 1000
            low_g, high_g = BACK_G if state.told else REST_G
            wrong = not low_g - step_g <= rest_g <= high_g + step_g
            if wrong != state.told:
                state.told = wrong
                stop = first + (second + 1) * self._length
                why = _wrong_scale(rest_g) if wrong else None
                turns.append(Turn(stop, stop, why, {"rest_g": rest_g} if wrong else {}))
        return turns


def _wrong_scale(rest_g: float) -> str:
    return (
        f"the sensor shows {rest_g:.2f} g at rest instead of 1 g: its range or scale is not what "
        "it said, or it is not calibrated. Switch it off and on, and calibrate it"
    )
