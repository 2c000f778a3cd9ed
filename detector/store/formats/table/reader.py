"""Open a text table: lines above, header, clock, rows in order, gaps; in pieces of bounded size."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np

from detector.block import Block, Timebase
from detector.dsp.holds import SLEEP_S
from detector.errors import RecordingError
from detector.store.formats.checks import (
    Unit,
    checked_rate,
    checked_unit,
    holds_gravity,
    measured,
    rate_warnings,
    runs,
)
from detector.store.formats.reading import RecordingReader
from detector.store.formats.table.clock import TableClock, find_clock
from detector.store.formats.table.columns import Columns, listed, split
from detector.store.formats.table.header import Layout, find_layout
from detector.store.formats.table.order import Ordered, others
from detector.store.formats.table.repeats import Repeats, resolution_g
from detector.store.formats.table.rows import RowParser, Rows
from detector.store.formats.table.text import Piece, read_pieces, text_file
from detector.store.formats.table.times import RowPace, SampleTimes, pace_of

LOOKED_ROWS = 3000  # one minute at 50 Hz, to find the clock and what tells sensors apart
MOST_SENSORS = 20  # contents of a column that tells sensors apart
MOST_AHEAD = 60  # pieces without a measurement before it is given up: ten hours at 50 Hz
EVERY_TWICE = 0.99  # share of pairs of equal rows: each was written twice, or the sensor is slower
Where = tuple[str, str]
"""A column and the content of those rows that are read."""


def open_table(
    path: Path, *, fs: float | None = None, unit: Unit | None = None, where: Where | None = None
) -> RecordingReader:
    """Open a table as loggers, phones and other programs write it.

    Fields are divided by a comma, semicolon, tab, bar or blanks, with a decimal comma beside all
    but the first; UTF-8 or UTF-16; plain, gzipped or alone in a zip. An empty field, `nan` or
    `inf` in an axis is a gap, as are rows of exact zeros where gravity should be, and a step in
    time that leaves room for a sample.

    Raises
    ------
    RecordingError
        Header, clock, rate, unit or one of the first lines make no sense.
    """
    file = text_file(path)
    name = path.name
    with ExitStack() as stack:
        pieces = read_pieces(file.open(stack), name)
        head = next(pieces, None)
        if head is None:
            raise RecordingError(f"{name} is empty")
        layout = find_layout(head, name)
        below = Piece(head.lines[layout.first :], head.numbers[layout.first :], is_cut=head.is_cut)
        if not below.lines:
            below = next(pieces, None) or below
        if not below.lines:
            raise RecordingError(f"{name} is empty: nothing follows the header")
        looked = _fields(below, layout, where, name)
        wanted = _wanted(layout.columns, looked, where, name)
        clock = find_clock(layout.columns, looked, name, layout.order)
        if clock is None and fs is None and layout.stated_hz is None:
            raise RecordingError(
                f"{name} has no time column among {listed(layout.columns.names)}. Call it time, t "
                "or timestamp, with its unit as in time_ms; or give the rate: --fs HZ"
            )
        parser = RowParser(name, layout.columns, clock, layout.header, wanted)
        order = Ordered(
            name,
            local=clock is not None and clock.is_local,
            of_day=clock is not None and clock.of_day,
        )
        parsed = (rows for rows in map(parser.parse, chain([below], pieces)) if len(rows))
        rows = parsed if clock is None else order.follow(parsed)
        ahead = list(islice(_until_measured(rows), MOST_AHEAD))
        if not ahead:
            raise RecordingError(f"{name} is empty: nothing follows the header")
        pace = None if clock is None else pace_of(name, ahead[0].times, ahead[0].begins)
        if clock is not None and pace is None and fs is None:
            raise RecordingError(
                f"{name}: all rows have the same time. Remove the time column and add --fs"
            )
        rate = checked_rate(name, layout.stated_hz if pace is None else pace.fs, fs)
        samples = np.concatenate([each.samples for each in ahead])
        found, notes = checked_unit(
            name,
            samples,
            stated=layout.columns.unit,
            given=unit,
            linear=layout.columns.linear,
        )
        reader = RecordingReader(
            name=name,
            recording=path.stem,
            timebase=Timebase(rate, None if clock is None else clock.epoch_ns(ahead[0].times[0])),
            total=file.lines(),
            source=iter(()),
            close=stack.pop_all().close,
        )
        reader.warnings += [
            *rate_warnings(name, rate),
            *layout.notes,
            *_clock_notes(name, clock, pace),
            *_twice(name, ahead[0], clock, rate),
            *notes,
        ]
        reader.source = _Tabled(
            name=name,
            fs=rate,
            unit=found,
            zeros_are_gaps=holds_gravity(samples * found.g),
            pace=None if pace is None else pace.at(rate),
            parser=parser,
            order=order,
            warnings=reader.warnings,
            fillers=Repeats(round(SLEEP_S * rate), step_g=resolution_g(samples * found.g)),
        ).blocks(chain(ahead, rows))
        return reader


@dataclass(slots=True, kw_only=True)
class _Tabled:
    """Rows to blocks; what was left out is said behind the last of them."""

    name: str
    fs: float
    unit: Unit
    zeros_are_gaps: bool
    pace: RowPace | None
    parser: RowParser
    order: Ordered
    warnings: list[str]
    fillers: Repeats
    zeros: int = 0
    held: int = 0

    def blocks(self, rows: Iterator[Rows]) -> Iterator[Block]:
        """Return the blocks of all rows."""
        clock: SampleTimes | None = None
        counted = 0
        for part in rows:
            samples = part.samples * self.unit.g
            numbers, breaks = part.numbers.tolist(), np.flatnonzero(part.begins)
            good = measured(samples, f"{self.name} line", numbers)
            if self.zeros_are_gaps:
                zeros = ~samples.any(axis=1)
                self.zeros += int(zeros.sum())
                held = self.fillers.held(samples) & ~zeros
                self.held += int(held.sum())
                good &= ~zeros & ~held
            if self.pace is not None:
                clock = clock or SampleTimes(self.name, self.pace, float(part.times[0]))
                index = clock.indices(part.times, numbers, breaks.tolist())
            else:
                left_out = np.cumsum(part.begins) * round(self.fs)
                index = counted + np.arange(len(part)) + left_out
                counted = int(index[-1]) + 1
            cuts = np.flatnonzero(np.diff(index) != 1) + 1
            for first, last in zip([0, *cuts.tolist()], [*cuts.tolist(), len(part)], strict=True):
                for start, stop in runs(good[first:last]):
                    at = first + start
                    yield Block(samples[at : first + stop], int(index[at]), self.fs)
        self.warnings += self._told()

    def _told(self) -> list[str]:
        words = self.order.told()
        if anew := sorted([*self.order.restarts, *self.parser.restarts]):
            words.append(
                f"{self.name}: recording begins anew in line {anew[0]}{others(anew)}: a break of "
                "unknown length, counted as 1 s"
            )
        if self.zeros:
            words.append(
                f"{self.name}: {self.zeros} rows of zeros ({self.zeros / self.fs:.1f} s) are gaps: "
                "no sensor measures that"
            )
        if self.held:
            words.append(
                f"{self.name}: {self.held / self.fs:.1f} s of one repeated value are gaps: the "
                "sensor slept"
            )
        if self.parser.cut_line is not None:
            words.append(f"{self.name}: the last line, {self.parser.cut_line}, is cut: left out")
        return words


def _until_measured(rows: Iterator[Rows]) -> Iterator[Rows]:
    """Return rows up to and with the first piece that holds a measurement."""
    for part in rows:
        yield part
        if (np.isfinite(part.samples) & (part.samples != 0)).all(axis=1).any():
            return


def _fields(piece: Piece, layout: Layout, where: Where | None, name: str) -> list[list[str]]:
    """Return the fields of the first rows that are whole."""
    columns = layout.columns
    lines = [
        line
        for line in piece.lines[:LOOKED_ROWS]
        if line != layout.header and line.count('"') % 2 == 0
    ]
    rows = [split(line, columns.delimiter) for line in lines]
    if where is None:
        return rows
    column, content = where
    if column not in columns.names:
        raise RecordingError(f"{name} has no column {column} among {listed(columns.names)}")
    at = columns.names.index(column)
    kept = [row for row in rows if at < len(row) and row[at] == content]
    if not kept:
        found = sorted({row[at] for row in rows if at < len(row)})
        raise RecordingError(f"{name} has no row with {content} in {column}, but {listed(found)}")
    return kept


def _wanted(
    columns: Columns, rows: Sequence[Sequence[str]], where: Where | None, name: str
) -> tuple[int, str] | None:
    """Return the column and content of the rows to read; None reads all.

    Raises
    ------
    RecordingError
        The rows are those of several sensors, and nobody said which is meant.
    """
    if where is not None:
        return columns.names.index(where[0]), where[1]
    for at in columns.sensors:
        found = sorted({row[at] for row in rows if at < len(row) and row[at]})
        if not 1 < len(found) <= MOST_SENSORS:
            continue
        ours = [each for each in found if ACCELEROMETER.match(each)]
        if len(ours) == 1:
            return at, ours[0]
        column = listed(columns.names[at : at + 1])
        raise RecordingError(
            f"{name} holds the rows of {len(found)} sensors, {listed(found)} in column {column}: "
            f'add --where "{column}={found[0]}"'
        )
    return None


def _clock_notes(name: str, clock: TableClock | None, pace: RowPace | None) -> list[str]:
    if clock is None or pace is None:
        return []
    notes = list(clock.notes)
    if clock.of_day:
        notes.append(f"{name} does not say the date of its times: they are not taken over")
    elif clock.is_local:
        notes.append(f"{name} does not say the zone of its times: they are not taken over")
    if pace.burst_s:
        notes.append(
            f"{name}: rows come in bursts every {pace.burst_s:.3g} s: {pace.fs:.4g} samples a "
            "second by their number"
        )
    return notes


def _twice(name: str, rows: Rows, clock: TableClock | None, fs: float) -> list[str]:
    """Return a warning where each row is there twice and no clock can tell what that means."""
    if clock is not None or len(rows) < LOOKED_ROWS / 10:
        return []
    for shift in (0, 1):
        shifted = rows.samples[shift : shift + (len(rows) - shift) // 2 * 2].reshape(-1, 2, 3)
        if np.mean((shifted[:, 0] == shifted[:, 1]).all(axis=1)) >= EVERY_TWICE:
            note = (
                f"{name}: each row is there twice. If it was written twice, leave one out: at "
                f"{fs:g} samples a second everything is twice as slow and as long as it was"
            )
            return [note]
    return []


ACCELEROMETER = re.compile(r"(?i)(?:\W*)acc")
