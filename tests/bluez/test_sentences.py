"""Each reason why Bluetooth cannot be used is one sentence that says what to do."""

from __future__ import annotations

import asyncio

import pytest

from detector.errors import LinkError
from detector.sources.nearby import scan
from firmware_sim.bluez.bus import as_system_bus
from firmware_sim.bluez.faults import Fault

from .house import house, release_bleak

NO_ANSWER = "Bluetooth does not answer on this machine. Start its service"


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
            assert "Switch it on (bluetoothctl power on)" in await complaint()

    asyncio.run(law())


def test_no_adapter():
    async def law():
        async with house() as here:
            await here.daemon.adapter.unplug()
            assert "This machine has no Bluetooth adapter. Plug one in" in await complaint()

    asyncio.run(law())


def test_no_bus():
    async def law():
        with as_system_bus("unix:path=/nowhere/bus"):
            assert NO_ANSWER in await complaint()
        await release_bleak()

    asyncio.run(law())


def test_no_bluetoothd_on_the_bus():
    async def law():
        async with house() as here:
            await here.end_bluetoothd()
            assert NO_ANSWER in await complaint()

    asyncio.run(law())


def test_a_bus_that_lets_this_user_say_nothing():
    async def law():
        async with house() as here:
            here.daemon.faults.inject(Fault.ACCESS_DENIED, 10)
            assert "does not let this user use Bluetooth" in await complaint()

    asyncio.run(law())
