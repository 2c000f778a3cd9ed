"""One MQTT 5 connection, from connecting to its loss; never used again after that.

paho runs without its thread: asyncio watches its socket (paho's documented external loop), so
nothing needs a lock, no thread leaks on a reconnect, and no callback runs beside our own code.
Only connecting, which blocks on names and handshakes, goes to a worker thread. A client for each
connection means that what was not acknowledged fails with it (the log sends it again), and that
a late PUBACK cannot be taken for another message's.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as paho
from paho.mqtt import MQTTException
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from detector.errors import LinkError
from detector.mqtt import properties
from detector.mqtt.contract import Message
from detector.mqtt.endpoint import Endpoint
from detector.mqtt.properties import Received

if TYPE_CHECKING:
    from paho.mqtt.client import SocketLike

KEEPALIVE_S = 5  # paho notices a frozen broker after twice this; by its default, two minutes
ACK_TIMEOUT_S = 3.0  # the real detector of a half-open connection
DIAL_TIMEOUT_S = 3.0  # each for TCP, TLS and CONNACK
WINDOW = 16  # unacknowledged at once; mosquitto's own limit is 20, beyond it clients stall
TICK_S = 1.0  # how often paho may look at its keepalive
TAKEN_OVER = 0x8E  # MQTT 5, 3.14.2.1: "Session taken over"
REFUSED_VERSION = 0x84  # so paho reads MQTT 3.1.1's code 1, too: "unacceptable protocol version"
REFUSED_USER = {0x86, 0x87, 0x8A, 0x8C}  # MQTT 5, 3.2.2.2: password, permission, ban, method
PACKET_MOST = 262_144  # bytes; the longest packet that the broker may send


@dataclass(frozen=True, slots=True)
class Ack:
    """The broker's answer to a publication; `reason_code` is MQTT 5's (0 for QoS 0)."""

    reason_code: int

    @property
    def accepted(self) -> bool:
        """Whether the broker took it; 135 (not authorised), for one, means it did not."""
        return self.reason_code < 0x80

    @property
    def no_subscribers(self) -> bool:
        """Whether it reached nobody. Only mosquitto reports that; others answer 0."""
        return self.reason_code == 0x10

    @property
    def why(self) -> str:
        """The reason code as MQTT names it."""
        try:
            return ReasonCode(PacketTypes.PUBACK, identifier=self.reason_code).getName()
        except KeyError:  # a code that MQTT 5 does not define
            return f"reason code {self.reason_code}"


class RefusedError(LinkError):
    """The broker answered with a refusal: trying again soon does not help."""


class MqttSession:
    """A connection to `endpoint`; `deliver` is called for everything that arrives."""

    def __init__(
        self,
        endpoint: Endpoint,
        client_id: str,
        *,
        will: Message | None,
        deliver: Callable[[Received], None],
    ) -> None:
        self._endpoint = endpoint
        self._deliver = deliver
        self._loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[None] = self._loop.create_future()
        self._lost: asyncio.Future[str] = self._loop.create_future()
        self._acks: dict[int, asyncio.Future[list[int]]] = {}
        self._why_dropped: str | None = None
        self.taken_over = False  # the broker ended it because another client has our name
        self._client = self._new_client(client_id, will)

    async def open(self) -> None:
        """Connect, and wait until the broker accepts.

        Raises
        ------
        LinkError
            The reason in one sentence; `RefusedError` when the broker itself refused.
        """
        dialling = self._loop.run_in_executor(None, self._dial)
        try:
            await asyncio.shield(dialling)
        except asyncio.CancelledError:
            # The thread cannot be stopped; the socket it opens is closed when it ends.
            dialling.add_done_callback(self._put_away)
            raise
        except (OSError, UnicodeError) as error:
            raise LinkError(_explain(error, self._endpoint)) from error
        try:
            self._attach()
            async with asyncio.timeout(DIAL_TIMEOUT_S):
                await self._answer
        except TimeoutError:
            self.close()
            raise LinkError(
                f"{self._endpoint} takes connections but does not answer as an MQTT 5 broker"
            ) from None
        except BaseException:
            self.close()
            raise

    async def until_lost(self) -> str:
        """Keep the connection alive; return in a sentence why it ended."""
        while not self._lost.done():
            await asyncio.wait({self._lost}, timeout=TICK_S)
            self._client.loop_misc()
        return self._lost.result()

    async def publish(self, message: Message) -> Ack:
        """Publish; return the broker's answer (for QoS 1); LinkError if it cannot come any more."""
        info = self._client.publish(
            message.topic,
            message.payload,
            message.qos,
            message.retain,
            properties.written(PacketTypes.PUBLISH, message),
        )
        if info.rc != paho.MQTT_ERR_SUCCESS:
            raise LinkError(f"the connection to {self._endpoint} is gone")
        return Ack(0 if message.qos == 0 else (await self._ack_of(info.mid))[0])

    async def subscribe(self, topic_filter: str) -> None:
        """Subscribe to a filter at QoS 1; retained flags arrive as they were sent."""
        options = SubscribeOptions(qos=1, retainAsPublished=True)
        result, mid = self._client.subscribe(topic_filter, options=options)
        if result != paho.MQTT_ERR_SUCCESS or mid is None:
            raise LinkError(f"the connection to {self._endpoint} is gone")
        if max(await self._ack_of(mid)) >= 0x80:
            raise RefusedError(f"{self._endpoint} refused the subscription to {topic_filter!a}")

    def drop(self, why: str) -> None:
        """Break the connection without a DISCONNECT: the broker then publishes the will."""
        self._why_dropped = self._why_dropped or why
        sock = self._client.socket()
        if isinstance(sock, socket.socket):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            self._client.loop_read()  # finds the end of the stream and cleans up

    def close(self) -> None:
        """Disconnect cleanly: the broker does not publish the will."""
        self._why_dropped = self._why_dropped or "closed"
        self._client.disconnect()
        self._client.loop_write()
        self.drop("closed")  # for when that last packet could not be written

    def _new_client(self, client_id: str, will: Message | None) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            protocol=paho.MQTTv5,
            reconnect_on_failure=False,
        )
        client.max_inflight_messages_set(WINDOW)
        client.connect_timeout = DIAL_TIMEOUT_S
        if self._endpoint.username is not None:
            client.username_pw_set(self._endpoint.username, self._endpoint.password)
        if will is not None:
            client.will_set(
                will.topic,
                will.payload,
                will.qos,
                will.retain,
                properties.written(PacketTypes.WILLMESSAGE, will),
            )
        client.on_connect = lambda _c, _u, _flags, reason, _p: self._answered(reason)
        client.on_disconnect = lambda _c, _u, flags, reason, _p: self._ended(
            reason if flags.is_disconnect_packet_from_server else None
        )
        client.on_publish = lambda _c, _u, mid, reason, _p: self._acknowledged(mid, [reason])
        client.on_subscribe = lambda _c, _u, mid, reasons, _p: self._acknowledged(mid, reasons)
        client.on_message = lambda _c, _u, arrived: self._arrived(arrived)
        return client

    def _put_away(self, dialled: asyncio.Future[None]) -> None:
        if dialled.exception() is None:
            self.close()

    def _dial(self) -> None:
        if self._endpoint.tls is not None:
            context = self._endpoint.tls.context()
            context.sslsocket_class = _TlsSocket
            self._client.tls_set_context(context)
        asked = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        asked.MaximumPacketSize = PACKET_MOST
        self._client.connect(
            self._endpoint.host,
            self._endpoint.port,
            KEEPALIVE_S,
            clean_start=True,
            properties=asked,
        )

    def _attach(self) -> None:
        """Let asyncio watch the socket for paho."""
        sock = self._client.socket()
        if not isinstance(sock, socket.socket):
            raise LinkError(f"{self._endpoint} closed the connection at once")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        loop, client = self._loop, self._client

        client.on_socket_close = self._unwatch
        client.on_socket_register_write = lambda _c, _u, full: loop.add_writer(full, self._write)
        client.on_socket_unregister_write = self._unwatch_write
        loop.add_reader(sock, self._read)

    def _unwatch(self, _client: paho.Client, _userdata: object, sock: SocketLike) -> None:
        self._loop.remove_reader(sock)
        self._loop.remove_writer(sock)

    def _unwatch_write(self, _client: paho.Client, _userdata: object, sock: SocketLike) -> None:
        self._loop.remove_writer(sock)

    def _read(self) -> None:
        try:
            self._client.loop_read()
            # TLS may hold decrypted packets that the selector cannot see.
            while isinstance(sock := self._client.socket(), ssl.SSLSocket) and sock.pending():
                self._client.loop_read()
        except (ValueError, LookupError, struct.error, MQTTException) as error:
            # paho's parser lets some malformed packets through as Python's own errors.
            self.drop(f"{self._endpoint} sent what is not MQTT 5: {error}"[:200])

    def _write(self) -> None:
        self._client.loop_write()

    async def _ack_of(self, mid: int) -> list[int]:
        answer: asyncio.Future[list[int]] = self._loop.create_future()
        self._acks[mid] = answer
        try:
            async with asyncio.timeout(ACK_TIMEOUT_S):
                return await answer
        except TimeoutError:
            why = f"{self._endpoint} did not acknowledge within {ACK_TIMEOUT_S:.0f} s"
            self.drop(why)
            raise LinkError(why) from None
        finally:
            del self._acks[mid]

    def _answered(self, reason: ReasonCode) -> None:
        if self._answer.done():
            return
        if reason.is_failure:
            why = _refusal(reason.value, reason.getName(), self._endpoint)
            self._answer.set_exception(RefusedError(why))
        else:
            self._answer.set_result(None)

    def _ended(self, said: ReasonCode | None) -> None:
        if self._why_dropped is not None:
            why = self._why_dropped
        elif said is not None:
            self.taken_over = said.value == TAKEN_OVER
            why = f"{self._endpoint} ended the connection: {said.getName()}"
        elif not self._answer.done():
            why = (
                f"{self._endpoint} closed the connection: it does not support MQTT 5, "
                "or does not accept the user name and password"
            )
        else:
            why = f"the connection to {self._endpoint} broke"
        if not self._lost.done():
            self._lost.set_result(why)
        waiters: list[asyncio.Future[Any]] = [self._answer, *self._acks.values()]
        for waiting in waiters:
            if not waiting.done():
                waiting.set_exception(LinkError(why))
                waiting.exception()  # retrieved: whoever waited may be gone

    def _acknowledged(self, mid: int, reasons: list[ReasonCode]) -> None:
        waiting = self._acks.get(mid)
        if waiting is not None and not waiting.done():
            waiting.set_result([reason.value for reason in reasons])

    def _arrived(self, message: paho.MQTTMessage) -> None:
        received = properties.received(
            message.topic,
            bytes(message.payload),
            retained=message.retain,
            properties=message.properties,
        )
        # Not from within paho: an error in a subscriber must not leave its parser half-way.
        self._loop.call_soon(self._deliver, received)


class _TlsSocket(ssl.SSLSocket):
    """A socket that closes itself when the handshake fails, which paho leaves open."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


def _refusal(code: int, name: str, endpoint: Endpoint) -> str:
    """Return in one sentence why a broker refused the connection, and what to do."""
    if code == REFUSED_VERSION:
        return (
            f"{endpoint} does not support MQTT 5: use a broker that does, such as mosquitto 1.6 or "
            "newer"
        )
    remedy = "look at the broker's log for the reason"
    if code in REFUSED_USER:
        remedy = "check the user name, the password and their permissions"
    return f"{endpoint} refused the connection: {name}; {remedy}"


def _explain(error: Exception, endpoint: Endpoint) -> str:
    """Return in one sentence why connecting failed, and what to do."""
    match error:
        case ConnectionRefusedError():
            return f"nothing listens on {endpoint}: start the broker, or correct its address"
        case socket.gaierror() | UnicodeError():
            return f"no machine is known as {endpoint.host!a}: check the broker's address"
        case ssl.SSLCertVerificationError():
            return (
                f"the certificate of {endpoint} is not trusted ({error.verify_message}): "
                "name its authority as ca_file, or correct the address"
            )
        case ssl.SSLError():
            return f"no TLS with {endpoint} ({error.reason or error}): is that its TLS port?"
        case TimeoutError():
            return f"{endpoint} did not answer within {DIAL_TIMEOUT_S:.0f} s"
        case OSError():
            return f"{endpoint} cannot be reached: {error.strerror or error}"
    raise error
