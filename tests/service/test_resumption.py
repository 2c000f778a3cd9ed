"""A night whose process was killed goes on as one that had a gap; any other begins anew."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.devices.interpreter import Interpreter
from detector.devices.registry import installed
from detector.devices.stream import Item, LinkDown, LinkUp, Packet
from detector.events import Phase
from detector.night.night import Night
from detector.night.observation import WornSensor
from detector.night.saved import GOES_ON_S
from detector.service.persistence.resumption import ENDED, NIGHT, ROWS, Begun
from tests.pin.inputs import sensors

from .left_behind import (
    RULES,
    House,
    S,
    finish,
    hear,
    readings,
    words,
    worn,
)

SETUP_S = 1.01  # of a sensor's first second: what it answers before it streams


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path, {})


@dataclass(repr=False)  # a megabyte a failure otherwise
class Watched:
    """What a sensor sent, what was said of it each time, and what was saved after it."""

    items: tuple[Item, ...]
    told: list[list[str]]
    saved: list[Any]


@pytest.fixture(scope="module", params=["polar-verity-sense-spasms", "openseizure-mixed"])
def watched(request: pytest.FixtureRequest) -> Watched:
    items = next(each.items for each in sensors() if each.name == request.param)
    night, told, saved = Night(worn(), rules=RULES), list[list[str]](), list[Any]()
    for reading in readings(items):
        told.append(words(night.take(reading)))
        saved.append(json.loads(json.dumps(night.save())))
    assert sum(map(len, told)) > 5
    return Watched(items, told, saved)


def connected_again(items: Sequence[Item], cut: int, missing: int) -> list[Item]:
    """Return what comes after a kill: a new connection, whose sensor answers as it did first."""
    rest = list(items[cut + 1 + missing :])
    at = rest[0] if rest else items[-1]
    first = items[0]
    up = next(n for n in range(cut, -1, -1) if isinstance(items[n], LinkUp))
    setup = [
        item
        for item in items[up + 1 :]
        if isinstance(item, Packet) and item.mono_ns - items[up].mono_ns < SETUP_S * S
    ]
    again: list[Item] = [
        replace(first, session=3, mono_ns=at.mono_ns - S, utc_ns=at.utc_ns - S),
        *(replace(p, session=3, mono_ns=at.mono_ns - S, utc_ns=at.utc_ns - S) for p in setup),
    ]
    session = 3
    for item in rest:
        session += isinstance(item, LinkUp)
        again.append(replace(item, session=session))
    return again


@settings(max_examples=12)
@given(share=st.floats(0, 1), behind=st.integers(0, 60), missing=st.integers(2, 30))
def test_what_is_said_before_and_after_a_kill_is_what_a_gap_makes_of_it(
    watched, share, behind, missing
):
    items = watched.items
    cut = round(share * (len(items) - 40))
    at = max(0, cut - behind)
    rest = connected_again(items, cut, missing)
    now_ns = rest[0].mono_ns, rest[0].utc_ns
    with tempfile.TemporaryDirectory() as name:
        left = House(Path(name), {NIGHT: watched.saved[at], ROWS: [at + 1], ENDED: False})
        left.record(worn()[0], items[: cut + 1])
        begun, notes = left.begin(worn("2026-11-21"), now_ns)
    assert [last for last, _ in begun.connections()] == [items[cut].session]
    said = [word for each in watched.told[: at + 1] for word in each]
    said += [word for told in begun.told for word in words(told)]
    said += hear(begun.night, rest) + finish(begun.night, rest[-1])
    other = Night(worn(), rules=RULES)
    expected = hear(other, [*items[: cut + 1], *rest]) + finish(other, rest[-1])

    assert notes == []
    assert begun.night.worn == tuple(worn())
    assert sorted(said) == sorted(expected)
    assert begun.night.samples == other.samples
    assert begun.night.counts == other.counts


@settings(max_examples=5)
@given(share=st.floats(0.1, 0.9), cuts=st.lists(st.integers(1, 12), min_size=2, max_size=6))
def test_a_night_killed_again_before_it_was_saved_takes_in_the_same_once(watched, share, cuts):
    """What the first start told was not committed: the second starts from the same state."""
    items, at = watched.items, round(share * (len(watched.items) - 90))
    cut = at + sum(cuts)
    now_ns = items[cut].mono_ns + S, items[cut].utc_ns + S
    with tempfile.TemporaryDirectory() as name:
        left = House(Path(name), {NIGHT: watched.saved[at], ROWS: [at + 1], ENDED: False})
        left.record(worn()[0], items[: cut + 1])
        begun = [left.begin(worn(), now_ns)[0] for _ in cuts]
    told = [[word for told in each.told for word in words(told)] for each in begun]

    assert told == [told[0]] * len(cuts)
    assert [each.night.save() for each in begun] == [begun[0].night.save()] * len(cuts)


def left_by(watched: Watched, house: House, at: int = 150) -> tuple[int, int]:
    """Have a house that was killed after an item; return the clocks a second later."""
    house.state |= {NIGHT: watched.saved[at], ROWS: [at + 1], ENDED: False}
    house.record(worn()[0], watched.items[: at + 1])
    return watched.items[at].mono_ns + S, watched.items[at].utc_ns + S


def with_an_alarm(saved: Any) -> Any:
    """Return the saved night as of one who had lost its signal for a minute."""
    night = Night(worn(), rules=RULES)
    night.load(saved)
    mono_ns, utc_ns = saved["state"]["time"]["host_ns"]
    night.tick(mono_ns + 60 * S, utc_ns + 60 * S)
    assert "no-signal" in {alert.kind for alert in night.open_alerts}
    return night.save()


def assert_begun_anew(begun: Begun, *, inherits: bool = True) -> None:
    assert begun.night.worn == tuple(worn("2026-11-21"))
    assert begun.night.samples == 0
    assert begun.recorders == []
    assert begun.connections() == [(0, None)]
    assert ("no-signal" in {alert.kind for alert in begun.night.open_alerts}) == inherits
    events = [event for told in begun.told for event in told.events]
    assert all(event.phase is Phase.END and event.cut_short for event in events)


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("the recording is gone", "does not exist"),
        ("the recording is another wearer's", "has another wearer"),
        ("the recording is damaged", "not a spasmwatch recording"),
    ],
)
def test_a_recording_that_cannot_be_gone_on_with_is_told_and_alarms_go_on(
    watched, house, what, says
):
    now_ns = left_by(watched, house)
    house.state[NIGHT] = with_an_alarm(house.state[NIGHT])
    path = house.folder / f"{worn()[0].provenance.recording}.sqlite"
    path.unlink()
    if what == "the recording is another wearer's":
        other = WornSensor(replace(worn()[0].provenance, wearer="aaaaaaaaaa"), "calf")
        house.record(other, watched.items[:9])
    elif what == "the recording is damaged":
        path.write_bytes(b"no SQLite at all")
    begun, notes = house.begin(worn("2026-11-21"), now_ns)

    assert_begun_anew(begun)
    assert [note.startswith("night: a new night begins: ") for note in notes] == [True]
    assert says in notes[0]


@pytest.mark.parametrize(
    "what", ["ended", "long ago", "another leg", "another wearer", "unrecorded"]
)
def test_a_night_that_may_not_go_on_is_followed_by_a_new_one_with_its_alarms(watched, house, what):
    now_ns = left_by(watched, house)
    house.state[NIGHT] = with_an_alarm(house.state[NIGHT])
    sensors = worn("2026-11-21")
    if what == "ended":
        house.state[ENDED] = True
    elif what == "long ago":
        away_ns = round(GOES_ON_S * S) + 61 * S
        now_ns = now_ns[0] + away_ns, now_ns[1] + away_ns
    elif what == "another leg":
        sensors = [replace(sensors[0], site="thigh")]
    elif what == "another wearer":
        sensors = worn("2026-11-21", wearer="aaaaaaaaaa")
    else:
        house.state[ROWS] = [None]
    begun, notes = house.begin(sensors, now_ns)

    assert notes == []
    assert begun.night.worn == tuple(sensors)
    assert begun.night.samples == 0
    assert begun.recorders == []
    assert "no-signal" in {alert.kind for alert in begun.night.open_alerts}


def test_a_second_sensor_means_a_new_night(watched, house):
    now_ns = left_by(watched, house)
    begun, notes = house.begin(worn("2026-11-21", count=2), now_ns)

    assert (begun.night.worn, notes) == (tuple(worn("2026-11-21", count=2)), [])


@settings(max_examples=20)
@given(data=st.data())
def test_a_damaged_saved_night_is_told_and_a_new_one_begins(watched, data):
    text = json.dumps(watched.saved[150])
    place = data.draw(st.integers(0, len(text) - 1))
    digit = data.draw(st.sampled_from("0123456789aZ"))
    try:
        damaged = json.loads(text[:place] + digit + text[place + 1 :])
    except ValueError:
        damaged = data.draw(st.sampled_from([3, [], {}, {"schema": "night/0"}, "night"]))
    if damaged == watched.saved[150]:
        return
    with tempfile.TemporaryDirectory() as name:
        left = House(Path(name), {})
        now_ns = left_by(watched, left)
        left.state[NIGHT] = damaged
        begun, notes = left.begin(worn("2026-11-21"), now_ns)

    assert_begun_anew(begun, inherits=False)
    assert len(notes) == 2
    assert all("the saved night cannot be used" in note for note in notes)


def test_the_alarms_that_release_0_1_left_open_go_on(watched, house):
    """Its state holds a `policy` and no night."""
    now_ns = left_by(watched, house)
    house.state = {"policy": with_an_alarm(house.state[NIGHT])["state"]["policy"]}
    begun, notes = house.begin(worn("2026-11-21"), now_ns)

    assert_begun_anew(begun)
    assert notes == []
    house.state = {"policy": {"schema": "policy/0"}}
    begun, notes = house.begin(worn("2026-11-21"), now_ns)
    assert_begun_anew(begun, inherits=False)
    assert len(notes) == 1
    assert notes[0].endswith("earlier open alarms are lost")


def test_a_night_saved_before_its_recording_was_begun_goes_on_under_its_name(house):
    first, notes = house.begin(worn(), (5 * S, 1_763_679_600 * S))
    house.state |= {NIGHT: first.night.save(), ROWS: [0], ENDED: False}
    second, more = house.begin(worn("2026-11-21"), (7 * S, 1_763_679_602 * S))

    assert (notes, more) == ([], [])
    assert second.night.worn == tuple(worn())
    assert second.recorders == [None], "still to begin"


def test_a_night_that_is_not_recorded_goes_on_from_where_it_was_saved(watched, house):
    now_ns = left_by(watched, house)
    house.state[ROWS] = [None]
    begun, notes = house.begin(worn("2026-11-21"), now_ns, records=False)

    assert notes == []
    assert begun.night.worn == tuple(worn())
    assert begun.night.samples > 0
    assert (begun.recorders, begun.connections()) == (
        [],
        [(watched.items[150].session, "C0:5E:00:00:00:01")],
    )


def test_several_sensors_are_caught_up_with_in_the_order_in_which_it_came(watched, house):
    items, at, cut = watched.items, 100, 180
    both = worn(count=2)
    night = Night(both, rules=RULES)
    later = [_later(item, S // 3) for item in items]
    live = sorted(
        [(n, 0, item) for n, item in enumerate(items)] + [(n, 1, i) for n, i in enumerate(later)],
        key=lambda each: each[2].mono_ns,
    )
    interpreters = Interpreter(installed()), Interpreter(installed())
    words_of_saved: list[str] = []
    for n, sensor, item in live:
        if n > cut:
            continue
        told = night.take(interpreters[sensor].feed(item), sensor=sensor)
        if n == at and sensor == 1:
            house.state |= {NIGHT: json.loads(json.dumps(night.save())), ENDED: False}
            words_of_saved.clear()
            continue
        words_of_saved += words(told)
    last = later[cut]
    words_of_saved += words(night.resume(last.mono_ns + S, last.utc_ns + S))
    rows = [sum(i.mono_ns <= later[at].mono_ns for i in of) for of in (items, later)]
    house.state[ROWS] = rows
    for each, of in zip(both, (items, later), strict=True):
        house.record(each, of[: cut + 1])
    begun, notes = house.begin(worn("2026-11-21", count=2), (last.mono_ns + S, last.utc_ns + S))

    assert notes == []
    assert [word for told in begun.told for word in words(told)] == words_of_saved
    assert words_of_saved


def _later(item: Item, by_ns: int) -> Item:
    assert isinstance(item, (LinkUp, Packet, LinkDown))
    return replace(item, mono_ns=item.mono_ns + by_ns, utc_ns=item.utc_ns + by_ns)
