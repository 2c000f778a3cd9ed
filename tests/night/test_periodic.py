"""A simulated periodic series wakes nobody who counts spasms; what only looks like one does, later.

The same however the recording is cut, whenever time is looked at, and over a restart.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.alert import Alert, AlertState
from detector.alerts.rules import parse_rules
from detector.devices.stream import Reading
from detector.events import Kind, Origin
from detector.night.night import Night
from detector.night.observation import WornSensor
from detector.night.outcome import Outcome
from detector.recognition.events.stamp import Provenance

from .frames import START_UTC_NS, readings, saying

ME = Provenance("k3vq7m2xta", "left-calf", "2026-11-20", Origin.LIVE)
RULES = parse_rules(["3 spasms in 10min"])
SEED = 184  # its first three movements are spasms until a fourth shows that they are periodic


def night() -> Night:
    return Night([WornSensor(ME, "ankle")], rules=RULES)


def ended(one: Night, stream: list[Reading], told: list[Outcome]) -> list[Alert]:
    last = stream[-1].item
    told.append(one.finish(last.mono_ns, last.utc_ns))
    return [alert for each in told for alert in each.alerts]


def raised(alerts: list[Alert]) -> list[Alert]:
    return [alert for alert in alerts if alert.state is AlertState.RAISED]


@pytest.fixture(scope="module")
def series() -> list[Reading]:
    return readings("plm", seed=SEED, duration_s=150.0)


@pytest.fixture(scope="module")
def three(series) -> list[Reading]:
    """The first three movements of that series, and then nothing more."""
    one, heard = night(), []
    for reading in series:
        heard.append(reading)
        one.take(reading)
        if one.counts[Kind.SPASM] == 3 and one.spasm is None:
            break
    samples = np.concatenate([out.samples for r in heard for out in r.outputs])
    noise = np.random.default_rng(1).normal(0, 0.002, (52 * 120, 3))
    return saying(np.round(np.concatenate((samples, samples[-1] + noise)), 3))


def test_a_periodic_series_wakes_nobody(series):
    one = night()
    told = [one.take(reading) for reading in series]
    assert ended(one, series, told) == []
    assert one.counts[Kind.PLM] >= 4


def test_three_movements_that_are_all_wake_somebody_once_no_fourth_comes(three):
    one = night()
    told = [one.take(reading) for reading in three]
    [alert] = raised(ended(one, three, told))
    spasms = [e for each in told for e in each.events if e.kind is Kind.SPASM]
    last_s = max(each.onset_s for each in spasms)
    assert alert.at is not None
    assert alert.at.timestamp() - START_UTC_NS / 1e9 == pytest.approx(last_s + 90, abs=0.01)


def test_a_night_that_ends_meanwhile_wakes_somebody_at_its_end(three):
    one, until = night(), round(len(three) * 0.5)
    told = [one.take(reading) for reading in three[:until]]
    assert raised([alert for each in told for alert in each.alerts]) == []
    assert len(raised(ended(one, three[:until], told))) == 1


def test_a_sensor_that_falls_silent_meanwhile_does_not_hold_it_back(three):
    one, until = night(), round(len(three) * 0.5)
    told = [one.take(reading) for reading in three[:until]]
    last = three[until - 1].item
    for later_s in range(0, 200, 5):
        told.append(one.tick(last.mono_ns + later_s * 10**9, last.utc_ns + later_s * 10**9))
    assert len(raised([alert for each in told for alert in each.alerts])) == 1


@settings(max_examples=12)
@given(
    ticks_s=st.lists(st.floats(0, 200), max_size=30),
    killed=st.lists(st.integers(0, 300), max_size=4),
    which=st.sampled_from(["series", "three"]),
)
def test_neither_ticks_nor_restarts_change_an_alert(series, three, ticks_s, killed, which):
    stream = {"series": series, "three": three}[which]
    plain = night()
    expected = ended(plain, stream, [plain.take(reading) for reading in stream])

    one, told, pending = night(), [], sorted(round(tick * 1e9) for tick in ticks_s)
    for number, reading in enumerate(stream):
        while pending and pending[0] < reading.item.mono_ns:
            now_ns = pending.pop(0)
            told.append(one.tick(now_ns, START_UTC_NS + now_ns))
        if number in killed:
            saved = json.loads(json.dumps(one.save()))
            one = night()
            one.load(saved)
        told.append(one.take(reading))
    assert ended(one, stream, told) == expected
