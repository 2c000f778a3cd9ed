"""Each reason why Bluetooth cannot be used is one sentence that says what to do."""

from __future__ import annotations

import asyncio

import pytest

from detector.errors import LinkError
from detector.sources.nearby import scan
from firmware_sim.bluez.bus import as_system_bus
from firmware_sim.bluez.faults import Fault

from .house import house, release_bleak


async def complaint() -> str:
    with pytest.raises(LinkError) as caught:
        await scan(0.1)
    said = str(caught.value)
    assert "\n" not in said
    return said


def test_an_adapter_that_is_off():
    async def law():
        async with house() as here:
            await here.daemon.adapter.power(on=False)
            assert "hci0 is switched off. Type: bluetoothctl power on" in await complaint()

    asyncio.run(law())


def test_no_adapter():
    async def law():
        async with house() as here:
            await here.daemon.adapter.unplug()
            assert "This computer has no Bluetooth adapter. Plug one in" in await complaint()

    asyncio.run(law())


def test_no_bus():
    async def law():
        with as_system_bus("unix:path=/nowhere/bus"):
            assert "D-Bus does not run" in await complaint()
        await release_bleak()

    asyncio.run(law())


def test_no_bluetoothd_on_the_bus():
    async def law():
        async with house() as here:
            await here.end_bluetoothd()
            assert "not running. Type: sudo systemctl start bluetooth" in await complaint()

    asyncio.run(law())


def test_a_bus_that_lets_this_user_say_nothing():
    async def law():
        async with house() as here:
            here.daemon.faults.inject(Fault.ACCESS_DENIED, 10)
            assert "This user may not use Bluetooth" in await complaint()

    asyncio.run(law())
