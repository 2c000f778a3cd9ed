"""Laws of fusion: one movement is one event, whoever saw it, in whatever order they say so."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.events import (
    Event,
    EventContext,
    Kind,
    Phase,
    final_forms,
    from_dict,
    to_dict,
)
from detector.recognition.events.fusion import Fusion, fuse_final
from detector.recognition.events.movement import CHAIN_MS, PRECEDENCE
from detector.recognition.rules.reason import Reason, because
from detector.words.reasons import worded

from .said import (
    MIDNIGHT,
    SENSORS,
    event,
    interleaved,
    left,
    nights,
    only,
    right,
    stream,
    substance,
    tell,
)


@given(stream("left-calf"), st.booleans())
def test_one_sensor_alone_is_left_as_it_is(words, dated):
    assert tell(words, Fusion(dated=dated)) == words
    assert fuse_final([words]) == final_forms(words)
    assert fuse_final([words, []]) == final_forms(words)


@settings(max_examples=80)
@given(nights(), st.data())
def test_the_order_of_arrival_changes_no_final_form(streams, data):
    said = final_forms(tell(interleaved(streams, data)))
    whole = fuse_final(streams)

    assert substance(said) == substance(whole)
    assert len({e.id for e in said}) == len(said)
    members = {word.id for each in streams for word in each}
    assert {e.id for e in said} <= members


@settings(max_examples=25)
@given(nights(), st.data())
def test_whole_recordings_fuse_alike_in_whatever_order_they_are_given(streams, data):
    whole = fuse_final(streams)

    assert fuse_final(data.draw(st.permutations(streams))) == whole
    assert [e.onset_s for e in whole] == sorted(e.onset_s for e in whole)


@settings(max_examples=25)
@given(nights(), st.data())
def test_what_is_fused_is_not_fused_again(streams, data):
    whole = fuse_final(streams)
    assert fuse_final([whole]) == whole

    words = interleaved(streams, data)
    fusion = Fusion()
    for word in words:
        fusion.process(word)
        assert fusion.process(word) == []


def covers(fused: Event, member: Event) -> bool:
    return (
        member.sensor in fused.sensor.split("+")
        and fused.onset_s <= member.onset_s
        and member.end_s <= fused.end_s + 1e-6
    )


@settings(max_examples=25)
@given(nights())
def test_no_event_is_lost_and_none_is_told_twice(streams):
    members = [m for each in streams for m in final_forms(each)]
    whole = fuse_final(streams)

    assert all(any(covers(fused, member) for fused in whole) for member in members)
    assert len(whole) <= len(members)
    assert len({e.id for e in whole}) == len(whole)


@settings(max_examples=25)
@given(nights())
def test_a_movement_starts_and_ends_with_a_member_and_stays_near_its_longest(streams):
    members = [m for each in streams for m in final_forms(each)]
    for fused in fuse_final(streams):
        inside = [
            m.duration_s
            for m in members
            if fused.onset_s <= m.onset_s and m.end_s <= fused.end_s + 1e-6
        ]
        assert fused.duration_s <= max(inside) + CHAIN_MS / 1000
        assert fused.onset_s in {m.onset_s for m in members}
        assert round(fused.end_s, 3) in {round(m.end_s, 3) for m in members}


@settings(max_examples=25)
@given(nights(), st.data())
def test_receivers_take_every_word_for_later_than_the_one_before(streams, data):
    said = tell(interleaved(streams, data))
    phases = list(Phase)
    for identity in {e.id for e in said}:
        forms = [e for e in said if e.id == identity]
        ranks = [(e.revision, phases.index(e.phase), e.duration_s) for e in forms]
        assert ranks == sorted(ranks)
        for before, after in pairwise(forms):
            assert after != before
            assert after.kind is before.kind or after.revision > before.revision
            assert before.phase is not Phase.END or after.revision > before.revision


@settings(max_examples=25)
@given(nights(), st.data())
def test_a_restart_at_any_word_changes_nothing(streams, data):
    words = interleaved(streams, data)
    cut = data.draw(st.integers(0, len(words)))
    before, after = Fusion(), Fusion()
    said = tell(words[:cut], before)
    after.load(json.loads(json.dumps(before.save())))

    assert said + tell(words[cut:], after) == tell(words)


@settings(max_examples=25)
@given(nights(), st.data())
def test_whatever_a_sensor_says_is_told_before_the_next_word(streams, data):
    fusion, told = Fusion(), {}
    for word in interleaved(streams, data):
        told |= {said.id: said for said in fusion.process(word)}
        assert any(covers(said, word) for said in told.values())


def test_restless_legs_do_not_become_one_event_of_an_hour():
    hour = [left(Kind.MOVEMENT, t, 50) for t in range(0, 3600, 60)]
    other = [right(Kind.MOVEMENT, t + 30, 50) for t in range(0, 3600, 60)]
    whole = fuse_final([hour, other])

    assert max(e.duration_s for e in whole) <= 50 + CHAIN_MS / 1000
    assert substance(final_forms(tell(sorted(hour + other, key=lambda e: e.onset_s)))) == substance(
        whole
    )


def test_a_spasm_of_one_leg_that_only_moves_the_other_is_one_spasm():
    fused = only(
        fuse_final(
            [
                [left(Kind.SPASM, 10.2, 3, peak_g=0.4, confidence=0.7, turn_deg=12.0)],
                [right(Kind.MOVEMENT, 10.0, 2.5, peak_g=0.6, confidence=0.9, turn_deg=20.0)],
            ]
        )
    )

    assert (fused.kind, fused.onset_s, fused.duration_s) == (Kind.SPASM, 10.0, 3.2)
    assert fused.end == MIDNIGHT + timedelta(seconds=13.2)
    assert (fused.peak_g, fused.turn_deg, fused.confidence, fused.grade) == (0.6, 20.0, 0.7, 2)
    assert fused.sensor == "left-calf+right-calf"
    assert worded(fused).reason == (
        "spasm at left-calf (an even rhythm of steps, as in walking), "
        "movement at right-calf (an even rhythm of steps, as in walking)"
    )
    assert from_dict(json.loads(json.dumps(to_dict(fused)))) == fused


def test_clonus_at_the_calf_and_a_spasm_of_the_thigh_are_a_clonus_with_parts():
    calf = left(Kind.CLONUS, 11, 6, rhythm_hz=5.8, beats=35)
    fused = only(fuse_final([[event("thigh", Kind.SPASM, 10, 2)], [calf]]))

    assert (fused.kind, fused.parts) == (Kind.CLONUS, (Kind.SPASM, Kind.CLONUS))
    assert (fused.rhythm_hz, fused.beats, fused.grade) == (5.8, 35, 2)


def test_the_context_is_that_of_the_limb_that_the_movement_is_about():
    """One leg beats out of rest while the other, which was turned before, only moves."""
    resting, restless = EventContext.RESTING, EventContext.RESTLESS
    beats = left(Kind.CLONUS, 100.0, 8.0, context=resting)
    moves = right(Kind.MOVEMENT, 99.5, 6.0, context=restless)

    assert only(fuse_final([[beats], [moves]])).context is resting


def test_nobody_is_up_with_one_leg_alone():
    both = [left(Kind.CLONUS, 100.0, 9.0), right(Kind.CLONUS, 100.2, 8.0)]

    def fused(*contexts: EventContext | None) -> EventContext | None:
        said = [replace(e, context=c) for e, c in zip(both, contexts, strict=True)]
        return only(fuse_final([[e] for e in said])).context

    up, resting = EventContext.UP, EventContext.RESTING
    assert (fused(up, up), fused(up, resting), fused(resting, up)) == (up, resting, resting)
    assert (fused(up, None), fused(None, up), fused(EventContext.RESTLESS, resting)) == (
        None, None, EventContext.RESTLESS,
    )  # fmt: skip


def test_the_longer_look_gives_the_rhythm():
    fused = only(
        fuse_final(
            [
                [left(Kind.CLONUS, 10, 2, rhythm_hz=6.4, beats=13, confidence=0.9)],
                [right(Kind.CLONUS, 10, 6, rhythm_hz=5.8, beats=35, confidence=0.7)],
            ]
        )
    )

    assert (fused.rhythm_hz, fused.beats, fused.confidence) == (5.8, 35, 0.9)
    assert fused.parts is None


@pytest.mark.parametrize("kind", [Kind.TURN, Kind.MOVEMENT, Kind.TWITCH, Kind.VIBRATION])
def test_what_both_legs_call_the_same_stays_that(kind):
    fused = only(fuse_final([[left(kind, 10, 0.4)], [right(kind, 10, 0.4)]]))

    assert (fused.kind, fused.confidence) == (kind, 0.8)


def test_every_kind_has_its_place_in_the_order_of_precedence():
    assert sorted(PRECEDENCE) == sorted(Kind)


@pytest.mark.parametrize(
    ("kind", "lesser"),
    [(a, b) for i, a in enumerate(PRECEDENCE) for b in PRECEDENCE[i + 1 :]],
)
def test_of_two_kinds_at_one_moment_the_telling_one_names_the_movement(kind, lesser):
    fused = only(fuse_final([[left(lesser, 10, 2)], [right(kind, 10, 2)]]))

    assert fused.kind is kind


def test_a_restless_minute_of_one_leg_does_not_lengthen_a_jerk_of_the_other():
    whole = fuse_final([[left(Kind.MOVEMENT, 0, 70)], [right(Kind.CLONUS, 20, 3)]])

    assert [(e.kind, e.duration_s) for e in whole] == [(Kind.MOVEMENT, 70), (Kind.CLONUS, 3)]


@pytest.mark.parametrize(
    ("onset_s", "end_s", "count"),
    [(9.001, 12, 1), (9, 12, 2), (10.5, 12.999, 1), (10.5, 13, 2)],
)
def test_other_movement_belongs_to_a_spasm_within_a_second_of_it(onset_s, end_s, count):
    around = right(Kind.MOVEMENT, onset_s, end_s - onset_s)

    assert len(fuse_final([[left(Kind.SPASM, 10, 2)], [around]])) == count


@pytest.mark.parametrize(("pause_s", "count"), [(0.999, 1), (1.0, 2)])
def test_a_pause_of_a_second_parts_two_movements(pause_s, count):
    whole = fuse_final([[left(Kind.SPASM, 10, 2)], [right(Kind.SPASM, 12 + pause_s, 2)]])

    assert len(whole) == count


def test_what_one_sensor_keeps_apart_only_another_one_bridges():
    pieces = [left(Kind.SPASM, 10, 2), left(Kind.SPASM, 12.5, 2)]

    assert fuse_final([pieces]) == pieces
    assert only(fuse_final([pieces, [right(Kind.SPASM, 11, 3)]])).duration_s == 4.5


def test_three_sensors_are_all_named():
    fused = only(fuse_final([[event(s, Kind.SPASM, 10, 2)] for s in SENSORS]))

    assert fused.sensor == "left-calf+right-calf+thigh"
    assert all(sensor in worded(fused).reason for sensor in SENSORS)


def test_what_speaks_for_a_rhythm_is_that_of_the_limb_that_names_it():
    shares = {"clonus": 0.6, "tremor": 0.3, "voluntary": 0.1}
    doubtful = {"clonus": 0.1, "tremor": 0.8, "voluntary": 0.1}
    clonus = right(Kind.CLONUS, 10.5, 5.0, shares=shares)
    tremor = left(Kind.TREMOR, 10.0, 6.0, shares=doubtful)
    spasm = right(Kind.SPASM, 10.5, 5.0)

    assert only(fuse_final([[tremor], [clonus]])).shares == shares
    assert only(fuse_final([[tremor], [spasm]])).shares is None


def test_a_limb_that_was_drawn_up_and_held_is_graded_by_its_angle_however_many_saw_it():
    pull = {"turned_deg": 8.0, "pull_s": 0.5, "duration_s": 4.0, "let_go": True}
    held, thrown = (because(Reason.PULL, away_s=away_s, **pull) for away_s in (3.0, 0.5))
    other = left(Kind.SPASM, 10.0, 12.0)

    def grade(facts, given):
        return only(
            fuse_final([[replace(other, facts=facts, grade=given)], [right(Kind.SPASM, 9.5, 4.0)]])
        ).grade

    assert grade(held, 1) == 1
    assert grade(thrown, 3) == 3
    assert grade(because(Reason.WALK), 3) == 3
