"""Laws that hold for every driver, tried with its virtual twin's firmware and with garbage."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from itertools import cycle
from math import isfinite

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detector.block import Block
from detector.devices.profile import Battery, Chunk, Driver, Started
from detector.devices.registry import BUILT_IN, installed
from detector.errors import ProtocolError
from detector.events import final_forms
from detector.night.offline import detect
from detector.recognition.pipeline import Watcher
from detector.timing.sample_clock import SampleClock
from firmware_sim.motion.scenarios import scenario
from firmware_sim.wearables.catalogue import WEARABLES

from .pure_link import PureLink, felt, frames

DRIVERS = [pytest.param(driver, id=driver.name) for driver in BUILT_IN]
PACKETS = 100_000
MOST_STATE = 64 * 1024  # bytes that one conversation may remember


def linked(driver: Driver, fs: int | None = None) -> PureLink:
    link = PureLink(driver, WEARABLES[driver.name].make(fs or int(driver.sheet.fs)))
    link.connect()
    return link


def test_every_driver_has_a_virtual_twin_and_every_twin_a_driver() -> None:
    assert {driver.name for driver in BUILT_IN} == set(WEARABLES)


@pytest.mark.parametrize("driver", DRIVERS)
def test_it_says_how_it_streams(driver: Driver) -> None:
    link = linked(driver)
    measuring = link.firmware.measuring
    assert measuring is not None
    link.hear(frames(link.firmware, np.zeros((40, 3), np.int16), measuring.fs, [40]))

    assert [s for s in link.outputs if isinstance(s, Started)][-1].fs == measuring.fs
    assert {chunk.fs for chunk in link.chunks} == {measuring.fs}


@pytest.mark.parametrize("driver", DRIVERS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10**6),
    sizes=st.lists(st.integers(1, 80), min_size=1, max_size=12),
    size_g=st.sampled_from([0.02, 1.0, 30.0]),
)
def test_what_was_encoded_is_decoded_to_the_count(
    driver: Driver, seed: int, sizes: list[int], size_g: float
) -> None:
    """However it is cut; values beyond the range arrive as the range."""
    link = linked(driver)
    measuring = link.firmware.measuring
    assert measuring is not None
    wanted_g = np.random.default_rng(seed).normal(0, size_g, (sum(sizes) + 60, 3))
    wanted_g[:, 2] += 1
    wanted_g[:60] = 0, 0, 1  # it lay still first: some sensors are asked for their unit then
    counts = felt(wanted_g, measuring)
    link.hear(frames(link.firmware, counts, measuring.fs, cycle([60, *sizes])))
    heard = link.heard_g

    assert len(heard) == len(counts)
    np.testing.assert_allclose(heard, counts * measuring.lsb_g, atol=1e-6, rtol=1e-5)
    inside = np.abs(wanted_g) < measuring.range_g - measuring.lsb_g
    assert np.abs(heard - wanted_g)[inside].max(initial=0) <= measuring.lsb_g


@pytest.mark.parametrize("driver", DRIVERS)
def test_its_stamps_place_every_sample(driver: Driver) -> None:
    link, clock = linked(driver), SampleClock()
    measuring = link.firmware.measuring
    assert measuring is not None
    counts = np.arange(3 * 2000, dtype=np.int16).reshape(-1, 3) % 50
    placed = []
    for say in frames(link.firmware, counts, measuring.fs, cycle([link.firmware.frame_samples])):
        before = len(link.chunks)
        link.hear([say])
        for chunk in link.chunks[before:]:
            heard = len(link.heard_g)
            at_ns = round(heard / measuring.fs * 1e9)
            placed += clock.feed(chunk, at_ns, at_ns)

    assert [block.start for block in placed] == [0, *[block.stop for block in placed[:-1]]]
    assert (clock.gap_count, clock.repeated, clock.unplaced) == (0, 0, 0)
    assert placed[-1].stop == len(link.heard_g) == len(counts)


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_motion_felt_through_it_gives_the_events_of_the_motion(driver: Driver) -> None:
    """Within the device's own steps: kinds, onsets to a frame, and no event more or less."""
    fs = round(driver.sheet.fs)
    trace = scenario("demo", seed=3, fs=float(fs))
    link = linked(driver, fs)
    measuring = link.firmware.measuring
    assert measuring is not None
    counts = felt(trace.samples, measuring)
    for say in frames(link.firmware, counts, fs, cycle([link.firmware.frame_samples])):
        link.hear([say])
    watcher = Watcher()
    live = watcher.process(Block(link.heard_g, 0, float(fs))) + watcher.finish()
    stepped = detect(counts * measuring.lsb_g, float(fs))

    assert [(e.kind, e.onset_s) for e in final_forms(live)] == [
        (e.kind, e.onset_s) for e in stepped
    ]


@pytest.mark.parametrize("driver", DRIVERS)
def test_nothing_but_a_protocol_error_leaves_it(driver: Driver) -> None:
    """100,000 packets: random, cut, lengthened, with flipped bits, repeated, on any channel."""
    rng = np.random.default_rng(0)
    link = linked(driver)
    measuring = link.firmware.measuring
    assert measuring is not None
    counts = rng.integers(-900, 900, (400, 3)).astype(np.int16)
    honest = [
        (s.channel, s.data)
        for s in frames(link.firmware, counts, measuring.fs, cycle([1, 7, 36, 12]))
    ]
    for channel in driver.read_first:
        honest.append((channel, link.firmware.read(channel)))
    channels = [*driver.read_first, *driver.channels, *driver.optional_channels, "nonsense"]
    conversation, refused = link.conversation, 0
    for channel, data in garbage(rng, honest, channels, PACKETS):
        try:
            outputs = conversation.feed(channel, data)
        except ProtocolError as error:
            refused += bool(str(error))
            continue
        for output in outputs:
            if isinstance(output, Chunk):
                assert np.isfinite(output.samples).all()
                assert output.samples.shape[1] == 3
                assert output.fs is None or (isfinite(output.fs) and output.fs > 0)
            elif isinstance(output, Battery):
                assert 0 <= output.percent <= 100

    assert refused > PACKETS // 10
    assert len(pickle.dumps(vars(conversation))) < MOST_STATE


@pytest.mark.parametrize("driver", DRIVERS)
def test_decoding_by_hand_fails_no_other_way(driver: Driver) -> None:
    rng = np.random.default_rng(1)
    for length in range(300):
        try:
            decoded = driver.decode(rng.bytes(length))
        except ProtocolError:
            continue
        assert np.isfinite(decoded.samples).all()


def garbage(
    rng: np.random.Generator,
    honest: list[tuple[str, bytes]],
    channels: list[str],
    count: int,
) -> Iterator[tuple[str, bytes]]:
    lengths, picks = rng.integers(0, 64, count), rng.integers(0, len(honest), count)
    ways, where = rng.integers(0, 8, count), rng.integers(0, len(channels), count)
    for length, pick, way, elsewhere in zip(lengths, picks, ways, where, strict=True):
        channel, data = honest[pick]
        match way:
            case 0 | 1:
                yield channels[elsewhere], rng.bytes(int(length))
            case 2:
                yield channel, rng.bytes(int(length) * 4)
            case 3:
                yield channel, data[: int(length) % (len(data) + 1)]
            case 4:
                yield channel, data + rng.bytes(int(length))
            case 5:
                flipped = bytearray(data)
                if flipped:
                    flipped[int(length) % len(flipped)] ^= 1 << int(pick % 8)
                yield channel, bytes(flipped)
            case 6:
                yield channels[elsewhere], data
            case _:
                yield channel, data


def test_the_register_knows_them_all() -> None:
    assert {driver.name for driver in BUILT_IN} <= set(installed().drivers)
