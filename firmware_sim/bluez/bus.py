"""A private D-Bus, on a socket that only this user reaches, instead of the machine's."""

from __future__ import annotations

import asyncio
import os
import shutil
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from detector.errors import LinkError

ADDRESS_VARIABLE = "DBUS_SYSTEM_BUS_ADDRESS"
"""Environment variable with the system bus' address; bleak reads it at each connect."""

PATIENCE_S = 10.0
"""dbus-daemon starts within milliseconds and ends at once on SIGTERM."""

# No service directories: nothing is started on demand. The same user may do anything, as on a
# session bus.
_CONFIGURATION = """<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


class PrivateBus:
    """A private `dbus-daemon`. It may be killed and started again, at the same address."""

    def __init__(self, folder: Path) -> None:
        self._configuration = folder / "bus.conf"
        self._socket = folder / "bus"
        self._log = folder / "bus.log"
        self._configuration.write_text(_CONFIGURATION.format(socket=self._socket))
        self._process: Process | None = None

    @property
    def address(self) -> str:
        """Return the value of `DBUS_SYSTEM_BUS_ADDRESS` for its clients."""
        return f"unix:path={self._socket}"

    async def start(self) -> None:
        """Start the daemon; it accepts clients when this returns.

        Raises
        ------
        LinkError
            There is no `dbus-daemon` on this machine, or it did not start.
        """
        if (program := shutil.which("dbus-daemon")) is None:
            raise LinkError("dbus-daemon is missing. On Debian and Ubuntu: sudo apt install dbus")
        command = [program, f"--config-file={self._configuration}"]
        command += ["--nofork", "--nopidfile", "--nosyslog", "--print-address=1"]
        if guard := shutil.which("setpriv"):  # so that it ends with this process, even by SIGKILL
            command = [guard, "--pdeathsig", "TERM", *command]
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command, stdin=DEVNULL, stdout=PIPE, stderr=log
            )
        assert self._process.stdout is not None  # noqa: S101 # it was asked for
        async with asyncio.timeout(PATIENCE_S):
            ready = await self._process.stdout.readline()
        if not ready:
            code = await self._process.wait()
            said = self._log.read_text(errors="replace").strip()
            raise LinkError(f"dbus-daemon did not start (exit code {code}): {said}")

    async def kill(self) -> None:
        """Kill the daemon and remove its socket; all its clients lose their connections."""
        if self._process is not None:
            process, self._process = self._process, None
            if process.returncode is None:
                process.kill()
            await process.wait()
            # A stale socket would refuse connections; without a bus, the path must not exist.
            self._socket.unlink(missing_ok=True)


@asynccontextmanager
async def private_bus() -> AsyncIterator[PrivateBus]:
    """Run a bus while the context lasts."""
    with TemporaryDirectory(prefix="spasmwatch-bus-") as folder:
        bus = PrivateBus(Path(folder))
        await bus.start()
        try:
            yield bus
        finally:
            await bus.kill()


@contextmanager
def as_system_bus(address: str) -> Iterator[None]:
    """Make a bus the system bus of this process and its children while the context lasts."""
    before = os.environ.get(ADDRESS_VARIABLE)
    os.environ[ADDRESS_VARIABLE] = address
    try:
        yield
    finally:
        if before is None:
            del os.environ[ADDRESS_VARIABLE]
        else:
            os.environ[ADDRESS_VARIABLE] = before
