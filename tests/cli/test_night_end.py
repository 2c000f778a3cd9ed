"""How a night ends on the screen: a person's Ctrl-C and a simulated night that is over."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

WITHIN_S = 60.0
FAULTS = ("Traceback", "Exception", "ERROR", "never awaited", "RuntimeWarning")
INTERRUPT = b"\x03"


def in_a_terminal(arguments: Sequence[str], tmp_path: Path, *, after: bytes | None) -> str:
    """Return what a terminal shows until the command ends; Ctrl-C is typed once it shows `after`.

    The terminal sends SIGINT to all of its foreground process group, as a real one does.
    """
    config = tmp_path / "settings.toml"
    config.write_text('[mqtt]\nbroker = "none"\n')
    common = ("-m", "detector", "-c", str(config), "--data-dir", str(tmp_path / "data"))
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, *common, *arguments])  # noqa: S606
    shown, typed = b"", False
    until_s = time.monotonic() + WITHIN_S
    try:
        while time.monotonic() < until_s:
            if not select.select([terminal], [], [], 1.0)[0]:
                continue
            try:
                read = os.read(terminal, 65_536)
            except OSError:  # all of its processes have ended
                read = b""
            if not read:
                break
            shown += read
            if after is not None and after in shown and not typed:
                typed = True
                os.write(terminal, INTERRUPT)
        else:
            pytest.fail(f"it did not end: {shown.decode()}")
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)
    return shown.decode().replace("\r\n", "\n")


NIGHT = ("run", "--source", "simulator", "--scenario", "clonus", "--speed", "20")


@pytest.mark.parametrize("after", [b"Looking for", b"Connected to", b"Watching"])
def test_ctrl_c_in_a_terminal_ends_the_night_and_shows_no_fault(
    tmp_path: Path, after: bytes
) -> None:
    shown = in_a_terminal(NIGHT, tmp_path, after=after)

    assert shown.count("Night finished") == 1, shown
    assert ("Night finished. Nothing was watched" in shown) != ("To see it again" in shown), shown
    assert not [word for word in FAULTS if word in shown], shown


def test_sigint_to_the_whole_process_group_ends_the_night_without_a_fault(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "detector", "--data-dir", str(tmp_path), *NIGHT, "--no-mqtt")
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0
    ) as night:
        assert night.stdout is not None
        night.stdout.readline()
        os.killpg(night.pid, signal.SIGINT)
        said, talked = night.communicate(timeout=WITHIN_S)

    assert night.returncode == 0
    assert said.count("Night finished") == 1
    assert not [word for word in FAULTS if word in said + talked], talked
