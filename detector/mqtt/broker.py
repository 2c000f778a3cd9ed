"""A broker to publish to: the configured one, or one of our own kept alive as a child process.

Nothing rests on it: the log keeps every event until it is acknowledged, and what is retained is
published again on every connection. So ours stores nothing, and listens on loopback only.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from importlib.util import find_spec
from pathlib import Path

from detector.errors import ConfigError, LinkError
from detector.mqtt.endpoint import Endpoint, parse_url

LOOPBACK = "127.0.0.1"
READY_S = (
    10.0  # mosquitto takes 0.1 s, the embedded one 0.3 s, a small busy machine many times that
)
POLL_S = 0.02
RESTART_FIRST_S = 0.1
RESTART_MOST_S = 5.0
SETTLED_S = 10.0  # a broker that lived this long was a good one: the next wait starts small
END_S = 2.0  # between asking a child to end and ending it
LAST_WORDS = 5  # lines of a child's stderr that are kept
MOSQUITTO_OLDEST = (1, 6)  # the first with MQTT 5
SBIN = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"  # where a user's PATH does not look
LEASH = Path(__file__).with_name("leash.py")


class Broker:
    """The broker in use; `endpoint` is None when there is to be none.

    `kind` is one of `url`, `mosquitto`, `embedded`, `none`; `restarts` counts deaths of a child;
    `last_error` says in a sentence why the latest restart failed.
    """

    def __init__(self, kind: str, endpoint: Endpoint | None, child: _Child | None = None) -> None:
        self.kind = kind
        self.endpoint = endpoint
        self.restarts = 0
        self.last_error: str | None = None
        self._child = child

    @property
    def pid(self) -> int | None:
        """Process id of the managed child, if there is one."""
        return None if self._child is None else self._child.pid


@contextlib.asynccontextmanager
async def provide(choice: str | Endpoint = "auto", *, port: int = 1883) -> AsyncIterator[Broker]:
    """Have a broker for as long as the block lasts; a child of ours is restarted when it dies.

    Parameters
    ----------
    choice : an endpoint or `mqtt://…`: that broker. `mosquitto` or `embedded`: ours. `auto`:
        mosquitto where it is installed, else the embedded one. `none`
    port : where ours listens; 0 picks a free one

    Raises
    ------
    ConfigError
        The choice is none of these.
    LinkError
        The port is in use, or no broker is installed, or it did not start: why, and what to do.
    """
    if isinstance(choice, str) and "://" in choice:
        choice = parse_url(choice)
    if isinstance(choice, Endpoint):
        yield Broker("url", choice)
        return
    if choice == "none":
        yield Broker("none", None)
        return
    kinds = {"auto": tuple(_KINDS), **{kind: (kind,) for kind in _KINDS}}.get(choice)
    if kinds is None:
        raise ConfigError(
            "broker must be auto, mosquitto, embedded, none or mqtt://host:port, "
            f"got {choice!a:.80}"
        )
    port = _claim(port)
    with tempfile.TemporaryDirectory(prefix="spasmwatch-broker-") as directory:
        kind, child = await _start_one(kinds, port, Path(directory))
        broker = Broker(kind, Endpoint(host=LOOPBACK, port=port), child)
        guard = asyncio.create_task(_keep_alive(broker, child))
        try:
            yield broker
        finally:
            guard.cancel()
            await asyncio.wait({guard})
            await child.end()


def mosquitto_conf(port: int, version: tuple[int, int]) -> str:
    """Write a configuration for mosquitto: loopback only, fast, bounded, nothing on disk.

    The one place that knows its versions: password and ACL files, should they come, are plugins
    from 2.1 on; what stands here means the same in all of them.
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
    """Write a configuration for the embedded broker: MQTT 5, loopback only, bounded."""
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


def _find_mosquitto(port: int, directory: Path) -> list[str]:
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', os.defpath)}:{SBIN}")
    if program is None:
        raise LinkError("mosquitto is not installed (Debian and Ubuntu: apt install mosquitto)")
    try:
        said = subprocess.run([program, "-h"], capture_output=True, timeout=5, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        raise LinkError(f"{program} cannot be started: {error}") from error
    version = re.search(rb"version (\d+)\.(\d+)", said.stdout + said.stderr)
    if version is None:
        raise LinkError(f"{program} does not tell its version; is it mosquitto?")
    conf = directory / "mosquitto.conf"
    conf.write_text(mosquitto_conf(port, (int(version[1]), int(version[2]))))
    directory.chmod(0o755)  # it has stopped being root when it reads this; no secrets in it
    conf.chmod(0o644)
    return ["mosquitto", program, str(conf)]


def _find_embedded(port: int, directory: Path) -> list[str]:
    if find_spec("iotcore") is None:
        raise LinkError("the embedded broker is not installed (pip install iotcore)")
    conf = directory / "rumqttd.toml"
    conf.write_text(rumqttd_conf(port))
    return ["embedded", str(conf)]


_KINDS: dict[str, Callable[[int, Path], list[str]]] = {
    "mosquitto": _find_mosquitto,
    "embedded": _find_embedded,
}


def _claim(port: int) -> int:
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


async def _start_one(kinds: tuple[str, ...], port: int, directory: Path) -> tuple[str, _Child]:
    """Start the first of these that will."""
    troubles = []
    for kind in kinds:
        try:
            child = _Child(kind, await asyncio.to_thread(_KINDS[kind], port, directory), port)
            await child.start()
        except LinkError as error:
            troubles.append(str(error))
        else:
            return kind, child
    remedy = 'install one, or name yours with broker = "mqtt://host:1883"'
    raise LinkError(f"no broker: {'; '.join(troubles)}; {remedy}")


async def _keep_alive(broker: Broker, child: _Child) -> None:
    wait_s = RESTART_FIRST_S
    while True:
        if await child.ended() > SETTLED_S:
            wait_s = RESTART_FIRST_S
        broker.restarts += 1
        await asyncio.sleep(wait_s)
        wait_s = min(2 * wait_s, RESTART_MOST_S)
        try:
            await child.start()
        except LinkError as error:
            broker.last_error = str(error)


class _Child:
    """A broker process that dies with us, in a process group of its own: Ctrl-C is not for it."""

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
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Start, and wait until it takes connections; LinkError when it does not."""
        self._started_s = time.monotonic()
        _claim(self._port)  # or another program's answer would pass for our child's
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            str(LEASH),
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
        """Wait for its death; return the seconds it lived."""
        if self._process is not None:
            await self._process.wait()
            await self._listening
        return time.monotonic() - self._started_s

    async def end(self) -> None:
        """Ask it to end, and end it when it does not."""
        process = self._process
        if process is None:
            return
        for send in (process.terminate, process.kill):
            with contextlib.suppress(ProcessLookupError, TimeoutError):
                send()
                async with asyncio.timeout(END_S):
                    await process.wait()
        await self._listening

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
        """Keep what it says last, and never let it wait for us to read."""
        if process.stderr is None:
            return
        while chunk := await process.stderr.read(4096):
            lines = chunk.decode("utf-8", "replace").splitlines()
            self._last_words.extend(line[:200] for line in lines if line.strip())

    def _said(self) -> str:
        return " / ".join(self._last_words) or "it gave no reason"
