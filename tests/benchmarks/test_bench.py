"""The benchmark runs at all; how fast it is, only `make bench` says."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from detector.block import Block
from firmware_sim.motion import scenario

from . import bench
from .contestants import FS, STAGES, by_stage, contestants, whole
from .live import Rows, many_wearers, one_wearer
from .stopwatch import Timing, interleaved


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    return np.array(scenario("demo", seed=1, fs=FS).samples)


@pytest.fixture(scope="module")
def rows() -> Rows:
    return many_wearers(4, 50, pool_s=60.0)


@pytest.fixture(scope="module")
def result(samples, rows) -> dict[str, Any]:
    """What `measure` gives, of one minute instead of a night."""
    block = Block(samples[: 60 * int(FS)], 0, FS)
    timings = interleaved(contestants(block.samples), 1)
    live = one_wearer(FS, passes=1, length_s=30.0)
    found = bench.gathered(block.samples, timings, [by_stage(block)], [live], rows)
    return json.loads(json.dumps(found))


def test_everybody_runs_in_turn_and_as_often():
    ran: list[str] = []

    timings = interleaved({name: lambda name=name: ran.append(name) for name in "abc"}, rounds=2)

    assert ["a", "b", "c"] * 3 == ran  # one round before those that count
    assert {"a", "b", "c"} == timings.keys()
    assert all(len(timing.rounds_ms) == 2 for timing in timings.values())


def test_a_ratio_is_taken_within_its_round():
    slow_machine = Timing((20.0, 2.0, 2.0)), Timing((10.0, 1.0, 1.0))

    assert slow_machine[0].over(slow_machine[1]) == 2
    assert Timing((4.0, 9.0)).least_over(Timing((2.0, 3.0))) == 2


def test_clocks_before_the_stages_change_nothing_and_are_taken_away(samples):
    block = Block(samples, 0, FS)
    before = [getattr(at, name) for of in STAGES.values() for at, name in of]

    shares = by_stage(block)

    assert before == [getattr(at, name) for of in STAGES.values() for at, name in of]
    assert 0 < shares.active_frames < len(samples) / 12
    assert all(ms > 0 for ms in shares.ms.values())
    assert len(whole(block)) > 5


def test_wearers_as_rows_say_what_each_says_alone(rows):
    assert rows.identical
    assert rows.wearers == 4
    assert rows.wearers_per_core > 0


def test_it_is_told_in_ratios_to_a_copy(result):
    lines = bench.told(result)

    assert any("copies of the array" in line for line in lines)
    assert any(line.startswith("copy ") and " 1.00 " in line for line in lines)
    assert any("wearers per core" in line for line in lines)
    assert any("numpy" in line for line in lines)
