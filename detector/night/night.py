"""One wearer's night: readings in, events and alerts out. The same for live sensors and replays.

No clock and no I/O: what it says depends on the items alone, so that a recording gives the same
words again, byte for byte. Several sensors are several watches; what they saw of one movement is
one event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from detector.alert import Alert
from detector.alerts.policy import Now, Policy
from detector.alerts.rules import Rule
from detector.block import EPOCH
from detector.devices.stream import LinkDown, Reading
from detector.dsp.quality import Cause
from detector.events import Event, Kind, Phase
from detector.night.sensor_watch import WRONG_RATE, Matter, SensorWatch, Worn
from detector.recognition.events.fusion import Fusion
from detector.words.reasons import worded


@dataclass(frozen=True, slots=True)
class Told:
    """What there is to say: commit it, then tell it."""

    events: tuple[Event, ...] = ()
    alerts: tuple[Alert, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.events or self.alerts)


class Night:
    """What a wearer's sensors say, as one wearer's events and alarms.

    Parameters
    ----------
    sensors : one or more, with labels of their own
    dated : whether the items' wall clock means anything; a foreign file may have none

    Attributes
    ----------
    watches : one for each sensor, in the same order
    """

    def __init__(
        self, sensors: Sequence[Worn], *, rules: Sequence[Rule], dated: bool = True
    ) -> None:
        self.watches = tuple(SensorWatch(worn, dated=dated) for worn in sensors)
        whose = sensors[0].provenance
        self._dated = dated
        self._fusion = Fusion(dated=dated) if len(sensors) > 1 else None
        self._policy = Policy(rules, wearer=whose.wearer, source=whose.source)
        self._matters: dict[str, dict[str, Matter]] = {}  # by name, then by sensor
        self._origin: datetime | None = None  # where the wearer's seconds begin
        self._open: dict[str, Event] = {}  # announced and not yet over
        self._ended: dict[str, Kind] = {}

    @property
    def counts(self) -> Counter[Kind]:
        """Ended events by kind, each in its latest form."""
        return Counter(self._ended.values())

    @property
    def samples(self) -> int:
        """How many were watched."""
        return sum(watch.samples for watch in self.watches)

    @property
    def monitored_s(self) -> float:
        """How much of the night was really watched, by the sensor that saw most of it."""
        return max(watch.monitored_s for watch in self.watches)

    @property
    def gap_count(self) -> int:
        """How many gaps there were."""
        return sum(watch.clock.gap_count for watch in self.watches)

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
        """Why no sensor shows anything of the wearer, in words; None while one may."""
        whys = {watch.label: watch.blind for watch in self.watches}
        seeing = [label for label, why in whys.items() if why is None]
        return None if seeing else self._in_words(whys)

    @property
    def doubt(self) -> str | None:
        """Why what is found must be taken with care, in words."""
        doubts = {WRONG_RATE, Cause.CLIPPED}
        return next((a.reason for a in self._policy.open_alerts if a.kind in doubts), None)

    def data_age_s(self, mono_ns: int) -> float | None:
        """Seconds since samples last came from the sensor that is silent for longest."""
        ages_s = [watch.data_age_s(mono_ns) for watch in self.watches]
        known_s = [age_s for age_s in ages_s if age_s is not None]
        return max(known_s) if len(known_s) == len(ages_s) else None

    def silence(self, mono_ns: int) -> str | None:
        """Why there is no signal at all, in words; None while samples come."""
        whys = {watch.label: watch.silence(mono_ns) for watch in self.watches}
        return None if None in whys.values() else self._in_words(whys)

    def partly_silent(self, mono_ns: int) -> str | None:
        """Which of several sensors is silent, and why; None where all or none are."""
        whys = {watch.label: watch.silence(mono_ns) for watch in self.watches}
        silent = {label: why for label, why in whys.items() if why is not None}
        return self._in_words(silent) if 0 < len(silent) < len(whys) else None

    def take(self, reading: Reading, *, sensor: int = 0) -> Told:
        """Take the next thing that came from one of the sensors."""
        watch, item = self.watches[sensor], reading.item
        seen = watch.take(reading)
        now = self._now(item.mono_ns, item.utc_ns)
        alerts = self._hear_matters(watch, seen.matters, now)
        events = self._joined(seen.events)
        if isinstance(item, LinkDown) and self._fusion is not None:
            events += self._fusion.lost(watch.label)
        return self._told(events, alerts, self._now(item.mono_ns, item.utc_ns))

    def tick(self, mono_ns: int, utc_ns: int) -> Told:
        """Let time pass: notices what did not happen."""
        now = self._now(mono_ns, utc_ns)
        alerts = self._policy.tick(now)
        for watch in self.watches:
            alerts += self._hear_matters(watch, watch.tick(mono_ns), now)
        return Told(alerts=tuple(alerts))

    def trouble(self, name: str, why: str | None, mono_ns: int, utc_ns: int) -> Told:
        """Take a state of the watching itself from outside, such as a full disk; None: over."""
        now = self._now(mono_ns, utc_ns)
        told = self._policy.condition(
            name, active=why is not None, since_ns=mono_ns, now=now, why=why or ""
        )
        return Told(alerts=tuple(told))

    def finish(self, mono_ns: int, utc_ns: int) -> Told:
        """Close what is open: the night is over."""
        events: list[Event] = []
        for watch in self.watches:
            events += self._joined(watch.finish())
            if self._fusion is not None:
                events += self._fusion.lost(watch.label)
        return self._told(events, [], self._now(mono_ns, utc_ns)) if self.samples else Told()

    def save_policy(self) -> dict[str, Any]:
        """Return the alarm state as plain data; it is committed together with what it told."""
        return self._policy.save()

    def restore_policy(self, saved: dict[str, Any]) -> None:
        """Go on with the alarms of before a restart.

        Raises
        ------
        ValueError
            Another version wrote it.
        """
        self._policy.restore(saved)

    def _hear_matters(self, watch: SensorWatch, matters: Iterable[Matter], now: Now) -> list[Alert]:
        """Take matters of one sensor: each is the wearer's while it is that of any of them."""
        alerts: list[Alert] = []
        for matter in matters:
            having = self._matters.setdefault(matter.name, {})
            if matter.why is None:
                having.pop(watch.label, None)
            else:
                having[watch.label] = matter
            since_ns = min((m.since_ns for m in having.values()), default=matter.since_ns)
            alerts += self._policy.condition(
                matter.name,
                active=bool(having),
                since_ns=since_ns,
                now=now,
                why=self._in_words({label: m.why for label, m in having.items()}),
            )
        return alerts

    def _in_words(self, whys: Mapping[str, str | None]) -> str:
        if len(self.watches) == 1:
            return next(iter(whys.values()), None) or ""
        return "; ".join(f"{label}: {why}" for label, why in whys.items())

    def _joined(self, events: Iterable[Event]) -> list[Event]:
        if self._fusion is None:
            return list(events)
        return [said for event in events for said in self._fusion.process(event)]

    def _told(self, found: list[Event], alerts: list[Alert], now: Now) -> Told:
        said = [worded(event) for event in found]  # whatever leaves a night has its reason in words
        for event in said:
            if event.phase is Phase.END:
                self._open.pop(event.id, None)
                self._ended[event.id] = event.kind
            elif event.kind is Kind.MOVEMENT:
                self._open.pop(event.id, None)  # taken back: another event tells it now
            else:
                self._open[event.id] = event
            alerts += self._policy.observe(self._in_wearers_seconds(event), now)
        alerts += self._policy.tick(now)
        return Told(tuple(said), tuple(alerts))

    def _in_wearers_seconds(self, event: Event) -> Event:
        """Count from where the wearer's night began: each sensor's recording began by itself."""
        if self._fusion is None or event.onset is None or self._origin is None:
            return event
        return replace(event, onset_s=max((event.onset - self._origin).total_seconds(), 0.0))

    def _now(self, mono_ns: int, utc_ns: int) -> Now:
        utc = EPOCH + timedelta(microseconds=utc_ns // 1000) if self._dated else None
        reached = [
            (timebase.at_s(watch.analysed_s), timebase.at_s(0.0), watch.analysed_s)
            for watch in self.watches
            if (timebase := watch.timebase) is not None
        ]
        if self._fusion is None or not self._dated or not reached:
            stream_s = max(watch.analysed_s for watch in self.watches)
            stream_utc = reached[0][0] if reached else utc
            return Now(mono_ns=mono_ns, utc=utc, stream_s=stream_s, stream_utc=stream_utc)
        ends = [end for end, _, _ in reached if end is not None]
        begun = min(begin for _, begin, _ in reached if begin is not None)
        self._origin = self._origin or begun
        stream_s = (max(ends) - self._origin).total_seconds()
        return Now(mono_ns=mono_ns, utc=utc, stream_s=stream_s, stream_utc=max(ends))
