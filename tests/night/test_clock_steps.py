"""However the wall clock is set, the same readings give the same events and alerts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from detector.alert import Alert, AlertState
from detector.alerts.rules import parse_rules
from detector.block import utc_of
from detector.devices.interpreter import Interpreter
from detector.devices.profile import Chunk
from detector.devices.registry import installed
from detector.devices.stream import Reading
from detector.events import Event, Origin
from detector.night.liveness import SILENT_S
from detector.night.night import Night
from detector.night.observation import WornSensor
from detector.night.outcome import Outcome
from detector.night.saved import sealed
from detector.night.time_axis import AWAY_MOST_NS, away_ns
from detector.recognition.events.stamp import Provenance
from detector.timing.sample_clock import SampleClock
from tests.pin.inputs import sensors

S = 1_000_000_000
HOUR, YEAR = 3600, 365 * 24 * 3600
RULES = parse_rules(["clonus >= 1s", "2 spasms in 10min", "no-signal >= 20s"])
TO_1970 = 60 - 1_763_679_600  # from when the readings are of

STEPS_S = st.sampled_from([HOUR, -HOUR, YEAR, -YEAR, TO_1970, 3, -3])


def heard(name: str) -> list[Reading]:
    items = next(each.items for each in sensors() if each.name == name)
    interpreter = Interpreter(installed())
    return [interpreter.feed(item) for item in items]


@pytest.fixture(scope="module")
def readings() -> list[Reading]:
    return heard("polar-verity-sense-spasms")


def worn(part: int = 0, count: int = 1) -> list[WornSensor]:
    return [
        WornSensor(Provenance("k3vq7m2xta", f"leg{n}", f"{part}-{n}", Origin.SIMULATED), "calf")
        for n in range(count)
    ]


def stepped(
    readings: Sequence[Reading], steps: Sequence[tuple[float, int]], of: int
) -> list[Reading]:
    """Set the wall clock at each of these shares of `of` readings."""
    at = sorted((round(share * of), step_s) for share, step_s in steps)
    moved = []
    for n, reading in enumerate(readings):
        utc_ns = reading.item.utc_ns
        for _, step_s in (step for step in at if step[0] <= n):
            utc_ns = max(0, utc_ns + step_s * S)
        moved.append(replace(reading, item=replace(reading.item, utc_ns=utc_ns)))
    return moved


def decided(told: Outcome) -> list[tuple[Any, ...]]:
    """What was found and told, without its labels."""
    return [
        (each.id, each.kind, each.phase, each.revision, each.onset_s, each.episode)
        if isinstance(each, Event)
        else (each.id, each.kind, each.state, each.level, each.rule, each.episode, each.at_s)
        for each in told.news
    ]


def kept(night: Night) -> Any:
    return json.loads(json.dumps(night.save()))


def watch(readings: Sequence[Reading], restarts: dict[int, str]) -> list[tuple[Any, ...]]:
    night, said, part, ticked_ns = Night(worn(), rules=RULES), list[tuple[Any, ...]](), 0, 0
    for n, reading in enumerate(readings):
        item = reading.item
        now = item.mono_ns, item.utc_ns
        if n in restarts:
            saved = kept(night)
            if restarts[n] == "begins anew":
                part += 1
                night = Night(worn(part), rules=RULES)
                said += decided(night.inherit(saved, *now, same_boot=True))
            else:
                night = Night(worn(part), rules=RULES)
                night.load(saved)
                said += decided(night.resume(*now, same_boot=True))
        if item.mono_ns - ticked_ns >= S:
            ticked_ns = item.mono_ns
            said += decided(night.tick(*now))
        said += decided(night.take(reading))
    last = readings[-1].item
    said += decided(night.finish(last.mono_ns, last.utc_ns))
    for minute in range(1, 30):  # no signal, and no samples to end by
        said += decided(night.tick(last.mono_ns + minute * 60 * S, last.utc_ns))
    return said


@settings(max_examples=5)
@given(
    steps=st.lists(st.tuples(st.floats(0, 1), STEPS_S), min_size=1, max_size=4),
    restarts=st.dictionaries(
        st.floats(0.05, 0.95), st.sampled_from(["goes on", "begins anew"]), max_size=2
    ),
)
@example(steps=[(0.5, -HOUR)], restarts={0.5: "goes on"})
@example(steps=[(0.5, -HOUR)], restarts={0.5: "begins anew"})
@example(steps=[(0.5, YEAR), (0.7, -YEAR)], restarts={0.6: "begins anew"})
def test_the_same_readings_give_the_same_alerts_however_the_clock_is_set(readings, steps, restarts):
    """Before, while and after the process is started again, in the same or another recording."""
    size = len(readings)
    at = {round(share * size): how for share, how in restarts.items()}
    assert watch(stepped(readings, steps, size), at) == watch(readings, at)


def test_what_is_compared_are_alerts_that_are_raised_and_resolved(readings):
    said = watch(readings, {})
    states = [each[2] for each in said if isinstance(each[2], AlertState)]
    assert states.count(AlertState.RAISED) >= 2
    assert AlertState.RESOLVED in states


def test_a_reading_from_the_future_does_not_silence_the_alarm_that_nothing_comes(readings):
    """Nightscout takes it for fresh data, until the clock has come so far."""
    night = Night(worn(), rules=RULES)
    up_to = next(n for n, each in enumerate(readings) if n > 200)
    for reading in readings[:up_to]:
        night.take(reading)
    last = readings[up_to].item
    ahead = replace(readings[up_to], item=replace(last, utc_ns=last.utc_ns + YEAR * S))
    night.take(ahead)
    told = [night.tick(last.mono_ns + s * S, last.utc_ns + s * S) for s in range(1, 40)]
    raised = [each.kind for outcome in told for each in outcome.alerts]

    assert night.silence(last.mono_ns + round(SILENT_S * S) + 1) is not None
    assert "no-signal" in raised


@pytest.mark.parametrize("how", ["goes on", "begins anew"])
def test_a_night_that_an_earlier_release_saved_on_the_wall_clock_goes_on_the_same(readings, how):
    half = len(readings) // 2
    said = []
    for of_release in ("this", "0.2.0"):
        night = Night(worn(), rules=RULES)
        for reading in readings[:half]:
            night.take(reading)
        state = kept(night)["state"]
        if of_release == "0.2.0":
            state["time"] = {"host_ns": state["time"]["host_ns"], "origin": None}
            for fact in state["policy"]["facts"]:
                fact["onset_s"] = fact.pop("dated_s")
        now = readings[half].item.mono_ns, readings[half].item.utc_ns
        night = Night(worn(int(how != "goes on")), rules=RULES)
        if how == "goes on":
            night.load(sealed(state))
            told = [night.resume(*now)]
        else:
            told = [night.inherit(sealed(state), *now)]
        told += [night.take(reading) for reading in readings[half:]]
        said.append([each.at for outcome in told for each in outcome.alerts if each.episode])
        said.append([word for outcome in told for word in decided(outcome)])

    assert state["policy"]["facts"]
    assert said[:2] == said[2:]
    assert said[1]


def watch_both(
    readings: Sequence[Reading], step: tuple[float, int] | None
) -> list[tuple[Any, ...]]:
    """Watch two legs that move together, 0.3 s apart, and return the alerts."""
    late = [(each, number * 300_000_000) for each in readings for number in (0, 1)]
    moved = [
        replace(r, item=replace(r.item, mono_ns=r.item.mono_ns + d, utc_ns=r.item.utc_ns + d))
        for r, d in late
    ]
    order = sorted(range(len(moved)), key=lambda n: moved[n].item.mono_ns)
    night, said, ticked_ns = Night(worn(count=2), rules=RULES), list[tuple[Any, ...]](), 0
    heard_in_order = [moved[n] for n in order]
    heard_in_order = stepped(heard_in_order, [step] if step else [], len(order))
    for place, reading in zip(order, heard_in_order, strict=True):
        if reading.item.mono_ns - ticked_ns >= S:
            ticked_ns = reading.item.mono_ns
            said += decided(Outcome(night.tick(ticked_ns, reading.item.utc_ns).alerts))
        said += decided(Outcome(night.take(reading, sensor=place % 2).alerts))
    return said


@pytest.mark.parametrize("step", [(0.5, -HOUR), (0.3, YEAR), (0.6, TO_1970)])
def test_two_legs_whose_events_are_fused_give_the_same_alerts_too(readings, step):
    assert watch_both(readings, step) == watch_both(readings, None) != []


def test_a_spasm_whose_signal_is_lost_is_neither_over_nor_raised_anew(readings):
    """A spasm, then no signal: both are open, and the first is raised no second time."""
    night, told, at = Night(worn(), rules=RULES), list[Alert](), 0
    while not any(each.episode for each in told):
        told += night.take(readings[at]).alerts
        at += 1
    last = readings[at - 1].item
    for second in range(3600):
        told += night.tick(last.mono_ns + second * S, last.utc_ns + second * S).alerts
    states = [(each.kind, each.state) for each in told]

    assert [each.kind for each in night.open_alerts] == [told[0].kind, "no-signal"]
    assert states == [(told[0].kind, AlertState.RAISED), ("no-signal", AlertState.RAISED)]
    for reading in readings[at:]:
        item = reading.item
        late = replace(item, mono_ns=item.mono_ns + HOUR * S, utc_ns=item.utc_ns + HOUR * S)
        told += night.take(replace(reading, item=late)).alerts
    assert [each.state for each in told if each.id == told[0].id][:2] in (
        [AlertState.RAISED],
        [AlertState.RAISED, AlertState.RESOLVED],
    )


@settings(max_examples=30)
@given(
    st.sampled_from([HOUR, -HOUR, YEAR, -YEAR, TO_1970]), st.integers(1, 400), st.integers(0, 400)
)
def test_after_a_step_samples_are_dated_by_the_new_clock_and_none_before(step_s, at_s, later_s):
    clock = SampleClock()
    given_before = {}
    for second in range(at_s + later_s + 1):
        utc_ns = 1_763_679_600 * S + (second + 1) * S
        utc_ns = max(0, utc_ns + step_s * S) if second >= at_s else utc_ns
        clock.feed(Chunk(np.zeros((50, 3)), 50.0, second * S), (second + 1) * S, utc_ns)
        assert clock.timebase is not None
        if second < at_s:
            given_before[second] = clock.timebase.at_s(float(second))
    last = clock.timebase.at_s(at_s + later_s + 1.0)

    assert last is not None
    assert abs((last - utc_of(utc_ns)).total_seconds()) < 0.1
    assert {s: clock.timebase.at_s(float(s)) for s in given_before} == given_before


@given(
    was=st.tuples(st.integers(0, 10**18), st.integers(0, 10**19)),
    now=st.tuples(st.integers(0, 10**18), st.integers(0, 10**19)),
    same_boot=st.sampled_from([True, False, None]),
)
def test_an_absence_is_never_negative_and_bounded_where_only_a_wall_clock_says(was, now, same_boot):
    away = away_ns(was, now, same_boot=same_boot)
    assert away >= 0
    if same_boot and now[0] >= was[0]:
        assert away == now[0] - was[0], "no wall clock decides while the computer runs on"
    elif same_boot is False:
        assert away <= AWAY_MOST_NS
