"""Whatever the radio and its library do wrong, the night goes on, and closing never hangs."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakCharacteristicNotFoundError,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
)

from detector.devices.pmd import PMD_DATA
from detector.errors import ConfigError, LinkError
from detector.sources import bluez
from detector.sources.ble import BleSource
from detector.sources.nearby import scan

from ..kit.virtual_time import LoopClock, in_virtual_time
from .watching import STOP, watching

ERRORS = [
    BleakError("InProgress"),
    BleakDBusError("org.bluez.Error.InProgress", ["Operation already in progress"]),
    BleakDBusError("org.bluez.Error.Failed", ["le-connection-abort-by-local"]),
    BleakDBusError("org.freedesktop.DBus.Error.UnknownObject", []),
    BleakDeviceNotFoundError("AA:BB:CC:DD:EE:01", "removed"),
    BleakCharacteristicNotFoundError(PMD_DATA),
    BleakGATTProtocolError(0x0E),
    BleakBluetoothNotAvailableError("off", BleakBluetoothNotAvailableReason.POWERED_OFF),
    EOFError(),
    TimeoutError(),
    OSError(104, "Connection reset by peer"),
    AssertionError(),
    asyncio.CancelledError(),
]
CALLS = ["scan", "stop scan", "connect", "subscribe", "read", "write", "disconnect"]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_whatever_bleak_raises_the_night_goes_on(air, sensor, call, error):
    async def main():
        one = sensor()
        async with watching(air) as watcher:
            await watcher.until_samples()

            async def fail():
                raise error

            air.trouble[call] = fail
            one.drop()
            one.reachable = True
            await asyncio.sleep(40)
            air.trouble.clear()

            await watcher.until_samples(within_s=20)
            assert not air.violations

    in_virtual_time(main())


@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_never_returns_does_not_stop_the_night(air, sensor, call):
    async def main():
        one = sensor()
        async with watching(air) as watcher:
            await watcher.until_samples()
            air.trouble[call] = air.never
            one.drop()
            one.reachable = True
            await asyncio.sleep(120)
            air.trouble.clear()

            await watcher.until_samples(within_s=60)

    in_virtual_time(main())


def test_pauses_grow_to_16_s_and_begin_anew_only_after_samples(air, sensor):
    async def main():
        one = sensor(silent=True)
        attempts: list[float] = []

        async def refuse():
            attempts.append(asyncio.get_running_loop().time())
            if len(attempts) != 8:
                raise BleakError("refused")

        air.trouble["connect"] = refuse
        async with watching(air, device=one.address) as watcher:
            # The eighth attempt connects, but a link without samples is no reason to hurry.
            while len(attempts) < 9:
                await asyncio.sleep(1)
            pauses = [b - a for a, b in pairwise(attempts)]
            expected = [1, 2, 4, 8, 16, 16, 16]
            assert pauses[:7] == pytest.approx(expected, abs=0.5)
            assert pauses[7] > 30  # 15 s of silence and 16 s of pause

            # A half-made connection that is not hung up keeps its slot in the adapter.
            assert air.calls["disconnect"] >= 8

            air.trouble.clear()
            one.silent = False
            await watcher.until_samples()
            del attempts[:]
            air.trouble["connect"] = refuse
            one.drop()
            one.reachable = True
            while len(attempts) < 3:
                await asyncio.sleep(1)
            assert attempts[1] - attempts[0] == pytest.approx(1, abs=0.5)

    in_virtual_time(main())


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            BleakBluetoothNotAvailableError("none", BleakBluetoothNotAvailableReason.NO_BLUETOOTH),
            "no Bluetooth adapter",
        ),
        (
            BleakBluetoothNotAvailableError("off", BleakBluetoothNotAvailableReason.POWERED_OFF),
            "switched off",
        ),
        (FileNotFoundError(2, "No such file or directory"), "D-Bus does not run"),
        (BleakDBusError("org.freedesktop.DBus.Error.ServiceUnknown", ["gone"]), "not running"),
    ],
)
def test_without_an_adapter_the_first_attempt_says_so_in_a_sentence(air, monkeypatch, error, words):
    monkeypatch.setattr(bluez, "is_installed", lambda: True)

    async def fail():
        raise error

    async def main():
        air.trouble["scan"] = fail
        source = BleSource(
            device=None,
            clock=LoopClock(),
            scanner_backend=air.scanner_backend(),
            client_backend=air.client_backend(),
        )
        with pytest.raises(LinkError, match=words) as raised:
            await anext(source.readings())
        assert "\n" not in str(raised.value)
        with pytest.raises(LinkError, match=words):
            await scan(1, scanner_backend=air.scanner_backend())

    in_virtual_time(main())


def test_an_unknown_driver_is_refused_before_anything_is_begun():
    with pytest.raises(ConfigError, match="did you mean 'polar-h10'"):
        BleSource(device=None, driver="polar-h01", clock=LoopClock())


def test_closing_says_goodbye(air, sensor):
    async def main():
        one = sensor()
        async with watching(air) as watcher:
            await watcher.until_samples()

        assert one.written[-1] == STOP
        assert one.client is None

    in_virtual_time(main())


@pytest.mark.parametrize("call", CALLS)
def test_closing_takes_a_bounded_time_whatever_hangs(air, sensor, call):
    async def main():
        sensor()
        loop = asyncio.get_running_loop()
        async with watching(air) as watcher:
            await watcher.until_samples()
            air.trouble[call] = air.never
            began_s = loop.time()
            await watcher.source.close()

            assert loop.time() - began_s <= 20

    in_virtual_time(main())


@pytest.mark.parametrize("call", CALLS)
def test_closing_in_the_middle_of_anything_ends_the_reading(air, sensor, call):
    async def main():
        sensor()
        reached = asyncio.Event()

        async def wait():
            reached.set()
            await asyncio.sleep(3600)

        air.trouble[call] = wait
        async with watching(air) as watcher:
            if call == "disconnect":
                await watcher.until_samples()
                air.sensors[0].drop()
            await reached.wait()
            await watcher.source.close()

    in_virtual_time(main())
