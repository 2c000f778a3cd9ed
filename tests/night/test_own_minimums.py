"""A night with a wearer's own minimums tells all that one without tells, and what it held back."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from detector.events import Event, Kind, Phase, from_dict
from detector.night.night import Night
from detector.recognition.personal.minimums import Minimum, Personal, apply, kind_found
from detector.words.reasons import worded

from .evening import RULES, Arrival, evening, hear, worn

STRICT = Personal(
    minimums=(
        Minimum(Kind.CLONUS, "duration_s", 8.0, up_to_s=30.0),
        Minimum(Kind.SPASM, "peak_g", 1.0, up_to_s=60.0),
    )
)


def a_night(sensors: int, personal: Personal | None = None) -> Night:
    return Night(worn(sensors=sensors), rules=RULES, personal=personal)


def listen(one: Night, arrivals: list[Arrival]) -> list[list[str]]:
    return [hear(one, arrival) for arrival in arrivals]


def events_in(said: list[list[str]]) -> list[Event]:
    lines = [json.loads(line) for each in said for line in each]
    return [from_dict(line) for line in lines if line["schema"] == "event/1"]


@pytest.fixture(scope="module", params=[1, 2])
def watched(request) -> tuple[int, list[Arrival], list[list[str]], list[list[str]]]:
    """How many sensors, what happened, what is told without minimums, and with them."""
    arrivals = evening(request.param, stamped=True)
    plain = listen(a_night(request.param), arrivals)
    return request.param, arrivals, plain, listen(a_night(request.param, STRICT), arrivals)


def test_each_form_is_what_the_minimums_make_of_it_and_none_is_left_out(watched):
    _, _, plain, strict = watched
    told: dict[str, Event] = {}
    expected = []
    for event in events_in(plain):
        told[event.id] = worded(apply(event, STRICT, told.get(event.id)))
        expected.append(told[event.id])
    found = events_in(strict)

    # The wake rules say for themselves what wakes nobody.
    assert [(e.id, e.phase, e.kind, e.revision, e.held_back) for e in found] == [
        (e.id, e.phase, e.kind, e.revision, e.held_back) for e in expected
    ]
    held = [event for event in found if event.held_back is not None]
    assert {event.held_back for event in held} == {Kind.CLONUS, Kind.SPASM}
    assert any(kind_found(e) is Kind.CLONUS and e.held_back is None for e in found)
    for event in held:
        assert event.kind is Kind.MOVEMENT
        assert event.reason.startswith("below this wearer's own minimum of ")


def test_a_restart_at_any_packet_changes_no_word(watched):
    sensors, arrivals, _, strict = watched
    one = a_night(sensors, STRICT)
    for number, arrival in enumerate(arrivals):
        assert hear(one, arrival) == strict[number], number
        if number % 7 == 0:
            saved = json.loads(json.dumps(one.save(), allow_nan=False))
            one = a_night(sensors, STRICT)
            one.load(saved)


def test_without_minimums_every_byte_is_as_ever_and_nothing_is_remembered(watched):
    sensors, arrivals, plain, _ = watched
    one = a_night(sensors, Personal(wearer="k3vq7m2xta", version=4))
    assert listen(one, arrivals) == plain
    assert one.own.save() == {}


def test_minimums_of_another_wearer_hold_nothing_back(watched):
    sensors, arrivals, plain, _ = watched
    strange = replace(STRICT, wearer="another234")
    assert listen(a_night(sensors, strange), arrivals) == plain


def test_minimums_that_change_meanwhile_take_back_nothing_that_goes_on(watched):
    sensors, arrivals, _, _ = watched
    one, latest = a_night(sensors), dict[str, Event]()
    for number, arrival in enumerate(arrivals):
        one.own.personal = STRICT if number % 100 < 50 else Personal()
        for told in events_in([hear(one, arrival)]):
            known = latest.get(told.id)
            if known is not None:
                assert told.revision >= known.revision
                assert (told.revision > known.revision) >= (told.kind is not known.kind)
            latest[told.id] = told
    assert latest


def test_what_is_held_back_and_breaks_off_is_closed(watched):
    sensors, arrivals, _, _ = watched
    clonus = Minimum(Kind.CLONUS, "duration_s", 10.0, up_to_s=600.0)
    hold = STRICT.changed(Kind.CLONUS, clonus)  # and of spasms, as which some begin
    one = a_night(sensors, hold)
    for arrival in arrivals:  # until a clonus goes on that is held back
        hear(one, arrival)
        going_on = [event for event in one._count.open if event.held_back is not None]
        if going_on:
            break
    again = a_night(sensors, hold)
    saved = json.loads(json.dumps(one.save()))
    closed = {e.id: e for e in again.inherit(saved, arrival.mono_ns, arrival.utc_ns).events}
    assert going_on
    for event in going_on:
        assert (closed[event.id].phase, closed[event.id].cut_short) == (Phase.END, True)
        assert closed[event.id].held_back is not None
