"""Laws of the recordings of `firmware_sim.torque`, whatever moves."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from detector.events import SPASM_FAMILY, Kind
from firmware_sim.motion.truth import Trace, read_events, write_events
from firmware_sim.torque import SCENES, night, nights, scene
from firmware_sim.torque.repertoire import MOVEMENTS

SIDES = (1.0, 2.5)
"""Seconds of margin around a truth: what stays below its onset and end may still be seen."""


@pytest.fixture(scope="module")
def spastic_nights() -> list[Trace]:
    return nights([1, 2, 3, 4], duration_s=3600.0)


@pytest.fixture(scope="module")
def free_nights() -> list[Trace]:
    return nights([1, 2, 3, 4, 5], duration_s=3600.0, spastic=False)


@pytest.fixture(scope="module")
def severe_nights() -> list[Trace]:
    return nights([6, 7], duration_s=3600.0, severe=True)


@pytest.fixture(scope="module")
def short_nights() -> list[Trace]:
    return nights([1, 2, 3], duration_s=900.0)


def at_rest(trace: Trace) -> NDArray[np.bool_]:
    rest = np.ones(len(trace.samples), dtype=bool)
    for truth in trace.truth:
        first = max(0, int((truth.onset_s - SIDES[0]) * trace.fs))
        rest[first : int((truth.end_s + SIDES[1]) * trace.fs)] = False
    return rest


def noise_g(samples: NDArray[np.float64]) -> float:
    """What 19 of 20 differences of neighbours stay below: gravity and slow tilt are not in it."""
    return float(np.quantile(np.abs(np.diff(samples, axis=0)), 0.95))


def test_a_seed_gives_the_same_bytes_alone_and_in_a_batch(short_nights: list[Trace]) -> None:
    again = night(seed=2, duration_s=900.0)

    assert again.same_as(short_nights[1])
    assert not again.same_as(short_nights[0])


def test_at_rest_a_sensor_reads_one_g_within_its_noise(free_nights: list[Trace]) -> None:
    for trace in free_nights:
        rest = trace.samples[at_rest(trace)]
        assert np.median(np.sqrt((rest**2).sum(axis=1))) == pytest.approx(1.0, abs=0.004)
        assert noise_g(rest) < 0.0085  # twice 2 mg, root 2 of it, and a step of a coarse chip


def test_truths_are_in_order_within_the_recording_and_do_not_overlap(
    spastic_nights: list[Trace], free_nights: list[Trace]
) -> None:
    for trace in (*spastic_nights, *free_nights):
        assert trace.truth
        assert trace.truth[0].onset_s > 0
        assert trace.truth[-1].end_s < trace.duration_s
        for first, second in pairwise(trace.truth):
            assert first.end_s < second.onset_s


def test_before_the_onset_nothing_is_seen_and_at_it_something_begins(
    spastic_nights: list[Trace],
) -> None:
    for trace in spastic_nights:
        ends = 0.0
        for truth in trace.truth:
            onset = int(truth.onset_s * trace.fs)
            lone = truth.onset_s - ends > 4.0 and truth.beats is None
            ends = truth.end_s
            if not lone or truth.kind is Kind.VIBRATION:
                continue
            before = trace.samples[onset - 50 : onset - 1]
            inside = trace.samples[onset : int(truth.end_s * trace.fs) + 1]
            still = before.mean(axis=0)
            assert np.abs(before - still).max() < 0.014 + 0.025 * truth.peak_g
            assert np.abs(inside - still).max() > 0.004


def test_sizes_are_those_of_limbs(severe_nights: list[Trace], free_nights: list[Trace]) -> None:
    peaks = {
        kind: [t.peak_g for trace in severe_nights for t in trace.truth if t.kind is kind]
        for kind in (Kind.SPASM, Kind.TWITCH)
    }
    every = [t.peak_g for trace in (*severe_nights, *free_nights) for t in trace.truth]

    assert max(every) < 12  # a heel strike, a knee at the end of its range
    assert 0.02 < np.median(every) < 1.0
    assert 0.1 < np.median(peaks[Kind.SPASM]) < 1.3
    assert 0.02 < np.median(peaks[Kind.TWITCH]) < 0.6


def test_a_night_is_still_but_for_two_to_six_hundredths(
    spastic_nights: list[Trace], free_nights: list[Trace]
) -> None:
    for several in (spastic_nights, free_nights):
        moving = sum(t.duration_s for trace in several for t in trace.truth)
        assert 0.015 < moving / sum(trace.duration_s for trace in several) < 0.065


def likely(trace: Trace) -> int:
    return sum(truth.kind in SPASM_FAMILY for truth in trace.truth)


def test_nights_without_spasms_have_none_and_severe_nights_many(
    spastic_nights: list[Trace], free_nights: list[Trace], severe_nights: list[Trace]
) -> None:
    assert not any(map(likely, free_nights))
    assert all(map(likely, spastic_nights))
    assert all(likely(trace) >= 60 / 8 for trace in severe_nights)


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("sudden-spasms", {Kind.SPASM}),
        ("ramped-spasms", {Kind.SPASM}),
        ("twitch", {Kind.TWITCH}),
        ("mixed", {Kind.CLONUS}),
        ("stretches", {Kind.MOVEMENT}),
        ("shifts", {Kind.MOVEMENT, Kind.TURN}),
        ("scratching", {Kind.MOVEMENT}),
        ("rings", {Kind.MOVEMENT}),
        ("loose-strap", {Kind.MOVEMENT, Kind.TURN}),
    ],
)
def test_a_scene_shows_its_family(name: str, kinds: set[Kind]) -> None:
    trace = scene(name, seed=1, duration_s=100.0)

    assert trace.scenario == f"torque-{name}"
    assert {truth.kind for truth in trace.truth} == kinds
    assert all(truth.manner for truth in trace.truth)
    loose = [", loose strap" in str(truth.manner) for truth in trace.truth]
    assert all(loose) == any(loose) == (name == "loose-strap")
    assert np.isfinite(trace.samples).all()
    assert len(trace.samples) == round(100.0 * trace.fs)


def test_scenes_are_made_of_movements_that_exist() -> None:
    assert {name for each in SCENES.values() for name in each.names} <= set(MOVEMENTS)


def test_sites_feel_different_things() -> None:
    traces = [scene("shifts", seed=4, duration_s=60.0, site=s) for s in ("foot", "calf", "thigh")]

    assert all(trace.truth for trace in traces)
    assert not np.array_equal(traces[0].samples, traces[1].samples)


def test_truth_survives_its_file(short_nights: list[Trace], tmp_path: Path) -> None:
    path = tmp_path / "events.tsv"

    write_events(path, short_nights[0].truth)

    assert read_events(path) == short_nights[0].truth


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"site": "wrist"}, "site"),
        ({"site": "trunk"}, "site"),
        ({"fs": 5.0}, "fs"),
        ({"duration_s": 3.0}, "duration_s"),
    ],
)
def test_what_cannot_be_simulated_is_refused_with_its_name(
    wrong: dict[str, object], word: str
) -> None:
    with pytest.raises(ValueError, match=word):
        night(seed=1, **{"duration_s": 60.0, **wrong})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="scene"):
        scene("nonsense", seed=1)
