"""CSV and TSV tables: a time column and three axes under a header, in pieces of bounded size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain, islice
from pathlib import Path

import numpy as np

from detector.block import Block, Timebase
from detector.errors import RecordingError
from detector.store.formats.checks import (
    Unit,
    checked_rate,
    checked_unit,
    measured,
    rate_warnings,
    runs,
)
from detector.store.formats.table.columns import find_columns, listed
from detector.store.formats.table.rows import Piece, RowParser, Rows, read_pieces
from detector.store.formats.reading import RecordingReader
from detector.store.formats.table.times import SampleTimes, epoch_ns, measured_rate

COUNTED_BYTES = 1 << 20
MOST_AHEAD = 60  # pieces without a measurement before it is given up: ten hours at 50 Hz


def open_table(path: Path, *, fs: float | None = None, unit: Unit | None = None) -> RecordingReader:
    """Open a table with a header line; comma, semicolon or tab; decimal comma beside the others.

    An empty field, `nan` or `inf` in an axis is a gap; so is a step in time of more than 1.5
    samples. Comments (#) and empty lines do not count.

    Raises
    ------
    RecordingError
        Header, rate, unit or one of the first lines make no sense.
    """
    name = path.name
    with ExitStack() as stack:
        pieces = read_pieces(stack.enter_context(path.open("rb")), name)
        head = next(pieces, None)
        if head is None:
            raise RecordingError(f"{name} is empty")
        columns = find_columns(head.lines[0], name)
        if columns.time is None and fs is None:
            raise RecordingError(
                f"{name} has no time column among {listed(columns.names)}. Call it time, t or "
                "timestamp, with its unit as in time_ms; or give the rate: --fs HZ"
            )
        below = (
            Piece(head.lines[1:], head.numbers[1:]) if len(head.lines) > 1 else next(pieces, None)
        )
        if below is None:
            raise RecordingError(f"{name} is empty: nothing follows the header")
        parser = RowParser(name, columns, below.lines[0])
        rows = map(parser.parse, chain([below], pieces))
        ahead = list(islice(_until_measured(rows), MOST_AHEAD))
        first, measuring = ahead[0], ahead[-1]

        stated = None if first.times is None else measured_rate(name, first.times, first.numbers)
        rate = checked_rate(name, stated, fs)
        found, notes = checked_unit(name, measuring.samples, stated=columns.unit, given=unit)
        clock = None if first.times is None else SampleTimes(name, rate, float(first.times[0]))
        epoch = None if clock is None or parser.zone == "" else epoch_ns(clock.start_s)
        if parser.zone == "":
            notes.append(f"{name} does not say the zone of its times: they are not taken over")
        return RecordingReader(
            name=name,
            recording=path.stem,
            timebase=Timebase(rate, epoch),
            total=_count_lines(path),
            warnings=rate_warnings(name, rate) + notes,
            source=_blocks(chain(ahead, rows), clock, name, rate, found),
            close=stack.pop_all().close,
        )


def _blocks(
    rows: Iterator[Rows], clock: SampleTimes | None, name: str, fs: float, unit: Unit
) -> Iterator[Block]:
    counted = 0
    for part in rows:
        samples = part.samples * unit.g
        good = measured(samples, f"{name} line", part.numbers)
        if clock is not None and part.times is not None:
            index = clock.indices(part.times, part.numbers)
        else:
            index = counted + np.arange(len(part))
        counted += len(part)
        cuts = np.flatnonzero(np.diff(index) != 1) + 1
        for first, last in zip([0, *cuts.tolist()], [*cuts.tolist(), len(part)], strict=True):
            for start, stop in runs(good[first:last]):
                yield Block(samples[first + start : first + stop], int(index[first + start]), fs)


def _until_measured(rows: Iterator[Rows]) -> Iterator[Rows]:
    """Return rows up to and with the first piece that holds a measurement."""
    for part in rows:
        yield part
        if np.isfinite(part.samples).all(axis=1).any():
            return


def _count_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(data.count(b"\n") for data in iter(lambda: file.read(COUNTED_BYTES), b""))
