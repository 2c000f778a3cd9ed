"""Fusion as it is told: first words, late sensors, ids taken back, episodes, alerts, names."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from detector.alert import AlertState
from detector.alerts.moments import Now
from detector.alerts.policy import Policy
from detector.alerts.rules import parse_rules
from detector.events import (
    EventContext,
    Kind,
    Origin,
    Phase,
    final_forms,
    relabelled,
)
from detector.recognition.events.fusion import MOST_MEMBERS, Fusion, fuse_final
from detector.recognition.events.movement import fused_name
from detector.recognition.rules.reason import Reason, because

from .said import (
    MIDNIGHT,
    SENSORS,
    event,
    left,
    only,
    right,
    tell,
)

SERIES = because(Reason.PERIODIC, interval_s=25.0)


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


def test_what_goes_on_when_it_is_parted_begins_under_its_own_id():
    a, b = left(Kind.CLONUS, 10, 2, Phase.START), right(Kind.CLONUS, 30, 2, Phase.START)
    longer = replace(b, phase=Phase.UPDATE, duration_s=7.0)
    a_ended = replace(a, phase=Phase.END, duration_s=5.0)
    longest = replace(longer, duration_s=12.0)
    said = tell([a, b, longer, a_ended, longest, replace(longest, phase=Phase.END)])

    own = [(e.phase, e.revision, e.duration_s) for e in said if e.id == b.id]
    assert own == [
        (Phase.START, 0, 7.0),
        (Phase.UPDATE, 0, 12.0),
        (Phase.END, 0, 12.0),
    ]


def test_an_id_is_taken_back_only_where_two_told_movements_are_one():
    a, b = left(Kind.SPASM, 10, 2), event("thigh", Kind.SPASM, 14, 2)
    said = tell([a, b, right(Kind.SPASM, 11, 4)])

    assert [(e.id, e.kind, e.phase) for e in said[2:]] == [
        (a.id, Kind.SPASM, Phase.END),
        (b.id, Kind.MOVEMENT, Phase.UPDATE),
    ]
    assert said[-1].facts == because(Reason.SAME_MOVEMENT, event=a.id)
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
    said = tell([replace(relabelled(a, Kind.PLM, SERIES), episode=None) for a, _ in legs], fusion)

    assert [(e.id, e.kind, e.episode) for e in said] == [(a.id, Kind.PLM, None) for a, _ in legs]
    assert all(e.sensor == "left-calf+right-calf" and e.revision == 2 for e in said)


def test_what_its_own_sensor_takes_back_is_taken_back_and_holds_nothing_open():
    """The way back of a periodic movement, which the movement before it reports from now on."""
    lift, fall = left(Kind.TWITCH, 10, 0.5), left(Kind.TWITCH, 13, 0.5)
    fusion = Fusion()
    tell([lift, fall], fusion)
    back = replace(relabelled(fall, Kind.MOVEMENT, "its way back"), phase=Phase.UPDATE)
    whole = replace(relabelled(lift, Kind.PLM, SERIES), duration_s=3.5, episode=None)
    said = tell([whole, back], fusion)

    assert [(e.id, e.kind, e.phase) for e in said] == [
        (lift.id, Kind.PLM, Phase.END),
        (fall.id, Kind.MOVEMENT, Phase.UPDATE),
    ]
    later = right(Kind.MOVEMENT, 20, 2)
    assert fusion.process(later) == [later]
    assert fusion.lost("left-calf") == []


def test_what_was_taken_back_leaves_what_the_other_sensor_saw_of_it():
    a, b = left(Kind.TWITCH, 10, 0.5), right(Kind.TWITCH, 10.1, 0.5)
    fusion = Fusion()
    tell([a, b], fusion)
    back = replace(relabelled(a, Kind.MOVEMENT, "its way back"), phase=Phase.UPDATE)
    said = tell([back], fusion)

    assert [(e.id, e.sensor, e.kind) for e in final_forms(said)] == [
        (b.id, "right-calf", Kind.TWITCH)
    ]
    assert said[-1].id == a.id
    assert said[-1].revision > 0


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
    assert [each["sensor"] for each in fused.facts["seen"]] == ["sensor 1", "sensor 2"]
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
    """Whichever word of two sensors comes when: one alert, and it stands, though one says up."""
    up, resting = {"context": EventContext.UP}, {"context": EventContext.RESTING}
    start = left(Kind.CLONUS, 10, 2, Phase.START, **up)
    rest = {
        "L": left(Kind.CLONUS, 10, 65, **up),
        "r": right(Kind.CLONUS, 10.3, 2, Phase.START, **resting),
        "R": right(Kind.CLONUS, 10.3, 70, **resting),
    }
    policy = Policy(parse_rules(["clonus >= 60s"]), source=Origin.REPLAY)
    now_utc = MIDNIGHT + timedelta(seconds=81)
    now = Now(mono_ns=81_000_000_000, utc=now_utc, event_s=81.0)
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
