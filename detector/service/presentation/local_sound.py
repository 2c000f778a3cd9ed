"""Sound on this computer when an alert reaches nobody else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress

from detector.alert import AlertState, Level
from detector.alerts.conditions import Condition
from detector.audible.player import SoundError, sound_program
from detector.night.outcome import Outcome
from detector.receiver.sound import Sound
from detector.receiver.sounding import Sounding
from detector.service.presentation.news import News, Trouble
from detector.status import StateWord, Status
from detector.words.delivery import no_sound_words

log = logging.getLogger(__name__)


"""Name of the technical alarm that this computer cannot sound one."""

LOOK_S = 60.0  # for a player that is being installed: an alarm is told again as often


class LocalSound:
    """An observer of a night that holds the alarm while nobody else is reached.

    It also judges on each tick whether this computer can sound one.

    Parameters
    ----------
    command : what plays the alarm; None is the computer's own player
    alone : alerts are published nowhere, so that each of them sounds here
    mono_s : the clock
    """

    def __init__(
        self,
        sounding: Sounding,
        *,
        command: str | None,
        alone: bool,
        mono_s: Callable[[], float],
    ) -> None:
        self._sounding = sounding
        self._command = command
        self._alone = alone
        self._mono_s = mono_s
        self._looked_s = float("-inf")
        self._missing: str | None = None  # why nothing can be started that plays the alarm

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
            case Outcome():
                for alert in news.alerts:
                    if alert.level is Level.TEST:
                        # Where no sound could be made, a test shows whether one can be now.
                        untried = self._alone or self._sounding.failure is not None
                        if untried and alert.state is AlertState.RAISED:
                            self._sounding.once()
                    elif self._alone:
                        self._sounding.take(alert)

    def troubles(self) -> Mapping[Condition, str | None]:
        """Return that no sound can be made here, with why, or None where one can."""
        now_s = self._mono_s()
        if now_s - self._looked_s >= LOOK_S:
            self._looked_s, self._missing = now_s, _missing(self._command)
        why = self._missing or self._sounding.failure
        return {Condition.SOUND: None if why is None else no_sound_words(why, alone=self._alone)}


def _missing(command: str | None) -> str | None:
    try:
        sound_program(command)
    except SoundError as error:
        return str(error)
    return None


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
