"""Faults of bluetoothd, by name: each happens at the next opportunities, a number of times."""

from __future__ import annotations

import asyncio
from collections import Counter
from enum import StrEnum

from firmware_sim.bluez.errors import BluezError, in_progress, not_permitted
from firmware_sim.bluez.names import ADAPTER, CHARACTERISTIC, DEVICE
from firmware_sim.bluez.objects import Call


class Fault(StrEnum):
    """A fault observed in bluetoothd; the value is its name on the command line."""

    SCAN_IN_PROGRESS = "scan-in-progress"
    """`StartDiscovery` answers InProgress: another discovery of the same client (bleak 631)."""
    STOP_SCAN_IN_PROGRESS = "stop-scan-in-progress"
    """`StopDiscovery` collides with the kernel's own stop (bluez 807)."""
    CONNECT_IN_PROGRESS = "connect-in-progress"
    """`Connect` answers InProgress: another connection is being made."""
    CONNECT_ABORTED = "le-connection-abort-by-local"
    """Connected for a moment, `Connect` fails, disconnected (bleak 1673)."""
    CONNECT_ABORTED_UNSEEN = "le-connection-abort-unseen"
    """The same, but `Connected` is not signalled, neither true nor false."""
    CONNECT_UNANSWERED = "connect-unanswered"
    """`Connect` never answers."""
    SERVICES_UNRESOLVED = "services-unresolved"
    """Connected, but the discovery of services never ends."""
    NOTIFY_NOT_PERMITTED = "notify-not-permitted"
    """`StartNotify` is refused: another client holds the characteristic's socket."""
    GATT_IN_PROGRESS = "gatt-in-progress"
    """A read or a write is refused because another is under way; bleak retries."""
    NOTIFICATION_LOST = "notification-lost"
    """bluetoothd does not forward a notification (bleak 1343); indications are not affected."""
    ACCESS_DENIED = "access-denied"
    """The bus' policy refuses this user's calls to bluetoothd."""
    SILENT = "silent"
    """bluetoothd hangs: no call is answered."""


_REFUSED: dict[Fault, tuple[str, frozenset[str], BluezError]] = {
    Fault.SCAN_IN_PROGRESS: (ADAPTER, frozenset({"StartDiscovery"}), in_progress()),
    Fault.CONNECT_IN_PROGRESS: (DEVICE, frozenset({"Connect"}), in_progress()),
    Fault.NOTIFY_NOT_PERMITTED: (
        CHARACTERISTIC,
        frozenset({"StartNotify"}),
        not_permitted("Notify acquired"),
    ),
    Fault.GATT_IN_PROGRESS: (
        CHARACTERISTIC,
        frozenset({"ReadValue", "WriteValue"}),
        in_progress(),
    ),
}


class Faults:
    """The pending faults of one bluetoothd, and those that happened."""

    def __init__(self) -> None:
        self._due: Counter[Fault] = Counter()
        self._seen: Counter[Fault] = Counter()
        self._news = asyncio.Event()

    def inject(self, fault: Fault, times: int = 1) -> None:
        """Make a fault happen at its next `times` opportunities."""
        self._due[fault] += times

    def clear(self) -> None:
        """Remove all pending faults."""
        self._due.clear()

    def take(self, fault: Fault) -> bool:
        """Return whether a fault happens now; if so, count it."""
        if self._due[fault] <= 0:
            return False
        self._due[fault] -= 1
        self._seen[fault] += 1
        self._news.set()
        return True

    async def happened(self, fault: Fault, times: int = 1) -> None:
        """Wait until a fault has happened this number of times in all."""
        while self._seen[fault] < times:
            self._news.clear()
            await self._news.wait()

    async def gate(self, call: Call) -> None:
        """Raise for a call whose fault is due; never return while bluetoothd hangs."""
        if self.take(Fault.SILENT):
            await asyncio.get_running_loop().create_future()
        if self.take(Fault.ACCESS_DENIED):
            raise BluezError("org.freedesktop.DBus.Error.AccessDenied", "Rejected send message")
        for fault, (interface, members, error) in _REFUSED.items():
            if call.interface == interface and call.member in members and self.take(fault):
                raise BluezError(error.name, error.text)
