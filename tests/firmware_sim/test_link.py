"""A link delays packets and never loses them; a bad link ends by its supervision timeout."""

from __future__ import annotations

import asyncio
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakError
from bumble import hci, ll
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_sim.backend import backends
from firmware_sim.ether import AirController, Ether
from firmware_sim.faults import Clone
from firmware_sim.link import IDEAL, SUPERVISION_S, Link, Reception, is_notification
from firmware_sim.neighbours import idle_neighbours
from firmware_sim.playback import Trace
from firmware_sim.process import AirPlan
from firmware_sim.radio import attach, listening
from firmware_sim.sensors import SensorPlan
from firmware_sim.wearables.polar import VERITY_SENSE

from ..kit.virtual_time import in_virtual_time

NOTIFICATION = bytes((4, 0, 4, 0, 0x1B, 3, 0, 9))
RESPONSE = bytes((1, 0, 4, 0, 0x13))

ways = st.builds(
    Reception,
    interval_s=st.sampled_from([0.0, 0.01, 0.045, 0.4]),
    pdus_per_event=st.integers(1, 6),
    lost_events=st.sampled_from([0.0, 0.3]),
    held=st.booleans(),
)
steps = st.lists(st.tuples(st.floats(0, 0.3), st.one_of(ways, st.booleans())), max_size=40)


def make_link(lost=lambda: None, *, pace=1.0, reception=IDEAL):
    return Link(reception, pace=pace, chance=np.random.default_rng(0), lose=lost)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_whatever_the_link_is_like_all_arrives_once_and_in_order(steps):
    """A bool sends something each way (a notification where true); the rest changes the link."""
    sent, to_sensor, to_central = [], [], []

    async def law():
        link = make_link()
        for wait_s, step in steps:
            await asyncio.sleep(wait_s)
            if isinstance(step, Reception):
                link.hear(step)
                continue
            number = len(sent)
            sent.append(number)
            data = NOTIFICATION if step else RESPONSE
            link.send(partial(to_sensor.append, number), to_sensor=True)
            arrive = partial(link.arrive, data, partial(to_central.append, (step, number)))
            link.send(arrive, to_sensor=False)
        link.hear(IDEAL)
        await asyncio.sleep(1)

    in_virtual_time(law())
    assert to_sensor == sent
    for kind in (True, False):  # what is held may be overtaken, but only by what is not held
        numbers = [number for step, number in to_central if step is kind]
        assert numbers == sorted(numbers)
    assert sorted(number for _, number in to_central) == sent


def test_packets_go_at_connection_events_and_no_more_than_so_many():
    async def law():
        loop, came = asyncio.get_running_loop(), []
        link = make_link(reception=Reception(interval_s=0.4, pdus_per_event=2))
        await asyncio.sleep(0.1)
        for _ in range(5):
            link.send(lambda: came.append(loop.time()), to_sensor=False)
        await asyncio.sleep(3)
        return came

    assert in_virtual_time(law()) == pytest.approx([0.4, 0.4, 0.8, 0.8, 1.2])


@pytest.mark.parametrize("pace", [1, 60])
def test_silence_ends_a_link_after_its_timeout_and_not_before(pace):
    async def law(away_s):
        loop, lost = asyncio.get_running_loop(), []
        link = make_link(lambda: lost.append(loop.time()), pace=pace)
        link.hear(Reception(in_range=False))
        link.send(lambda: lost.append("arrived"), to_sensor=True)
        await asyncio.sleep(away_s / pace)
        link.hear(IDEAL)
        await asyncio.sleep(10)
        return lost

    assert in_virtual_time(law(SUPERVISION_S - 0.1)) == ["arrived"]
    assert in_virtual_time(law(SUPERVISION_S + 1))[0] == pytest.approx(SUPERVISION_S / pace)


def test_the_host_gives_out_what_it_had_received_before_the_link_ended():
    async def law():
        came = []
        link = make_link(reception=Reception(held=True))
        link.send(partial(link.arrive, NOTIFICATION, partial(came.append, "held")), to_sensor=False)
        await asyncio.sleep(1)
        assert came == []
        link.end()
        link.send(partial(came.append, "too late"), to_sensor=True)
        await asyncio.sleep(1)
        return came

    assert in_virtual_time(law()) == ["held"]


@given(st.binary(max_size=12))
def test_only_notifications_of_att_are_taken_for_such(data):
    assert is_notification(data) == (data[2:5] == b"\x04\x00\x1b")


# Who is heard, and how strongly


def plan(**settings):
    return SensorPlan(**{"model": VERITY_SENSE, "trace": Trace(np.zeros((100, 3)), 52)} | settings)


async def advertisements(air, for_s=1.0):
    heard = {}
    async with BleakScanner(
        lambda device, data: heard.update({device.address: data}), backend=air.scanner
    ):
        await asyncio.sleep(for_s)
    return heard


def test_every_sensor_is_received_at_its_own_strength(serving):
    async def law():
        sensors = [plan(serial=n, rssi_dbm=-40 - n) for n in range(3)]
        async with serving(*sensors, listen="here:") as air:
            return sensors, await advertisements(air)

    sensors, heard = in_virtual_time(law())
    assert {s.address: s.rssi_dbm for s in sensors} == {a: d.rssi for a, d in heard.items()}


def test_a_name_in_the_scan_response_is_received(serving):
    name = "A sensor with a name of 29 oct"

    async def law():
        async with serving(plan(called=name), listen="here:") as air:
            return await advertisements(air)

    (data,) = in_virtual_time(law()).values()
    assert data.local_name == name
    assert data.service_uuids == ["0000feee-0000-1000-8000-00805f9b34fb"]


# The way in without a socket


def test_within_a_process_the_radio_needs_no_socket_and_no_real_time(serving):
    async def law():
        async with serving(plan(), listen="here:bed") as air:
            assert air.address == "here:bed"
            session = await air.connect(plan().name)
            await session.start(52)
            await session.over()
            assert len(session.samples) == 100
            await air.over()

    in_virtual_time(law())


def test_when_a_radio_in_this_process_ends_its_centrals_end(serving):
    async def law():
        async with serving(plan(), listen="here:") as air:
            session = await air.connect(plan().name)
            air.task.cancel()
            await session.over()
        scanner, _ = backends(air.address)
        with pytest.raises(BleakError, match="start the simulator"):
            await BleakScanner.find_device_by_name("x", backend=scanner)

    in_virtual_time(law())


def test_two_radios_cannot_listen_under_one_name():
    async def law():
        async with listening(Ether(), "here:twice"):
            with pytest.raises(ValueError, match="here:twice already"):
                async with listening(Ether(), "here:twice"):
                    pass

    in_virtual_time(law())


@pytest.mark.parametrize("address", ["here", "unix:", "tcp:x", "ham:1"])
def test_an_address_of_no_kind_is_refused(address):
    async def law():
        with pytest.raises(ValueError, match="unix:PATH or tcp:HOST:PORT"):
            async with listening(Ether(), address):
                pass

    in_virtual_time(law())


def test_a_clone_takes_a_serial_number_too():
    with pytest.raises(ValueError, match="same serial"):
        AirPlan("here:", (plan(serial=1, faults=(Clone(),)), plan(serial=0x8000_0001)))


def test_a_central_that_vanishes_as_it_hears_a_sensor_leaves_it_free():
    """The advertisement is on its way when the central's process is killed."""

    async def law(*, vanishes):
        ether = Ether()
        sensor = AirController("sensor", link=ether)
        sensor.random_address = hci.Address("C0:5E:00:00:00:01")
        sensor.le_legacy_advertiser.own_address_type = hci.OwnAddressType.RANDOM
        cable = attach(ether)
        (central,) = [each for each in ether.controllers if each is not sensor]
        central.pending_le_connection = SimpleNamespace(
            peer_address=sensor.random_address,
            own_address_type=hci.OwnAddressType.PUBLIC,
            connection_interval_min=6,
            max_latency=0,
            supervision_timeout=100,
        )
        sensor.le_legacy_advertiser.enabled = True
        advertised = ll.AdvInd(advertiser_address=sensor.random_address, data=b"")
        ether.send_advertising_pdu(sensor, advertised)
        if vanishes:
            cable.source.close()
        for _ in range(9):
            await asyncio.sleep(0)
        return len(sensor.le_connections)

    assert in_virtual_time(law(vanishes=False)) == 1
    assert in_virtual_time(law(vanishes=True)) == 0


def test_a_connection_to_an_idle_neighbour_gets_no_answer(serving):
    async def law():
        ether = Ether()
        async with listening(ether, "here:") as address:
            scanner, client = backends(address)
            with idle_neighbours(ether, 3):
                found = await BleakScanner.discover(timeout=3, backend=scanner)
                assert len(found) == 3
                with pytest.raises((TimeoutError, BleakError)):
                    await BleakClient(found[0], backend=client, timeout=5).connect()
            assert await BleakScanner.discover(timeout=3, backend=scanner) == []

    in_virtual_time(law())
