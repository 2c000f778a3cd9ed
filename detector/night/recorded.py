"""Recordings through the same `Night` as live: used by detect, replay and evaluation.

Offline is online with big blocks: samples are gathered for minutes before they are analysed;
events, the time at which each was known, and alerts are the same as live.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from heapq import merge
from math import inf

from detector.alert import Alert
from detector.alerts.rules import Rule
from detector.block import EPOCH, Block, Stretch, extend
from detector.devices.stream import Reading
from detector.events import Event, Phase
from detector.night.night import Night
from detector.night.observation import Follower, WornSensor
from detector.night.outcome import Outcome
from detector.recognition.personal.minimums import Personal
from detector.store.formats.packets import unplaced_words
from detector.store.formats.reading import RecordingReader

LOOK_S = 600.0
"""Packets are gathered for so long: as much as a file's blocks hold, a megabyte."""

TICK_NS = 5_000_000_000
"""Time between two ticks: the rate is measured in windows of 5 s."""


@dataclass(frozen=True, slots=True, eq=False)
class RecordedSensor:
    """A recording, and the sensor it is of; `follower` instead of a plain watcher."""

    reader: RecordingReader
    worn: WornSensor
    follower: Follower | None = None


@dataclass(frozen=True, slots=True)
class RecordedStep:
    """Output after one more piece of the recordings.

    Parameters
    ----------
    told : what is new
    blocks : the samples that were taken since the last step, and which recording they are of
    """

    told: Outcome
    blocks: tuple[tuple[int, Block], ...]


class RecordedNight:
    """Recordings of one wearer, each of one sensor, taken as one night.

    Their wall clocks align them if all have one; else all began together.

    Parameters
    ----------
    piece_s : take files in pieces of this length, and look after each, as live; None: at full speed
    personal : the wearer's own minimums

    Attributes
    ----------
    stretches : of each sensor, what was seen of it between gaps
    alerts : every state of every alert, so far
    """

    def __init__(
        self,
        sensors: Sequence[RecordedSensor],
        *,
        rules: Sequence[Rule] = (),
        piece_s: float | None = None,
        personal: Personal | None = None,
    ) -> None:
        self._sensors = tuple(sensors)
        self._dated = all(each.reader.timebase.epoch_ns is not None for each in sensors)
        self._piece_s = piece_s
        self.night = Night(
            [each.worn for each in sensors],
            rules=rules,
            dated=self._dated,
            followers=[each.follower for each in sensors],
            personal=personal,
        )
        self.stretches: tuple[list[Stretch], ...] = tuple([] for _ in sensors)
        self._latest: dict[str, Event] = {}
        self.alerts: list[Alert] = []

    def steps(self) -> Iterator[RecordedStep]:
        """Yield the output piece by piece, to the end; once. The last is what the end closed.

        Raises
        ------
        RecordingError
            One is damaged further on.
        """
        night = self.night
        blocks: list[tuple[int, Block]] = []
        mono_ns = utc_ns = looked_ns = 0
        ticked_ns = [0] * len(self._sensors)
        for number, reading in self._in_order():
            if reading is None:
                night.end(mono_ns, utc_ns, sensor=number)
                continue
            item = reading.item
            begun_ns = item.mono_ns - _length_ns(reading)
            if item.mono_ns < mono_ns:  # the host was started anew, and its clock with it
                yield self._step(night.look(mono_ns, utc_ns), blocks)
                night.shift_clocks(item.mono_ns, item.utc_ns)
                blocks, looked_ns = [], item.mono_ns
                ticked_ns = [begun_ns - TICK_NS] * len(self._sensors)
            mono_ns, utc_ns = item.mono_ns, item.utc_ns
            if begun_ns - ticked_ns[number] >= TICK_NS:
                ticked_ns[number] = begun_ns
                night.pass_time(begun_ns, utc_ns - (mono_ns - begun_ns), sensor=number)
            for block in night.gather(reading, sensor=number):
                blocks.append((number, block))
                extend(self.stretches[number], block)
            if self._piece_s is not None or mono_ns - looked_ns >= LOOK_S * 1e9:
                yield self._step(night.look(mono_ns, utc_ns), blocks)
                blocks, looked_ns = [], mono_ns
        yield self._step(night.look(mono_ns, utc_ns), blocks)
        yield self._step(night.finish(mono_ns, utc_ns), [])  # what only the end closed

    @property
    def events(self) -> list[Event]:
        """Events that are over, in their latest form, in order of time."""
        ended = [event for event in self._latest.values() if event.phase is Phase.END]
        return sorted(ended, key=self._moment)

    @property
    def in_time(self) -> list[Event | Alert]:
        """`events` and `alerts` in order of time: an event at its onset, before its alert."""
        events: list[Event | Alert] = [*self.events]
        alerts: list[Event | Alert] = sorted(self.alerts, key=self._time_ms)
        return list(merge(events, alerts, key=self._time_ms))

    @property
    def warnings(self) -> list[str]:
        """Warnings about the recordings for a person; complete at the end."""
        told: list[str] = []
        for each, watch in zip(self._sensors, self.night.watches, strict=True):
            told += [*each.reader.warnings, *unplaced_words(each.reader.name, watch.clock)]
        return told

    @property
    def is_whole(self) -> bool:
        """Whether all of every recording could be read; known at the end."""
        return not any(each.reader.damage() for each in self._sensors)

    def _step(self, told: Outcome, blocks: list[tuple[int, Block]]) -> RecordedStep:
        self._latest |= {event.id: event for event in told.events}
        self.alerts += told.alerts
        return RecordedStep(told, tuple(blocks))

    def _moment(self, event: Event) -> tuple[float, str]:
        several = len(self._sensors) > 1
        at_s = event.onset.timestamp() if several and event.onset else event.onset_s
        return at_s, event.id

    def _time_ms(self, each: Event | Alert) -> float:
        """Return when it was, in the whole ms that both have in JSON."""
        utc, at_s = (each.onset, each.onset_s) if isinstance(each, Event) else (each.at, each.at_s)
        if utc is None:  # an alert may be raised before the first sample
            return -inf if at_s is None else round(at_s * 1000)
        return (utc - EPOCH) // timedelta(milliseconds=1)

    def _in_order(self) -> Iterator[tuple[int, Reading | None]]:
        """Yield the readings of all sensors in order of time; None where a recording ends."""
        streams = [each.reader.readings(piece_s=self._piece_s) for each in self._sensors]
        if len(streams) == 1:
            for only in streams[0]:
                yield 0, only
            return
        heads = [next(stream, None) for stream in streams]
        begun_ns = min((head.item.utc_ns for head in heads if head is not None), default=0)
        lanes = [
            self._lane(number, head, stream, begun_ns)
            for number, (head, stream) in enumerate(zip(heads, streams, strict=True))
        ]
        for _, number, _, reading in merge(*lanes, key=lambda each: each[:3]):
            yield number, reading

    def _lane(
        self, number: int, head: Reading | None, rest: Iterator[Reading], begun_ns: int
    ) -> Iterator[tuple[int, int, int, Reading | None]]:
        """Return one sensor's readings on the monotonic clock that all share from now on."""
        place = mono_ns = 0
        if head is not None:
            later_ns = head.item.utc_ns - begun_ns if self._dated else 0
            offset_ns = later_ns - head.item.mono_ns
            for place, reading in enumerate(_with(head, rest)):
                mono_ns = reading.item.mono_ns + offset_ns
                moved = replace(reading, item=replace(reading.item, mono_ns=mono_ns))
                yield mono_ns, number, place, moved
        yield mono_ns, number, place + 1, None


def _with(head: Reading, rest: Iterator[Reading]) -> Iterator[Reading]:
    yield head
    yield from rest


def _length_ns(reading: Reading) -> int:
    """How long before it came its first sample was measured, of a file; 0 of a packet."""
    return round(sum(len(b) / b.fs for b in reading.outputs if isinstance(b, Block)) * 1e9)
