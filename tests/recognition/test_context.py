"""What a wearer did when an event began: at rest, restless, up, or not known."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.block import Block
from detector.dsp.frames import FRAME, FRAME_S
from detector.events import SPASM_FAMILY, EventContext, Kind
from detector.recognition.bouts.bout import Bout
from detector.recognition.events.context import (
    IN_PLACE_S,
    KEEPS_REST,
    REST_S,
    UP_S,
    WALK_S,
    ContextTrack,
)
from detector.recognition.pipeline import Watcher
from detector.recognition.rules.reason import Reason, because
from detector.recognition.rules.verdict import Finding
from firmware_sim.motion import scenario

from .conftest import watch
from .made_bouts import RULES, bout, frames, tilted

LONG = 60.0  # seconds of stillness before a made bout


def moving(at_s: float, kind: Kind, *, seconds: float = 2.0, deg: float = 0.0, stride: float = 0.0):
    """Make a bout that is over, as the sequence hands it on: with one finding that fills it."""
    count = round(seconds / FRAME_S)
    table = frames(count, stride=stride, mean_g=tilted(deg))
    made = replace(bout(table, before_g=tilted(deg), rest_s=0.0), first=round(at_s / FRAME_S))
    finding = Finding(
        kind=kind, confidence=0.8, why=because(Reason.WALK), onset=made.first * FRAME,
        end=made.end_sample, peak_g=0.2, rms_g=0.1, turn_deg=0.0, jerk_g_s=2.0,
    )  # fmt: skip
    return made, finding


def took(track: ContextTrack, made: tuple[Bout, Finding], key: str = "it") -> EventContext | None:
    whole, finding = made
    return track.take(whole, {key: finding}, main=key)[key]


def begun(at_s: float = 0.0) -> ContextTrack:
    track = ContextTrack(RULES)
    track.begin(round(at_s * 50))
    return track


@given(
    st.lists(
        st.tuples(st.floats(1.0, 400.0), st.sampled_from(Kind), st.booleans()),
        min_size=1,
        max_size=30,
    )
)
def test_rest_is_five_minutes_that_were_seen_without_other_movement(movements) -> None:
    """A slow twin: look back over all that moved and all that was seen."""
    track, now_s, seen_from_s, others = begun(), 0.0, 0.0, []
    for pause_s, kind, gap in movements:
        now_s = round((now_s + pause_s) / FRAME_S) * FRAME_S
        if gap:
            seen_from_s = now_s
            track.begin(round(now_s * 50))
            now_s += FRAME_S
        made = moving(now_s, kind)
        said = took(track, made)

        onset, rest = made[1].onset, REST_S * 50
        if any(onset - end < rest for end in others):
            assert said is EventContext.RESTLESS
        elif onset - round(seen_from_s * 50) >= rest:
            assert said is EventContext.RESTING
        else:
            assert said is None, "what was not seen is not rest"
        now_s += 2.0
        if kind not in KEEPS_REST:
            others.append(made[1].end)


@pytest.mark.parametrize("kind", sorted(KEEPS_REST))
def test_a_night_of_one_spasm_after_another_stays_rest(kind: Kind) -> None:
    track = begun()
    said = [took(track, moving(at_s, kind, stride=0.5)) for at_s in range(301, 2000, 20)]

    assert set(said) == {EventContext.RESTING}


@pytest.mark.parametrize("kind", sorted(SPASM_FAMILY))
def test_no_likely_spasm_makes_its_wearer_up(kind: Kind) -> None:
    """Else one clonus would keep the next from waking anybody."""
    track = begun()
    took(track, moving(400.0, kind, seconds=59.0, deg=90.0, stride=0.9))

    assert took(track, moving(470.0, Kind.CLONUS, deg=90.0)) is EventContext.RESTING


def up_behind(seconds: float, *, lay_deg: float, walk_deg: float, then_deg: float, pause_s: float):
    """Return what follows strides: after lying still for long, walking, then held like this."""
    track = begun()
    lying, finding = moving(400.0, Kind.TWITCH, deg=lay_deg)
    took(track, (replace(lying, rest_s=LONG), finding))
    walk = moving(410.0, Kind.MOVEMENT, seconds=seconds, deg=walk_deg, stride=0.9)
    took(track, walk)
    end_s = walk[0].end_sample / 50
    return took(track, moving(end_s + pause_s, Kind.CLONUS, deg=then_deg))


def test_strides_away_from_how_the_limb_lay_make_up_for_two_minutes() -> None:
    walked = {"lay_deg": 0.0, "walk_deg": 80.0, "then_deg": 70.0}

    assert up_behind(WALK_S + 2, **walked, pause_s=5.0) is EventContext.UP
    assert up_behind(WALK_S + 2, **walked, pause_s=UP_S - 1) is EventContext.UP
    assert up_behind(WALK_S + 2, **walked, pause_s=UP_S + 1) is EventContext.RESTLESS


def test_who_lies_down_is_not_up_any_more() -> None:
    found = up_behind(WALK_S + 2, lay_deg=0.0, walk_deg=80.0, then_deg=10.0, pause_s=5.0)

    assert found is EventContext.RESTLESS


def test_a_limb_that_rubs_where_it_lies_is_not_up() -> None:
    lying = {"lay_deg": 0.0, "walk_deg": 20.0, "then_deg": 10.0, "pause_s": 5.0}

    assert up_behind(WALK_S + 10, **lying) is EventContext.RESTLESS
    assert up_behind(IN_PLACE_S + 1, **lying) is EventContext.UP, "a minute of it is believed"


def test_a_few_strides_take_nobody_anywhere() -> None:
    found = up_behind(WALK_S - 2, lay_deg=0.0, walk_deg=80.0, then_deg=80.0, pause_s=5.0)

    assert found is EventContext.RESTLESS


def test_what_moves_in_front_of_an_event_in_its_bout_is_no_rest() -> None:
    """The event is told before its bout is over: its context is what it will be at the end."""
    fidgeting, _ = moving(400.0, Kind.MOVEMENT, seconds=20.0)
    onset = fidgeting.first * FRAME + 10 * 50
    assert begun().at(fidgeting, fidgeting.first * FRAME + 40) is EventContext.RESTING
    assert begun().at(fidgeting, onset) is EventContext.RESTLESS

    walking, _ = moving(400.0, Kind.MOVEMENT, seconds=20.0, deg=80.0, stride=0.9)
    assert begun().at(walking, walking.first * FRAME + 12 * 50) is EventContext.UP


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_movement_that_turns_out_periodic_was_none(periodic: list[bool]) -> None:
    """Of the latest it does not matter in which order they were called so."""
    first, second = begun(), begun()
    for number, later in enumerate(periodic):
        made = moving(400.0 + 10 * number, Kind.MOVEMENT)
        took(first, made, str(number))
        if not later:
            took(second, made, str(number))
        if later:
            first.revoke({str(number)})
    after_s = 400.0 + 10 * len(periodic)

    assert took(first, moving(after_s, Kind.SPASM)) is took(second, moving(after_s, Kind.SPASM))


def everything() -> np.ndarray:
    """Rest, jerks, a turn, a walk and jerks again, at 50 Hz: (n, 3) g."""
    rng = np.random.default_rng(5)
    t = np.arange(700 * 50) / 50
    still = np.array([0.1, 0.0, 0.99]) + rng.normal(0, 1.5e-3, (len(t), 3))
    for onset_s in (100.0, 330.0, 420.0, 520.0, 600.0, 690.0):
        flick = 0.4 * np.exp(-(((t - onset_s - 0.15) / 0.06) ** 2))
        still += flick[:, None] * rng.normal(size=3)
    still[:, 0] += np.clip((t - 560) / 3, 0.0, 1.0) * 0.5
    walk = np.asarray(scenario("walk-to-bathroom", seed=4, duration_s=90).samples)
    jerks = np.array(still[95 * 50 : 105 * 50])
    return np.concatenate((still, walk[: 60 * 50], jerks, np.tile(jerks, (3, 1)), still))


@pytest.fixture(scope="module")
def long_day() -> tuple[np.ndarray, list[str]]:
    """Such a recording, and what one big block says of it, each context among it."""
    samples = everything()
    lines = watch(Watcher(), [Block(samples, 0, 50.0)])
    assert {json.loads(line)["context"] for line in lines} == {None, *EventContext}
    return samples, lines


@given(cuts=st.lists(st.integers(0, 84_000), max_size=6), gated=st.booleans())
def test_packets_and_restarts_change_no_context(
    cuts: list[int], gated: bool, long_day: tuple[np.ndarray, list[str]]
) -> None:
    samples, lines = long_day
    watcher, said = Watcher(gated=gated), []
    for first, stop in pairwise([0, *sorted(min(cut, len(samples)) for cut in cuts), len(samples)]):
        said += watcher.process(Block(samples[first:stop], first, 50.0))
        saved = json.loads(json.dumps(watcher.save(), allow_nan=False))
        watcher = Watcher(gated=gated)
        watcher.load(saved)
    said += watcher.finish()

    assert [json.loads(line)["context"] for line in lines] == [event.context for event in said]


def test_the_context_of_an_event_stays_through_its_phases_and_revisions() -> None:
    samples = np.asarray(scenario("severe-night", seed=3, duration_s=5400).samples)
    watcher, contexts, forms = Watcher(), {}, 0
    for event in watcher.process(Block(samples, 0, 50.0)) + watcher.finish():
        contexts.setdefault(event.id, set()).add(event.context)
        forms += 1

    assert {len(each) for each in contexts.values()} == {1}
    assert forms > len(contexts) + 20, "many were told more than once"


def test_a_gap_ends_rest_and_not_what_moved_before_it(long_day: tuple[np.ndarray, list[str]]):
    samples, _ = long_day
    head, jerk = samples[: 500 * 50], samples[515 * 50 : 530 * 50]  # still for long; one jerk

    def context_after(missing_s: float, before: np.ndarray) -> EventContext | None:
        watcher = Watcher(model="rules-v1")
        watcher.process(Block(before, 0, 50.0))
        begin = len(before) + round(missing_s * 50)
        said = watcher.process(Block(jerk, begin, 50.0)) + watcher.finish()
        (context,) = {event.context for event in said}
        return context

    assert context_after(1.0, head) is None
    assert context_after(1.0, samples[: 570 * 50]) is EventContext.RESTLESS, "it turned"
    assert context_after(400.0, samples[: 570 * 50]) is None


def test_a_state_without_contexts_is_read_and_nothing_before_it_was_seen(
    long_day: tuple[np.ndarray, list[str]],
) -> None:
    samples, _ = long_day
    before, after = Watcher(), Watcher()
    before.process(Block(samples[: 400 * 50], 0, 50.0))
    saved = before.save()
    for sequence in saved["bank"]["sequences"]:
        del sequence["context"]
    after.load(saved)
    said = after.process(Block(samples[400 * 50 : 530 * 50], 400 * 50, 50.0))

    assert said
    assert {event.context for event in said} == {None}


def test_what_is_remembered_is_the_same_text_once_loaded_and_bounded() -> None:
    track = begun()
    for number in range(200):
        took(track, moving(400.0 + 10 * number, Kind.MOVEMENT, stride=0.9), f"{number:020}")
        again = ContextTrack(RULES)
        again.load(json.loads(json.dumps(track.save())))
        assert again.save() == track.save()

    assert len(json.dumps(track.save())) < 1000
