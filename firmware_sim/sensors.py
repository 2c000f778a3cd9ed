"""Virtual sensors: GATT servers on the virtual radio whose firmware plays a recorded motion."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import Any

import numpy as np
from bumble import gatt, hci
from bumble.device import Connection, Device

from firmware_sim.attributes import Characteristic, advertisements, characteristic, uuid_of
from firmware_sim.cancellation import cancellable
from firmware_sim.course import (
    Moment,
    charge_percent,
    clock_factor,
    happened,
    moments,
    reception,
)
from firmware_sim.ether import USUAL_DBM, AirController, Ether
from firmware_sim.faults import (
    BatteryDrain,
    ButtonPress,
    Fault,
    LinkDrop,
    SmallMtu,
    Stop,
    Uptime,
    in_order,
)
from firmware_sim.host import QuietHost
from firmware_sim.measurement import Measurement, frames, garbled
from firmware_sim.playback import SensorClock, Trace
from firmware_sim.wearables.firmware import Measuring, Say, Service, Wearable, pressed

Announce = Callable[[dict[str, Any]], None]

NOTIFICATION_HEADER = 3  # ATT opcode and handle
ADVERTISING_INTERVAL_MS = 100.0
POWER_OFF_GRACE_S = 0.5
"""Wall time between the last frame and switching off, for the central to stop the stream."""
POWER_OFF_REASON = hci.HCI_REMOTE_DEVICE_TERMINATED_CONNECTION_DUE_TO_POWER_OFF_ERROR


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorPlan:
    """One virtual sensor and its night.

    Parameters
    ----------
    serial : device id, eight hex digits in its name; also makes its address
    speed : how many times faster than real time, > 0
    frame_samples : most samples in one frame, None for the usual number; fewer where they would not
        fit the link's MTU
    faults : faults besides `drops`
    seed : decides whatever a fault leaves to chance
    called : advertised name, None for the one derived from the serial number
    rssi_dbm : strength at which it is received
    silent : it answers, and reports that it streams, but sends no samples
    """

    model: Wearable
    trace: Trace
    serial: int = 0x3F2A1C29
    speed: float = 1.0
    frame_samples: int | None = None
    drops: tuple[LinkDrop, ...] = ()
    drift_ppm: float = 0.0
    battery_percent: int = 100
    faults: tuple[Fault, ...] = ()
    seed: int = 0
    called: str | None = None
    rssi_dbm: int = USUAL_DBM
    silent: bool = False

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
        object.__setattr__(self, "faults", in_order(self.faults))
        in_order(self.troubles)  # raises where two overlap

    @property
    def troubles(self) -> tuple[Fault, ...]:
        """Return all faults, including `drops`."""
        return (*self.faults, *self.drops)

    @property
    def name(self) -> str:
        """Return the advertised name."""
        return self.called or self.model.called(self.serial)

    @property
    def address(self) -> str:
        """Return the static random address, upper case."""
        return ":".join(f"{byte:02X}" for byte in (0xC0, 0x5E, *self.serial.to_bytes(4)))


@dataclass(slots=True, eq=False)
class _Stream:
    """A stream; its task has ended while it waits for the next change of its faults."""

    connection: Connection
    measurement: Measurement
    position: int
    task: asyncio.Task[None] = field(init=False)


class VirtualSensor:
    """A sensor that is worn from the first start of its stream to the end of its trace.

    Without a central it goes on measuring: what it would have sent is lost. A central that only
    reads slowly stops it, and its clock with it; a slow link does not.
    """

    def __init__(self, plan: SensorPlan, ether: Ether, announce: Announce) -> None:
        self._plan = plan
        self._ether = ether
        self._announce = announce
        self._firmware = plan.model.make(plan.trace.fs)
        self._clock = SensorClock(plan.speed, plan.drift_ppm)
        self._worn = asyncio.Event()
        self._active: list[Fault] = []
        self._next_moment_s = 0.0
        self._chance = np.random.default_rng((plan.seed, plan.serial))
        self._on, self._ending = True, False
        self._stream: _Stream | None = None
        self._answering: set[asyncio.Task[None]] = set()
        self._samples_sent = self._frames_sent = self._clipped = 0
        self._felt: tuple[Measuring, Measurement] | None = None  # the latest, and its parameters
        self._frame_samples = plan.frame_samples or self._firmware.frame_samples
        self._battery_told = plan.battery_percent
        self._firmware.charge(plan.battery_percent)
        self._attributes: dict[str, Characteristic] = {}
        self._controller = AirController(plan.name, link=ether)
        self._controller.pace, self._controller.rssi_dbm = plan.speed, plan.rssi_dbm
        self._controller.chance = self._chance
        self._device = self._make_device()

    async def live(self) -> None:
        """Advertise, serve, play the trace once and switch off."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                try:
                    course = moments(self._plan.troubles, self._plan.trace.duration_s)
                    for moment in (birth for birth in course if not birth.at_s):
                        self._turn(moment)
                    await cancellable(self._device.power_on())
                    await cancellable(self._device.start_advertising())
                    await self._worn.wait()
                    for moment in (later for later in course if later.at_s):
                        await self._play_until(moment.at_s)
                        self._turn(moment)
                        if not self._on:
                            break
                    else:
                        await self._play_until(self._plan.trace.duration_s)
                        await asyncio.sleep(POWER_OFF_GRACE_S)
                    await self._power_off()
                finally:  # before the group cancels its tasks
                    self._on, self._ending = False, True
        finally:
            self._ether.remove_controller(self._controller)
        self._say(
            "finished",
            samples=len(self._plan.trace.samples),
            samples_sent=self._samples_sent,
            frames_sent=self._frames_sent,
            values_clipped=self._clipped,
        )

    # From switching on to switching off

    async def _play_until(self, moment_s: float) -> None:
        """Send the frames that are full by then."""
        self._next_moment_s = moment_s
        if self._stream is not None and self._stream.task.done():
            self._stream.task = self._tasks.create_task(self._play(self._stream))
        await self._clock.reach(moment_s)
        while self._stream is not None and not self._stream.task.done():
            await asyncio.wait({self._stream.task})

    def _turn(self, moment: Moment) -> None:
        """Apply the beginning or the end of a fault."""
        fault, begins = moment.fault, moment.begins
        self._active = happened(self._active, moment)
        self._say("fault", kind=fault.kind, at_s=moment.at_s, on=begins)
        self._clock.run(clock_factor(self._active, self._plan.drift_ppm))
        self._ether.hear(self._controller, reception(self._active))
        match fault:
            case LinkDrop() if begins:
                self._stop_streaming()
                self._ether.break_links(self._controller)
            case Stop() if self._firmware.measuring is not None:
                self._act(self._firmware.stop_by_itself)
            case ButtonPress():
                self._act(lambda: pressed(self._firmware, down=begins))
            case BatteryDrain() if not begins:
                self._on = False

    async def _power_off(self) -> None:
        self._on = False
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
        if self._on:
            self._tasks.create_task(cancellable(self._device.start_advertising()))

    @property
    def _now_s(self) -> float:
        return round(self._clock.now_s, 3)

    # The measurement

    def _on_read(self, channel: str, _connection: Connection) -> bytes:
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
        """Call the firmware, send what it returns, and start or stop the stream accordingly."""
        if self._ending:  # nothing answers any more
            return
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

    def _act(self, act: Callable[[], list[Say]]) -> None:
        """Let the firmware do something by itself, with a link or without."""
        connections = tuple(self._device.connections.values())
        for connection in connections:
            self._go_on(connection, act)
        if not connections:
            act()

    async def _reply(
        self, connection: Connection, said: list[Say], begun: Measuring | None
    ) -> None:
        """Send the firmware's answers; a new stream starts after the answer that announces it."""
        try:
            for say in said:
                await self._say_on(connection, say)
        except TimeoutError:  # never confirmed: ATT allows no more requests on this link
            await cancellable(connection.disconnect())
        else:
            if begun is not None and begun is self._firmware.measuring and not self._ending:
                self._start_streaming(connection, begun)

    async def _say_on(self, connection: Connection, say: Say) -> None:
        attribute = self._attributes[say.channel]
        if attribute.properties & Characteristic.Properties.INDICATE:
            await self._device.indicate_subscriber(connection, attribute, say.data)
        else:
            await self._device.notify_subscriber(connection, attribute, say.data)

    def _start_streaming(self, connection: Connection, asked: Measuring) -> None:
        if self._felt is None:
            self._make_counters_turn()
        if self._felt is None or self._felt[0] != asked:
            self._felt = asked, Measurement(self._plan.trace, asked, self._plan.troubles)
        measurement = self._felt[1]
        self._clipped = measurement.clipped
        position = self._clock.next_sample(asked.fs)
        self._clock.start()
        self._worn.set()
        self._say("streaming", fs=asked.fs, range_g=asked.range_g, at_s=position / asked.fs)
        if not self._plan.silent:
            self._stream = _Stream(connection, measurement, position)
            self._stream.task = self._tasks.create_task(self._play(self._stream))

    def _make_counters_turn(self) -> None:
        """Advance the firmware's counters by the frames that it sent before the night."""
        for fault in self._plan.troubles:
            if isinstance(fault, Uptime):
                still = np.zeros((self._frame_samples, 3), np.int16)
                for _ in range(fault.frames):
                    self._firmware.frame(0, still)

    def _stop_streaming(self) -> None:
        if self._stream is not None:
            self._stream.task.cancel()
            self._stream = None

    async def _play(self, stream: _Stream) -> None:
        """Send every frame once it is full, up to the next moment or the end of the trace."""
        connection, measurement = stream.connection, stream.measurement
        while stream.position < len(measurement):
            first, stop = measurement.next_run(stream.position, self._frame_samples)
            full_s = stop / measurement.fs
            if full_s > self._next_moment_s:
                return
            await self._clock.reach(full_s)
            room = inf if self._cuts_frames else connection.att_mtu - NOTIFICATION_HEADER
            for samples, frame in frames(self._firmware, measurement, first, stop, room):
                await self._ether.room_towards(self._controller, connection.peer_address)
                for data in garbled(frame.data, full_s, self._plan.troubles, self._chance):
                    await self._say_on(connection, Say(frame.channel, data))
                self._samples_sent += samples
                self._frames_sent += 1
                await connection.drain()
            self._clock.hold_at(full_s)
            stream.position = stop
            for say in self._tell_charge():
                await self._say_on(connection, say)

    @property
    def _cuts_frames(self) -> bool:
        return any(isinstance(f, SmallMtu) and f.frames == "cut" for f in self._plan.troubles)

    def _tell_charge(self) -> list[Say]:
        """Tell the firmware the charge; return its notifications if the charge has changed."""
        full, now_s = self._plan.battery_percent, self._clock.now_s
        if (percent := charge_percent(full, self._plan.troubles, now_s)) == self._battery_told:
            return []
        self._battery_told = percent
        return self._firmware.charge(percent)

    # Construction

    def _make_device(self) -> Device:
        device = Device(
            name=self._plan.name,
            address=hci.Address(self._plan.address, hci.Address.RANDOM_DEVICE_ADDRESS),
            host=QuietHost(self._controller, self._controller),
        )
        small = [fault.octets for fault in self._plan.troubles if isinstance(fault, SmallMtu)]
        device.gatt_server.max_mtu = min([self._firmware.mtu, *small])
        device.advertising_interval_min = device.advertising_interval_max = ADVERTISING_INTERVAL_MS
        heard = advertisements(self._plan.name, self._plan.model.advertises)
        device.advertising_data, device.scan_response_data = heard
        device.add_services([self._service(service) for service in self._firmware.services])
        device.on(device.EVENT_CONNECTION, self._on_connection)
        return device

    def _service(self, service: Service) -> gatt.Service:
        for attribute in service.attributes:
            channel = attribute.uuid
            made = characteristic(
                attribute,
                read=partial(self._on_read, channel),
                write=partial(self._on_write, channel),
            )
            made.on(made.EVENT_SUBSCRIPTION, partial(self._on_subscription, channel))
            self._attributes[channel] = made
        found = [self._attributes[attribute.uuid] for attribute in service.attributes]
        return gatt.Service(uuid_of(service.uuid), found)
