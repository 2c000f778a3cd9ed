"""Axivity `.cwa` of AX3 and AX6: pages of 512 bytes, each with its time and a checksum.

Source of the layout: Open Movement's description of the CWA format (github.com/digitalinteraction/
openmovement, Docs/ax3/ax3-technical.md): a header page of 1,024 bytes, then data pages.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

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

MAGIC = b"MD"
PAGE_BYTES, HEADER_BYTES = 512, 1024
PAGE = np.dtype(
    [
        ("magic", "S2"), ("length", "<u2"), ("fraction", "<u2"), ("session", "<u4"),
        ("sequence", "<u4"), ("time", "<u4"), ("light", "<u2"), ("temperature", "<u2"),
        ("events", "u1"), ("battery", "u1"), ("rate", "u1"), ("form", "u1"), ("offset", "<i2"),
        ("count", "<u2"), ("data", "u1", (480,)), ("check", "<u2"),
    ]
)  # fmt: skip
WORDS, SHORTS = 0, 2  # how three axes are packed: 3 x 10 bit with an exponent, 16 bit each
AT_ONCE = 512  # pages decoded together
PLAIN_COUNTS_PER_G = 256


def open_axivity(
    path: Path, *, fs: float | None = None, unit: Unit | None = None
) -> RecordingReader:
    """Open a `.cwa` file; a page that is damaged, or was never written, is left out.

    Raises
    ------
    RecordingError
        No page can be read.
    """
    name = path.name
    size = (path.stat().st_size - HEADER_BYTES) // PAGE_BYTES
    if size < 1:
        raise RecordingError(f"{name} holds no page of data: it was cut short")
    pages = np.memmap(path, dtype=PAGE, mode="r", offset=HEADER_BYTES, shape=(size,))
    kept, bad = _readable(pages)
    if not len(kept):
        raise RecordingError(f"{name} holds no page that can be read")
    head = np.array(pages[kept[0] : kept[0] + 1])
    nominal_hz = 3200.0 / (1 << (15 - int(head["rate"][0] & 0x0F)))
    times = Pages(_start_s(pages, kept, nominal_hz), pages["count"][kept].astype(np.int64))
    order = np.argsort(times.start_s, kind="stable")
    kept, times = kept[order], Pages(times.start_s[order], times.counts[order])
    rate = checked_rate(name, times.rate_hz(nominal_hz), fs)
    first = np.concatenate([_samples(np.array(pages[i : i + 1])) for i in kept[:AT_ONCE]])
    _, notes = checked_unit(name, first, stated=Unit.G, given=unit)

    def pieces() -> Iterator[tuple[Samples, int]]:
        indices = times.first_indices(rate)
        for page, index in zip(kept.tolist(), indices.tolist(), strict=True):
            samples = _samples(np.array(pages[page : page + 1]))
            good = measured(samples, f"{name} page", [page] * len(samples))
            if good.all():
                yield samples, index

    return RecordingReader(
        name=name,
        recording=path.stem,
        timebase=Timebase(rate),
        total=int(times.counts.sum()),
        source=blocks_of(pieces(), rate),
        close=lambda: None,
        warnings=[*rate_warnings(name, rate), *notes, *left_out(name, bad, size), *no_zone(name)],
    )


def _readable(pages: NDArray[np.void]) -> tuple[NDArray[np.int64], int]:
    """Return which pages are whole, and how many of those that were written are not."""
    kept, bad = [], 0
    for first in range(0, len(pages), 1 << 14):
        part = np.array(pages[first : first + (1 << 14)])
        sums = (
            part.view(np.uint8)
            .reshape(len(part), PAGE_BYTES)
            .view("<u2")
            .sum(axis=1, dtype=np.uint16)
        )
        written = part["magic"] == b"AX"
        whole = written & ((sums == 0) | (part["check"] == 0))
        whole &= (part["count"] > 0) & (part["count"] <= _room(part["form"]))
        whole &= np.isin(part["form"] & 0x0F, (WORDS, SHORTS)) & (part["form"] >> 4 >= 3)
        whole &= _is_date(part["time"])
        kept.append(np.flatnonzero(whole) + first)
        bad += int(written.sum() - (whole & written).sum())
    return np.concatenate(kept), bad


def _room(form: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return how many samples fit into a page."""
    each = np.where(form & 0x0F == SHORTS, 2 * np.maximum(form >> 4, 1).astype(np.int64), 4)
    return 480 // each


def _is_date(packed: NDArray[np.uint32]) -> NDArray[np.bool_]:
    month, day = packed >> 22 & 0x0F, packed >> 17 & 0x1F
    return np.asarray((month >= 1) & (month <= 12) & (day >= 1))


def _start_s(
    pages: NDArray[np.void], kept: NDArray[np.int64], rate_hz: float
) -> NDArray[np.float64]:
    """Return when the first sample of each page was taken, s since 1970 on the device's clock."""
    packed = np.asarray(pages["time"][kept]).astype(np.int64)
    months = ((packed >> 26 & 0x3F) + 2000 - 1970) * 12 + (packed >> 22 & 0x0F) - 1
    days = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    days += (packed >> 17 & 0x1F) - 1
    seconds = days * 86_400 + (packed >> 12 & 0x1F) * 3600 + (packed >> 6 & 0x3F) * 60
    seconds += packed & 0x3F
    fraction = np.asarray(pages["fraction"][kept]).astype(np.int64)
    offset = np.asarray(pages["offset"][kept]).astype(np.int64)
    # With a fraction the offset was put back by the whole samples in it, for older readers.
    sixteenth = np.where(fraction & 0x8000, (fraction & 0x7FFF) << 1, 0)
    offset = offset + (sixteenth * int(rate_hz) >> 16)
    return np.asarray(seconds + sixteenth / 65_536 - offset / rate_hz)


def _samples(page: NDArray[np.void]) -> Samples:
    """Return the samples of one page, (n, 3), g."""
    form, count = int(page["form"][0]), int(page["count"][0])
    axes, packing = form >> 4, form & 0x0F
    data = page["data"][0].tobytes()
    if packing == WORDS:
        words = np.frombuffer(data, "<u4", count).astype(np.int64)
        exponent = words >> 30
        columns = [((words >> shift & 0x3FF) ^ 0x200) - 0x200 for shift in (0, 10, 20)]
        counts = np.stack(columns, axis=1) << exponent[:, np.newaxis]
    else:
        table = np.frombuffer(data, "<i2", count * axes).reshape(count, axes).astype(np.int64)
        counts = table[:, axes - 3 :] if axes in {3, 6} else table[:, 3:6]
    scale = PLAIN_COUNTS_PER_G << (int(page["light"][0]) >> 13) if packing == SHORTS else 256
    return np.asarray(counts / float(scale))
