"""A connection to the broker that is always made anew, with the reason in words when it fails."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from paho.mqtt.client import topic_matches_sub

from detector.errors import ConfigError, LinkError
from detector.mqtt.contract import COMMAND_MOST, Message
from detector.mqtt.endpoint import Endpoint
from detector.mqtt.properties import Received
from detector.mqtt.session import WINDOW, Ack, MqttSession, RefusedError

RETRY_FIRST_S = 0.25
RETRY_MOST_S = 2.0  # connected again within 3 s of a broker's return
RETRY_REFUSED_S = 30.0  # a wrong password stays wrong, and brokers lock out clients that retry fast
RETRY_TAKEN_S = 15.0
"""The client that took our name connects again, too: without a pause the two would disconnect each
other, with `online` and `offline` in turn, dozens of times a minute."""
SETTLED_S = 5.0  # a connection that lasted this long works: the next wait is short again
FAREWELL_S = 1.0  # a dead broker must not delay the exit

Handler = Callable[[Received], None]


@dataclass(frozen=True, slots=True)
class BrokerState:
    """Whether a broker is there, since when (monotonic s), and what the last trouble was."""

    connected: bool
    since_s: float
    last_error: str | None = None
    connections: int = 0


class Link:
    """Keep one connection to `endpoint` while `run()` runs; cancelling that disconnects cleanly.

    Parameters
    ----------
    client_id : unique at the broker; a second client with the same id disconnects the first
    will : published by the broker when this process vanishes
    closing : called at the end; returns what is published before a clean disconnection
    on_connect : awaited after every connection, e.g. to publish retained state again
    sign : returns the signature of a topic and payload, for every message and the will
    mono_s : the clock of `state`
    """

    def __init__(
        self,
        endpoint: Endpoint,
        client_id: str,
        *,
        will: Message | None = None,
        closing: Callable[[], Sequence[Message]] = tuple,
        on_connect: Callable[[], Awaitable[None]] | None = None,
        sign: Callable[[str, str], str] | None = None,
        mono_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.endpoint = endpoint
        self.too_long = 0  # arrived publications that were longer than their subscriber takes
        self._client_id = client_id
        self._will = will
        self._closing = closing
        self._on_connect = on_connect
        self._sign = sign
        self._mono_s = mono_s
        self._state = BrokerState(connected=False, since_s=mono_s(), last_error="not yet connected")
        self._up = asyncio.Event()
        self._session: MqttSession | None = None
        self._window = asyncio.Semaphore(WINDOW)
        self._subscriptions: list[tuple[str, Handler, int]] = []
        self._taken_over = False  # the connection before
        # When another client took our name: two are looked for, those of the latest minute.
        self.taken_over_s: deque[float] = deque(maxlen=8)
        self.refused_subscriptions: dict[str, str] = {}  # by filter, why

    @property
    def state(self) -> BrokerState:
        """Present state of the connection."""
        return self._state

    async def connected(self) -> None:
        """Wait until the broker is there; wrap it in a timeout."""
        await self._up.wait()

    async def run(self) -> None:
        """Connect, and connect again whenever that is needed, until cancelled."""
        wait_s = RETRY_FIRST_S
        try:
            while True:
                try:
                    why = await self._live_once()
                    if self._mono_s() - self._state.since_s > SETTLED_S:
                        wait_s = RETRY_FIRST_S
                    self._down(why)
                    await asyncio.sleep(RETRY_TAKEN_S if self._taken_over else wait_s)
                except (RefusedError, ConfigError) as error:
                    self._down(str(error))
                    await asyncio.sleep(RETRY_REFUSED_S)
                except LinkError as error:
                    self._down(str(error))
                    await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, RETRY_MOST_S)
        finally:
            await self._part()

    async def publish(self, message: Message) -> Ack:
        """Publish; return the broker's answer (for QoS 1), which may be a refusal.

        Raises
        ------
        LinkError
            There is no connection, or it was lost before the answer came: send it again later.
        """
        async with self._window:
            if self._session is None:
                raise LinkError(f"no broker: {self._state.last_error}")
            return await self._session.publish(self._signed(message))

    async def subscribe(
        self, topic_filter: str, handler: Handler, *, most_bytes: int = COMMAND_MOST
    ) -> None:
        """Call `handler` for whatever matches, on this and on every later connection.

        Longer payloads are dropped and counted. The handler runs on the event loop and returns at
        once: nothing is queued here, a flood waits in the socket.
        """
        others = [each for each in self._subscriptions if each[0] != topic_filter]
        self._subscriptions = [*others, (topic_filter, handler, most_bytes)]
        if self._session is not None:
            await self._subscribe(self._session, topic_filter)

    async def _live_once(self) -> str:
        """Run one connection to its end; return in a sentence why it ended."""
        will = None if self._will is None else self._signed(self._will)
        session = MqttSession(self.endpoint, self._client_id, will=will, deliver=self._deliver)
        await session.open()
        self._session = session
        self._state = replace(
            self._state,
            connected=True,
            since_s=self._mono_s(),
            connections=self._state.connections + 1,
        )
        self._up.set()
        async with asyncio.TaskGroup() as beside:
            greeting = beside.create_task(self._greet(session))
            why = await session.until_lost()
            self._taken_over = session.taken_over
            if session.taken_over:
                self.taken_over_s.append(self._mono_s())
            greeting.cancel()
        return why

    async def _greet(self, session: MqttSession) -> None:
        with contextlib.suppress(LinkError):  # lost again already: the next connection calls it
            for topic_filter, _, _ in self._subscriptions:
                await self._subscribe(session, topic_filter)
            if self._on_connect is not None:
                await self._on_connect()

    async def _subscribe(self, session: MqttSession, topic_filter: str) -> None:
        """Subscribe; a refusal is kept for `refused_subscriptions` and stops nothing else."""
        self.refused_subscriptions.pop(topic_filter, None)
        try:
            await session.subscribe(topic_filter)
        except RefusedError as error:
            self.refused_subscriptions[topic_filter] = str(error)

    def _signed(self, message: Message) -> Message:
        if self._sign is None:
            return message
        return replace(message, signature=self._sign(message.topic, message.payload))

    def _down(self, why: str) -> None:
        self._session = None
        self._up.clear()
        since_s = self._mono_s() if self._state.connected else self._state.since_s
        self._state = replace(self._state, connected=False, since_s=since_s, last_error=why)

    async def _part(self) -> None:
        if self._session is None:
            return
        with contextlib.suppress(LinkError, TimeoutError):
            async with asyncio.timeout(FAREWELL_S):
                for message in self._closing():
                    await self._session.publish(self._signed(message))
        self._session.close()
        self._down("closed")

    def _deliver(self, received: Received) -> None:
        for topic_filter, handler, most_bytes in self._subscriptions:
            if topic_matches_sub(topic_filter, received.topic):
                if len(received.payload) > most_bytes:
                    self.too_long += 1
                else:
                    handler(received)
