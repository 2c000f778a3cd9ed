"""Laws of `scan`: what is heard is said so that anybody understands it, and harms nobody."""

from __future__ import annotations

import json

import pytest

from detector.cli.setting_up.doctor import check_lines
from detector.cli.setting_up.scan import short, signal_word, signal_words, table
from detector.doctor.check import CheckResult, CheckStatus
from detector.sources.nearby import NearbyDevice
from detector.terminal.output import Output

from .airs import on_air


def found(name="Polar Sense 0001", rssi=-50, driver="polar-verity-sense", because="a sensor"):
    return NearbyDevice(name, "AA:BB:CC:DD:EE:01", rssi, driver, because)


@pytest.fixture(scope="module")
def air(tmp_path_factory):
    folder = tmp_path_factory.mktemp("air")
    with on_air(folder, "--sensors", 2, "--battery", 86) as air:
        yield air


def test_a_person_reads_name_signal_and_whether_it_works(spasmwatch, air):
    done = spasmwatch("scan", "--timeout", "1", "--radio", air.address)

    assert done.returncode == 0, done.stderr
    assert "Polar Sense 3F2A1C29  ▂▄▆█ strong -50 dBm  C0:5E:3F:2A:1C:29" in done.stdout
    assert "yes: Polar Verity Sense, OH1 (recommended)" in done.stdout
    assert "Battery" not in done.stdout
    assert f"Next: spasmwatch setup --radio {air.address}" in done.stderr


def test_a_voice_reads_no_pictures(spasmwatch, air):
    done = spasmwatch("scan", "--timeout", "1", "--radio", air.address, "--plain")

    assert "strong -50 dBm" in done.stdout
    assert not set("▂▄▆█░") & set(done.stdout + done.stderr)


def test_a_program_gets_the_fields_that_the_help_names(spasmwatch, air):
    done = spasmwatch("scan", "--timeout", "1", "--radio", air.address, "--json", "--battery")
    lines = [json.loads(line) for line in done.stdout.splitlines()]

    assert {line["address"]: line for line in lines}["C0:5E:3F:2A:1C:2A"] == {
        "address": "C0:5E:3F:2A:1C:2A",
        "name": "Polar Sense 3F2A1C2A",
        "rssi_dbm": -50,
        "signal": "strong",
        "battery_percent": 86,
        "driver": "polar-verity-sense",
        "usable": True,
        "because": "Polar Verity Sense, OH1 (recommended)",
        "chosen": False,
        "adapter": None,
    }
    help_text = " ".join(spasmwatch("scan", "--help").stdout.split())
    assert all(field in help_text for field in lines[0])


@pytest.mark.parametrize("device", ["C0:5E:3F:2A:1C:2A", "polar sense 3f2a1c2a"])
def test_the_sensor_of_the_settings_is_marked(spasmwatch, air, tmp_path, device):
    config = tmp_path / "c.toml"
    config.write_text(f'[sensor]\ndevice = "{device}"\n')
    done = spasmwatch("-c", config, "scan", "--timeout", "1", "--radio", air.address)

    assert "* Polar Sense 3F2A1C2A" in done.stdout
    assert "is not heard" not in done.stderr


def test_why_the_sensor_of_the_settings_may_be_silent_is_explained(spasmwatch, air, tmp_path):
    config = tmp_path / "c.toml"
    config.write_text('[sensor]\ndevice = "C0:5E:00:00:00:01"\n')
    done = spasmwatch("-c", config, "scan", "--timeout", "1", "--radio", air.address)

    assert done.returncode == 0
    assert "Your sensor, C0:5E:00:00:00:01, is not heard." in done.stderr
    assert "close its phone app" in done.stderr


EVIL = "\x1b[2J\u202eesneS raloP\n ok    Sensor  fine\r" + "A" * 1000


def test_a_name_cannot_steer_the_terminal_forge_a_line_or_be_endless(capsys):
    for line in table([found(name=EVIL)], [], None, bars=True):
        Output().data(line)
    check = CheckResult("Sensor", CheckStatus.OK, f"{EVIL} streams")
    for line in check_lines(check):
        Output().data(line)
    told = capsys.readouterr().out.split("\n")

    assert len(told) == 3 + 1  # head, name, check, and the end
    assert all(c.isprintable() for line in told for c in line)
    assert all(len(line) < 130 for line in told[:2])
    assert short("") == short(" \n ") == "(no name)"


def test_what_does_not_work_says_why_in_lines_that_fit():
    because = "PineTime (InfiniTime): " + "its firmware sends 10 samples a second " * 5
    lines = table([found(driver=None, because=because), found()], [], {}, bars=False)

    assert " ".join(" ".join(lines).split()).count(because.strip()) == 1
    assert any(line.strip().startswith("no: PineTime") for line in lines)
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize(
    ("dbm", "word", "bars"), [(-50, "strong", 4), (-70, "fair", 3), (-79, "fair", 2),
                              (-81, "weak", 1), (-127, "weak", 1), (None, "unknown", 0)]
)  # fmt: skip
def test_strength_is_a_word_and_as_many_bars(dbm, word, bars):
    words = signal_words(found(rssi=dbm), bars=True)

    assert signal_word(dbm) == word
    assert sum(c in "▂▄▆█" for c in words) == bars
    assert word in words
