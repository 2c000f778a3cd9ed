"""Laws of a sensor's technical conditions: each is raised by what it names, and by that alone."""

from __future__ import annotations

import numpy as np
import pytest

from detector.alert import Level
from detector.devices.profile import Battery
from detector.devices.stream import Packet, Reading
from firmware_sim.motion.scenarios import scenario

from .evening import UTC_NS, S, night
from .frames import saying
from .sent import Sent, first, flapping, told


@pytest.mark.parametrize("stamped", [True, False])
@pytest.mark.parametrize(("on", "off"), [(8, 6), (2, 2), (1, 7), (10, 5)])
def test_a_flapping_link_is_known_within_six_minutes_whatever_its_silences_are(on, off, stamped):
    alerts = told(flapping(on, off, 800, late=400), stamped=stamped)

    assert (at_s := first(alerts, "data-lost")) is not None
    assert 400 < at_s <= 760
    assert first(alerts, "no-signal") is None, "no silence was long enough"
    reason = next(each.reason for _, each in alerts if each.kind == "data-lost")
    assert "30 % of 5 min" in reason
    assert "Bring the receiver nearer" in reason


@pytest.mark.parametrize("what", ["lost", "garbage"])
@pytest.mark.parametrize("share", [0.9, 0.95])
def test_what_cannot_be_read_is_lost(what, share):
    chance = np.random.default_rng(1)
    sent = [
        Sent(number, **{what: number > 20 and chance.random() < share}) for number in range(400)
    ]

    assert first(told(sent), "data-lost") <= 360


@pytest.mark.parametrize("stamped", [True, False])
@pytest.mark.parametrize("share", [0.0, 0.02])
@pytest.mark.parametrize("rate", [0.995, 1.005])
def test_a_link_that_works_raises_nothing(share, stamped, rate):
    chance = np.random.default_rng(3)
    sent = [Sent(number, lost=chance.random() < share) for number in range(1500)]
    alerts = told(sent, stamped=stamped, rate=rate)

    assert {each.kind for _, each in alerts} <= {"non-wear"}


def test_it_is_over_once_the_link_works_again():
    flaps = flapping(8, 6, 400)
    calm = [Sent(number) for number in range(400, 1200)]
    states = [(at, str(each.state)) for at, each in told(flaps + calm) if each.kind == "data-lost"]

    assert [state for _, state in states] == ["raised", "resolved"]
    assert 400 < states[1][0] <= 710


@pytest.mark.parametrize("rate", [0.965, 1.035])
def test_a_rate_that_drifts_is_told(rate):
    alerts = told([Sent(number) for number in range(900)], stamped=False, rate=rate)

    assert first(alerts, "rate-drift") is not None
    assert first(alerts, "wrong-rate") is None


def test_a_loose_strap_is_told_and_wakes_nobody():
    """Two hours of ordinary movement under a simulated one: told once, though it rings on."""
    trace = scenario("hard-night-without-spasms", seed=200, duration_s=7200.0, loose=True)
    one = night(sensors=1)
    alerts, doubts = [], set()
    for reading in saying(trace.samples):
        alerts += [each for each in one.take(reading).alerts if each.kind == "loose-strap"]
        doubts.add(one.doubt)

    assert [str(each.state) for each in alerts] == ["raised"]
    assert alerts[0].level is Level.LOW, "what wakes somebody is high"
    assert "Tighten the strap" in alerts[0].reason
    assert doubts == {None, alerts[0].reason}
    assert one.blind is None


def test_a_stream_that_comes_twice_is_told():
    alerts = told([Sent(number) for number in range(60)], twice=True)

    assert first(alerts, "doubled-stream") <= 40
    assert first(told([Sent(number) for number in range(60)]), "doubled-stream") is None


def test_a_stream_without_stamps_that_comes_twice_is_a_wrong_rate_that_says_so():
    alerts = told([Sent(number) for number in range(60)], twice=True, stamped=False)
    reason = next(each.reason for _, each in alerts if each.kind == "wrong-rate")

    assert "may come twice. Switch the sensor off and on" in reason


@pytest.mark.parametrize(
    ("percent", "kinds"),
    [(21, set()), (20, {"battery"}), (9, {"battery"}), (8, {"battery", "battery-critical"})],
)
def test_a_battery_is_low_from_20_percent_and_critical_from_8(percent, kinds):
    alerts = told([Sent(number) for number in range(5)], percent=percent)

    assert {each.kind for _, each in alerts} == kinds


@pytest.mark.parametrize(("driver", "known"), [("polar-verity-sense", True), ("microbit", False)])
def test_a_level_that_is_never_told_is_told_of_sensors_that_have_one(driver, known):
    sent = [Sent(number) for number in range(700)]
    at_s = first(told(sent, percent=None, driver=driver), "battery-unknown")

    assert (at_s is not None) == known
    assert not known or 600 <= at_s <= 605
    assert first(told(sent, percent=80, driver=driver), "battery-unknown") is None


@pytest.mark.parametrize(("step_s", "early"), [(280, True), (700, False)])
def test_a_battery_that_will_not_last_the_night_is_told_early(step_s, early):
    one, kinds = night(sensors=1), dict[str, float]()
    for number in range(5):
        at = number * step_s * S
        packet = Packet(1, "2a19", b"", at, UTC_NS + at)
        one.take(Reading(packet, (Battery(90 - number),)))
        for alert in one.tick(at, UTC_NS + at).alerts:
            kinds.setdefault(alert.kind, at / S)
            assert "will not last the night" in alert.reason or alert.kind != "battery"

    assert ("battery" in kinds) == early
    assert "battery-critical" not in kinds
