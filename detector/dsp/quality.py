"""Whether a sensor's samples can be trusted: held, at its limit, not worn, implausible, loose.

Looked at are the sensor's own samples, before any resampling, by whole seconds counted from the
beginning of a contiguous segment. A wrong rate needs a second clock: `timing` finds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.alerts.conditions import Condition
from detector.block import AXES, Block, Samples
from detector.dsp.holds import equal_runs
from detector.dsp.plausible import AxisState, Gravity, GravityState, HeldAxes
from detector.dsp.strap import Strap, StrapState
from detector.dsp.wear import Wear
from detector.plain import from_plain, pack, to_plain, unpack

STUCK_S = 60.0
"""A sensor that is awake shows its own noise within a minute (hazard H10 of the reliability note:
no variance for 60 s)."""

FINE_STEP_G = 4e-3
"""... if its steps are so fine: 0.6 mg of noise, the least there is, flips a step of 4 mg ten
times in 3000 samples even where all axes rest in its middle. 16 mg (8 bit at 2 g) it never flips:
there one value for hours is right, and what `non-wear` judges."""

NAP_S = 10.0
NAPS = 3
"""Holds of 10 s or more that ended by themselves: a sensor that sleeps by design while nothing
moves (ActiGraph's idle sleep mode: 106 times in 4 h of ordinary wear, up to 13 min)."""

GRAVITY_G = (0.7, 1.3)
"""A constant outside is no sensor at rest: steps of 62 mg and 0.1 g of offset stay inside."""

RAIL_SHARE = 31 / 32
"""A repeated value from this share of the range on is the limit: the two ends differ by a step
(6 bit: 1 of 32), and calibration moves them by less."""

LEAST_RAIL_G = 1.4
"""Below, a repeated value is posture where the range is not known: the least one sold is 1.5 g."""

CLIP_WINDOW_S = 10
CLIP_SHARE = 0.05
"""Half a second in ten: one cut jerk is no trouble, a clonus cut at every beat is."""

CLEAR_S = 60
"""Nothing cut for so long: it is over."""

_TILE = 256  # seconds worked on at once: at 50 Hz 300 kB, which a core's own cache holds


class Cause(StrEnum):
    """What spoils the samples, and the name of the alert; the gravest first."""

    STUCK = Condition.STUCK
    NON_WEAR = Condition.NON_WEAR
    CLIPPED = Condition.CLIPPED
    STUCK_AXIS = Condition.STUCK_AXIS
    WRONG_SCALE = Condition.WRONG_SCALE
    LOOSE_STRAP = Condition.LOOSE_STRAP


DOUBTFUL = frozenset(Cause) - {Cause.STUCK, Cause.NON_WEAR}
"""What spoils samples in part: events are found all the same, and may be wrong."""


@dataclass(frozen=True, slots=True)
class QualityCondition:
    """A condition that spoils samples: reported when it is known, and again when it is over.

    onset_s, end_s : s from the recording's first sample, to a second; `end_s` None while it lasts
    known_s : likewise, by when this was known
    reason : for a person
    numbers : behind the reason; names carry the unit
    """

    cause: Cause
    onset_s: float
    end_s: float | None
    known_s: float
    reason: str
    numbers: Mapping[str, float]


class Quality:
    """Follows one sensor. Causal; how its stream is cut into blocks changes nothing.

    A gap ends what is counted sample by sample (`stuck`, `clipped`). Whether the sensor is worn
    is judged over 40 min, which gaps may interrupt: a lossy link is no sign of wear.

    Parameters
    ----------
    fs : Hz
    range_g : the largest value that the sensor can show, None to infer it
    """

    def __init__(self, fs: float, range_g: float | None = None) -> None:
        self._fs = fs
        self._wear = Wear(fs)
        self._length = self._wear.length
        self._held = _Held(ceil(STUCK_S * fs / self._length), ceil(NAP_S * fs / self._length))
        self._rail = _Rail(range_g)
        self._axes, self._gravity = HeldAxes(self._length), Gravity(self._length)
        self._strap = Strap(fs)
        self.reset()

    def reset(self) -> None:
        """Clear all state."""
        self._next: int | None = None
        self._rest: Samples = np.empty((0, AXES))
        self._open: dict[Cause, QualityCondition] = {}
        self._held.state, self._rail.state = _HeldState(), _RailState()
        self._axes.state, self._gravity.state = AxisState(), GravityState()
        self._strap.state = StrapState()
        self._wear.reset()

    @property
    def active(self) -> tuple[QualityCondition, ...]:
        """Present conditions, the gravest first."""
        return tuple(self._open[cause] for cause in Cause if cause in self._open)

    @property
    def settled(self) -> bool:
        """Whether enough was seen to end conditions from before a restart."""
        return self._wear.settled

    def process(self, block: Block) -> list[QualityCondition]:
        """Take the next samples; return what began or ended, in the order it became known."""
        if not len(block):
            return []
        gap = self._next is not None and block.after_gap((self._next, self._fs))
        told = self._interrupt() if gap else []
        samples = np.concatenate((self._rest, block.samples)) if len(self._rest) else block.samples
        first, whole = block.stop - len(samples), len(samples) // self._length
        self._next = block.stop
        self._rest = samples[whole * self._length :].copy()
        heard: list[_Indication] = []
        if whole:
            seconds = samples[: whole * self._length].reshape(whole, self._length, AXES)
            self._rail.follow(seconds, first, heard)
            steps_g = self._held.follow(seconds, first, heard)
            for cause, part in (
                (Cause.NON_WEAR, self._wear),
                (Cause.STUCK_AXIS, self._axes),
                (Cause.WRONG_SCALE, self._gravity),
                (Cause.LOOSE_STRAP, self._strap),
            ):
                heard += [
                    _Indication(turn.known, cause, turn.at, turn.reason, turn.numbers)
                    for turn in part.follow(seconds, first, steps_g)
                ]
        return told + self._tell(sorted(heard, key=lambda each: (each.known, _RANK[each.cause])))

    def save(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return {
            "fs": self._fs,
            "range_g": self._rail.range_g,
            "next": self._next,
            "rest": pack(self._rest),
            "open": [to_plain(each) | _SAVED_AS for each in self._open.values()],
            "held": to_plain(self._held.state),
            "rail": to_plain(self._rail.state),
            "wear": self._wear.save(),
            "axes": to_plain(self._axes.state),
            "gravity": to_plain(self._gravity.state),
            "strap": self._strap.save(),
        }

    @classmethod
    def of(cls, state: dict[str, Any]) -> Quality:
        """Return one for the sensor of a saved state, which goes on from it."""
        one = cls(state["fs"], state["range_g"])
        one.load(state)
        return one

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a saved state of the same sensor."""
        self._next, self._rest = state["next"], unpack(state["rest"], np.float64)
        known: list[QualityCondition] = [
            from_plain(QualityCondition, each | {"is": QualityCondition.__name__})
            for each in state["open"]
        ]
        self._open = {condition.cause: condition for condition in known}
        self._held.state = from_plain(_HeldState, state["held"])
        self._rail.state = from_plain(_RailState, state["rail"])
        self._wear.load(state["wear"])
        if "axes" in state:  # younger than the first saved nights
            self._axes.state = from_plain(AxisState, state["axes"])
            self._gravity.state = from_plain(GravityState, state["gravity"])
        self._strap.load(state.get("strap", Strap(self._fs).save()))  # youngest of all

    def _interrupt(self) -> list[QualityCondition]:
        """Close what cannot be followed across a gap."""
        last = self._next or 0
        self._rest = np.empty((0, AXES))
        for part in (self._held, self._rail, self._wear, self._strap):
            part.interrupt()
        return self._tell(
            [_Indication(last, cause, last) for cause in (Cause.STUCK, Cause.CLIPPED)]
        )

    def _tell(self, heard: list[_Indication]) -> list[QualityCondition]:
        told = []
        for each in heard:
            if each.reason is None and each.cause in self._open:
                ended = self._open.pop(each.cause)
                known_s = each.known / self._fs
                told.append(replace(ended, end_s=each.at / self._fs, known_s=known_s))
            # A sensor that holds one value does not move either: that is one condition, not two.
            elif each.reason is not None and Cause.STUCK not in self._open:
                span_s = each.at / self._fs, None, each.known / self._fs
                told.append(QualityCondition(each.cause, *span_s, each.reason, each.numbers))
                self._open[each.cause] = told[-1]
        return told


_SAVED_AS = {"is": "Condition"}
"""The record's name in saved nights, which the class had when the first of them were saved."""

_RANK = {cause: rank for rank, cause in enumerate(Cause)}


@dataclass(frozen=True, slots=True)
class _Indication:
    """Known at a sample: `cause` began (for a `reason`) or ended `at` another."""

    known: int
    cause: Cause
    at: int
    reason: str | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class _HeldState:
    last: Samples = field(default_factory=lambda: np.full((1, AXES), np.nan))
    begun: int | None = None  # first sample of the held seconds
    value: Samples = field(default_factory=lambda: np.full((1, AXES), np.nan))  # held
    told: bool = False
    step_g: float = np.inf  # smallest change ever seen: the resolution
    naps: int = 0


class _Held:
    """Finds runs of seconds in which no axis ever changes."""

    def __init__(self, limit: int, nap: int) -> None:
        self._limit, self._nap = limit, nap  # seconds
        self.state = _HeldState()

    def interrupt(self) -> None:
        """Begin anew after a gap; resolution and sleep by design are the sensor's."""
        self.state = _HeldState(step_g=self.state.step_g, naps=self.state.naps)

    def follow(self, seconds: Samples, first: int, heard: list[_Indication]) -> NDArray[np.float64]:
        """Return the resolution known after each second: (count, length, 3) g -> (count,) g."""
        state, (count, length, _) = self.state, seconds.shape
        change_g = np.abs(seconds[:, length // 2] - seconds[:, 0])
        steps_g = np.full(count, state.step_g)
        if change_g.min(initial=np.inf, where=change_g > 0) < state.step_g:
            smallest_g = np.where(change_g > 0, change_g, np.inf)
            for axis in range(AXES):
                np.minimum(steps_g, smallest_g[:, axis], out=steps_g)
            np.minimum.accumulate(steps_g, out=steps_g)
        for begin, end in self._spans(seconds):
            if begin >= 0:
                state.begun, state.step_g = first + begin * length, float(steps_g[begin])
                state.value = seconds[begin, :1].copy()
            self._run(first + end * length, length, end < count, heard)
        state.last, state.step_g = seconds[-1:, -1].copy(), float(steps_g[-1])
        return steps_g

    def _spans(self, seconds: Samples) -> list[tuple[int, int]]:
        """Return first and stop of runs of whole held seconds; -1 of the one that was open."""
        is_open, length = self.state.begun is not None, seconds.shape[1]
        runs = equal_runs(seconds.reshape(-1, AXES), self.state.last, least=length)
        spans = [
            (-1 if is_open and first < 0 else -(-max(first, 0) // length), stop // length)
            for first, stop in runs
        ]
        if is_open and (not runs or runs[0][0] >= 0):
            spans.insert(0, (-1, 0))
        return [(begin, end) for begin, end in spans if end > begin]

    def _run(self, stop: int, length: int, over: bool, heard: list[_Indication]) -> None:
        """Judge a run that reaches to `stop`, there to end or to go on."""
        state = self.state
        begun = stop if state.begun is None else state.begun
        size_g = float(np.sqrt((state.value * state.value).sum()))
        weightless = not GRAVITY_G[0] <= size_g <= GRAVITY_G[1]
        awake = state.step_g <= FINE_STEP_G and state.naps < NAPS
        known = begun + self._limit * length
        if (weightless or awake) and not state.told and known <= stop:
            why = f"the sensor repeats one value to the bit for {STUCK_S:.0f} s"
            why += f" and shows {size_g:.1f} g at rest" if weightless else ""
            numbers = {"held_s": STUCK_S, "size_g": size_g}
            heard.append(
                _Indication(known, Cause.STUCK, begun, why + ": it does not measure", numbers)
            )
            state.told = True
        if over:
            if state.told:
                heard.append(_Indication(stop + length, Cause.STUCK, stop))
            state.naps += not state.told and stop - begun >= self._nap * length
            state.begun, state.told = None, False


@dataclass(slots=True)
class _RailState:
    before: Samples = field(default_factory=lambda: np.full((3, AXES), np.nan))
    peak_g: float = 0.0
    cut: list[int] = field(default_factory=lambda: [0] * CLIP_WINDOW_S)  # samples, each second
    clear: int = 0  # seconds since one was cut
    told: bool = False


class _Rail:
    """Counts samples that repeat the largest value there is: three equal ones or more in a row."""

    def __init__(self, range_g: float | None) -> None:
        self.range_g = range_g
        self.state = _RailState()

    def interrupt(self) -> None:
        """Begin anew after a gap; the largest value belongs to the sensor."""
        self.state = _RailState(peak_g=self.state.peak_g)

    def follow(self, seconds: Samples, first: int, heard: list[_Indication]) -> None:
        """Take the next seconds (count, length, 3) g, the first sample of which is `first`."""
        size_g = np.empty_like(seconds[:_TILE])
        for start in range(0, len(seconds), _TILE):
            tile = seconds[start : start + _TILE]
            np.abs(tile, out=size_g[: len(tile)])
            self._tile(tile, size_g[: len(tile)], first + start * seconds.shape[1], heard)

    def _tile(
        self, seconds: Samples, size_g: Samples, first: int, heard: list[_Indication]
    ) -> None:
        state, (count, length, _) = self.state, seconds.shape
        least_g = LEAST_RAIL_G if self.range_g is None else RAIL_SHARE * self.range_g
        reached = float(size_g.max()) >= least_g
        cut, limits_g = (
            self._count(seconds, size_g, least_g) if reached else _none_cut(count, least_g)
        )
        state.before = seconds[-1, -3:].copy()
        if not state.told and not any(state.cut) and not (reached and any(cut)):
            return
        for second, (number, limit_g) in enumerate(zip(cut, limits_g, strict=True)):
            state.cut = [*state.cut[1:], number]
            state.clear = 0 if number else state.clear + 1
            stop = first + (second + 1) * length
            share = sum(state.cut) / (CLIP_WINDOW_S * length)
            if not state.told and share >= CLIP_SHARE:
                oldest = next(i for i, each in enumerate(state.cut) if each)
                onset = stop - (CLIP_WINDOW_S - oldest) * length
                heard.append(_beyond(stop, onset, share, limit_g / RAIL_SHARE))
                state.told = True
            elif state.told and state.clear >= CLEAR_S:
                heard.append(_Indication(stop, Cause.CLIPPED, stop - state.clear * length))
                state.told = False

    def _count(
        self, seconds: Samples, size_g: Samples, least_g: float
    ) -> tuple[list[int], list[float]]:
        """Return the cut samples of each second, of the axis with most, and from which value on."""
        count, length, _ = seconds.shape
        limit_g = np.full(count, least_g)
        if self.range_g is None:
            tops = np.append(self.state.peak_g, size_g.max(axis=(1, 2)))
            peaks = np.maximum.accumulate(tops)[1:]
            limit_g = np.maximum(least_g, RAIL_SHARE * peaks)
            self.state.peak_g = float(peaks[-1])
        joined = np.concatenate((self.state.before, seconds.reshape(-1, AXES)))
        equal = joined[1:] == joined[:-1]
        third = equal[2:] & equal[1:-1]
        number = third + 2 * (third & ~equal[:-2])  # a run's first two are known by its third
        at_rail = size_g >= limit_g[:, np.newaxis, np.newaxis]
        cut = (number.reshape(count, length, AXES) * at_rail).sum(axis=1).max(axis=1)
        return cut.tolist(), limit_g.tolist()


def _none_cut(count: int, least_g: float) -> tuple[list[int], list[float]]:
    return [0] * count, [least_g] * count


def _beyond(known: int, onset: int, share: float, range_g: float) -> _Indication:
    why = (
        f"movement goes beyond the sensor's range of {range_g:.1f} g: "
        f"{100 * share:.0f} % of {CLIP_WINDOW_S} s were cut off"
    )
    return _Indication(known, Cause.CLIPPED, onset, why, {"share": share, "range_g": range_g})
