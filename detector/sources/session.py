"""One connection with one sensor: connect, subscribe, decode, write, detect silence, disconnect.

Notifications are decoded as they arrive and the driver's writes are performed at once, whether or
not the consumer takes the readings.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import NoReturn

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic

from detector.alerts.conditions import Condition
from detector.devices.interpreter import Interpreter
from detector.devices.profile import Chunk, Driver, Refused, Write
from detector.devices.stream import LinkUp, Packet, Reading
from detector.errors import LinkError
from detector.sources.clock import Clock
from detector.sources.inbox import Inbox
from detector.sources.radio import Adapter, Advertiser, ClientBackend, ask
from detector.systemd import is_running
from detector.words.bluetooth import BluetoothFault, fault_words

log = logging.getLogger(__name__)

# Connecting and discovering took 13 s on a link with a 400 ms interval; bleak's own limit is 30.
_CONNECT_S = 30.0
# A few round trips of at most 1 s each, and a supervision timeout of 6 s on a link that is lost.
_REQUEST_S = 10.0
# Battery and button are optional: reading one must not delay the stream for longer.
_OPTIONAL_S = 5.0
# One round trip on a slow link; a person who ends the program waits for it.
_GOODBYE_S = 2.0
# BlueZ gives up after 2 s by itself.
_DISCONNECT_S = 5.0

# Two frames of the slowest sensor may be late. After three times that the link is considered lost,
# even if bleak reports it as connected (bleak issue 690): 15 s at least.
_QUIET_S, _QUIET_FRAMES = 5.0, 3
_DEAD_AFTER = 3

# A timer that is late by more than this: the event loop was blocked (a busy processor, a paused
# debugger), so packets that had arrived could not be delivered either. The silence is then counted
# anew, but once: a computer that is always late must still notice a silent sensor.
_BLOCKED_S = 1.0

# Between two questions whether a Bluetooth service that hung goes on.
_ASK_AGAIN_S = 1.0

_MOST_WRITES = 32  # a conversation has one or two pending; a faulty sensor could cause more


class ConsumerBehindError(LinkError):
    """The inbox is full: the session ends, because a hole inside it could not be replayed."""


class SensorSession:
    """One connection, from `connect` to the end of `serve`.

    Parameters
    ----------
    number : in every item that it puts into the inbox
    interpreter : shared by the sessions of a sensor, as in a replay
    pulse : returns which process of the Bluetooth service answers, None while it hangs; None
        where there is no such service

    Attributes
    ----------
    trouble : name and words, while the Bluetooth service and not the sensor is what is silent
    """

    def __init__(
        self,
        number: int,
        heard: Advertiser,
        driver: Driver,
        *,
        inbox: Inbox,
        interpreter: Interpreter,
        clock: Clock,
        adapter: Adapter,
        backend: ClientBackend | None,
        pulse: Callable[[], Awaitable[str | None]] | None = None,
    ) -> None:
        self.number = number
        self.address = heard.advertisement.address
        self.name = heard.advertisement.name
        self._label = repr(self.name or self.address)  # a name is hostile text
        self._driver = driver
        self._inbox = inbox
        self._interpreter = interpreter
        self._clock = clock
        self._adapter = adapter
        self._pulse = pulse
        self._service: str | None = None  # the process that the link was made by
        self.trouble: tuple[Condition, str] | None = None
        # Always a new client: one that was connected before keeps the state of its old link.
        self._client = BleakClient(
            heard.device, self._disconnected, timeout=_CONNECT_S, backend=backend
        )
        self._writes: deque[Write] = deque(maxlen=_MOST_WRITES)
        self._wake = asyncio.Event()
        self._over: Exception | None = None  # why it must end
        self._restarted = False
        self._forgiven = False  # since the last data, a silence was counted anew
        self._frame_s = 0.0
        self._alive_s = 0.0  # loop time of the last data, or of the end of the subscription
        self.refused = False  # the sensor cannot stream as it is
        self.first_data_s: float | None = None  # loop time at which samples were first decoded
        self.last_data_s: float | None = None  # and last

    async def connect(self) -> None:
        """Connect; LinkError when that fails."""
        try:
            await ask(f"connect to {self._label}", self._client.connect(), _CONNECT_S)
        except BaseException:
            # Without it, a half-made connection keeps one of BlueZ' few slots.
            await self._hang_up()
            raise
        if self._client.is_connected:
            # bleak tries again by itself where BlueZ aborts a connection, and reports the aborted
            # one as lost: that was not this one.
            self._over = None
        if self._pulse is not None:
            self._service = await self._pulse()
        self._adapter.linked.add(self.address)

    async def serve(self) -> NoReturn:
        """Keep the sensor streaming until its link is lost; stop the stream when cancelled.

        Raises
        ------
        LinkError
            The link was lost, fell silent, or the sensor cannot stream; the message says which.
        Exception
            Any other one is a fault in the driver; its notes hold the bytes that caused it.
        """
        try:
            up = LinkUp(self.number, self._driver.name, self.address, self.name, *self._now())
            self._hand_on(self._interpreter.feed(up))
            await self._subscribe()
            self._alive_s = asyncio.get_running_loop().time()
            while True:
                await self._step()
        except (asyncio.CancelledError, ConsumerBehindError):
            await self._end_stream()
            raise
        finally:
            self._over = self._over or LinkError("closed")
            await self._hang_up()

    def _hand_on(self, reading: Reading) -> None:
        """Queue a reading for the consumer, and act on what the driver made of it."""
        self._inbox.put(reading)
        now_s = asyncio.get_running_loop().time()
        if self.first_data_s is None and isinstance(reading.item, Packet) and not reading.error:
            # On a slow link the exchange that starts a stream takes seconds: that is no silence.
            self._alive_s = now_s
        for output in reading.outputs:
            match output:
                case Write():
                    self._writes.append(output)
                    self._wake.set()
                case Chunk():
                    if self.first_data_s is None:
                        self.first_data_s = now_s
                    self.last_data_s = self._alive_s = now_s
                    self.trouble = None
                    self._restarted = self._forgiven = False
                    if output.fs is not None:
                        self._frame_s = len(output.samples) / output.fs
                case Refused():
                    self.refused = True
                    self._end(LinkError(f"{self._label} cannot be used: {output.reason}."))

    async def _subscribe(self) -> None:
        for channel in self._driver.read_first:
            await ask(f"read {self._label}", self._read(channel), _REQUEST_S)
        for channel in self._driver.channels:
            await ask(
                f"subscribe to {self._label}",
                self._client.start_notify(channel, partial(self._notified, channel)),
                _REQUEST_S,
            )
        for channel in self._driver.optional_channels:
            with suppress(LinkError):
                await ask("read what is optional", self._look_at(channel), _OPTIONAL_S)

    async def _read(self, channel: str) -> None:
        characteristic = self._client.services.get_characteristic(channel)
        if characteristic is not None:
            self._receive(channel, await self._client.read_gatt_char(characteristic))

    async def _look_at(self, channel: str) -> None:
        characteristic = self._client.services.get_characteristic(channel)
        if characteristic is None:
            return
        if "read" in characteristic.properties:
            self._receive(channel, await self._client.read_gatt_char(characteristic))
        if "notify" in characteristic.properties:
            await self._client.start_notify(characteristic, partial(self._notified, channel))

    async def _step(self) -> None:
        """Do the next write, or wait until there is something to do."""
        self._wake.clear()
        if self._over:
            raise self._over
        if self._writes:
            await self._write(self._writes.popleft(), _REQUEST_S)
            return
        loop = asyncio.get_running_loop()
        quiet_s = max(_QUIET_S, _QUIET_FRAMES * self._frame_s)
        dead_s = self._alive_s + _DEAD_AFTER * quiet_s
        is_quiet = loop.time() >= self._alive_s + quiet_s
        if is_quiet and (loop.time() >= dead_s or not self._restarted) and await self._is_frozen():
            return
        if loop.time() >= dead_s:
            silent_s = loop.time() - self._alive_s
            raise LinkError(f"{self._label} sent no samples for {silent_s:.0f} s.")
        if is_quiet and not self._restarted:
            self._restarted = True
            self._writes.extend(self._interpreter.restart())
            return
        due_s = dead_s if self._restarted else self._alive_s + quiet_s
        with suppress(TimeoutError):
            async with asyncio.timeout_at(due_s):
                await self._wake.wait()
        if loop.time() - due_s > _BLOCKED_S and not self._forgiven:
            self._forgiven = True
            self._alive_s = loop.time()

    async def _is_frozen(self) -> bool:
        """Whether the Bluetooth service is what is silent; wait a moment if it is.

        What the sensor sends waits in a service that hangs, and comes when it goes on. Until then
        a new link could not be made either, and to end this one would lose what waits.
        """
        if self._pulse is None:
            return False
        before_s = self._alive_s
        answers = await self._pulse()
        if self._over or self._alive_s != before_s:
            return True  # samples, or the end of the link, came meanwhile
        if answers is None:
            said = fault_words(BluetoothFault.NO_ANSWER, systemd=is_running())
            self.trouble = Condition.BLUETOOTH, said
            with suppress(TimeoutError):
                async with asyncio.timeout(_ASK_AGAIN_S):
                    await self._wake.wait()
            return True
        was_frozen, self.trouble = self.trouble is not None, None
        if self._service is not None and answers != self._service:
            raise LinkError("The Bluetooth service that had the link has ended.")
        if was_frozen:
            self._alive_s = asyncio.get_running_loop().time()
        return was_frozen

    async def _write(self, write: Write, timeout_s: float) -> None:
        call = self._client.write_gatt_char(write.channel, write.data, response=True)
        await ask(f"write to {self._label}", call, timeout_s)

    async def _end_stream(self) -> None:
        if not self._client.is_connected:
            return
        with suppress(LinkError):
            for write in self._interpreter.close():
                await self._write(write, _GOODBYE_S)

    async def _hang_up(self) -> None:
        self._adapter.linked.discard(self.address)
        with suppress(LinkError):
            await ask(f"disconnect {self._label}", self._client.disconnect(), _DISCONNECT_S)

    def _disconnected(self, _client: BleakClient) -> None:
        self._end(LinkError(f"The link to {self._label} was lost."))

    def _end(self, why: Exception) -> None:
        self._over = self._over or why
        self._wake.set()

    def _notified(self, channel: str, _from: BleakGATTCharacteristic, data: bytearray) -> None:
        self._receive(channel, data)

    def _receive(self, channel: str, data: bytearray) -> None:
        """Decode a notification. Never raises: bleak calls it, and would only log the exception."""
        if self._inbox.full:
            waiting = f"{self._inbox.waiting} notifications of {self._label} are not yet processed"
            self._end(ConsumerBehindError(f"This computer is too slow: {waiting}."))
        if self._over:
            if isinstance(self._over, ConsumerBehindError):
                self._inbox.dropped += 1
            else:
                self._inbox.late += 1
            return
        packet = Packet(self.number, channel, bytes(data), *self._now())
        try:
            reading = self._interpreter.feed(packet)
        except Exception as error:  # a fault in the driver: `serve` raises it
            # What the sensor measured is for a log at DEBUG only: it is the wearer's data.
            log.debug("the driver failed at %s: %s", channel, packet.data.hex(" "))
            self._end(error)
            return
        self._hand_on(reading)

    def _now(self) -> tuple[int, int]:
        return self._clock.mono_ns(), self._clock.utc_ns()
