"""Our bluetoothd keeps to what BlueZ 5.66 does, where its clients could tell the difference."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest
from bleak import BleakClient, BleakScanner
from dbus_fast import Variant

from detector.devices.pmd import PMD_CONTROL, PMD_DATA
from detector.devices.polar import BATTERY_LEVEL
from detector.errors import LinkError
from firmware_sim.bluez.daemon import bluetoothd
from firmware_sim.bluez.device import Patience
from firmware_sim.bluez.names import ADAPTER, BATTERY, CHARACTERISTIC, DEVICE, GATT_SERVICE
from firmware_sim.bluez.objects import OBJECT_MANAGER, PROPERTIES

from .client import PATIENCE_S, client, connected
from .house import house, sensor

HCI0 = "/org/bluez/hci0"
# SDK mode on, then 52 Hz within 8 g: what starts the stream of a Verity Sense.
BEGIN = "02 09", "02 02 00 01 34 00 01 01 10 00 02 01 08 00 04 01 03"


async def discover(one):
    """Let a client find the only sensor; return its path."""
    await one.call(HCI0, ADAPTER, "StartDiscovery")
    path = await one.heard()
    await one.call(HCI0, ADAPTER, "StopDiscovery")
    return path


async def connect(one):
    """Let a client find the only sensor and connect to it; return its path."""
    path = await discover(one)
    assert (await one.call(path, DEVICE, "Connect")).error_name is None
    await one.until(lambda signal: BATTERY in signal.interfaces)
    return path


async def begin(one, gatt):
    """Let a client start the sensor's stream."""
    control = gatt.find(PMD_CONTROL).path
    for command in BEGIN:
        options = {"type": Variant("s", "request")}
        value = bytes.fromhex(command)
        await one.call(control, CHARACTERISTIC, "WriteValue", "aya{sv}", value, options)


@pytest.mark.parametrize(
    ("path", "interface", "member", "error"),
    [
        (f"{HCI0}/dev_00", DEVICE, "Connect", "org.freedesktop.DBus.Error.UnknownObject"),
        (HCI0, ADAPTER, "Fly", "org.freedesktop.DBus.Error.UnknownMethod"),
        (HCI0, DEVICE, "Connect", "org.freedesktop.DBus.Error.UnknownMethod"),
        (HCI0, ADAPTER, "StopDiscovery", "org.bluez.Error.Failed"),
    ],
)
def test_what_cannot_be_done_has_the_error_name_that_clients_look_for(
    path, interface, member, error
):
    async def law():
        async with house() as here, client(here.bus.address) as one:
            assert (await one.call(path, interface, member)).error_name == error

    asyncio.run(law())


def test_properties_can_be_read_and_only_some_set():
    async def law():
        async with house() as here, client(here.bus.address) as one:
            for name, error in [
                ("Powered", None),
                ("Address", "org.freedesktop.DBus.Error.PropertyReadOnly"),
            ]:
                value = Variant("b", False)
                reply = await one.call(HCI0, PROPERTIES, "Set", "ssv", ADAPTER, name, value)
                assert reply.error_name == error
            assert (await one.get(HCI0, ADAPTER))["Powered"] is False
            reply = await one.call(HCI0, ADAPTER, "StartDiscovery")
            assert reply.error_name == "org.bluez.Error.NotReady"

    asyncio.run(law())


def test_discovery_is_a_session_of_each_client_and_ends_with_the_last():
    async def law():
        async with house() as here, client(here.bus.address) as one:
            async with client(here.bus.address) as other:
                for who, error in [(one, None), (one, "org.bluez.Error.InProgress"), (other, None)]:
                    reply = await who.call(HCI0, ADAPTER, "StartDiscovery")
                    assert reply.error_name == error
                await one.call(HCI0, ADAPTER, "StopDiscovery")
                assert (await one.get(HCI0, ADAPTER))["Discovering"] is True
            # The other client has left the bus without a word.
            await one.until(lambda signal: signal.interfaces.get(ADAPTER) == {"Discovering": False})

    asyncio.run(law())


def test_a_device_that_stops_advertising_loses_its_rssi_and_is_then_removed():
    async def law():
        patience = Patience(unheard_s=0.3)
        async with house(sensor(), patience=patience) as here, client(here.bus.address) as one:
            path = await discover(one)
            await one.until(lambda signal: signal.member == "InterfacesRemoved")
            assert one.changes(path)[-2:] == [{DEVICE: {"RSSI": None}}, {DEVICE: None}]

    asyncio.run(law())


def test_a_connection_is_told_in_the_order_that_bleak_expects():
    async def law():
        async with house(sensor()) as here, client(here.bus.address) as one:
            path = await discover(one)
            one.signals.clear()
            assert (await one.call(path, DEVICE, "Connect")).error_name is None
            assert one.changes(path)[0] == {DEVICE: {"Connected": True}}
            await one.until(lambda signal: BATTERY in signal.interfaces)
            told = [
                next(iter(signal.interfaces[DEVICE])) if DEVICE in signal.interfaces else name
                for signal in one.signals
                for name in signal.interfaces
            ]
            steps = ["Connected", GATT_SERVICE, CHARACTERISTIC, "ServicesResolved", BATTERY]
            assert [name for name in dict.fromkeys(told) if name in steps] == steps

            assert (await one.call(path, DEVICE, "Disconnect")).error_name is None
            await one.until(lambda signal: connected(signal) is False)
            assert one.changes(path)[-3:] == [
                {BATTERY: None},
                {DEVICE: {"ServicesResolved": False}},
                {DEVICE: {"Connected": False}},
            ]

    asyncio.run(law())


def test_a_removed_device_is_disconnected_first_and_takes_its_services_along():
    async def law():
        async with house(sensor()) as here, client(here.bus.address) as one:
            path = await connect(one)
            reply = await one.call(HCI0, ADAPTER, "RemoveDevice", "o", path)
            assert reply.error_name is None
            gone = [signal.path for signal in one.signals if DEVICE in signal.interfaces]
            assert one.changes(path)[-2:] == [{DEVICE: {"Connected": False}}, {DEVICE: None}]
            left = (await one.call("/", OBJECT_MANAGER, "GetManagedObjects")).body[0]
            assert (set(left), set(gone)) == ({HCI0}, {path})
            again = await one.call(HCI0, ADAPTER, "RemoveDevice", "o", path)
            assert again.error_name == "org.bluez.Error.DoesNotExist"

    asyncio.run(law())


def test_without_the_simulator_the_adapter_is_removed():
    async def law():
        async with house(sensor()) as here, client(here.bus.address) as one:
            await connect(one)
            await here.end_air()
            await one.until(lambda signal: signal.interfaces == {ADAPTER: None})

    asyncio.run(law())


def test_the_battery_is_an_interface_and_a_characteristic():
    """BlueZ hid the characteristic before 5.55, which bleak supports no more."""

    async def law():
        async with house(sensor(battery_percent=77)) as here, client(here.bus.address) as one:
            path = await connect(one)
            assert (await one.get(path, BATTERY))["Percentage"] == 77
            level = here.device().gatt.find(BATTERY_LEVEL).path
            reply = await one.call(level, CHARACTERISTIC, "ReadValue", "a{sv}", {})
            assert bytes(reply.body[0]) == bytes([77])
            # What was read is signalled as if it had been notified.
            await one.until(
                lambda signal: signal.interfaces == {CHARACTERISTIC: {"Value": bytes([77])}}
            )

    asyncio.run(law())


def test_who_listened_when_the_link_was_lost_listens_again_on_the_next():
    """The reason why bleak takes a new bus connection for every link."""

    async def law():
        async with house(sensor()) as here, client(here.bus.address) as one:
            path = await connect(one)
            data = here.device().gatt.find(PMD_DATA)
            assert (await one.call(data.path, CHARACTERISTIC, "StartNotify")).error_name is None
            again = await one.call(data.path, CHARACTERISTIC, "StartNotify")
            assert again.error_name == "org.bluez.Error.Failed"
            await here.device().hang_up()
            one.signals.clear()
            await one.call(path, DEVICE, "Connect")
            await one.until(lambda signal: BATTERY in signal.interfaces)
            await begin(one, here.device().gatt)
            await one.until(lambda signal: signal.path == data.path)

    asyncio.run(law())


def test_a_socket_that_is_not_read_loses_notifications_and_delays_no_other_client():
    async def law():
        plan = sensor(speed=400)
        async with house(plan) as here, client(here.bus.address) as one:
            await connect(one)
            gatt = here.device().gatt
            data = gatt.find(PMD_DATA)
            reply = await one.call(data.path, CHARACTERISTIC, "AcquireNotify", "a{sv}", {})
            with socket.socket(fileno=reply.unix_fds[0]) as ours:
                refused = await one.call(data.path, CHARACTERISTIC, "StartNotify")
                assert refused.error_name == "org.bluez.Error.NotPermitted"
                await begin(one, gatt)
                async with asyncio.timeout(PATIENCE_S):
                    while not data.dropped:  # the kernel keeps a few hundred
                        await one.get(HCI0, ADAPTER)
                ours.setblocking(False)
                assert len(ours.recv(1024)) > 20  # the oldest are the ones that were kept
            await one.until(
                lambda signal: signal.interfaces == {CHARACTERISTIC: {"NotifyAcquired": False}}
            )

    asyncio.run(law())


def test_bleak_reads_the_same_from_a_socket_as_from_signals():
    async def law():
        async with house(sensor()) as here:
            device = await BleakScanner.find_device_by_filter(lambda *_: True, PATIENCE_S)
            held = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
            frames: list[bytes] = []
            enough = asyncio.Event()

            def take(_, data):
                frames.append(bytes(data))
                if len(frames) == 10:
                    enough.set()

            async with BleakClient(device) as linked:
                await linked.start_notify(PMD_CONTROL, lambda *_: None)
                await linked.start_notify(PMD_DATA, take, bluez={"use_start_notify": False})
                signalled: list[bytes] = []
                await here.device().gatt.find(PMD_DATA).watch(signalled.append)
                for command in BEGIN:
                    await linked.write_gatt_char(PMD_CONTROL, bytes.fromhex(command), response=True)
                async with asyncio.timeout(PATIENCE_S):
                    await enough.wait()
                assert frames == signalled[: len(frames)]
            async with asyncio.timeout(PATIENCE_S):
                while len(os.listdir("/proc/self/fd")) != held:  # noqa: PTH208
                    await asyncio.sleep(0)

    asyncio.run(law())


def test_a_taken_name_and_a_missing_radio_are_reported_in_one_sentence():
    async def law():
        async with house() as here:
            with pytest.raises(LinkError, match="end the other bluetoothd"):
                async with bluetoothd(here.bus.address, here.air):
                    pass
            await here.end_bluetoothd()
            with pytest.raises(LinkError, match="start the simulator"):
                async with bluetoothd(here.bus.address, "unix:/nowhere"):
                    pass
        with pytest.raises(LinkError, match="no D-Bus at"):
            async with bluetoothd("unix:path=/nowhere", here.air):
                pass

    asyncio.run(law())
