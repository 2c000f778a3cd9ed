"""The composition root: source to night to store to world, and a watch over all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from detector.block import EPOCH
from detector.channels import Entry
from detector.devices.profile import Note, Refused
from detector.devices.stream import Item, LinkDown, LinkUp
from detector.mqtt.contract import Availability
from detector.mqtt.publisher import Publisher
from detector.night.night import Night, Told
from detector.service.archive import Archive
from detector.sources.clock import Clock
from detector.sources.source import Source
from detector.status import Snapshot, StateWord, Status
from detector.store.log import of_alert, of_event
from detector.store.recording import RecordingWriteError, RecordingWriter
from detector.store.state import StateError

MQTT = "mqtt"  # the publisher's channel of the log
TICK_S = 1.0  # of the night's clock: a quarter of what a person notices, a tenth of SILENT_S
RESTART_S = 1.0  # a part that falls over at once does not take a core with it
FLUSH_S = 5.0  # at the end: what is not delivered by then is told at the next start
MOST_WAITING = 10_000  # a week without a disk; they were told, so the oldest may go
CALM_S = 60.0  # of the night's clock: trouble that comes and goes is one trouble
BROKER_PATIENCE_S = 10.0  # a restart takes 3 s; beyond it somebody should look

STARTING = Status(StateWord.NO_SIGNAL, why="just started, the sensor was not heard yet")


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something in the house does not work, or (`why` None) works again."""

    name: str
    why: str | None


News = Told | Status | LinkUp | LinkDown | Note | Refused | Trouble
"""What an observer is told, in the order it happens."""


class Service:
    """Watches one wearer until all sources have ended or `stop` is called.

    Parameters
    ----------
    sources : one for each of the night's watches
    recorders : one for each source; None where there is none
    clock : the night's clock; a simulated sensor that runs fast brings its own
    pace : night seconds per real second, for waiting
    tell : called with every piece of news; must return at once and never raise
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
        pace: float = 1.0,
    ) -> None:
        self._sources = tuple(sources)
        self._night = night
        self._archive = archive
        self._clock = clock
        self._tell = tell
        self._recorders = tuple(recorders)
        self._publisher = publisher
        self._pace = pace
        self._status = STARTING
        self._since: datetime | None = None
        self._waiting: list[Told] = []  # what the disk has not taken yet, oldest first
        self._told_anyway = 0  # of those, how many the world was told of without them being kept
        self._more = asyncio.Event()
        self._kept: set[str] = set()  # parts that fell over and were set up again
        self._troubles: dict[str, int] = {}  # by name, when it was last so, mono ns

    async def run(self) -> None:
        """Watch. Returns when all sources have ended, and all is committed and, if it can, told.

        Raises
        ------
        LinkError
            There is no adapter to begin with.
        """
        keepers = {"tick": self._tick_forever, "commit": self._commit_forever}
        if self._publisher is not None:
            keepers["publisher"] = self._publisher.run
        background = [asyncio.create_task(self._keep(*keeper)) for keeper in keepers.items()]
        readings = [
            asyncio.create_task(self._read(sensor), name=f"read {sensor}")
            for sensor in range(len(self._sources))
        ]
        try:
            await asyncio.gather(*readings)
            self._hear(self._night.finish(*self._now()))
            await self._attempt("commit", self._flush)
        finally:
            for task in (*readings, *reversed(background)):
                await _end(task)

    async def _keep(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Supervise: a part that falls over is announced and set up again; the watching goes on."""
        me = asyncio.current_task()
        # A task group that fails while it is cancelled tells its failure, not the cancelling.
        while me is None or not me.cancelling():
            await self._attempt(name, work)
            await asyncio.sleep(RESTART_S / self._pace)

    async def _attempt(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception as error:  # a fault of ours, of any kind, must not end the night
            self._kept.add(name)
            self._trouble(name, f"{name} failed ({error!r}) and is started again")

    async def stop(self) -> None:
        """End the night on a person's wish: the sources say goodbye, then `run` returns."""
        if self._publisher is not None:
            self._publisher.farewell = Availability.STOPPED
        await asyncio.gather(*(source.close() for source in self._sources))

    async def _read(self, sensor: int) -> None:
        async for reading in self._sources[sensor].readings():
            self._record(sensor, reading.item)
            if isinstance(reading.item, (LinkUp, LinkDown)):
                self._tell(reading.item)
            for output in reading.outputs:
                if isinstance(output, (Note, Refused)):
                    self._tell(output)
            self._hear(self._night.take(reading, sensor=sensor))

    async def _tick_forever(self) -> None:
        while True:
            self._tick()
            await asyncio.sleep(TICK_S / self._pace)

    def _tick(self) -> None:
        self._hear(self._night.tick(*self._now()))
        self._commit_recordings()
        link = None if self._publisher is None else self._publisher.link.state
        if link is not None:
            dark_s = 0.0 if link.connected else asyncio.get_running_loop().time() - link.since_s
            self._trouble("broker", link.last_error if dark_s > BROKER_PATIENCE_S else None)
        for name in self._kept:
            self._trouble(name, None)
        if self._waiting:
            self._more.set()
        self._show()

    def _record(self, sensor: int, item: Item) -> None:
        """Keep it, if the disk takes it: the recording may fail, alarms may not."""
        recorder = self._recorders[sensor] if self._recorders else None
        if recorder is not None:
            try:
                recorder.write(item)
            except RecordingWriteError as error:
                self._trouble("recording", str(error))

    def _commit_recordings(self) -> None:
        for recorder in filter(None, self._recorders):
            kept = recorder.kept
            try:
                recorder.commit()
            except RecordingWriteError as error:
                self._trouble("recording", str(error))
            else:
                if recorder.kept > kept:  # nothing written proves nothing
                    self._trouble("recording", None)

    def _hear(self, told: Told) -> None:
        """Tell the house at once, and hand it to the committer: the world hears after the disk."""
        if told:
            self._tell(told)
            self._waiting.append(told)
            self._more.set()
            self._show()

    async def _commit_forever(self) -> None:
        """Commit, then tell. What the disk refuses is kept and tried again with the next tick."""
        while True:
            await self._more.wait()
            self._more.clear()
            batch = list(self._waiting)
            try:
                await self._archive.commit(
                    at=_utc(self._clock),
                    events=[event for told in batch for event in told.events],
                    alerts=[alert for told in batch for alert in told.alerts],
                    saved={"policy": self._night.save_policy()},
                )
            except StateError as error:
                self._trouble("disk", str(error))
                await self._tell_uncommitted(batch)
                continue
            del self._waiting[: len(batch)]
            self._told_anyway = max(0, self._told_anyway - len(batch))
            self._trouble("disk", None)
            if self._publisher is not None:
                self._publisher.wake()

    async def _tell_uncommitted(self, batch: list[Told]) -> None:
        """Tell the world what the disk refuses: an alarm that nobody keeps is still an alarm.

        Once the disk takes it, it is told again; receivers know it by its id.
        """
        fresh, self._told_anyway = batch[self._told_anyway :], len(batch)
        if self._publisher is not None:
            now = _utc(self._clock)
            await self._publisher.tell([one for told in fresh for one in _unlogged(told, now)])
        excess = len(self._waiting) - MOST_WAITING
        if excess > 0:
            del self._waiting[:excess]
            self._told_anyway -= excess

    def _trouble(self, name: str, why: str | None) -> None:
        """Announce once that something does not work, and once that it has worked for a while."""
        now_ns = self._clock.mono_ns()
        known = name in self._troubles
        if why is not None:
            self._troubles[name] = now_ns
        elif known and now_ns - self._troubles[name] >= CALM_S * 1e9:
            del self._troubles[name]
        if known != (name in self._troubles):
            self._tell(Trouble(name, why))
            self._hear(self._night.trouble(name, why, *self._now()))

    def _show(self) -> None:
        """Say which of the four states is true."""
        status = self._judge()
        if status != self._status:
            self._status = status
            self._tell(status)
        if self._night.samples and self._since is None:
            self._since = _utc(self._clock)
        if self._publisher is not None:
            self._publisher.show(
                Snapshot(
                    status=status,
                    open_alerts=self._night.open_alerts,
                    since=self._since,
                    counts=dict(self._night.counts),
                    monitored_s=round(self._night.monitored_s, 1),
                )
            )

    def _judge(self) -> Status:
        mono_ns = self._clock.mono_ns()
        silent = self._night.silence(mono_ns)
        if silent is not None:
            why = self._sources[0].status.why if len(self._sources) == 1 else ""
            return Status(StateWord.NO_SIGNAL, why=why or silent)
        spasm = self._night.spasm
        if spasm is not None:
            return Status(StateWord.SPASM, why=spasm.reason, kind=spasm.kind)
        if self._night.blind is not None:
            return Status(StateWord.NO_SIGNAL, why=self._night.blind)
        return Status(
            StateWord.WATCHING, why=self._night.partly_silent(mono_ns) or self._night.doubt
        )

    async def _flush(self) -> None:
        """Return disk and broker a moment: the night's last word should arrive tonight."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + FLUSH_S
        while loop.time() < until_s:
            posted = self._publisher is None or not await self._archive.log_of(MQTT).depth()
            if posted and not self._waiting:
                return
            await asyncio.sleep(0.02)

    def _now(self) -> tuple[int, int]:
        return self._clock.mono_ns(), self._clock.utc_ns()


def _unlogged(told: Told, now: datetime) -> list[Entry]:
    """Return the entries that the log would have had, but for a number."""
    drafts = [*map(of_event, told.events), *map(of_alert, told.alerts)]
    return [draft.entry(0, now) for draft in drafts]


async def _end(task: asyncio.Task[None]) -> None:
    """Cancel and wait; its own error, if it had one, was told before."""
    task.cancel()
    await asyncio.wait({task})


def _utc(clock: Clock) -> datetime:
    return EPOCH + timedelta(microseconds=clock.utc_ns() // 1000)
