"""The lines of a table: cut into pieces of bounded size, and parsed, fast where they are clean."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from math import isfinite, nan
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from detector.block import AXES, Samples
from detector.errors import RecordingError
from detector.store.formats.table.columns import Columns
from detector.store.formats.table.times import iso_s, iso_times_s, zone_of

PIECE_LINES = 30_000  # ten minutes at 50 Hz: bounds memory, long enough for numpy
LONGEST_LINE = 8192  # bytes; a hundred columns fit
SHOWN = 40  # characters of a wrong field in a message
TIME_OF_DAY = re.compile(r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?")


@dataclass(frozen=True, slots=True)
class Piece:
    """Lines that count (no comments, none empty), with their numbers in the file, from 1."""

    lines: list[str]
    numbers: Sequence[int]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Values of the lines: samples as written, (n, 3), NaN where empty; times in s."""

    samples: Samples
    times: NDArray[np.float64] | None
    numbers: Sequence[int]

    def __len__(self) -> int:
        return len(self.samples)


def read_pieces(file: BinaryIO, name: str) -> Iterator[Piece]:
    """Read a text file piece by piece.

    Raises
    ------
    RecordingError
        It is not UTF-8 text, or has a line that no table has.
    """
    number = 1
    endless = iter(partial(file.readline, LONGEST_LINE), b"")
    while raw := list(islice(endless, PIECE_LINES)):
        if max(map(len, raw)) == LONGEST_LINE:
            raise RecordingError(f"{name} has a line of more than 8 kB: this is no table")
        data = b"".join(raw)
        if b"\0" in data:
            raise RecordingError(f"{name} is not UTF-8 text: save it as CSV (UTF-8)")
        text = data.decode("utf-8-sig" if number == 1 else "utf-8", "replace")
        lines = text.replace("\r\n", "\n").split("\n")
        kept = [i for i, line in enumerate(lines) if line and line[0] != "#" and not line.isspace()]
        if kept:
            yield Piece([lines[i] for i in kept], [number + i for i in kept])
        number += len(raw)


class RowParser:
    """Parses the lines below a header; the first of them decides whether times are numbers.

    Raises
    ------
    RecordingError
        From `parse`: a field is wrong; the message names its line and column.
    """

    def __init__(self, name: str, columns: Columns, first_line: str) -> None:
        self._name = name
        self._columns = columns
        self._wanted = columns.axes if columns.time is None else (*columns.axes, columns.time)
        fields = first_line.split(columns.delimiter)
        self.zone: str | None = None
        """Zone of ISO 8601 times, "" where they name none; None where time is a number."""
        if columns.time is not None and columns.time < len(fields):
            self.zone = zone_of(_bare(fields[columns.time]))

    def parse(self, piece: Piece) -> Rows:
        """Parse the lines of one piece."""
        lines = piece.lines
        if self._columns.delimiter != ",":  # then a comma can only be a decimal comma
            lines = [line.replace(",", ".") for line in lines]
        try:
            return self._quick(lines, piece.numbers)
        except ValueError:
            return self._careful(lines, piece.numbers)

    def _quick(self, lines: list[str], numbers: Sequence[int]) -> Rows:
        """Parse clean lines by numpy.

        Raises
        ------
        ValueError
            A line is not clean.
        """
        columns = self._columns
        delimiters = len(columns.names) - 1
        if any(line.count(columns.delimiter) != delimiters for line in lines):
            raise ValueError("ragged lines")
        wanted = columns.axes if self.zone is not None else self._wanted
        table = np.loadtxt(
            lines,
            delimiter=columns.delimiter,
            usecols=wanted,
            comments=None,
            ndmin=2,
            quotechar='"',
        )
        if len(table) != len(lines):
            raise ValueError("a field of several lines")
        times = None
        if self.zone is not None and columns.time is not None:
            at = columns.time
            times = iso_times_s([_bare(line.split(columns.delimiter)[at]) for line in lines])
        elif columns.time is not None:
            times = table[:, AXES] * columns.time_unit_s
            if not np.isfinite(times).all():
                raise ValueError("no time")
        return Rows(table[:, :AXES], times, numbers)

    def _careful(self, lines: list[str], numbers: Sequence[int]) -> Rows:
        """Parse field by field, to name the one that is wrong."""
        columns, values = self._columns, np.empty((len(lines), len(self._wanted)))
        reader = csv.reader(lines, delimiter=columns.delimiter)
        row = 0
        try:
            for row, fields in enumerate(reader):
                if reader.line_num != row + 1:
                    raise csv.Error("a quotation mark is not closed")
                values[row] = self._fields(fields, numbers[row])
        except csv.Error as error:
            raise RecordingError(
                f"{self._name} line {numbers[row]}: {error}. Remove the line"
            ) from None
        times = None if columns.time is None else values[:, AXES]
        return Rows(values[:, :AXES], times, numbers)

    def _fields(self, fields: list[str], number: int) -> list[float]:
        names, where = self._columns.names, f"{self._name} line {number}"
        if len(fields) == len(names) + 1 and not fields[-1].strip():
            fields = fields[:-1]  # some programs end each line with a delimiter
        if len(fields) != len(names):
            raise RecordingError(
                f"{where} has {len(fields)} fields, the header {len(names)}. Remove the line"
            )
        values = []
        for i in self._wanted:
            text = fields[i].strip()
            try:
                values.append(self._time(text) if i == self._columns.time else _number(text))
            except (ValueError, OverflowError):
                what, remedy = "a number", "Remove the line or leave the field empty"
                if i == self._columns.time:
                    what, remedy = self._time_wanted(text)
                shown = text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
                raise RecordingError(
                    f'{where}, column {names[i]}: "{shown}" is not {what}. {remedy}.'
                ) from None
        return values

    def _time_wanted(self, text: str) -> tuple[str, str]:
        """Return what stands here instead of a time, and what to do."""
        if self.zone is None and TIME_OF_DAY.fullmatch(text):
            return "a time with a date", "Put the date before each, as in 2026-11-21T23:59:30"
        if self.zone is None:
            return "a time in seconds or with a date", "Remove the line"
        return "a time with a date like the others", "Remove the line"

    def _time(self, text: str) -> float:
        if self.zone is None:
            value = _number(text) * self._columns.time_unit_s
            if not isfinite(value):
                raise ValueError
            return value
        if bool(zone_of(text)) != bool(self.zone):
            raise ValueError
        return iso_s(text)


def _number(text: str) -> float:
    """Return a number; NaN for an empty field."""
    if "_" in text:
        raise ValueError(f"{text!r} is a number in Python only")
    return float(text) if text else nan


def _bare(field: str) -> str:
    return field.strip().strip('"').strip()
