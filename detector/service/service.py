"""The composition root: source to night to store to world, and a watch over all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from detector.block import EPOCH
from detector.devices.profile import Note, Refused
from detector.devices.stream import LinkDown, LinkUp, Reading
from detector.mqtt.contract import Snapshot, Status, Watch
from detector.mqtt.publisher import Publisher
from detector.service.archive import Archive
from detector.service.night import Night, Told
from detector.sources.ble import LinkStatus
from detector.sources.clock import Clock
from detector.store.recording import RecordingWriteError, RecordingWriter
from detector.store.state import StateError

TICK_S = 1.0  # of the night's clock: a quarter of what a person notices, a tenth of SILENT_S
FLUSH_S = 5.0  # at the end: an outbox that is not empty by then is told at the next start
BROKER_PATIENCE_S = 10.0  # a restart takes 3 s; beyond it somebody should look

STARTING = Status(Watch.NO_SIGNAL, why="just started, the sensor was not heard yet")


class Source(Protocol):
    """Where readings come from: a sensor, or a recording of one."""

    def readings(self) -> AsyncIterator[Reading]:
        """Yield readings until closed, or until a recording ends."""
        ...

    async def close(self) -> None:
        """End, politely."""
        ...

    @property
    def status(self) -> LinkStatus:
        """How the link does."""
        ...


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something in the house does not work, or (`why` None) works again."""

    name: str
    why: str | None


News = Told | Status | LinkUp | LinkDown | Note | Refused | Trouble
"""What an observer is told, in the order it happens."""


class Service:
    """Watches one wearer until the source ends or `stop` is called.

    Parameters
    ----------
    clock : the night's clock; a simulated sensor that runs fast brings its own
    pace : night seconds per real second, for waiting
    tell : called with every piece of news; must return at once and never raise
    """

    def __init__(
        self,
        *,
        source: Source,
        night: Night,
        archive: Archive,
        clock: Clock,
        tell: Callable[[News], None],
        recorder: RecordingWriter | None = None,
        publisher: Publisher | None = None,
        pace: float = 1.0,
    ) -> None:
        self._source = source
        self._night = night
        self._archive = archive
        self._clock = clock
        self._tell = tell
        self._recorder = recorder
        self._publisher = publisher
        self._pace = pace
        self._status = STARTING
        self._since: datetime | None = None
        self._waiting: list[Told] = []  # what the disk has not taken yet, oldest first
        self._more = asyncio.Event()
        self._troubles: dict[str, str] = {}

    async def run(self) -> None:
        """Watch. Returns when the source has ended, everything is committed and, if it can, told.

        Raises
        ------
        LinkError
            There is no adapter to begin with.
        """
        background = [
            asyncio.create_task(self._tick_forever(), name="tick"),
            asyncio.create_task(self._commit_forever(), name="commit"),
        ]
        if self._publisher is not None:
            background.append(asyncio.create_task(self._publisher.run(), name="publisher"))
        reading = asyncio.create_task(self._read(), name="read")
        try:
            await asyncio.wait([reading, *background], return_when=asyncio.FIRST_COMPLETED)
            for task in background:
                if task.done():
                    task.result()  # nothing here ends by itself: let its error be known
            await reading
            await self._flush()
        finally:
            for task in (reading, *reversed(background)):
                await _end(task)

    async def stop(self) -> None:
        """End the night: the source says goodbye, then `run` returns."""
        await self._source.close()

    async def _read(self) -> None:
        async for reading in self._source.readings():
            self._record(reading)
            if isinstance(reading.item, (LinkUp, LinkDown)):
                self._tell(reading.item)
            for output in reading.outputs:
                if isinstance(output, (Note, Refused)):
                    self._tell(output)
            self._hear(self._night.take(reading))
        self._hear(self._night.finish(*self._now()))

    async def _tick_forever(self) -> None:
        while True:
            self._tick()
            await asyncio.sleep(TICK_S / self._pace)

    def _tick(self) -> None:
        self._hear(self._night.tick(*self._now()))
        if self._recorder is not None:
            self._guarded_recording(self._recorder.commit)
        link = None if self._publisher is None else self._publisher.link.state
        if link is not None:
            dark_s = 0.0 if link.connected else asyncio.get_running_loop().time() - link.since_s
            self._trouble("broker", link.last_error if dark_s > BROKER_PATIENCE_S else None)
        if self._waiting:
            self._more.set()
        self._show()

    def _record(self, reading: Reading) -> None:
        if self._recorder is not None:
            recorder, item = self._recorder, reading.item
            self._guarded_recording(lambda: recorder.write(item))

    def _guarded_recording(self, work: Callable[[], None]) -> None:
        """Let the recording fail alone: alarms may not."""
        try:
            work()
        except RecordingWriteError as error:
            self._trouble("recording", str(error))
        else:
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
                continue
            del self._waiting[: len(batch)]
            self._trouble("disk", None)
            if self._publisher is not None:
                self._publisher.wake()

    def _trouble(self, name: str, why: str | None) -> None:
        """Announce a change of what works, once."""
        if self._troubles.get(name) == why:
            return
        if why is None:
            self._troubles.pop(name, None)
        elif name in self._troubles:  # the same trouble in other words
            self._troubles[name] = why
            return
        else:
            self._troubles[name] = why
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
        silent = self._night.silence(self._clock.mono_ns())
        if silent is not None:
            return Status(Watch.NO_SIGNAL, why=self._source.status.why or silent)
        spasm = self._night.spasm
        if spasm is not None:
            return Status(Watch.SPASM, why=spasm.reason, kind=spasm.kind)
        return Status(Watch.WATCHING)

    async def _flush(self) -> None:
        """Give disk and broker a moment: the night's last word should arrive tonight."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + FLUSH_S
        while loop.time() < until_s:
            posted = self._publisher is None or not await self._archive.depth()
            if posted and not self._waiting:
                return
            await asyncio.sleep(0.02)

    def _now(self) -> tuple[int, int]:
        return self._clock.mono_ns(), self._clock.utc_ns()


async def _end(task: asyncio.Task[None]) -> None:
    """Cancel and wait; its own error, if it had one, was told before."""
    task.cancel()
    await asyncio.wait({task})


def _utc(clock: Clock) -> datetime:
    return EPOCH + timedelta(microseconds=clock.utc_ns() // 1000)
