"""Read recorded packets, decoded again by the same driver."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from detector.block import Block, Timebase
from detector.devices.interpreter import Interpreter
from detector.devices.registry import installed
from detector.devices.stream import Item, Reading
from detector.errors import ConfigError, RecordingError
from detector.store.formats.checks import Unit, checked_rate, rate_warnings
from detector.store.formats.reading import RecordingReader
from detector.timing.sample_clock import SampleClock

MOST_BEFORE = 100_000
"""Packets kept until the first sample comes: a day of a heartbeat each second."""


def read_packets(
    name: str,
    items: Iterable[Item],
    *,
    close: Callable[[], None],
    recording: str,
    fs: float | None,
    unit: Unit | None,
    dated: bool,
    damaged: Callable[[], str] = lambda: "",
) -> RecordingReader:
    """Return a reader of recorded packets; the sensor's driver knows rate and unit.

    Parameters
    ----------
    name : of the file, for people; `recording` of the recording, for the ids of its events
    dated : whether the items' wall clock means anything
    damaged : returns what could not be read, in words, "" where all could; called at the end

    Raises
    ------
    RecordingError
        It holds no samples, is said to have another rate or unit, or its sensor's driver is not
        installed here.
    """
    if unit not in {None, Unit.G}:
        raise RecordingError(f"{name} knows its own unit: leave --unit out")
    clock, notes = SampleClock(), list[str]()
    readings = _readings(name, items, notes, damaged)
    head: list[Reading] = []
    begun: list[Block] = []
    for reading in readings:
        head.append(reading)
        begun = clock.take(reading)
        if begun or len(head) == MOST_BEFORE:
            break
    if clock.timebase is None:
        more = f". {damaged()}" if damaged() else ""
        raise RecordingError(f"{name} holds no samples{more}")
    rate = checked_rate(name, clock.timebase.fs, fs)
    notes += rate_warnings(name, rate)
    reader = RecordingReader(
        name=name,
        recording=recording,
        timebase=clock.timebase if dated else Timebase(clock.timebase.fs),
        total=None,
        warnings=notes,
        source=chain(begun, _placed(name, readings, clock, notes)),
        close=close,
        packets=chain(head, readings),
        damage=damaged,
    )
    if dated:
        reader.source = _dated(reader, clock, reader.source)
    return reader


def _dated(reader: RecordingReader, clock: SampleClock, blocks: Iterator[Block]) -> Iterator[Block]:
    """Have the reader date as the night did: better the longer it went on."""
    for block in blocks:
        if clock.timebase is not None:
            reader.timebase = clock.timebase
        yield block


def _placed(
    name: str, readings: Iterable[Reading], clock: SampleClock, notes: list[str]
) -> Iterator[Block]:
    for reading in readings:
        yield from clock.take(reading)
    notes += unplaced_words(name, clock)


def unplaced_words(name: str, clock: SampleClock) -> list[str]:
    """Return how many samples the clock left out, in words; none if it left out none."""
    if not clock.unplaced:
        return []
    return [f"{name}: {clock.unplaced} samples came at another rate and were left out"]


def _readings(
    name: str, items: Iterable[Item], notes: list[str], damaged: Callable[[], str]
) -> Iterator[Reading]:
    interpreter = Interpreter(installed())
    for item in items:
        try:
            reading = interpreter.feed(item)
        except ConfigError as error:
            raise RecordingError(f"{name}: {error}") from None
        yield reading
    if damage := damaged():
        notes.append(damage)
    if interpreter.protocol_errors:
        notes.append(f"{name}: {interpreter.protocol_errors} packets made no sense")
