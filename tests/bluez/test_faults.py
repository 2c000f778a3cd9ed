"""After every fault of bluetoothd the source streams again by itself, with unaltered samples."""

from __future__ import annotations

import asyncio

import pytest

from detector.devices.pmd import PMD_DATA
from detector.timing.sample_clock import GapCause
from firmware_sim.bluez.device import Patience
from firmware_sim.bluez.faults import Fault
from firmware_sim.bluez.names import ADAPTER, CHARACTERISTIC, DEVICE

from .client import client
from .house import house, night, sensor

# What is met when a sensor is looked for and connected to, and what the source says meanwhile.
ON_THE_WAY = {
    Fault.SCAN_IN_PROGRESS: "Could not start listening for sensors",
    Fault.STOP_SCAN_IN_PROGRESS: "",
    Fault.CONNECT_IN_PROGRESS: "Operation already in progress",
    Fault.CONNECT_ABORTED: "",
    Fault.CONNECT_ABORTED_UNSEEN: "no answer within 1 s",
    Fault.CONNECT_UNANSWERED: "no answer within 1 s",
    Fault.SERVICES_UNRESOLVED: "no answer within 1 s",
    Fault.NOTIFY_NOT_PERMITTED: "Notify acquired",
    Fault.GATT_IN_PROGRESS: "",
}


@pytest.mark.usefixtures("in_a_hurry")
@pytest.mark.parametrize("fault", ON_THE_WAY)
def test_a_fault_on_the_way_to_a_sensor_is_said_and_got_over(fault):
    async def law():
        plan = sensor()
        async with house(plan) as here, night(plan) as one:
            await one.streams()
            here.daemon.faults.inject(fault)
            losing = asyncio.ensure_future(here.device().hang_up())
            await here.daemon.faults.happened(fault)
            await one.says(ON_THE_WAY[fault])
            await losing
            await one.until(lambda: one.sessions > 1)
            await one.streams()
            assert one.source.status.why == ""

    asyncio.run(law())


def test_a_connection_aborted_and_made_again_by_bleak_is_used():
    async def law():
        plan = sensor()
        async with house(plan) as here:
            here.daemon.faults.inject(Fault.CONNECT_ABORTED)
            async with night(plan) as one:
                await one.streams()
                assert one.sessions == 1

    asyncio.run(law())


def test_lost_notifications_are_a_gap_and_no_reason_to_reconnect():
    async def law():
        plan = sensor()
        async with house(plan) as here, night(plan) as one:
            await one.streams()
            here.daemon.faults.inject(Fault.NOTIFICATION_LOST, 5)
            await here.daemon.faults.happened(Fault.NOTIFICATION_LOST, 5)
            await one.streams()
            assert (one.sessions, [gap.cause for gap in one.clock.gaps]) == (1, [GapCause.LOSS])
            assert one.clock.missing == 5 * 36

    asyncio.run(law())


@pytest.mark.usefixtures("in_a_hurry")
def test_a_device_object_that_is_removed_in_use_is_found_again():
    """InterfacesRemoved and no Disconnected: bleak still says connected (its issue 690)."""

    async def law():
        plan = sensor(frame_samples=9)  # quiet is measured in frames
        async with house(plan) as here, night(plan) as one:
            await one.streams()
            await here.daemon.adapter.forget(plan.address)
            await one.streams_anew()
            assert plan.address in here.daemon.adapter.devices

    asyncio.run(law())


@pytest.mark.usefixtures("in_a_hurry")
def test_an_adapter_switched_off_is_said_and_waited_for():
    async def law():
        plan = sensor()
        async with house(plan) as here, night(plan) as one:
            await one.streams()
            await here.daemon.adapter.power(on=False)
            await one.says("adapter hci0 is switched off. Type: bluetoothctl power on")
            await here.daemon.adapter.power(on=True)
            await one.streams_anew()

    asyncio.run(law())


@pytest.mark.usefixtures("in_a_hurry")
def test_an_adapter_pulled_out_is_said_and_waited_for():
    async def law():
        plan = sensor(frame_samples=9)  # quiet is measured in frames
        async with house(plan) as here, night(plan) as one:
            await one.streams()
            await here.daemon.adapter.unplug()
            await one.says("This computer has no Bluetooth adapter. Plug one in")
            await here.daemon.adapter.plug()
            await one.streams_anew()

    asyncio.run(law())


@pytest.mark.usefixtures("in_a_hurry")
def test_a_bus_that_ended_is_reported_and_waited_for():
    async def law():
        plan = sensor()
        async with house(plan) as here, night(plan) as one:
            await one.streams()
            await here.bus.kill()
            await here.end_bluetoothd()
            await one.says("D-Bus does not run")
            await here.bus.start()
            await here.start_bluetoothd()
            await one.streams_anew()

    asyncio.run(law())


@pytest.mark.usefixtures("in_a_hurry")
def test_a_bluetoothd_that_crashed_is_waited_for():
    """bleak does not notice: what it knows of the devices is as old as the crash."""

    async def law():
        plan = sensor(frame_samples=9)  # quiet is measured in frames
        async with house(plan) as here, night(plan) as one:
            await one.streams()
            here.daemon.crash()
            await here.end_bluetoothd()
            await one.says("is not running. Type: sudo systemctl start bluetooth")
            await here.start_bluetoothd()
            await one.streams_anew()

    asyncio.run(law())


@pytest.mark.usefixtures("in_a_hurry")
def test_a_bluetoothd_that_hangs_is_waited_for_and_closing_does_not_hang():
    async def law():
        plan = sensor()
        async with house(plan) as here:
            async with night(plan) as one:
                await one.streams()
                here.daemon.faults.inject(Fault.SILENT, 1000)
                await here.device().hang_up()
                await one.says("does not answer. Type: sudo systemctl restart bluetooth")
                here.daemon.faults.clear()
                await one.streams_anew()
                here.daemon.faults.inject(Fault.SILENT, 1000)
                async with asyncio.timeout(10):
                    await one.source.close()
            here.daemon.faults.clear()

    asyncio.run(law())


@pytest.mark.usefixtures("in_a_hurry")
def test_a_device_forgotten_between_scan_and_connect_is_heard_again():
    async def law():
        plan = sensor()
        async with house(plan, patience=Patience(unheard_s=0.0)) as here, night(plan) as one:
            await one.says("not found")
            await here.end_bluetoothd()
            await here.start_bluetoothd()
            await one.streams()

    asyncio.run(law())


def test_another_program_that_listens_too_doubles_nothing():
    """BlueZ signals a notification once for each listener, and everybody gets every signal."""

    async def law():
        plan = sensor()
        async with house(plan) as here, night(plan) as one, client(here.bus.address) as other:
            await one.streams()
            data = here.device().gatt.find(PMD_DATA)
            await other.call(data.path, CHARACTERISTIC, "StartNotify")
            for _ in range(5):
                await one.streams()
            assert (one.sessions, one.clock.gap_count) == (1, 0)

    asyncio.run(law())


def test_a_sensor_that_a_killed_process_left_connected_is_taken_over():
    """BlueZ keeps a connection whose program died (its issue 89); the sensor is silent then."""

    async def law():
        plan = sensor()
        async with house(plan) as here:
            async with client(here.bus.address) as killed:
                await killed.call(here.daemon.adapter.path, ADAPTER, "StartDiscovery")
                device = await killed.heard()
                await killed.call(device, DEVICE, "Connect")
            async with night(plan) as one:
                await one.streams(within_s=3)

    asyncio.run(law())
