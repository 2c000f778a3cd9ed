"""The time column of a table: from text to seconds, and from seconds to sample indices."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from detector.errors import RecordingError

Floats = NDArray[np.float64]

WALL_CLOCK_S = (1e9, 5e9)  # 2001 to 2128: a number in here counts from 1970
GAP_STEPS = 1.5  # a longer step has room for a lost sample
SHORTEST_STEP_S = 1e-5  # a tenth of the fastest sensor's
LONGEST_GAP_S = 7 * 86_400.0  # beyond it two recordings were joined
ROUND_RATE = 2e-4  # a rate as close to a whole number is that number: half of a crystal's error


@dataclass(slots=True)
class SampleTimes:
    """Return each row's sample index: the count, corrected by the clock where rows are missing."""

    name: str
    fs: float
    start_s: float
    next_index: int = 0
    last_s: float = field(init=False)

    def __post_init__(self) -> None:
        self.last_s = self.start_s

    def indices(self, times: Floats, numbers: Sequence[int]) -> NDArray[np.int64]:
        """Take the next rows' times, s, and their line numbers.

        A row is set later than the count only where its step is longer than 1.5 samples and the
        clock, from the first row on, says that a sample is missing: jitter makes no gap.

        Raises
        ------
        RecordingError
            Time goes backward, or leaps.
        """
        steps = forward_steps(self.name, times, numbers, self.last_s)
        index = self.next_index + np.arange(len(times))
        late = np.zeros(len(times), dtype=np.int64)
        shift = 0
        for row in np.flatnonzero(steps > GAP_STEPS / self.fs).tolist():
            missing = round((times[row] - self.start_s) * self.fs) - (int(index[row]) + shift)
            if missing > 0:
                late[row] = missing
                shift += missing
        index += np.cumsum(late)
        self.next_index, self.last_s = int(index[-1]) + 1, float(times[-1])
        return index


def forward_steps(name: str, times: Floats, numbers: Sequence[int], before_s: float) -> Floats:
    """Return each row's time since the one before, s; `before_s` is the time before the first.

    Raises
    ------
    RecordingError
        Time goes backward, or leaps; the message names the line.
    """
    with np.errstate(over="ignore"):
        steps = np.diff(times, prepend=before_s)
    wrong = np.flatnonzero(~((steps >= 0) & (steps <= LONGEST_GAP_S)))
    if len(wrong):
        row = int(wrong[0])
        what = "goes backward" if steps[row] < 0 else "leaps by more than 7 days"
        raise RecordingError(f"{name} line {numbers[row]}: time {what}. Split the recording there")
    return steps


def measured_rate(name: str, times: Floats, numbers: Sequence[int]) -> float | None:
    """Return samples per second of times, s; lost samples do not count. None for a single row.

    Raises
    ------
    RecordingError
        Time does not go forward, or counts something else than its column says.
    """
    steps = forward_steps(name, times, numbers, float(times[0]))[1:]
    if not len(steps):
        return None
    step = float(np.median(steps))
    if step < SHORTEST_STEP_S:
        raise RecordingError(
            f"{name}: most rows share their time with the row before. "
            "Remove the time column and add --fs"
        )
    near = steps[steps <= 3 * step]
    rate = float(np.maximum(np.rint(near / step), 1).sum() / near.sum())
    if 0.015 <= rate <= 1:
        raise RecordingError(
            f"{name}: the time column counts milliseconds, not seconds: name it time_ms"
        )
    return float(round(rate)) if abs(rate - round(rate)) <= ROUND_RATE * rate else rate


def epoch_ns(start_s: float) -> int | None:
    """Return UTC of a first time, ns since 1970; None when it only counts from some start."""
    low, high = WALL_CLOCK_S
    return round(start_s * 1e6) * 1000 if low <= start_s <= high else None


def zone_of(text: str) -> str | None:
    """Return the zone an ISO 8601 time ends with, "" without one, None if it is no such time."""
    match = _ISO.fullmatch(text)
    return None if match is None else match["zone"] or ""


def iso_s(text: str) -> float:
    """Return an ISO 8601 time as seconds since 1970; without a zone as if it were UTC.

    Raises
    ------
    ValueError
        It is no such time.
    """
    if zone_of(text) is None:
        raise ValueError(f"{text!r} is no ISO 8601 time")
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def iso_times_s(texts: Sequence[str]) -> Floats:
    """Return what `iso_s` gives, fast, for times that all have the same zone.

    Raises
    ------
    ValueError
        They do not, or one of them is no such time.
    """
    zone = zone_of(texts[0])
    if zone is None or any(zone_of(text) != zone for text in texts):
        raise ValueError("times of different form")
    stems = [text[: len(text) - len(zone)].replace(",", ".") for text in texts]
    offset_s = iso_s(stems[0]) - iso_s(texts[0])
    return np.array(stems, dtype="datetime64[us]").astype(np.int64) / 1e6 - offset_s


_ISO = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?P<zone>Z|[+-]\d\d(?::?\d\d)?)?"
)
