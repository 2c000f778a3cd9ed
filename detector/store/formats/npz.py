"""NumPy archives: `acc` (n, 3) or `mag` (n,) and `fs`, in g; streamed, without pickle."""

from __future__ import annotations

import struct
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from math import isfinite, prod
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from detector.block import AXES, Block, Samples, Timebase
from detector.errors import RecordingError
from detector.store.formats.checks import (
    Unit,
    checked_rate,
    checked_unit,
    measured,
    rate_warnings,
    runs,
)
from detector.store.formats.reading import RecordingReader

ROWS = 30_000  # ten minutes at 50 Hz in one block: 1 MB
LARGEST_BYTES = 2 << 30  # unpacked; 29 days of three float64 axes at 40 Hz
SMALL_BYTES = 64 << 20  # up to here any compression is harmless
HIGHEST_RATIO = 100  # beyond it is a zip bomb; real sensor noise packs 2 to 5 times
LARGEST_SCALAR_BYTES = 4096  # of the member `fs`, with its header
LARGEST_HEADER_BYTES = 1024  # of an array's description; a plain array needs 128


def open_npz(path: Path, *, fs: float | None = None, unit: Unit | None = None) -> RecordingReader:
    """Open an archive written by `numpy.savez` or `savez_compressed`.

    `mag` (the length of the acceleration) becomes the z axis, x and y are 0: movement is seen,
    posture is not. A row that is not finite is a gap.

    Raises
    ------
    RecordingError
        It is damaged, oversized, not numeric, or its rate is neither in it nor given.
    """
    name = path.name
    with ExitStack() as stack:
        file = stack.enter_context(path.open("rb"))
        stack.enter_context(_damage(name))
        archive = stack.enter_context(zipfile.ZipFile(file))
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        axes = next((key for key in ("acc", "mag") if key in members), None)
        if axes is None:
            raise RecordingError(f"{name} holds neither acc (n, 3) nor mag (n,)")
        stated = _scalar(archive, members["fs"], name) if "fs" in members else None
        rate = checked_rate(name, stated, fs)
        array = _Array.open(archive, members[axes], name)
        expected = (AXES,) if axes == "acc" else ()
        if array.shape[1:] != expected or not array.shape:
            wanted = "(n, 3)" if axes == "acc" else "(n,)"
            raise RecordingError(f"{name}: {axes} must have shape {wanted}, not {array.shape}")
        if not array.shape[0]:
            raise RecordingError(f"{name} is empty: {axes} has no samples")
        head = next(array.rows(stack))
        found, notes = checked_unit(name, head, stated=Unit.G, given=unit)
        if axes == "mag":
            notes.insert(0, f"{name} holds the magnitude only: turns and posture are not seen")
        closing = stack.pop_all()
        return RecordingReader(
            name=name,
            recording=path.stem,
            timebase=Timebase(rate),
            total=array.shape[0],
            warnings=rate_warnings(name, rate) + notes,
            source=_blocks(array, closing, name, rate, found),
            close=closing.close,
        )


@dataclass(frozen=True, slots=True)
class _Array:
    """A numeric array inside an archive, whose description agrees with its size."""

    archive: zipfile.ZipFile
    info: zipfile.ZipInfo
    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]
    by_column: bool
    offset: int

    @classmethod
    def open(cls, archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> _Array:
        declared, packed = info.file_size, max(info.compress_size, 1)
        if declared > LARGEST_BYTES:
            raise RecordingError(f"{name}: {info.filename} unpacks to more than 2 GiB: split it")
        if declared > SMALL_BYTES and declared > HIGHEST_RATIO * packed:
            raise RecordingError(
                f"{name}: {info.filename} unpacks to {declared // packed} times its size, "
                "which no recording does"
            )
        with archive.open(info) as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on headers of Python 2
            version = npy.read_magic(file)
            if version not in {(1, 0), (2, 0)}:
                raise RecordingError(f"{name}: {info.filename} is not a plain array")
            read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, by_column, dtype = read(file, max_header_size=LARGEST_HEADER_BYTES)
            offset = file.tell()
        if dtype.kind not in "fiu":
            raise RecordingError(f"{name}: {info.filename} holds {dtype}, not numbers")
        if min(shape, default=0) < 0 or prod(shape) * dtype.itemsize != declared - offset:
            raise RecordingError(f"{name}: {info.filename} does not hold what it declares")
        return cls(archive, info, dtype, shape, by_column and len(shape) > 1, offset)

    def rows(self, stack: ExitStack) -> Iterator[Samples]:
        """Return the array in pieces, (n, 3); column order is read at three places at once."""
        columns = self.shape[1] if len(self.shape) > 1 else 1
        lanes = columns if self.by_column else 1
        width = columns // lanes
        files = [stack.enter_context(self.archive.open(self.info)) for _ in range(lanes)]
        for lane, file in enumerate(files):
            file.seek(self.offset + lane * self.shape[0] * self.dtype.itemsize)
        for first in range(0, self.shape[0], ROWS):
            n = min(ROWS, self.shape[0] - first)
            parts = [self._read(file, n * width).reshape(n, width) for file in files]
            samples = np.zeros((n, AXES))
            samples[:, AXES - columns :] = np.hstack(parts)
            yield samples

    def _read(self, file: IO[bytes], count: int) -> Samples:
        data = file.read(count * self.dtype.itemsize)
        if len(data) < count * self.dtype.itemsize:
            raise EOFError
        return np.frombuffer(data, self.dtype).astype(np.float64)


@contextmanager
def _damage(name: str) -> Iterator[None]:
    """Turn what zip and npy readers raise on damaged files into one sentence."""
    try:
        yield
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,  # a place before the file begins
        ValueError,
        struct.error,
        SyntaxError,
        tokenize.TokenError,
        TypeError,
        KeyError,
        OverflowError,
        RecursionError,
        MemoryError,
        RuntimeError,  # encrypted
        NotImplementedError,  # packed by a method that Python does not support
    ) as error:
        raise RecordingError(f"{name} is damaged, or no NumPy archive: {error}") from error


def _scalar(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> float:
    if info.file_size > LARGEST_SCALAR_BYTES:
        raise RecordingError(f"{name}: fs must be one number")
    array = _Array.open(archive, info, name)
    with archive.open(info) as file:
        file.seek(array.offset)
        values = np.frombuffer(file.read(), array.dtype)
    if len(values) != 1 or not isfinite(value := float(values[0])) or value <= 0:
        raise RecordingError(f"{name}: fs must be one number above 0")
    return value


def _blocks(array: _Array, closing: ExitStack, name: str, fs: float, unit: Unit) -> Iterator[Block]:
    first = 0
    with _damage(name):
        for raw in array.rows(closing):
            samples = raw * unit.g
            good = measured(samples, f"{name} sample", range(first, first + len(raw)))
            for start, stop in runs(good):
                yield Block(samples[start:stop], first + start, fs)
            first += len(samples)
