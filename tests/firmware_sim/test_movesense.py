"""The virtual Movesense implements GSP, and its trace arrives unaltered."""

from __future__ import annotations

import asyncio
import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from detector.devices.movesense import MOVESENSE as DRIVER
from detector.devices.profile import Chunk
from detector.devices.registry import Registry
from detector.sources.ble import BleSource
from detector.sources.clock import ScaledClock
from detector.timing.sample_clock import SampleClock
from firmware_sim.backend import backends
from firmware_sim.playback import Trace
from firmware_sim.sensors import SensorPlan
from firmware_sim.wearables.firmware import BATTERY_LEVEL, Measuring, Say
from firmware_sim.wearables.movesense import (
    COUNT_G,
    GSP_COMMAND,
    GSP_DATA,
    MOVESENSE,
    MovesenseFirmware,
    encode_data,
    in_parts,
)

SUBSCRIBE = b"\x01\x07/Meas/Acc/52"

anything = array_shapes(min_dims=1, max_dims=1, max_side=24).flatmap(
    lambda shape: arrays(np.int16, (*shape, 3))
)


def ask(firmware: MovesenseFirmware, command: bytes) -> list[bytes]:
    return [say.data for say in firmware.write(GSP_COMMAND, command)]


def answer(reference: int, status: int) -> list[bytes]:
    return [struct.pack("<BBH", 1, reference, status)]


def test_packets_are_written_as_a_real_sensor_wrote_one():
    # sensein/movesense-py, tests/fixtures/validation: a sensor at rest, without the first 2 bytes
    real = (
        "03de010055ab8bbf69f78d4081dd0a412b1387bf975a8d4020840b41"
        "e79190bf076d8e401bf10a412b1387bf316e8d40b9660b41"
    )
    counts = [[-456, 1854, 3627], [-441, 1846, 3644], [-472, 1860, 3629], [-441, 1847, 3641]]
    written = encode_data(7, 122_371, np.array(counts, np.int16))

    assert written[:6].hex() == "0207" + real[:8]
    # The firmware reckons with floats of 32 bits: its last digit may differ.
    ours = np.frombuffer(written, "<f4", offset=6)
    assert ours == pytest.approx(np.frombuffer(bytes.fromhex(real), "<f4", offset=4), rel=2e-7)


@given(anything, st.integers(0, 2**34))
def test_every_sample_and_the_first_ones_time_come_back_also_in_parts(counts, first_ms):
    conversation = DRIVER.converse()
    conversation.feed(GSP_DATA, encode_data(1, 0, np.full((1, 3), 2000, np.int16)))
    outputs = [
        output
        for part in in_parts(encode_data(1, first_ms, np.clip(counts, -30000, 30000)))
        for output in conversation.feed(GSP_DATA, part)
    ]
    (chunk,) = (output for output in outputs if isinstance(output, Chunk))

    assert np.array_equal(np.rint(chunk.samples / COUNT_G), np.clip(counts, -30000, 30000))
    later_ns = chunk.last_ns - round((len(counts) - 1) / 52 * 1e9)
    assert later_ns // 1_000_000 % 2**32 == first_ms % 2**32


def test_what_is_long_goes_into_two_notifications():
    packet = encode_data(9, 0, np.zeros((13, 3), np.int16))

    assert in_parts(packet[:152]) == [packet[:152]]
    assert in_parts(packet) == [packet[:152], b"\x03\x09" + packet[152:]]


def test_commands_are_answered_under_their_reference():
    firmware = MovesenseFirmware()

    (greeting,) = ask(firmware, b"\x00\x05")
    assert greeting.startswith(b"\x01\x05\x01213000000001\0Movesense HR+\0")
    assert ask(firmware, SUBSCRIBE) == answer(7, 200)
    assert firmware.measuring == Measuring(52, 32767 * COUNT_G, COUNT_G)
    assert ask(firmware, b"\x02\x07") == answer(7, 200)
    assert firmware.measuring is None
    assert ask(firmware, b"\x02\x07") == answer(7, 404)


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (b"\x01\x07/Meas/Acc/50", 501),
        (b"\x01\x07/Meas/Acc/", 404),
        (b"\x01\x07/Meas/Gyro/52", 404),
        (b"\x01\x00/Meas/Acc/52", 400),
        (b"\x0c\x07", 400),
    ],
)
def test_what_it_cannot_do_is_refused_by_number(command, status):
    firmware = MovesenseFirmware()

    assert ask(firmware, command) == answer(command[1], status)
    assert firmware.measuring is None


def test_it_has_room_for_four_streams_and_sends_the_newest():
    firmware = MovesenseFirmware()
    for reference in range(1, 5):
        assert ask(firmware, bytes((1, reference)) + b"/Meas/Acc/52") == answer(reference, 200)

    assert ask(firmware, bytes((1, 5)) + b"/Meas/Acc/52") == answer(5, 507)
    assert firmware.frame(0, np.zeros((1, 3), np.int16)).data[:2] == b"\x02\x04"
    ask(firmware, b"\x02\x04")
    assert firmware.frame(0, np.zeros((1, 3), np.int16)).data[:2] == b"\x02\x03"
    firmware.link_lost()
    assert firmware.measuring is None


def test_older_firmware_does_not_answer_a_subscription_that_succeeds():
    firmware = MovesenseFirmware(answers=False)

    assert ask(firmware, SUBSCRIBE) == []
    assert firmware.measuring is not None
    assert ask(firmware, b"\x01\x08/Meas/Acc/1") == answer(8, 501)


def test_the_time_in_a_packet_is_its_first_samples():
    firmware = MovesenseFirmware()
    ask(firmware, SUBSCRIBE)
    frame = firmware.frame(1_000_000_000, np.zeros((27, 3), np.int16))

    assert struct.unpack_from("<I", frame.data, 2) == (122_371 + 500,)


def test_its_battery_is_notified_and_it_stops_without_notice():
    firmware = MovesenseFirmware()
    ask(firmware, SUBSCRIBE)

    assert firmware.charge(41) == [Say(BATTERY_LEVEL, b"\x29")]
    assert firmware.read(BATTERY_LEVEL) == b"\x29"
    assert firmware.stop_by_itself() == []
    assert firmware.measuring is None


@given(st.lists(st.binary(max_size=30)))
def test_whatever_is_written_is_answered_or_ignored(commands):
    firmware = MovesenseFirmware()
    for command in commands:
        for reply in ask(firmware, command):
            assert reply[:2] == bytes((1, command[1]))


def test_not_a_sample_is_lost_on_the_way_to_the_production_source(serving):
    steps = np.random.default_rng(1).integers(-30, 31, (52 * 20, 3)).cumsum(axis=0)
    trace = Trace(np.array([0, 0, 1]) + np.clip(steps, -3000, 3000) / 1000, 52)
    plan = SensorPlan(model=MOVESENSE, trace=trace, speed=10)

    async def listen():
        blocks, clock = [], SampleClock()
        async with asyncio.timeout(60), serving(plan) as air, asyncio.TaskGroup() as tasks:
            scanner, client = backends(air.address)
            source = BleSource(
                device=None,
                clock=ScaledClock(plan.speed),
                scanner_backend=scanner,
                client_backend=client,
                registry=Registry({DRIVER.name: DRIVER}),
            )
            air.task.add_done_callback(lambda _: tasks.create_task(source.close()))
            async for reading in source.readings():
                assert reading.error is None
                blocks += clock.take(reading)
            return source.status, clock, blocks

    status, clock, blocks = asyncio.run(listen())
    got = np.concatenate([block.samples for block in blocks])

    assert status.dropped == status.late == clock.gap_count == 0
    assert got.shape == trace.samples.shape
    assert np.abs(got - trace.samples).max() <= COUNT_G


def test_decode_prints_a_packet(spasmwatch):
    packet = encode_data(1, 2, np.array([[0, 0, 4098]], np.int16))
    done = spasmwatch("decode", "--device", "movesense", packet.hex())

    assert done.returncode == 0
    line = json.loads(done.stdout)
    assert line["t_ns"] == 2_000_000
    assert line["samples_g"] == [pytest.approx([0, 0, 4098 * COUNT_G])]
