"""The sensor that is meant is found, or named with what to do; another is never taken silently."""

from __future__ import annotations

import asyncio
import tomllib
from pathlib import Path

import pytest

from detector.alerts.conditions import Condition
from detector.devices.identity import canonical, means
from detector.devices.stream import LinkUp
from detector.sources.nearby import not_heard, scan

from ..kit.virtual_time import in_virtual_time
from .watching import watching

PINNED, NEW, NAME = "C0:5E:3F:2A:9D:51", "C0:5E:3F:2A:1C:29", "Polar H10 3F2A1C29"
CASE = Path(__file__).parents[3] / "shared" / "cases" / "29-h10-new-address" / "h10.toml"


@pytest.mark.parametrize(
    "spelt", ["c0:5e:3f:2a:9d:51", "C0-5E-3F-2A-9D-51", "c05e3f2a9d51", " C05E.3F2A.9D51 "]
)
def test_an_address_in_any_spelling_is_the_same(air, sensor, spelt):
    async def main():
        sensor(address=NEW, name="Polar H10 0000AAAA", rssi=-10)
        sensor(address=PINNED, name=NAME, rssi=-80)
        async with watching(air, device=spelt) as watcher:
            await watcher.until_samples()
        assert [up.address for up in watcher.items(LinkUp)] == [PINNED]

    in_virtual_time(main())
    assert means(spelt, PINNED, NAME)
    assert not means(spelt, NEW, NAME)


def test_a_name_of_digits_and_dashes_stays_a_name():
    assert canonical("My-Sensor 1") == "my-sensor 1"
    assert canonical("BEEF-CAFE") == "beef-cafe"


def test_a_sensor_at_a_new_address_is_followed_by_its_serial_number(air, sensor):
    async def main():
        sensor(address="C0:00:00:00:00:02", name="Polar H10 0000AAAA", rssi=-10)
        sensor(address=NEW, name=NAME)
        async with watching(air, device=PINNED, name=NAME) as watcher:
            await watcher.until_samples()
            remark = watcher.source.status.remark
        assert [up.address for up in watcher.items(LinkUp)] == [NEW]
        assert f"{NAME!r} has a new address, {NEW}" in remark
        assert "spasmwatch setup" in remark

    in_virtual_time(main())


def test_while_the_pinned_address_is_heard_its_name_elsewhere_means_nothing(air, sensor):
    async def main():
        sensor(address=NEW, name=NAME, rssi=-10)
        sensor(address=PINNED, name=NAME, rssi=-90)
        async with watching(air, device=PINNED, name=NAME) as watcher:
            await watcher.until_samples()
        assert [up.address for up in watcher.items(LinkUp)] == [PINNED]

    in_virtual_time(main())


@pytest.mark.parametrize(
    ("name", "heard"),
    [
        (None, [NAME]),  # it was not written down which name it had
        (NAME, [NAME, NAME]),  # two have it: one is forged
        (NAME, ["Polar H10 0000AAAA"]),  # a neighbour's
        ("Polar Sense 1", ["Polar Sense 1"]),  # a name without a serial number
    ],
)
def test_where_it_is_not_certain_the_sensor_is_named_and_never_taken(air, sensor, name, heard):
    async def main():
        for n, each in enumerate(heard):
            sensor(address=f"C0:00:00:00:00:{n:02}", name=each)
        async with watching(air, device=PINNED, name=name) as watcher:
            await asyncio.sleep(60)
            status = watcher.source.status
            found = await scan(3, scanner_backend=air.scanner_backend())
        assert watcher.items(LinkUp) == []
        assert status.trouble == (Condition.OTHER_ADDRESS, status.why)
        for said in (status.why, not_heard(PINNED, name, found)):
            assert repr(heard[0]) in said
            assert "choose it with `spasmwatch setup`" in said

    in_virtual_time(main())


def test_of_two_that_could_be_meant_the_taken_one_is_named(air, sensor):
    async def main():
        sensor(address=PINNED, name="Polar Sense 1", rssi=-40)
        sensor(address=NEW, name="Polar Sense 1", rssi=-60)
        for device in (None, "Polar Sense 1"):
            async with watching(air, device=device) as watcher:
                await watcher.until_samples()
                remark = watcher.source.status.remark
            assert f"at {PINNED} is used because it is nearest; another sensor is heard" in remark
            assert [up.address for up in watcher.items(LinkUp)] == [PINNED]

    in_virtual_time(main())


@pytest.mark.skipif(not CASE.exists(), reason="the case of the new address is not on this machine")
def test_the_case_of_an_h10_with_a_new_battery(air, sensor):
    pinned = tomllib.loads(CASE.read_text())["sensor"]["device"]

    async def main():
        sensor(address=NEW, name=NAME)
        async with watching(air, device=pinned) as watcher:
            await asyncio.sleep(20)
            said = watcher.source.status.why
        assert NAME in said
        assert NEW in said
        assert "new battery" in said
        assert "spasmwatch setup" in said

    in_virtual_time(main())
