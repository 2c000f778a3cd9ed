"""Rows in order of time: swaps sorted, doubles left out, a clock that was set told as a break."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from detector.block import Samples
from detector.errors import RecordingError
from detector.store.formats.table.rows import Rows
from detector.store.formats.table.times import LONGEST_GAP_S

Bools = NDArray[np.bool_]

HELD_ROWS = 1024  # rows kept back, so that what belongs in front of them is put there
AHEAD_ROWS = 256  # looked at behind a step backward, to tell a swap from a new beginning
MOST_SWAPPED = 8  # consecutive rows that came late
LATE_S = 10.0  # a row further back belongs to another run of the clock
DOUBLE = 0.9  # share of rows behind a step backward that were there already: a block sent again
COARSE = 0.3  # share of rows of one time and different values: the clock is coarse, or none
MOST_WRONG = 0.05  # share of rows out of order, beyond which the table is not in order of time
ONE_DAY_S, ONE_HOUR_S = 86_400.0, 3600.0
CHANGE_S = 5.0  # a clock change is an hour, to within a few lost samples
BOUNDARY_S = 5.0  # as close to a whole hour do clocks change


@dataclass(slots=True)
class Ordered:
    """Passes rows on in order of time; a row that `begins` anew has no time before it.

    Parameters
    ----------
    local : times are dates without an offset: an hour more or less may be a change of the clock
    of_day : times count from midnight, and begin anew there
    """

    name: str
    local: bool = False
    of_day: bool = False
    rows: int = 0
    swapped: int = 0
    doubled: int = 0
    strayed: list[int] = field(default_factory=list)
    restarts: list[int] = field(default_factory=list)
    changes: list[tuple[int, str]] = field(default_factory=list)
    _shift_s: float = 0.0  # what is added to times behind a change of the clock, or midnight
    _doubles: bool | None = None  # whether equal rows are doubles; None until it is known

    def follow(self, pieces: Iterator[Rows]) -> Iterator[Rows]:
        """Return the rows of all pieces; how they were cut changes nothing.

        Raises
        ------
        RecordingError
            So many rows are out of order that the table is in none.
        """
        held: Rows | None = None
        failed: RecordingError | None = None
        try:
            for piece in pieces:
                self.rows += len(piece)
                np.add(piece.times, self._shift_s, out=piece.times)
                held = piece if held is None else held.joined(piece)
                if len(held) > HELD_ROWS + AHEAD_ROWS:
                    held = self._settled(held, len(held) - AHEAD_ROWS)
                    stop = len(held) - HELD_ROWS
                    if stop > 0:
                        yield held.part(0, stop)
                        held = held.part(stop, len(held))
        except RecordingError as error:  # what came before is good
            failed = error
        if held is not None and len(held):
            yield self._settled(held, len(held))
        if failed is not None:
            raise failed

    def told(self) -> list[str]:
        """Return what was put right, in words."""
        words = []
        if self.doubled:
            words.append(f"{self.name}: {self.doubled} doubled rows are left out")
        if self.swapped:
            words.append(f"{self.name}: {self.swapped} rows out of order are sorted by time")
        if self.strayed:
            words.append(
                f"{self.name}: the time of line {self.strayed[0]}{others(self.strayed)} is far "
                "from its neighbours': left out"
            )
        for line, way in self.changes:
            words.append(f"{self.name}: the clock goes {way} an hour in line {line}: taken back")
        return words

    def _settled(self, rows: Rows, upto: int) -> Rows:
        """Put right what is wrong in front of row `upto`."""
        if self._doubles is None:
            same = _same_time(rows)
            self._doubles = float(np.mean(same & ~_same_values(rows.samples))) < COARSE
        wrong = self._next_wrong(rows, 1, upto)
        while wrong is not None:
            before = len(rows)
            rows = self._put_right(rows, wrong)
            upto -= before - len(rows)
            wrong = self._next_wrong(rows, max(wrong - AHEAD_ROWS, 1), upto)
        if self._doubles:
            double = _same_time(rows) & _same_values(rows.samples)
            self.doubled += int(double.sum())
            rows = rows.taken(np.flatnonzero(~double)) if double.any() else rows
        return rows

    def _next_wrong(self, rows: Rows, first: int, upto: int) -> int | None:
        """Return the next row whose time does not follow the one before; None if all do."""
        steps = np.diff(rows.times[first - 1 : upto])
        wrong = (steps < 0) | (steps > LONGEST_GAP_S)
        if self.local:
            wrong |= np.abs(steps - ONE_HOUR_S) < CHANGE_S
        wrong &= ~rows.begins[first:upto]
        for row in (np.flatnonzero(wrong) + first).tolist():
            if (
                steps[row - first] < 0
                or self._goes_forward(rows, row)
                or _stray(rows, row) is not None
            ):
                return int(row)
        return None

    def _put_right(self, rows: Rows, at: int) -> Rows:
        before, time = float(rows.times[at - 1]), float(rows.times[at])
        if self.local and time > before and self._goes_forward(rows, at):
            self._shift(rows, at, -ONE_HOUR_S)
            self.changes.append((int(rows.numbers[at]), "forward"))
            return rows
        if self.local and abs(before - time - ONE_HOUR_S) < CHANGE_S and _at_hour(before, time):
            self._shift(rows, at, ONE_HOUR_S)
            self.changes.append((int(rows.numbers[at]), "back"))
            return rows
        if self.of_day and before - time > ONE_DAY_S / 2:
            self._shift(rows, at, ONE_DAY_S)
            return rows
        if (stray := _stray(rows, at)) is not None:
            self.strayed.append(int(rows.numbers[stray]))
            return rows.without([stray])
        return self._sorted(rows, at)

    def _sorted(self, rows: Rows, at: int) -> Rows:
        """Put a few late rows in their place, leave out a block that came twice, or begin anew."""
        before = float(rows.times[at - 1])
        ahead = rows.times[at : at + AHEAD_ROWS]
        returns = np.flatnonzero((ahead >= before) | rows.begins[at : at + len(ahead)])
        late = int(returns[0]) if len(returns) else len(ahead)
        stop = at + late
        origin = int(np.flatnonzero(rows.begins[:at])[-1]) if rows.begins[:at].any() else 0
        known = {
            (time, *values)
            for time, values in zip(
                rows.times[origin:at].tolist(), rows.samples[origin:at].tolist(), strict=True
            )
        }
        double = [
            row
            for row in range(at, stop)
            if (float(rows.times[row]), *rows.samples[row].tolist()) in known
        ]
        if len(double) >= DOUBLE * late:
            self.doubled += len(double)
            return rows.without(double)
        if late <= MOST_SWAPPED and before - float(ahead[:late].min()) <= LATE_S:
            self.swapped += late
            if self.swapped > max(MOST_WRONG * self.rows, MOST_SWAPPED * MOST_SWAPPED):
                raise RecordingError(
                    f"{self.name} is not in order of time, line {rows.numbers[at]} and many more: "
                    "sort it by its time column; if it holds several sensors, keep one's rows"
                )
            order = np.arange(len(rows))
            order[origin:stop] = origin + np.argsort(rows.times[origin:stop], kind="stable")
            return rows.taken(order)
        rows.begins[at] = True
        self.restarts.append(int(rows.numbers[at]))
        return rows

    def _goes_forward(self, rows: Rows, at: int) -> bool:
        """Return whether the clock is put forward here: an hour, at a whole one, on a Sunday."""
        before, time = float(rows.times[at - 1]), float(rows.times[at])
        return (
            self.local
            and abs(time - before - ONE_HOUR_S) < CHANGE_S
            and _at_hour(before, time)
            and datetime.fromtimestamp(time, UTC).weekday() == 6
        )

    def _shift(self, rows: Rows, at: int, by_s: float) -> None:
        rows.times[at:] += by_s
        self._shift_s += by_s


def _at_hour(before: float, time: float) -> bool:
    to_hour_s = min(-before % ONE_HOUR_S, before % ONE_HOUR_S)
    since_hour_s = min(time % ONE_HOUR_S, -time % ONE_HOUR_S)
    return to_hour_s < BOUNDARY_S and since_hour_s < BOUNDARY_S


def _stray(rows: Rows, at: int) -> int | None:
    """Return the one row whose time is far from its neighbours', of those beside a step."""
    times = rows.times
    before = at >= 2 and abs(times[at - 1] - times[at - 2]) > LATE_S
    if before and 0 <= times[at] - times[at - 2] < LATE_S:
        return at - 1
    here = at + 1 < len(rows) and abs(times[at] - times[at - 1]) > LATE_S
    if here and 0 <= times[at + 1] - times[at - 1] < LATE_S:
        return at
    return None


def _same_time(rows: Rows) -> Bools:
    """Return which rows have the time of the row before."""
    same = np.zeros(len(rows), np.bool_)
    same[1:] = (rows.times[1:] == rows.times[:-1]) & ~rows.begins[1:]
    return same


def _same_values(samples: Samples) -> Bools:
    """Return which rows have the values of the row before, to the bit."""
    same = np.zeros(len(samples), np.bool_)
    same[1:] = (samples[1:] == samples[:-1]).all(axis=1)
    return same


def others(lines: Sequence[int]) -> str:
    """Return in words how many lines there are beside the first."""
    return f" and {len(lines) - 1} more" if len(lines) > 1 else ""
