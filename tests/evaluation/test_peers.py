"""The peers' rules do what their specification says, however the samples come."""

from __future__ import annotations

import cmath
import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.block import Block
from detector.evaluation import peers
from detector.evaluation.peers import (
    ALARM,
    OK,
    PEERS,
    WARNING,
    PeerAlarm,
    Peers,
    alarms,
    band_positive,
    osd_positive,
    osd_states,
    resampled,
)

from ..kit.traces import TRACES

BLOCK = 125
UPRIGHT_G = np.array([0.0, 0.0, 1.0])


def magnitude_mg(seed: int, *, tone_mg: float, tone_hz: float, noise_mg: float) -> np.ndarray:
    """Two blocks of |a| at 25 Hz."""
    t = np.arange(2 * BLOCK) / 25
    noise = np.random.default_rng(seed).normal(0, noise_mg, len(t))
    return np.abs(1000 + tone_mg * np.sin(2 * np.pi * tone_hz * t) + noise)


def slow_osd(block: np.ndarray) -> bool:
    """One block as OpenSeizureDetector's description has it, by sums over single samples."""

    def power(k: int) -> float:
        total = sum(x * cmath.exp(-2j * cmath.pi * k * n / BLOCK) for n, x in enumerate(block))
        return total.real**2 + total.imag**2

    whole = int(sum(power(k) for k in range(1, 61)) / 250) // 1000
    region = int(sum(power(k) for k in range(15, 40)) / 25) // 1000
    return region > 100 and 10 * region // (whole or 1) > 57


@settings(max_examples=10)
@given(
    st.integers(0, 10_000),
    st.floats(0, 200),
    st.floats(1, 12),
    st.sampled_from([1.0, 20.0, 60.0]),
)
def test_every_block_is_judged_as_the_description_says(seed, tone_mg, tone_hz, noise_mg):
    x = magnitude_mg(seed, tone_mg=tone_mg, tone_hz=tone_hz, noise_mg=noise_mg)
    expected = [slow_osd(x[:BLOCK]), slow_osd(x[BLOCK:])]
    assert expected == osd_positive(x).tolist()


def test_both_answers_are_tried_above():
    quiet = magnitude_mg(0, tone_mg=15, tone_hz=5.5, noise_mg=4)
    loud = magnitude_mg(0, tone_mg=60, tone_hz=5.5, noise_mg=4)
    slow = magnitude_mg(0, tone_mg=60, tone_hz=2.0, noise_mg=4)
    assert [osd_positive(x).tolist() for x in (quiet, loud, slow)] == [
        [False] * 2,
        [True] * 2,
        [False] * 2,
    ]


@pytest.mark.parametrize(
    ("tone_hz", "inside"), [(2.8, False), (3.0, True), (7.8, True), (8.0, False), (12.0, False)]
)
def test_its_region_is_three_to_just_below_eight_hz(tone_hz, inside):
    x = magnitude_mg(0, tone_mg=60, tone_hz=tone_hz, noise_mg=1)
    assert osd_positive(x).tolist() == [inside] * 2


def slow_states(positive: list[bool]) -> list[int]:
    """Run the alarm counter block by block."""
    state, counter, states = OK, 0.0, []
    for block in positive:
        if block:
            counter += 5
            state = ALARM if counter > 10 else WARNING if counter > 5 else OK
        elif state == ALARM:
            state, counter = WARNING, 6.0
        else:
            state, counter = OK, 0.0
        states.append(state)
    return states


@given(st.lists(st.booleans(), max_size=40))
def test_the_counter_runs_as_one_that_takes_block_after_block(positive):
    assert slow_states(positive) == osd_states(np.array(positive, dtype=bool)).tolist()


@given(st.lists(st.booleans(), max_size=40))
def test_every_alarm_is_told_once_with_the_blocks_it_stands_on(positive):
    flags = np.array(positive, dtype=bool)
    states = osd_states(flags)
    told = alarms(flags)
    covered = {at for each in told for at in range(each.first, each.last + 1)}
    assert {int(at) for at in np.flatnonzero(states == ALARM)} <= covered
    for each in told:
        assert positive[each.first]
        assert positive[each.last]
        assert states[each.at] == ALARM
        assert not (states[each.first : each.at] == ALARM).any()
    assert sum(each.last - each.first + 1 for each in told) == len(covered)


def test_three_blocks_make_an_alarm_and_one_bad_block_does_not_end_it():
    flags = np.array([0, 1, 1, 0, 1, 1, 1, 0, 1, 0, 0, 1], dtype=bool)
    assert osd_states(flags).tolist() == [0, 0, 1, 0, 0, 1, 2, 1, 2, 1, 0, 0]
    assert alarms(flags) == [PeerAlarm(first=4, last=8, at=6)]


def test_the_rule_says_what_the_app_said_when_these_people_had_seizures():
    files = sorted((TRACES / "osd_seizures").glob("*.npz"))
    if not files:
        pytest.skip(f"no real recordings at {TRACES} (set SPASMWATCH_TRACES)")
    table = np.zeros((3, 3), dtype=int)
    for file in files:
        with np.load(file, allow_pickle=False) as trace:
            if "mag" not in trace.files:
                continue
            mine = osd_states(osd_positive(1000 * trace["mag"].astype(float)))
            theirs = np.array(json.loads(str(trace["meta"]))["osd_block_alarmState"])
        n = min(len(mine), len(theirs))
        known = theirs[:n] <= ALARM
        np.add.at(table, (theirs[:n][known].astype(int), mine[:n][known]), 1)
    print(f"\nblocks by what the app (rows) and this rule (columns) said:\n{table}")

    assert table.sum() > 1000
    assert table[ALARM, ALARM] > 90
    assert np.trace(table) / table.sum() >= 0.99


def slow_band(samples: np.ndarray, fs: float) -> list[bool]:
    """Judge window after window, with a plain sum for each frequency."""
    n, hop, found = round(2 * fs), round(fs), []
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
    for first in range(0, len(samples) - n + 1, hop):
        band = whole = 0.0
        for axis in range(3):
            x = samples[first : first + n, axis]
            x = (x - x.mean()) * taper
            for k in range(n // 2 + 1):
                power = abs(np.sum(x * np.exp(-2j * np.pi * k * np.arange(n) / n))) ** 2
                band += power if 3 <= k * fs / n <= 8 else 0
                whole += power if 0.5 <= k * fs / n <= 20 else 0
        rms_g = np.sqrt(2 * band / (n * np.sum(taper**2)))
        found.append(bool(band > 0.5 * whole and rms_g > 0.02))
    return found


@settings(max_examples=10)
@given(
    st.integers(0, 10_000), st.floats(0.01, 0.1), st.floats(1, 12), st.sampled_from([25.0, 52.0])
)
def test_the_band_power_rule_is_its_slow_twin(seed, tone_g, tone_hz, fs):
    t = np.arange(int(6 * fs)) / fs
    samples = np.random.default_rng(seed).normal(0, 0.005, (len(t), 3)) + UPRIGHT_G
    samples[:, 1] += tone_g * np.sin(2 * np.pi * tone_hz * t)
    assert slow_band(samples, fs) == band_positive(samples, fs).tolist()


def test_its_threshold_is_an_rms_of_twenty_mg():
    t = np.arange(400) / 50
    for rms_g, seen in ((0.018, False), (0.022, True)):
        samples = np.zeros((400, 3))
        samples[:, 0] = rms_g * np.sqrt(2) * np.sin(2 * np.pi * 5 * t)
        assert band_positive(samples, 50.0).tolist() == [seen] * 7


def recording(fs: float, length_s: float = 70.0) -> np.ndarray:
    t = np.arange(int(length_s * fs)) / fs
    x = np.random.default_rng(1).normal(0, 0.004, (len(t), 3)) + UPRIGHT_G
    shaking = (t > 20) & (t < 45)
    x[shaking, 2] += 0.2 * np.sin(2 * np.pi * 5 * t[shaking])
    return x


def found_in(blocks: list[Block]) -> dict:
    rules = Peers()
    for block in blocks:
        rules.process(block)
    return rules.finish()


@pytest.mark.parametrize("fs", [16.0, 25.0, 31.25, 50.0, 52.0, 100.0])
def test_all_peers_see_a_long_shake_whatever_the_rate(fs):
    found = found_in([Block(recording(fs), 0, fs)])
    assert set(found) == set(PEERS)
    for name in PEERS:
        (one,) = found[name]
        assert 15 <= one.onset_s <= 26
        assert 40 <= one.end_s <= 50
    assert found["OSD alarm"][0].said_s == pytest.approx(35, abs=0.1)
    assert found["OSD first block"][0].said_s == pytest.approx(25, abs=0.1)


@settings(max_examples=30)
@given(st.lists(st.integers(1, 900), max_size=12))
def test_any_cutting_gives_the_same(cuts):
    samples = recording(50.0)
    edges = [0, *np.cumsum(cuts).tolist(), len(samples)]
    edges = sorted({min(edge, len(samples)) for edge in edges})
    blocks = [Block(samples[a:b], a, 50.0) for a, b in pairwise(edges)]
    assert found_in(blocks) == found_in([Block(samples, 0, 50.0)])


@pytest.mark.parametrize("piece_s", [1.0, 7.0, 20.0])
def test_the_pieces_that_bound_memory_change_nothing(monkeypatch, piece_s):
    samples = recording(25.0)
    whole = found_in([Block(samples, 0, 25.0)])
    monkeypatch.setattr(peers, "PIECE_S", piece_s)
    pieces = [Block(samples[i : i + 50], i, 25.0) for i in range(0, len(samples), 50)]
    assert found_in(pieces) == whole
    assert all(whole.values())


def test_nothing_runs_across_a_gap():
    samples = recording(50.0)
    at, gap = 1500, 5000  # in the middle of the shake
    blocks = [Block(samples[:at], 0, 50.0), Block(samples[at:], at + gap, 50.0)]
    found = found_in(blocks)
    assert len(found["band power"]) == 2
    for events in found.values():
        for one in events:
            assert one.end_s <= at / 50 or one.onset_s >= (at + gap) / 50


def test_resampling_keeps_a_tone_and_leaves_its_own_rate_alone():
    fs = 52.0
    t = np.arange(int(20 * fs)) / fs
    tone = np.sin(2 * np.pi * 5 * t)[:, np.newaxis] * [1, 0, 0] + [0, 0, 1]
    slow = resampled(tone, fs)
    assert len(slow) == pytest.approx(500, abs=1)
    assert np.sqrt(2) * slow[50:-50, 0].std() == pytest.approx(1, rel=0.01)
    np.testing.assert_allclose(slow[:, 2], 1, atol=2e-3)  # gravity has no edge to ring at
    assert resampled(tone, 25.0) is tone


def test_too_little_is_nothing():
    assert found_in([]) == {name: [] for name in PEERS}
    assert found_in([Block(np.zeros((10, 3)), 0, 50.0)]) == {name: [] for name in PEERS}
