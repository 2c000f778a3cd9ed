"""Several sensors of one wearer are one night: one movement is one event, and none goes missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from heapq import merge

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.alert import AlertState
from detector.alerts.rules import parse_rules
from detector.block import utc_of
from detector.config import read_configuration
from detector.devices.profile import Battery
from detector.devices.stream import LinkDown, Packet, Reading
from detector.errors import ConfigError
from detector.events import Event, Kind, Origin, Phase, final_forms
from detector.night.liveness import SILENT_S
from detector.night.night import Night
from detector.night.observation import Observation, WornSensor
from detector.night.outcome import Outcome
from detector.recognition.events.fusion import fuse_final
from detector.recognition.events.stamp import Provenance
from detector.recognition.rules.reason import Reason, because
from detector.words.reasons import reason_of

from .frames import START_UTC_NS, readings

S = 1_000_000_000
LEFT, RIGHT = (
    WornSensor(Provenance("k3vq7m2xta", label, f"2026-11-20-{label}", Origin.LIVE), "ankle")
    for label in ("left", "right")
)


def night(
    *worn: WornSensor, rules: tuple[str, ...] = ("3 spasms in 10min", "no-signal >= 2min")
) -> Night:
    return Night(worn, rules=parse_rules(rules))


def later(stream: list[Reading], by_s: float) -> list[Reading]:
    """The same sensor, put on so much later: its own time begins then, the host's goes on."""
    by_ns = round(by_s * S)
    return [
        replace(
            r,
            item=replace(r.item, mono_ns=r.item.mono_ns + by_ns, utc_ns=r.item.utc_ns + by_ns),
        )
        for r in stream
    ]


def felt(sensor: str, onset_s: float, phase: Phase) -> Event:
    """A clonus of 5 s as one sensor's watch tells it."""
    begun = utc_of(START_UTC_NS)
    return Event(
        id="",
        kind=Kind.CLONUS,
        phase=phase,
        onset_s=onset_s,
        duration_s=5.0,
        onset=begun + timedelta(seconds=onset_s),
        end=begun + timedelta(seconds=onset_s + 5.0),
        confidence=0.9,
        facts=because(Reason.WALK),
        sensor=sensor,
    )


def say(one: Night, sensor: int, event: Event) -> Outcome:
    """What the night makes of an event that was known 16 s after its beginning."""
    item = Packet(1, "", b"", 16 * S, START_UTC_NS + 16 * S)
    return one.hear([Observation(event, item.mono_ns, item.utc_ns, 16.0)], item, sensor=sensor)


def lived(one: Night, *streams: list[Reading]) -> Outcome:
    """What is said when these sensors speak together."""
    together = merge(
        *([(r.item.mono_ns, i, n, r) for n, r in enumerate(s)] for i, s in enumerate(streams))
    )
    told = [one.take(reading, sensor=sensor) for _, sensor, _, reading in together]
    last = max(stream[-1].item.mono_ns for stream in streams)
    told.append(one.finish(last, START_UTC_NS + last))
    return Outcome(tuple(news for each in told for news in each.news))


@pytest.fixture(scope="module")
def evening() -> list[Reading]:
    return readings("mixed", duration_s=180.0)


@pytest.fixture(scope="module")
def other() -> list[Reading]:
    return readings("spasms", seed=8, duration_s=180.0)


def test_what_both_legs_felt_is_said_once_and_names_both(evening):
    alone = final_forms(lived(night(LEFT), evening).events)
    both = final_forms(lived(night(LEFT, RIGHT), evening, evening).events)

    assert [event.kind for event in both] == [event.kind for event in alone]
    assert {event.sensor for event in both} == {"left+right"}


def test_one_sensor_among_several_says_what_it_says_alone(evening, other):
    """What the wearer did is what the fusion of each sensor's own night gives."""
    apart = [lived(night(worn), s).events for worn, s in ((LEFT, evening), (RIGHT, other))]
    together = final_forms(lived(night(LEFT, RIGHT), evening, other).events)
    told = [e for e in together if e.kind is not Kind.MOVEMENT or e.phase is Phase.END]

    assert sorted((e.kind, e.onset) for e in told) == sorted(
        (e.kind, e.onset) for e in fuse_final(apart)
    )


def test_whatever_leaves_a_night_has_the_reason_of_its_facts(evening, other):
    """Of one sensor, of several, and of what was taken back."""
    for told in (lived(night(LEFT), evening), lived(night(LEFT, RIGHT), evening, other)):
        assert len(told.events) > 5
        assert all(event.reason == reason_of(event.facts) != "" for event in told.events)


@settings(max_examples=8)
@given(by_s=st.floats(0, 3000), swapped=st.booleans())
def test_a_cluster_is_a_cluster_however_late_a_sensor_was_put_on(evening, other, by_s, swapped):
    """Seconds are the wearer's: what one leg did counts together with what the other did."""
    streams = (later(evening, by_s), other) if swapped else (evening, later(other, by_s))
    told = lived(night(LEFT, RIGHT), *streams)
    onsets = sorted(
        event.onset
        for event in final_forms(told.events)
        if event.kind in (Kind.CLONUS, Kind.SPASM, Kind.TONIC) and event.onset is not None
    )
    spans_s = [(c - a).total_seconds() for a, c in zip(onsets, onsets[2:], strict=False)]
    raised = any(alert.state is AlertState.RAISED for alert in told.alerts)

    assert raised == any(span_s <= 600 for span_s in spans_s)


def test_a_fault_of_the_alarms_leaves_no_movement_of_two_legs_open():
    """One leg is still at the time of the fault, the other goes on under an id of its own."""
    one = night(LEFT, RIGHT)
    first = replace(felt("left", 10.0, Phase.START), id="a" * 20)
    second = replace(felt("right", 10.2, Phase.START), id="b" * 20)
    told = [
        say(one, 0, first),
        say(one, 1, second),
        say(one, 0, replace(first, phase=Phase.END)),
    ]
    assert one.spasm is not None, "the other leg still moves"
    told.append(one.start_alarms_again(one.save()["state"]["policy"], ()))
    told.append(say(one, 1, replace(second, phase=Phase.END, duration_s=9.0)))
    forms = final_forms(event for each in told for event in each.events)

    assert one.spasm is None
    assert {form.id: form.phase for form in forms} == {
        "a" * 20: Phase.END,
        "b" * 20: Phase.END,
    }
    assert next(form for form in forms if form.id == "a" * 20).cut_short


def test_a_silent_leg_is_told_by_name_while_the_other_is_watched(evening):
    one = night(LEFT, RIGHT)
    one.tick(S, START_UTC_NS + S)
    gone = LinkDown(1, "it went out of range", 2 * S, START_UTC_NS + 2 * S)
    one.take(Reading(gone), sensor=1)
    one.tick(3 * S, START_UTC_NS + 3 * S)
    alerts = [alert for reading in evening for alert in one.take(reading, sensor=0).alerts]
    last_ns = evening[-1].item.mono_ns
    soon_ns = last_ns + 4 * S

    assert one.silence(soon_ns) is None
    assert one.partly_silent(soon_ns) == "right: it went out of range"
    assert [a.reason for a in alerts if a.kind == "no-signal"] == [
        "no-signal >= 2min: right: it went out of range"
    ]
    late_ns = last_ns + round((SILENT_S + 1) * S)
    assert (
        one.silence(late_ns) == "left: connected, but no samples come; right: it went out of range"
    )


def test_a_matter_is_over_only_when_it_is_so_for_every_sensor():
    one = night(LEFT, RIGHT)

    def charge(sensor: int, percent: int, at: int) -> list[tuple[str, str]]:
        item = Packet(1, "00002a19", b"", at * S, START_UTC_NS + at * S)
        one.take(Reading(item, (Battery(percent),)), sensor=sensor)
        told = one.tick(at * S + 1, START_UTC_NS + at * S).alerts
        return [(a.state, a.reason) for a in told if a.kind == "battery"]

    assert charge(0, 5, 1)[0][0] is AlertState.RAISED
    charge(1, 6, 2)
    assert not [state for state, _ in charge(0, 90, 3) if state is AlertState.RESOLVED]
    assert charge(1, 90, 4)[-1][0] is AlertState.RESOLVED


def test_settings_name_several_sensors_apart(tmp_path):
    file = tmp_path / "c.toml"
    text = (
        "[sensor]\ndevice = 'A'\nlabel = 'left'\n[[another_sensor]]\ndevice = 'B'\nlabel = '{}'\n"
    )
    file.write_text(text.format("right"))
    found = read_configuration(file, environ={}).settings

    assert [sensor.label for sensor in found.sensors] == ["left", "right"]
    for label, expected in (("left", "two sensors 'left'"), ("no spaces", "must be letters")):
        file.write_text(text.format(label))
        with pytest.raises(ConfigError, match=expected):
            read_configuration(file, environ={})
    file.write_text("[[another_sensor]]\ndevice = 'B'\nlabel = 'right'\n")
    with pytest.raises(ConfigError, match=r"device in \[sensor\] too"):
        read_configuration(file, environ={})
