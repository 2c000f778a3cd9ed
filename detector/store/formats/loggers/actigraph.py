"""ActiGraph `.gt3x`: a zip with `info.txt` and `log.bin`, whose records hold a second each.

Source of the layout: ActiGraph's own description (github.com/actigraph/GT3X-File-Format): a record
is 0x1E, type, time (4 bytes, s), size (2), payload, checksum. Types 0 and 26 are activity.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from detector.block import Samples, Timebase
from detector.errors import RecordingError
from detector.store.formats.checks import (
    Unit,
    checked_rate,
    checked_unit,
    measured,
    rate_warnings,
)
from detector.store.formats.loggers.pages import Pages, blocks_of, left_out, no_zone
from detector.store.formats.reading import RecordingReader
from detector.store.formats.table.text import unpacking

HEAD = struct.Struct("<BBIH")
SEPARATOR = 0x1E
PACKED, SHORTS = 0, 26  # activity: 12 bits as y, x, z; 16 bits as x, y, z
LARGEST_LOG = 2 << 30
LARGEST_INFO = 1 << 16
LOOKED_RECORDS = 512
OLD_SCALES = {"NEO": 341.0, "CLE": 341.0}
"""Counts per g of sensors whose info.txt does not say it, by the start of their serial number."""
USUAL_SCALE = 256.0


def open_actigraph(
    path: Path, *, fs: float | None = None, unit: Unit | None = None
) -> RecordingReader:
    """Open a `.gt3x` file; a record that is damaged is left out, and idle sleep is a gap.

    Raises
    ------
    RecordingError
        It is no such archive, of the older form without `log.bin`, or no record can be read.
    """
    name = path.name
    with unpacking(name), zipfile.ZipFile(path) as archive:
        members = {info.filename: info for info in archive.infolist()}
        if "info.txt" not in members or "log.bin" not in members:
            raise RecordingError(
                f"{name} holds no log.bin: it is of an older form. Export it as CSV in ActiLife"
            )
        if (
            members["log.bin"].file_size > LARGEST_LOG
            or members["info.txt"].file_size > LARGEST_INFO
        ):
            raise RecordingError(f"{name} unpacks to more than 2 GiB: export a part of it as CSV")
        info = _info(archive.read("info.txt").decode("utf-8", "replace"))
        log = archive.read("log.bin")
    records, bad = _records(log)
    if not records:
        raise RecordingError(f"{name} holds no second that can be read")
    try:
        nominal_hz = float(info["sample rate"])
        scale = float(info.get("acceleration scale") or _scale(info.get("serial number", "")))
    except (KeyError, ValueError):
        raise RecordingError(f"{name}: info.txt does not say the sample rate or scale") from None
    records.sort(key=lambda each: each[0])
    counts = [_count(kind, size) for _, kind, _, size in records]
    times = Pages(np.array([float(each[0]) for each in records]), np.array(counts))
    rate = checked_rate(name, nominal_hz, fs)

    def samples_of(record: tuple[int, int, int, int]) -> Samples:
        _, kind, at, size = record
        return _samples(kind, log[at : at + size]) / scale

    first = np.concatenate([samples_of(each) for each in records[:LOOKED_RECORDS]])
    _, notes = checked_unit(name, first, stated=Unit.G, given=unit)

    def pieces() -> Iterator[tuple[Samples, int]]:
        indices = times.first_indices(rate)
        for record, index in zip(records, indices.tolist(), strict=True):
            samples = samples_of(record)
            if measured(samples, f"{name} second", [record[0]] * len(samples)).all():
                yield samples, index

    return RecordingReader(
        name=name,
        recording=path.stem,
        timebase=Timebase(rate),
        total=int(times.counts.sum()),
        source=blocks_of(pieces(), rate),
        close=lambda: None,
        warnings=[
            *rate_warnings(name, rate), *notes, *left_out(name, bad, bad + len(records)),
            *no_zone(name),
        ],
    )  # fmt: skip


def _info(text: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in text.splitlines())
    return {key.strip().casefold(): value.strip() for key, _, value in pairs}


def _scale(serial: str) -> float:
    return OLD_SCALES.get(serial[:3], USUAL_SCALE)


def _records(log: bytes) -> tuple[list[tuple[int, int, int, int]], int]:
    """Return time, type, place and size of each second of activity, and how many are damaged."""
    found, bad, at = [], 0, 0
    while at + HEAD.size < len(log):
        separator, kind, time_s, size = HEAD.unpack_from(log, at)
        stop = at + HEAD.size + size
        if separator != SEPARATOR or stop >= len(log) or not _sound(log, at, stop):
            following = log.find(bytes([SEPARATOR]), at + 1)
            bad += separator == SEPARATOR and kind in {PACKED, SHORTS}
            if following < 0:
                break
            at = following
            continue
        if kind in {PACKED, SHORTS} and _count(kind, size):
            found.append((time_s, kind, at + HEAD.size, size))
        at = stop + 1
    return found, bad


def _sound(log: bytes, at: int, stop: int) -> bool:
    """Return whether the checksum, all bits turned over of the exclusive or, is right."""
    octets = np.frombuffer(log, np.uint8, stop - at, at)
    return log[stop] == ~int(np.bitwise_xor.reduce(octets)) & 0xFF


def _count(kind: int, size: int) -> int:
    """Return how many samples a payload holds: a single byte says that a cable was put in."""
    if size <= 1:
        return 0
    return size // 6 if kind == SHORTS else size * 8 // 36


def _samples(kind: int, payload: bytes) -> Samples:
    """Return the samples of one record, (n, 3), counts as x, y, z."""
    count = _count(kind, len(payload))
    if kind == SHORTS:
        return np.frombuffer(payload, "<i2", count * 3).reshape(-1, 3).astype(np.float64)
    octets = np.frombuffer(payload, np.uint8)
    halves = np.stack((octets >> 4, octets & 0x0F), axis=1).reshape(-1).astype(np.int64)
    nibbles = halves[: count * 9].reshape(-1, 3)
    values = nibbles[:, 0] << 8 | nibbles[:, 1] << 4 | nibbles[:, 2]
    counts = ((values ^ 0x800) - 0x800).reshape(-1, 3)
    return counts[:, [1, 0, 2]].astype(np.float64)
