"""Show the running service to those outside it: systemd, the watchdog, its health page."""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from detector.night.night import Night
from detector.service.service import STARTING, Service
from detector.status import StateWord
from detector.supervision.heartbeat import HeartbeatFile, heartbeat_path
from detector.supervision.notify import Notifier
from detector.supervision.progress import Progress

log = logging.getLogger(__name__)

LOOK_S = 1.0


class Oversight:
    """Look at the service once a second, and tell that it is alive as long as it makes progress.

    Parameters
    ----------
    beat : takes the state in words whenever there is progress
    """

    def __init__(
        self,
        service: Service,
        night: Night,
        *,
        notifier: Notifier,
        beat: Callable[[str], None],
        mono_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._service, self._night = service, night
        self._notifier, self._beat, self._mono_s = notifier, beat, mono_s
        self._progress = Progress(night.samples, service.ticks, notifier.watchdog_s)
        self._ready = self._stopping = False
        self._words = ""

    def look(self) -> None:
        """Look once, and tell what is due."""
        self._show_words()
        if self._service.ending and not self._stopping:
            self._stopping = self._notifier.stopping()
        status = self._service.status
        lost = status.watch is StateWord.NO_SIGNAL and status != STARTING
        if self._progress.made(self._night.samples, self._service.ticks, lost=lost):
            self._beat(self._words)
            if not self._ready:
                self._ready = self._notifier.ready()
        if self._progress.due(self._mono_s()):
            self._notifier.alive()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_S)

    def _show_words(self) -> None:
        status = self._service.status
        words = status.words + (f": {status.why}" if status.why else "")
        if words != self._words:
            self._words = words
            self._notifier.status(words)


@asynccontextmanager
async def overseen(
    service: Service,
    night: Night,
    folder: Path,
    *,
    environ: Mapping[str, str] = os.environ,
) -> AsyncIterator[Oversight]:
    """Show the service to those outside it until the block ends.

    Parameters
    ----------
    folder : of its data; the heartbeat is named after it
    """
    notifier = Notifier.of(environ, os.getpid())
    async with AsyncExitStack() as stack:
        if notifier.watchdog_s is not None and not faulthandler.is_enabled():
            faulthandler.enable()  # systemd ends what hangs by SIGABRT: its log then shows where
            stack.callback(faulthandler.disable)
        beat: Callable[[str], None] = _nowhere
        try:
            file = HeartbeatFile(heartbeat_path(folder, environ))
        except OSError as error:
            log.warning("no heartbeat for `watchdog` can be written: %s", error)
        else:
            beat = stack.enter_context(file).beat
            file.begin()
        oversight = Oversight(service, night, notifier=notifier, beat=beat)
        stack.callback(notifier.stopping)
        looking = asyncio.ensure_future(oversight.run())
        stack.push_async_callback(_ended, looking)
        yield oversight


async def _ended(task: asyncio.Future[None]) -> None:
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("the service was not shown to those outside it", exc_info=error)


def _nowhere(_words: str) -> None:
    """Write no heartbeat: there is no place for one."""
