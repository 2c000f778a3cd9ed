"""A broker to publish to: the configured one, or a child process that is restarted if it fails.

No event depends on it: the log keeps every event until it is acknowledged, and what is retained is
published again on every connection. So the child stores nothing, and listens on loopback only.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import secrets
import socket
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from detector.errors import ConfigError, LinkError
from detector.mqtt.broker_process import KINDS, LOOPBACK, BrokerProcess, claim
from detector.mqtt.endpoint import Endpoint
from detector.mqtt.session import MqttSession

RESTART_FIRST_S = 0.1  # after a single fault it is back before a receiver notices
RESTART_MOST_S = 5.0  # one that cannot start costs no core, and is there soon after it can
SETTLED_S = 10.0  # a broker that ran this long works: the next wait is short again
ASK_EVERY_S = 5.0  # a probe this often costs nothing
GONE_ASKS = 12  # in a row: a minute, longer than any broker's restart or update takes
FROZEN_ASKS = 2  # in a row without an answer within 3 s each: restarted some 13 s after it froze


class Broker:
    """The broker in use; `endpoint` is None when there is to be none.

    Attributes
    ----------
    kind : `url` as configured, `found` on our port, `mosquitto` or `embedded` as a child, `none`
    note : a sentence for a person about the choice; empty where it is as expected
    restarts : of a child that died or froze
    last_error : why the latest restart failed
    """

    def __init__(
        self,
        kind: str,
        endpoint: Endpoint | None,
        child: BrokerProcess | None = None,
        *,
        note: str = "",
    ) -> None:
        self.kind = kind
        self.endpoint = endpoint
        self.note = note
        self.restarts = 0
        self.last_error: str | None = None
        self._child = child

    def stand_in(self, kind: str, child: BrokerProcess) -> None:
        """Have a child of ours from now on, on the same endpoint."""
        self.kind = kind
        self._child = child

    @property
    def pid(self) -> int | None:
        """Process id of the managed child, if there is one."""
        return None if self._child is None else self._child.pid


@contextlib.asynccontextmanager
async def provide(
    choice: str | Endpoint = "auto",
    *,
    port: int = 1883,
    username: str | None = None,
    password: str | None = None,
    patient: bool = False,
) -> AsyncIterator[Broker]:
    """Provide a broker until the block ends; a child that dies or freezes is restarted.

    Where one that was found on our port goes and leaves the port free, as that of another wearer
    whose night is over, ours takes its place.

    Parameters
    ----------
    choice : an endpoint: that broker. `mosquitto` or `embedded`: a child. `auto`: the one that
        listens on `port` and accepts us, else mosquitto where it is installed, else the embedded
        one. `none`
    port : of the child, or a free one where that is taken; 0 picks a free one
    username, password : for a broker that is found
    patient : try again for as long as the block lasts where none starts; `last_error` says why

    Raises
    ------
    ConfigError
        The choice is none of these.
    LinkError
        No broker is installed, or it did not start: why, and what to do.
    """
    if isinstance(choice, Endpoint):
        yield Broker("url", choice)
        return
    if choice == "none":
        yield Broker("none", None)
        return
    kinds = {"auto": tuple(KINDS), **{kind: (kind,) for kind in KINDS}}.get(choice)
    if kinds is None:
        raise ConfigError(
            f"broker must be auto, mosquitto, embedded, none or an endpoint, got {choice!a:.80}"
        )
    note = remedy = ""
    if choice == "auto" and port and _is_taken(port):
        found = Endpoint(host=LOOPBACK, port=port, username=username, password=password)
        refusal = await _refusal(found)
        if refusal is None:
            broker = Broker("found", found, note=f"the broker that listens on {found} is used")
            guard = asyncio.create_task(_stand_in(broker, kinds, port))
            try:
                yield broker
            finally:
                guard.cancel()
                await asyncio.wait({guard})
            return
        note = f"the program that listens on {found} cannot be used ({refusal})"
        remedy = ". If that is your broker, set mqtt.username and mqtt.password_file"
    elif port and _is_taken(port):
        note = f"port {port} on {LOOPBACK} is in use by another program"
    port = claim(0 if note else port)
    if note:
        note += f": spasmwatch's own broker listens on port {port} instead{remedy}"
    with tempfile.TemporaryDirectory(prefix="spasmwatch-broker-") as directory:
        try:
            kind, child = await _start_one(kinds, port, Path(directory))
        except LinkError as error:
            if not _is_taken(port):
                if not patient:
                    raise
                async with _later(kinds, port, error) as broker:
                    yield broker
                return
            # Another came first, as that of a second wearer when both begin as the computer starts.
            again = provide(
                choice, port=port, username=username, password=password, patient=patient
            )
            async with again as broker:
                yield broker
            return
        broker = Broker(kind, Endpoint(host=LOOPBACK, port=port), child, note=note)
        async with _kept(broker, child):
            yield broker


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
        except OverflowError:
            return False  # not a port: `claim` raises
    return False


async def _refusal(endpoint: Endpoint) -> str | None:
    """Return why a client cannot connect; None if it can."""
    client_id = f"spasmwatch-asks-{secrets.token_hex(4)}"
    session = MqttSession(endpoint, client_id, will=None, deliver=lambda _: None)
    try:
        await session.open()
    except LinkError as error:
        return str(error)
    session.close()
    return None


async def _start_one(
    kinds: tuple[str, ...], port: int, directory: Path
) -> tuple[str, BrokerProcess]:
    """Start the first of these that starts; LinkError when none does."""
    troubles = []
    for kind in kinds:
        try:
            child = BrokerProcess(kind, await asyncio.to_thread(KINDS[kind], port, directory), port)
            await child.start()
        except LinkError as error:
            troubles.append(str(error))
        else:
            return kind, child
    remedy = 'install one, or name yours with broker = "mqtt://host:1883"'
    raise LinkError(f"no broker: {'; '.join(troubles)}; {remedy}")


async def _stand_in(broker: Broker, kinds: tuple[str, ...], port: int) -> None:
    """Have ours where the one that was found has been gone for a while, until cancelled."""
    asks = 0
    while asks < GONE_ASKS:
        await asyncio.sleep(ASK_EVERY_S)
        asks = 0 if _is_taken(port) else asks + 1
    await _start_late(broker, kinds, port)


@contextlib.asynccontextmanager
async def _later(kinds: tuple[str, ...], port: int, error: LinkError) -> AsyncIterator[Broker]:
    """Provide a broker that could not be started yet, and have it start once it can."""
    broker = Broker(kinds[-1], Endpoint(host=LOOPBACK, port=port))
    broker.last_error = str(error)
    starting = asyncio.create_task(_start_late(broker, kinds, port))
    try:
        yield broker
    finally:
        starting.cancel()
        await asyncio.wait({starting})


async def _start_late(broker: Broker, kinds: tuple[str, ...], port: int) -> None:
    """Start a child of ours as soon as one starts; keep it until cancelled."""
    with tempfile.TemporaryDirectory(prefix="spasmwatch-broker-") as directory:
        while True:
            try:
                kind, child = await _start_one(kinds, port, Path(directory))
            except (LinkError, OSError) as error:  # another came first, or there is none
                broker.last_error = str(error)
                await asyncio.sleep(ASK_EVERY_S)
                continue
            broker.stand_in(kind, child)
            broker.last_error = None
            async with _kept(broker, child):
                await asyncio.Event().wait()


@contextlib.asynccontextmanager
async def _kept(broker: Broker, child: BrokerProcess) -> AsyncIterator[None]:
    """Restart the child when it dies or freezes, for as long as the block lasts; then end it."""
    guards = [
        asyncio.create_task(_keep_alive(broker, child)),
        asyncio.create_task(_end_when_frozen(broker, child)),
    ]
    try:
        yield
    finally:
        for guard in guards:
            guard.cancel()
        await asyncio.wait(guards)
        await child.end()


async def _keep_alive(broker: Broker, child: BrokerProcess) -> None:
    wait_s = RESTART_FIRST_S
    while True:
        if await child.ended() > SETTLED_S:
            wait_s = RESTART_FIRST_S
        broker.restarts += 1
        await asyncio.sleep(wait_s)
        wait_s = min(2 * wait_s, RESTART_MOST_S)
        try:
            await child.start()
        except (LinkError, OSError) as error:  # also: no memory, files or processes left
            broker.last_error = str(error)


async def _end_when_frozen(broker: Broker, child: BrokerProcess) -> None:
    """Kill a child that runs but answers no client, so that `_keep_alive` starts it again."""
    if broker.endpoint is None:
        return
    unanswered = 0
    while True:
        await asyncio.sleep(ASK_EVERY_S)
        pid = child.pid
        unanswered = 0 if await _refusal(broker.endpoint) is None else unanswered + 1
        if unanswered >= FROZEN_ASKS and child.pid == pid:
            unanswered = 0
            child.kill()
