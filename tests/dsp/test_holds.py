"""A sensor asleep repeats itself to the bit; what follows is a beginning, not a movement."""

from __future__ import annotations

import json
from itertools import cycle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.block import Block, Samples
from detector.dsp.holds import FINEST_STEP_G, SLEEP_S, Holds
from detector.events import SPASM_FAMILY, Event, final_forms
from detector.recognition.pipeline import Watcher

SLOW_HZ = 4.0  # a hold is 20 samples then, so that many fit into a small recording
FINE_G, COARSE_G = 0.001, 0.016

pieces = st.lists(
    st.tuples(st.integers(0, 2), st.one_of(st.integers(1, 4), st.integers(5, 70))),
    min_size=1,
    max_size=14,
)
sizes = st.lists(st.integers(0, 40), min_size=1, max_size=6).filter(any)


def steps(runs: list[tuple[int, int]], step_g: float = FINE_G) -> Samples:
    """Stretches of equal samples, each a few steps from the last: (n, 3) g."""
    values = np.array([[0.1, 0.0, 0.99], [0.1, step_g, 0.99], [0.1, 0.0, 0.99 + step_g]])
    return np.concatenate([np.tile(values[value], (length, 1)) for value, length in runs])


def ends(holds: Holds, samples: Samples, cuts: list[int], fs: float = SLOW_HZ) -> list[int]:
    """Where segments begin that a hold divides from what was before, fed in these cuts."""
    found, start = list[int](), 0
    for size in cycle(cuts):
        if start >= len(samples):
            return found
        parts = holds.split(Block(samples[start : start + size], start, fs))
        found += [part.start for part in parts[1:]]
        start += size
    return found


def slow_ends(samples: Samples, fs: float = SLOW_HZ) -> list[int]:
    """Say the same sample by sample: how long each has been the same, and the finest change."""
    every, run, step_g, found = int(SLEEP_S * fs / 2), 1, np.inf, list[int]()
    for index in range(1, len(samples)):
        if index % every == 0:
            changes = np.abs(samples[index] - samples[index - every])
            step_g = min([step_g, *changes[changes > 0]])
        if (samples[index] == samples[index - 1]).all():
            run += 1
            continue
        if run >= 2 * every and step_g <= FINEST_STEP_G:
            found.append(index)
        run = 1
    return found


@settings(max_examples=120)
@given(pieces)
def test_holds_are_what_a_loop_over_the_samples_finds(runs: list[tuple[int, int]]) -> None:
    samples = steps(runs)

    assert slow_ends(samples) == ends(Holds(), samples, [len(samples)])


@settings(max_examples=120)
@given(pieces, sizes)
def test_the_cutting_into_packets_changes_no_hold(
    runs: list[tuple[int, int]], cuts: list[int]
) -> None:
    samples = steps(runs)

    assert slow_ends(samples) == ends(Holds(), samples, cuts)


@settings(max_examples=80)
@given(pieces, st.data())
def test_a_restart_at_any_sample_changes_no_hold(
    runs: list[tuple[int, int]], data: st.DataObject
) -> None:
    samples = steps(runs)
    at = data.draw(st.integers(0, len(samples)))
    first, second = Holds(), Holds()
    found = ends(first, samples[:at], [7])
    saved = json.loads(json.dumps(first.save(), allow_nan=False))
    first.split(Block(samples[::-1], at, SLOW_HZ))  # what happens to the old one is its affair
    second.load(saved)
    rest = second.split(Block(samples[at:], at, SLOW_HZ))

    assert slow_ends(samples) == found + [part.start for part in rest[1:]]


@given(pieces, sizes)
def test_the_parts_are_the_block(runs: list[tuple[int, int]], cuts: list[int]) -> None:
    samples, holds, parts = steps(runs), Holds(), list[Block]()
    for start in range(0, len(samples), sum(cuts)):
        parts += holds.split(Block(samples[start : start + sum(cuts)], start, SLOW_HZ))

    assert [part.start for part in parts[1:]] == [part.stop for part in parts[:-1]]
    np.testing.assert_array_equal(samples, np.concatenate([part.samples for part in parts]))


def resting(seconds: float, fs: float = 50.0, noise_g: float = 1.5e-3, seed: int = 0) -> Samples:
    """A limb at rest as a sensor of 1 mg steps sees it."""
    noise = np.random.default_rng(seed).normal(0, noise_g, (int(seconds * fs), 3))
    return np.round(np.array([0.1, 0.0, 0.99]) + noise, 3)


@pytest.mark.parametrize("noise_g", [1e-3, 3e-3])
def test_a_coarse_sensor_at_rest_is_not_held(noise_g: float) -> None:
    """Steps of 16 mg hide the noise of a limb at rest: the value truly is that one."""
    coarse = np.round(resting(300, noise_g=noise_g) / COARSE_G) * COARSE_G
    coarse[3000] += COARSE_G

    assert (coarse[:3000] == coarse[0]).all(axis=1).mean() > 0.3
    assert ends(Holds(), coarse, [len(coarse)], fs=50.0) == []


def test_a_sensor_of_four_mg_steps_at_one_mg_of_noise_is_not_held() -> None:
    fine = np.round(resting(3600, noise_g=1e-3) / 0.004) * 0.004

    assert ends(Holds(), fine, [len(fine)], fs=50.0) == []


def test_resolution_is_learnt_from_what_came_before_only() -> None:
    """The same hold is none before the sensor has shown a fine step, and one after it has."""
    held = [(0, 33), (1, 2)]
    unknown = steps([*held, (0, 9), (1, 9), (2, 9)])
    known = steps([(0, 9), (1, 9), (2, 9), *held])

    assert ends(Holds(), unknown, [len(unknown)]) == []
    assert ends(Holds(), known, [len(known)]) == [27 + 33]


def test_a_gap_ends_the_run_but_not_what_is_known_of_the_sensor() -> None:
    holds = Holds()
    known = steps([(0, 9), (1, 9), (2, 9), (0, 15)])
    ends(holds, known, [len(known)])
    holds.reset()
    short, long = steps([(0, 15), (1, 5)]), steps([(0, 25), (1, 5)])

    assert ends(holds, short, [len(short)]) == []
    holds.reset()
    assert ends(holds, long, [len(long)]) == [25]


@pytest.mark.timeout(10)
def test_a_night_asleep_costs_no_more_than_its_length() -> None:
    """Comparing each look with the whole hold took hours; the limit is a hundred times the need."""
    count = 50 * 3600 * 8
    held = np.concatenate((resting(10), np.tile([[0.1, 0.0, 0.99]], (count, 1)), resting(10)))
    held[500] = held[500 + count] = 0.5

    assert ends(Holds(), held, [len(held)], fs=50.0) == [500 + count]


def kicks(length_s: float, fs: float, onsets_s: list[float]) -> Samples:
    """Sudden flicks of 0.3 g that come back within half a second."""
    t = np.arange(int(length_s * fs)) / fs
    wave = sum(0.3 * np.exp(-(((t - at - 0.15) / 0.06) ** 2)) for at in onsets_s)
    return np.outer(wave, [0.6, -0.5, 0.4])


def said(samples: Samples, fs: float, cuts: list[int]) -> list[Event]:
    watcher, events, start = Watcher(), list[Event](), 0
    for size in cycle(cuts):
        if start >= len(samples):
            return events + watcher.finish()
        events += watcher.process(Block(samples[start : start + size], start, fs))
        start += size
    raise AssertionError


def family(events: list[Event]) -> list[float]:
    return [round(event.onset_s) for event in final_forms(events) if event.kind in SPASM_FAMILY]


def test_movement_at_once_after_a_hold_is_never_called_a_spasm() -> None:
    """Nobody saw whether the limb was at rest before it: it may have moved all the while."""
    awake = resting(60) + kicks(60, 50.0, [20.0, 45.0])
    asleep = awake.copy()
    asleep[33 * 50 : 45 * 50] = asleep[33 * 50]

    assert family(said(awake, 50.0, [3000])) == [20, 45]
    assert family(said(asleep, 50.0, [3000])) == [20]


@settings(max_examples=8)
@given(
    begin=st.integers(25 * 50, 30 * 50),
    length=st.integers(6 * 50, 20 * 50),
    cuts=st.lists(st.integers(1, 700), min_size=1, max_size=4),
)
def test_a_hold_is_like_a_gap_of_its_length(begin: int, length: int, cuts: list[int]) -> None:
    samples = resting(80) + kicks(80, 50.0, [20.0, 45.0, 52.0, 61.0])
    stop = begin + length
    samples[begin:stop] = samples[begin]
    samples[stop] += 0.002  # the first sample that is its own
    watcher = Watcher()
    gapped = watcher.process(Block(samples[: begin + 1], 0, 50.0))
    gapped += watcher.process(Block(samples[stop:], stop, 50.0)) + watcher.finish()

    assert gapped == said(samples, 50.0, cuts)


def test_a_day_of_idle_sleep_holds_no_spasms() -> None:
    """As ActiGraph's idle sleep mode: ten still seconds, then the last value until it moves."""
    fs, step_g = 30.0, 1 / 256
    onsets_s = [float(at) for at in range(40, 900, 97)]  # too far apart for a periodic series
    awake = resting(920, fs, noise_g=2.5e-3) + kicks(920, fs, onsets_s)
    asleep = awake.copy()
    for at in onsets_s:
        woken, dozed = int((at - 0.1) * fs), int((at - 25) * fs)
        asleep[dozed:woken] = asleep[dozed]
    awake, asleep = (np.round(x / step_g) * step_g for x in (awake, asleep))

    assert len(family(said(awake, fs, [len(awake)]))) >= 0.9 * len(onsets_s)
    assert family(said(asleep, fs, [len(asleep)])) == []
