"""The laws of the house for the complete pipeline, tried with cuttings that want to break them."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from detector.block import Block
from detector.events import final_forms
from detector.recognition.pipeline import Bank, KnownEvent, Watcher
from detector.sites import SITES
from firmware_sim.motion.scenarios import scenario

from .conftest import busy_recording, line, watch

RATES_HZ = (25.0, 50.0, 52.0, 64.0, 104.0)


def cut(samples: np.ndarray, sizes: list[int], fs: float = 50.0) -> list[Block]:
    """Cut into blocks of these sizes, over and over; a size of 0 is an empty packet."""
    blocks, start = [], 0
    for size in itertools.cycle(sizes):
        if start >= len(samples):
            return blocks
        blocks.append(Block(samples[start : start + size], start, fs))
        start += size
    return blocks


@settings(max_examples=25)
@given(sizes=st.lists(st.integers(0, 500), min_size=1, max_size=12).filter(any))
def test_the_cutting_into_packets_changes_no_event(
    sizes: list[int], recording: np.ndarray, whole: list[str]
) -> None:
    assert whole == watch(Watcher(), cut(recording, sizes))


@pytest.mark.parametrize("size", [1, 7, 12, 13, 36, 71])
def test_no_packet_size_changes_an_event(
    size: int, recording: np.ndarray, whole: list[str]
) -> None:
    assert whole == watch(Watcher(), cut(recording, [size]))


@pytest.mark.parametrize("fs", RATES_HZ)
def test_packets_do_not_matter_at_any_rate(fs: float) -> None:
    samples = busy_recording(fs=fs, length_s=60)
    at_once = watch(Watcher(), [Block(samples, 0, fs)])

    assert at_once
    assert at_once == watch(Watcher(), cut(samples, [1, 36, 0, 5, 71], fs))


def tossing(seed: int, length_s: float = 400.0) -> np.ndarray:
    """Movement without a pause for minutes, whose character changes: it is cut and joined again."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(length_s * 50)) / 50
    x = np.array([0, 0, 1.0]) + rng.normal(0, 0.03, (len(t), 3))
    for onset_s in np.arange(10, length_s - 40, 45):
        inside = (t > onset_s) & (t < onset_s + rng.uniform(5, 40))
        kind = rng.integers(3)
        if kind == 0:
            x[inside] += 0.3 * np.sin(2 * np.pi * 5 * t[inside])[:, None] * rng.normal(size=3)
        elif kind == 1:
            x[t > onset_s, :2] += rng.normal(0, 0.3, 2)
        else:
            x[inside] += rng.normal(0, 0.3, (inside.sum(), 3))
    x[t > length_s - 8] = [0.0, 0.0, 1.0]
    return np.round(x, 3)


@settings(max_examples=12)
@given(seed=st.integers(0, 30), sizes=st.lists(st.integers(7, 900), min_size=1, max_size=6))
def test_minutes_of_movement_are_the_same_however_cut(seed: int, sizes: list[int]) -> None:
    samples = tossing(seed)
    at_once = watch(Watcher(), [Block(samples, 0, 50.0)])

    assert at_once == watch(Watcher(), cut(samples, sizes))


@settings(max_examples=20, deadline=None)
@example(seed=6, gaps=[(0, 1), (6132, 1)], sizes=[1])
@given(
    seed=st.integers(0, 30),
    gaps=st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, 400)), max_size=4),
    sizes=st.lists(st.integers(1, 900), min_size=1, max_size=6),
)
def test_when_an_event_was_known_does_not_depend_on_packets_and_is_never_past(
    seed: int, gaps: list[tuple[int, int]], sizes: list[int]
) -> None:
    """What is said by a moment is all that was known by it: alarms are timed by that.

    Behind a gap, what was seen up to it is known to its beginning.
    """
    samples = tossing(seed)
    for first, count in gaps:
        samples[first : first + count] = np.nan
    at_once, in_pieces = Watcher(), Watcher()
    whole: list[KnownEvent] = []
    said: list[KnownEvent] = []
    reached_s = gap_s = 0.0
    edges = np.flatnonzero(np.diff(np.isnan(samples[:, 0]), prepend=True, append=True))
    for first, stop in zip(edges[::2], edges[1::2], strict=True):
        block = Block(samples[first:stop], int(first), 50.0)
        whole += at_once.follow(block)
        for piece in cut(block.samples, sizes):
            new = in_pieces.follow(Block(piece.samples, block.start + piece.start, 50.0))
            assert all(reached_s <= each.known_s for each in new)
            reached_s = in_pieces.reached_s or max(reached_s, gap_s)
            assert all(each.known_s <= reached_s for each in new if not each.event.cut_short)
            said += new
        gap_s = stop / 50.0

    whole += at_once.close()
    assert said + in_pieces.close() == whole
    assert [each.known_s for each in whole] == sorted(each.known_s for each in whole)
    assert all(each.known_s >= each.event.end_s - 0.24 for each in whole)


@pytest.mark.parametrize("seed", range(8))
def test_an_id_names_one_event_and_no_minute_of_movement_goes_unnamed(seed: int) -> None:
    samples = tossing(seed)
    watcher = Watcher()
    said = watcher.process(Block(samples, 0, 50.0)) + watcher.finish()
    onsets: dict[str, set[float]] = {}
    for event in said:
        onsets.setdefault(event.id, set()).add(event.onset_s)
    final = final_forms(said)
    named = np.zeros(len(samples), dtype=bool)
    for event in final:
        named[round(event.onset_s * 50) : round(event.end_s * 50)] = True

    assert {len(starts) for starts in onsets.values()} == {1}
    assert named[50 : (400 - 9) * 50].mean() > 0.99


def test_the_gate_saves_work_and_decides_nothing(recording: np.ndarray, whole: list[str]) -> None:
    assert whole == watch(Watcher(gated=False), [Block(recording, 0, 50.0)])
    assert whole == watch(Watcher(gated=False), cut(recording, [36]))


def through_json(saved: dict[str, Any]) -> Any:
    """What is left of a state when only text was kept."""
    return json.loads(json.dumps(saved, allow_nan=False))


@settings(max_examples=25)
@given(at=st.integers(0, 7499), size=st.integers(1, 90))
def test_a_restart_at_any_sample_changes_no_event(
    at: int, size: int, recording: np.ndarray, whole: list[str]
) -> None:
    first, second = Watcher(), Watcher()
    head = [event for block in cut(recording[:at], [size]) for event in first.process(block)]
    saved = through_json(first.save())
    first.process(Block(recording[at:], at, 50.0))  # what happens to the old one is its affair
    second.load(saved)
    said = [line(event) for event in head]
    said += watch(second, [Block(recording[at:], at, 50.0)])

    assert whole == said


def test_a_saved_state_is_the_same_text_once_loaded(recording: np.ndarray) -> None:
    first, second = Watcher(), Watcher()
    for block in cut(recording, [333]):
        first.process(block)
        second.load(through_json(first.save()))

        assert second.save() == first.save()


@settings(max_examples=10)
@given(seeds=st.lists(st.integers(0, 50), min_size=2, max_size=5), frames=st.integers(1, 40))
def test_a_wearer_in_a_batch_is_the_same_as_alone(seeds: list[int], frames: int) -> None:
    step = 12 * frames
    rows = [busy_recording(seed, length_s=60) for seed in seeds]
    usable = len(rows[0]) // step * step
    bank = Bank(["ankle"] * len(rows))
    together: dict[int, list[KnownEvent]] = {row: [] for row in range(len(rows))}
    for start in range(0, usable, step):
        chunk = np.stack([samples[start : start + step] for samples in rows])
        for row, said in bank.process(range(len(rows)), [start] * len(rows), chunk):
            together[row].append(said)
    for row, samples in enumerate(rows):
        alone = Bank(["ankle"])
        expected = [said for _, said in alone.process([0], [0], samples[np.newaxis, :usable])]

        assert expected + alone.finish(0) == together[row] + bank.finish(row)


def test_sixty_four_wearers_in_a_batch_are_the_same_as_each_alone() -> None:
    rows = [busy_recording(seed, length_s=40)[:1992] for seed in range(64)]
    sites = [SITES[seed % len(SITES)] for seed in range(64)]
    bank = Bank(sites)
    together: dict[int, list[KnownEvent]] = {row: [] for row in range(64)}
    for start in range(0, 1992, 24):
        chunk = np.stack([samples[start : start + 24] for samples in rows])
        for row, said in bank.process(range(64), [start] * 64, chunk):
            together[row].append(said)
    for row, samples in enumerate(rows):
        alone = Bank([sites[row]])
        expected = [said for _, said in alone.process([0], [0], samples[np.newaxis])]

        assert expected + alone.finish(0) == together[row] + bank.finish(row)


@pytest.fixture(scope="module")
def demo() -> tuple[np.ndarray, list[str]]:
    """Ten simulated minutes with something of everything, and what one big block says of them."""
    samples = np.asarray(scenario("demo", seed=3).samples)
    lines = watch(Watcher(), [Block(samples, 0, 50.0)])
    assert len({line.split('"kind": "')[1].split('"')[0] for line in lines}) >= 6
    return samples, lines


@pytest.mark.parametrize("sizes", [[10], [71, 1, 500], [12, 0, 37], [499]])
def test_ten_minutes_of_everything_are_the_same_however_cut(
    sizes: list[int], demo: tuple[np.ndarray, list[str]]
) -> None:
    samples, lines = demo

    assert lines == watch(Watcher(), cut(samples, sizes))


def test_ten_minutes_of_everything_are_the_same_without_the_gate(
    demo: tuple[np.ndarray, list[str]],
) -> None:
    samples, lines = demo

    assert lines == watch(Watcher(gated=False), [Block(samples, 0, 50.0)])


@settings(max_examples=8)
@given(at=st.integers(0, 29_999))
def test_ten_minutes_of_everything_survive_a_restart_at_any_sample(
    at: int, demo: tuple[np.ndarray, list[str]]
) -> None:
    samples, lines = demo
    first, second = Watcher(), Watcher()
    said = [line(event) for event in first.process(Block(samples[:at], 0, 50.0))]
    second.load(through_json(first.save()))

    assert lines == said + watch(second, [Block(samples[at:], at, 50.0)])


@settings(max_examples=20)
@given(at=st.integers(1, 7400), missing=st.integers(1, 5000))
def test_nothing_runs_across_a_gap(at: int, missing: int, recording: np.ndarray) -> None:
    watcher = Watcher()
    said = watcher.process(Block(recording[:at], 0, 50.0))
    said += watcher.process(Block(recording[at:], at + missing, 50.0))
    said += watcher.finish()
    gap_s, resumed_s = at / 50, (at + missing) / 50

    for event in said:
        assert event.end_s <= gap_s + 0.3 or event.onset_s >= resumed_s - 0.3


def test_a_gap_cuts_an_open_event_short(recording: np.ndarray) -> None:
    watcher = Watcher()
    middle = int(9.6 * 50)  # within the first clonus
    watcher.process(Block(recording[:middle], 0, 50.0))
    closed = watcher.process(Block(recording[middle + 40 :], middle + 40, 50.0))[0]

    assert (closed.kind, closed.phase, closed.cut_short) == ("clonus", "end", True)


def test_a_gap_is_the_same_wherever_packets_end(recording: np.ndarray) -> None:
    halves = (recording[:3000], 0), (recording[3100:], 3100)
    at_once = [Block(samples, start, 50.0) for samples, start in halves]
    in_pieces = [
        Block(block.samples, start + block.start, 50.0)
        for samples, start in halves
        for block in cut(samples, [17, 3])
    ]

    assert watch(Watcher(), at_once) == watch(Watcher(), in_pieces)


def test_the_input_is_left_as_it_was(recording: np.ndarray) -> None:
    kept = recording.copy()
    Watcher().process(Block(recording, 0, 50.0))

    np.testing.assert_array_equal(kept, recording)


def test_an_unknown_site_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"site must be one of foot, ankle, .* got 'knee'"):
        Watcher(site="knee")
