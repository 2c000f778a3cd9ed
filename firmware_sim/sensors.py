"""Virtual sensors: GATT servers on the virtual air whose firmware plays what they feel."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Any

import numpy as np
from bumble import gatt, hci
from bumble.device import Connection, Device
from bumble.host import Host

from firmware_sim.attributes import Characteristic, advertisements, properties_of, uuid_of
from firmware_sim.cancellation import cancellable
from firmware_sim.faults import LinkDrop, in_order
from firmware_sim.playback import SensorClock, Trace, quantise, sample_ns
from firmware_sim.radio import AirController, Ether
from firmware_sim.wearables.firmware import Attribute, Can, Measuring, Say, Service, Wearable

Announce = Callable[[dict[str, Any]], None]

NOTIFICATION_HEADER = 3  # ATT opcode and handle
ADVERTISING_INTERVAL_MS = 100.0
POWER_OFF_GRACE_S = 0.5
"""Wall time between the last frame and switching off, for the listener to say goodbye."""
POWER_OFF_REASON = hci.HCI_REMOTE_DEVICE_TERMINATED_CONNECTION_DUE_TO_POWER_OFF_ERROR
HOURS_PER_BATTERY_PERCENT = 0.2
"""A charge of about 20 h, between the makers' figures and what owners report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorPlan:
    """One virtual sensor and its night.

    Parameters
    ----------
    serial : device id, eight hex digits in its name; also makes its address
    speed : how many times faster than real time, > 0
    frame_samples : most samples in one frame, None for the usual number; fewer where they would not
        fit the link's MTU
    """

    model: Wearable
    trace: Trace
    serial: int = 0x3F2A1C29
    speed: float = 1.0
    frame_samples: int | None = None
    drops: tuple[LinkDrop, ...] = ()
    drift_ppm: float = 0.0
    battery_percent: int = 100

    def __post_init__(self) -> None:
        if not 0 <= self.serial <= 0xFFFF_FFFF:
            raise ValueError(f"serial must have at most eight hex digits, got {self.serial:X}")
        if not 0 < self.speed < float("inf"):
            raise ValueError(f"speed must be > 0, got {self.speed}")
        if self.frame_samples is not None and not 1 <= self.frame_samples <= 1000:
            raise ValueError(f"frame_samples must be 1 to 1000, got {self.frame_samples}")
        if not 0 <= self.battery_percent <= 100:
            raise ValueError(f"battery_percent must be 0 to 100, got {self.battery_percent}")
        object.__setattr__(self, "drops", in_order(self.drops))

    @property
    def name(self) -> str:
        """Advertised name."""
        return self.model.called(self.serial)

    @property
    def address(self) -> str:
        """Static random address, upper case."""
        return ":".join(f"{byte:02X}" for byte in (0xC0, 0x5E, *self.serial.to_bytes(4)))


class VirtualSensor:
    """A sensor that is worn from the first start of its stream to the end of its trace.

    Without a listener it goes on feeling: what it would have sent is lost. A link that is merely
    slow makes it wait, and its time with it.
    """

    def __init__(self, plan: SensorPlan, ether: Ether, announce: Announce) -> None:
        self._plan = plan
        self._ether = ether
        self._announce = announce
        self._firmware = plan.model.make(plan.trace.fs)
        self._clock = SensorClock(plan.speed, plan.drift_ppm)
        self._worn = asyncio.Event()
        self._drops = deque(drop for drop in plan.drops if drop.at_s < plan.trace.duration_s)
        self._reachable = True
        self._streaming: asyncio.Task[None] | None = None
        self._answering: set[asyncio.Task[None]] = set()
        self._samples_sent = self._frames_sent = self._clipped = 0
        self._felt_as: Measuring | None = None  # what `_counts` was quantised for
        self._counts = np.empty((0, 3), np.int16)
        self._frame_samples = plan.frame_samples or self._firmware.frame_samples
        self._battery_told = plan.battery_percent
        self._firmware.charge(plan.battery_percent)
        self._attributes: dict[str, Characteristic] = {}
        self._controller = AirController(plan.name, link=ether)
        self._device = self._make_device()

    async def live(self) -> None:
        """Advertise, serve, play the trace once and switch off."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                await cancellable(self._device.power_on())
                await cancellable(self._device.start_advertising())
                await self._worn.wait()
                while self._drops:
                    await self._play_until(self._drops[0].at_s)
                    await self._drop_link(self._drops.popleft())
                await self._play_until(self._plan.trace.duration_s)
                await asyncio.sleep(POWER_OFF_GRACE_S)
                await self._power_off()
        finally:
            self._reachable = False
            self._ether.remove_controller(self._controller)
        self._say(
            "finished",
            samples=len(self._plan.trace.samples),
            samples_sent=self._samples_sent,
            frames_sent=self._frames_sent,
            values_clipped=self._clipped,
        )

    # The life of the sensor

    async def _play_until(self, moment_s: float) -> None:
        await self._clock.reach(moment_s)
        if self._streaming is not None:
            await asyncio.wait({self._streaming})

    async def _drop_link(self, drop: LinkDrop) -> None:
        self._reachable = False
        await cancellable(self._device.stop_advertising())
        self._ether.break_links(self._controller)
        await self._clock.reach(min(drop.end_s, self._plan.trace.duration_s))
        self._reachable = True
        if not self._device.connections:
            await cancellable(self._device.start_advertising())

    async def _power_off(self) -> None:
        self._reachable = False
        await cancellable(self._device.stop_advertising())
        for connection in tuple(self._device.connections.values()):
            await cancellable(connection.disconnect(POWER_OFF_REASON))

    def _say(self, event: str, **facts: str | float) -> None:
        self._announce({"event": event, "sensor": self._plan.name} | facts)

    # The link

    def _on_connection(self, connection: Connection) -> None:
        connection.on(connection.EVENT_DISCONNECTION, self._on_disconnection)
        self._say("link", up=True, at_s=self._now_s)

    def _on_disconnection(self, reason: int) -> None:
        for task in self._answering:
            task.cancel()
        self._stop_streaming()
        self._firmware.link_lost()
        self._say("link", up=False, at_s=self._now_s, reason=reason)
        if self._reachable:
            self._tasks.create_task(cancellable(self._device.start_advertising()))

    @property
    def _now_s(self) -> float:
        return round(self._clock.now_s, 3)

    # The measurement

    def _on_read(self, channel: str) -> bytes:
        self._tell_charge()
        return self._firmware.read(channel)

    def _on_write(self, channel: str, connection: Connection, data: bytes) -> None:
        self._go_on(connection, lambda: self._firmware.write(channel, data))

    def _on_subscription(
        self, channel: str, connection: Connection, notify: bool, indicate: bool
    ) -> None:
        def listened() -> list[Say]:
            self._firmware.listened(channel, notify or indicate)
            return []

        self._go_on(connection, listened)

    def _go_on(self, connection: Connection, act: Callable[[], list[Say]]) -> None:
        """Let the firmware act, say what it says, and stream as it then does."""
        before = self._firmware.measuring
        said = act()
        now = self._firmware.measuring
        if now is not before:
            self._stop_streaming()
        begun = None if now is before else now
        if said or begun is not None:
            task = self._tasks.create_task(self._reply(connection, said, begun))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)

    async def _reply(
        self, connection: Connection, said: list[Say], begun: Measuring | None
    ) -> None:
        """Say what there is to say; a stream begins after the word that it does."""
        try:
            for say in said:
                await self._say_on(connection, say)
        except TimeoutError:  # never confirmed: by the rules of ATT this link is of no more use
            await cancellable(connection.disconnect())
        else:
            if begun is not None and begun is self._firmware.measuring:
                self._start_streaming(connection, begun)

    async def _say_on(self, connection: Connection, say: Say) -> None:
        attribute = self._attributes[say.channel]
        if attribute.properties & Characteristic.Properties.INDICATE:
            await self._device.indicate_subscriber(connection, attribute, say.data)
        else:
            await self._device.notify_subscriber(connection, attribute, say.data)

    def _start_streaming(self, connection: Connection, asked: Measuring) -> None:
        if asked != self._felt_as:
            samples = self._plan.trace.at_rate(asked.fs)
            self._counts, self._clipped = quantise(samples, asked.lsb_g, asked.range_g)
            self._felt_as = asked
        position = self._clock.next_sample(asked.fs)
        self._clock.start()
        self._worn.set()
        self._say("streaming", fs=asked.fs, range_g=asked.range_g, at_s=position / asked.fs)
        self._streaming = self._tasks.create_task(self._stream(connection, position, asked.fs))

    def _stop_streaming(self) -> None:
        if self._streaming is not None:
            self._streaming.cancel()
            self._streaming = None

    async def _stream(self, connection: Connection, position: int, fs: int) -> None:
        """Send every frame once it is full, up to the next drop or the end of the trace."""
        while position < len(self._counts):
            stop = min(position + self._frame_samples, len(self._counts))
            if self._drops and stop / fs > self._drops[0].at_s:
                return
            await self._clock.reach(stop / fs)
            limit = connection.att_mtu - NOTIFICATION_HEADER
            for samples, frame in self._frames(position, stop, fs, limit):
                await self._ether.room_towards(connection.peer_address)
                await self._say_on(connection, frame)
                self._samples_sent += samples
                self._frames_sent += 1
                await connection.drain()
            self._clock.hold_at(stop / fs)
            position = stop
            for say in self._tell_charge():
                await self._say_on(connection, say)

    def _frames(self, first: int, stop: int, fs: int, limit: int) -> list[tuple[int, Say]]:
        """Give (samples, frame) for a run of samples, in halves where a frame exceeds `limit`."""
        counts = self._counts[first:stop]
        frame = self._firmware.frame(sample_ns(stop - 1, fs), counts)
        if len(frame.data) <= limit or len(counts) == 1:
            return [(len(counts), frame)]
        middle = (first + stop) // 2
        return self._frames(first, middle, fs, limit) + self._frames(middle, stop, fs, limit)

    def _tell_charge(self) -> list[Say]:
        """Let the firmware know what the battery holds; give what it says where that is news."""
        if (percent := self._battery_percent) == self._battery_told:
            return []
        self._battery_told = percent
        return self._firmware.charge(percent)

    @property
    def _battery_percent(self) -> int:
        used = self._clock.now_s / 3600 / HOURS_PER_BATTERY_PERCENT
        return max(0, ceil(self._plan.battery_percent - used))

    # What it is made of

    def _make_device(self) -> Device:
        device = Device(
            name=self._plan.name,
            address=hci.Address(self._plan.address, hci.Address.RANDOM_DEVICE_ADDRESS),
            host=Host(self._controller, self._controller),
        )
        device.gatt_server.max_mtu = self._firmware.mtu
        device.advertising_interval_min = device.advertising_interval_max = ADVERTISING_INTERVAL_MS
        heard = advertisements(self._plan.name, self._plan.model.advertises)
        device.advertising_data, device.scan_response_data = heard
        device.add_services([self._service(service) for service in self._firmware.services])
        device.on(device.EVENT_CONNECTION, self._on_connection)
        return device

    def _service(self, service: Service) -> gatt.Service:
        found = [self._characteristic(attribute) for attribute in service.attributes]
        return gatt.Service(uuid_of(service.uuid), found)

    def _characteristic(self, attribute: Attribute) -> Characteristic:
        may, can, channel = Characteristic.Permissions, attribute.can, attribute.uuid
        permissions = may(0)
        if Can.READ in can:
            permissions |= may.READABLE
        if can & (Can.WRITE | Can.WRITE_SILENTLY):
            permissions |= may.WRITEABLE
        made = Characteristic(
            uuid_of(channel),
            properties_of(can),
            permissions,
            gatt.CharacteristicValue(
                read=lambda _connection: self._on_read(channel),
                write=partial(self._on_write, channel),
            ),
        )
        made.on(made.EVENT_SUBSCRIPTION, partial(self._on_subscription, channel))
        self._attributes[channel] = made
        return made
