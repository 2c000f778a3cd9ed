"""Over the virtual radio, through bleak's own API: real ATT, real notifications, real link loss."""

from __future__ import annotations

import asyncio
import tempfile

import numpy as np
import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakError, BleakGATTProtocolError

from firmware_sim.backend import backends
from firmware_sim.faults import LinkDrop
from firmware_sim.playback import Trace, sample_ns
from firmware_sim.sensors import SensorPlan
from firmware_sim.wearables.pmd import FrameType
from firmware_sim.wearables.polar import BOOT_NS, H10, VERITY_SENSE, verity_sense

CONTROL = "fb005c81-02e7-f387-1cad-8acd2d8df0c8"
DATA = "fb005c82-02e7-f387-1cad-8acd2d8df0c8"
BATTERY = "00002a19-0000-1000-8000-00805f9b34fb"


def motion(n, fs, seed=0):
    mg = np.random.default_rng(seed).integers(-2000, 2001, (n, 3))
    return mg, Trace(mg / 1000, fs)


@pytest.mark.parametrize(
    ("model", "fs"), [(VERITY_SENSE, 52), (VERITY_SENSE, 64), (H10, 200), (H10, 128)]
)
def test_every_sample_arrives_as_it_was_with_its_own_time(serving, model, fs):
    mg, trace = motion(1000, fs)  # 27 whole frames and a partial one

    async def law():
        plan = SensorPlan(model=model, trace=trace, speed=50)
        async with serving(plan) as air:
            session = await air.connect(plan.name)
            assert (await session.start(fs)).startswith("f0 02 02 00 00")
            await session.over()
            await air.over()
        np.testing.assert_array_equal(session.samples, mg)
        ends = np.cumsum([len(frame.samples) for frame in session.frames])
        assert [frame.last_ns for frame in session.frames] == [
            BOOT_NS + sample_ns(int(end) - 1, fs) for end in ends
        ]
        (finished,) = air.events("finished")
        assert finished["samples"] == finished["samples_sent"] == 1000
        assert finished["frames_sent"] == len(session.arrivals)
        assert session.losses == 1

    asyncio.run(law())


def test_raw_counts_and_frames_too_large_for_the_link_lose_nothing(serving):
    rng = np.random.default_rng(3)
    g = rng.choice([-8.0, 8.0], (600, 3))  # deltas of 17 bits: 36 samples exceed the MTU
    plan = SensorPlan(model=verity_sense(FrameType.DELTA_COUNTS), trace=Trace(g, 52), speed=50)

    async def law():
        async with serving(plan) as air:
            session = await air.connect(plan.name)
            assert (await session.start(52))[:20] == "f0 02 02 00 00 05 01"
            await session.over()
        expected = np.clip(np.rint(g / 2.44e-4), -32768, 32767)
        np.testing.assert_array_equal(session.samples, expected)
        assert max(len(data) for _, data in session.arrivals) <= 229

    asyncio.run(law())


def test_a_link_drop_loses_what_was_due_and_nothing_else(serving):
    mg, trace = motion(52 * 60, 52)
    plan = SensorPlan(
        model=VERITY_SENSE, trace=trace, speed=30, drops=(LinkDrop(at_s=15, for_s=12),)
    )

    async def law():
        async with serving(plan) as air:
            first = await air.connect(plan.name)
            await first.start(52)
            await first.over()
            with pytest.raises(BleakError):
                await first.client.read_gatt_char(CONTROL)
            second = await air.connect(plan.name)
            assert await second.start(52) == "f0 02 02 00 00"
            await second.over()
            await air.over()
        return first, second, air

    first, second, air = asyncio.run(law())
    np.testing.assert_array_equal(first.samples, mg[: len(first.samples)])
    assert 15 - 36 / 52 < len(first.samples) / 52 <= 15
    resumed = np.round(air.events("streaming")[1]["at_s"] * 52).astype(int)
    assert resumed >= 27 * 52
    np.testing.assert_array_equal(second.samples, mg[resumed:])
    frame = second.frames[0]
    assert frame.last_ns == BOOT_NS + sample_ns(int(resumed) + len(frame.samples) - 1, 52)
    down = [event for event in air.events("link") if not event["up"]]
    assert [event["reason"] for event in down] == [0x08, 0x15]
    assert 15 <= down[0]["at_s"] < 27  # late by as much as the machine is busy, never early


def test_stop_and_start_on_one_link_loses_what_was_due_meanwhile(serving):
    mg, trace = motion(52 * 40, 52)
    plan = SensorPlan(model=VERITY_SENSE, trace=trace, speed=40)

    async def law():
        async with serving(plan) as air:
            session = await air.connect(plan.name)
            await session.start(52)
            while len(session.arrivals) < 5:
                await asyncio.sleep(0.005)
            assert await session.ask("03 02") == "f0 03 02 00 00"
            before = len(session.arrivals)
            await asyncio.sleep(0.1)  # four sensor seconds
            assert len(session.arrivals) == before
            await session.start(52)
            await session.over()
        return session, before, air

    session, before, air = asyncio.run(law())
    resumed = round(air.events("streaming")[1]["at_s"] * 52)
    head = [sample for frame in session.frames[:before] for sample in frame.samples]
    np.testing.assert_array_equal(head, mg[: len(head)])
    np.testing.assert_array_equal(session.samples[len(head) :], mg[resumed:])
    assert resumed > len(head)


def test_the_trace_waits_for_its_first_listener(serving):
    mg, trace = motion(200, 52)
    plan = SensorPlan(model=VERITY_SENSE, trace=trace, speed=1000)

    async def law():
        async with serving(plan) as air:
            session = await air.connect(plan.name)
            await asyncio.sleep(0.3)  # long enough to play it seventy times
            await session.start(52)
            await session.over()
        np.testing.assert_array_equal(session.samples, mg)
        assert session.frames[0].last_ns == BOOT_NS + 35 * 10**9 // 52

    asyncio.run(law())


def test_another_offered_rate_feels_the_same_motion(serving):
    mg, trace = motion(400, 100)
    plan = SensorPlan(model=H10, trace=trace, speed=50)

    async def law():
        async with serving(plan) as air:
            session = await air.connect(plan.name)
            await session.start(50)
            await session.over()
        np.testing.assert_array_equal(session.samples, mg[::2])

    asyncio.run(law())


def test_a_sensor_is_found_described_and_read_as_a_real_one(serving):
    _, trace = motion(100, 52)
    plan = SensorPlan(model=VERITY_SENSE, trace=trace, battery_percent=87)

    async def law():
        async with serving(plan) as air:
            async with BleakScanner(backend=air.scanner) as scanner:
                device, heard = await anext(scanner.advertisement_data())
            assert device.address == plan.address == "C0:5E:3F:2A:1C:29"
            assert heard.local_name == "Polar Sense 3F2A1C29"
            assert heard.service_uuids == ["0000feee-0000-1000-8000-00805f9b34fb"]
            session = await air.connect(plan.name)
            client = session.client
            assert client.mtu_size == 232
            assert bytes(await client.read_gatt_char(CONTROL)) == b"\x0f\x6e\x02"
            assert bytes(await client.read_gatt_char(BATTERY)) == b"\x57"
            properties = client.services.get_characteristic(CONTROL).properties
            assert set(properties) == {"read", "write", "indicate"}
            with pytest.raises(BleakGATTProtocolError, match="Write"):
                await client.write_gatt_char(BATTERY, b"\x00", response=True)
            with pytest.raises(BleakGATTProtocolError, match="Read"):
                await client.read_gatt_char(DATA)
            assert await session.ask("07") == "f0 07 ff 01 00"
            await client.disconnect()
            await client.disconnect()  # twice is once
            assert session.losses == 1
            assert not client.is_connected
            await air.connect(plan.name)  # it advertises again

    asyncio.run(law())


def test_the_battery_runs_down_and_says_so(serving):
    plan = SensorPlan(model=H10, trace=Trace(np.zeros((25 * 1500, 3)), 25), speed=2000)

    async def law():
        levels = []
        async with serving(plan) as air:
            session = await air.connect(plan.name)
            await session.client.start_notify(BATTERY, lambda _, data: levels.append(data[0]))
            await session.start(25)
            await session.over()
        assert levels == [99, 98]  # 25 minutes at 12 to the per cent

    asyncio.run(law())


def test_a_connected_sensor_does_not_advertise(serving):
    _, trace = motion(100, 52)
    plan = SensorPlan(model=VERITY_SENSE, trace=trace)

    async def law():
        async with serving(plan) as air:
            await air.connect(plan.name)
            found = await BleakScanner.find_device_by_name(
                plan.name, timeout=0.3, backend=air.scanner
            )
            assert found is None
            client = BleakClient(plan.address, backend=air.client, timeout=0.2)
            with pytest.raises(TimeoutError):
                await client.connect()
            assert not client.is_connected

    asyncio.run(law())


def test_of_two_that_want_one_sensor_at_once_one_fails_cleanly(serving):
    _, trace = motion(100, 52)
    plan = SensorPlan(model=VERITY_SENSE, trace=trace)

    async def law():
        async with serving(plan) as air:
            _, other = backends(air.address)  # another house: not the same queue
            clients = [
                BleakClient(plan.address, backend=backend, timeout=2)
                for backend in (air.client, other)
            ]
            results = await asyncio.gather(*(c.connect() for c in clients), return_exceptions=True)
            assert sorted(client.is_connected for client in clients) == [False, True]
            (failure,) = (result for result in results if result is not None)
            assert isinstance(failure, BleakError | TimeoutError)
            for client in clients:
                await client.disconnect()

    asyncio.run(law())


def test_a_listener_that_reads_nothing_for_a_while_makes_the_sensor_wait(serving):
    mg, trace = motion(52 * 1500, 52)  # 350 kB of frames: more than the socket's buffers hold
    plan = SensorPlan(model=VERITY_SENSE, trace=trace, speed=2000)

    async def law():
        with tempfile.TemporaryDirectory() as folder:
            async with serving(plan, listen=f"unix:{folder}/air") as air:
                session = await air.connect(plan.name)
                await session.start(52)
                socket = session.client._backend._link.central._sink.transport
                socket.pause_reading()
                await asyncio.sleep(1.5)  # twice what the whole trace would take
                assert not air.events("finished")
                socket.resume_reading()
                await session.over()
        np.testing.assert_array_equal(session.samples, mg)

    asyncio.run(law())


def test_after_a_central_ends_without_notice_the_sensor_advertises_again(serving):
    _, trace = motion(52 * 30, 52)
    plan = SensorPlan(model=VERITY_SENSE, trace=trace, speed=10)

    async def law():
        async with serving(plan) as air:
            session = await air.connect(plan.name)
            await session.start(52)
            session.client._backend._link.central.hang_up()  # what the death of a process does
            await session.over()
            await air.connect(plan.name)
            assert [event.get("reason") for event in air.events("link")] == [None, 0x08, None]

    asyncio.run(law())


def test_when_the_simulator_ends_every_await_ends(serving):
    _, trace = motion(100, 52)
    plan = SensorPlan(model=VERITY_SENSE, trace=trace)

    async def law():
        async with serving(plan) as air:
            session = await air.connect(plan.name)
            waiting = BleakClient("C0:5E:00:00:00:00", backend=air.client, timeout=30)
            connecting = asyncio.create_task(waiting.connect())
            await asyncio.sleep(0.1)
            air.task.cancel()
            await session.over()
            with pytest.raises(BleakError, match="disconnected"):
                await connecting
        with pytest.raises(BleakError, match="start the simulator"):
            await BleakScanner.find_device_by_name(plan.name, backend=air.scanner)

    asyncio.run(law())


def test_a_callback_that_raises_does_not_cost_the_link(serving, caplog):
    _, trace = motion(100, 52)
    plan = SensorPlan(model=VERITY_SENSE, trace=trace)

    async def law():
        async with serving(plan) as air:
            session = await air.connect(plan.name)
            await session.client.stop_notify(CONTROL)
            heard = asyncio.Event()

            def bad(_sender, _data):
                heard.set()
                raise RuntimeError("not my day")

            await session.client.start_notify(CONTROL, bad)
            with pytest.raises(BleakError, match="already"):
                await session.client.start_notify(CONTROL, bad)
            await session.client.write_gatt_char(CONTROL, b"\x05", response=True)
            await asyncio.wait_for(heard.wait(), 5)
            assert bytes(await session.client.read_gatt_char(CONTROL))[0] == 0x0F

    asyncio.run(law())
    assert "not my day" in caplog.text
