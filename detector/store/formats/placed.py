"""Rows of a file with columns as blocks: each at its index, what was not measured left out.

Their order, their pace and their unit are judged as those of a table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np

from detector.block import Block
from detector.errors import RecordingError
from detector.store.formats.checks import (
    Unit,
    checked_rate,
    checked_unit,
    measured,
    rate_warnings,
    runs,
)
from detector.store.formats.table.order import Ordered
from detector.store.formats.table.rows import Floats, Rows
from detector.store.formats.table.times import SampleTimes, pace_of

MOST_AHEAD = 60  # pieces without a measurement before it is given up: ten hours at 50 Hz


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a file says of its rows, and what somebody who reads it says.

    timed : whether rows have times; local : these are dates that do not say their zone
    """

    timed: bool
    local: bool = False
    stated_hz: float | None = None
    given_hz: float | None = None
    stated_unit: Unit | None = None
    given_unit: Unit | None = None


@dataclass(frozen=True, slots=True)
class PlacedRows:
    """Rows at their indices; `warnings` are complete behind the last block.

    start_s : time of the first row, None without times
    """

    fs: float
    start_s: float | None
    blocks: Iterator[Block]
    warnings: list[str]


def rows_of(samples: Floats, times: Floats | None, first: int) -> Rows:
    """Return consecutive rows, the first of which has this number in its file, from 1."""
    count = len(samples)
    return Rows(
        samples,
        np.zeros(count) if times is None else times,
        np.arange(first, first + count),
        np.zeros(count, dtype=bool),
    )


def placed(name: str, parts: Iterable[Rows], claims: Claims) -> PlacedRows:
    """Return the blocks of rows; without times, a row's index is its number.

    Raises
    ------
    RecordingError
        There are none, their rate or unit is unknown or wrong, or time makes no sense.
    """
    order = Ordered(name, local=claims.local)
    some = (rows for rows in parts if len(rows))
    rows = order.follow(some) if claims.timed else some
    ahead = list(islice(_until_measured(rows), MOST_AHEAD))
    if not ahead:
        raise RecordingError(f"{name} is empty")
    pace = pace_of(name, ahead[0].times, ahead[0].begins) if claims.timed else None
    fs = checked_rate(name, claims.stated_hz if pace is None else pace.fs, claims.given_hz)
    samples = np.concatenate([each.samples for each in ahead])
    unit, notes = checked_unit(name, samples, stated=claims.stated_unit, given=claims.given_unit)
    warnings = [*rate_warnings(name, fs), *notes]
    clock = None
    if pace is not None:
        clock = SampleTimes(name, pace.at(fs), float(ahead[0].times[0]))
    return PlacedRows(
        fs,
        float(ahead[0].times[0]) if claims.timed else None,
        _blocks(chain(ahead, rows), clock, _Scale(name, fs, unit), order, warnings),
        warnings,
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    name: str
    fs: float
    unit: Unit


def _blocks(
    parts: Iterator[Rows],
    clock: SampleTimes | None,
    scale: _Scale,
    order: Ordered,
    warnings: list[str],
) -> Iterator[Block]:
    counted = 0
    for part in parts:
        samples, numbers = part.samples * scale.unit.g, part.numbers.tolist()
        good = measured(samples, f"{scale.name} row", numbers)
        index = counted + np.arange(len(part))
        if clock is not None:
            index = clock.indices(part.times, numbers, np.flatnonzero(part.begins).tolist())
        counted += len(part)
        cuts = np.flatnonzero(np.diff(index) != 1) + 1
        for begin, end in zip([0, *cuts.tolist()], [*cuts.tolist(), len(samples)], strict=True):
            for start, stop in runs(good[begin:end]):
                yield Block(
                    samples[begin + start : begin + stop], int(index[begin + start]), scale.fs
                )
    warnings += order.told()
    if order.restarts:
        warnings.append(
            f"{scale.name}: recording begins anew in row {order.restarts[0]}: a break of unknown "
            "length, counted as 1 s"
        )


def _until_measured(rows: Iterator[Rows]) -> Iterator[Rows]:
    """Return rows up to and with the first piece that holds a measurement."""
    for part in rows:
        yield part
        if np.isfinite(part.samples).all(axis=1).any():
            return
