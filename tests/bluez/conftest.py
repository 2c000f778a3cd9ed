"""The tests here need a D-Bus daemon, as every Linux desktop has one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from detector import systemd
from detector.sources import ble, bluez, radio, session
from firmware_sim import sensors

from ..kit.tools import lacking

pytest.importorskip("dbus_fast", reason="bleak talks D-Bus on Linux only")


@pytest.fixture(autouse=True)
def _dbus_daemon() -> None:
    if shutil.which("dbus-daemon") is None:
        lacking("dbus-daemon is missing: apt-get install dbus")


@pytest.fixture(autouse=True)
def _keen_sensors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let sensors advertise at the shortest interval that is allowed: half of a test is waiting."""
    monkeypatch.setattr(sensors, "ADVERTISING_INTERVAL_MS", 20.0, raising=False)


@pytest.fixture(autouse=True)
def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have BlueZ installed, as far as its bluetoothctl tells, with no radio blocked."""
    program = tmp_path / "bin" / "bluetoothctl"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho bluetoothctl: 5.66\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(bluez, "SYS", tmp_path / "sys")
    monkeypatch.setattr(systemd, "BOOTED", tmp_path)  # what a person types is systemd's


@pytest.fixture
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the source wait for less: what is tried is that it gives up, not when."""
    monkeypatch.setattr(session, "_CONNECT_S", 1.0)
    monkeypatch.setattr(session, "_REQUEST_S", 1.0)
    monkeypatch.setattr(session, "_QUIET_S", 0.5)
    monkeypatch.setattr(session, "_GOODBYE_S", 0.2)
    monkeypatch.setattr(session, "_DISCONNECT_S", 0.5)
    monkeypatch.setattr(ble, "_BACKOFF_S", (0.1, 0.2, 0.4))
    monkeypatch.setattr(radio, "_START_SCAN_S", 1.0)
    monkeypatch.setattr(bluez, "ANSWER_S", 1.0)
    monkeypatch.setattr(session, "_ASK_AGAIN_S", 0.1)
