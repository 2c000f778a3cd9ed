"""Tell systemd how the service does, as sd_notify(3) describes; standard library only."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

LONGEST_STATUS = 200  # characters: a line of `systemctl status`


@dataclass(frozen=True, slots=True)
class Notifier:
    """Sends datagrams to the service manager; without one it sends nothing.

    watchdog_s : after so long without `alive` the manager ends the process; None: it never does
    """

    address: str | None = None
    watchdog_s: float | None = None

    @classmethod
    def of(cls, environ: Mapping[str, str], pid: int) -> Notifier:
        """Return the one that the manager asks the process `pid` for in its environment."""
        address = environ.get("NOTIFY_SOCKET") or None
        micros, whose = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", str(pid))
        asked = micros.isdecimal() and int(micros) > 0 and whose == str(pid)
        return cls(address, int(micros) / 1e6 if asked else None)

    def ready(self) -> bool:
        """Tell that the start is over; return whether the manager took it."""
        return self._send("READY=1")

    def alive(self) -> bool:
        """Tell that the service makes progress; return whether the manager took it."""
        return self._send("WATCHDOG=1")

    def status(self, words: str) -> bool:
        """Tell the state in words; return whether the manager took it."""
        line = "".join(each if each.isprintable() else " " for each in words)
        return self._send(f"STATUS={line[:LONGEST_STATUS]}")

    def stopping(self) -> bool:
        """Tell that the service ends on purpose; return whether the manager took it."""
        return self._send("STOPPING=1")

    def _send(self, message: str) -> bool:
        if self.address is None:
            return False
        # A leading @ stands for the zero byte of an abstract socket.
        path = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.setblocking(False)  # a manager that does not read must not stop the detector
            return out.sendto(message.encode(), path) > 0
        return False
