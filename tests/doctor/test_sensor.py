"""Laws of the short look: rate, loss, drift and battery are what the sensor's are."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.devices.profile import Battery, Chunk, Note, Refused
from detector.devices.stream import LinkUp, Packet, Reading
from detector.doctor.check import CheckStatus
from detector.doctor.sensor import (
    Look,
    check_battery,
    check_drift,
    check_heard,
    check_loss,
    check_rate,
    check_sensor,
)

FS, FRAME, NS = 52, 36, 1_000_000_000
LINK = LinkUp(1, "polar-verity-sense", "AA:BB:CC:DD:EE:01", "Polar Sense 1", 0, 0)


def look(seconds=10.0, *, ppm=0.0, jitter_s=0.0, lose=(), seed=0, fs=FS) -> Look:
    """Look at a sensor whose crystal is so much too quick and whose packets are late by chance."""
    rng = np.random.default_rng(seed)
    seen = Look()
    seen.take(Reading(LINK))
    for k in range(round(seconds * fs / FRAME) + 1):
        stop = (k + 1) * FRAME
        true_s = stop / fs / (1 + ppm * 1e-6)
        late_s = rng.uniform(0, jitter_s)
        if k in lose:
            continue
        chunk = Chunk(np.full((FRAME, 3), 0.5), FS, round(stop / FS * NS))
        at = round((true_s + late_s) * NS)
        seen.take(Reading(Packet(1, "data", b"", at, at), (chunk,)))
    return seen


def status(checks, name) -> str:
    return next(check.status for check in checks if check.name == name)


def test_a_sensor_as_it_should_be():
    seen = look()
    seen.take(Reading(Packet(1, "battery", b"", 11 * NS, 11 * NS), (Battery(86),)))
    checks = check_sensor(seen, why="", loss_note="time stamps")

    assert [check.status for check in checks] == [CheckStatus.OK] * 5
    assert checks[1].detail == "52.0 samples/s (want 52)"
    assert checks[2].detail == "0.0 % lost in 10 s (noticed by time stamps)"
    assert checks[4].detail == "86 %"


@given(st.floats(-1000, 1000), st.integers(0, 99))
def test_drift_is_told_within_the_doubt_that_is_told(ppm, seed):
    seen = look(ppm=ppm, jitter_s=0.045, seed=seed)

    assert seen.pace is not None
    assert abs(seen.pace.drift_ppm - ppm) <= 1.5 * seen.pace.doubt_ppm + 2
    assert seen.pace.rate_hz == pytest.approx(FS * (1 + ppm * 1e-6), rel=0.01)


def test_without_jitter_drift_is_told_to_the_ppm():
    seen = look(ppm=200)

    assert seen.pace is not None
    assert seen.pace.drift_ppm == pytest.approx(200, abs=1)
    assert check_drift(seen).detail.startswith("drifts +200 ppm")
    assert check_drift(look(ppm=900)).status is CheckStatus.WARN
    assert "no drift beyond" in check_drift(look(jitter_s=0.045)).detail


@pytest.mark.parametrize(("off", "verdict"), [(1.16, "FAIL"), (0.84, "FAIL"), (1.04, "ok")])
def test_a_wrong_rate_fails_beyond_five_per_cent(off, verdict):
    assert check_rate(look(fs=FS * off)).status == verdict


def test_one_lost_packet_is_a_warning_and_many_are_a_failure():
    one, many = look(lose={5}), look(lose={3, 5, 7, 9})

    assert check_loss(look()).status is CheckStatus.OK
    assert check_loss(one).status is CheckStatus.WARN
    assert "1 gap" in check_loss(one).detail
    assert check_loss(many).status is CheckStatus.FAIL
    assert many.lost == pytest.approx(4 / 15, abs=0.03)


def test_too_short_a_look_says_so_and_claims_nothing():
    seen = look(1.0)

    assert seen.pace is None
    assert check_rate(seen).status is check_drift(seen).status is CheckStatus.SKIP


def test_silence_says_why_and_what_to_do():
    nobody, mute = Look(), Look()
    mute.take(Reading(LINK))
    refused = Look()
    refused.take(Reading(LINK, (Refused("it is in its charger"),)))

    assert check_heard(nobody, "It is not heard.").detail == "It is not heard."
    assert "phone app" in (check_heard(nobody, "").fix or "")
    assert "no samples come" in check_heard(mute, "").detail
    assert check_heard(refused, "").detail == "it is in its charger"
    for seen in (nobody, mute, refused):
        (check,) = check_sensor(seen, why="x")
        assert check.status is CheckStatus.FAIL


def test_what_the_driver_has_to_say_is_passed_on():
    seen = look()
    seen.take(Reading(Packet(1, "c", b"", 12 * NS, 0), (Note("no SDK mode"),)))
    odd = look()
    odd.take(Reading(Packet(1, "c", b"", 12 * NS, 0), error="nonsense"))

    assert "no SDK mode" in check_heard(seen, "").detail
    assert "1 of its packets made no sense" in check_heard(odd, "").detail
    assert "--capture" in (check_heard(odd, "").fix or "")


@pytest.mark.parametrize(
    ("percent", "verdict"), [(None, "skip"), (100, "ok"), (21, "ok"), (20, "warn"), (0, "warn")]
)
def test_a_low_battery_is_a_warning(percent, verdict):
    assert check_battery(percent).status == verdict


def test_until_when_a_battery_lasts_is_said_where_it_is_known():
    seen = Look()
    for hour, percent in enumerate((50, 49, 48, 47)):
        at = hour * 3600 * NS
        seen.take(Reading(Packet(1, "b", b"", at, at), (Battery(percent),)))

    assert seen.empty_at == datetime(1970, 1, 3, 2, tzinfo=UTC)
    checks = check_battery(47, seen.empty_at, UTC)
    assert checks.detail == "47 %, it lasts until about 02:00"


def test_memory_is_bounded():
    seen = look()
    note = Reading(Packet(1, "c", b"", 12 * NS, 0), (Note("again"),))
    for _ in range(100):
        seen.take(note)

    assert len(seen.notes) <= 8
    assert len(seen.strip) <= 30
