"""Packets as they were received, decoded again by the same driver, as recordings to be read."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import chain

from detector.block import Block, Timebase
from detector.devices.interpreter import Interpreter
from detector.devices.stream import Item
from detector.errors import ConfigError, RecordingError
from detector.store.formats.checks import Unit, checked_rate, rate_warnings
from detector.store.formats.reading import RecordingReader
from detector.timing.sample_clock import SampleClock


def read_packets(
    name: str,
    items: Iterable[Item],
    *,
    close: Callable[[], None],
    recording: str,
    fs: float | None,
    unit: Unit | None,
    dated: bool,
    damaged: Callable[[], int] = lambda: 0,
) -> RecordingReader:
    """Read what a sensor said; it knows its rate and unit.

    Parameters
    ----------
    name : of the file, for people; `recording` of the recording, for the ids of its events
    dated : whether the items' wall clock means anything
    damaged : how many items could not be read, asked at the end

    Raises
    ------
    RecordingError
        It holds no samples, is said to have another rate or unit, or its sensor's driver is not
        installed here.
    """
    if unit not in {None, Unit.G}:
        raise RecordingError(f"{name} knows its own unit: leave --unit out")
    clock, notes = SampleClock(), list[str]()
    blocks = _blocks(name, items, clock, notes, damaged)
    first = next(blocks, None)
    if first is None or clock.timebase is None:
        raise RecordingError(f"{name} holds no samples")
    rate = checked_rate(name, clock.timebase.fs, fs)
    notes += rate_warnings(name, rate)
    reader = RecordingReader(
        name=name,
        recording=recording,
        timebase=clock.timebase if dated else Timebase(clock.timebase.fs),
        total=None,
        warnings=notes,
        source=chain([first], blocks),
        close=close,
    )
    if dated:
        reader.source = _dated(reader, clock, reader.source)
    return reader


def _dated(reader: RecordingReader, clock: SampleClock, blocks: Iterator[Block]) -> Iterator[Block]:
    """Let the reader date as the night itself did: better the longer it went on."""
    for block in blocks:
        if clock.timebase is not None:
            reader.timebase = clock.timebase
        yield block


def _blocks(
    name: str,
    items: Iterable[Item],
    clock: SampleClock,
    notes: list[str],
    damaged: Callable[[], int],
) -> Generator[Block, None, None]:
    interpreter = Interpreter()
    for item in items:
        try:
            reading = interpreter.feed(item)
        except ConfigError as error:
            raise RecordingError(f"{name}: {error}") from None
        yield from clock.take(reading)
    if rows := damaged():
        notes.append(f"{name}: {rows} rows are damaged and were left out")
    if interpreter.protocol_errors:
        notes.append(f"{name}: {interpreter.protocol_errors} packets made no sense")
    if clock.unplaced:
        notes.append(f"{name}: {clock.unplaced} samples came at another rate and were left out")
