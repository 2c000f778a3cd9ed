"""The tests here need a D-Bus daemon, as every Linux desktop has one."""

from __future__ import annotations

import os
import shutil

import pytest

from detector.sources import ble, radio, session
from firmware_sim import sensors

pytest.importorskip("dbus_fast", reason="bleak talks D-Bus on Linux only")


@pytest.fixture(autouse=True)
def _dbus_daemon() -> None:
    if shutil.which("dbus-daemon") is None:
        if os.environ.get("SPASMWATCH_NOTHING_SKIPPED"):
            pytest.fail("dbus-daemon is missing: apt-get install dbus")
        pytest.skip("dbus-daemon is missing: apt-get install dbus")


@pytest.fixture(autouse=True)
def _keen_sensors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let sensors advertise at the shortest interval that is allowed: half of a test is waiting."""
    monkeypatch.setattr(sensors, "ADVERTISING_INTERVAL_MS", 20.0, raising=False)


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
