"""Whoever ends a command, by Ctrl-C or as a service manager does, gets no traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .airs import SPEED, Air, on_air

# Where the two are handled differently; a demo has the handlers of `run`, `record` one for both.
BOTH = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda s: s.name)
ENDED = {0, 130, -signal.SIGTERM}


@pytest.fixture(scope="module")
def air(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Air]:
    with on_air(tmp_path_factory.mktemp("air")) as found:
        yield found


def ended(folder: Path, number: signal.Signals, until: str, *words: object) -> str:
    """Start a command, end it once it has said something, and return all that it said."""
    command = [sys.executable, "-m", "detector", "--data-dir", folder / "data", *words]
    with subprocess.Popen(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env=os.environ | {"XDG_CONFIG_HOME": str(folder), "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        said = ""
        while until not in said:
            line = process.stdout.readline()
            assert line, f"it ended by itself:\n{said}"
            said += line
        process.send_signal(number)
        said += process.stdout.read()  # of its simulator too, which ends with it
        assert process.wait(20) in ENDED, said
    assert "Traceback" not in said, said
    assert "never retrieved" not in said, said
    return said


@BOTH
def test_a_night_over_the_virtual_radio(tmp_path: Path, air: Air, number: signal.Signals) -> None:
    said = ended(tmp_path, number, "Watching.", "run", "--no-mqtt", *air.reach)
    assert "Night finished" in said


def test_a_demo(tmp_path: Path) -> None:
    ended(tmp_path, signal.SIGINT, "Watching.", "demo")


@BOTH
def test_a_simulator(tmp_path: Path, number: signal.Signals) -> None:
    ended(tmp_path, number, "virtual sensor is on", "simulate", "--scenario", "clonus")


def test_a_simulator_while_somebody_watches(tmp_path: Path) -> None:
    place = f"unix:{tmp_path}/radio"
    words = ["simulate", "--scenario", "clonus", "--speed", SPEED, "--listen", place]
    said = []
    command = [sys.executable, "-m", "detector", "run", "--no-mqtt", "--radio", place]
    environ = os.environ | {"XDG_CONFIG_HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    simulator = subprocess.Popen(
        [sys.executable, "-u", "-m", "detector", *map(str, words)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    with simulator:
        assert simulator.stdout is not None
        simulator.stdout.readline()
        with subprocess.Popen(
            [*command, "--speed", str(SPEED)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, env=environ,
        ) as night:  # fmt: skip
            while "link" not in (line := simulator.stdout.readline()):
                assert line, "it ended by itself"
            simulator.send_signal(signal.SIGTERM)
            said.append(simulator.stdout.read())
            night.terminate()
            assert night.stdout is not None
            said.append(night.stdout.read())
            assert night.wait(20) == 0
    assert "Traceback" not in "".join(said), said


def test_a_recording(tmp_path: Path, air: Air) -> None:
    ended(tmp_path, signal.SIGTERM, "Connected", "record", "--duration", "8h", *air.reach)


@BOTH
def test_a_receiver(tmp_path: Path, number: signal.Signals) -> None:
    words = ("listen", "--broker", "mqtt://127.0.0.1:1", "--wearer", "k3vq7m2xta")
    ended(tmp_path, number, "Ctrl-C ends", *words)
