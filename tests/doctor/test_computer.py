"""Laws of the checks on the computer: settings, disk, broker, clock, zone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from detector.doctor.check import CheckStatus
from detector.doctor.computer import (
    BrokerFacts,
    ClockFacts,
    FolderFacts,
    HomeAssistantFacts,
    SettingsFacts,
    SoundFacts,
    ZoneFacts,
    check_broker,
    check_chosen,
    check_clock,
    check_disk,
    check_folder,
    check_home_assistant,
    check_python,
    check_settings,
    check_sound,
    check_zone,
)

HOUR = timedelta(hours=1)


def test_settings_are_valid_absent_or_wrong():
    assert check_settings(SettingsFacts("c.toml", None, None, "c.toml")).detail == "c.toml valid"
    absent = check_settings(SettingsFacts(None, None, None, "c.toml"))
    assert (absent.status, "the defaults are used" in absent.detail) == (CheckStatus.OK, True)
    wrong = check_settings(SettingsFacts("c.toml", "line 3", None, "c.toml"))
    assert (wrong.status, wrong.detail) == (CheckStatus.FAIL, "line 3")
    assert "spasmwatch -c c.toml config check" in (wrong.fix or "")


def test_no_chosen_sensor_is_a_risk_and_setup_ends_it():
    assert check_chosen(SettingsFacts(None, None, None, "c")).fix == "spasmwatch setup"
    assert check_chosen(SettingsFacts(None, None, "AA", "c")).status is CheckStatus.OK


def test_a_driver_that_does_not_load_is_told():
    assert check_python([("Python", "3.11")], []).detail == "Python 3.11"
    assert check_python([("Python", "3.11")], ["It is broken."]).status is CheckStatus.WARN


def test_a_folder_that_cannot_be_written_fails_with_a_quoted_command():
    check = check_folder(FolderFacts("/data/a b", "Permission denied", 10**12))

    assert check.status is CheckStatus.FAIL
    assert "chown -R \"$USER\" '/data/a b'" in (check.fix or "")


def test_a_folder_that_no_command_makes_is_to_be_another_and_its_room_is_not_counted():
    facts = FolderFacts("/proc/x", "/proc cannot be written to", 0, impossible=True)

    assert check_folder(facts).fix == "choose another folder: --data-dir ~/spasmwatch-data"
    assert check_disk(facts, nights=30).status is CheckStatus.SKIP


@pytest.mark.parametrize(
    ("free", "status", "words"),
    [
        (10**12, "ok", "1000 GB free"),
        (40 * (12 << 20), "ok", "40 nights"),
        (20 * (12 << 20), "warn", "30 are to be kept"),
        (499_999_999, "warn", "a night alarms below 500 MB"),
        (20 * (12 << 20), "warn", "a night alarms below 500 MB"),
        (4 * (12 << 20), "FAIL", "4 nights"),
        (0, "FAIL", "0 MB free"),
        (None, "skip", "cannot be read"),
    ],
)
def test_room_is_counted_in_nights(free, status, words):
    check = check_disk(FolderFacts("/d", None, free), nights=30)

    assert check.status == status
    assert words in check.detail


@pytest.mark.parametrize(
    ("facts", "status", "words"),
    [
        (BrokerFacts("none", ""), "ok", "nobody is alerted"),
        (BrokerFacts("url", "ha.lan:1883", 14.2), "ok", "ha.lan:1883, round trip 14 ms"),
        (BrokerFacts("embedded", "127.0.0.1:1883", 1.0), "ok", "own (embedded)"),
        (BrokerFacts("url", "ha.lan:1883", problem="not authorised"), "FAIL", "not authorised"),
        (BrokerFacts("found", "127.0.0.1:1883", 2.0), "ok", "listens at 127.0.0.1:1883"),
        (
            BrokerFacts("embedded", "127.0.0.1:9", 2.0, None, "port 1883 is in use"),
            "warn",
            "own (embedded) answers, round trip 2 ms; port 1883 is in use",
        ),
    ],
)
def test_the_broker_is_one_that_answers(facts, status, words):
    check = check_broker(facts, settings_path="/c d.toml")

    assert check.status == status
    assert words in check.detail
    assert check.fix is None or "nano '/c d.toml'" in check.fix


@pytest.mark.parametrize(
    ("facts", "status", "words"),
    [
        (HomeAssistantFacts("ha/x/config"), "ok", "the discovery is accepted"),
        (HomeAssistantFacts("ha/x/config", nobody=True), "warn", "nobody there takes it"),
        (HomeAssistantFacts("ha/x/config", "Not authorized"), "FAIL", "Not authorized"),
    ],
)
def test_home_assistant_is_told_or_why_not(facts, status, words):
    check = check_home_assistant(facts)

    assert check.status == status
    assert words in check.detail
    assert check.fix is None or "spasmwatch ha discovery" in check.fix


def test_a_broker_whose_messages_others_may_read_is_a_warning():
    check = check_broker(BrokerFacts("url", "pi.lan:1883", 1.0, insecure=True), settings_path="c")
    assert check.status is CheckStatus.WARN
    assert "insecure = true" in check.detail
    assert "setup tls" in str(check.fix)


def test_that_nothing_plays_the_alarm_is_a_warning_with_what_helps():
    assert check_sound(SoundFacts("pw-play"), settings_path="c").detail.startswith("pw-play plays")
    assert check_sound(SoundFacts(None), settings_path="c").detail.startswith("off, as your")
    none = check_sound(SoundFacts(None, "no program"), settings_path="c")
    assert (none.status, none.fix) == (CheckStatus.WARN, "sudo apt install alsa-utils")
    wrong = check_sound(SoundFacts(None, "no such program", own=True), settings_path="c d")
    assert wrong.fix == "nano 'c d'   ([alerts] sound_command)"


def test_the_clock_is_right_wrong_or_unknown():
    assert check_clock(ClockFacts(0.2)).status is CheckStatus.OK
    assert check_clock(ClockFacts(None)).status is CheckStatus.SKIP
    assert check_clock(ClockFacts(16.0)).fix == "sudo timedatectl set-ntp true"
    assert check_clock(ClockFacts(16.0, systemd=False)).fix == "sudo apt install chrony"


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        (ZoneFacts("Europe/Berlin", HOUR, None, None), "ok"),
        (ZoneFacts("Europe/Berlin", HOUR, "Europe/Amsterdam", HOUR), "ok"),
        (ZoneFacts("Etc/UTC", 0 * HOUR, "Europe/Berlin", HOUR), "warn"),
        (ZoneFacts("Etc/UTC", 0 * HOUR, None, None), "warn"),
        (ZoneFacts("Europe/London", 0 * HOUR, None, None), "ok"),
    ],
)
def test_the_zone_is_one_that_somebody_chose(facts, status):
    assert check_zone(facts).status == status
    assert "timedatectl" not in (check_zone(replace(facts, systemd=False)).fix or "")
