"""Which command stops a process: that of its unit where it is in one of ours, else none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from detector.supervision.watchdog import BY_HAND, FIRST_S, HeartbeatWatch
from detector.systemd import control, is_running


@pytest.mark.parametrize(
    ("cgroup", "command"),
    [
        (
            "0::/user.slice/user-1000.slice/user@1000.service/app.slice/spasmwatch.service\n",
            "systemctl --user stop spasmwatch.service",
        ),
        ("0::/system.slice/spasmwatch.service\n", "sudo systemctl stop spasmwatch.service"),
        (  # of cgroups version 1
            "12:pids:/system.slice/x\n1:name=systemd:/system.slice/spasmwatch-two.service\n0::/\n",
            "sudo systemctl stop spasmwatch-two.service",
        ),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/konsole.service\n", None),
        ("0::/user.slice/user-1000.slice/session-3.scope\n", None),
        ("0::/system.slice/spasmwatch.service/inner\n", None),
        ("", None),
    ],
)
def test_a_process_is_stopped_by_its_unit_where_that_is_ours(
    tmp_path: Path, cgroup: str, command: str | None
) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "cgroup").write_text(cgroup)
    assert control("stop", 7, proc=tmp_path) == command


def test_a_process_that_is_gone_has_no_unit(tmp_path: Path) -> None:
    assert control("stop", 8, proc=tmp_path) is None
    assert control("stop", os.getpid()) is None
    assert not is_running(tmp_path / "none")


def test_the_watchdog_says_how_to_start_what_does_not_run() -> None:
    assert "systemctl --user start spasmwatch" in BY_HAND
    told = HeartbeatWatch("boot", 0.0, "systemctl --user start x").trouble(None, FIRST_S)
    assert told is not None
    assert told.endswith("Start it: systemctl --user start x.")
