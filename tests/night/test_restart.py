"""A night that is saved and loaded goes on; one whose process was killed loses nothing it said."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.alert import AlertState
from detector.devices.stream import LinkUp, Reading
from detector.events import Event, Phase, from_dict
from detector.night.night import Night
from detector.night.saved import GOES_ON_S, SavedNight, sealed
from detector.store.state import State

from .evening import UTC_NS, Arrival, S, evening, hear, motion, night, said, words, worn


def through_json(one: Night) -> object:
    return json.loads(json.dumps(one.save(), allow_nan=False))


def again(saved: object, sensors: int = 2) -> Night:
    one = night(sensors=sensors)
    one.load(saved)
    return one


@pytest.fixture(scope="module", params=["two sensors", "one without stamps"])
def watched(request) -> tuple[int, list[Arrival], list[list[str]], list[object]]:
    """How many sensors, what happened, what was said each time, and what was saved after it."""
    sensors = 2 if request.param == "two sensors" else 1
    arrivals, one = evening(sensors, stamped=sensors == 2), night(sensors=sensors)
    said, saved = [], []
    for arrival in arrivals:
        said.append(hear(one, arrival))
        saved.append(through_json(one))
    kinds = {json.loads(word)["kind"] for lines in said for word in lines}
    assert {"clonus", "spasm", "stuck", "no-signal"} <= kinds
    assert sensors == 1 or any("left-calf+right-calf" in word for lines in said for word in lines)
    assert one.spasm is not None, "a clonus goes on at the end"
    return sensors, arrivals, said, saved


def test_a_restart_at_every_packet_changes_no_word(watched):
    sensors, arrivals, told, saved = watched
    one = night(sensors=sensors)
    for number, arrival in enumerate(arrivals):
        assert hear(one, arrival) == told[number], number
        one = again(through_json(one), sensors)
        if number % 50 == 0:
            assert one.save() == saved[number]
    assert one.save() == saved[-1]


@settings(max_examples=6, deadline=None)
@given(share=st.floats(0, 0.99))
def test_a_state_loaded_long_after_says_the_rest(watched, share):
    sensors, arrivals, told, saved = watched
    at = round(share * len(arrivals))
    one = again(saved[at], sensors)
    until = min(at + 200, len(arrivals))
    for number in range(at + 1, until):
        assert hear(one, arrivals[number]) == told[number]


def test_a_restart_through_the_state_file_changes_no_word(watched, tmp_path: Path):
    sensors, arrivals, told, _ = watched
    one, lines = night(sensors=sensors), []
    for number, arrival in enumerate(arrivals):
        lines += hear(one, arrival)
        if number % 40 == 0:
            with State.open(tmp_path / "state.sqlite") as state:
                state.commit(at=datetime.now(UTC), saved={"night": one.save()})
            with State.open(tmp_path / "state.sqlite") as state:
                one = again(state.saved("night"), sensors)

    assert lines == [word for each in told for word in each]


def test_saving_is_small_and_quick(watched):
    sensors, _, _, saved = watched
    sizes = [len(json.dumps(each)) / sensors / 1000 for each in saved]
    one = again(saved[150], sensors)
    took_ms = []
    for _ in range(50):
        began_s = perf_counter()
        one.save()
        took_ms.append((perf_counter() - began_s) * 1000)
    print(
        f"{sensors} sensors: {np.median(sizes):.1f} kB a sensor, at most {max(sizes):.1f}; "
        f"{min(took_ms):.2f} ms to save, {np.median(took_ms):.2f} in the middle"
    )

    assert np.median(sizes) < 33
    assert max(sizes) < 50, "with every movement of five minutes remembered for each of two legs"
    assert min(took_ms) < 2 * sensors, "the quickest: other programs only make it longer"


def test_a_still_night_is_saved_in_two_milliseconds_and_twenty_kilobytes():
    one = night(sensors=1)
    for arrival in said(0, np.round(motion("quiet", 1, 300.0), 3)):
        hear(one, arrival)
    took_ms = []
    for _ in range(200):
        began_s = perf_counter()
        one.save()
        took_ms.append((perf_counter() - began_s) * 1000)
    size = len(json.dumps(one.save()))
    print(f"a still night: {size / 1000:.1f} kB, {np.median(took_ms):.2f} ms to save")

    assert size < 20_000
    assert min(took_ms) < 2


def moved(arrival: Arrival, by_ns: int, wall_ns: int) -> Arrival:
    """The same by the clocks of another boot; a tick has no wall clock of its own."""
    assert arrival.reading is not None
    item = arrival.reading.item
    item = replace(item, mono_ns=item.mono_ns + by_ns, utc_ns=item.utc_ns + wall_ns)
    return Arrival(item.mono_ns, arrival.sensor, replace(arrival.reading, item=item))


def last_forms(lines: list[str]) -> dict[str, Event]:
    events = [from_dict(data) for line in lines if (data := json.loads(line)).get("onset")]
    return {event.id: event for event in events}


@settings(max_examples=8, deadline=None)
@given(share=st.floats(0.05, 0.8), boot=st.booleans(), away_s=st.floats(0, 90))
def test_a_killed_night_goes_on_with_a_gap_and_says_nothing_twice(watched, share, boot, away_s):
    sensors, arrivals, told, saved = watched
    at = round(share * len(arrivals))
    before = [word for lines in told[: at + 1] for word in lines]
    one = again(saved[at], sensors)
    reached = [watch.analysed_s for watch in one.watches]
    was_ns = arrivals[at].mono_ns
    now_ns = was_ns + round(away_s * S)
    shift_ns = 5 * S - now_ns if boot else 0
    counted = sum(one.counts.values())
    cut = one.resume(now_ns + shift_ns, UTC_NS + now_ns)
    after = words(cut)
    age_s = one.data_age_s(now_ns + shift_ns)

    closed = {event.id: event for event in cut.events}  # in the form that was told last
    assert all(event.phase is Phase.END for event in closed.values())
    assert one.spasm is None
    assert sum(one.counts.values()) >= counted
    assert age_s is None or math.isclose(age_s, again(saved[at], sensors).data_age_s(now_ns))
    for sensor in range(sensors):
        stamps = now_ns + shift_ns, UTC_NS + now_ns
        up = LinkUp(9, "polar-verity-sense", "C0:5E", "Polar", *stamps)
        after += words(one.take(Reading(up), sensor=sensor))
    rest = [a for a in arrivals[at + 1 :] if a.mono_ns > now_ns and a.reading is not None]
    rest = [a for a in rest if not isinstance(a.reading.item, LinkUp)]
    for arrival in rest[:120]:
        later = moved(arrival, shift_ns, 0)
        after += hear(one, later)
    known = last_forms(before)

    assert not set(before) & set(after), "no word is said twice"
    assert [watch.session for watch in one.watches] == [9] * sensors
    for event in last_forms(after).values():
        earlier = known.get(event.id)
        assert earlier is None or event.revision >= earlier.revision
        assert event.recording.name.startswith("2026-11-20")
    for watch, was_s in zip(one.watches, reached, strict=True):
        assert watch.analysed_s >= was_s
        if watch.analysed_s > was_s and sensors == 2:  # by the sensor's own stamps, to the sample
            true_s = rest[min(119, len(rest) - 1)].mono_ns / S - 1.0
            assert abs(watch.analysed_s - true_s) < 2.5


def test_after_a_kill_events_equal_those_of_the_undisturbed_run_but_for_those_cut(watched):
    sensors, arrivals, told, saved = watched
    whole = last_forms([word for lines in told for word in lines])
    at = len(arrivals) // 3
    one = again(saved[at], sensors)
    now_ns = arrivals[at].mono_ns
    lines = [word for each in told[: at + 1] for word in each]
    lines += words(one.resume(now_ns, UTC_NS + now_ns))
    for number, arrival in enumerate(arrivals[at + 1 :]):
        if number >= 8:  # what came meanwhile
            lines += hear(one, arrival)
    got = last_forms(lines)
    cut_s = now_ns / S
    far = [e for e in whole.values() if abs(e.onset_s - cut_s) > 100]

    assert len(far) >= 4
    assert [got[event.id] for event in far] == far


def test_a_new_recording_inherits_alarms_and_batteries_and_closes_what_was_open(watched):
    sensors, arrivals, _, saved = watched
    old = again(saved[-1], sensors)
    now_ns = arrivals[-1].mono_ns + round(2 * GOES_ON_S * S)
    one = night("2026-11-21", sensors)
    told = one.inherit(saved[-1], S, UTC_NS + now_ns)

    assert not SavedNight.of(saved[-1]).goes_on(worn(sensors=sensors), (S, UTC_NS + now_ns))
    assert [(e.phase, e.cut_short) for e in told.events] == [(Phase.END, True)] * len(told.events)
    assert old.spasm is not None
    assert old.spasm.id in {event.id for event in told.events}
    assert one.watches[0].battery_percent == old.watches[0].battery_percent
    assert one.watches[0].battery_lasts_s(S) == pytest.approx(
        old.watches[0].battery_lasts_s(now_ns), abs=0.1
    )
    open_before = {alert.id for alert in old.open_alerts}
    resolved = {alert.id for alert in told.alerts if alert.state is AlertState.RESOLVED}
    assert {alert.id for alert in one.open_alerts} <= open_before | {
        alert.id for alert in told.alerts
    }
    assert open_before <= resolved | {alert.id for alert in one.open_alerts}
    assert one.samples == 0


@pytest.mark.parametrize("set_back_s", [0, 60, 7200])
def test_an_alert_is_over_in_time_although_the_clock_was_set_back(watched, set_back_s):
    sensors, arrivals, _, saved = watched
    # A cluster is open for ten minutes after its last spasm.
    one = night("2026-11-21", sensors)
    last = arrivals[-1]
    begun_ns = last.utc_ns - set_back_s * S
    one.inherit(saved[-1], last.mono_ns, begun_ns)
    before = [alert for alert in one.open_alerts if alert.episode]
    told = one.tick(last.mono_ns + 610 * S, begun_ns + 610 * S)

    assert before
    assert not [alert for alert in one.open_alerts if alert.episode]
    over = {alert.id for alert in told.alerts if alert.state is AlertState.RESOLVED}
    assert over >= {alert.id for alert in before}


def test_a_saved_night_says_whose_it_is_and_whether_it_may_go_on(watched):
    sensors, arrivals, _, saved = watched
    known = SavedNight.of(saved[-1])
    utc_ns = arrivals[-1].utc_ns

    assert known.worn == tuple(worn(sensors=sensors))
    assert (known.mono_ns, known.utc_ns) == (arrivals[-1].mono_ns, utc_ns)
    assert known.goes_on(worn("another-name", sensors), (0, utc_ns + S))
    assert not known.goes_on(worn(sensors=sensors), (0, utc_ns + round(GOES_ON_S * S) + S))
    moved_leg = [replace(worn(sensors=sensors)[0], site="thigh"), *worn(sensors=sensors)[1:]]
    assert not known.goes_on(moved_leg, (0, utc_ns))


@settings(max_examples=40, deadline=None)
@given(share=st.floats(0, 0.999), digit=st.sampled_from(list('0123456789aZ"{}[],:')))
def test_damage_is_refused_and_leaves_a_new_night(watched, share, digit):
    sensors, _, _, saved = watched
    text = json.dumps(saved[-1])
    at = int(share * len(text))
    try:
        damaged = json.loads(text[:at] + digit + text[at + 1 :])
    except ValueError:
        return
    one = again(saved[-1], sensors)
    if damaged == saved[-1]:
        return
    with pytest.raises(ValueError, match="the saved night cannot be used: "):
        one.load(damaged)
    assert one.save() == night(sensors=sensors).save()


@pytest.mark.parametrize(
    "saved", [None, 3, [], {}, {"schema": "night/0"}, {"schema": "night/1", "crc": 0, "state": {}}]
)
def test_what_is_no_saved_night_is_refused(saved):
    one = night()
    for use in (one.load, SavedNight.of, lambda data: one.inherit(data, 0, 0)):
        with pytest.raises(ValueError, match="the saved night cannot be used: "):
            use(saved)
    assert one.save() == night().save()


@pytest.mark.parametrize("part", ["watches", "policy", "conditions", "count", "time"])
def test_a_whole_state_of_another_form_is_refused_and_leaves_a_new_night(watched, part):
    sensors, _, _, saved = watched
    state = {**saved[-1]["state"], part: {"other": "form"}}
    one = night(sensors=sensors)
    with pytest.raises(ValueError, match="the saved night cannot be used"):
        one.load(sealed(state))

    assert one.save() == night(sensors=sensors).save()


def test_a_night_of_other_recordings_is_refused(watched):
    sensors, _, _, saved = watched
    other = night("2026-11-21", sensors)

    with pytest.raises(ValueError, match="it is of other recordings"):
        other.load(saved[-1])
    assert other.samples == 0


def test_memory_is_bounded_however_many_events_end():
    one = night(sensors=1)
    arrivals = evening(1)
    for arrival in arrivals[:60]:
        hear(one, arrival)
    event = next(
        from_dict(data)
        for arrival in arrivals
        for word in hear(one, arrival)
        if (data := json.loads(word)).get("onset")
    )
    before = sum(one.counts.values())
    for number in range(1000):
        over = replace(event, id=f"{number:020x}", phase=Phase.END)
        one._count.add(over)

    assert sum(one.counts.values()) == before + 1000
    assert len(json.dumps(one.save())) < 60_000


@pytest.mark.parametrize("stamped", [True, False])
@pytest.mark.parametrize("share", [0.1, 0.35, 0.985])
def test_a_recording_that_was_gone_on_with_is_replayed_to_the_same_events(stamped, share):
    """Nothing in the file says that the process was killed but a new connection."""
    came = [a for a in evening(1, stamped=stamped) if a.reading is not None]
    at = round(share * len(came))
    killed, rest = came[: at + 1], came[at + 3 :]
    now = Arrival(rest[0].mono_ns - S // 10, 0)
    up = LinkUp(8, "polar-verity-sense", "C0:5E", "Polar", now.mono_ns, now.utc_ns)
    rest = [Arrival(now.mono_ns, 0, Reading(up)), *rest]
    one = night(sensors=1)
    live = [word for arrival in killed for word in hear(one, arrival)]
    one = again(through_json(one), sensors=1)
    live += words(one.resume(now.mono_ns, now.utc_ns))
    live += [word for arrival in rest for word in hear(one, arrival)]
    other = night(sensors=1)
    replayed = [word for arrival in [*killed, *rest] for word in hear(other, arrival)]

    assert len(last_forms(replayed)) > 5
    assert last_forms(live) == last_forms(replayed)
    assert one.counts == other.counts
    assert one.watches[0].clock.gaps == other.watches[0].clock.gaps
