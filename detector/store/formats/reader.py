"""Open any recording that can be read; its content decides, then its suffix."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from os import PathLike
from pathlib import Path

import numpy as np

from detector.block import AXES, Block, Samples, Timebase
from detector.errors import RecordingError, RecordingNotFoundError
from detector.store.capture import is_capture
from detector.store.formats.checks import Unit
from detector.store.formats.exchange import Opener, exchange_opener
from detector.store.formats.exported_table import open_exported_table
from detector.store.formats.loggers.osdb import open_osdb
from detector.store.formats.native import open_capture, open_native
from detector.store.formats.npz import open_npz
from detector.store.formats.reading import RecordingReader
from detector.store.formats.table.reader import Where
from detector.store.formats.table.text import GZIP_MAGIC, TABLES, ZIP_MAGIC

SQLITE_MAGIC = b"SQLite format 3\0"
ARCHIVES = {".zip", ".xlsx", ".xlsm", ".ods"}
MOST_SAMPLES = 40_000_000  # 1 GB in memory, nine days at 50 Hz


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A whole recording in memory.

    `samples` are (n, 3), g, one row for every 1/fs s from the first on; NaN where none is known.
    """

    samples: Samples
    fs: float
    name: str
    timebase: Timebase
    warnings: tuple[str, ...]


def open_recording(
    path: str | PathLike[str],
    *,
    fs: float | None = None,
    unit: str | Unit | None = None,
    where: Where | None = None,
) -> RecordingReader:
    """Open a recording for reading piece by piece.

    Parameters
    ----------
    fs : Hz, of a file that does not say it
    unit : `g`, `m/s2`, `mg`, or counts as in `8192/g`, of a file that does not say it
    where : column of a table and its content in the rows of the sensor that is meant

    Raises
    ------
    RecordingNotFoundError
        There is no such file.
    RecordingError
        It cannot be read as a recording; the message says where and what to do.
    """
    file = Path(path)
    if fs is not None and not (isfinite(fs) and fs > 0):
        raise RecordingError(f"the sampling rate must be a number of Hz above 0, not {fs:g}")
    try:
        known = Unit.of(unit) if isinstance(unit, str) else unit
    except ValueError:
        raise RecordingError(
            f"the unit must be g, m/s2, mg, or counts as in 8192/g, not {unit!r}"
        ) from None
    head, suffix = _head(file), file.suffix.lower()
    if suffix == ".json":
        return open_osdb(file, fs=fs, unit=known, where=where)
    exchanged = exchange_opener(file, head)
    if exchanged is None and _is_table(head, suffix):
        return open_exported_table(file, fs=fs, unit=known, where=where)
    if where is not None:
        raise RecordingError(f"{file.name} is no table: leave --where out")
    opener = exchanged or _opener(file, head)
    return opener(file, fs=fs, unit=known)


def _is_table(head: bytes, suffix: str) -> bool:
    if head.startswith(SQLITE_MAGIC):
        return False
    if head.startswith(ZIP_MAGIC):
        return suffix in ARCHIVES
    return suffix in TABLES or head.startswith(GZIP_MAGIC)


def _opener(file: Path, head: bytes) -> Opener:
    """Return what opens a file that is no table.

    Raises
    ------
    RecordingError
        Nothing does; the message says what can be given.
    """
    if head.startswith(SQLITE_MAGIC):
        return open_native
    if head.startswith(ZIP_MAGIC):
        return open_npz
    if is_capture(file):
        return open_capture
    raise RecordingError(
        f"{file.name} is no recording: give a .csv, .tsv, .npz, .parquet, .edf, .bdf, .cwa, .gt3x, "
        ".bin, .sqlite or .jsonl file"
    )


def load(
    path: str | PathLike[str],
    *,
    fs: float | None = None,
    unit: str | Unit | None = None,
    where: Where | None = None,
) -> Loaded:
    """Read a whole recording into memory; parameters and errors as `open_recording`.

    Raises
    ------
    RecordingError
        Also when it is too long for that: read `open_recording(path).blocks()`.
    """
    with open_recording(path, fs=fs, unit=unit, where=where) as reader:
        blocks: list[Block] = []
        for block in reader.blocks():
            if block.stop > MOST_SAMPLES:
                raise RecordingError(f"{reader.name} is too long for memory: read it in blocks")
            blocks.append(block)
        samples = np.full((blocks[-1].stop if blocks else 0, AXES), np.nan)
        for block in blocks:
            samples[block.start : block.stop] = block.samples
        return Loaded(samples, reader.fs, reader.name, reader.timebase, tuple(reader.warnings))


def _head(file: Path) -> bytes:
    if not file.exists():
        raise RecordingNotFoundError(f"{file}: there is no such file")
    if not file.is_file():
        raise RecordingError(f"{file} is not a file: name the recording itself")
    with file.open("rb") as stream:
        head = stream.read(len(SQLITE_MAGIC))
    if not head:
        raise RecordingError(f"{file.name} is empty")
    return head
