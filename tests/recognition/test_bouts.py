"""Bouts and their moments come from the data alone: never from where a packet ends."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.block import Block, Samples
from detector.dsp.frames import FRAME
from detector.recognition.bouts.beat import rhythm_score
from detector.recognition.bouts.bout import Bout, Moment
from detector.recognition.bouts.frame_table import FrameTable
from detector.recognition.bouts.tracker import (
    LONGEST_FRAMES,
    LOOKS,
    PAUSE_FRAMES,
    RHYTHM_WORDS,
    UPDATE_FRAMES,
    Tracker,
)
from detector.recognition.pipeline import HISTORY, Watcher

from .made_bouts import RULES, beating, frames

BORN = 40  # absolute frame of the segment's first
LEAD = 8  # still frames before the first movement

Run = tuple[int, bool, bool]  # frames, active, beating

lengths = st.one_of(
    st.integers(1, 9),
    st.sampled_from([PAUSE_FRAMES, PAUSE_FRAMES + 1, PAUSE_FRAMES + 2, 40]),
    st.integers(LONGEST_FRAMES - 3, LONGEST_FRAMES + 8),
)
scripts = st.lists(st.tuples(lengths, st.booleans(), st.booleans()), min_size=1, max_size=8)
cuttings = st.lists(st.integers(1, 300), min_size=1, max_size=8)


def played(script: list[Run], seed: int = 0) -> tuple[FrameTable, Samples]:
    """Frames as the script has them, and samples that move where they do."""
    rng = np.random.default_rng(seed)
    runs: list[Run] = [(LEAD, False, False), *script]
    tables = [beating(count) if beats else frames(count) for count, _, beats in runs]
    table = np.concatenate(tables)
    table["active"] = np.repeat([active for _, active, _ in runs], [n for n, _, _ in runs])
    table["regularity"] *= rng.uniform(0.7, 1.0, len(table))
    table["score"] = rhythm_score(table, RULES)
    size = np.where(np.repeat(table["active"], FRAME), 0.1, 0.001)
    samples = np.array([0.0, 0.0, 1.0]) + size[:, np.newaxis] * rng.normal(size=(len(size), 3))
    return table, samples


def followed(
    table: FrameTable, samples: Samples, cuts: list[int], tracker: Tracker | None = None
) -> list[Bout]:
    """Every moment that a tracker gives, fed so many frames at a time and then broken off."""
    if tracker is None:
        tracker = Tracker(RULES)
        tracker.begin(BORN)
    moments: list[Bout] = []
    joined = np.concatenate((np.tile(samples[:1], (HISTORY, 1)), samples))
    at, turn, origin = 0, 0, BORN * FRAME - HISTORY
    while at < len(table):
        stop = min(at + cuts[turn % len(cuts)], len(table))
        # As the pipeline does: what came before these frames by a window, and not one sample more.
        seen, begins = joined[at * FRAME : stop * FRAME + HISTORY], origin + at * FRAME
        moments += tracker.follow(BORN + at, table[at:stop], seen, begins)
        at, turn = stop, turn + 1
    tail = joined[-HISTORY:]
    return moments + tracker.finish(tail, origin + len(joined) * 1 - HISTORY)


def plain(bout: Bout) -> tuple[Any, ...]:
    """What a bout is, to compare: arrays as bytes."""
    after = None if bout.after_g is None else bout.after_g.tobytes()
    return (
        (bout.moment, bout.first, len(bout.frames), bout.onset, bout.rest_s, bout.busy),
        (bout.joins, bout.goes_on, bout.cut_short, bout.before_g.tobytes(), after),
        bout.frames.tobytes(),
    )


@settings(max_examples=60)
@given(scripts, cuttings, st.integers(0, 100))
def test_moments_come_in_the_same_order_however_frames_are_cut(
    script: list[Run], cuts: list[int], seed: int
) -> None:
    table, samples = played(script, seed)
    at_once = followed(table, samples, [len(table)])

    assert [plain(b) for b in at_once] == [plain(b) for b in followed(table, samples, cuts)]


@pytest.mark.parametrize("cuts", [[1], [2], [3, 1], [5], [LONGEST_FRAMES - 1, 1], [251]])
@pytest.mark.parametrize("pause", range(PAUSE_FRAMES - 1, PAUSE_FRAMES + 4))
@pytest.mark.parametrize("over", [-1, 0, 1, 6])
def test_they_do_right_behind_a_cut_bout_and_about_a_pause_of_a_second(
    cuts: list[int], pause: int, over: int
) -> None:
    table, samples = played(
        [(LONGEST_FRAMES + over, True, True), (pause, False, False), (9, True, True)]
    )
    at_once = followed(table, samples, [len(table)])

    assert [plain(b) for b in at_once] == [plain(b) for b in followed(table, samples, cuts)]


@settings(max_examples=40)
@given(scripts, st.data())
def test_a_restart_at_any_frame_changes_no_moment(script: list[Run], data: st.DataObject) -> None:
    table, samples = played(script)
    at = data.draw(st.integers(1, len(table)))
    first, second = Tracker(RULES), Tracker(RULES)
    first.begin(BORN)
    joined = np.concatenate((np.tile(samples[:1], (HISTORY, 1)), samples))
    origin = BORN * FRAME - HISTORY
    said = first.follow(BORN, table[:at], joined[: at * FRAME + HISTORY], origin)
    second.load(json.loads(json.dumps(first.save(), allow_nan=False)))
    rest, begins = joined[at * FRAME :], origin + at * FRAME
    if at < len(table):
        first.follow(BORN + at, table[at:][::-1], rest, begins)  # the old one's affair
        said += second.follow(BORN + at, table[at:], rest, begins)
    said += second.finish(joined[-HISTORY:], origin + len(samples))

    assert [plain(b) for b in followed(table, samples, [len(table)])] == [plain(b) for b in said]


@settings(max_examples=40)
@given(scripts, cuttings)
def test_bouts_are_the_stretches_without_a_pause_and_every_movement_is_in_one(
    script: list[Run], cuts: list[int]
) -> None:
    table, samples = played(script)
    over = [b for b in followed(table, samples, cuts) if b.moment is Moment.OVER]
    covered = np.zeros(len(table), dtype=bool)
    for bout in over:
        inside = slice(bout.first - BORN, bout.first - BORN + len(bout.frames))
        assert not covered[inside].any()
        assert table["active"][inside][[0, -1]].all()
        covered[inside] = True
        assert len(bout.frames) <= LONGEST_FRAMES
    for earlier, later in pairwise(over):
        between = later.first - earlier.first - len(earlier.frames)
        assert later.joins == earlier.goes_on
        assert earlier.goes_on or between > PAUSE_FRAMES

    assert covered[table["active"]].all()


@settings(max_examples=40)
@given(scripts, cuttings)
def test_each_bout_is_looked_at_twice_first_and_over_once_last(
    script: list[Run], cuts: list[int]
) -> None:
    table, samples = played(script)
    lives: dict[int, list[Bout]] = {}
    for bout in followed(table, samples, cuts):
        lives.setdefault(bout.first, []).append(bout)

    for life in lives.values():
        looks = [b for b in life if b.moment is Moment.FIRST_LOOK]
        assert [Moment.OVER] == [b.moment for b in life if b.moment is Moment.OVER]
        assert life[-1].moment is Moment.OVER
        assert life[0] is looks[0] if looks else life[0].cut_short
        assert all(len(b.frames) <= look for b, look in zip(looks, LOOKS, strict=False))
        assert life[-1].cut_short or len(looks) == len(LOOKS)
        assert len({b.onset.sample for b in life}) == 1


def test_looks_are_at_two_and_three_frames_and_three_times_more_while_it_may_be_drawn_up() -> None:
    table, samples = played([(30, True, False), (9, False, False)])
    tracker, seen = Tracker(RULES), list[tuple[Moment, int]]()
    tracker.begin(BORN)
    joined = np.concatenate((np.tile(samples[:1], (HISTORY, 1)), samples))
    for at in range(len(table)):
        window = joined[at * FRAME : (at + 1) * FRAME + HISTORY]
        for bout in tracker.follow(
            BORN + at, table[at : at + 1], window, (BORN + at) * FRAME - HISTORY
        ):
            seen.append((bout.moment, at + 1 - LEAD))

    # Over is known with the frame that follows a second of stillness.
    assert seen == [
        (Moment.FIRST_LOOK, 2),
        (Moment.FIRST_LOOK, 3),
        (Moment.PULL_LOOK, 5),
        (Moment.PULL_LOOK, 8),
        (Moment.PULL_LOOK, 11),
        (Moment.OVER, 30 + PAUSE_FRAMES + 1),
    ]


def test_a_new_rhythm_is_looked_at_every_frame_and_then_every_five_seconds() -> None:
    table, samples = played([(120, True, True), (9, False, False)])
    table["score"][LEAD : LEAD + 120] = 1.0
    moments = [
        b for b in followed(table, samples, [7]) if b.moment in (Moment.RHYTHM, Moment.UPDATE)
    ]
    lengths = [len(b.frames) for b in moments]

    assert [Moment.RHYTHM] * RHYTHM_WORDS == [b.moment for b in moments[:RHYTHM_WORDS]]
    assert {Moment.UPDATE} == {b.moment for b in moments[RHYTHM_WORDS:]}
    assert {1} == set(np.diff(lengths[:RHYTHM_WORDS]).tolist())
    assert {UPDATE_FRAMES} == set(np.diff(lengths[RHYTHM_WORDS - 1 :]).tolist())


def test_two_clear_frames_announce_a_rhythm_and_one_does_not() -> None:
    for clear, words in ((1, 0), (2, 1)):
        table, samples = played([(6, True, False), (clear, True, True), (9, True, False)])
        table["score"][LEAD + 6 : LEAD + 6 + clear] = 1.0
        moments = [b.moment for b in followed(table, samples, [4])]

        assert min(moments.count(Moment.RHYTHM), 1) == words


def test_rest_is_counted_from_the_movement_before_or_from_where_it_was_seen() -> None:
    table, samples = played([(10, True, False), (50, False, False), (10, True, False)])
    first, second = (b for b in followed(table, samples, [9]) if b.moment is Moment.OVER)

    assert first.rest_s == pytest.approx(LEAD * 0.24)
    assert second.rest_s == pytest.approx(50 * 0.24)
    assert first.busy == 0.0
    assert second.busy == pytest.approx(10 / (LEAD + 60))


def test_a_wearers_state_stays_small_over_an_hour_of_unbroken_movement() -> None:
    rng = np.random.default_rng(1)
    t = np.arange(3600 * 50) / 50
    beat = 0.2 * np.sin(2 * np.pi * 5 * t) * (np.sin(t / 7) > 0)
    samples = np.array([0.0, 0.0, 1.0]) + np.outer(beat, [1.0, 0.5, 0.2])
    samples += rng.normal(0, 0.05, samples.shape)
    watcher, sizes, kept = Watcher(), [], []
    for start in range(0, len(samples), 997):
        watcher.process(Block(samples[start : start + 997], start, 50.0))
        saved = watcher.save()
        sizes.append(len(json.dumps(saved, allow_nan=False)))
        open_bout = saved["bank"]["trackers"][0]["frames"]  # as long as it happens to be by now
        kept.append(sizes[-1] - len(json.dumps(open_bout)))

    assert max(sizes) <= 28 * 1024
    assert max(kept[len(kept) // 2 :]) <= max(kept[: len(kept) // 2]) + 64
