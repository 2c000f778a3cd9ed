"""One wearer's night: readings in, events and alerts out. The same for live sensors and replays.

No clock and no I/O: what it says depends on the items alone, so that a recording gives the same
words again, byte for byte. Several sensors are several watches; what they saw of one movement is
one event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import zip_longest
from math import inf
from typing import Any

from detector.alert import Alert
from detector.alerts.policy import Now, Policy
from detector.alerts.rules import Rule
from detector.block import EPOCH, Block
from detector.devices.stream import LinkDown, Reading
from detector.dsp.quality import Cause
from detector.events import Event, Kind, Phase
from detector.night.sensor_watch import (
    WRONG_RATE,
    Follower,
    Matter,
    Seen,
    SensorWatch,
    Worn,
)
from detector.recognition.events.fusion import Fusion


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
    followers : of each sensor, instead of a `Watcher`

    Attributes
    ----------
    watches : one for each sensor, in the same order
    """

    def __init__(
        self,
        sensors: Sequence[Worn],
        *,
        rules: Sequence[Rule],
        dated: bool = True,
        followers: Sequence[Follower | None] = (),
    ) -> None:
        self.watches = tuple(
            SensorWatch(worn, dated=dated, follower=follower)
            for worn, follower in zip_longest(sensors, followers)
        )
        self._reached_s = [0.0] * len(sensors)  # how far each was analysed, of what was heard
        self._pending: list[tuple[int, int, Seen]] = []  # monotonic time, sensor, what it showed
        self._over: set[int] = set()  # sensors whose recording has ended
        whose = sensors[0].provenance
        self._dated = dated
        self._fusion = Fusion(dated=dated) if len(sensors) > 1 else None
        wearer = sensors[0].wearer or whose.wearer
        self._policy = Policy(rules, wearer=wearer, source=whose.source)
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
        """Take the next thing that came from one of the sensors, and say what it shows."""
        item = reading.item
        self.gather(reading, sensor=sensor)
        seen = [(sensor, each) for each in self.watches[sensor].look()]
        told = self._hear(seen)
        return self._at_last(told, item.mono_ns, item.utc_ns)

    def gather(self, reading: Reading, *, sensor: int = 0) -> list[Block]:
        """Take the next thing that came, for a later `look`; return its samples."""
        return self.watches[sensor].gather(reading)

    def tick(self, mono_ns: int, utc_ns: int) -> Told:
        """Let time pass: notices what did not happen."""
        for sensor in range(len(self.watches)):
            self.pass_time(mono_ns, utc_ns, sensor=sensor)
        alerts = self._policy.tick(self._now(mono_ns, utc_ns))
        seen = [(n, each) for n, watch in enumerate(self.watches) for each in watch.look()]
        return _joined(Told(alerts=tuple(alerts)), self._hear(seen))

    def pass_time(self, mono_ns: int, utc_ns: int, *, sensor: int) -> None:
        """Let time pass at one sensor, for a later `look`."""
        self.watches[sensor].tick(mono_ns, utc_ns)

    def end(self, mono_ns: int, utc_ns: int, *, sensor: int) -> None:
        """Close what is open at one sensor, for a later `look`: its recording is over."""
        self.watches[sensor].finish(mono_ns, utc_ns)
        self._over.add(sensor)

    def look(self, mono_ns: int, utc_ns: int) -> Told:
        """Say what the sensors showed since the last look, in the order in which it was known.

        What one of several sensors shows waits until the others were looked at as far.
        """
        self._pending += [
            (seen.mono_ns, number, seen)
            for number, watch in enumerate(self.watches)
            for seen in watch.look()
        ]
        self._pending.sort(key=lambda each: each[:2])
        reached_ns = [
            inf if number in self._over else watch.looked_ns
            for number, watch in enumerate(self.watches)
        ]
        known_ns = min(-inf if each is None else each for each in reached_ns)
        known_ns = inf if len(self.watches) == 1 else known_ns
        ripe = sum(at_ns <= known_ns for at_ns, _, _ in self._pending)
        heard, self._pending = self._pending[:ripe], self._pending[ripe:]
        told = self._hear([(number, seen) for _, number, seen in heard])
        # Between two sensors nothing but what they showed says how far time has come for both.
        done = len(self.watches) == len(self._over) or len(self.watches) == 1
        return self._at_last(told, mono_ns, utc_ns) if done else told

    def trouble(self, name: str, why: str | None, mono_ns: int, utc_ns: int) -> Told:
        """Take a state of the watching itself from outside, such as a full disk; None: over."""
        now = self._now(mono_ns, utc_ns)
        told = self._policy.condition(
            name, active=why is not None, since_ns=mono_ns, now=now, why=why or ""
        )
        return Told(alerts=tuple(told))

    def finish(self, mono_ns: int, utc_ns: int) -> Told:
        """Close what is open: the night is over."""
        if not self.samples:
            return Told()
        for number in range(len(self.watches)):
            if number not in self._over:
                self.end(mono_ns, utc_ns, sensor=number)
        told = self.look(mono_ns, utc_ns)
        lost = (
            []
            if self._fusion is None
            else [said for watch in self.watches for said in self._fusion.lost(watch.label)]
        )
        return _joined(told, self._tell(lost, self._now(mono_ns, utc_ns)))

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

    def _hear(self, seen: Sequence[tuple[int, Seen]]) -> Told:
        """Take what sensors showed, in order: each thing at the time by which it was known."""
        events: list[Event] = []
        alerts: list[Alert] = []
        for number, each in seen:
            said: list[Event] = []
            match each.what:
                case Matter() as matter:
                    now = self._now(each.mono_ns, each.utc_ns)
                    alerts += self._hear_matter(self.watches[number], matter, now)
                case Event() as event:
                    self._reached_s[number] = each.known_s or 0.0
                    said = [event] if self._fusion is None else self._fusion.process(event)
                case LinkDown() if self._fusion is not None:
                    said = self._fusion.lost(self.watches[number].label)
            if said:
                told = self._tell(said, self._now(each.mono_ns, each.utc_ns))
                events += told.events
                alerts += told.alerts
        return Told(tuple(events), tuple(alerts))

    def _at_last(self, told: Told, mono_ns: int, utc_ns: int) -> Told:
        """Let time pass up to where the samples were analysed."""
        self._reached_s = [watch.analysed_s for watch in self.watches]
        ticked = self._policy.tick(self._now(mono_ns, utc_ns))
        return Told(told.events, (*told.alerts, *ticked))

    def _hear_matter(self, watch: SensorWatch, matter: Matter, now: Now) -> list[Alert]:
        """Take a matter of one sensor: it is the wearer's while it is that of any of them."""
        having = self._matters.setdefault(matter.name, {})
        if matter.why is None:
            having.pop(watch.label, None)
        else:
            having[watch.label] = matter
        since_ns = min((m.since_ns for m in having.values()), default=matter.since_ns)
        return self._policy.condition(
            matter.name,
            active=bool(having),
            since_ns=since_ns,
            now=now,
            why=self._in_words({label: m.why for label, m in having.items()}),
        )

    def _in_words(self, whys: Mapping[str, str | None]) -> str:
        if len(self.watches) == 1:
            return next(iter(whys.values()), None) or ""
        return "; ".join(f"{label}: {why}" for label, why in whys.items())

    def _tell(self, said: Sequence[Event], now: Now) -> Told:
        """Keep what is going on, and let the rules hear of it."""
        alerts = self._policy.tick(now)
        for event in said:
            if event.phase is Phase.END:
                self._open.pop(event.id, None)
                self._ended[event.id] = event.kind
            elif event.kind is Kind.MOVEMENT:
                self._open.pop(event.id, None)  # taken back: another event tells it now
            else:
                self._open[event.id] = event
            alerts += self._policy.observe(self._in_wearers_seconds(event), now)
        return Told(tuple(said), tuple(alerts))

    def _in_wearers_seconds(self, event: Event) -> Event:
        """Count from where the wearer's night began: each sensor's recording began by itself."""
        if self._fusion is None or event.onset is None or self._origin is None:
            return event
        return replace(event, onset_s=max((event.onset - self._origin).total_seconds(), 0.0))

    def _now(self, mono_ns: int, utc_ns: int) -> Now:
        utc = EPOCH + timedelta(microseconds=utc_ns // 1000) if self._dated else None
        reached = [
            (timebase.at_s(reached_s), timebase.at_s(0.0))
            for watch, reached_s in zip(self.watches, self._reached_s, strict=True)
            if (timebase := watch.timebase) is not None
        ]
        if self._fusion is None or not self._dated or not reached:
            stream_utc = reached[0][0] if reached else utc
            return Now(
                mono_ns=mono_ns, utc=utc, stream_s=max(self._reached_s), stream_utc=stream_utc
            )
        ends = [end for end, _ in reached if end is not None]
        begun = min(begin for _, begin in reached if begin is not None)
        self._origin = self._origin or begun
        stream_s = (max(ends) - self._origin).total_seconds()
        return Now(mono_ns=mono_ns, utc=utc, stream_s=stream_s, stream_utc=max(ends))


def _joined(first: Told, second: Told) -> Told:
    return Told(first.events + second.events, first.alerts + second.alerts)
