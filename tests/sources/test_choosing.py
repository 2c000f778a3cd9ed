"""Which sensor is taken, who reads it, and what a scan lists."""

from __future__ import annotations

import asyncio

import pytest

from detector.devices.profile import Battery, Note, Refused
from detector.devices.stream import LinkDown, LinkUp
from detector.sources.nearby import scan
from detector.sources.radio import Adapter

from ..kit.virtual_time import in_virtual_time
from .watching import assert_a_replay_is_equal, watching


def test_the_nearest_sensor_that_we_know_is_taken_and_kept(air, sensor):
    async def main():
        sensor(address="00:00:00:00:00:01", name="Polar Sense far", rssi=-90)
        near = sensor(address="00:00:00:00:00:02", name="Polar H10 near", rssi=-40)
        sensor(address="00:00:00:00:00:03", name="Some television", rssi=-10)
        async with watching(air) as watcher:
            await watcher.until_samples()
            near.drop()
            await asyncio.sleep(60)
            near.reachable = True
            await watcher.until_samples()

        assert [up.address for up in watcher.items(LinkUp)] == [near.address] * 2
        assert {up.driver for up in watcher.items(LinkUp)} == {"polar-h10"}

    in_virtual_time(main())


def test_after_a_restart_only_the_sensor_of_before_is_taken(air, sensor):
    async def main():
        sensor(address="00:00:00:00:00:01", name="Polar Sense next door", rssi=-10)
        ours = sensor(address="00:00:00:00:00:02", rssi=-80)
        async with watching(air) as watcher:
            watcher.source.go_on(7, ours.address)
            await watcher.until_samples()

        assert [(up.session, up.address) for up in watcher.items(LinkUp)] == [(8, ours.address)]

    in_virtual_time(main())


def test_an_impostor_that_shouts_does_not_keep_the_real_sensor_away(air, sensor):
    async def main():
        sensor(address="00:00:00:00:00:01", name="Polar Sense evil", rssi=-10, mute=True)
        real = sensor(address="00:00:00:00:00:02", rssi=-70)
        async with watching(air) as watcher:
            await watcher.until_samples(within_s=120)

        assert watcher.items(LinkUp)[-1].address == real.address

    in_virtual_time(main())


@pytest.mark.parametrize("device", ["aa:bb:cc:dd:ee:02", "polar sense two"])
def test_the_sensor_that_the_user_names_is_taken(air, sensor, device):
    async def main():
        sensor(rssi=-10)
        sensor(address="AA:BB:CC:DD:EE:02", name="Polar Sense two", rssi=-80)
        async with watching(air, device=device) as watcher:
            await watcher.until_samples()

        assert [up.address for up in watcher.items(LinkUp)] == ["AA:BB:CC:DD:EE:02"]

    in_virtual_time(main())


@pytest.mark.parametrize("device", [None, "AA:BB:CC:DD:EE:01", "Polar Sense 0001"])
def test_a_stronger_clone_is_ignored_once_the_sensor_has_streamed(air, sensor, device):
    async def main():
        one = sensor()
        async with watching(air, device=device) as watcher:
            await watcher.until_samples()
            sensor(address="AA:BB:CC:DD:EE:99", rssi=-20)
            one.reachable = False
            one.drop()
            await asyncio.sleep(60)
            why = watcher.source.status.why
            assert "not heard, but 'Polar Sense 0001' is, at AA:BB:CC:DD:EE:99." in why
            one.reachable = True
            await watcher.until_samples()

            assert {up.address for up in watcher.items(LinkUp)} == {"AA:BB:CC:DD:EE:01"}

    in_virtual_time(main())


def test_a_sensor_whose_address_changed_is_named_with_the_remedy(air, sensor):
    async def main():
        sensor(address="00:00:00:00:00:09", name="Television", rssi=-10)
        sensor(address="C0:5E:3F:2A:1C:29", name="Polar H10 3F2A1C29", rssi=-60)
        sensor(address="C0:00:00:00:00:02", name="Polar H10 far", rssi=-90)
        async with watching(air, device="C0:5E:3F:2A:9D:51") as watcher:
            await asyncio.sleep(20)

            why = watcher.source.status.why
            assert "'Polar H10 3F2A1C29' is, at C0:5E:3F:2A:1C:29." in why
            assert "spasmwatch setup" in why
            assert watcher.items(LinkUp) == []

    in_virtual_time(main())


def test_the_other_sensor_of_the_same_wearer_is_not_taken_for_one_with_a_new_address(air, sensor):
    async def main():
        adapter = Adapter()
        right = sensor(address="00:00:00:00:00:02", name="Polar Sense right", reachable=False)
        async with (
            watching(air, device="Polar Sense left", adapter=adapter) as left,
            watching(air, device="polar sense RIGHT", adapter=adapter) as other,
        ):
            right.reachable = True
            await asyncio.sleep(9)
            assert left.source.status.why.startswith("The sensor is not heard. Is it on")
            await other.until_samples()

    in_virtual_time(main())


def test_a_sensor_that_cannot_be_used_is_named_with_the_reason(air, sensor):
    async def main():
        sensor(name="InfiniTime")
        async with watching(air) as watcher:
            await asyncio.sleep(20)

            assert "'InfiniTime' cannot be used: its firmware sends 10" in watcher.source.status.why
            assert watcher.items(LinkUp) == []

    in_virtual_time(main())


def test_a_sensor_nobody_recognises_can_be_told_its_driver(air, sensor):
    async def main():
        sensor(name="My\x1b[31m clone")
        async with watching(air, device="AA:BB:CC:DD:EE:01") as watcher:
            await asyncio.sleep(10)
            assert watcher.source.status.why.startswith(r"'My\x1b[31m clone' is heard, but no")
        async with watching(
            air, device="AA:BB:CC:DD:EE:01", driver="polar-verity-sense"
        ) as watcher:
            await watcher.until_samples()

    in_virtual_time(main())


def test_a_sensor_that_is_too_slow_is_refused_with_the_reason(air, sensor):
    async def main():
        sensor(rates=(10,))
        async with watching(air) as watcher:
            await watcher.until(lambda: watcher.items(LinkDown))

            assert "offers 10 Hz at most" in watcher.outputs(Refused)[0].reason
            assert "offers 10 Hz at most" in watcher.items(LinkDown)[0].reason

    in_virtual_time(main())


def test_a_sensor_without_a_battery_level_streams_all_the_same(air, sensor):
    async def main():
        sensor(battery=None)
        async with watching(air) as watcher:
            await watcher.until_samples()

            assert watcher.outputs(Battery) == watcher.outputs(Note) == []

    in_virtual_time(main())


def test_a_replay_of_the_items_gives_the_same_readings(air, sensor):
    async def main():
        one = sensor()
        async with watching(air) as watcher:
            for _ in range(3):
                await watcher.until_samples()
                one.silent = True
                await asyncio.sleep(6)
                one.silent = False
                await watcher.until_samples()
                one.drop()
                one.reachable = True
            await watcher.until_samples()
        return watcher.readings

    assert_a_replay_is_equal(in_virtual_time(main()))


def test_two_sources_share_an_adapter_one_connection_at_a_time(air, sensor):
    async def main():
        adapter = Adapter()
        for n in (1, 2, 3):
            sensor(address=f"00:00:00:00:00:0{n}", name=f"Polar Sense {n}")
        async with (
            watching(air, device="Polar Sense 1", adapter=adapter) as one,
            watching(air, device="Polar Sense 2", adapter=adapter) as two,
            watching(air, device="nowhere", adapter=adapter),
        ):
            await one.until_samples()
            await two.until_samples()

            assert not air.violations

    in_virtual_time(main())


def test_a_scan_lists_what_is_near_sensors_first(air, sensor):
    sensor(address="00:00:00:00:00:01", name="Television", rssi=-20)
    sensor(address="00:00:00:00:00:02", name="Polar OH1 1", rssi=-80)
    sensor(address="00:00:00:00:00:03", name="Polar H10 2", rssi=-50)

    found = in_virtual_time(scan(3, scanner_backend=air.scanner_backend()))

    assert [(f.name, f.rssi_dbm, f.driver) for f in found] == [
        ("Polar H10 2", -50, "polar-h10"),
        ("Polar OH1 1", -80, "polar-verity-sense"),
        ("Television", -20, None),
    ]


def test_a_flood_of_invented_devices_does_not_fill_the_memory(air, sensor):
    for n in range(2000):
        sensor(address=f"{n:012x}", name="x" * 1000)

    found = in_virtual_time(scan(1, scanner_backend=air.scanner_backend()))

    assert len(found) == 512
    assert max(len(f.name) for f in found) == 64
