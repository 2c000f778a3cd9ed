"""OpenSeizureDatabase `.json`: events, each with pieces of 5 s from a watch, in mg.

Source of the layout: documentation/Data_Structure.md of github.com/OpenSeizureDetector/
OpenSeizureDatabase. A piece has 125 magnitudes at 25 Hz, mostly also its axes: x, y, z, x, y, z, …
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from detector.block import AXES, Samples, Timebase
from detector.errors import RecordingError
from detector.plain_json import parsed
from detector.store.formats.checks import Unit, checked_rate, checked_unit, measured, rate_warnings
from detector.store.formats.loggers.pages import Pages, blocks_of, left_out
from detector.store.formats.reading import RecordingReader
from detector.store.formats.table.moments import Moments
from detector.store.formats.table.reader import Where

MOST_BYTES = 128 << 20  # read whole: a file of the database has some hundred events
USUAL_HZ = 25.0
PIECE_SAMPLES = 125
MOST_SHOWN = 6  # ids of events in a message


def open_osdb(
    path: Path, *, fs: float | None = None, unit: Unit | None = None, where: Where | None = None
) -> RecordingReader:
    """Open one event; `where` says which, as in `("id", "1234")`, where there are several.

    Raises
    ------
    RecordingError
        It holds no event, several and none is named, or no piece that can be read.
    """
    name = path.name
    if path.stat().st_size > MOST_BYTES:
        raise RecordingError(f"{name} is larger than 128 MB: keep a part of its events")
    event = _event(_events(path), name, where)
    points = event["datapoints"]
    found = [piece for piece in map(_piece, points) if piece is not None]
    found.sort(key=lambda each: each[0])
    if not found:
        raise RecordingError(f"{name}: event {event.get('id')} holds no piece that can be read")
    nominal_hz = event.get("sampleFreq")
    stated = float(nominal_hz) if isinstance(nominal_hz, int | float) else USUAL_HZ
    rate = checked_rate(name, stated, fs)
    times = Pages(
        np.array([at for at, _, _ in found]), np.array([len(each) for _, each, _ in found])
    )
    samples = np.concatenate([each for _, each, _ in found])
    known, notes = checked_unit(name, samples, stated=Unit.MG, given=unit)
    if not all(has_axes for _, _, has_axes in found):
        notes.insert(0, f"{name} holds magnitudes only: turns and posture are not seen")
    good = [
        (each * known.g, index)
        for (_, each, _), index in zip(found, times.first_indices(rate).tolist(), strict=True)
        if measured(each * known.g, f"{name} piece", [index] * len(each)).all()
    ]
    return RecordingReader(
        name=name,
        recording=f"{path.stem}-{event.get('id')}",
        timebase=Timebase(rate, round(found[0][0] * 1e9)),
        total=len(samples),
        source=blocks_of(iter(good), rate),
        close=lambda: None,
        warnings=[
            *rate_warnings(name, rate),
            *notes,
            *left_out(name, len(points) - len(found), len(points)),
        ],
    )


def _events(path: Path) -> list[dict[str, Any]]:
    try:
        read = parsed(path.read_bytes())
    except ValueError as error:
        raise RecordingError(f"{path.name} is not JSON: {error}") from None
    events = read if isinstance(read, list) else [read]
    found = [
        each
        for each in events
        if isinstance(each, dict) and isinstance(each.get("datapoints"), list)
    ]
    if not found:
        raise RecordingError(f"{path.name} holds no event with datapoints: it is no recording")
    return found


def _event(events: Sequence[dict[str, Any]], name: str, where: Where | None) -> dict[str, Any]:
    if where is not None:
        column, content = where
        chosen = [each for each in events if str(each.get(column)) == content]
        if len(chosen) != 1:
            many = f"{len(chosen)} events" if chosen else "no event"
            raise RecordingError(f"{name} holds {many} with {content} as {column}")
        return chosen[0]
    if len(events) > 1:
        ids = ", ".join(str(each.get("id"))[:20] for each in events[:MOST_SHOWN])
        raise RecordingError(
            f'{name} holds {len(events)} events ({ids} …): add --where "id={events[0].get("id")}"'
        )
    return events[0]


def _piece(point: Any) -> tuple[float, Samples, bool] | None:
    """Return time, s since 1970, samples, mg, and whether they have axes; None if damaged."""
    if not isinstance(point, Mapping):
        return None
    try:
        at = float(Moments().seconds([str(point.get("dataTime"))])[0])
        axes, lengths = point.get("rawData3D"), point.get("rawData")
        if isinstance(axes, list) and len(axes) >= AXES * PIECE_SAMPLES:
            table = np.array(axes[: AXES * PIECE_SAMPLES], dtype=np.float64).reshape(-1, AXES)
            if table.any():
                return at, table, True
        magnitude = np.array(lengths[:PIECE_SAMPLES], dtype=np.float64)  # type: ignore[index]
    except (TypeError, ValueError, OverflowError):
        return None
    if len(magnitude) < PIECE_SAMPLES or not magnitude.any():
        return None
    samples = np.zeros((PIECE_SAMPLES, AXES))
    samples[:, 2] = magnitude
    return at, samples, False
