"""One connection with one sensor: connect, subscribe, write what is asked for, watch, hang up."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from functools import partial

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic

from detector.devices.interpreter import Interpreter
from detector.devices.profile import Chunk, Driver, Refused, Write
from detector.devices.stream import Item, LinkUp, Packet, Reading
from detector.errors import LinkError
from detector.sources.clock import Clock
from detector.sources.radio import Adapter, ClientBackend, Heard, ask

# Connecting and discovering took 13 s on a link with a 400 ms interval; bleak's own limit is 30.
_CONNECT_S = 30.0
# A few round trips of at most 1 s each, and a supervision timeout of 6 s on a link that is lost.
_REQUEST_S = 10.0
# The battery is worth a look, not a late start of the night.
_OPTIONAL_S = 5.0
# One round trip on a slow link; whoever ends the program should not have to wait for longer.
_GOODBYE_S = 2.0
# BlueZ gives up after 2 s by itself.
_DISCONNECT_S = 5.0

# Two frames of the slowest sensor may be late. After three times that the link is held for dead,
# whatever it says of itself (bleak issue 690): 15 s at least.
_QUIET_S, _QUIET_FRAMES = 5.0, 3
_DEAD_AFTER = 3

_MOST_ITEMS = 4096  # 45 minutes of a sensor at 52 Hz, at most 3 MB
_MOST_WRITES = 32  # a conversation has one or two under way; a mad sensor could ask for more


class Inbox:
    """What arrived and nobody has looked at yet; the oldest are dropped when nobody does.

    Attributes
    ----------
    dropped : items lost because the reader was too slow
    late : notifications that came after their session was over
    """

    def __init__(self) -> None:
        self.items: deque[Item] = deque(maxlen=_MOST_ITEMS)
        self.arrived = asyncio.Event()
        self.dropped = 0
        self.late = 0

    def put(self, item: Item) -> None:
        """Add an item; never fails, so that a callback of the radio may call it."""
        self.dropped += len(self.items) == _MOST_ITEMS
        self.items.append(item)
        self.arrived.set()


class Session:
    """One connection. The reader of the inbox gives back through `take` what it decoded.

    Parameters
    ----------
    number : in every item that it puts into the inbox
    interpreter : the reader's; asked for the writes that restart a stream or say goodbye
    """

    def __init__(
        self,
        number: int,
        heard: Heard,
        driver: Driver,
        *,
        inbox: Inbox,
        interpreter: Interpreter,
        clock: Clock,
        adapter: Adapter,
        backend: ClientBackend | None,
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
        # Always a new client: one that was connected before keeps the state of its old link.
        self._client = BleakClient(
            heard.device, self._disconnected, timeout=_CONNECT_S, backend=backend
        )
        self._writes: deque[Write] = deque(maxlen=_MOST_WRITES)
        self._wake = asyncio.Event()
        self._over: str | None = None  # why
        self.refused = False  # the sensor cannot stream as it is
        self._restarted = False
        self._frame_s = 0.0
        self._last_data_s: float | None = None
        self._alive_s = 0.0  # loop time of the last data, or of the end of the subscription

    @property
    def last_data_s(self) -> float | None:
        """Loop time at which samples were last decoded; None while there were none."""
        return self._last_data_s

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
        self._adapter.linked.add(self.address)

    async def serve(self) -> None:
        """Keep the sensor streaming until its link is lost; says goodbye when cancelled.

        Raises
        ------
        LinkError
            The link was lost, fell silent, or the sensor cannot stream; the message says which.
        """
        self._inbox.put(
            LinkUp(self.number, self._driver.name, self.address, self.name, *self._now())
        )
        try:
            await self._subscribe()
            self._alive_s = asyncio.get_running_loop().time()
            while True:
                await self._step()
        except asyncio.CancelledError:
            await self._say_goodbye()
            raise
        finally:
            self._over = self._over or "closed"
            await self._hang_up()

    def take(self, reading: Reading) -> None:
        """Learn what became of an item of this session."""
        if self._last_data_s is None and isinstance(reading.item, Packet) and not reading.error:
            # On a slow link the talk that begins a stream takes seconds: it is no silence yet.
            self._alive_s = asyncio.get_running_loop().time()
        for output in reading.outputs:
            match output:
                case Write():
                    self._writes.append(output)
                    self._wake.set()
                case Chunk():
                    self._last_data_s = self._alive_s = asyncio.get_running_loop().time()
                    self._restarted = False
                    if output.fs is not None:
                        self._frame_s = len(output.samples) / output.fs
                case Refused():
                    self.refused = True
                    self._end(f"{self._label} cannot be used: {output.reason}.")

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
                await ask("read the battery", self._look_at(channel), _OPTIONAL_S)

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
            raise LinkError(self._over)
        if self._writes:
            await self._write(self._writes.popleft(), _REQUEST_S)
            return
        quiet_s = max(_QUIET_S, _QUIET_FRAMES * self._frame_s)
        silent_s = asyncio.get_running_loop().time() - self._alive_s
        if self._inbox.items:
            silent_s = 0.0  # the reader is behind: what it will find cannot be judged yet
        if silent_s >= _DEAD_AFTER * quiet_s:
            raise LinkError(f"{self._label} sent no samples for {silent_s:.0f} s.")
        if silent_s >= quiet_s and not self._restarted:
            self._restarted = True
            self._writes.extend(self._interpreter.restart())
            return
        next_s = _DEAD_AFTER * quiet_s if self._restarted else quiet_s
        with suppress(TimeoutError):
            async with asyncio.timeout(next_s - silent_s):
                await self._wake.wait()

    async def _write(self, write: Write, timeout_s: float) -> None:
        call = self._client.write_gatt_char(write.channel, write.data, response=True)
        await ask(f"write to {self._label}", call, timeout_s)

    async def _say_goodbye(self) -> None:
        if self._over:
            return
        with suppress(LinkError):
            for write in self._interpreter.close():
                await self._write(write, _GOODBYE_S)

    async def _hang_up(self) -> None:
        self._adapter.linked.discard(self.address)
        with suppress(LinkError):
            await ask(f"disconnect {self._label}", self._client.disconnect(), _DISCONNECT_S)

    def _disconnected(self, _client: BleakClient) -> None:
        self._end(f"The link to {self._label} was lost.")

    def _end(self, why: str) -> None:
        self._over = self._over or why
        self._wake.set()

    def _notified(self, channel: str, _from: BleakGATTCharacteristic, data: bytearray) -> None:
        self._receive(channel, data)

    def _receive(self, channel: str, data: bytearray) -> None:
        """Only copy and stamp: this runs inside the radio's callback."""
        if self._over:
            self._inbox.late += 1
            return
        self._inbox.put(Packet(self.number, channel, bytes(data), *self._now()))

    def _now(self) -> tuple[int, int]:
        return self._clock.mono_ns(), self._clock.utc_ns()
