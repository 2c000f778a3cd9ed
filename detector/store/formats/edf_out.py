"""Write EDF+ and BDF+: three signals, with events and gaps as annotations.

A gap is filled with the value before it and annotated as `no samples`, since few programs read the
discontinuous form (EDF+D).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from math import ceil, isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector import plain_json
from detector.block import AXES, Samples
from detector.errors import RecordingError
from detector.events import Event
from detector.store.formats.edf import GAP, KIND
from detector.store.formats.exported import SCHEMA, WholeRecording
from detector.store.formats.optional import library

LARGEST = 1 << 15  # beyond the largest digital number of EDF
STEPS_G = 8_000_000  # digital steps of BDF+ for its range: 1 µg where that is 8 g
RECORD_S = 10.0  # a data record, roughly: it holds the annotations of that time
KNOTS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a file keeps of each number.

    step_g : numbers are multiples of it; exact : so were those of the recording
    suffix : .edf (16 bits) or .bdf (24 bits)
    """

    step_g: float
    exact: bool
    suffix: str
    most: int  # largest digital number of the header's range
    range_g: float  # what it means


def resolution_of(samples: Samples, suffix: str = "") -> Resolution:
    """Return with which resolution samples are written.

    Where the sensor's own steps fit in 16 bits, as EDF+, and nothing is lost; else as BDF+ in 24
    bits, to 1 µg up to 8 g.

    Parameters
    ----------
    suffix : .edf or .bdf where one is wanted

    Raises
    ------
    RecordingError
        The steps do not fit in 16 bits, and .edf is wanted.
    """
    known = samples[np.isfinite(samples).all(axis=1)]
    own = None if suffix == ".bdf" else _own_steps(known)
    if own is not None:
        return own
    if suffix == ".edf":
        raise RecordingError(
            "the sensor's numbers do not fit in the 16 bits of EDF+ without loss: name it .bdf"
        )
    range_g = max(8, ceil(float(np.abs(known).max(initial=0.0))))
    step = range_g / STEPS_G
    exact = bool(np.allclose(known, np.rint(known / step) * step, rtol=0, atol=1e-9))
    return Resolution(step, exact, ".bdf", STEPS_G, range_g)


def write_edf(
    path: Path,
    recording: WholeRecording,
    resolution: Resolution,
    events: Sequence[Event] = (),
    zone: tzinfo | None = None,
) -> None:
    """Write a recording as EDF+ or BDF+, with its events and gaps as annotations.

    Parameters
    ----------
    zone : of the header's date and time, which have none; the note has UTC

    Raises
    ------
    RecordingError
        edfio is missing.
    """
    edfio = library("edfio", KIND, path.name)
    wide = resolution.suffix == ".bdf"
    count, record_s = _record(recording.fs)
    records = ceil(len(recording) / count)
    signals = []
    for axis in range(AXES):
        digital = np.zeros(records * count, dtype=np.int32 if wide else np.int16)
        held = _held(recording.samples[:, axis])
        digital[: len(held)] = np.rint(held / resolution.step_g)
        digital[len(held) :] = digital[len(held) - 1]
        signal = edfio.BdfSignal if wide else edfio.EdfSignal
        signals.append(
            signal.from_digital(
                digital,
                count / record_s,
                label=f"acc_{'xyz'[axis]}",
                transducer_type="accelerometer",
                physical_dimension="g",
                physical_range=(-resolution.range_g, resolution.range_g),
                digital_range=(-resolution.most, resolution.most),
            )
        )
    began = recording.note.timebase.at_s(0.0)
    local = None if began is None else began.astimezone(zone)
    dated = local is not None and 1985 <= local.year <= 2084
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = (edfio.Bdf if wide else edfio.Edf)(
            signals,
            patient=edfio.Patient(code=recording.note.wearer or "X"),
            recording=edfio.Recording(
                startdate=local.date() if local is not None and dated else None,
                equipment_code="spasmwatch",
            ),
            starttime=local.time() if local is not None and dated else None,
            data_record_duration=record_s,
            annotations=_annotations(edfio, recording, events, records * count),
        )
        made.write(path)


def _own_steps(known: Samples) -> Resolution | None:
    """Return the resolution with which a sensor's own numbers fit in 16 bits, None if they do not.

    The header writes a range in eight characters, so its ends must be whole numbers of g.
    """
    values = np.unique(np.abs(known[:: max(1, len(known) // 100_000)]))
    if len(values) < 2:
        return None
    steps = np.diff(values)
    step = float(steps[steps > 1e-7].min(initial=np.inf))
    largest = float(np.abs(known).max())
    if not isfinite(step) or largest / step >= LARGEST:
        return None
    step = largest / round(largest / step)
    if not np.allclose(known, np.rint(known / step) * step, rtol=0, atol=1e-9):
        return None
    for range_g in range(max(1, ceil(largest - step / 2)), ceil(LARGEST * step)):
        most = round(range_g / step)
        if abs(most * step - range_g) < 1e-9 and most < LARGEST:
            return Resolution(range_g / most, exact=True, suffix=".edf", most=most, range_g=range_g)
    return None


def _record(fs: float) -> tuple[int, float]:
    """Return samples and duration of a data record whose duration takes eight characters."""
    best = (1.0, 1, 1.0)
    middle = max(1, round(RECORD_S * fs))
    for count in range(middle, middle + 400):
        record_s = float(f"{count / fs:.5f}")
        error = abs(count / record_s / fs - 1)
        if error < best[0]:
            best = error, count, record_s
        if error < 1e-12:
            break
    return best[1], best[2]


def _held(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values with those before them where none are known; 0 before the first."""
    known = np.isfinite(values)
    place = np.maximum.accumulate(np.where(known, np.arange(len(values)), -1))
    return np.where(place >= 0, values[np.maximum(place, 0)], 0.0)


def _annotations(
    edfio: Any, recording: WholeRecording, events: Sequence[Event], length: int
) -> list[Any]:
    base, fs = recording.note.timebase, recording.fs
    gaps = recording.gaps
    if length > len(recording):
        gaps = [*gaps, (len(recording), length)]
    # A record's annotations take as much room in each: the knots are spread over time.
    whole = plain_json.parsed(recording.note.to_json())
    texts = [(0.0, f"{SCHEMA} {plain_json.line(whole | {'knots': []})}")]
    for first in range(0, len(base.knots), KNOTS_AT_ONCE):
        some = [[k.from_s, k.epoch_ns, k.pace] for k in base.knots[first : first + KNOTS_AT_ONCE]]
        at_s = min(some[0][0], (length - 1) / fs)
        texts.append((at_s, f"{SCHEMA} {plain_json.line({'after': first, 'more': some})}"))
    return [
        *(edfio.EdfAnnotation(at_s, None, text) for at_s, text in texts),
        *(edfio.EdfAnnotation(a / fs, (b - a) / fs, GAP) for a, b in gaps),
        *(
            edfio.EdfAnnotation(each.onset_s, each.duration_s, each.kind.value)
            for each in events
            if 0 <= each.onset_s < length / fs
        ),
    ]
