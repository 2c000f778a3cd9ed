"""Motion-BIDS: a table without a header, and beside it what its columns and its rate are.

`X_motion.tsv` needs `X_motion.json` and `X_channels.tsv` in its folder.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from detector import plain_json
from detector.block import Timebase
from detector.errors import RecordingError, RecordingNotFoundError
from detector.store.formats.checks import Unit
from detector.store.formats.exported import SCHEMA, ExportNote
from detector.store.formats.placed import Claims, placed, rows_of
from detector.store.formats.reading import RecordingReader
from detector.store.formats.table.columns import UNITS, listed
from detector.store.formats.table.rows import Rows

ENDING = "_motion.tsv"
NOTE = "SpasmwatchExport"  # its key in the sidecar
MOST_BYTES = 1 << 20  # of a sidecar, or of a table of channels
MOST_CHANNELS = 1000
LONGEST_LINE = 32_768
PIECE_ROWS = 30_000


def is_motion_bids(path: Path) -> bool:
    """Whether a file is one of Motion-BIDS, by its name and what lies beside it."""
    return path.name.endswith(ENDING) and _beside(path, "_motion.json").is_file()


def open_motion_bids(
    path: Path, *, fs: float | None = None, unit: Unit | None = None
) -> RecordingReader:
    """Open the motion data of one accelerometer; `n/a` is a gap.

    Raises
    ------
    RecordingError
        A file beside it is missing, or what they say does not fit together.
    """
    name = path.name
    sidecar = _sidecar(_beside(path, "_motion.json"))
    note = _note(sidecar)
    channels = _channels(_beside(path, "_channels.tsv"))
    stated = sidecar.get("SamplingFrequency")
    if isinstance(stated, bool) or not isinstance(stated, int | float):
        raise RecordingError(f"{name}: SamplingFrequency in its _motion.json is no number")
    with ExitStack() as stack:
        claims = Claims(
            timed=channels.latency is not None,
            stated_hz=float(stated),
            given_hz=note.timebase.fs if note is not None and fs is None else fs,
            stated_unit=channels.unit,
            given_unit=unit,
        )
        rows = placed(name, _parts(stack.enter_context(path.open("rb")), name, channels), claims)
        reader = RecordingReader(
            name=name,
            recording=name.removesuffix(ENDING),
            timebase=Timebase(rows.fs),
            total=None,
            warnings=rows.warnings,
            source=rows.blocks,
            close=stack.pop_all().close,
        )
        return reader if note is None else note.on(reader)


@dataclass(frozen=True, slots=True)
class _Channels:
    """Which columns are what, from 0; `latency` those of time."""

    count: int
    axes: tuple[int, int, int]
    latency: int | None
    unit: Unit | None


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name.removesuffix(ENDING) + ending)


def _text(path: Path) -> str:
    if not path.is_file():
        raise RecordingNotFoundError(f"{path} is missing: Motion-BIDS needs it beside the data")
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise RecordingError(f"{path.name} is larger than 1 MB: no description is")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RecordingError(f"{path.name} is not UTF-8 text") from None


def _sidecar(path: Path) -> Mapping[str, Any]:
    try:
        body = plain_json.parsed(_text(path))
    except (ValueError, RecursionError) as error:
        raise RecordingError(f"{path.name} is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise RecordingError(f"{path.name} is no JSON object")
    return body


def _note(sidecar: Mapping[str, Any]) -> ExportNote | None:
    found = sidecar.get(NOTE)
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        return None
    try:
        return ExportNote.parse(plain_json.line(found))
    except (ValueError, RecursionError):
        return None


def _channels(path: Path) -> _Channels:
    """Return the three columns of acceleration, and that of time where there is one."""
    lines = _text(path).splitlines()[: MOST_CHANNELS + 2]
    try:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    except csv.Error as error:
        raise RecordingError(f"{path.name} is no table: {error}") from None
    if not rows or len(rows) > MOST_CHANNELS or not {"name", "type", "component"} <= rows[0].keys():
        raise RecordingError(
            f"{path.name} must name its columns name, component, type, tracked_point and units, "
            "and have a row for each channel"
        )
    kinds = [(str(row["type"]).strip().upper(), str(row["component"]).strip()) for row in rows]
    points = sorted(
        {
            str(row.get("tracked_point"))
            for row, kind in zip(rows, kinds, strict=True)
            if kind[0] == "ACCEL"
        }
    )
    axes = [[i for i, kind in enumerate(kinds) if kind == ("ACCEL", axis)] for axis in "xyz"]
    if any(len(places) != 1 for places in axes):
        where = f" at {listed(points)}" if len(points) > 1 else ""
        raise RecordingError(
            f"{path.name} must have one channel of type ACCEL for each of x, y and z, not "
            f"{', '.join(str(len(places)) for places in axes)}{where}: leave one sensor in the file"
        )
    units = {str(rows[places[0]].get("units", "")).strip().casefold() for places in axes}
    if len(units) > 1:
        raise RecordingError(f"{path.name} gives the axes different units. Make them one")
    latencies = [i for i, kind in enumerate(kinds) if kind[0] == "LATENCY"]
    return _Channels(
        len(rows),
        (axes[0][0], axes[1][0], axes[2][0]),
        latencies[0] if len(latencies) == 1 else None,
        UNITS.get(units.pop()),
    )


def _parts(file: BinaryIO, name: str, channels: _Channels) -> Iterator[Rows]:
    endless = iter(partial(file.readline, LONGEST_LINE), b"")
    first = 0
    while raw := list(islice(endless, PIECE_ROWS)):
        values = _values(raw, name, first, channels.count)
        latency = channels.latency
        yield rows_of(
            np.ascontiguousarray(values[:, list(channels.axes)]),
            None if latency is None else np.ascontiguousarray(values[:, latency]),
            first + 1,
        )
        first += len(raw)


def _values(raw: list[bytes], name: str, first: int, count: int) -> np.ndarray[Any, Any]:
    """Return a piece of the table; a row that is wrong is named."""
    try:
        lines = b"".join(raw).decode("ascii").replace("n/a", "nan").splitlines()
        values = np.loadtxt(lines, delimiter="\t", ndmin=2, comments=None)
        if values.shape == (len(raw), count):
            return values
    except (ValueError, OverflowError):
        pass
    for number, line in enumerate(raw, first + 1):
        cells = line.decode("ascii", "replace").strip("\r\n").split("\t")
        if len(cells) != count:
            raise RecordingError(
                f"{name} line {number} has {len(cells)} columns, and its _channels.tsv {count}"
            )
        for cell in cells:
            try:
                float(cell.replace("n/a", "nan"))
            except ValueError:
                raise RecordingError(
                    f'{name} line {number}: "{cell[:40]}" is not a number: write n/a for none'
                ) from None
    raise RecordingError(f"{name} is no table of numbers near line {first + 1}")
