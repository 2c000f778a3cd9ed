"""Our own recordings: the packets as they were received, decoded again by the same driver."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path

from detector.block import Block
from detector.devices.interpreter import Interpreter
from detector.errors import ConfigError, RecordingError
from detector.store.formats.checks import Unit, checked_rate, rate_warnings
from detector.store.formats.reading import RecordingReader
from detector.store.recording import Recording
from detector.timing import SampleClock


def open_native(
    path: Path, *, fs: float | None = None, unit: Unit | None = None
) -> RecordingReader:
    """Open a recording of ours; it knows its rate and unit.

    Raises
    ------
    RecordingError
        It is damaged, holds no samples, or its sensor's driver is not installed here.
    """
    name = path.name
    if unit not in {None, Unit.G}:
        raise RecordingError(f"{name} knows its own unit: leave --unit out")
    with ExitStack() as stack:
        recording = stack.enter_context(Recording.open(path))
        clock = SampleClock()
        notes: list[str] = []
        blocks = _blocks(recording, clock, name, notes)
        first = next(blocks, None)
        if first is None or clock.timebase is None:
            raise RecordingError(f"{name} holds no samples")
        rate = checked_rate(name, clock.timebase.fs, fs)
        notes += rate_warnings(name, rate)
        reader = RecordingReader(
            name=name,
            recording=recording.header.name,
            wearer=recording.header.wearer,
            sensor=recording.header.sensor,
            site=recording.header.site,
            timebase=clock.timebase,
            total=None,
            warnings=notes,
            source=iter(()),
            close=stack.pop_all().close,
        )
        reader.source = _dated(reader, clock, chain([first], blocks))
        return reader


def _dated(reader: RecordingReader, clock: SampleClock, blocks: Iterable[Block]) -> Iterator[Block]:
    """Let the reader date as the night itself did: better the longer it went on."""
    for block in blocks:
        if clock.timebase is not None:
            reader.timebase = clock.timebase
        yield block


def _blocks(
    recording: Recording, clock: SampleClock, name: str, notes: list[str]
) -> Iterator[Block]:
    interpreter = Interpreter()
    for item in recording.items():
        try:
            reading = interpreter.feed(item)
        except ConfigError as error:
            raise RecordingError(f"{name}: {error}") from None
        yield from clock.take(reading)
    if recording.damaged:
        notes.append(f"{name}: {recording.damaged} rows are damaged and were left out")
    if interpreter.protocol_errors:
        notes.append(f"{name}: {interpreter.protocol_errors} packets made no sense")
    if clock.unplaced:
        notes.append(f"{name}: {clock.unplaced} samples came at another rate and were left out")
