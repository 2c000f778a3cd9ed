"""The commands that need a sensor, a broker or a simulator, run as people run them."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import subprocess
import sys

import pytest

from firmware_sim.child import running_air


def test_without_an_adapter_one_sentence_says_what_to_do(process, tmp_path):
    config = tmp_path / "c.toml"
    config.write_text('[mqtt]\nbroker = "none"\n')
    done = process("-c", config, "--data-dir", tmp_path / "data", "scan", "--timeout", "1")
    if done.returncode == 0 or "No sensor found" in done.stderr:
        pytest.skip("this machine has a Bluetooth adapter")

    assert done.returncode == 69
    assert "Bluetooth" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_costs_the_port_and_is_said(process, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config = tmp_path / "c.toml"
        config.write_text(f'[mqtt]\nbroker = "embedded"\nport = {port}\n')
        done = process("-c", config, "--data-dir", tmp_path, "run", "--source", "file", "x.npz")
        assert done.returncode == 66

        process("simulate", "--scenario", "quiet", "--duration", "20", "--out", "x.npz")
        played = ("run", "--source", "file", "x.npz", "--speed", "1000")
        done = process("-c", config, "--data-dir", tmp_path, *played)

    assert done.returncode == 0
    assert f"Port {port} on 127.0.0.1 is in use" in done.stderr
    assert "own broker listens on port" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--until", "25:99"], "--until"),
        (["run", "night.npz"], "--source"),
        (["run", "--speed", "5"], "--speed"),
        (["run", "--source", "file"], "FILE"),
        (["run", "--source", "radio"], "radio"),
        (["run", "--radio", "unix:x", "--source", "ble"], "--radio"),
        (["run", "--radio", "here"], "unix:PATH"),
        (["scan", "--radio", "here"], "unix:PATH"),
        (["run", "--radio", "unix:x", "--scenario", "night"], "--scenario"),
        (["run", "--radio", "unix:x", "--speed", "61"], "--speed 60 at most"),
        (["run", "--scenario", "night"], "--scenario"),
        (["run", "--source", "simulator", "--scenario", "knight"], "Did you mean night?"),
        (["simulate", "--speed", "61"], "--speed"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(spasmwatch, arguments, words):
    done = spasmwatch(*arguments)

    assert done.returncode == 2
    assert words in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["run", "--source", "simulator", "nothere.npz"], 66),
        (["run", "--source", "simulator", "--scenario", "party"], 2),
        (["replay", "nothere.sqlite"], 66),
        (["simulate", "--scenario", "party", "--out", "x.npz"], 2),
        (["simulate", "nothere.npz"], 66),
    ],
)
def test_bad_input_has_its_exit_code_and_one_sentence(process, tmp_path, arguments, code):
    done = process("--data-dir", tmp_path / "data", *arguments)

    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_simulated_recording_comes_with_its_truth_and_can_be_detected(process, tmp_path):
    made = process("simulate", "--scenario", "clonus", "--duration", "60", "--out", "c.npz")
    again = process("simulate", "--scenario", "clonus", "--duration", "60", "--out", "d.npz")
    found = process("detect", "c.npz", "--json")
    truth = (tmp_path / "c_events.tsv").read_text().splitlines()

    assert (made.returncode, again.returncode, found.returncode) == (0, 0, 0)
    assert (tmp_path / "c_events.tsv").read_bytes() == (tmp_path / "d_events.tsv").read_bytes()
    assert truth[0].startswith("onset\tduration\ttrial_type")
    clonus = [e for e in map(json.loads, found.stdout.splitlines()) if e["kind"] == "clonus"]
    assert len(clonus) == len(truth) - 1


def test_scan_lists_a_virtual_sensor_that_a_driver_knows(process, tmp_path):
    process("simulate", "--scenario", "quiet", "--duration", "30", "--out", "q.npz")

    async def scan() -> subprocess.CompletedProcess[str]:
        async with running_air(str(tmp_path / "q.npz")) as air:
            return await asyncio.to_thread(
                process, "scan", "--json", "--timeout", "1", "--radio", air.address
            )

    done = asyncio.run(scan())
    sensor = json.loads(done.stdout)

    assert done.returncode == 0
    assert sensor["name"].startswith("Polar Sense")
    assert (sensor["driver"], sensor["usable"]) == ("polar-verity-sense", True)


def test_the_demo_ends_by_itself_and_loses_nothing(process, tmp_path):
    done = process("--data-dir", tmp_path, "demo", "--speed", "60")

    assert done.returncode == 0, done.stderr
    assert "ALERT (bedroom): Clonus lasting 60 s or longer." in done.stdout
    assert "Not a medical device" in done.stderr
    assert "0 lost" in done.stdout
    begins = sum(line.endswith(" begins …") for line in done.stdout.splitlines())
    assert f"Announced as they began: {begins}. " in done.stdout
    assert re.search(r"^Likely spasms: 5 of 5 found, .* Twitches: 1 of 1", done.stdout, re.M)
    assert "Alerts that your rules would have raised: 1. " in done.stdout, "of no other alert"
    called = f"{sys.executable} -m detector "  # as this test calls it
    assert done.stdout.count(called) == done.stdout.count(sys.executable) > 0
