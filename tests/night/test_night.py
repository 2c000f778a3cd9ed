"""Laws of one night, without a sensor, a disk or a clock."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.alert import AlertState
from detector.alerts.rules import DEFAULT_RULES, parse_rules
from detector.devices.profile import Battery, Started
from detector.devices.stream import LinkDown, Packet, Reading
from detector.events import Origin, to_json
from detector.night.liveness import SILENT_S
from detector.night.night import Night
from detector.night.observation import WornSensor
from detector.recognition.events.stamp import Provenance
from firmware_sim.motion.scenarios import scenario

from .frames import FS, START_UTC_NS, readings, saying

ME = Provenance("k3vq7m2xta", "left-calf", "2026-11-20", Origin.LIVE)


def night(**how: bool) -> Night:
    return Night([WornSensor(ME, "calf")], rules=parse_rules(DEFAULT_RULES), **how)


@pytest.fixture(scope="module")
def evening() -> list[Reading]:
    return readings("mixed")


def log(stream: list[Reading], ticks: list[float], one: Night) -> list[str]:
    """Every word about events, with time passing in between as it likes."""
    pending = sorted(round(tick * 1e9) for tick in ticks)
    lines = []
    for reading in stream:
        while pending and pending[0] < reading.item.mono_ns:
            now_ns = pending.pop(0)
            assert not one.tick(now_ns, START_UTC_NS + now_ns).events
        lines += [to_json(event) for event in one.take(reading).events]
    last = stream[-1].item
    return lines + [to_json(event) for event in one.finish(last.mono_ns, last.utc_ns).events]


@settings(max_examples=15)
@given(st.lists(st.floats(0, 200), max_size=60))
def test_when_time_is_looked_at_changes_no_event(evening, ticks):
    assert log(evening, [], night()) == log(evening, ticks, night())


def test_events_carry_whose_they_are_and_where_they_lie(evening):
    one = night()
    events = [event for reading in evening for event in one.take(reading).events]

    assert events
    for event in events:
        assert (event.wearer, event.sensor, event.source) == ("k3vq7m2xta", "left-calf", "live")
        assert event.recording is not None
        assert event.recording.first == round(event.onset_s * FS)
        assert event.onset is not None
        since_start_s = event.onset.timestamp() - START_UTC_NS / 1e9
        assert abs(since_start_s - event.onset_s) < 0.002


def test_a_recording_without_a_wall_clock_has_events_without_one(evening):
    one = night(dated=False)
    events = [event for reading in evening for event in one.take(reading).events]

    assert events
    assert {(event.onset, event.end) for event in events} == {(None, None)}


def test_silence_has_a_reason_and_raises_an_alert_that_samples_resolve(evening):
    one = night()
    for reading in evening[:20]:
        one.take(reading)
    last_ns = evening[19].item.mono_ns
    one.take(Reading(LinkDown(1, "it went out of range", last_ns, START_UTC_NS + last_ns)))

    def tick(after_s: float) -> list[str]:
        now_ns = last_ns + round(after_s * 1e9)
        return [str(a.state) for a in one.tick(now_ns, START_UTC_NS + now_ns).alerts]

    assert one.silence(last_ns + round((SILENT_S - 0.1) * 1e9)) is None
    assert one.silence(last_ns + round((SILENT_S + 0.1) * 1e9)) == "it went out of range"
    assert tick(60) == []
    assert tick(121) == ["raised"]
    later = replace(evening[20].item, mono_ns=last_ns + round(130e9))
    back = one.take(replace(evening[20], item=later)).alerts
    # Two minutes of five are lost: that is told now, and until the link has worked for a while.
    assert [(alert.kind, alert.state) for alert in back] == [
        ("no-signal", AlertState.RESOLVED),
        ("data-lost", AlertState.RAISED),
    ]


def test_a_sensor_that_never_came_is_no_signal_too():
    one = night()
    told = [one.tick(round(t * 1e9), START_UTC_NS + round(t * 1e9)) for t in (0, 60, 119, 121, 300)]

    assert one.silence(round(1e9)) is not None
    assert [len(each.alerts) for each in told] == [0, 0, 0, 1, 0]


def test_the_battery_is_remembered():
    one = night()
    item = Packet(1, "00002a19", b"", 1, START_UTC_NS)
    one.take(Reading(item, (Battery(41),)))

    assert one.watches[0].battery_percent == 41


UP = np.array([0.1, -0.2, 0.97])


def lying(seconds: float, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 0.6e-3, (round(seconds * FS), 3))
    return np.round((UP + noise) * 4096) / 4096


def held(seconds: float) -> np.ndarray:
    return np.tile(UP, (round(seconds * FS), 1))


def test_a_sensor_that_holds_one_value_is_no_watching_and_a_technical_alert_of_its_own():
    one = night()
    stream = saying(np.concatenate((lying(20), held(70), lying(20, seed=1))))
    told, blind = [], []
    for reading in stream:
        told += one.take(reading).alerts
        blind.append(one.blind)
        assert one.silence(reading.item.mono_ns) is None or not one.samples

    assert [(a.kind, a.state, a.alert_class, a.level) for a in told] == [
        ("stuck", "raised", "technical", "high"),
        ("stuck", "resolved", "technical", "high"),
    ]
    assert "repeats one value" in told[0].reason
    assert told[0].id == told[1].id
    assert sorted({str(why) for why in blind}) == ["None", told[0].reason.removeprefix("stuck: ")]
    assert one.blind is None


def test_a_sensor_on_the_table_is_told_and_taking_it_up_resolves_it():
    taken = scenario("mixed", seed=3, fs=FS, duration_s=120).samples
    stream = saying(np.concatenate((lying(41 * 60), taken)), frame_samples=520)
    one = night()
    told = [a for reading in stream for a in one.take(reading).alerts if a.kind == "non-wear"]

    assert [str(alert.state) for alert in told] == ["raised", "resolved"]
    assert one.blind is None


def test_a_range_that_is_too_small_is_a_doubt_and_no_blindness():
    beats = 6 * np.sin(2 * np.pi * 4 * np.arange(round(8 * FS)) / FS)
    cut = np.clip(np.column_stack((beats, 0 * beats, 0 * beats)) + UP, -2, 2)
    one = night()
    stream = saying(np.concatenate((lying(20), cut, lying(90))))
    stream.insert(1, replace(stream[1], outputs=(Started(FS, 2.0),)))
    told, doubts = [], []
    for reading in stream:
        told += [alert for alert in one.take(reading).alerts if alert.kind == "clipped"]
        doubts.append(one.doubt)
        assert one.blind is None

    assert [str(alert.state) for alert in told] == ["raised", "resolved"]
    assert told[0].reason in doubts
    assert one.doubt is None


def test_a_wrong_rate_is_a_doubt():
    one = night()
    for reading in saying(lying(90), true_hz=1.1 * FS):
        one.take(reading)
    last = reading.item
    assert one.doubt is None, "a condition that holds is told by the clock, not by samples"
    one.tick(last.mono_ns, last.utc_ns)

    assert "57.2 Hz instead of 52.0 Hz" in str(one.doubt)
    assert one.blind is None


def test_an_alert_about_the_sensor_of_before_a_restart_is_resolved_once_it_is_seen_to_move():
    first, second = night(), night()
    for reading in saying(np.concatenate((lying(20), held(70)))):
        first.take(reading)
    second.inherit(first.save(), reading.item.mono_ns, reading.item.utc_ns)
    assert [alert.kind for alert in second.open_alerts] == ["stuck"]

    resolved = []
    for reading in readings("mixed", duration_s=240.0):
        second.take(reading)
        resolved += second.tick(reading.item.mono_ns, reading.item.utc_ns).alerts
    assert [(a.kind, a.state) for a in resolved if a.kind == "stuck"] == [("stuck", "resolved")]
