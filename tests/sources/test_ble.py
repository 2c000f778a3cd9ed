"""Laws of the live source: whatever the radio does, samples come again, and it is never silent."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import asynccontextmanager, suppress
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

from detector.devices.interpreter import Interpreter
from detector.devices.pmd import PMD_CONTROL, PMD_DATA
from detector.devices.profile import Battery, Chunk, Note, Refused, Started, Stopped, Write
from detector.devices.stream import LinkDown, LinkUp, Packet, Reading
from detector.errors import ConfigError, LinkError
from detector.sources.ble import BleSource, LinkState, scan

START = bytes.fromhex("0202 00013400 01011000 02010800 040103")
STOP = bytes.fromhex("0302")


class LoopClock:
    def mono_ns(self) -> int:
        return round(asyncio.get_running_loop().time() * 1e9)

    def utc_ns(self) -> int:
        return 1_700_000_000_000_000_000 + self.mono_ns()


class Watcher:
    """Reads a source to its end and keeps what it said."""

    def __init__(self, source: BleSource) -> None:
        self.source = source
        self.readings: list[Reading] = []
        self._news = asyncio.Event()

    async def read(self) -> None:
        async for reading in self.source.readings():
            self.readings.append(reading)
            self._news.set()

    async def until(self, seen: Callable[[], bool], within_s: float = 60) -> float:
        """Wait until something was read; give the time it took."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        async with asyncio.timeout(within_s):
            while not seen():
                self._news.clear()
                await self._news.wait()
        return loop.time() - began_s

    async def until_samples(self, within_s: float = 60) -> float:
        before = self.chunks
        return await self.until(lambda: self.chunks > before, within_s)

    def outputs(self, kind: type) -> list:
        return [o for reading in self.readings for o in reading.outputs if isinstance(o, kind)]

    def items(self, kind: type) -> list:
        return [reading.item for reading in self.readings if isinstance(reading.item, kind)]

    @property
    def chunks(self) -> int:
        return len(self.outputs(Chunk))


@asynccontextmanager
async def watching(air, **settings):
    source = BleSource(
        **{"device": None, "clock": LoopClock()} | settings,
        scanner_backend=air.scanner_backend(),
        client_backend=air.client_backend(),
    )
    watcher = Watcher(source)
    reading = asyncio.create_task(watcher.read())
    try:
        yield watcher
    finally:
        await source.close()
        air.released.set()
        with suppress(LinkError):
            await reading


def test_a_sensor_is_found_set_up_and_streams(air, sensor, in_virtual_time):
    async def main():
        one = sensor()
        async with watching(air) as watcher:
            took_s = await watcher.until_samples()
            status = watcher.source.status

            assert took_s < 5
            assert (status.state, status.why, status.sessions) == (LinkState.STREAM, "", 1)
            assert status.data_age_s == 0
            assert one.written == [b"\x02\x09", b"\x01\x02", START]
            assert watcher.outputs(Started) == [Started(52, 8)]
            assert watcher.outputs(Battery) == [Battery(80)]
            assert isinstance(watcher.readings[0].item, LinkUp)
            assert not air.violations

    in_virtual_time(main())


def test_no_sample_of_a_standing_link_is_lost_or_altered(air, sensor, in_virtual_time):
    async def main():
        one = sensor()
        async with watching(air) as watcher:
            await watcher.until(lambda: watcher.chunks >= 300, within_s=600)
            got = [x for chunk in watcher.outputs(Chunk) for x in chunk.samples[:, 0]]

            assert got == [i % 1000 / 1000 for i in range(one.sent)]

    in_virtual_time(main())


def test_a_thousand_drops_are_all_survived_within_five_seconds_of_the_return(
    air, sensor, in_virtual_time
):
    async def main():
        rng = random.Random(1)
        one = sensor()
        worst_s = 0.0
        async with watching(air) as watcher:
            for drop in range(1000):
                await watcher.until_samples()
                await asyncio.sleep(rng.uniform(0, 3))
                one.drop()
                away_s = 8 * 3600 if drop == 500 else 10 ** rng.uniform(-1, 2)
                await asyncio.sleep(away_s)
                one.reachable = True
                worst_s = max(worst_s, await watcher.until_samples())
                watcher.readings[:-10] = []
            sessions = watcher.source.status.sessions

        assert worst_s <= 5
        assert sessions >= 1000
        assert air.calls["connect"] == sessions
        assert not air.violations

    in_virtual_time(main())


def test_each_session_has_a_number_of_its_own_and_an_end(air, sensor, in_virtual_time):
    async def main():
        one = sensor()
        async with watching(air) as watcher:
            for _ in range(5):
                await watcher.until_samples()
                one.drop()
                await asyncio.sleep(1)
                one.reachable = True
            await watcher.until_samples()
        links = [r.item for r in watcher.readings if isinstance(r.item, LinkUp | LinkDown)]

        assert [link.session for link in links] == sorted([*range(1, 7)] * 2)
        assert [type(link) for link in links] == [LinkUp, LinkDown] * 6
        assert all("lost" in link.reason for link in links[1:-1:2])
        assert links[-1].reason == "closed"

    in_virtual_time(main())


def test_a_late_callback_of_an_old_session_is_counted_and_dropped(air, sensor, in_virtual_time):
    async def main():
        one = sensor()
        async with watching(air) as watcher:
            await watcher.until_samples()
            old = one.client
            one.drop()
            one.reachable = True
            await watcher.until_samples()
            packets = len(watcher.items(Packet))
            old.notify(PMD_DATA, b"late")
            await asyncio.sleep(0)

            assert watcher.source.status.late == 1
            assert len(watcher.items(Packet)) == packets

    in_virtual_time(main())


def test_a_silent_link_is_restarted_after_5_s_and_made_anew_after_15_s(
    air, sensor, in_virtual_time
):
    async def main():
        one = sensor()
        async with watching(air) as watcher:
            await watcher.until_samples()
            one.silent = True
            del one.written[:]
            await asyncio.sleep(4.9)
            assert one.written == []
            await asyncio.sleep(0.5)
            assert one.written == [STOP, START]
            assert watcher.source.status.data_age_s > 5
            await asyncio.sleep(10.5)
            assert "no samples for 15 s" in watcher.items(LinkDown)[0].reason
            one.silent = False
            assert await watcher.until_samples() < 5
            assert watcher.source.status.sessions == 2

    in_virtual_time(main())


def test_a_restart_alone_wakes_a_sensor_that_stopped_without_a_word(air, sensor, in_virtual_time):
    async def main():
        one = sensor()
        async with watching(air) as watcher:
            await watcher.until_samples()
            one.stop()

            assert 5 < await watcher.until_samples() < 8
            assert watcher.source.status.sessions == 1

    in_virtual_time(main())


def test_a_sensor_with_long_frames_is_not_called_silent(air, sensor, in_virtual_time):
    async def main():
        one = sensor(count=52 * 8)
        async with watching(air) as watcher:
            await watcher.until(lambda: watcher.chunks >= 20, within_s=300)

            assert one.written.count(START) <= 2  # before the first frame nobody knows its length

    in_virtual_time(main())


def test_a_stop_by_the_sensor_is_answered_with_a_start(air, sensor, in_virtual_time):
    async def main():
        one = sensor()
        async with watching(air) as watcher:
            await watcher.until_samples()
            one.stop()
            one.say(PMD_CONTROL, b"\x01\x02")

            assert await watcher.until_samples() < 2
            assert len(watcher.outputs(Stopped)) == 1
            assert watcher.source.status.sessions == 1

    in_virtual_time(main())


def test_a_thousand_malformed_frames_are_counted_and_then_forgotten(air, sensor, in_virtual_time):
    async def main():
        rng = random.Random(2)
        one = sensor(count=1)
        async with watching(air) as watcher:
            await watcher.until_samples()
            good = one.mangle
            one.mangle = lambda frame: rng.randbytes(rng.randrange(0, 80))
            await watcher.until(lambda: watcher.source.status.protocol_errors >= 1000, 3600)
            one.mangle = good

            # It may just have been given up as dead and be waiting for its next attempt.
            assert await watcher.until_samples() < 20
            assert sum(r.error is not None for r in watcher.readings) >= 1000

    in_virtual_time(main())


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
def test_whatever_bleak_raises_the_night_goes_on(air, sensor, in_virtual_time, call, error):
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
def test_a_call_that_never_returns_does_not_stop_the_night(air, sensor, in_virtual_time, call):
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


def test_pauses_grow_to_16_s_and_begin_anew_only_after_samples(air, sensor, in_virtual_time):
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
        (FileNotFoundError(2, "No such file or directory"), "does not answer"),
        (BleakDBusError("org.freedesktop.DBus.Error.ServiceUnknown", ["gone"]), "ServiceUnknown"),
    ],
)
def test_without_an_adapter_the_first_attempt_says_so_in_a_sentence(
    air, in_virtual_time, error, words
):
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


def test_closing_says_goodbye(air, sensor, in_virtual_time):
    async def main():
        one = sensor()
        async with watching(air) as watcher:
            await watcher.until_samples()

        assert one.written[-1] == STOP
        assert one.client is None

    in_virtual_time(main())


@pytest.mark.parametrize("call", CALLS)
def test_closing_takes_a_bounded_time_whatever_hangs(air, sensor, in_virtual_time, call):
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
def test_closing_in_the_middle_of_anything_ends_the_reading(air, sensor, in_virtual_time, call):
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


def test_the_nearest_sensor_that_we_know_is_taken_and_kept(air, sensor, in_virtual_time):
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


def test_an_impostor_that_shouts_does_not_keep_the_real_sensor_away(air, sensor, in_virtual_time):
    async def main():
        sensor(address="00:00:00:00:00:01", name="Polar Sense evil", rssi=-10, mute=True)
        real = sensor(address="00:00:00:00:00:02", rssi=-70)
        async with watching(air) as watcher:
            await watcher.until_samples(within_s=120)

        assert watcher.items(LinkUp)[-1].address == real.address

    in_virtual_time(main())


@pytest.mark.parametrize("device", ["aa:bb:cc:dd:ee:02", "polar sense two"])
def test_the_sensor_that_the_user_names_is_taken(air, sensor, in_virtual_time, device):
    async def main():
        sensor(rssi=-10)
        sensor(address="AA:BB:CC:DD:EE:02", name="Polar Sense two", rssi=-80)
        async with watching(air, device=device) as watcher:
            await watcher.until_samples()

        assert [up.address for up in watcher.items(LinkUp)] == ["AA:BB:CC:DD:EE:02"]

    in_virtual_time(main())


def test_a_sensor_nobody_recognises_can_be_told_its_driver(air, sensor, in_virtual_time):
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


def test_a_sensor_that_is_too_slow_is_refused_with_the_reason(air, sensor, in_virtual_time):
    async def main():
        sensor(rates=(10,))
        async with watching(air) as watcher:
            await watcher.until(lambda: watcher.items(LinkDown))

            assert "offers 10 Hz at most" in watcher.outputs(Refused)[0].reason
            assert "offers 10 Hz at most" in watcher.items(LinkDown)[0].reason

    in_virtual_time(main())


def test_a_sensor_without_a_battery_level_streams_all_the_same(air, sensor, in_virtual_time):
    async def main():
        sensor(battery=None)
        async with watching(air) as watcher:
            await watcher.until_samples()

            assert watcher.outputs(Battery) == watcher.outputs(Note) == []

    in_virtual_time(main())


def test_a_reader_that_sleeps_costs_the_oldest_packets_and_they_are_counted(
    air, sensor, in_virtual_time
):
    async def main():
        one = sensor(count=1)
        source = BleSource(
            device=None,
            clock=LoopClock(),
            scanner_backend=air.scanner_backend(),
            client_backend=air.client_backend(),
        )
        readings = source.readings()
        read = 0
        async for reading in readings:
            read += any(isinstance(output, Chunk) for output in reading.outputs)
            if read == 10:
                break
        await asyncio.sleep(120)
        await source.close()
        async for reading in readings:
            read += any(isinstance(output, Chunk) for output in reading.outputs)

        assert source.status.sessions == 1
        assert read <= 4096 + 10
        assert one.sent == read + source.status.dropped

    in_virtual_time(main())


def test_a_replay_of_the_items_gives_the_same_readings(air, sensor, in_virtual_time):
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

    live = in_virtual_time(main())
    interpreter = Interpreter()
    replayed = [interpreter.feed(reading.item) for reading in live]

    assert [_essence(reading) for reading in replayed] == [_essence(reading) for reading in live]


def _essence(reading: Reading):
    """Whatever matters to those who come after: all but what the live session had to write."""
    return (
        reading.item,
        reading.error,
        [
            (o.samples.tobytes(), o.fs, o.last_ns) if isinstance(o, Chunk) else o
            for o in reading.outputs
            if not isinstance(o, Write)
        ],
    )


def test_two_sources_share_an_adapter_one_connection_at_a_time(air, sensor, in_virtual_time):
    async def main():
        adapter = asyncio.Lock()
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


def test_a_scan_lists_what_is_near_sensors_first(air, sensor, in_virtual_time):
    sensor(address="00:00:00:00:00:01", name="Television", rssi=-20)
    sensor(address="00:00:00:00:00:02", name="Polar OH1 1", rssi=-80)
    sensor(address="00:00:00:00:00:03", name="Polar H10 2", rssi=-50)

    found = in_virtual_time(scan(3, scanner_backend=air.scanner_backend()))

    assert [(f.name, f.rssi_dbm, f.driver) for f in found] == [
        ("Polar H10 2", -50, "polar-h10"),
        ("Polar OH1 1", -80, "polar-verity-sense"),
        ("Television", -20, None),
    ]


def test_a_flood_of_invented_devices_does_not_fill_the_memory(air, sensor, in_virtual_time):
    for n in range(2000):
        sensor(address=f"{n:012x}", name="x" * 1000)

    found = in_virtual_time(scan(1, scanner_backend=air.scanner_backend()))

    assert len(found) == 512
    assert max(len(f.name) for f in found) == 64
