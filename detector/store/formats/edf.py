"""EDF+ and BDF+: three axes among the signals; what `export` writes, with its note.

Where samples are missing, records lie apart (EDF+D), or an annotation says `no samples`.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector import plain_json
from detector.block import Block, Samples, Timebase
from detector.errors import RecordingError
from detector.store.formats.checks import (
    Unit,
    checked_rate,
    checked_unit,
    measured,
    rate_warnings,
    runs,
)
from detector.store.formats.exported import (
    MOST_SAMPLES,
    SCHEMA,
    ExportNote,
)
from detector.store.formats.optional import library
from detector.store.formats.reading import RecordingReader
from detector.store.formats.table.columns import UNITS, listed

KIND = "EDF+"
EDF_MAGIC, BDF_MAGIC = b"0       ", b"\xffBIOSEMI"
GAP = "no samples"
MOST_BYTES, MOST_BYTES_WIDE = 2 << 30, 128 << 20
"""Of EDF, of which only the three axes are read, and of BDF, all of which is unpacked in memory; a
night of three axes takes 20 MB."""
ROWS = 30_000  # of a block

_AXIS = re.compile(r"(?:.*?(?:acc\w*?|accelerometer|acceleration)[\s_.\-]*)?(?P<axis>[xyz])")


def open_edf(path: Path, *, fs: float | None = None, unit: Unit | None = None) -> RecordingReader:
    """Open an EDF, EDF+ (continuous or not), BDF or BDF+ file with one accelerometer in it.

    Raises
    ------
    RecordingError
        It is damaged, its signals make no sense, its rate or unit is wrong; or edfio is missing.
    """
    name = path.name
    edfio = library("edfio", KIND, name)
    with path.open("rb") as file:
        wide = file.read(len(BDF_MAGIC)) == BDF_MAGIC
    most = MOST_BYTES_WIDE if wide else MOST_BYTES
    if path.stat().st_size > most:
        raise RecordingError(
            f"{name} is larger than {most >> 20} MiB: keep the accelerometer, or split it by night"
        )
    with _damage(name), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = (edfio.read_bdf if wide else edfio.read_edf)(path)
        notes = [
            f"{name} ends in the middle of a record: what is whole of it was read"
            for warning in caught[:1]
            if "Incomplete" in str(warning.message)
        ]
        signals = _axes(name, found)
        rates = {signal.sampling_frequency for signal in signals}
        if len(rates) > 1:
            raise RecordingError(f"{name}: the three axes have different sampling rates")
        said = list(found.annotations)
        note = _note(said)
        rate = checked_rate(name, rates.pop(), note.timebase.fs if note and fs is None else fs)
        length = int(found.num_data_records) * int(signals[0].samples_per_data_record)
        if not 0 < length <= MOST_SAMPLES:
            raise RecordingError(f"{name} has {length} samples: from 1 to {MOST_SAMPLES} are read")
        samples = np.column_stack([_physical(signal) for signal in signals])
        index = _indices(found, signals[0].samples_per_data_record, rate)
        if note is None and _is_dated(found):
            notes.append(f"{name} does not say the zone of its times: they are not taken over")
    stated = UNITS.get(str(signals[0].physical_dimension).strip().casefold())
    unit, more = checked_unit(name, samples[:ROWS], stated=stated, given=unit)
    reader = RecordingReader(
        name=name,
        recording=path.stem,
        timebase=Timebase(rate),
        total=len(samples),
        warnings=rate_warnings(name, rate) + notes + more,
        source=_blocks(samples, index, _missing(said, rate), name, fs=rate, unit=unit),
        close=lambda: None,
    )
    return reader if note is None else note.on(reader)


def _note(said: Sequence[Any]) -> ExportNote | None:
    texts = [each.text.removeprefix(f"{SCHEMA} ") for each in said if each.text.startswith(SCHEMA)]
    try:
        bodies = [plain_json.parsed(text) for text in texts]
        (whole,) = [body for body in bodies if "schema" in body]
        more = {body["after"]: body["more"] for body in bodies if "more" in body}
        knots = [knot for after in sorted(more) for knot in more[after]]
        return ExportNote.parse(plain_json.line(whole | {"knots": knots}))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _axes(name: str, found: Any) -> list[Any]:
    labels = [str(signal.label).strip().casefold() for signal in found.signals]
    chosen = []
    for axis in "xyz":
        places = [
            place
            for place, label in enumerate(labels)
            if (match := _AXIS.fullmatch(label)) and match["axis"] == axis
        ]
        if len(places) != 1:
            many = "two signals" if places else "no signal"
            raise RecordingError(
                f"{name}: {many} for the {axis} axis, among {listed(labels)}. Leave one "
                "accelerometer in it, with signals called acc_x, acc_y and acc_z"
            )
        chosen.append(found.signals[places[0]])
    if len({str(signal.physical_dimension).strip() for signal in chosen}) > 1:
        raise RecordingError(f"{name}: the three axes have different units")
    return chosen


def _physical(signal: Any) -> NDArray[np.float64]:
    """Return values in the header's unit, exact where the range divides evenly."""
    low, high = map(float, signal.digital_range)
    bottom, top = map(float, signal.physical_range)
    if not (isfinite(bottom) and isfinite(top)) or low == high or bottom == top:
        raise ValueError("a signal has no range")
    digital: NDArray[np.float64] = np.asarray(signal.digital, dtype=np.float64)
    if low == -high and bottom == -top:
        return digital * top / high
    return (digital - low) * ((top - bottom) / (high - low)) + bottom


def _indices(found: Any, count: int, fs: float) -> NDArray[np.int64]:
    """Return the index of each data record's first sample; records may lie apart (EDF+D)."""
    plain = np.arange(int(found.num_data_records), dtype=np.int64) * int(count)
    signals = [signal for signal in found._signals if signal._is_annotation_signal]
    if "+D" not in str(found.reserved) or not signals:
        return plain
    raw = signals[0].digital.reshape(found.num_data_records, -1)
    onsets = np.array([float(_ONSET.match(row.tobytes())[1]) for row in raw])  # type: ignore[index]
    index: NDArray[np.int64] = np.rint((onsets - onsets[0]) * fs).astype(np.int64)
    if (np.diff(index) < count).any() or index[-1] > MOST_SAMPLES:
        raise ValueError("its records overlap, or lie too far apart")
    return index


_ONSET = re.compile(rb"([+-]\d+(?:\.\d+)?)")


def _is_dated(found: Any) -> bool:
    """Whether a header has a date; 1985 stands for none."""
    try:
        return datetime.combine(found.startdate, found.starttime).year > 1985
    except (ValueError, TypeError, AttributeError):
        return False


def _missing(said: Sequence[Any], fs: float) -> list[tuple[int, int]]:
    return [
        (round(each.onset * fs), round((each.onset + (each.duration or 0.0)) * fs))
        for each in said
        if each.text == GAP
    ]


def _blocks(
    samples: Samples,
    records: NDArray[np.int64],
    missing: Sequence[tuple[int, int]],
    name: str,
    *,
    fs: float,
    unit: Unit,
) -> Iterator[Block]:
    count = len(samples) // len(records)
    index = (records[:, None] + np.arange(count)).reshape(-1)
    here = np.ones(len(index), dtype=bool)
    for start, stop in missing:
        here[np.searchsorted(index, start) : np.searchsorted(index, stop)] = False
    scaled = samples * unit.g
    for first in range(0, len(scaled), ROWS):
        part, places = scaled[first : first + ROWS], index[first : first + ROWS]
        good = measured(part, f"{name} sample", range(first, first + len(part)))
        good &= here[first : first + ROWS]
        cuts = np.flatnonzero(np.diff(places) != 1) + 1
        for begin, end in zip([0, *cuts.tolist()], [*cuts.tolist(), len(part)], strict=True):
            for start, stop in runs(good[begin:end]):
                yield Block(part[begin + start : begin + stop], int(places[begin + start]), fs)


@contextmanager
def _damage(name: str) -> Iterator[None]:
    """Turn what edfio raises on damaged files into one sentence."""
    try:
        yield
    except RecordingError:
        raise
    except (
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        ArithmeticError,
        OSError,
        MemoryError,
        RecursionError,
        StopIteration,
    ) as error:
        said = " ".join(str(error).split())[:200]
        raise RecordingError(f"{name} is damaged, or no EDF or BDF file: {said}") from error
