"""The night's recordings, on a thread of their own: they may fail or wait, alarms may not."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from detector.alerts.conditions import Condition
from detector.devices.stream import Item
from detector.service.supervisor import Supervisor
from detector.store.recording_writer import RecordingWriteError, RecordingWriter

MOST_QUEUED = 20_000
"""Items kept for a disk that does not answer: hours of most sensors, some 10 MB."""

SLOW_S = 5.0  # real; a commit takes 0.1 s on a slow card, and so much may be lost in a power cut
SLOW = (
    "the disk has not taken the recording for several seconds: it is slow or failing. What comes "
    "meanwhile is kept in memory. Check the disk, and what else writes to it."
)
QUEUE_FULL = (
    "the disk has not taken the recording for so long that memory keeps no more of it: this part "
    "of the night is not recorded. Check the disk, or restart the computer."
)


@dataclass(frozen=True, slots=True)
class _Done:
    """Result of a job of the thread; `errors` are pairs of a sensor and what it raised."""

    kept: list[int | None]
    grew: bool
    errors: tuple[tuple[int, Exception], ...]


@dataclass(frozen=True, slots=True)
class _Job:
    begun_s: float
    done: asyncio.Future[_Done]


class Recordings:
    """Recording writers on a thread of their own.

    Parameters
    ----------
    labels : of the sensors
    writers : one for each sensor, None where there is none; or empty
    trouble : called with `RECORDING` and the write error, or None once it takes rows again
    """

    def __init__(
        self,
        labels: Sequence[str],
        writers: Sequence[RecordingWriter | None],
        supervisor: Supervisor,
        trouble: Callable[[Condition, str | None], None],
    ) -> None:
        self._names = [f"recorder of {label}" for label in labels]
        self._writers = tuple(writers)
        self._supervisor = supervisor
        self._trouble = trouble
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="recordings")
        self._queued: list[tuple[int, Item]] = []  # no job has them yet
        self._jobs: deque[_Job] = deque()
        self.failed = False  # some of the night is not on disk

    def write(self, sensor: int, item: Item) -> None:
        """Record an item with the next `commit`, if the disk takes it."""
        if not self._writers or self._writers[sensor] is None:
            return
        if len(self._queued) >= MOST_QUEUED:
            self.failed = True
            self._trouble(Condition.RECORDING, QUEUE_FULL)
            return
        self._queued.append((sensor, item))

    def commit(self) -> None:
        """Have what was written put on disk, unless the thread is still busy with what was before.

        Tells what became of earlier commits.

        Raises
        ------
        PartLostError
            A writer failed too often in a way that is no fault of the disk.
        """
        self._settle()
        if self._queued and not self._jobs:
            self._begin_job()
        elif self._jobs and asyncio.get_running_loop().time() - self._jobs[0].begun_s > SLOW_S:
            self._trouble(Condition.RECORDING, SLOW)

    def kept(self) -> Awaitable[list[int | None]]:
        """Have what was written up to this call put on disk.

        Returns
        -------
        an awaitable of the rows that each has on disk then, None where there is no recording;
        whoever stops waiting does not stop the work
        """
        return self._rows(self._begin_job())

    def close(self) -> None:
        """Put the rest on disk and end the thread; the writers stay open."""
        if self._queued:
            self._tell(self._thread.submit(self._work, self._take_queued()).result())
        self._thread.shutdown(wait=True)
        self._settle()

    @staticmethod
    async def _rows(job: asyncio.Future[_Done]) -> list[int | None]:
        return (await asyncio.shield(job)).kept

    def _take_queued(self) -> list[tuple[int, Item]]:
        queued, self._queued = self._queued, []
        return queued

    def _begin_job(self) -> asyncio.Future[_Done]:
        loop = asyncio.get_running_loop()
        done = loop.run_in_executor(self._thread, self._work, self._take_queued())
        self._jobs.append(_Job(loop.time(), done))
        return done

    def _settle(self) -> None:
        """Tell what became of the jobs that are done."""
        while self._jobs and self._jobs[0].done.done():
            self._tell(self._jobs.popleft().done.result())

    def _tell(self, done: _Done) -> None:
        for sensor, error in done.errors:
            self.failed = True
            if isinstance(error, RecordingWriteError):
                self._trouble(Condition.RECORDING, str(error))
            else:
                self._supervisor.call(self._names[sensor], partial(_raise, error))
        if done.grew and not done.errors:  # nothing written proves nothing
            self._trouble(Condition.RECORDING, None)

    def _work(self, items: Sequence[tuple[int, Item]]) -> _Done:
        """Write items and commit, in the thread; a write error costs this batch."""
        before = self._kept()
        errors: dict[int, Exception] = {}
        steps: list[tuple[int, Callable[[], None]]] = []
        for sensor, item in items:
            if (writer := self._writers[sensor]) is not None:
                steps.append((sensor, partial(writer.write, item)))
        steps += [(n, writer.commit) for n, writer in enumerate(self._writers) if writer]
        for sensor, step in steps:
            try:
                step()
            except Exception as error:  # told, and supervised, by the loop
                errors.setdefault(sensor, error)
        return _Done(self._kept(), self._kept() != before, tuple(errors.items()))

    def _kept(self) -> list[int | None]:
        return [None if writer is None else writer.kept for writer in self._writers]


def _raise(error: Exception) -> None:
    raise error
