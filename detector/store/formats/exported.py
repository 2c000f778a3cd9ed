"""What an exported file says of its recording beside the samples, in every format the same.

One JSON object: name, wearer, sensor, site and origin of the recording, its sampling rate, and
where its samples lie in UTC. With it the same events are found again, with the same ids.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from typing import Any

import numpy as np

from detector import plain_json
from detector.block import AXES, Block, Knot, Samples, Timebase
from detector.errors import RecordingError
from detector.events import Origin, format_utc
from detector.sites import SITES
from detector.store.formats.checks import FASTEST_HZ, SLOWEST_HZ, Bools, runs
from detector.store.formats.reading import RecordingReader

SCHEMA = "spasmwatch-export/1"
LONGEST_NOTE = 256 << 10  # characters; a thousand knots take 60,000
LONGEST_NAME = 200  # characters of a name in it
MOST_KNOTS = 2000
MOST_SAMPLES = 40_000_000  # 1 GB in memory, nine days at 50 Hz
LATEST_NS = 1 << 62  # 2116
SAME_RATE = 1e-3  # relative; rows that disagree by more are of another recording


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportNote:
    """Where samples are from, and when they were measured."""

    recording: str
    timebase: Timebase
    wearer: str | None = None
    sensor: str | None = None
    site: str | None = None
    origin: Origin | None = None

    @classmethod
    def of(cls, reader: RecordingReader) -> ExportNote:
        """Return the note of a recording, which was read to its end: only then dates are whole."""
        return cls(
            recording=reader.recording,
            timebase=reader.timebase,
            wearer=reader.wearer,
            sensor=reader.sensor,
            site=reader.site,
            origin=reader.origin,
        )

    def to_json(self) -> str:
        """Return it as one line of JSON."""
        base = self.timebase
        return plain_json.line(
            {
                "schema": SCHEMA,
                "recording": self.recording,
                "wearer": self.wearer,
                "sensor": self.sensor,
                "site": self.site,
                "origin": None if self.origin is None else self.origin.value,
                "began": format_utc(base.at_s(0.0)),
                "fs": base.fs,
                "epoch_ns": base.epoch_ns,
                "knots": [[knot.from_s, knot.epoch_ns, knot.pace] for knot in base.knots],
            }
        )

    @classmethod
    def parse(cls, text: str) -> ExportNote:
        """Return the note that `to_json` wrote.

        Raises
        ------
        ValueError
            It is none; anybody may have written it.
        """
        if len(text) > LONGEST_NOTE:
            raise ValueError("it is too long")
        body = plain_json.parsed(text)
        if not isinstance(body, dict) or body.get("schema") != SCHEMA:
            raise ValueError(f"its schema is not {SCHEMA}")
        fs, epoch_ns = _number(body.get("fs")), body.get("epoch_ns")
        if not SLOWEST_HZ <= fs <= FASTEST_HZ:
            raise ValueError("fs is no sampling rate")
        knots = _knots(body.get("knots")) if _is_time(epoch_ns) else ()
        site, origin = body.get("site"), body.get("origin")
        recording = _name(body.get("recording"))
        if recording is None or site not in (None, *SITES):
            raise ValueError("its recording has no name, or its site is none")
        return cls(
            recording=recording,
            timebase=Timebase(fs, epoch_ns if _is_time(epoch_ns) else None, knots),
            wearer=_name(body.get("wearer")),
            sensor=_name(body.get("sensor")),
            site=site,
            origin=None if origin is None else Origin(origin),
        )

    def on(self, reader: RecordingReader) -> RecordingReader:
        """Return the reader of a file as that of the recording it was made of.

        Where its rows are not of this rate, the file was changed, and only warns.
        """
        if abs(reader.fs / self.timebase.fs - 1) > SAME_RATE:
            reader.warnings.append(
                f"{reader.name} says that it has {self.timebase.fs:.6g} samples a second, and its "
                f"rows say {reader.fs:.6g}: it was changed, and what else it says is not taken over"
            )
            return reader
        reader.timebase = self.timebase
        reader.recording, reader.wearer, reader.sensor = self.recording, self.wearer, self.sensor
        reader.site, reader.origin = self.site, self.origin
        return reader


@dataclass(frozen=True, slots=True, eq=False)
class WholeRecording:
    """A recording in memory, for a format that must know all of it.

    samples : (n, 3), g, one row for every 1/fs s from index 0 on; NaN where none is known
    warnings : about what could not be read
    """

    samples: Samples
    note: ExportNote
    warnings: tuple[str, ...]

    @property
    def fs(self) -> float:
        """Sampling rate, Hz."""
        return self.note.timebase.fs

    @property
    def known(self) -> Bools:
        """Which rows were measured."""
        finite: Bools = np.isfinite(self.samples)
        return finite.all(axis=1, keepdims=False).reshape(-1)

    @property
    def gaps(self) -> list[tuple[int, int]]:
        """Start and stop of every stretch that was not measured."""
        return runs(~self.known)

    def __len__(self) -> int:
        return len(self.samples)


def whole_recording(
    reader: RecordingReader, advance: Callable[[int], object] = int
) -> WholeRecording:
    """Read a recording to its end; `advance` is told of every so many samples.

    Raises
    ------
    RecordingError
        It is damaged, or too long for memory.
    """
    blocks: list[Block] = []
    for block in reader.blocks():
        if block.stop > MOST_SAMPLES:
            raise RecordingError(
                f"{reader.name} is too long to be exported: nine days are the most"
            )
        blocks.append(block)
        advance(len(block))
    samples = np.full((max((block.stop for block in blocks), default=0), AXES), np.nan)
    for block in blocks:
        samples[block.start : block.stop] = block.samples
    if not len(samples):
        raise RecordingError(f"{reader.name} holds no samples")
    return WholeRecording(samples, ExportNote.of(reader), tuple(reader.warnings))


def _is_time(value: Any) -> bool:
    return type(value) is int and 0 < value < LATEST_NS


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ValueError("it has no number where one must be")
    return float(value)


def _name(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_NAME:
        raise ValueError("a name in it is no text, or too long")
    return value


def _knots(value: Any) -> tuple[Knot, ...]:
    if not isinstance(value, list) or len(value) > MOST_KNOTS:
        raise ValueError("knots must be a list")
    knots: list[Knot] = []
    for each in value:
        if not isinstance(each, list) or len(each) != 3 or not _is_time(each[1]):
            raise ValueError("a knot is three numbers")
        from_s, pace = _number(each[0]), _number(each[2])
        if from_s < 0 or not 0.5 <= pace <= 2:
            raise ValueError("a knot is not of this world")
        knots.append(Knot(from_s, each[1], pace))
    if any(later.from_s < former.from_s for former, later in pairwise(knots)):
        raise ValueError("knots are not in order")
    return tuple(knots)
