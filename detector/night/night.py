"""One wearer's night: readings in, events and alerts out. The same for live sensors and replays.

No clock and no I/O: the output depends on the items alone, so that a replay returns the same
again. Each sensor has a watch; what several of them saw of one movement is one event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Any

from detector.alert import Alert
from detector.alerts.moments import Now
from detector.alerts.policy import Policy
from detector.alerts.rules import Rule
from detector.block import Block
from detector.devices.stream import Item, LinkDown, Reading
from detector.events import Event, EventContext, Kind, broken_off, from_dict
from detector.night.conditions import SensorConditions, by_sensor, silent_for
from detector.night.count import EventCount
from detector.night.known_order import KnownOrder
from detector.night.observation import Follower, Observation, SensorCondition, WornSensor
from detector.night.outcome import Outcome
from detector.night.own_minimums import OwnMinimums
from detector.night.saved import SavedNight, sealed
from detector.night.sensor_watch import SensorWatch
from detector.night.technical import DOUBTS
from detector.night.time_axis import TimeAxis, away_ns
from detector.plain import to_plain
from detector.recognition.events.fusion import Fusion
from detector.recognition.personal.minimums import Personal
from detector.words.reasons import with_unwoken, worded


class Night:
    """Turn the readings of a wearer's sensors into that wearer's events and alerts.

    Parameters
    ----------
    sensors : one or more, with labels of their own
    dated : whether the items' wall clock means anything; a foreign file may have none
    followers : of each sensor, instead of a `Watcher`
    personal : the wearer's own minimums

    Attributes
    ----------
    watches : one for each sensor, in the same order
    own : applies the minimums; others may take their place while it is watched
    """

    def __init__(
        self,
        sensors: Sequence[WornSensor],
        *,
        rules: Sequence[Rule],
        dated: bool = True,
        followers: Sequence[Follower | None] = (),
        personal: Personal | None = None,
    ) -> None:
        self._worn, self._rules, self._dated = tuple(sensors), tuple(rules), dated
        self._followers, self.own = tuple(followers), OwnMinimums(personal or Personal())
        self.reset()

    def reset(self) -> None:
        """Clear all state: a new night begins."""
        self.watches = tuple(
            SensorWatch(worn, dated=self._dated, follower=follower)
            for worn, follower in zip_longest(self._worn, self._followers)
        )
        self._time = TimeAxis(self.watches, dated=self._dated)
        self._order = KnownOrder(self.watches)
        self._reset_alarms()
        self._conditions = SensorConditions()
        self._count = EventCount()
        self.own.reset()

    @property
    def worn(self) -> tuple[WornSensor, ...]:
        """The sensors, with the names of their recordings."""
        return self._worn

    @property
    def counts(self) -> Counter[Kind]:
        """Ended events by kind, each in its latest form."""
        return self._count.counts

    @property
    def contexts(self) -> Counter[EventContext | None]:
        """Ended likely spasms by what the wearer did when they began."""
        return self._count.contexts

    @property
    def samples(self) -> int:
        """Number of samples that all sensors sent."""
        return sum(watch.samples for watch in self.watches)

    @property
    def monitored_s(self) -> float:
        """Seconds of samples received, of the sensor that sent most."""
        return max(watch.monitored_s for watch in self.watches)

    @property
    def gap_count(self) -> int:
        """Number of gaps of all sensors."""
        return sum(watch.gap_count for watch in self.watches)

    @property
    def longest_gap_s(self) -> float:
        """Length of the longest gap of any sensor, s; 0 without one."""
        return max(watch.longest_gap_s for watch in self.watches)

    @property
    def open_alerts(self) -> tuple[Alert, ...]:
        """Alerts raised and not yet resolved."""
        return self._policy.open_alerts

    @property
    def host_ns(self) -> tuple[int, int]:
        """The host's monotonic and wall clock at the last item or tick."""
        return self._time.host_ns

    @property
    def spasm(self) -> Event | None:
        """The likely spasm that is going on, the latest if there are several."""
        return self._count.spasm

    @property
    def blind(self) -> str | None:
        """Reason in words that no sensor measures the wearer; None while one may."""
        whys = {watch.label: watch.blind for watch in self.watches}
        seeing = [label for label, why in whys.items() if why is None]
        return None if seeing else by_sensor(whys, of=len(self.watches))

    @property
    def doubt(self) -> str | None:
        """Reason in words to doubt what is found; None without one."""
        return next((a.reason for a in self._policy.open_alerts if a.kind in DOUBTS), None)

    def data_age_s(self, mono_ns: int) -> float | None:
        """Seconds since samples last came from the sensor that is silent for longest."""
        return silent_for([watch.data_age_s(mono_ns) for watch in self.watches])

    def silence(self, mono_ns: int) -> str | None:
        """Return in words why there is no signal at all; None while samples come."""
        whys = {watch.label: watch.silence(mono_ns) for watch in self.watches}
        return None if None in whys.values() else by_sensor(whys, of=len(self.watches))

    def partly_silent(self, mono_ns: int) -> str | None:
        """Return which of several sensors are silent, and why; None where all or none are."""
        whys = {watch.label: watch.silence(mono_ns) for watch in self.watches}
        silent = {label: why for label, why in whys.items() if why is not None}
        return by_sensor(silent, of=len(self.watches)) if 0 < len(silent) < len(whys) else None

    def take(self, reading: Reading, *, sensor: int = 0) -> Outcome:
        """Take the next reading of one of the sensors; return what it shows."""
        self.gather(reading, sensor=sensor)
        return self.hear(self.watches[sensor].look(), reading.item, sensor=sensor)

    def hear(self, seen: Sequence[Observation], item: Item, *, sensor: int = 0) -> Outcome:
        """Return the wearer's events and alerts for what one sensor saw."""
        told = self._hear([(sensor, each) for each in seen])
        return self._at_last(told, item.mono_ns, item.utc_ns)

    def start_watch_again(self, sensor: int, why: str, item: Item) -> list[Observation]:
        """Close one sensor's open events as cut short after a fault, and begin anew."""
        return self.watches[sensor].start_again(why, item.mono_ns, item.utc_ns)

    def start_alarms_again(self, saved: dict[str, Any] | None, events: Iterable[Event]) -> Outcome:
        """Rebuild fusion and alarms after a fault; return what several sensors saw, cut short.

        Parameters
        ----------
        saved : the alarms' part of what `save` returned; None drops the open alarms
        events : reported since then, so that a cluster still counts them

        Raises
        ------
        ValueError
            Another version wrote `saved`.
        """
        self._reset_alarms()
        if saved is not None:
            self._policy.load(saved)
        for event in events:
            self._policy.observe(event, self._time.of(event), onset_s=self._time.onset_s(event))
        over = [] if self._fusion is None else [broken_off(event) for event in self._count.open]
        return self._tell(over, self._time.now(*self._time.host_ns)) if over else Outcome()

    def gather(self, reading: Reading, *, sensor: int = 0) -> list[Block]:
        """Take the next reading, for a later `look`; return its samples."""
        return self.watches[sensor].gather(reading)

    def tick(self, mono_ns: int, utc_ns: int) -> Outcome:
        """Advance time; return what follows from nothing having come."""
        for sensor in range(len(self.watches)):
            self.pass_time(mono_ns, utc_ns, sensor=sensor)
        alerts = self._policy.tick(self._time.now(mono_ns, utc_ns))
        seen = [(n, each) for n, watch in enumerate(self.watches) for each in watch.look()]
        return Outcome(tuple(alerts)) + self._hear(seen)

    def pass_time(self, mono_ns: int, utc_ns: int, *, sensor: int) -> None:
        """Advance time at one sensor, for a later `look`."""
        self.watches[sensor].tick(mono_ns, utc_ns)

    def end(self, mono_ns: int, utc_ns: int, *, sensor: int) -> None:
        """Close what is open at one sensor, for a later `look`: its recording is over."""
        self.watches[sensor].finish(mono_ns, utc_ns)
        self._order.end(sensor)

    def look(self, mono_ns: int, utc_ns: int) -> Outcome:
        """Return what the sensors showed since the last look, in the order in which it was known.

        With several sensors, the result of one waits until the others were analysed as far.
        """
        told = self._hear(self._order.look())
        # With several sensors, only what they showed determines how far all have come.
        return self._at_last(told, mono_ns, utc_ns) if self._order.settled else told

    def trouble(self, name: str, why: str | None, mono_ns: int, utc_ns: int) -> Outcome:
        """Take a condition of the monitoring, such as a full disk; over when `why` is None."""
        now = self._time.now(mono_ns, utc_ns)
        told = self._policy.condition(
            name, active=why is not None, since_ns=mono_ns, now=now, why=why or ""
        )
        return Outcome(tuple(told))

    def finish(self, mono_ns: int, utc_ns: int) -> Outcome:
        """Close what is open: the night is over, and no alert waits any more."""
        told = self._close(mono_ns, utc_ns)
        return told + Outcome(tuple(self._policy.finish(self._time.now(mono_ns, utc_ns))))

    def _close(self, mono_ns: int, utc_ns: int) -> Outcome:
        """Close what is open at each sensor."""
        if not self.samples:
            return Outcome()
        for sensor in self._order.running():
            self.end(mono_ns, utc_ns, sensor=sensor)
        told = self.look(mono_ns, utc_ns)
        lost = [said for watch in self.watches for said in self._lost(watch.label)]
        self._order.go_on()
        return told + self._tell(lost, self._time.now(mono_ns, utc_ns))

    def save(self) -> dict[str, Any]:
        """Return everything remembered, as JSON-able data with version and checksum.

        Commit it together with the output: then none is lost and none is published twice.
        """
        return sealed({
            "worn": to_plain(self._worn),
            "time": self._time.save(),
            "watches": [watch.save() for watch in self.watches],
            "fusion": None if self._fusion is None else self._fusion.save(),
            "policy": self._policy.save(),
            "conditions": self._conditions.save(),
            "count": self._count.save(),
            "own": self.own.save(),
        })  # fmt: skip

    def load(self, saved: Any) -> None:
        """Go on from what `save` returned, as if never interrupted; see `resume`.

        Raises
        ------
        ValueError
            It is damaged, of another version or of other recordings; the night is reset.
        """
        self.reset()
        known = SavedNight.of(saved)
        if known.worn != self._worn:
            raise ValueError("the saved night cannot be used: it is of other recordings")
        try:
            self._load(known.state)
        except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
            self.reset()
            raise ValueError(f"the saved night cannot be used: {error!r}") from error

    def resume(self, mono_ns: int, utc_ns: int, *, same_boot: bool | None = None) -> Outcome:
        """Go on after `load` where the process was not running meanwhile.

        What was open is reported as over and cut short: nothing runs across the gap. Readings
        that were recorded after the state was saved may be taken before this, in order.
        """
        self.shift_clocks(mono_ns, utc_ns, same_boot=same_boot)
        for watch in self.watches:
            watch.unlink()
        return self._close(mono_ns, utc_ns)

    def inherit(
        self, saved: Any, mono_ns: int, utc_ns: int, *, same_boot: bool | None = None
    ) -> Outcome:
        """Begin with what outlasts a recording: open alarms, batteries; open events are cut short.

        Raises
        ------
        ValueError
            It is damaged or of another version; the night is reset.
        """
        self.reset()
        known = SavedNight.of(saved)
        self._policy.load(known.state["policy"])
        self._time.load_before(known.state["time"])
        for worn, of_watch in zip(known.worn, known.state["watches"], strict=True):
            for watch in self.watches:
                if watch.worn.provenance.sensor == worn.provenance.sensor:
                    watch.inherit(of_watch)
        cut = [broken_off(from_dict(event)) for event in known.state["count"]["open"]]
        begun_s = [self._time.onset_s(event) for event in cut]
        self._time.begin_anew(mono_ns, self.shift_clocks(mono_ns, utc_ns, same_boot=same_boot))
        now = self._time.now(mono_ns, utc_ns)
        told: list[Event | Alert] = []
        for event, onset_s in zip(cut, begun_s, strict=True):
            told += [event, *self._policy.observe(event, now, onset_s=onset_s)]
        return Outcome((*told, *self._policy.tick(now)))

    def shift_clocks(self, mono_ns: int, utc_ns: int, *, same_boot: bool | None = None) -> int:
        """Move stamps of a monotonic clock that began anew or stood still since they were made.

        Return how long nobody was there, ns; `same_boot` as in `away_ns`.
        """
        away = away_ns(self._time.host_ns, (mono_ns, utc_ns), same_boot=same_boot)
        by_ns = mono_ns - self._time.host_ns[0] - away
        self._policy.shift_clock(by_ns)
        self._time.shift_clock(by_ns)
        self._conditions.shift_clock(by_ns)
        for watch in self.watches:
            watch.shift_clock(by_ns)
        return away

    def _reset_alarms(self) -> None:
        self._fusion = Fusion(dated=self._dated) if len(self._worn) > 1 else None
        first, whose = self._worn[0], self._worn[0].provenance
        self._policy = Policy(self._rules, wearer=first.wearer or whose.wearer, source=whose.source)

    def _load(self, state: dict[str, Any]) -> None:
        for watch, of_watch in zip(self.watches, state["watches"], strict=True):
            watch.load(of_watch)
        if self._fusion is not None:
            self._fusion.load(state["fusion"])
        self._policy.load(state["policy"])
        self._conditions.load(state["conditions"])
        self._count.load(state["count"])
        self.own.load(state.get("own", {}))  # younger than the first saved nights
        self._time.load(state["time"])

    def _hear(self, seen: Sequence[tuple[int, Observation]]) -> Outcome:
        """Take what sensors showed, in order: each thing at the time by which it was known."""
        heard = Outcome()
        for number, each in seen:
            said: list[Event] = []
            match each.what:
                case SensorCondition() as condition:
                    now = self._time.now(each.mono_ns, each.utc_ns)
                    heard += self._take_condition(self.watches[number], condition, now)
                case Event() as event:
                    self._time.reach(number, each.known_s or 0.0)
                    said = [event] if self._fusion is None else self._fusion.process(event)
                case LinkDown():
                    said = self._lost(self.watches[number].label)
                case None:
                    self._time.reach(number, each.known_s or 0.0)
            if said or (each.what is None and self._policy.waits):
                heard += self._tell(said, self._time.now(each.mono_ns, each.utc_ns))
        return heard

    def _lost(self, label: str) -> list[Event]:
        return [] if self._fusion is None else self._fusion.lost(label)

    def _at_last(self, told: Outcome, mono_ns: int, utc_ns: int) -> Outcome:
        """Advance time to where the samples were analysed."""
        self._time.reach_all()
        return told + Outcome(tuple(self._policy.tick(self._time.now(mono_ns, utc_ns))))

    def _take_condition(self, watch: SensorWatch, condition: SensorCondition, now: Now) -> Outcome:
        """Take a condition of one sensor: it holds for the wearer while it holds for any."""
        theirs = self._conditions.take(watch.label, condition, of=len(self.watches))
        alerts = self._policy.condition(
            theirs.name,
            active=theirs.why is not None,
            since_ns=theirs.since_ns,
            now=now,
            why=theirs.why or "",
        )
        return Outcome(tuple(alerts))

    def _tell(self, said: Sequence[Event], now: Now) -> Outcome:
        """Apply the wearer's minimums to an event, count it, and pass it to the rules."""
        told: list[Event | Alert] = [*self._policy.tick(now)]
        for event in map(worded, map(self.own.applied, said)):
            onset_s = self._time.onset_s(event)
            alerts = self._policy.observe(event, now, onset_s=onset_s)
            whole = with_unwoken(event, self._policy.unwoken(event))
            self._count.add(whole)
            told += [whole, *alerts]
        return Outcome(tuple(told))
