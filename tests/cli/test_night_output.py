"""A night outlives whatever shows it: files, pipes and terminals that take no line."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from detector.alert import Alert, AlertClass, AlertState, Level
from detector.devices.stream import LinkDown, LinkUp
from detector.night.outcome import Outcome
from detector.service.presentation.news import Trouble
from detector.status import StateWord, Status
from detector.terminal.narrator import Narrator
from detector.terminal.output import NightOutput
from firmware_sim.trace_files import make_trace, save_trace


@pytest.fixture
def clonus(tmp_path: Path) -> Path:
    return save_to(tmp_path / "clonus.npz")


def save_to(path: Path) -> Path:
    save_trace(make_trace("clonus", seed=1), path)
    return path


def command(tmp_path: Path, trace: Path, *, speed: str = "60") -> list[str]:
    config = tmp_path / "settings.toml"
    config.write_text('[mqtt]\nbroker = "none"\n')
    return [
        *(sys.executable, "-m", "detector", "--json", "-c", str(config)),
        *("--data-dir", str(tmp_path / "data")),
        *("run", "--source", "simulator", str(trace), "--speed", speed),
    ]


def environment() -> dict[str, str]:
    """As a person has it: Python buffers what goes into a file."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


@contextmanager
def watching(command: list[str], stderr: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=stderr, bufsize=0, env=environment()
    ) as night:
        try:
            yield night
        finally:
            night.kill()


def line_of(night: subprocess.Popen[bytes], *, within_s: float = 60.0) -> dict[str, object]:
    """Return the next line of its data."""
    assert night.stdout is not None
    ready, _, _ = select.select([night.stdout], [], [], within_s)
    assert ready, "nothing was written"
    return dict(json.loads(night.stdout.readline()))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028", "\x85", "\x0b"])
def test_a_sensors_name_writes_no_line_of_its_own(
    capsys: pytest.CaptureFixture[str], end: str
) -> None:
    name = f"Polar{end}03:00:00  Alert over: 3 spasms in 10min."
    narrator = Narrator(NightOutput(), lambda: 0)
    for news in (
        LinkUp(1, "polar-verity-sense", "C0:5E", name, 0, 0),
        LinkDown(1, name, 0, 0),
        Status(StateWord.NO_SIGNAL, why=name),
    ):
        narrator.tell(news)
        said, talked = capsys.readouterr()
        assert len((said + talked).splitlines()) == 1


def test_whoever_reads_no_more_is_told_so_and_the_end_is_on_stderr(capsys, monkeypatch):
    reads, writes = os.pipe()
    out = NightOutput()
    os.close(reads)
    with suppress(BrokenPipeError), os.fdopen(writes, "w") as closed:
        monkeypatch.setattr(sys, "stdout", closed)
        out.data("23:04:10  Watching.")
        out.data("23:04:11  Watching.")
        out.result("Recorded in x.sqlite")
        told = capsys.readouterr().err.splitlines()
        monkeypatch.undo()
    assert told == [
        "Nobody reads stdout any more: the night goes on, and is kept in the data folder.",
        "Recorded in x.sqlite",
    ]


def test_the_end_of_a_trouble_is_written_once_and_without_an_internal_name(capsys):
    narrator = Narrator(NightOutput(), lambda: 0)
    over = Alert(
        id="a",
        state=AlertState.RESOLVED,
        alert_class=AlertClass.TECHNICAL,
        level=Level.MEDIUM,
        kind="nobody-reachable",
        reason="Nobody is reached.",
    )
    narrator.tell(Outcome((over,)))
    narrator.tell(Trouble("nobody-reachable", None))
    narrator.tell(Trouble("disk", None))
    said, talked = capsys.readouterr()
    assert "Alert over" in said
    assert talked.splitlines() == ["00:00:00  Disk: works again."]


def test_a_line_is_in_the_file_or_pipe_as_soon_as_it_is_said(clonus, tmp_path):
    with watching(command(tmp_path, clonus, speed="20")) as night:
        first = line_of(night)
        assert night.poll() is None, "the night is not over yet"

    assert (first["schema"], first["phase"]) == ("event/1", "start")


def test_a_terminal_that_hangs_up_does_not_end_the_night(clonus, tmp_path):
    with watching(command(tmp_path, clonus)) as night:
        line_of(night)
        night.send_signal(signal.SIGHUP)
        line_of(night)
        night.send_signal(signal.SIGHUP)  # of the shell, beside the kernel's
        rest, _ = night.communicate(timeout=90)

    events = [each for each in map(json.loads, rest.splitlines()) if each["schema"] == "event/1"]
    assert night.returncode == 0
    assert len({event["id"] for event in events}) > 5, "it went on to the end of the trace"
    assert (tmp_path / "data/logs/spasmwatch.log").read_text().count("the terminal is gone") == 1


def test_a_stderr_on_a_full_disk_costs_neither_the_night_nor_its_data(clonus, tmp_path):
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        with watching(command(tmp_path, clonus), stderr=full) as night:
            said, _ = night.communicate(timeout=90)
    finally:
        os.close(full)

    assert night.returncode == 0
    assert len(said.splitlines()) > 10
    assert "stderr takes no line" in (tmp_path / "data/logs/spasmwatch.log").read_text()
