"""One sensor of a wearer: readings in; its events, and what is the matter with it, out."""

from __future__ import annotations

from dataclasses import dataclass

from detector.block import Block, Timebase
from detector.devices.charge import Charge
from detector.devices.profile import Battery, Refused, Started, Stopped
from detector.devices.stream import LinkDown, LinkUp, Reading
from detector.dsp.quality import Cause, Quality
from detector.events import Event
from detector.recognition.events.stamp import Provenance, stamp
from detector.recognition.pipeline import Watcher
from detector.timing.sample_clock import SampleClock, WrongRate

SILENT_S = 8.0
"""Samples this old are no signal: four of the slowest sensor's 2 s packets, and below the 10 s
within which a lost sensor must be told."""

NO_SIGNAL = "no-signal"
WRONG_RATE = "wrong-rate"
BATTERY = "battery"

LOW_PERCENT = 10
SOON_EMPTY_S = 3600.0
"""Time to find another sensor or its charger before it stops; at 10 % most stop within the night,
whatever their gauge says."""


@dataclass(frozen=True, slots=True)
class Worn:
    """A sensor, where it is worn, and whose its events are."""

    provenance: Provenance
    site: str


@dataclass(frozen=True, slots=True)
class Matter:
    """Something is the matter with a sensor, or (`why` None) no more; `since_ns` monotonic."""

    name: str
    why: str | None
    since_ns: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What a reading gave; `heard` says that samples came."""

    events: tuple[Event, ...] = ()
    matters: tuple[Matter, ...] = ()
    heard: bool = False


class SensorWatch:
    """Samples on one clock, watched for events and examined for what spoils them.

    Parameters
    ----------
    dated : whether the items' wall clock means anything; a foreign file may have none

    Attributes
    ----------
    analysed_s : how far the samples reach, from the first
    samples : that were watched
    """

    def __init__(self, worn: Worn, *, dated: bool = True) -> None:
        self.worn = worn
        self._dated = dated
        self.clock = SampleClock()
        self._watcher = Watcher(site=worn.site)
        self._quality: Quality | None = None  # before the first sample
        self._range_g: float | None = None
        self._charge = Charge()
        self._last_mono_ns: int | None = None  # arrival of the last samples
        self._begun_ns: int | None = None  # first moment heard of, samples or not
        self._link = "the sensor was not heard yet"
        self.analysed_s = 0.0
        self.samples = 0

    @property
    def label(self) -> str:
        """Name of the sensor in events."""
        return self.worn.provenance.sensor or "sensor"

    @property
    def timebase(self) -> Timebase | None:
        """Where sample 0 lies in UTC, as it is known now; None before the first."""
        timebase = self.clock.timebase
        return timebase if timebase is None or self._dated else Timebase(timebase.fs)

    @property
    def monitored_s(self) -> float:
        """How much was really watched: samples received, not time passed."""
        timebase = self.clock.timebase
        return 0.0 if timebase is None else self.samples / timebase.fs

    @property
    def battery_percent(self) -> int | None:
        """As the sensor last said."""
        return self._charge.percent

    def battery_lasts_s(self, mono_ns: int) -> float | None:
        """Seconds until the sensor is empty; None before that can be foretold."""
        return self._charge.lasts_s(mono_ns)

    @property
    def blind(self) -> str | None:
        """Why the samples that come show nothing of the wearer, in words; None while they may."""
        conditions = () if self._quality is None else self._quality.active
        return next((c.reason for c in conditions if c.cause is not Cause.CLIPPED), None)

    def data_age_s(self, mono_ns: int) -> float | None:
        """Seconds since samples last came; None if they never did."""
        return None if self._last_mono_ns is None else (mono_ns - self._last_mono_ns) / 1e9

    def silence(self, mono_ns: int) -> str | None:
        """Why there is no signal, in words; None while samples come."""
        age_s = self.data_age_s(mono_ns)
        return None if age_s is not None and age_s < SILENT_S else self._link

    def take(self, reading: Reading) -> Seen:
        """Take the next thing that came from the sensor."""
        item = reading.item
        self._begun_ns = item.mono_ns if self._begun_ns is None else self._begun_ns
        match item:
            case LinkUp():
                self._link = "connected, but no samples come"
            case LinkDown():
                self._link = item.reason
        for output in reading.outputs:
            match output:
                case Started():
                    self._range_g = output.range_g
                case Battery():
                    self._charge.feed(output.percent, item.mono_ns)
                case Stopped() | Refused():
                    self._link = output.reason
        events: list[Event] = []
        matters: list[Matter] = []
        blocks = self.clock.take(reading)
        for block in blocks:
            self.samples += len(block)
            self.analysed_s = block.stop / block.fs
            events += self._watcher.process(block)
            self._last_mono_ns = item.mono_ns  # whatever silence there was is over
            matters += [Matter(NO_SIGNAL, None, item.mono_ns)]
            matters += self._examine(block, item.mono_ns)
        return Seen(self._stamped(events), tuple(matters), bool(blocks))

    def tick(self, mono_ns: int) -> tuple[Matter, ...]:
        """Let time pass: notices what did not happen."""
        self._begun_ns = mono_ns if self._begun_ns is None else self._begun_ns
        rate = self.clock.fault
        matters = [
            Matter(WRONG_RATE, _rate_words(rate) if rate else None, mono_ns),
            Matter(BATTERY, self._battery_words(mono_ns), mono_ns),
        ]
        why = self.silence(mono_ns)
        if why is not None:
            since_ns = self._begun_ns if self._last_mono_ns is None else self._last_mono_ns
            matters.insert(0, Matter(NO_SIGNAL, why, since_ns))
        if self._quality is not None and self._quality.settled:
            # What was the matter before a restart, and is so no more.
            so = {condition.cause for condition in self._quality.active}
            matters += [Matter(str(cause), None, mono_ns) for cause in Cause if cause not in so]
        return tuple(matters)

    def finish(self) -> tuple[Event, ...]:
        """Close what is open: the night is over."""
        return () if self.clock.timebase is None else self._stamped(self._watcher.finish())

    def _examine(self, block: Block, mono_ns: int) -> list[Matter]:
        """Ask of the samples whether they can be trusted."""
        if self._quality is None:
            self._quality = Quality(block.fs, self._range_g)
        return [
            Matter(str(c.cause), c.reason if c.end_s is None else None, mono_ns)
            for c in self._quality.process(block)
        ]

    def _stamped(self, events: list[Event]) -> tuple[Event, ...]:
        timebase = self.timebase
        if timebase is None:
            return ()
        return tuple(stamp(event, self.worn.provenance, timebase) for event in events)

    def _battery_words(self, mono_ns: int) -> str | None:
        """Why the battery is a matter now; None while it is not."""
        percent, lasts_s = self._charge.percent, self._charge.lasts_s(mono_ns)
        if percent is None:
            return None
        soon = lasts_s is not None and lasts_s <= SOON_EMPTY_S
        if not soon and percent > LOW_PERCENT:
            return None
        return f"the sensor's battery is at {percent} %: charge or change it now"


def _rate_words(fault: WrongRate) -> str:
    return f"the sensor samples at {fault.got_hz:.1f} Hz instead of {fault.expected_hz:.1f} Hz"
