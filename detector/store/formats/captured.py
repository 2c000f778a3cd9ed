"""Captures of what came over the air: decoded again by the same driver, without a wall clock."""

from __future__ import annotations

from collections.abc import Generator
from itertools import chain
from pathlib import Path

from detector.block import Block, Timebase
from detector.devices.interpreter import Interpreter
from detector.errors import ConfigError, RecordingError
from detector.store.capture import Capture
from detector.store.formats.checks import Unit, checked_rate, rate_warnings
from detector.store.formats.reading import RecordingReader
from detector.timing import SampleClock


def open_capture(
    path: Path, *, fs: float | None = None, unit: Unit | None = None
) -> RecordingReader:
    """Open a capture; it knows its rate and unit.

    Raises
    ------
    RecordingError
        It is damaged, holds no samples, or its sensor's driver is not installed here.
    """
    name = path.name
    if unit not in {None, Unit.G}:
        raise RecordingError(f"{name} knows its own unit: leave --unit out")
    capture = Capture.open(path)
    clock = SampleClock()
    notes: list[str] = []
    blocks = _blocks(capture, clock, notes)
    first = next(blocks, None)
    if first is None or clock.timebase is None:
        raise RecordingError(f"{name} holds no samples")
    rate = checked_rate(name, clock.timebase.fs, fs)
    notes += rate_warnings(name, rate)
    return RecordingReader(
        name=name,
        recording=path.stem,
        site=capture.header.placement,
        timebase=Timebase(clock.timebase.fs),
        total=None,
        warnings=notes,
        source=chain([first], blocks),
        close=blocks.close,
    )


def _blocks(capture: Capture, clock: SampleClock, notes: list[str]) -> Generator[Block, None, None]:
    name = capture.path.name
    interpreter = Interpreter()
    for item in capture.items():
        try:
            reading = interpreter.feed(item)
        except ConfigError as error:
            raise RecordingError(f"{name}: {error}") from None
        yield from clock.take(reading)
    if interpreter.protocol_errors:
        notes.append(f"{name}: {interpreter.protocol_errors} packets made no sense")
    if clock.unplaced:
        notes.append(f"{name}: {clock.unplaced} samples came at another rate and were left out")
