"""Sound an alarm as long as there is a reason."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from detector.alert import Alert
from detector.audible.alarm import AudibleAlarm
from detector.audible.player import SoundError
from detector.receiver.open_alerts import is_urgent
from detector.receiver.sound import Sound

LOOK_S = 1.0  # what is due each minute may sound so much late


class Sounding:
    """Keep an alarm sounding while `run` runs and a reason is held.

    Parameters
    ----------
    sound : None makes none
    mono_s : the clock
    failed : called once with a sentence when no sound can be made

    Attributes
    ----------
    paused : somebody paused the alarms: what is due sounds once they go on
    failure : why the latest sound could not be made; None where it could
    """

    def __init__(
        self, sound: Sound | None, *, mono_s: Callable[[], float], failed: Callable[[str], None]
    ) -> None:
        self._sound = sound
        self._mono_s = mono_s
        self._failed = failed
        self.paused = False
        self._alarm = AudibleAlarm()
        self._once = False
        self._more = asyncio.Event()
        self.failure: str | None = None

    def hold(self, reason: str) -> None:
        """Take a reason for a sound."""
        self._alarm.hold(reason, self._mono_s())
        self._more.set()

    def again(self, reason: str) -> None:
        """Take a reason that is told anew: it sounds now."""
        self._alarm.again(reason, self._mono_s())
        self._more.set()

    def once(self) -> None:
        """Sound once, for no reason that is held."""
        self._once = True
        self._more.set()

    def release(self, reason: str) -> None:
        """Record that a reason is over."""
        self._alarm.release(reason)

    def take(self, alert: Alert) -> None:
        """Hold an urgent alert from when it is raised until it is over; told again, it sounds."""
        if is_urgent(alert):
            self.again(alert.id)
        else:
            self.release(alert.id)

    async def run(self) -> None:
        """Sound whenever it is due, until cancelled."""
        while True:
            due = (not self.paused and self._alarm.due(self._mono_s())) or self._once
            self._once = False
            if due and self._sound is not None:
                await self._play(self._sound)
            self._more.clear()
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._more.wait()
            except TimeoutError:
                continue

    async def _play(self, sound: Sound) -> None:
        try:
            await sound.play()
            self.failure = None
        except (SoundError, OSError) as error:
            if str(error) != self.failure:
                self._failed(str(error))
            self.failure = str(error)
