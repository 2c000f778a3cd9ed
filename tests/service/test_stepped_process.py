"""A real `spasmwatch run` on a computer whose clock is set while it runs and while it restarts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..kit.tools import lacking

LIBRARY = "libfaketimeMT.so.1"  # of Debian's faketime, for programs with threads
FOLDERS = ("/usr/lib/*/faketime", "/usr/local/lib/faketime", "/usr/lib/faketime")


def faketime() -> Path:
    found = [path for folder in FOLDERS for path in Path("/").glob(f"{folder[1:]}/{LIBRARY}")]
    if not found:
        lacking("faketime is not installed (apt install faketime)")
    return found[0]


@dataclass
class Computer:
    """A computer whose wall clock can be set while its programs run."""

    folder: Path
    library: Path

    def __post_init__(self) -> None:
        self.set_by(0)

    def set_by(self, seconds: int) -> None:
        """Set the wall clock so far from the true time."""
        wanted = self.folder / "offset.new"
        wanted.write_text(f"{seconds:+d}\n")
        wanted.replace(self.folder / "offset")

    @contextmanager
    def watching(self) -> Iterator[subprocess.Popen[str]]:
        scenario = ["--source", "simulator", "--scenario", "spasms", "--seed", "3"]
        command = ["run", *scenario, "--speed", "60", "--json"]
        environment = os.environ | {
            "LD_PRELOAD": str(self.library),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_CACHE_DURATION": "1",  # s; without, each look at a clock reads the file
            "FAKETIME_TIMESTAMP_FILE": str(self.folder / "offset"),
            "HOME": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder),
            "SPASMWATCH_DATA_DIR": str(self.folder / "data"),
            "SPASMWATCH_ALERTS__WAKE_FOR": '["2 spasms in 10min"]',
            "SPASMWATCH_MQTT__BROKER": "none",
        }
        with subprocess.Popen(
            [sys.executable, "-u", "-m", "detector", *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()


Line = dict[str, Any]


def read(process: subprocess.Popen[str], until: Callable[[Line], bool]) -> list[Line]:
    """Return the lines up to one, or to the end."""
    said: list[Line] = []
    assert process.stdout is not None
    for text in process.stdout:
        said.append(json.loads(text))
        if until(said[-1]):
            break
    return said


def raised(said: list[Line], kind: str) -> list[Line]:
    alerts = [each for each in said if each.get("schema") == "alert/1"]
    return [each for each in alerts if each["state"] == "raised" and kind in each["reason"]]


def test_a_clock_that_is_set_back_by_an_hour_mutes_and_doubles_nothing(tmp_path: Path) -> None:
    """Two spasms make the alert: one before the clock is set, one after. Then it is killed."""
    computer = Computer(tmp_path, faketime())
    with computer.watching() as process:
        said = read(process, lambda line: line.get("kind") == "spasm")
        computer.set_by(-3600)
        while not (raised(said, "2 spasms") and raised(said, "clock was set back by 1 h")):
            more = read(process, lambda line: line.get("schema") == "alert/1")
            assert more, "the night ended without both"
            said += more
        process.send_signal(signal.SIGKILL)
    computer.set_by(-7200)
    with computer.watching() as process:
        again = read(process, lambda line: line.get("kind") == "twitch")
        process.send_signal(signal.SIGTERM)
        again += read(process, lambda _: False)
        returned = process.wait(30)

    spasms = raised([*said, *again], "2 spasms")  # a start tells again what was not committed
    bodies = {json.dumps(each | {"n": None}, sort_keys=True) for each in spasms}
    assert len(raised(said, "2 spasms")) == 1
    assert len(raised(said, "clock was set back by 1 h")) == 1
    assert len(bodies) == len({each["id"] for each in spasms}), "none is raised twice"
    over = {each["id"] for each in again if each.get("state") == "resolved"}
    assert {each["id"] for each in spasms} <= over | set(again[-1]["open_alerts"]), "none is muted"
    assert returned == 0
