"""One connection's link layer: when its packets get across, and when the link is lost.

A link layer repeats a packet until it is acknowledged (Core 5.4, vol. 6, part B, 4.5.9), so a bad
link delays packets and never loses them; the connection ends once nothing was received for the
supervision timeout (4.5.2). Notifications can still be lost in the host of the central:
bluetoothd does that at high rates (bleak issue 1343).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from math import floor

import numpy as np

SUPERVISION_S = 2.0
"""Time without a packet after which both ends end the link: between Linux' default (0.42 s) and
what phones ask for (5 s and more)."""

SLACK = 1e-3
"""Share of an interval: an event that is due this soon is the current one (timer rounding)."""

ATT_NOTIFICATION = 0x1B
_ATT_OPCODE_AT = 4  # after L2CAP's length and channel
_ATT_CHANNEL = b"\x04\x00"


@dataclass(frozen=True, slots=True)
class Reception:
    """Quality of the links between a sensor and its centrals.

    Parameters
    ----------
    in_range : whether anything gets across at all
    interval_s : between two connection events; 0 carries everything at once
    pdus_per_event : most packets that one event carries each way
    lost_events : share of the events that fail, 0 to below 1
    held : notifications wait in the central's host until this ends, then are delivered together
    lost_notifications : share of the notifications that this host loses, 0 to 1
    copies : how many times it delivers each of them
    """

    in_range: bool = True
    interval_s: float = 0.0
    pdus_per_event: int = 1
    lost_events: float = 0.0
    held: bool = False
    lost_notifications: float = 0.0
    copies: int = 1


IDEAL = Reception()


class Link:
    """Delivers what both ends of one connection send, in order.

    Parameters
    ----------
    reception : the sensor's
    pace : how many times faster than real time the sensor runs, its radio included
    chance : random numbers that decide which events fail and which notifications are lost
    lose : called once when the supervision timeout has passed
    """

    def __init__(
        self,
        reception: Reception,
        *,
        pace: float,
        chance: np.random.Generator,
        lose: Callable[[], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._reception = reception
        self._pace = pace
        self._chance = chance
        self._lose = lose
        self._to_sensor: deque[Callable[[], None]] = deque()
        self._to_central: deque[Callable[[], None]] = deque()
        self._held: deque[Callable[[], None]] = deque()
        self._next_event: asyncio.TimerHandle | None = None
        self._supervision: asyncio.TimerHandle | None = None
        self._over = False

    def send(self, deliver: Callable[[], None], *, to_sensor: bool) -> None:
        """Queue a packet; `deliver` is called when it reaches the other end."""
        if not self._over:
            (self._to_sensor if to_sensor else self._to_central).append(deliver)
            self._go_on()

    def arrive(self, data: bytes, deliver: Callable[[], None]) -> None:
        """Pass a received packet through the host of the central."""
        if not is_notification(data):
            deliver()
            return
        lost = self._reception.lost_notifications
        if lost and self._chance.random() < lost:
            return
        for _ in range(self._reception.copies):
            if self._reception.held and not self._over:
                self._held.append(deliver)
            else:
                deliver()

    def hear(self, reception: Reception) -> None:
        """Change the quality of the link."""
        if self._over or reception == self._reception:
            return
        if not reception.held:
            self._release()
        if reception.in_range != self._reception.in_range:
            self._supervise(reception.in_range)
        self._reception = reception
        self._cancel_event()
        self._go_on()

    def end(self) -> None:
        """End the link; what the host of the central holds was received, and is delivered."""
        self._over = True
        self._release()
        self._cancel_event()
        self._supervise(in_range=True)
        self._to_sensor.clear()
        self._to_central.clear()

    def _supervise(self, in_range: bool) -> None:
        if self._supervision is not None:
            self._supervision.cancel()
            self._supervision = None
        if not in_range:
            self._supervision = self._loop.call_later(SUPERVISION_S / self._pace, self._lose)

    def _go_on(self) -> None:
        """Deliver what waits, or schedule the next connection event."""
        if not self._reception.in_range or self._next_event is not None:
            return
        if not self._reception.interval_s:
            self._exchange(len(self._to_sensor), len(self._to_central))
        elif self._to_sensor or self._to_central:
            interval = self._reception.interval_s / self._pace
            passed = floor((self._loop.time() - self._began) / interval + SLACK)
            when = self._began + (passed + 1) * interval
            self._next_event = self._loop.call_at(when, self._event)

    def _event(self) -> None:
        self._next_event = None
        lost = self._reception.lost_events
        if not lost or self._chance.random() >= lost:
            most = self._reception.pdus_per_event
            self._exchange(most, most)
        self._go_on()

    def _exchange(self, to_sensor: int, to_central: int) -> None:
        for queue, most in ((self._to_sensor, to_sensor), (self._to_central, to_central)):
            for _ in range(min(most, len(queue))):
                self._loop.call_soon(queue.popleft())

    def _release(self) -> None:
        while self._held:
            self._held.popleft()()  # at once: before packets that arrive in this loop iteration

    def _cancel_event(self) -> None:
        if self._next_event is not None:
            self._next_event.cancel()
            self._next_event = None


def is_notification(data: bytes) -> bool:
    """Return whether an L2CAP frame is an ATT notification (Core, vol. 3, part F, 3.4.7.1)."""
    return data[2:_ATT_OPCODE_AT] == _ATT_CHANNEL and data[
        _ATT_OPCODE_AT : _ATT_OPCODE_AT + 1
    ] == bytes((ATT_NOTIFICATION,))
