"""GENEActiv `.bin`: text pages of ten lines, whose last holds 300 measurements as hexadecimal.

Source of the layout: GENEActiv instruction manual, data file format (Activinsights): a header
with the calibration, then pages; each measurement is 48 bits: x, y, z of 12 bits, light 10, button.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import BinaryIO

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
from detector.store.formats.table.moments import Moments

MAGIC = b"Device Identity"
PAGE_BEGINS = b"Recorded Data"
MEASUREMENT_CHARS = 12  # 48 bits
MOST_CHARS = 3600  # of 300 measurements
LONGEST_LINE = 8192
LOOKED_PAGES = 512  # for the unit
AXES = "xyz"


def open_geneactiv(
    path: Path, *, fs: float | None = None, unit: Unit | None = None
) -> RecordingReader:
    """Open a `.bin` file; a page that is damaged is left out.

    Raises
    ------
    RecordingError
        Its calibration is missing, or no page can be read.
    """
    name = path.name
    with ExitStack() as stack:
        file = stack.enter_context(path.open("rb"))
        gains = _calibration(file, name)
        starts, counts, places, bad, nominal_hz = _scanned(file)
        if not places:
            raise RecordingError(f"{name} holds no page that can be read")
        times = Pages(np.array(starts), np.array(counts))
        if (np.diff(times.start_s) < 0).any():
            raise RecordingError(f"{name}: its pages are not in order of time: it is damaged")
        rate = checked_rate(name, times.rate_hz(nominal_hz), fs)
        first = np.concatenate([_samples(file, at, gains) for at in places[:LOOKED_PAGES]])
        _, notes = checked_unit(name, first, stated=Unit.G, given=unit)

        def pieces() -> Iterator[tuple[Samples, int]]:
            indices = times.first_indices(rate)
            for number, (at, index) in enumerate(zip(places, indices.tolist(), strict=True)):
                samples = _samples(file, at, gains)
                if measured(samples, f"{name} page", [number] * len(samples)).all():
                    yield samples, index

        return RecordingReader(
            name=name,
            recording=path.stem,
            timebase=Timebase(rate),
            total=int(times.counts.sum()),
            source=blocks_of(pieces(), rate),
            close=stack.pop_all().close,
            warnings=[
                *rate_warnings(name, rate), *notes, *left_out(name, bad, bad + len(places)),
                *no_zone(name),
            ],
        )  # fmt: skip


def _calibration(file: BinaryIO, name: str) -> Mapping[str, tuple[float, float]]:
    """Return gain and offset of each axis, from the lines in front of the first page."""
    found: dict[str, float] = {}
    for raw in islice(iter(lambda: file.readline(LONGEST_LINE), b""), 200):
        if raw.startswith(PAGE_BEGINS):
            file.seek(-len(raw), 1)
            break
        match = re.fullmatch(rb"([xyz]) (gain|offset)\s*:\s*(-?\d{1,7})\s*", raw)
        if match is not None:
            found[f"{match[1].decode()} {match[2].decode()}"] = float(match[3])
    try:
        gains = {axis: (found[f"{axis} gain"], found[f"{axis} offset"]) for axis in AXES}
    except KeyError as error:
        raise RecordingError(f"{name} does not say its {error.args[0]}: it is damaged") from None
    if not all(gain for gain, _ in gains.values()):
        raise RecordingError(f"{name} has a gain of 0: it is damaged")
    return gains


def _scanned(file: BinaryIO) -> tuple[list[float], list[int], list[int], int, float]:
    """Return time, size and place of every page that is whole, how many are not, and the rate."""
    starts: list[float] = []
    counts: list[int] = []
    places: list[int] = []
    moments, time_s, bad, rate_hz = Moments(), None, 0, 0.0
    pending = False
    for raw in iter(lambda: file.readline(LONGEST_LINE), b""):
        line = raw.strip()
        if line == PAGE_BEGINS:
            bad += pending
            time_s, pending = None, True
        elif line.startswith(b"Page Time:"):
            time_s = _moment_s(moments, line[10:].decode("ascii", "replace"))
        elif line.startswith(b"Measurement Frequency:"):
            match = re.match(rb"Measurement Frequency:(\d{1,4}(?:\.\d{1,4})?)", line)
            rate_hz = rate_hz or (float(match[1]) if match else 0.0)
        elif pending and re.fullmatch(rb"[0-9A-Fa-f]{12,}", line):
            whole = len(line) <= MOST_CHARS and not len(line) % MEASUREMENT_CHARS
            if time_s is None or not whole:
                bad += 1
            else:
                starts.append(time_s)
                counts.append(len(line) // MEASUREMENT_CHARS)
                places.append(file.tell() - len(raw))
            pending = False
    return starts, counts, places, bad + pending, rate_hz


def _moment_s(moments: Moments, text: str) -> float | None:
    try:
        return float(moments.seconds([text.strip()])[0])
    except ValueError:
        return None


def _samples(file: BinaryIO, at: int, gains: Mapping[str, tuple[float, float]]) -> Samples:
    """Return the samples of the page whose hexadecimal line begins at a place, (n, 3), g."""
    back = file.tell()
    file.seek(at)
    packed = np.frombuffer(bytes.fromhex(file.readline(LONGEST_LINE).strip().decode()), np.uint8)
    file.seek(back)
    octets = packed.reshape(-1, 6).astype(np.int64)
    bits = sum(octets[:, i] << 8 * (5 - i) for i in range(6))
    counts = np.stack([((bits >> shift & 0xFFF) ^ 0x800) - 0x800 for shift in (36, 24, 12)], axis=1)
    gain = np.array([gains[axis][0] for axis in AXES])
    offset = np.array([gains[axis][1] for axis in AXES])
    return np.asarray((counts * 100.0 - offset) / gain)
