"""Parquet: a time column and three axes among the columns; what `export` writes, with a note."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.block import AXES, Timebase
from detector.errors import RecordingError
from detector.store.formats.checks import Unit
from detector.store.formats.exported import MOST_SAMPLES, SCHEMA, ExportNote, WholeRecording
from detector.store.formats.optional import library
from detector.store.formats.placed import Claims, placed, rows_of
from detector.store.formats.reading import RecordingReader
from detector.store.formats.table.columns import find_columns
from detector.store.formats.table.moments import Moments, form_of
from detector.store.formats.table.rows import Rows
from detector.store.formats.table.times import epoch_ns, unit_s

MAGIC = b"PAR1"
KIND = "Parquet"
ROWS = 30_000  # ten minutes at 50 Hz in one piece
LARGEST_BYTES = 2 << 30  # of the columns that are read, unpacked
HIGHEST_RATIO = 1000  # beyond it is a bomb; constant columns pack a few hundred times
SMALL_BYTES = 64 << 20  # up to here any compression is harmless
MOST_COLUMNS = 1000
DIVIDER = "\x1f"  # between names of columns, which may hold anything else
COLUMNS = ("time_s", "acc_x_g", "acc_y_g", "acc_z_g")


def open_parquet(
    path: Path, *, fs: float | None = None, unit: Unit | None = None
) -> RecordingReader:
    """Open a Parquet file whose columns are named as those of a table.

    Times are numbers with their unit in the name, time stamps, durations, or ISO 8601 text; where
    no column has a name for time, the only one of time stamps. A row without a number is a gap.

    Raises
    ------
    RecordingError
        It is damaged, its columns make no sense, its rate or unit unknown; or pyarrow is missing.
    """
    name = path.name
    arrow, parquet = library("pyarrow", KIND, name), library("pyarrow.parquet", KIND, name)
    with ExitStack() as stack, _damage(name, arrow):
        stream = stack.enter_context(path.open("rb"))
        file = stack.enter_context(parquet.ParquetFile(stream))
        columns, time_type = _columns(name, file, arrow)
        _check_size(name, file, path.stat().st_size)
        source = _Rows(name, file, columns, time_type, arrow)
        note = _note(file)
        parts = source.parts()
        first = next(parts, None)  # only now is known whether its times lie in a zone
        claims = Claims(
            timed=columns.time is not None,
            local=not source.is_zoned,
            given_hz=note.timebase.fs if note is not None and fs is None else fs,
            stated_unit=columns.unit,
            given_unit=unit,
        )
        if first is None:
            raise RecordingError(f"{name} is empty")
        rows = placed(name, chain([first], parts), claims)
        epoch = None
        if rows.start_s is not None and source.is_zoned:
            epoch = epoch_ns(rows.start_s)
        if not source.is_zoned:
            rows.warnings.append(
                f"{name} does not say the zone of its times: they are not taken over"
            )
        reader = RecordingReader(
            name=name,
            recording=path.stem,
            timebase=Timebase(rows.fs, epoch),
            total=file.metadata.num_rows,
            warnings=rows.warnings,
            source=_guarded(rows.blocks, name, arrow),
            close=stack.pop_all().close,
        )
        return reader if note is None else note.on(reader)


def write_parquet(
    path: Path, recording: WholeRecording, advance: Callable[[int], object] = int
) -> None:
    """Write a recording, a row for every sample, null where none was measured.

    Numbers are kept as they are, in 64 bits; unit and note are in the file's metadata.

    Raises
    ------
    RecordingError
        pyarrow is missing.
    """
    arrow = library("pyarrow", KIND, path.name)
    parquet = library("pyarrow.parquet", KIND, path.name)
    fields = [
        arrow.field(column, arrow.float64(), metadata={"unit": unit})
        for column, unit in zip(COLUMNS, ("s", "g", "g", "g"), strict=True)
    ]
    schema = arrow.schema(fields, metadata={SCHEMA: recording.note.to_json()})
    samples, fs = recording.samples, recording.fs
    missing = ~recording.known
    with parquet.ParquetWriter(
        path,
        schema,
        compression="zstd",
        use_dictionary=False,
        column_encoding=dict.fromkeys(COLUMNS, "BYTE_STREAM_SPLIT"),
    ) as writer:
        for first in range(0, len(samples), ROWS * 10):
            part, gone = samples[first : first + ROWS * 10], missing[first : first + ROWS * 10]
            times = np.arange(first, first + len(part)) / fs
            axes = [arrow.array(part[:, axis], mask=gone) for axis in range(AXES)]
            writer.write_table(arrow.table([arrow.array(times), *axes], schema=schema))
            advance(len(part))


@dataclass(slots=True)
class _Rows:
    """The columns that count, in pieces.

    is_zoned : whether times lie in UTC, or count from a start
    """

    name: str
    file: Any
    columns: _Named
    time_type: Any
    arrow: Any
    is_zoned: bool = True
    unit_s: float | None = None

    def __post_init__(self) -> None:
        types = self.arrow.types
        if self.time_type is not None and types.is_timestamp(self.time_type):
            self.is_zoned = self.time_type.tz is not None

    def parts(self) -> Iterator[Rows]:
        names, time = list(self.columns.axes), self.columns.time
        first = 1
        wanted = [*names, *([] if time is None else [time])]
        for batch in self.file.iter_batches(batch_size=ROWS, columns=wanted):
            if not len(batch):
                continue
            axes = [self._numbers(batch.column(name)) for name in names]
            times = None if time is None else self._seconds(batch.column(time), first)
            yield rows_of(np.column_stack(axes), times, first)
            first += len(batch)

    def _numbers(self, column: Any) -> NDArray[np.float64]:
        found: NDArray[np.float64] = column.cast(self.arrow.float64()).to_numpy(
            zero_copy_only=False
        )
        return found

    def _seconds(self, column: Any, first: int) -> NDArray[np.float64]:
        arrow, types = self.arrow, self.arrow.types
        if column.null_count:
            raise RecordingError(f"{self.name} row {first}: a row has no time. Remove such rows")
        if types.is_timestamp(column.type) or types.is_duration(column.type):
            units = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
            whole = column.cast(arrow.int64()).to_numpy(zero_copy_only=False)
            return np.asarray(whole * units[column.type.unit], dtype=np.float64)
        if types.is_string(column.type) or types.is_large_string(column.type):
            texts = [str(text).strip() for text in column.to_pylist()]
            form = form_of(texts)
            self.is_zoned = form.zoned
            return Moments(form.order).seconds(texts)
        numbers = self._numbers(column)
        if self.unit_s is None:
            self.unit_s = self.columns.time_unit_s or unit_s(numbers)
        return numbers * self.unit_s


@dataclass(frozen=True, slots=True)
class _Named:
    """Which columns are what, by name; time_unit_s : None where the name does not say it."""

    axes: tuple[str, str, str]
    time: str | None
    time_unit_s: float | None
    unit: Unit | None


def _columns(name: str, file: Any, arrow: Any) -> tuple[_Named, Any]:
    """Return which column is what, and the type of that of time."""
    fields = list(file.schema_arrow)
    if len(fields) > MOST_COLUMNS:
        raise RecordingError(f"{name} has more than {MOST_COLUMNS} columns: keep time and axes")
    types = arrow.types
    header = DIVIDER.join(re.sub(rf'["\r\n{DIVIDER}]', " ", field.name) for field in fields)
    columns = find_columns(header, DIVIDER, name)
    axes = [fields[axis] for axis in columns.axes]
    for field in axes:
        kind = field.type
        if not (types.is_floating(kind) or types.is_integer(kind) or types.is_decimal(kind)):
            raise RecordingError(f"{name}: column {field.name} holds {kind}, not numbers")
    stamps = [field for field in fields if types.is_timestamp(field.type)]
    named = [each for each in columns.times if not each.is_date]
    time, time_unit_s = None, None
    if named:
        time, time_unit_s = fields[named[0].index], named[0].unit_s
    elif len(stamps) == 1:
        time = stamps[0]
    return (
        _Named(
            (axes[0].name, axes[1].name, axes[2].name),
            None if time is None else time.name,
            time_unit_s,
            columns.unit,
        ),
        None if time is None else time.type,
    )


def _check_size(name: str, file: Any, size: int) -> None:
    metadata = file.metadata
    if metadata.num_rows > MOST_SAMPLES:
        raise RecordingError(f"{name} has more than {MOST_SAMPLES} rows: split it")
    # Not of each column: pyarrow ends the process where a column's statistics are damaged.
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    unpacked = sum(max(0, group.total_byte_size) for group in groups)
    if unpacked > LARGEST_BYTES:
        raise RecordingError(f"{name} unpacks to more than 2 GiB: split it")
    if unpacked > SMALL_BYTES and unpacked > HIGHEST_RATIO * size:
        raise RecordingError(f"{name} unpacks to {unpacked // size} times its size: no recording")


def _note(file: Any) -> ExportNote | None:
    found = (file.schema_arrow.metadata or {}).get(SCHEMA.encode())
    try:
        return None if found is None else ExportNote.parse(found.decode())
    except (ValueError, RecursionError):
        return None


def _guarded(blocks: Iterator[Any], name: str, arrow: Any) -> Iterator[Any]:
    with _damage(name, arrow):
        yield from blocks


@contextmanager
def _damage(name: str, arrow: Any) -> Iterator[None]:
    """Turn what pyarrow raises on damaged files into one sentence."""
    try:
        yield
    except RecordingError:
        raise
    except (
        arrow.ArrowException,
        OSError,
        ValueError,
        TypeError,
        KeyError,
        OverflowError,
        MemoryError,
        RecursionError,
    ) as error:
        said = " ".join(str(error).split())[:200]
        raise RecordingError(f"{name} is damaged, or no Parquet file: {said}") from error
