"""The running service: sources to night to log to channels, every part of it supervised."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import datetime
from functools import partial
from typing import Any

from detector.alerts.commands import CallForHelp, Command, CommandError
from detector.alerts.conditions import Condition
from detector.alerts.response import AlertResponse
from detector.alerts.withdrawn import apart
from detector.block import EPOCH, Block, utc_of
from detector.channels import Entry
from detector.devices.profile import ButtonPressed, Note, Refused
from detector.devices.stream import LinkDown, LinkUp, Reading
from detector.errors import LinkError, SpasmwatchError
from detector.events import Event
from detector.mqtt.contract import Availability
from detector.mqtt.publisher import Publisher
from detector.night.night import Night
from detector.night.outcome import Outcome
from detector.service.backlog import Backlog
from detector.service.checks.self_test import SELF_TEST, EveningTest
from detector.service.checks.troubles import TroubleCheck, Troubles
from detector.service.ending import flushed
from detector.service.live_night import TICK_S, LiveNight
from detector.service.persistence.archive import Archive
from detector.service.persistence.committer import Committer, Unlogged
from detector.service.persistence.recordings import Recordings
from detector.service.persistence.resumption import BOOT, ENDED
from detector.service.persistence.saving import Saving
from detector.service.presentation.answering import Answering
from detector.service.presentation.health import judge, snapshot, troubles_of
from detector.service.presentation.news import News, NightOver, Trouble, WatchedAgain
from detector.service.presentation.observers import Observers
from detector.service.presentation.pausing import Pausing
from detector.service.presentation.tally import ServiceTally
from detector.service.supervisor import Supervisor
from detector.service.tasks import Tasks
from detector.sources.clock import Clock, clock_boot
from detector.sources.source import Source
from detector.status import Snapshot, StateWord, Status
from detector.store.log import of_command, of_status
from detector.store.recording_writer import RecordingWriter

log = logging.getLogger(__name__)

WEARER = "wearer"  # who calls for help by the sensor's own button

CHECKPOINT_S = 60.0  # of the night's clock: what a restart must take in again from the recording

STARTING = Status(StateWord.NO_SIGNAL, why="just started, the sensor was not heard yet")


class ReaderError(SpasmwatchError):
    """A source that had been running cannot begin again now."""


class Service:
    """Watch one wearer until all sources have ended or `stop` is called.

    Parameters
    ----------
    sources : one for each of the night's watches
    recorders : one for each source; None where there is none
    clock : the night's clock; a simulated sensor that runs fast brings its own
    pace : night seconds per real second, for waiting
    tell, sound : called with every piece of news; must return at once
    tests : of the way that alarms take; None where there are none
    checks : asked on each tick whether their conditions hold
    committed, unlogged : take the entries of each commit, and those that the disk refused, at once
    watched : takes each sensor's samples by its label, for live views; must return at once
    troubles : what does not work from the start, raised as alarms
    told : output for the time before; a commit that is repeated makes no entry twice
    heard_until : when samples last came in an earlier process; None in a new night
    answering : with what people said to an earlier process

    Attributes
    ----------
    status : the state that is shown; `STARTING` until the night was judged
    ticks : how often the night was looked at: one more each second while nothing hangs
    ending : a person has stopped it, or all sources have ended
    """

    def __init__(
        self,
        *,
        sources: Sequence[Source],
        night: Night,
        archive: Archive,
        clock: Clock,
        tell: Callable[[News], None],
        recorders: Sequence[RecordingWriter | None] = (),
        publisher: Publisher | None = None,
        checks: Sequence[TroubleCheck] = (),
        committed: Callable[[Sequence[Entry]], None] | None = None,
        unlogged: Callable[[Sequence[Entry]], None] = lambda _entries: None,
        watched: Callable[[str, Sequence[Block]], None] | None = None,
        sound: Callable[[News], None] | None = None,
        tests: EveningTest | None = None,
        pace: float = 1.0,
        troubles: Sequence[Trouble] = (),
        told: Sequence[Outcome] = (),
        heard_until: datetime | None = None,
        answering: Answering | None = None,
    ) -> None:
        self._sources = tuple(sources)
        self._night = night
        self._archive, self._clock, self._boot = archive, clock, clock_boot(clock)
        self._publisher, self._unlogged = publisher, unlogged
        self._checks, self._tests, self._pace = tuple(checks), tests, pace
        self.status = STARTING
        self._since: datetime | None = None
        self._heard_until = heard_until
        self._samples_before = night.samples  # of earlier processes
        self._damage = archive.troubles  # found in the state so far, and told
        self._from_the_start = tuple(troubles)
        self._told_before = tuple(told)
        self._troubles = Troubles()
        self._answering = answering or Answering(AlertResponse(), Pausing())
        self._backlog = Backlog()
        self.ticks = 0
        self.tally = ServiceTally()
        self._faults: list[str] = []  # sentences of failures that are not announced yet
        self.ending, self._said = False, EPOCH  # when somebody said something last
        self._ended = False
        self._supervisor = Supervisor(
            mono_s=lambda: clock.mono_ns() / 1e9,
            sleep=lambda seconds: asyncio.sleep(seconds / pace),
            announce=self.failed,
        )
        self._observers = Observers(self._supervisor, screen=tell, sound=sound)
        self._recordings = Recordings(
            [watch.label for watch in night.watches], recorders, self._supervisor, self._trouble
        )
        self._saving = Saving(
            night,
            clock,
            self._supervisor,
            rows=self._recordings.kept,
            beside=self._beside,
        )
        self._live = LiveNight(night, self._supervisor, self._last_committed, watched)
        self._committer = Committer(
            archive,
            utc_now=lambda: utc_of(clock.utc_ns()),
            saved=self._saving.save,
            committed=committed or (lambda _entries: None),
            uncommitted=self._tell_uncommitted,
            trouble=self._trouble,
        )

    async def run(self) -> None:
        """Watch until all sources have ended; then commit all and, if possible, publish it.

        Raises
        ------
        LinkError
            A source does not wait for its radio.
        PartLostError
            A part cannot be kept alive: start the service again.
        """
        for told in self._told_before:
            self._hear(told)
        for name in troubles_of(self._night):  # of an earlier process: this one finds its own
            if all(trouble.name != name for trouble in self._from_the_start):
                self._hear(self._live.trouble(name, None, *self._now()))
        for trouble in self._from_the_start:
            self._trouble(trouble.name, trouble.why)
        self._committer.checkpoint()
        async with AsyncExitStack() as stack:
            stack.callback(self._recordings.close)  # whatever the way out, and last
            stack.push_async_callback(self._close_sources)
            tasks = await stack.enter_async_context(Tasks())
            keep = self._supervisor.keep
            tasks.start(keep("tick", self._tick_forever))
            tasks.start(keep("committer", self._committer.run))
            if self._publisher is not None:
                tasks.start(keep("mqtt", self._publisher.run))
            readers = [
                tasks.start(keep(f"reader of {w.label}", partial(self._read, n), fatal=LinkError))
                for n, w in enumerate(self._night.watches)
            ]
            try:
                await tasks.until_done(readers)
            except LinkError:  # nothing was watched: the next start has nothing to go on with
                await self._end()
                raise
            await self._end()

    @property
    def recording_failed(self) -> bool:
        """Whether the disk did not take some of the night."""
        begun_with = [trouble.name for trouble in self._from_the_start]
        return self._recordings.failed or Condition.RECORDING in begun_with

    @property
    def losses(self) -> Mapping[str, int]:
        """Return what was dropped, by the names of `mqtt.payloads.COUNTS`."""
        return {
            "readings_dropped": sum(source.status.dropped for source in self._sources),
            "commits_dropped": self._committer.dropped,
            "entries_dropped": self._archive.dropped,
        }

    @property
    def uncommitted_events(self) -> tuple[Event, ...]:
        """Events that the disk has not taken, or gave up."""
        return (*self._committer.dropped_events, *self._committer.waiting_events)

    @property
    def now(self) -> Snapshot:
        """What a screen shows of the night."""
        so = snapshot(self._night, self.status, self._since)
        return self._answering.shown(so, self._clock.mono_ns())

    async def stop(self) -> None:
        """End the night on a person's wish: the sources close, then `run` returns."""
        self.ending = True
        if self._publisher is not None:
            self._publisher.closing_availability = Availability.STOPPED
        await self._close_sources()

    def obey(self, command: Command) -> None:
        """Do what a person says, and log it; other screens learn of it from the log.

        Raises
        ------
        CommandError
            It cannot be obeyed; one sentence says why. Nothing has changed.
        """
        whose, at = self._night.worn[0].provenance, apart(utc_of(self._clock.utc_ns()), self._said)
        told = self._answering.obey(command, *self._now())
        self._said, entry = at, of_command(command, at=at, whose=whose.wearer, source=whose.source)
        self._committer.add(Outcome(), entries=[entry])
        self._observers.tell(command)
        self._hear(Outcome(tuple(told)))
        self._show()

    async def _end(self) -> None:
        """Bring the night to its end, and what it told to disk and broker."""
        self.ending = True
        self._observers.tell(NightOver())
        self._hear(self._live.finish(*self._now()))
        self._ended = True
        self._committer.checkpoint()
        flush = partial(flushed, self._archive, self._committer, self._publisher)
        await self._supervisor.attempt("committer", flush)

    async def _close_sources(self) -> None:
        """Close the sources: they stop the sensors' streams and disconnect."""
        await asyncio.gather(*(source.close() for source in self._sources), return_exceptions=True)

    async def _read(self, sensor: int) -> None:
        try:
            async for reading in self._sources[sensor].readings():
                self._take(sensor, reading)
        except LinkError as error:
            if not self._night.samples:
                raise  # its source does not wait: nothing can be watched
            raise ReaderError(str(error)) from error

    def _take(self, sensor: int, reading: Reading) -> None:
        self._recordings.write(sensor, reading.item)
        self.tally.take(reading)
        if isinstance(reading.item, (LinkUp, LinkDown)):
            self._observers.tell(reading.item)
        remark = self._sources[sensor].status.remark
        if remark and isinstance(reading.item, LinkUp):
            self._observers.tell(Note(remark))
        for output in reading.outputs:
            if isinstance(output, (Note, Refused)):
                self._observers.tell(output)
            elif isinstance(output, ButtonPressed):
                with suppress(CommandError):  # calls for help are off
                    self.obey(CallForHelp(by=WEARER))
        for told in self._live.take(reading, sensor=sensor):
            self._hear(told)
        self._announce_faults()

    async def _tick_forever(self) -> None:
        while True:
            self._tick()
            await asyncio.sleep(TICK_S / self._pace)

    def _tick(self) -> None:
        if not self.ending:  # what does not come any more is no silence
            for told in [] if self._backlog.tick() else self._live.tick_if_due(*self._now()):
                self._hear(told)
            self._check()
            self._test_alarm()
            self._remind()
        self._recordings.commit()
        self._announce_faults()
        self._announce_damage()
        if self._clock.mono_ns() - self._saving.at_ns >= CHECKPOINT_S * 1e9:
            self._committer.checkpoint()
        self._committer.retry()
        self._show()
        self.ticks += 1

    def failed(self, name: str, why: str) -> None:
        """Take a part that failed and is started again, to announce it."""
        self.tally.failed(name)
        self._faults.append(why)

    def _check(self) -> None:
        for check in self._checks:  # one that raises keeps neither the others nor the tick from it
            part = f"check {type(check).__name__}"
            for name, why in (self._supervisor.call(part, check.troubles) or {}).items():
                self._trouble(name, why)

    def _test_alarm(self) -> None:
        """Say that a test of the alarm begins, or what became of it."""
        if self._tests is not None:
            paused = self._answering.pausing.lasts(self._clock.mono_ns())
            alerts = self._supervisor.call(SELF_TEST, partial(self._tests.alerts, paused=paused))
            self._hear(Outcome(alerts or ()))

    def _remind(self) -> None:
        """Tell alerts again, or to more people, that are still open and that nobody answers."""
        due = self._answering.tick(self._night.open_alerts, *self._now(), self._troubles.absent)
        self._hear(Outcome(tuple(due)))

    def _announce_faults(self) -> None:
        """Raise the alarm that a part failed, and resolve it once all have worked for a while."""
        faults, self._faults = self._faults, []
        if faults:
            log.warning("; ".join(faults))
            self._trouble(Condition.INTERNAL_FAULT, faults[-1])
        elif Condition.INTERNAL_FAULT in self._troubles:
            self._trouble(Condition.INTERNAL_FAULT, None)

    def _announce_damage(self) -> None:
        """Raise the alarm that something in the state cannot be read: it is set aside."""
        damage, self._damage = self._damage, self._archive.troubles
        for found in [each for each in self._damage if each not in damage]:
            self._trouble(Condition.STATE, found)

    def _hear(self, told: Outcome) -> None:
        """Pass output to the committer, which publishes it, and show it to observers at once."""
        if told:
            told = self._answering.hear(told, self._clock.mono_ns())
            self.tally.hear(told)
            self._committer.add(told)
            self._observers.tell(told)
            self._show()

    def _last_committed(self) -> tuple[dict[str, Any] | None, Sequence[Event]]:
        return self._saving.alarms, self._committer.waiting_events

    def _beside(self) -> dict[str, Any]:
        """Return what is saved beside the night."""
        answers = self._answering.save(self._night.monitored_s)
        beside = {ENDED: self._ended, BOOT: self._boot} | answers
        tests = self._tests and self._supervisor.call(SELF_TEST, self._tests.save)
        return beside | ({SELF_TEST: tests} if tests else {})

    async def _tell_uncommitted(self, fresh: Sequence[Unlogged]) -> None:
        at = utc_of(self._clock.utc_ns())
        entries = [entry for each in fresh for entry in each.unnumbered(at)]
        self._unlogged(entries)
        if self._publisher is not None:
            await self._publisher.tell(entries)

    def _trouble(self, name: Condition, why: str | None) -> None:
        """Announce once that something does not work, and once that it works again."""
        if self._troubles.note(name, why, self._clock.mono_ns()):
            self._hear(self._live.trouble(name, why, *self._now()))
            self._observers.tell(Trouble(name, why))

    def _show(self) -> None:
        """Publish the present state, unless samples wait that would tell."""
        if self._backlog.waits:
            return
        heard = self._night.samples > self._samples_before
        if heard and self._heard_until is not None:
            self._observers.tell(WatchedAgain(self._heard_until, utc_of(self._clock.utc_ns())))
            self._heard_until = None
        so = judge(self._night, self._sources, self._clock.mono_ns(), heard=heard)
        status = self._answering.status(so, *self._now())
        if status != self.status and not self.ending:
            self.status = status
            self._observers.tell(status)
            whose, at = self._night.worn[0].provenance, utc_of(self._clock.utc_ns())
            entry = of_status(status, wearer=whose.wearer or "", source=whose.source, at=at)
            self._committer.add(Outcome(), entries=[entry])
        if self._night.samples and self._since is None:
            self._since = utc_of(self._clock.utc_ns())
        if self._publisher is not None:
            self._publisher.show(self.now)

    def _now(self) -> tuple[int, int]:
        return self._clock.mono_ns(), self._clock.utc_ns()
