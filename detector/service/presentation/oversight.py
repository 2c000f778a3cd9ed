"""Show the running service to those outside it: systemd, the watchdog, the page."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from detector.alert import AlertClass
from detector.alerts.conditions import Condition
from detector.config import Settings
from detector.mqtt.contract import LEAVES
from detector.service.assembly import Assembly
from detector.service.ending import MQTT
from detector.service.presentation.caregivers_page import NightOnPage, caregivers_page
from detector.service.presentation.health import vitals
from detector.service.service import STARTING
from detector.service.tasks import ended
from detector.sources.clock import Clock
from detector.status import StateWord
from detector.store.state import StateError
from detector.supervision.heartbeat import HeartbeatFile, heartbeat_path, heartbeat_places
from detector.supervision.notify import Notifier
from detector.supervision.progress import Progress
from detector.web.health.facts import ServiceFacts
from detector.words.disk import no_heartbeat_words

LOOK_S = 1.0  # as often as the night is looked at
OUTBOX_S = 10.0  # counting what waits reads the state file


class Oversight:
    """Look at the service once a second, and tell what was seen.

    Parameters
    ----------
    clock : the night's
    beat : takes the state in words whenever there is progress
    """

    def __init__(
        self, made: Assembly, clock: Clock, *, notifier: Notifier, beat: Callable[[str], None]
    ) -> None:
        self._made, self._clock, self._notifier, self._beat = made, clock, notifier, beat
        self._progress = Progress(made.night.samples, made.service.ticks, notifier.watchdog_s)
        self._ready = self._stopping = False
        self._words = ""
        self._outbox: int | None = None
        self._ticks, self._looked_s = -1, time.monotonic()
        self.page: NightOnPage | None = None

    def look(self) -> None:
        """Look once, and tell what is due."""
        service, now_s = self._made.service, time.monotonic()
        self._show_words()
        if service.ending and not self._stopping:
            self._stopping = self._notifier.stopping()
        lost = service.status.watch is StateWord.NO_SIGNAL and service.status != STARTING
        if self._progress.made(self._made.night.samples, service.ticks, lost=lost):
            self._beat(self._words)
            if not self._ready:
                self._ready = self._notifier.ready()
        if self._progress.due(now_s):
            self._notifier.alive()
        if service.ticks != self._ticks:
            self._ticks, self._looked_s = service.ticks, now_s
        if self.page is not None:
            self.page.show(self._facts())

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_S)

    async def count_outbox(self) -> None:
        """Count now and then what waits for the broker, until cancelled."""
        while self._made.publisher is not None:
            self._outbox = None
            with suppress(StateError):
                self._outbox = await self._made.archive.log_of(MQTT).waiting(LEAVES)
            await asyncio.sleep(OUTBOX_S)

    def _facts(self) -> ServiceFacts:
        made, mono_ns = self._made, self._clock.mono_ns()
        night, tally = made.night, made.service.tally
        links = [source.status for source in made.sources]
        known, arrived = night.data_age_s(mono_ns), [link.data_age_s for link in links]
        ages = [age for age in arrived if age is not None]
        return ServiceFacts(
            taken_s=time.monotonic(),
            at_s=self._looked_s,
            status=made.service.status,
            vitals=vitals(night, self._clock),
            troubles=tuple(
                alert.reason
                for alert in night.open_alerts
                if alert.alert_class is AlertClass.TECHNICAL
            ),
            samples=night.samples,
            gaps=night.gap_count,
            packets=dict(tally.packets),
            dropped=sum(link.dropped + link.protocol_errors for link in links),
            detector_lag_s=max(0.0, known - max(ages)) if known is not None and ages else 0.0,
            reconnects=sum(max(0, link.sessions - 1) for link in links),
            alarms=dict(tally.alarms),
            failures=dict(tally.failures),
            outbox=self._outbox,
            oldest_unacknowledged_s=made.reception.oldest_s(asyncio.get_running_loop().time()),
            died=made.starts.died,
        )

    def _show_words(self) -> None:
        status = self._made.service.status
        words = status.words + (f": {status.why}" if status.why else "")
        if words != self._words:
            self._words = words
            self._notifier.status(words)


@asynccontextmanager
async def overseen(
    made: Assembly,
    settings: Settings,
    folder: Path,
    clock: Clock,
    *,
    note: Callable[[str], None],
    environ: Mapping[str, str] = os.environ,
) -> AsyncIterator[Oversight]:
    """Show the service to those outside it until the block ends.

    Parameters
    ----------
    folder : of its data; the heartbeat is named after it
    clock : the night's
    note : takes a sentence about the page
    """
    notifier = Notifier.of(environ, os.getpid())
    async with AsyncExitStack() as stack:
        if notifier.watchdog_s is not None and not faulthandler.is_enabled():
            faulthandler.enable()  # systemd ends what hangs by SIGABRT: its log then shows where
            stack.callback(faulthandler.disable)
        beat: Callable[[str], None] = _nowhere
        path = heartbeat_path(folder, environ)
        try:
            file = HeartbeatFile(path)
        except OSError as error:
            made.beside.note(
                Condition.HEARTBEAT, no_heartbeat_words(path, error.strerror or str(error))
            )
        else:
            beat = stack.enter_context(file).beat
            file.begin(heartbeat_places(folder, environ))
        oversight = Oversight(made, clock, notifier=notifier, beat=beat)
        if settings.web.enabled:
            showing = caregivers_page(made, settings, clock, note=note)
            oversight.page = await stack.enter_async_context(showing)
        stack.callback(notifier.stopping)
        for work in (oversight.run(), oversight.count_outbox()):
            stack.push_async_callback(ended, asyncio.ensure_future(work), "oversight")
        yield oversight


def _nowhere(_words: str) -> None:
    """Write no heartbeat: there is no place for one."""
