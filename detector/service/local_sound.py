"""Sound on this computer when an alert reaches nobody else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from detector.alert import AlertState, Level
from detector.alerts.conditions import Condition
from detector.night.outcome import Outcome
from detector.receiver.sound import Sound
from detector.receiver.sounding import Sounding
from detector.service.news import News, Trouble
from detector.status import StateWord, Status

log = logging.getLogger(__name__)


class LocalSound:
    """An observer of a night that holds the alarm while nobody else is reached.

    Parameters
    ----------
    alone : alerts are published nowhere, so that each of them sounds here
    """

    def __init__(self, sounding: Sounding, *, alone: bool) -> None:
        self._sounding = sounding
        self._alone = alone

    def tell(self, news: News) -> None:
        """Take the next news."""
        match news:
            case Trouble(name=name, why=why) if name == Condition.NOBODY_REACHABLE:
                if why is None:
                    self._sounding.release(name)
                else:
                    self._sounding.hold(name)
            case Status():
                self._sounding.paused = news.watch is StateWord.PAUSED
            case Outcome() if self._alone:
                for alert in news.alerts:
                    if alert.level is Level.TEST and alert.state is AlertState.RAISED:
                        self._sounding.once()
                    else:
                        self._sounding.take(alert)


@asynccontextmanager
async def sounding_here(command: str | None) -> AsyncIterator[Sounding]:
    """Keep an alarm that can sound on this computer; that it cannot is logged."""
    loop = asyncio.get_running_loop()
    with Sound(command) as sound:
        sounding = Sounding(sound, mono_s=loop.time, failed=log.warning)
        task = asyncio.create_task(sounding.run())
        try:
            yield sounding
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
