"""One wearer's night: readings in, events and alerts out. The same for a live sensor and a replay.

No clock and no I/O: what it says depends on the items alone, so that a recording gives the same
words again, byte for byte.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from detector.alerts.alert import Alert
from detector.alerts.policy import Now, Policy
from detector.alerts.rules import Rule
from detector.block import EPOCH, Block, Timebase
from detector.devices.charge import Charge
from detector.devices.profile import Battery, Refused, Started, Stopped
from detector.devices.stream import Item, LinkDown, LinkUp, Reading
from detector.dsp.quality import Cause, Quality
from detector.events import Event, Kind, Phase
from detector.recognition.pipeline import Watcher
from detector.recognition.stamp import Provenance, stamp
from detector.timing import SampleClock, WrongRate

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
class Told:
    """What there is to say: commit it, then tell it."""

    events: tuple[Event, ...] = ()
    alerts: tuple[Alert, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.events or self.alerts)


class Night:
    """Samples on one clock, events stamped, alarms followed.

    Parameters
    ----------
    dated : whether the items' wall clock means anything; a foreign file may have none

    Attributes
    ----------
    counts : ended events by kind, each in its latest form
    samples : that were watched
    """

    def __init__(
        self, provenance: Provenance, *, site: str, rules: Sequence[Rule], dated: bool = True
    ) -> None:
        self._provenance = provenance
        self._dated = dated
        self._clock = SampleClock()
        self._watcher = Watcher(site=site)
        self._quality: Quality | None = None  # before the first sample
        self._range_g: float | None = None
        self._policy = Policy(rules, wearer=provenance.wearer, source=provenance.source)
        self._last_mono_ns: int | None = None  # arrival of the last samples
        self._begun_ns: int | None = None  # first moment heard of, samples or not
        self._link = "the sensor was not heard yet"
        self._analysed_s = 0.0  # how far the samples reach, from the first
        self._open: dict[str, Event] = {}  # announced and not yet over
        self._ended: dict[str, Kind] = {}
        self._charge = Charge()
        self.samples = 0

    @property
    def timebase(self) -> Timebase | None:
        """Where sample 0 lies in UTC; None before the first."""
        timebase = self._clock.timebase
        return timebase if timebase is None or self._dated else Timebase(timebase.fs)

    @property
    def clock(self) -> SampleClock:
        """Rate, drift and gaps of the samples so far."""
        return self._clock

    @property
    def counts(self) -> Counter[Kind]:
        """Ended events by kind, each in its latest form."""
        return Counter(self._ended.values())

    @property
    def monitored_s(self) -> float:
        """How much of the night was really watched: samples received, not time passed."""
        return 0.0 if self.timebase is None else self.samples / self.timebase.fs

    @property
    def battery_percent(self) -> int | None:
        """As the sensor last said."""
        return self._charge.percent

    def battery_lasts_s(self, mono_ns: int) -> float | None:
        """Seconds until the sensor is empty; None before that can be foretold."""
        return self._charge.lasts_s(mono_ns)

    @property
    def open_alerts(self) -> tuple[Alert, ...]:
        """What is raised and not yet resolved."""
        return self._policy.open_alerts

    @property
    def spasm(self) -> Event | None:
        """The likely spasm that is going on, the latest if there are several."""
        going_on = [event for event in self._open.values() if event.kind.is_spasm_family]
        return going_on[-1] if going_on else None

    @property
    def blind(self) -> str | None:
        """Why the samples that come show nothing of the wearer, in words; None while they may."""
        conditions = () if self._quality is None else self._quality.active
        return next((c.reason for c in conditions if c.cause is not Cause.CLIPPED), None)

    @property
    def doubt(self) -> str | None:
        """Why what is found must be taken with care, in words."""
        doubts = {WRONG_RATE, Cause.CLIPPED}
        return next((a.reason for a in self._policy.open_alerts if a.kind in doubts), None)

    def data_age_s(self, mono_ns: int) -> float | None:
        """Seconds since samples last came; None if they never did."""
        return None if self._last_mono_ns is None else (mono_ns - self._last_mono_ns) / 1e9

    def silence(self, mono_ns: int) -> str | None:
        """Why there is no signal, in words; None while samples come."""
        age_s = self.data_age_s(mono_ns)
        return None if age_s is not None and age_s < SILENT_S else self._link

    def take(self, reading: Reading) -> Told:
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
        said: list[Event] = []
        alerts: list[Alert] = []
        for block in self._clock.take(reading):
            said += self._watch(block)
            alerts += self._hear(item)
            alerts += self._examine(block, item)
        return self._told(said, alerts, self._now(item.mono_ns, item.utc_ns))

    def tick(self, mono_ns: int, utc_ns: int) -> Told:
        """Let time pass: notices what did not happen."""
        self._begun_ns = mono_ns if self._begun_ns is None else self._begun_ns
        now = self._now(mono_ns, utc_ns)
        alerts = self._policy.tick(now)
        why = self.silence(mono_ns)
        since_ns = self._begun_ns if self._last_mono_ns is None else self._last_mono_ns
        if why is not None:
            alerts += self._policy.condition(
                NO_SIGNAL, active=True, since_ns=since_ns, now=now, why=why
            )
        rate = self._clock.fault
        alerts += self._condition(WRONG_RATE, _rate_words(rate) if rate else None, now)
        alerts += self._condition(BATTERY, self._battery_words(mono_ns), now)
        if self._quality is not None and self._quality.settled:
            # What was the matter before a restart, and is so no more.
            so = {condition.cause for condition in self._quality.active}
            for cause in Cause:
                alerts += [] if cause in so else self._condition(cause, None, now)
        return Told(alerts=tuple(alerts))

    def trouble(self, name: str, why: str | None, mono_ns: int, utc_ns: int) -> Told:
        """Take a state of the watching itself from outside, such as a full disk; None: over."""
        return Told(alerts=tuple(self._condition(name, why, self._now(mono_ns, utc_ns))))

    def finish(self, mono_ns: int, utc_ns: int) -> Told:
        """Close what is open: the night is over."""
        if self.timebase is None:
            return Told()
        return self._told(self._stamped(self._watcher.finish()), [], self._now(mono_ns, utc_ns))

    def save_policy(self) -> dict[str, Any]:
        """Give the alarm state as plain data; it is committed together with what it told."""
        return self._policy.save()

    def restore_policy(self, saved: dict[str, Any]) -> None:
        """Go on with the alarms of before a restart.

        Raises
        ------
        ValueError
            Another version wrote it.
        """
        self._policy.restore(saved)

    def _watch(self, block: Block) -> list[Event]:
        self.samples += len(block)
        self._analysed_s = block.stop / block.fs
        return self._stamped(self._watcher.process(block))

    def _hear(self, item: Item) -> list[Alert]:
        """Take it that samples came: whatever silence there was is over."""
        self._last_mono_ns = item.mono_ns
        now = self._now(item.mono_ns, item.utc_ns)
        return self._policy.condition(NO_SIGNAL, active=False, since_ns=item.mono_ns, now=now)

    def _examine(self, block: Block, item: Item) -> list[Alert]:
        """Ask of the samples whether they can be trusted."""
        if self._quality is None:
            self._quality = Quality(block.fs, self._range_g)
        now = self._now(item.mono_ns, item.utc_ns)
        alerts: list[Alert] = []
        for condition in self._quality.process(block):
            why = condition.reason if condition.end_s is None else None
            alerts += self._condition(condition.cause, why, now)
        return alerts

    def _condition(self, name: str, why: str | None, now: Now) -> list[Alert]:
        return self._policy.condition(
            str(name), active=why is not None, since_ns=now.mono_ns, now=now, why=why or ""
        )

    def _battery_words(self, mono_ns: int) -> str | None:
        """Why the battery is a matter now; None while it is not."""
        percent, lasts_s = self._charge.percent, self._charge.lasts_s(mono_ns)
        if percent is None:
            return None
        soon = lasts_s is not None and lasts_s <= SOON_EMPTY_S
        if not soon and percent > LOW_PERCENT:
            return None
        return f"the sensor's battery is at {percent} %: charge or change it now"

    def _stamped(self, events: list[Event]) -> list[Event]:
        label = self._clock.label if self._dated else self.timebase
        if label is None:
            return []
        return [stamp(event, self._provenance, label) for event in events]

    def _told(self, said: list[Event], alerts: list[Alert], now: Now) -> Told:
        for event in said:
            if event.phase is Phase.END:
                self._open.pop(event.id, None)
                self._ended[event.id] = event.kind
            else:
                self._open[event.id] = event
            alerts += self._policy.observe(event, now)
        alerts += self._policy.tick(now)
        return Told(tuple(said), tuple(alerts))

    def _now(self, mono_ns: int, utc_ns: int) -> Now:
        timebase = self.timebase
        utc = _utc(utc_ns) if self._dated else None
        stream_utc = utc if timebase is None else timebase.at_s(self._analysed_s)
        return Now(mono_ns=mono_ns, utc=utc, stream_s=self._analysed_s, stream_utc=stream_utc)


def _rate_words(fault: WrongRate) -> str:
    return f"the sensor samples at {fault.got_hz:.1f} Hz instead of {fault.expected_hz:.1f} Hz"


def _utc(utc_ns: int) -> datetime:
    return EPOCH + timedelta(microseconds=utc_ns // 1000)
