"""The lines of a table as numbers: parsed fast where they are clean, field by field elsewhere."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from detector.block import AXES, Samples
from detector.errors import RecordingError
from detector.store.formats.table.clock import TableClock
from detector.store.formats.table.columns import BLANKS, Columns, listed, number_of, split
from detector.store.formats.table.text import Piece

SHOWN = 40  # characters of a wrong field in a message

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Values of the lines: samples as written, (n, 3), NaN where empty.

    times : (n,), s; all 0 without a time column
    numbers : (n,), of the lines in the file
    begins : (n,), whether the sensor, or its clock, began anew in front of a row
    """

    samples: Samples
    times: Floats
    numbers: NDArray[np.int64]
    begins: Bools

    def __len__(self) -> int:
        return len(self.samples)

    def part(self, first: int, stop: int) -> Rows:
        """Return some consecutive rows."""
        return self.taken(np.arange(first, stop))

    def taken(self, index: NDArray[np.int64]) -> Rows:
        """Return rows by index, in that order."""
        return Rows(self.samples[index], self.times[index], self.numbers[index], self.begins[index])

    def without(self, index: Sequence[int]) -> Rows:
        """Return all other rows; what began anew in one of them does so in the next."""
        kept = np.setdiff1d(np.arange(len(self)), index)
        rows = self.taken(kept)
        for row in index:
            if self.begins[row] and (behind := int(np.searchsorted(kept, row))) < len(rows):
                rows.begins[behind] = True
        return rows

    def joined(self, other: Rows) -> Rows:
        """Return these rows and those behind them."""
        return Rows(
            np.concatenate((self.samples, other.samples)),
            np.concatenate((self.times, other.times)),
            np.concatenate((self.numbers, other.numbers)),
            np.concatenate((self.begins, other.begins)),
        )


@dataclass(slots=True)
class RowParser:
    """Parses the lines below a header.

    Parameters
    ----------
    header : the header line as written, which a logger may write again when it is started anew
    wanted : column and content of the rows that are read; None reads all

    Raises
    ------
    RecordingError
        From `parse`: a field is wrong; the message names its line and column.
    """

    name: str
    columns: Columns
    clock: TableClock | None
    header: str | None = None
    wanted: tuple[int, str] | None = None
    cut_line: int | None = None
    restarts: list[int] = field(default_factory=list)
    _anew: bool = field(default=False)

    def parse(self, piece: Piece) -> Rows:
        """Parse the lines of one piece."""
        lines, numbers = piece.lines, list(piece.numbers)
        begins = np.zeros(len(lines), np.bool_)
        begins[0] = self._anew
        self._anew = False
        if self.header is not None and self.header in lines:
            lines, numbers, begins = self._without_headers(lines, numbers, begins)
        if self.wanted is not None:
            lines, numbers, begins = self._only_wanted(lines, numbers, begins)
        if not lines:
            return self._rows(np.empty((0, AXES)), np.empty(0), [], begins)
        try:
            samples, times = self._quick(lines)
        except ValueError:
            samples, times = self._careful(lines, numbers, cut=piece.is_cut)
        kept = len(samples)
        return self._rows(samples, times, numbers[:kept], begins[:kept])

    def _rows(self, samples: Samples, times: Floats, numbers: Sequence[int], begins: Bools) -> Rows:
        return Rows(samples, times, np.array(numbers, dtype=np.int64), begins)

    def _without_headers(
        self, lines: list[str], numbers: list[int], begins: Bools
    ) -> tuple[list[str], list[int], Bools]:
        kept = [i for i, line in enumerate(lines) if line != self.header]
        anew = begins.copy()
        for i, line in enumerate(lines):
            if line == self.header:
                self.restarts.append(int(numbers[i]))
                if i + 1 < len(lines):
                    anew[i + 1] = True
                else:
                    self._anew = True
        return [lines[i] for i in kept], [numbers[i] for i in kept], anew[kept]

    def _only_wanted(
        self, lines: list[str], numbers: list[int], begins: Bools
    ) -> tuple[list[str], list[int], Bools]:
        assert self.wanted is not None  # noqa: S101  (asked for by the only caller)
        at, content = self.wanted
        kept, delimiter = [], None if self.columns.delimiter == BLANKS else self.columns.delimiter
        for i, line in enumerate(lines):
            fields = line.split(delimiter)
            if at < len(fields) and fields[at].strip().strip('"').strip() == content:
                kept.append(i)
        return [lines[i] for i in kept], [numbers[i] for i in kept], begins[kept]

    def _quick(self, lines: list[str]) -> tuple[Samples, Floats]:
        """Parse clean lines by numpy.

        Raises
        ------
        ValueError
            A line is not clean.
        """
        columns, clock = self.columns, self.clock
        delimiter = None if columns.delimiter == BLANKS else columns.delimiter
        if delimiter is None:
            ragged = any(len(line.split()) != len(columns.names) for line in lines)
        else:
            count = len(columns.names) - 1
            ragged = any(line.count(delimiter) != count for line in lines)
        if ragged:
            raise ValueError("ragged lines")
        # Beside another delimiter a comma can only be a decimal comma.
        plain = lines if delimiter == "," else [line.replace(",", ".") for line in lines]
        counted = clock.columns if clock is not None and clock.moments is None else ()
        table = np.loadtxt(
            plain,
            delimiter=delimiter,
            usecols=(*columns.axes, *counted),
            comments=None,
            ndmin=2,
            quotechar='"',
        )
        if len(table) != len(lines):
            raise ValueError("a field of several lines")
        if clock is None:
            times = np.zeros(len(lines))
        elif clock.moments is None:
            times = table[:, AXES] * clock.unit_s
        else:
            fields = [line.split(delimiter) for line in lines]
            if delimiter is not None and any('"' in line for line in lines):
                fields = [split(line, delimiter) for line in lines]
            times = clock.moments.seconds([clock.text(each) for each in fields])
        if not np.isfinite(times).all():
            raise ValueError("no time")
        return table[:, :AXES], times

    def _careful(
        self, lines: list[str], numbers: Sequence[int], *, cut: bool
    ) -> tuple[Samples, Floats]:
        """Parse field by field, to name the one that is wrong."""
        samples, times = np.empty((len(lines), AXES)), np.zeros(len(lines))
        for row, line in enumerate(lines):
            try:
                fields = self._fields(line, numbers[row])
                samples[row] = [self._number(fields, i, numbers[row]) for i in self.columns.axes]
                if self.clock is not None:
                    times[row] = self._time(fields, numbers[row])
            except RecordingError:
                if cut and row == len(lines) - 1 and row:
                    self.cut_line = int(numbers[row])
                    return samples[:row], times[:row]
                raise
        return samples, times

    def _fields(self, line: str, number: int) -> list[str]:
        names = self.columns.names
        try:
            fields = split(line, self.columns.delimiter)
        except csv.Error as error:
            raise RecordingError(f"{self.name} line {number}: {error}. Remove the line") from None
        if line.count('"') % 2:
            raise RecordingError(
                f"{self.name} line {number}: a quotation mark is not closed. Remove the line"
            )
        if len(fields) == len(names) + 1 and not fields[-1]:
            fields = fields[:-1]  # some programs end each line with a delimiter
        if len(fields) != len(names):
            raise RecordingError(
                f"{self.name} line {number} has {len(fields)} fields, the header {len(names)}. "
                "Remove the line"
            )
        return fields

    def _number(self, fields: Sequence[str], column: int, number: int) -> float:
        try:
            return number_of(fields[column])
        except ValueError:
            raise self._wrong(
                fields[column], column, number, "a number",
                "Remove the line or leave the field empty",
            ) from None  # fmt: skip

    def _time(self, fields: Sequence[str], number: int) -> float:
        clock = self.clock
        assert clock is not None  # noqa: S101  (asked for by the only caller)
        text = clock.text(fields)
        try:
            if clock.moments is not None:
                return float(clock.moments.seconds([text])[0])
            value = number_of(text) * clock.unit_s
            if not isfinite(value):
                raise ValueError
        except (ValueError, OverflowError):
            what = "a time like the others" if clock.moments else "a time in seconds or with a date"
            raise self._wrong(text, clock.columns[0], number, what, "Remove the line") from None
        return value

    def _wrong(self, text: str, column: int, number: int, what: str, remedy: str) -> RecordingError:
        shown = text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
        column_name = listed(self.columns.names[column : column + 1])
        return RecordingError(
            f'{self.name} line {number}, column {column_name}: "{shown}" is not {what}. {remedy}.'
        )
