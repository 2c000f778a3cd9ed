"""The time column of a table: which unit it counts, how fast rows follow, and their indices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from detector.errors import RecordingError
from detector.store.formats.checks import FASTEST_HZ, SLOWEST_HZ

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

WALL_CLOCK_S = (1e9, 5e9)  # 2001 to 2128: a number in here counts from 1970
COUNTED_S = (1.0, 1e-3, 1e-6, 1e-9, 86_400.0)  # s, ms, µs, ns, days of a spreadsheet
LIKELY_HZ = (SLOWEST_HZ, 1000.0)  # of a worn sensor whose file does not say its unit of time
GAP_STEPS = 1.5  # a longer step has room for a lost sample
LONGEST_GAP_S = 7 * 86_400.0  # beyond it two recordings were joined
ROUND_RATE = 2e-4  # a rate as close to a whole number is that number: half of a crystal's error
ROUND_BURSTS = 3e-3  # ... counted over bursts, whose ends are known to a few rows only
EVEN = 0.75  # share of steps near the middle one where rows are as evenly timed as sensors are
NEAR = (0.5, 1.5)  # of the middle step
MOST_LOST = 3.5  # steps: of rows that are evenly timed, few follow after longer losses
WINDOW_ROWS = 50  # over which rows follow one another as usual, however long a gap is elsewhere
REGULAR = 1.2  # of the middle step between bursts: a coarse clock's, or a steady link's
BURST_GAP = 5.0  # times the usual step between irregular bursts: below it nothing is missing
SHORTEST_BURST_GAP_S = 0.5  # a Bluetooth link may wait as long and lose nothing
WANDER_S = 2.0  # rows that came in bursts stay as near to an even clock, or have no clock


@dataclass(frozen=True, slots=True)
class RowPace:
    """How rows follow one another.

    gap_s : shortest step that leaves room for a lost sample
    burst_s : usual step from one burst of rows to the next; 0 where each row has its own time
    """

    fs: float
    gap_s: float
    burst_s: float = 0.0

    def at(self, fs: float) -> RowPace:
        """Return the pace with the rate that was found to be true."""
        return RowPace(fs, self.gap_s if self.burst_s else GAP_STEPS / fs, self.burst_s)


@dataclass(slots=True)
class SampleTimes:
    """Return each row's sample index: the count, corrected by the clock where rows are missing."""

    name: str
    pace: RowPace
    start_s: float
    next_index: int = 0
    last_s: float = field(init=False)
    _from: tuple[float, int] = field(init=False)  # time and index from which samples are counted

    def __post_init__(self) -> None:
        self.last_s = self.start_s
        self._from = (self.start_s, 0)

    def indices(self, times: Floats, numbers: Sequence[int], breaks: Sequence[int] = ()) -> Ints:
        """Take the next rows' times, s, never backward but at `breaks`, and their line numbers.

        A row is set later than the count only where its step leaves room for a lost sample and
        the clock, from the first row on, says that one is missing: jitter makes no gap. At a
        break, of unknown length, one second is left out and the clock begins anew.

        Raises
        ------
        RecordingError
            Time leaps.
        """
        steps = np.diff(times, prepend=self.last_s)
        steps[list(breaks)] = 0.0
        leaps = np.flatnonzero(steps > LONGEST_GAP_S)
        if len(leaps):
            raise RecordingError(
                f"{self.name} line {numbers[int(leaps[0])]}: time leaps by more than 7 days. "
                "Split the recording there"
            )
        index = self.next_index + np.arange(len(times))
        late = np.zeros(len(times), dtype=np.int64)
        shift, fs = 0, self.pace.fs
        broken = set(breaks)
        for row in sorted({*np.flatnonzero(steps > self.pace.gap_s).tolist(), *broken}):
            at = int(index[row]) + shift
            if row in broken:
                missing = round(fs)
                self._from = (float(times[row]), at + missing)
            elif self.pace.burst_s:
                missing = round((steps[row] - self.pace.burst_s) * fs)
            else:
                missing = round((times[row] - self._from[0]) * fs) + self._from[1] - at
            if missing > 0:
                late[row] = missing
                shift += missing
        index += np.cumsum(late)
        self.next_index, self.last_s = int(index[-1]) + 1, float(times[-1])
        return index


def is_likely(values: Floats, unit: float) -> bool:
    """Return whether rows of a worn sensor may follow one another so, counted in a unit, s."""
    steps = np.diff(values)
    span_s, rows = abs(float(values[-1] - values[0])) * unit, len(values) - 1
    if rows < 1 or not span_s:
        return True
    slowest, fastest = LIKELY_HZ
    each_s = [float(np.median(steps[steps > 0])) * unit] if (steps > 0).any() else []
    return any(1 / fastest <= step_s <= 1.001 / slowest for step_s in (*each_s, span_s / rows))


def unit_s(values: Floats) -> float:
    """Return what a number of a time column counts, s, by its content: epoch or step.

    A worn sensor has 15 to 1,000 samples a second, which the ranges of no two units share.
    """
    low, high = WALL_CLOCK_S
    first = abs(float(values[0]))
    for unit in COUNTED_S:
        if low <= first * unit <= high and is_likely(values, unit):
            return unit
    return next((unit for unit in COUNTED_S if is_likely(values, unit)), 1.0)


def pace_of(name: str, times: Floats, begins: Bools) -> RowPace | None:
    """Return how rows of ordered times, s, follow one another; None for one time alone.

    Where `begins` is set, the clock began anew.

    Raises
    ------
    RecordingError
        The rate by steps and that by rows over time disagree, and nothing says which is true.
    """
    steps = np.diff(times)[~begins[1:]]
    forward = steps[steps > 0]
    if not len(forward):
        return None
    step = float(np.median(steps))
    near = (steps > NEAR[0] * step) & (steps < NEAR[1] * step)
    lost = (steps >= NEAR[1] * step) & (steps <= MOST_LOST * step)
    if step > 0 and np.mean(near | lost) >= EVEN:
        usual = steps[steps <= 3 * step]
        rate = float(np.maximum(np.rint(usual / step), 1).sum() / usual.sum())
        fs = _rounded(rate, ROUND_RATE)
        return RowPace(fs, GAP_STEPS / fs)
    return _bursts(name, times, begins, forward, step)


def _bursts(name: str, times: Floats, begins: Bools, forward: Floats, step: float) -> RowPace:
    """Return the pace of rows that were dated when they came, or by a coarse clock."""
    ahead = times[WINDOW_ROWS:] - times[:-WINDOW_ROWS]
    usual_s = float(np.median(ahead[ahead > 0])) / WINDOW_ROWS if (ahead > 0).any() else step
    between = forward[forward > usual_s]
    burst_s = float(np.median(between)) if len(between) else usual_s
    regular = len(between) and float(np.quantile(between, 0.75)) < REGULAR * burst_s
    gap_s = max((GAP_STEPS if regular else BURST_GAP) * burst_s, SHORTEST_BURST_GAP_S)
    cuts = np.flatnonzero((np.diff(times) > gap_s) | begins[1:]) + 1
    edges = [0, *cuts.tolist(), len(times)]
    rows, span = 0, 0.0
    for first, stop in pairwise(edges):
        # Whole bursts only, from the beginning of the second to that of the last.
        begun = np.flatnonzero(np.diff(times[first:stop]) > usual_s) + 1
        if len(begun) > 1:
            rows += int(begun[-1] - begun[0])
            span += float(times[first + begun[-1]] - times[first + begun[0]])
    fs = _rounded(rows / span, ROUND_BURSTS) if span > 0 else 0.0
    wander = 0.0
    for first, stop in pairwise(edges):
        even = np.arange(stop - first) / fs if fs else np.zeros(stop - first)
        wander = max(wander, float(np.ptp(times[first:stop] - even)))
    if not SLOWEST_HZ <= fs <= FASTEST_HZ or wander > max(WANDER_S, gap_s):
        by_steps = "-" if step <= 0 else f"{1 / step:.4g}"
        raise RecordingError(
            f"{name}: its times say {by_steps} samples a second from row to row, but {fs:.3g} over "
            "all: they are not when samples were taken. Remove the time column and add --fs"
        )
    return RowPace(fs, gap_s, burst_s)


def _rounded(rate: float, share: float) -> float:
    return float(round(rate)) if abs(rate - round(rate)) <= share * rate else rate


def epoch_ns(start_s: float) -> int | None:
    """Return UTC of a first time, ns since 1970; None when it only counts from some start."""
    low, high = WALL_CLOCK_S
    return round(start_s * 1e6) * 1000 if low <= start_s <= high else None
