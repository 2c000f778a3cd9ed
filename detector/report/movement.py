"""Movement of a night as numbers for pictures, from its samples. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from detector.block import Block, Stretch, Timebase, extend

Floats = NDArray[np.float64]
TimebaseOf: TypeAlias = Callable[[], Timebase]

BIN_S = 60.0  # of the strip of a night
BEFORE_S, SHOWN_S = 5.0, 30.0  # of a trace
SEGMENT_S, STEP_S = 2.0, 0.125
"""Of a spectrogram: half a hertz can be told apart, and a beat of clonus begins to the eighth of a
second."""
HIGHEST_HZ = 15.0
LOWEST_HZ = 0.5  # below is the limb's turning against gravity
FLOOR_DB = -40.0  # below the strongest nothing is told apart


@dataclass(frozen=True, slots=True, eq=False)
class SeenMovement:
    """Samples around an event, by seconds from its onset.

    pieces : of each stretch without a gap, the second of its first sample, its rate, samples in g
    """

    pieces: tuple[tuple[float, float, Floats], ...]


def seen_around(blocks: Sequence[Block], timebase: Timebase, onset: datetime) -> SeenMovement:
    """Return samples placed around an onset, what follows each other joined."""
    first = timebase.at_s(0.0)
    onset_s = 0.0 if first is None else (onset - first).total_seconds()
    joined: list[list[Block]] = []
    for block in blocks:
        if joined and not block.after_gap(joined[-1][-1].edge):
            joined[-1].append(block)
        elif len(block):
            joined.append([block])
    return SeenMovement(
        tuple(
            (
                run[0].start / run[0].fs - onset_s,
                run[0].fs,
                np.concatenate([b.samples for b in run]),
            )
            for run in joined
        )
    )


def cut(
    begin_s: float, fs: float, values: Floats, since_s: float, until_s: float
) -> tuple[float, float, Floats]:
    """Return what of a piece lies between two moments."""
    first = max(0, round((since_s - begin_s) * fs))
    stop = max(first, round((until_s - begin_s) * fs))
    return begin_s + first / fs, fs, values[first:stop]


def busiest(seen: SeenMovement, duration_s: float) -> int:
    """Return the axis that moved most during an event."""
    parts = [cut(*piece, 0.0, duration_s)[2] for piece in seen.pieces]
    moved = [part.std(axis=0) * len(part) for part in parts if len(part)]
    return int(np.argmax(np.sum(moved, axis=0))) if moved else 0


@dataclass(frozen=True, slots=True, eq=False)
class Traced:
    """An event's movement, by seconds from its onset.

    pieces : of each stretch without a gap, times in s, and the axis that moved most, in g from rest
    spectrum : times in s, frequencies in Hz, power in dB under the strongest, (f, t); None where
        too little was received
    """

    pieces: tuple[tuple[Floats, Floats], ...]
    spectrum: tuple[Floats, Floats, Floats] | None


def traced(seen: SeenMovement, duration_s: float) -> Traced:
    """Return what a picture shows of an event: from 5 s before it, 30 s at least, all of it."""
    until_s = max(SHOWN_S - BEFORE_S, duration_s + BEFORE_S)
    axis = busiest(seen, duration_s)
    pieces = [cut(*piece, -BEFORE_S, until_s) for piece in seen.pieces]
    pieces = [piece for piece in pieces if len(piece[2]) >= 2]
    shown = tuple(
        (begin_s + np.arange(len(values)) / fs, values[:, axis] - np.median(values[:, axis]))
        for begin_s, fs, values in pieces
    )
    longest = max(pieces, key=lambda piece: len(piece[2]) / piece[1], default=None)
    return Traced(shown, None if longest is None else _spectrum(*longest))


def _spectrum(begin_s: float, fs: float, values: Floats) -> tuple[Floats, Floats, Floats] | None:
    segment = round(SEGMENT_S * fs)
    if len(values) < segment * 2:
        return None
    # By hand: scipy.signal takes longer to load than a night to read.
    windows = np.lib.stride_tricks.sliding_window_view(values, segment, axis=0)
    windows = windows[:: max(1, round(STEP_S * fs))]  # (times, axes, samples)
    shape = np.hanning(segment + 1)[:-1]
    power = np.abs(np.fft.rfft((windows - windows.mean(axis=2, keepdims=True)) * shape)) ** 2
    hz: Floats = np.fft.rfftfreq(segment, 1 / fs).astype(np.float64)
    at_s: Floats = (
        np.arange(len(windows), dtype=np.float64) * max(1, round(STEP_S * fs)) + segment / 2
    ) / fs
    whole = power.sum(axis=1).T  # of the three axes together
    inside = (hz >= LOWEST_HZ) & (hz <= HIGHEST_HZ)
    shown = whole[inside]
    strongest = float(shown.max(initial=0.0))
    if strongest <= 0:
        return None
    decibels: Floats = 10 * np.log10(np.maximum(shown / strongest, 10 ** (FLOOR_DB / 10)))
    return begin_s + at_s, hz[inside], decibels


@dataclass(slots=True, eq=False)
class SensorMovement:
    """What a sensor's recordings of a night have, gathered block by block.

    strip : the largest | |a| - 1 g | of each minute from `begin` on; NaN where nothing came
    stretches : what was received without a gap, by the wall clock
    damage : what of the recordings could not be read, sentences
    """

    sensor: str
    site: str
    begin: datetime
    end: datetime
    samples: int = 0
    rate_hz: float | None = None
    stretches: list[tuple[datetime, datetime]] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)
    strip: Floats = field(init=False)
    _seen: list[Stretch] = field(default_factory=list)
    _waiting: list[Block] = field(default_factory=list)  # numbers are quicker by the minute
    _lost: list[float] = field(default_factory=list)  # s, of each gap within a recording
    _ends: list[int] = field(default_factory=list)  # of each recording, in `stretches`

    def __post_init__(self) -> None:
        """Make room for every minute."""
        minutes = int(np.ceil((self.end - self.begin).total_seconds() / BIN_S))
        self.strip = np.full(max(minutes, 1), np.nan)

    @property
    def gap_count(self) -> int:
        """How often samples are missing between its first and its last."""
        return len(self._lost) + len(self._between())

    @property
    def gap_s(self) -> float:
        """For how long, s."""
        return sum(self._lost) + sum(self._between())

    def take(self, blocks: Iterable[Block], timebase_of: TimebaseOf) -> None:
        """Take one recording's samples, all of them.

        Parameters
        ----------
        timebase_of : returns what dates them, better the longer it went on
        """
        for block in blocks:
            self.add(block, timebase_of())
        self.close(timebase_of())

    def add(self, block: Block, timebase: Timebase) -> None:
        """Take the next samples of a recording."""
        if not len(block):
            return
        extend(self._seen, block)
        self.samples += len(block)
        self.rate_hz = block.fs
        waiting = self._waiting
        if waiting and (
            block.after_gap(waiting[-1].edge) or block.start - waiting[0].start > BIN_S * block.fs
        ):
            self._place(waiting, timebase)
            self._waiting = []
        self._waiting.append(block)

    def close(self, timebase: Timebase) -> None:
        """Take that a recording is over."""
        self._place(self._waiting, timebase)
        seen, self._seen, self._waiting = self._seen, [], []
        self._lost += [max(b.start_s - a.stop_s, 0.0) for a, b in pairwise(seen)]
        for stretch in seen:
            begin, end = timebase.at_s(stretch.start_s), timebase.at_s(stretch.stop_s)
            if begin is not None and end is not None:
                self.stretches.append((begin.astimezone(UTC), end.astimezone(UTC)))
        if seen:
            self._ends.append(len(self.stretches))

    def _between(self) -> list[float]:
        """Return the gaps between one recording and the next, s."""
        found: list[float] = []
        for place in self._ends[:-1]:
            if 0 < place < len(self.stretches):
                gap = (self.stretches[place][0] - self.stretches[place - 1][1]).total_seconds()
                found += [gap] if gap > 0 else []
        return found

    def _place(self, run: Sequence[Block], timebase: Timebase) -> None:
        """Keep the largest movement of each minute that blocks without a gap reach into."""
        at = timebase.at_s(run[0].start / run[0].fs) if run else None
        if at is None:
            return
        begin_s, fs = (at - self.begin).total_seconds(), run[0].fs
        samples = np.concatenate([block.samples for block in run])
        moved_g = np.abs(np.sqrt(np.square(samples).sum(axis=1)) - 1.0)
        bins = np.floor((begin_s + np.arange(len(samples)) / fs) / BIN_S).astype(np.int64)
        begins = np.flatnonzero(np.diff(bins, prepend=bins[0] - 1))
        for number, most_g in zip(bins[begins], np.maximum.reduceat(moved_g, begins), strict=True):
            self._keep(int(number), float(most_g))

    def _keep(self, number: int, most_g: float) -> None:
        if 0 <= number < len(self.strip):
            self.strip[number] = np.fmax(self.strip[number], most_g)
