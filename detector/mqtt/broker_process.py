"""A broker as a child process: configuration, command, start and end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from detector.errors import ConfigError, LinkError

LOOPBACK = "127.0.0.1"
READY_S = 10.0
"""mosquitto takes 0.1 s, the embedded one 0.3 s, a small busy machine many times that."""
POLL_S = 0.02
END_S = 2.0  # from SIGTERM to SIGKILL
LAST_WORDS = 5  # lines of a child's stderr that are kept
MOSQUITTO_OLDEST = (1, 6)  # the first with MQTT 5
SBIN = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"  # where a user's PATH does not look
CHILD = Path(__file__).with_name("broker_child.py")


def mosquitto_conf(port: int, version: tuple[int, int]) -> str:
    """Return a configuration for mosquitto: loopback only, fast, bounded, nothing on disk.

    These options mean the same in all versions; password and ACL files do not: they are plugins
    from 2.1 on.
    """
    if version < MOSQUITTO_OLDEST:
        oldest = ".".join(map(str, MOSQUITTO_OLDEST))
        raise LinkError(
            f"mosquitto {version[0]}.{version[1]} is too old: it takes {oldest} or newer"
        )
    return "\n".join(
        (
            f"listener {port} {LOOPBACK}",
            "allow_anonymous true",
            "set_tcp_nodelay true",  # p99 of a delivery: 0.7 ms instead of 34 ms
            "persistence false",
            "max_packet_size 262144",
            "max_queued_messages 10000",
            "log_dest stderr",
            "log_type error",
            "",
        )
    )


def rumqttd_conf(port: int) -> str:
    """Return a configuration for the embedded broker: MQTT 5, loopback only, bounded."""
    return f"""\
id = 0
[router]
id = 0
max_connections = 256
max_outgoing_packet_count = 200
max_segment_size = 1048576
max_segment_count = 10
[v5.1]
name = "spasmwatch"
listen = "{LOOPBACK}:{port}"
next_connection_delay_ms = 1
[v5.1.connections]
connection_timeout_ms = 5000
max_payload_size = 262144
max_inflight_count = 100
"""


def _mosquitto_command(port: int, directory: Path) -> list[str]:
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', os.defpath)}:{SBIN}")
    if program is None:
        raise LinkError("mosquitto is not installed (Debian and Ubuntu: apt install mosquitto)")
    try:
        said = subprocess.run([program, "-h"], capture_output=True, timeout=5, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        raise LinkError(f"{program} cannot be started: {error}") from error
    version = re.search(rb"version (\d+)\.(\d+)", said.stdout + said.stderr)
    if version is None:
        raise LinkError(f"{program} does not report its version; is it mosquitto?")
    conf = directory / "mosquitto.conf"
    conf.write_text(mosquitto_conf(port, (int(version[1]), int(version[2]))))
    directory.chmod(0o755)  # mosquitto reads it after dropping root; no secrets in it
    conf.chmod(0o644)
    return ["mosquitto", program, str(conf)]


def _embedded_command(port: int, directory: Path) -> list[str]:
    if find_spec("iotcore") is None:
        raise LinkError("the embedded broker is not installed (pip install iotcore)")
    conf = directory / "rumqttd.toml"
    conf.write_text(rumqttd_conf(port))
    return ["embedded", str(conf)]


KINDS: dict[str, Callable[[int, Path], list[str]]] = {
    "mosquitto": _mosquitto_command,
    "embedded": _embedded_command,
}
"""Functions that return the command of each kind of child, from port and folder."""


def claim(port: int) -> int:
    """Return a port that is free now; 0 picks one."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as brokers do
        try:
            probe.bind((LOOPBACK, port))
        except PermissionError as error:
            raise LinkError(f"port {port} is reserved for root: choose one above 1023") from error
        except OverflowError as error:
            raise ConfigError(f"port must be from 0 to 65535, got {port}") from error
        except OSError as error:
            raise LinkError(
                f"port {port} on {LOOPBACK} is in use by another program, perhaps a broker: "
                f'use that one with broker = "mqtt://{LOOPBACK}:{port}", or choose another port '
                "(0 picks a free one)"
            ) from error
        return int(probe.getsockname()[1])


class BrokerProcess:
    """A broker process that ends with ours; a process group of its own keeps Ctrl-C from it."""

    def __init__(self, kind: str, argv: list[str], port: int) -> None:
        self._kind = kind
        self._argv = argv
        self._port = port
        self._process: asyncio.subprocess.Process | None = None
        self._listening = asyncio.create_task(asyncio.sleep(0))
        self._started_s = 0.0
        self._last_words: deque[str] = deque(maxlen=LAST_WORDS)

    @property
    def pid(self) -> int | None:
        """Process id, None before the start."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Start, and wait until it takes connections; LinkError when it does not."""
        self._started_s = time.monotonic()
        claim(self._port)  # or another program's answer would be taken for the child's
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            str(CHILD),
            str(os.getpid()),
            *self._argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            process_group=0,
        )
        self._last_words.clear()
        self._listening = asyncio.create_task(self._listen(process))
        try:
            async with asyncio.timeout(READY_S):
                while not await self._answers():
                    if process.returncode is not None:
                        await self._listening
                        raise LinkError(f"{self._kind} did not start: {self._said()}")
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            await self.end()
            raise LinkError(
                f"{self._kind} took no connection within {READY_S:.0f} s: {self._said()}"
            ) from None

    async def ended(self) -> float:
        """Wait for its end; return the seconds it ran."""
        if self._process is not None:
            await self._process.wait()
            await self._listening
        return time.monotonic() - self._started_s

    async def end(self) -> None:
        """Terminate it, and kill it when it does not end."""
        process = self._process
        if process is None:
            return
        for send in (process.terminate, process.kill):
            with contextlib.suppress(ProcessLookupError, TimeoutError):
                send()
                async with asyncio.timeout(END_S):
                    await process.wait()
        await self._listening

    def kill(self) -> None:
        """Kill it at once, even if it is frozen."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection(LOOPBACK, self._port)
        except OSError:
            return False
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return True

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        """Keep the last lines of its stderr; read all, so that it never blocks on a full pipe."""
        if process.stderr is None:
            return
        while chunk := await process.stderr.read(4096):
            lines = chunk.decode("utf-8", "replace").splitlines()
            self._last_words.extend(line[:200] for line in lines if line.strip())

    def _said(self) -> str:
        return " / ".join(self._last_words) or "it gave no reason"
