"""Four movements alike and evenly apart are periodic; spasms come in clusters, but not alike."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import accumulate, pairwise
from math import cos, radians, sin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.events import Event, Kind, Phase, final_forms, is_taken_back, to_dict
from detector.recognition.events.periodic import FEWEST, MEMORY, Postures, Series, Vector
from detector.recognition.rules.reason import Reason, because
from detector.recognition.rules.thresholds import load_rules
from detector.recognition.rules.verdict import Finding
from detector.words.reasons import worded

RULES = load_rules()
MILD_G_S, ABRUPT_G_S = 2.0, 12.0
JERK = because(Reason.SPASM, peak_g=0.1, rise_s=0.1, turned_deg=6.0, duration_s=2.0)

Movement = tuple[Event, Finding, Postures]
LIES: Vector = (0.0, 0.0, 1.0)
STAYS = Postures(LIES, LIES)


def movement(
    onset_s: float,
    kind: Kind = Kind.SPASM,
    *,
    duration_s: float = 2.0,
    peak_g: float = 0.1,
    turn_deg: float = 6.0,
    jerk_g_s: float = MILD_G_S,
    postures: Postures = STAYS,
) -> Movement:
    """Make a movement that is over, as the sequence hands it to the series."""
    finding = Finding(
        kind=kind,
        confidence=0.8,
        why=JERK,
        onset=round(onset_s * 50),
        end=round((onset_s + duration_s) * 50),
        peak_g=peak_g,
        rms_g=peak_g / 3,
        turn_deg=turn_deg,
        jerk_g_s=jerk_g_s,
    )
    event = Event(
        id=f"at {onset_s:g}",
        kind=kind,
        phase=Phase.END,
        onset_s=onset_s,
        duration_s=duration_s,
        peak_g=peak_g,
        turn_deg=turn_deg,
        confidence=0.8,
        grade=1,
        episode="that night's",
        facts=JERK,
    )
    return event, finding, postures


def every(interval_s: float, count: int, **how: float) -> list[Movement]:
    return [movement(20 + interval_s * index, **how) for index in range(count)]  # type: ignore[arg-type]


def told(movements: list[Movement], series: Series | None = None) -> list[list[Event]]:
    series = Series(RULES) if series is None else series
    return [series.admit(*each) for each in movements]


def named(movements: list[Movement]) -> list[Kind]:
    """What each is in the end."""
    said = [event for event, *_ in movements]
    said += [event for revised in told(movements) for event in revised]
    return [event.kind for event in final_forms(said)]


jitters = st.lists(st.floats(0.85, 1.15), min_size=12, max_size=12)


@given(
    interval_s=st.floats(12, 75),
    peak_g=st.floats(0.03, 0.5),
    duration_s=st.floats(0.6, 6.0),
    turn_deg=st.floats(1.0, 14.0),
    jitter=jitters,
)
def test_alike_and_evenly_apart_they_are_periodic_from_the_fourth_on(
    interval_s: float, peak_g: float, duration_s: float, turn_deg: float, jitter: list[float]
) -> None:
    onsets_s = list(accumulate(interval_s * each for each in jitter))
    movements = [
        movement(
            onset_s,
            peak_g=peak_g * each,
            duration_s=duration_s / each,
            turn_deg=turn_deg * each,
        )
        for onset_s, each in zip(onsets_s, jitter, strict=True)
    ]
    said = told(movements)

    assert [0, 0, 0, FEWEST] + [1] * 8 == [len(revised) for revised in said]
    assert [Kind.PLM] * 12 == named(movements)


def test_a_revision_keeps_the_id_and_the_times_and_raises_the_number() -> None:
    movements = every(30, 6)
    movements[1] = replace(movements[1][0], revision=3), *movements[1][1:]
    revised = {event.id: event for said in told(movements) for event in said}

    for event, *_ in movements:
        now = revised[event.id]
        assert (now.revision, now.kind) == (event.revision + 1, Kind.PLM)
        assert (now.onset_s, now.duration_s, now.phase) == (event.onset_s, event.duration_s, "end")
        assert (now.episode, now.grade) == (None, None)
        assert worded(now).reason == "one of a series of similar movements, about 30 s apart"


def test_none_is_revised_twice() -> None:
    ids = [event.id for said in told(every(25, 30)) for event in said]

    assert len(ids) == len(set(ids)) == 30


def tilted(angle_deg: float) -> Vector:
    return 0.0, sin(radians(angle_deg)), cos(radians(angle_deg))


FALLS = Postures(tilted(6.0), LIES)

unlike = st.sampled_from(["peak_g", "duration_s", "turn_deg", "interval"])


@given(unlike, st.sampled_from([MILD_G_S, ABRUPT_G_S]), st.integers(FEWEST, 12), st.booleans())
def test_unlike_in_strength_length_angle_or_time_they_are_not(
    what: str, jerk_g_s: float, count: int, start: bool
) -> None:
    """Every other one is five times the one before it: nothing that one leg does by habit."""
    large = [(index + start) % 2 == 1 for index in range(count)]
    usual = {"peak_g": 0.05, "duration_s": 1.0, "turn_deg": 2.0}
    gaps_s = [(75 if big else 15) if what == "interval" else 30 for big in large]
    movements = [
        movement(
            onset_s,
            jerk_g_s=jerk_g_s,
            **{name: value * (5 if big and name == what else 1) for name, value in usual.items()},  # type: ignore[arg-type]
        )
        for onset_s, big in zip(accumulate(gaps_s), large, strict=True)
    ]

    assert [Kind.SPASM] * count == named(movements)


@pytest.mark.parametrize("interval_s", [6.5, 8.5, 91.0, 200.0])
def test_too_close_or_too_far_apart_they_are_not(interval_s: float) -> None:
    assert {Kind.SPASM} == set(named(every(interval_s, 10)))


def test_as_abrupt_as_spasms_it_takes_six_of_them_unless_they_are_very_alike() -> None:
    alike = every(30, 8, jerk_g_s=ABRUPT_G_S)
    # 30 s and 40 s, 0.1 g and 0.25 g: a strong series may vary so, but not one of four.
    onsets_s = accumulate([20.0, 30, 40, 30, 40, 30, 40, 30])
    strengths_g = [0.1, 0.25, 0.1, 0.25, 0.1, 0.25, 0.1, 0.25]
    looser = [
        movement(at, peak_g=peak_g, jerk_g_s=ABRUPT_G_S)
        for at, peak_g in zip(onsets_s, strengths_g, strict=True)
    ]

    assert [0, 0, 0, 4, 1, 1, 1, 1] == [len(said) for said in told(alike)]
    assert [0, 0, 0, 0, 0, 6, 1, 1] == [len(said) for said in told(looser)]
    restarted, first = Series(RULES), Series(RULES)
    told(looser[:3], first)
    restarted.load(json.loads(json.dumps(first.save())))
    assert [0, 0, 6, 1, 1] == [len(said) for said in told(looser[3:], restarted)]


@pytest.mark.parametrize(
    "turn_deg", [0.0, RULES.periodic.least_deg - 0.1, RULES.periodic.turn_deg + 1]
)
def test_a_bed_that_shakes_and_a_limb_turned_over_are_no_leg_movements(turn_deg: float) -> None:
    assert {Kind.SPASM} == set(named(every(30, 8, turn_deg=turn_deg)))


@given(st.floats(0.2, 5.9), st.integers(FEWEST, 10))
def test_the_way_back_is_a_part_of_its_movement(after_s: float, count: int) -> None:
    """Each lift is followed by the foot falling back, which is another bout of the same one."""
    lifts = every(30, count)
    falls = [
        movement(e.onset_s + after_s, Kind.TWITCH, duration_s=0.4, postures=FALLS)
        for e, *_ in lifts
    ]
    movements = [each for pair in zip(lifts, falls, strict=True) for each in pair]
    said = told(movements)
    finals = final_forms([e for e, *_ in movements] + [e for each in said for e in each])

    assert [Kind.PLM] * count == [event.kind for event in finals]
    assert [e.onset_s for e, *_ in lifts] == [event.onset_s for event in finals]
    whole_s = max(2.0, after_s + 0.4)
    assert all(event.duration_s == pytest.approx(whole_s, abs=1e-3) for event in finals)
    assert [0] * 6 + [7, 2] == [len(each) for each in said][:8]
    back = said[7][1]
    assert is_taken_back(back)
    assert back.revision == falls[3][0].revision + 1
    assert (
        worded(back).reason == "the way back of the periodic movement before it, which reports it"
    )


def test_what_does_not_bring_the_limb_back_is_no_way_back() -> None:
    away = Postures(tilted(6.0), tilted(30.0))
    movements = [m for e in every(30, 6) for m in (e, movement(e[0].onset_s + 3, postures=away))]

    assert Kind.PLM not in named(movements)


def test_a_movement_that_lasts_longer_than_ten_seconds_with_its_way_back_has_none() -> None:
    lifts = every(30, 4, duration_s=2.0)
    falls = [movement(e.onset_s + 5.5, duration_s=5.0, postures=FALLS) for e, *_ in lifts]
    said = [e for pair in zip(lifts, falls, strict=True) for each in told(list(pair)) for e in each]

    assert said == []


def test_a_movement_and_its_way_back_count_for_one() -> None:
    lifts = every(30, FEWEST - 1)
    movements = [m for each in lifts for m in (each, movement(each[0].onset_s + 3, Kind.TWITCH))]

    assert Kind.PLM not in named(movements)


@pytest.mark.parametrize("kind", [Kind.CLONUS, Kind.TREMOR, Kind.TURN])
def test_clonus_tremor_and_turns_neither_belong_to_a_series_nor_break_it(kind: Kind) -> None:
    series = every(30, 5)
    other = movement(95, kind)

    assert [] == told([*series[:3], other])[-1]
    assert [kind] == [k for k in named([*series[:3], other, *series[3:]]) if k is not Kind.PLM]


@pytest.mark.parametrize("kind", [Kind.MOVEMENT, Kind.TURN, Kind.TREMOR, Kind.CLONUS])
def test_a_limb_that_moves_otherwise_between_them_is_not_at_rest(kind: Kind) -> None:
    """8 s of something else in every interval of 30 s, too long or too far for a leg movement."""
    lifts = every(30, 8)
    others = [
        movement(e.onset_s + 11, kind, duration_s=10.5 if kind is Kind.MOVEMENT else 8.0)
        for e, *_ in lifts
    ]
    movements = [each for pair in zip(lifts, others, strict=True) for each in pair]

    assert {Kind.SPASM} == set(named(movements)) - {kind}


def test_a_minute_of_movement_before_is_no_rest_for_the_first_four() -> None:
    walked = movement(0, Kind.MOVEMENT, duration_s=70)
    series = [movement(75 + 20 * index) for index in range(10)]

    assert Kind.PLM not in named([walked, *series[:4]])
    assert named([walked, *series])[-1] is Kind.PLM  # once it has gone on for long enough


def test_movement_beside_a_rhythm_disturbs_the_rest_as_any_other() -> None:
    series, lifts, said = Series(RULES), every(30, 6), []
    for event, finding, postures in lifts:
        said += series.admit(event, finding, postures)
        series.disturb(movement(event.onset_s + 11, Kind.MOVEMENT, duration_s=9.0)[0])

    assert said == []


@pytest.mark.parametrize("off_deg", [8.0, 40.0])
def test_a_limb_that_lies_elsewhere_begins_a_series_anew(off_deg: float) -> None:
    elsewhere = Postures(tilted(off_deg), tilted(off_deg))
    first = [movement(20 + 30 * i) for i in range(3)]
    second = [movement(110 + 30 * i, postures=elsewhere) for i in range(3)]

    assert Kind.PLM not in named(first + second)
    assert Kind.PLM in named([*first, movement(110)])


@pytest.mark.parametrize("site", ["wrist", "trunk"])
def test_periodic_movements_are_of_the_legs(site: str) -> None:
    series = Series(load_rules(site=site))

    assert [] == [event for said in told(every(30, 10), series) for event in said]


def test_a_state_that_knew_no_rest_can_still_be_read() -> None:
    lifts = every(30, 4)
    back = movement(23, Kind.TWITCH)[0]
    old = [
        {"event": to_dict(event), "jerk_g_s": MILD_G_S, "way_back": way}
        for (event, *_), way in zip(lifts[:3], [to_dict(back), None, None], strict=True)
    ]
    series = Series(RULES)
    series.load(json.loads(json.dumps(old)))
    said = series.admit(*lifts[3])

    assert [e.kind for e in said if not is_taken_back(e)] == [Kind.PLM] * 4
    assert [e.id for e in said if is_taken_back(e)] == [back.id]


def test_what_is_longer_than_a_leg_movement_of_ten_seconds_is_none() -> None:
    assert {Kind.PLM} == set(named(every(30, 6, duration_s=9.9)))
    assert {Kind.SPASM} == set(named(every(30, 6, duration_s=10.1)))


def test_a_series_that_pauses_begins_anew() -> None:
    first, second = every(30, 5), [movement(500 + 30 * i) for i in range(4)]
    kinds = named(first + second[:3])

    assert [Kind.PLM] * 5 + [Kind.SPASM] * 3 == kinds
    assert [Kind.PLM] * 9 == named(first + second)


@st.composite
def nights(draw: st.DrawFn) -> list[Movement]:
    """Movements of every sort, in order, some of them periodic."""
    onset_s, movements = 0.0, []
    for _ in range(draw(st.integers(1, 14))):
        onset_s += draw(st.sampled_from([1.0, 4.0, 6.5, 9.5, 10.0, 20.0, 22.0, 25.0, 100.0]))
        kind = draw(st.sampled_from([Kind.SPASM] * 4 + [Kind.TWITCH, Kind.MOVEMENT, Kind.CLONUS]))
        movements.append(movement(onset_s, kind, peak_g=draw(st.sampled_from([0.1, 0.12, 0.6]))))
    return movements


@given(nights(), st.data())
def test_a_restart_at_any_event_changes_nothing(
    movements: list[Movement], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(movements)))
    first, second = Series(RULES), Series(RULES)
    head = told(movements[:at], first)
    saved = json.loads(json.dumps(first.save()))  # plain data, whatever keeps it
    told(movements[at:], first)
    second.load(saved)

    assert told(movements) == head + told(movements[at:], second)


@given(nights())
def test_two_movements_of_a_series_never_begin_within_ten_seconds(
    movements: list[Movement],
) -> None:
    said = [event for each in told(movements) for event in each]
    onsets_s = sorted({e.onset_s for e in said if e.kind is Kind.PLM})

    assert all(later - earlier >= 10.0 for earlier, later in pairwise(onsets_s))


@given(nights())
def test_whatever_comes_ids_stay_and_revisions_count_up(movements: list[Movement]) -> None:
    last = {event.id: event for event, *_ in movements}
    for said in told(movements):
        for event in said:
            assert event.revision == last[event.id].revision + 1
            assert event.onset_s == last[event.id].onset_s
            last[event.id] = event


def test_the_memory_is_bounded_however_long_the_night() -> None:
    """Also of a limb that is never at rest, and of lifts that fall back in many steps."""
    for count in (1, 5):
        series, sizes = Series(RULES), []
        for event, finding, postures in every(20, 400, peak_g=0.1):
            series.admit(event, finding, postures)
            for step in range(1, count):
                series.admit(*movement(event.onset_s + 1.2 * step, duration_s=0.2))
            for step in range(10 * (count - 1)):
                series.disturb(movement(event.onset_s + 7 + step / 4, duration_s=0.2)[0])
            sizes.append(len(json.dumps(series.save())))

        assert len(series.save()["members"]) == MEMORY
        assert max(sizes[MEMORY:]) < 16_000
