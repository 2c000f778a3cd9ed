"""One sensor of a wearer: readings in; its events and conditions out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from detector.alerts.conditions import Condition
from detector.block import AXES, Block, Edge, Timebase
from detector.devices.profile import Battery, Refused, Started, Stopped
from detector.devices.stream import LinkDown, LinkUp, Reading
from detector.dsp.quality import DOUBTFUL, Cause, Quality
from detector.events import Event, Kind, Phase, broken_off, from_dict, is_taken_back, to_dict
from detector.night.liveness import NO_SAMPLES_KEPT, NOT_HEARD, Liveness
from detector.night.observation import (
    Arrival,
    Follower,
    Observation,
    SensorCondition,
    WornSensor,
    when,
)
from detector.night.technical import Technical
from detector.recognition.events.stamp import stamp
from detector.recognition.pipeline import KnownEvent, Watcher, analysed_s
from detector.timing.sample_clock import SampleClock


class SensorWatch:
    """Find the events in one sensor's samples, and the conditions that spoil them.

    `gather` takes readings, `look` returns what they show: after every reading live, after
    minutes of a recording. The results, and the times at which they were known, are the same.

    Parameters
    ----------
    dated : whether the items' wall clock means anything; a foreign file may have none
    follower : instead of a `Watcher` of its own

    Attributes
    ----------
    analysed_s : how far the samples were analysed, from the first
    samples : that were gathered
    gap_count, longest_gap_s : between samples, so far
    session, address : of the latest connection; 0 and None before the first
    zero_ns : when sample 0 was measured, by the host's monotonic clock as far as packets tell;
        None before. It places what has no wall clock
    """

    def __init__(
        self, worn: WornSensor, *, dated: bool = True, follower: Follower | None = None
    ) -> None:
        self.worn = worn
        self._dated = dated
        self.clock = SampleClock()
        self._watcher = self._new_watcher() if follower is None else follower
        self._open: dict[str, Event] = {}  # announced and not yet over
        self._stretch: Edge | None = None  # where the samples end that were gathered
        self.gap_count = 0
        self.longest_gap_s = 0.0
        self.session = 0
        self.address: str | None = None
        self.zero_ns: int | None = None
        self._file_timebase: Timebase | None = None  # of samples that have their index already
        self._waiting: list[Arrival] = []
        self._last: Arrival | None = None
        self._begun = 0  # index of the first sample behind the latest gap
        self._seen: list[Observation] = []
        self._quality: Quality | None = None  # before the first sample
        self._range_g: float | None = None
        self._live = Liveness()
        self._technical = Technical()
        self.analysed_s = 0.0
        self.samples = 0

    @property
    def label(self) -> str:
        """Name of the sensor in events."""
        return self.worn.name or self.worn.provenance.sensor or "sensor"

    @property
    def timebase(self) -> Timebase | None:
        """Where sample 0 lies in UTC, as it is known now; None before the first."""
        timebase = self._file_timebase or self.clock.timebase
        return timebase if timebase is None or self._dated else Timebase(timebase.fs)

    @property
    def monitored_s(self) -> float:
        """How much was really watched: samples received, not time passed."""
        timebase = self.timebase
        return 0.0 if timebase is None else self.samples / timebase.fs

    @property
    def battery_percent(self) -> int | None:
        """Charge as the sensor last reported it."""
        return self._technical.charge.percent

    def battery_lasts_s(self, mono_ns: int) -> float | None:
        """Seconds until the sensor is empty; None before that can be estimated."""
        return self._technical.charge.lasts_s(mono_ns)

    @property
    def blind(self) -> str | None:
        """Reason in words that the samples show nothing of the wearer; None while they may."""
        conditions = () if self._quality is None else self._quality.active
        return next((c.reason for c in conditions if c.cause not in DOUBTFUL), None)

    def data_age_s(self, mono_ns: int) -> float | None:
        """Return the seconds since samples last came; None if they never did."""
        return self._live.age_s(mono_ns)

    def silence(self, mono_ns: int) -> str | None:
        """Return in words why there is no signal; None while samples come."""
        return self._live.silence(mono_ns)

    @property
    def looked_ns(self) -> int | None:
        """Host's monotonic time up to which all is reported; None before samples came."""
        if self._last is None:
            return None
        return self._last.when(self.analysed_s)[0]

    @property
    def behind_s(self) -> float:
        """Seconds of samples that were gathered since the latest gap and are not analysed."""
        if self._stretch is None:
            return 0.0
        stop, fs = self._stretch
        return max(0.0, stop / fs - max(self._begun / fs, self.analysed_s))

    def gather(self, reading: Reading) -> list[Block]:
        """Take the sensor's next reading; return its samples, placed in time."""
        item = reading.item
        self._live.take(item)
        if isinstance(item, LinkUp):
            self.session, self.address = item.session, item.address
            self._technical.linked(item.driver, item.mono_ns)
        for output in reading.outputs:
            match output:
                case Started():
                    self._range_g = output.range_g
                case Battery():
                    known = self._technical.told_level(output.percent, item.mono_ns)
                    self._seen.append(Observation(known, item.mono_ns, item.utc_ns))
                case Stopped() | Refused():
                    self._live.explain(output.reason)
                case Timebase():
                    self._live.explain(NO_SAMPLES_KEPT)
                    self._file_timebase = output
                case Block() if self._file_timebase is None and len(output):
                    self._live.explain(NO_SAMPLES_KEPT)
                    epoch_ns = item.utc_ns - round(output.stop / output.fs * 1e9)
                    self._file_timebase = Timebase(output.fs, epoch_ns)
        arrivals = [
            Arrival(block, item.mono_ns, item.utc_ns, of_file=False)
            for block in self.clock.take(reading)
        ] + [
            Arrival(block, item.mono_ns, item.utc_ns, of_file=True)
            for block in reading.outputs
            if isinstance(block, Block) and len(block)
        ]
        for arrival in arrivals:
            if self.zero_ns is None:
                self.zero_ns = item.mono_ns - round(arrival.block.stop / arrival.block.fs * 1e9)
            if self._live.silent:
                begun = arrival.when(arrival.block.start / arrival.block.fs)
                self._seen.append(
                    Observation(SensorCondition(Condition.NO_SIGNAL, None, begun[0]), *begun)
                )
                self._live.silent = False
            self._count_gap(arrival.block)
            self.samples += len(arrival.block)
            self._live.last_ns = item.mono_ns
            for known in self._technical.came(arrival.block, item.mono_ns):
                at_ns = known.since_ns if arrival.of_file else item.mono_ns
                utc_ns = item.utc_ns - (item.mono_ns - at_ns)
                self._seen.append(Observation(replace(known, since_ns=at_ns), at_ns, utc_ns))
        self._waiting += arrivals
        if isinstance(item, LinkDown):
            self._watch_waiting()
            self._seen.append(Observation(item, item.mono_ns, item.utc_ns))
        return [arrival.block for arrival in arrivals]

    def look(self) -> list[Observation]:
        """Analyse the samples that were gathered; return what they show, as it became known."""
        self._watch_waiting()
        seen, self._seen = self._seen, []
        return seen

    def tick(self, mono_ns: int, utc_ns: int) -> None:
        """Advance time; notice that nothing has come."""
        conditions = self._live.tick(mono_ns)
        conditions += self._technical.tick(self.clock, mono_ns)
        if self._quality is not None and self._quality.settled and not self._waiting:
            # Conditions from before a restart that no longer hold.
            so = {condition.cause for condition in self._quality.active}
            conditions += [
                SensorCondition(Condition(cause), None, mono_ns)
                for cause in Cause
                if cause not in so
            ]
        self._seen += [Observation(condition, mono_ns, utc_ns) for condition in conditions]

    def finish(self, mono_ns: int, utc_ns: int) -> None:
        """Close what is open: the night is over, or its recording."""
        self._watch_waiting()
        timebase = self.timebase
        if timebase is None:
            return
        end = Arrival(Block(np.empty((0, AXES)), 0, timebase.fs), mono_ns, utc_ns, of_file=False)
        is_file = self._last is not None and self._last.of_file
        self._tell(self._watcher.close(), [self._last if self._last and is_file else end])

    def start_again(self, why: str, mono_ns: int, utc_ns: int) -> list[Observation]:
        """Clear the state that led to a fault; return what was open, as over and cut short.

        The sample clock goes on, so that no index is used twice. `why` explains the silence.
        """
        self._watcher = self._new_watcher()
        self._quality = None
        self._waiting, self._seen = [], []
        self._live.fail(why)
        over = [
            broken_off(event) for event in self._open.values() if event.kind is not Kind.MOVEMENT
        ]
        self._open.clear()
        return [Observation(event, mono_ns, utc_ns, self.analysed_s) for event in over]

    def shift_clock(self, by_ns: int) -> None:
        """Move stamps of the monotonic clock, which began anew; the sample clock moves its own.

        It has to find that out by itself, because a recording does not report it.
        """
        self._live.shift_clock(by_ns)
        self._technical.shift_clock(by_ns)

    def unlink(self) -> None:
        """Note that another process had the link: nothing is heard yet."""
        self._live.explain(NOT_HEARD)

    def inherit(self, state: dict[str, Any]) -> None:
        """Take over from the state of an earlier recording what belongs to the sensor itself."""
        self._technical.inherit(state)

    def save(self) -> dict[str, Any]:
        """Return the state as plain data; nothing may wait to be looked at."""
        assert isinstance(self._watcher, Watcher)  # noqa: S101 - only recordings have others
        return {
            "clock": self.clock.save(),
            "watcher": self._watcher.save(),
            "quality": None if self._quality is None else self._quality.save(),
            "open": [to_dict(event) for event in self._open.values()],
            "stretch": None if self._stretch is None else list(self._stretch),
            "zero_ns": self.zero_ns,
            **self._live.save(),
            **self._technical.save(),
            **{name: getattr(self, name) for name in _NUMBERS},
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        assert isinstance(self._watcher, Watcher)  # noqa: S101 - only recordings have others
        self.clock.load(state["clock"])
        self._watcher.load(state["watcher"])
        self._quality = None
        if state["quality"] is not None:
            self._quality = Quality.of(state["quality"])
        self._live.load(state)
        self._technical.load(state)
        self._open = {event.id: event for event in map(from_dict, state["open"])}
        stretch = state["stretch"]
        self._stretch = None if stretch is None else (stretch[0], stretch[1])
        self.zero_ns = state.get("zero_ns")  # younger than the first saved nights
        for name in _NUMBERS:
            setattr(self, name, state[name])

    def _new_watcher(self) -> Follower:
        return Watcher(site=self.worn.site, model=self.worn.provenance.model)

    def _count_gap(self, block: Block) -> None:
        if self._stretch is not None and block.after_gap(self._stretch):
            missing = block.start - self._stretch[0]
            self.gap_count += 1
            self.longest_gap_s = max(self.longest_gap_s, missing / block.fs)
        self._stretch = block.edge

    def _watch_waiting(self) -> None:
        """Analyse what waits, as few blocks: each what lies between two gaps."""
        waiting, self._waiting = self._waiting, []
        run: list[Arrival] = []
        edge: Edge | None = None
        for arrival in waiting:
            if arrival.block.after_gap(edge):
                self._watch(run)
                run = []
            run.append(arrival)
            edge = arrival.block.edge
        if run:
            self._watch(run)

    def _watch(self, run: list[Arrival]) -> None:
        """Analyse samples that follow each other."""
        block = run[0].block
        if len(run) > 1:
            samples = np.concatenate([arrival.block.samples for arrival in run])
            block = Block(samples, block.start, block.fs)
        if self._quality is None:
            self._quality = Quality(block.fs, self._range_g)
        for condition in self._quality.process(block):
            mono_ns, utc_ns = when(run, condition.known_s)
            why = condition.reason if condition.end_s is None else None
            self._seen.append(
                Observation(
                    SensorCondition(Condition(condition.cause), why, mono_ns), mono_ns, utc_ns
                )
            )
        if self._last is None or block.after_gap(self._last.block.edge):
            self._begun = block.start
        self._last = run[-1]
        self._tell(self._watcher.follow(block), run)
        self._mark(run)
        reached_s = self._watcher.reached_s
        self.analysed_s = self.analysed_s if reached_s is None else reached_s

    def _mark(self, run: list[Arrival]) -> None:
        """Tell how far samples were analysed when each packet had come."""
        for arrival in run:
            fs = arrival.block.fs
            for stop in arrival.stops():
                known_s = analysed_s(stop, fs, begun=self._begun)
                if known_s is not None:
                    self._seen.append(Observation(None, *arrival.when(stop / fs), known_s))

    def _tell(self, told: list[KnownEvent], run: list[Arrival]) -> None:
        """Keep what was found for the next look."""
        timebase = self.timebase
        assert timebase is not None  # noqa: S101 - there were samples
        for said in told:
            event = self._stamped(said.event, timebase)
            if event.phase is Phase.END or is_taken_back(event):
                self._open.pop(event.id, None)
            else:
                self._open[event.id] = event
            self._seen.append(Observation(event, *when(run, said.known_s), said.known_s))

    def _stamped(self, event: Event, timebase: Timebase) -> Event:
        event = stamp(event, self.worn.provenance, timebase)
        if self.worn.name is None:
            return event
        return replace(event, sensor=self.worn.name, wearer=self.worn.wearer)


_NUMBERS = (
    "_range_g", "analysed_s", "samples", "gap_count", "longest_gap_s", "session", "address",
)  # fmt: skip
