"""Laws of fusion: one movement is one event, whoever saw it, in whatever order they say so."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from detector.alerts.alert import AlertState
from detector.alerts.policy import Now, Policy
from detector.alerts.rules import parse_rules
from detector.events import (
    SPASM_FAMILY,
    Event,
    Kind,
    Origin,
    Phase,
    event_id,
    final_forms,
    from_dict,
    grade_of,
    relabelled,
    to_dict,
)
from detector.recognition.fusion import (
    CHAIN_MS,
    MOST_MEMBERS,
    PRECEDENCE,
    Fusion,
    fuse_final,
    fused_name,
)

MIDNIGHT = datetime(2026, 11, 21, tzinfo=UTC)
SENSORS = ("left-calf", "right-calf", "thigh")


def event(sensor, kind, onset_s, duration_s, phase=Phase.END, **values) -> Event:
    """What one sensor's detector says; recordings begin at midnight."""
    onset_s, duration_s = round(onset_s, 3), round(duration_s, 3)
    identity = values.pop("id", None) or event_id(None, sensor, None, round(onset_s * 1000))
    return Event(
        **{
            "id": identity,
            "kind": kind,
            "phase": phase,
            "onset_s": onset_s,
            "duration_s": duration_s,
            "onset": MIDNIGHT + timedelta(milliseconds=round(onset_s * 1000)),
            "end": MIDNIGHT + timedelta(milliseconds=round((onset_s + duration_s) * 1000)),
            "peak_g": 0.3,
            "confidence": 0.8,
            "grade": grade_of(duration_s) if kind in (Kind.CLONUS, Kind.SPASM) else None,
            "episode": identity if kind in SPASM_FAMILY else None,
            "reason": f"it looked like {kind}",
            "sensor": sensor,
            **values,
        }
    )


def left(kind, onset_s, duration_s, phase=Phase.END, **values) -> Event:
    return event("left-calf", kind, onset_s, duration_s, phase, **values)


def right(kind, onset_s, duration_s, phase=Phase.END, **values) -> Event:
    return event("right-calf", kind, onset_s, duration_s, phase, **values)


def tell(words, fusion=None) -> list[Event]:
    fusion = fusion or Fusion()
    return [said for word in words for said in fusion.process(word)]


def only(events) -> Event:
    assert len(events) == 1
    return events[0]


@st.composite
def life(draw, sensor: str, onset_s: float) -> list[Event]:
    """One event from its first word to its last form; the onset may be refined at the end."""
    kind = draw(st.sampled_from(list(Kind)))
    lengths = sorted(draw(st.lists(st.integers(1, 12_000), min_size=1, max_size=3, unique=True)))
    end = event(sensor, kind, onset_s, lengths[-1] / 1000, peak_g=draw(st.floats(0, 4)))
    if kind not in SPASM_FAMILY:
        return [end]
    first = draw(st.sampled_from([Kind.SPASM, kind]))
    words = [
        event(sensor, first, onset_s, ms / 1000, phase)
        for ms, phase in zip(lengths, [Phase.START, Phase.UPDATE], strict=False)
    ]
    later = draw(st.sampled_from([0, 0, 200, -200])) / 1000
    moved = event(sensor, kind, onset_s + later, end.duration_s, id=end.id)
    words.append(replace(moved, revision=int(kind is not first)))
    if draw(st.booleans()):
        series = relabelled(words[-1], Kind.PLM, "one of a series")
        words.append(replace(series, episode=None, grade=None))
    return words


@st.composite
def stream(draw, sensor: str) -> list[Event]:
    """What one sensor says: events one after the other, revisions up to three events late."""
    now_s, words, late = draw(st.integers(0, 8000)) / 1000, [], []
    for _ in range(draw(st.integers(0, 4))):
        said = draw(life(sensor, now_s))
        revised = said[-1].kind is Kind.PLM and len(said) > 1
        words += said[:-1] if revised else said
        late += said[-1:] if revised else []
        if len(late) > 2:
            words, late = words + late, []
        now_s = said[-1].end_s + 0.5 + draw(st.integers(0, 6000)) / 1000
    return words + late


@st.composite
def nights(draw, sensors=SENSORS) -> list[list[Event]]:
    return [draw(stream(sensor)) for sensor in sensors]


def interleaved(streams, data) -> list[Event]:
    """Any arrival order that keeps each sensor's own."""
    left_over = [list(each) for each in streams]
    order = data.draw(st.permutations([i for i, each in enumerate(streams) for _ in each]))
    return [left_over[i].pop(0) for i in order]


def substance(events) -> list[str]:
    """What was found, apart from the path to it: whose id, how many revisions, episode's name."""
    plain = [replace(e, id="", revision=0, episode=None) for e in events]
    return sorted(json.dumps(to_dict(e)) for e in plain)


@settings(deadline=None)
@given(stream("left-calf"), st.booleans())
def test_one_sensor_alone_is_left_as_it_is(words, dated):
    assert tell(words, Fusion(dated=dated)) == words
    assert fuse_final([words]) == final_forms(words)
    assert fuse_final([words, []]) == final_forms(words)


@settings(max_examples=80, deadline=None)
@given(nights(), st.data())
def test_the_order_of_arrival_changes_no_final_form(streams, data):
    said = final_forms(tell(interleaved(streams, data)))
    whole = fuse_final(streams)

    assert substance(said) == substance(whole)
    assert len({e.id for e in said}) == len(said)
    members = {word.id for each in streams for word in each}
    assert {e.id for e in said} <= members


@settings(max_examples=25, deadline=None)
@given(nights(), st.data())
def test_whole_recordings_fuse_alike_in_whatever_order_they_are_given(streams, data):
    whole = fuse_final(streams)

    assert fuse_final(data.draw(st.permutations(streams))) == whole
    assert [e.onset_s for e in whole] == sorted(e.onset_s for e in whole)


@settings(max_examples=25, deadline=None)
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


@settings(max_examples=25, deadline=None)
@given(nights())
def test_no_event_is_lost_and_none_is_told_twice(streams):
    members = [m for each in streams for m in final_forms(each)]
    whole = fuse_final(streams)

    assert all(any(covers(fused, member) for fused in whole) for member in members)
    assert len(whole) <= len(members)
    assert len({e.id for e in whole}) == len(whole)


@settings(max_examples=25, deadline=None)
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


@settings(max_examples=25, deadline=None)
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


@settings(max_examples=25, deadline=None)
@given(nights(), st.data())
def test_a_restart_at_any_word_changes_nothing(streams, data):
    words = interleaved(streams, data)
    cut = data.draw(st.integers(0, len(words)))
    before, after = Fusion(), Fusion()
    said = tell(words[:cut], before)
    after.load(json.loads(json.dumps(before.save())))

    assert said + tell(words[cut:], after) == tell(words)


@settings(max_examples=25, deadline=None)
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
    assert fused.reason == (
        "spasm at left-calf (it looked like spasm), "
        "movement at right-calf (it looked like movement)"
    )
    assert from_dict(json.loads(json.dumps(to_dict(fused)))) == fused


def test_clonus_at_the_calf_and_a_spasm_of_the_thigh_are_a_clonus_with_parts():
    calf = left(Kind.CLONUS, 11, 6, rhythm_hz=5.8, beats=35)
    fused = only(fuse_final([[event("thigh", Kind.SPASM, 10, 2)], [calf]]))

    assert (fused.kind, fused.parts) == (Kind.CLONUS, (Kind.SPASM, Kind.CLONUS))
    assert (fused.rhythm_hz, fused.beats, fused.grade) == (5.8, 35, 2)


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
    assert all(sensor in fused.reason for sensor in SENSORS)


def test_the_first_word_goes_out_and_its_id_stays():
    a, b = left(Kind.SPASM, 10, 0.6, Phase.START), right(Kind.CLONUS, 9.8, 1.5, Phase.START)
    said = tell(
        [
            a,
            b,
            replace(a, phase=Phase.END, duration_s=2.0),
            replace(b, phase=Phase.END, duration_s=6.0),
        ]
    )

    assert [(e.phase, e.kind, e.revision) for e in said] == [
        (Phase.START, Kind.SPASM, 0),
        (Phase.UPDATE, Kind.CLONUS, 1),
        (Phase.UPDATE, Kind.CLONUS, 1),
        (Phase.END, Kind.CLONUS, 1),
    ]
    assert {e.id for e in said} == {a.id}
    assert [e.onset_s for e in said] == [10, 9.8, 9.8, 9.8]


def test_a_sensor_that_lags_revises_what_is_over():
    a = left(Kind.TWITCH, 10, 0.4)
    said = tell([a, left(Kind.TWITCH, 16, 0.4), right(Kind.SPASM, 10.1, 2)])

    assert said[0] == a
    assert (said[2].id, said[2].kind, said[2].phase) == (a.id, Kind.SPASM, Phase.END)
    assert said[2].revision == 1


def test_an_end_that_disproves_the_overlap_parts_them_again():
    a, b = left(Kind.SPASM, 10, 0.6, Phase.START), right(Kind.TWITCH, 15, 0.4)
    said = tell([a, b, replace(a, phase=Phase.END, duration_s=2.0)])

    assert [e.id for e in said] == [a.id, a.id, a.id, b.id]
    assert said[-1] == replace(b, episode=a.episode)
    assert (said[2].sensor, said[2].duration_s) == ("left-calf", 2.0)
    assert said[2].revision > said[1].revision


def test_an_id_is_taken_back_only_where_two_told_movements_are_one():
    a, b = left(Kind.SPASM, 10, 2), event("thigh", Kind.SPASM, 14, 2)
    said = tell([a, b, right(Kind.SPASM, 11, 4)])

    assert [(e.id, e.kind, e.phase) for e in said[2:]] == [
        (a.id, Kind.SPASM, Phase.END),
        (b.id, Kind.MOVEMENT, Phase.UPDATE),
    ]
    assert a.id in said[-1].reason
    assert [e.id for e in final_forms(said)] == [a.id]


def test_an_id_that_was_taken_back_returns_when_they_turn_out_to_be_two():
    a, b = left(Kind.SPASM, 10, 2), event("thigh", Kind.SPASM, 14, 2)
    bridge = right(Kind.SPASM, 11, 0.6, Phase.START)
    said = tell([a, b, bridge, replace(bridge, phase=Phase.END, duration_s=1.5)])

    assert [e.id for e in said] == [a.id, b.id, a.id, b.id, a.id, b.id]
    assert (said[-1].kind, said[-1].phase) == (Kind.SPASM, Phase.END)
    assert said[-1].revision > said[3].revision
    assert len(final_forms(said)) == 2


def test_a_series_that_turns_out_periodic_revises_what_was_fused():
    fusion = Fusion()
    legs = [(left(Kind.SPASM, t, 2), right(Kind.MOVEMENT, t, 2)) for t in range(10, 100, 25)]
    tell([word for pair in legs for word in pair], fusion)
    said = tell(
        [replace(relabelled(a, Kind.PLM, "a series"), episode=None) for a, _ in legs], fusion
    )

    assert [(e.id, e.kind, e.episode) for e in said] == [(a.id, Kind.PLM, None) for a, _ in legs]
    assert all(e.sensor == "left-calf+right-calf" and e.revision == 2 for e in said)


def test_it_ends_when_all_have_ended():
    a, b = left(Kind.CLONUS, 10, 2, Phase.START), right(Kind.CLONUS, 10, 2, Phase.START)
    fusion = Fusion()
    said = tell([a, b, replace(a, phase=Phase.END, duration_s=5.0)], fusion)
    assert said[-1].phase is Phase.UPDATE

    ended = only(fusion.lost("right-calf"))
    assert (ended.phase, ended.duration_s, ended.cut_short) == (Phase.END, 5.0, True)
    assert fusion.lost("right-calf") == []
    assert fusion.lost("unheard-of") == []


def test_a_sensor_that_was_only_late_goes_on_where_it_was_closed():
    a, fusion = left(Kind.CLONUS, 10, 2, Phase.START), Fusion()
    tell([a], fusion)
    closed = only(fusion.lost("left-calf"))
    on, over = tell(
        [replace(a, phase=Phase.UPDATE, duration_s=60.0), left(Kind.CLONUS, 10, 70)], fusion
    )

    assert (closed.phase, closed.cut_short) == (Phase.END, True)
    assert (on.phase, on.duration_s, on.cut_short) == (Phase.UPDATE, 60.0, False)
    assert (over.phase, over.cut_short) == (Phase.END, False)
    assert closed.revision < on.revision <= over.revision


def test_a_backlog_does_not_close_what_is_going_on_now():
    fusion = Fusion()
    tell([left(Kind.CLONUS, 5000, 2, Phase.START)], fusion)
    backlog = right(Kind.SPASM, 100, 2)

    assert tell([backlog], fusion) == [backlog]
    assert tell([left(Kind.CLONUS, 5000, 9)], fusion) == [left(Kind.CLONUS, 5000, 9)]


def test_a_sensor_that_falls_silent_does_not_hold_back_the_other():
    fusion = Fusion()
    open_ended = left(Kind.CLONUS, 10, 2, Phase.START)
    tell([open_ended], fusion)
    said = tell([right(Kind.SPASM, t, 2) for t in range(100, 1000, 100)], fusion)

    assert [e.onset_s for e in said if e.sensor == "right-calf"] == list(range(100, 1000, 100))
    closed = only([e for e in said if e.id == open_ended.id])
    assert (closed.phase, closed.cut_short) == (Phase.END, True)


def test_memory_is_bounded_however_long_the_night_and_however_many_the_words():
    fusion = Fusion()
    words = [event(SENSORS[i % 3], Kind.TWITCH, 1.2 * i, 0.4) for i in range(300)]
    tell(words, fusion)
    assert len(fusion.save()["members"]) <= MOST_MEMBERS
    assert len(fusion.save()["told"]) <= MOST_MEMBERS

    tell([left(Kind.TWITCH, 36_000 + 150 * i, 0.4) for i in range(20)], fusion)
    assert len(fusion.save()["members"]) <= 3
    assert len(fusion.save()["told"]) <= 3


def test_recordings_are_laid_side_by_side_by_their_wall_clocks():
    late = right(Kind.SPASM, 10, 2)
    later_recording = replace(late, onset_s=4.0)  # began six seconds after the other

    assert only(fuse_final([[left(Kind.SPASM, 10.1, 2)], [later_recording]])).onset_s == 4.0
    assert len(fuse_final([[left(Kind.SPASM, 4, 2)], [later_recording]])) == 2


def test_without_a_wall_clock_they_count_as_begun_together():
    a, b = (replace(f(Kind.SPASM, 10, 2), onset=None, end=None) for f in (left, right))

    fused = only(fuse_final([[a], [b]]))
    assert (fused.onset_s, fused.onset, fused.end) == (10, None, None)
    assert len(final_forms(tell([a, b], Fusion(dated=False)))) == 1
    with pytest.raises(ValueError, match="dated=False"):
        Fusion().process(a)


def test_an_event_without_a_sensor_is_refused_live():
    with pytest.raises(ValueError, match="stamp it first"):
        Fusion().process(replace(left(Kind.SPASM, 10, 2), sensor=None))


def test_recordings_without_a_sensor_are_numbered():
    a, b = (replace(f(Kind.SPASM, 10, 2), sensor=None) for f in (left, right))
    fused = only(fuse_final([[a], [b]]))

    assert fused.sensor == "sensor 1+sensor 2"
    assert "sensor 1" in fused.reason
    assert "sensor 2" in fused.reason
    assert fuse_final([[a]]) == [a]


@pytest.mark.parametrize("other", [{"wearer": "k3vq7m2xta"}, {"source": Origin.SIMULATED}])
def test_people_and_worlds_are_never_mixed(other):
    assert len(fuse_final([[left(Kind.SPASM, 10, 2)], [right(Kind.SPASM, 10, 2, **other)]])) == 2


def test_spasms_of_two_legs_with_less_than_90_s_between_are_one_episode():
    a, b, c = left(Kind.SPASM, 10, 2), right(Kind.SPASM, 90, 2), right(Kind.SPASM, 150, 2)
    c = replace(c, episode=b.episode)
    d = right(Kind.SPASM, 400, 2)
    for said in (fuse_final([[a], [b, c, d]]), tell([a, b, c, d])):
        assert [e.episode for e in said] == [a.episode, a.episode, a.episode, d.episode]


def test_a_movement_seen_by_both_has_one_episode_for_as_long_as_it_lasts():
    a, b = left(Kind.SPASM, 10, 0.6, Phase.START), right(Kind.SPASM, 9.9, 0.6, Phase.START)
    said = tell([a, b, right(Kind.SPASM, 60, 2, episode=b.episode)])

    assert {e.episode for e in said} == {a.episode}


@pytest.mark.parametrize("order", ["rRL", "rLR", "LrR"])
def test_two_legs_of_one_clonus_wake_once(order):
    """Whichever word of two sensors comes when: one alert, and it stands."""
    start = left(Kind.CLONUS, 10, 2, Phase.START)
    rest = {
        "L": left(Kind.CLONUS, 10, 65),
        "r": right(Kind.CLONUS, 10.3, 2, Phase.START),
        "R": right(Kind.CLONUS, 10.3, 70),
    }
    policy = Policy(parse_rules(["clonus >= 60s"]), source=Origin.REPLAY)
    now_utc = MIDNIGHT + timedelta(seconds=81)
    now = Now(mono_ns=81_000_000_000, utc=now_utc, stream_s=81.0, stream_utc=now_utc)
    alerts = [
        a
        for said in tell([start, *(rest[word] for word in order)])
        for a in policy.observe(said, now)
    ]

    assert [a.state for a in alerts] == [AlertState.RAISED]
    assert len(policy.open_alerts) == 1


names = st.lists(st.text(st.sampled_from("ab+\\"), min_size=1, max_size=4), min_size=1)


@given(names, names)
@example(["a\\", "b"], ["a+b"])
def test_no_two_sets_of_sensors_share_a_name(some, others):
    assert (fused_name(some) == fused_name(others)) == (set(some) == set(others))


def test_hostile_sensor_names_stay_apart():
    assert fused_name(["right", "left"]) == "left+right"
    assert fused_name(["a+b", "c"]) == r"a\+b+c"
    assert fused_name(["a", "b+c"]) == r"a+b\+c"
