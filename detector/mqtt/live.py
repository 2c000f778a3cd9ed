"""The live view: the movement of each sensor, published while somebody has asked to see it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from detector.block import Block
from detector.dsp.envelope import Envelope
from detector.mqtt import payloads
from detector.mqtt.payloads import LIVE_SENSORS_MOST, LiveSensor

EVERY_S = 1.0  # one message with 25 values costs a broker less than 25 messages


class LiveView:
    """Publish envelopes while a lease is open; it closes by itself, and costs nothing when closed.

    Parameters
    ----------
    say : publishes a payload on `live`, or drops it where there is no connection
    utc_now, mono_s, sleep : the clocks
    """

    def __init__(
        self,
        say: Callable[[str], Awaitable[None]],
        *,
        boot_id: str,
        utc_now: Callable[[], datetime],
        mono_s: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._say = say
        self._boot_id = boot_id
        self._utc_now = utc_now
        self._mono_s = mono_s
        self._sleep = sleep
        self._until_s = float("-inf")
        self._envelopes: dict[str, Envelope] = {}
        self._opened = asyncio.Event()

    @property
    def left_s(self) -> float:
        """Seconds that the lease has left; 0 when it is closed."""
        return max(0.0, self._until_s - self._mono_s())

    def lease(self, ttl_s: float) -> None:
        """Open a lease, or let the present one last at least so long."""
        self._until_s = max(self._until_s, self._mono_s() + ttl_s)
        self._opened.set()

    def feed(self, sensor: str, blocks: Sequence[Block]) -> None:
        """Take samples of a sensor; without a lease nothing is done with them."""
        if not self.left_s:
            return
        if sensor not in self._envelopes and len(self._envelopes) >= LIVE_SENSORS_MOST:
            return
        envelope = self._envelopes.setdefault(sensor, Envelope())
        for block in blocks:
            envelope.feed(block)

    async def run(self) -> None:
        """Publish each second while a lease is open, until cancelled."""
        while True:
            await self._opened.wait()
            self._opened.clear()
            while self.left_s:
                sensors = [
                    LiveSensor(sensor=name, rate_hz=envelope.rate_hz, moved_g=values)
                    for name, envelope in self._envelopes.items()
                    if (values := envelope.take())
                ]
                if sensors:
                    said = payloads.live(self._boot_id, self._utc_now(), self.left_s, sensors)
                    await self._say(said)
                await self._sleep(EVERY_S)
            self._envelopes.clear()
