"""Real brokers on loopback and the real log, for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from detector.store.state import State

from ..kit.brokers import MISSING, MOSQUITTO, free_port, running_mosquitto
from ..kit.tools import lacking
from .publishing import WEARER, StoredLog


@pytest.fixture
def mosquitto() -> str:
    """Path of the real mosquitto."""
    if MOSQUITTO is None:
        lacking(MISSING)
    return MOSQUITTO


@pytest.fixture(params=["mosquitto", "embedded"])
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of broker we can start."""
    if request.param == "mosquitto":
        request.getfixturevalue("mosquitto")
    return str(request.param)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody returns ten times sooner than in a house."""
    monkeypatch.setattr("detector.mqtt.link.RETRY_FIRST_S", 0.025)
    monkeypatch.setattr("detector.mqtt.link.RETRY_MOST_S", 0.2)
    monkeypatch.setattr("detector.mqtt.broker.RESTART_FIRST_S", 0.01)
    monkeypatch.setattr("detector.mqtt.broker.RESTART_MOST_S", 0.05)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[StoredLog]:
    with State.open(tmp_path / "state.sqlite", wearer=WEARER) as state:
        state.open_channel("mqtt", from_start=True)
        yield StoredLog(state)


@pytest.fixture
def mosquitto_with(
    mosquitto: str, tmp_path: Path
) -> Callable[..., AbstractAsyncContextManager[int]]:
    """Start mosquitto as somebody else would, with settings of their own; return its port."""

    @asynccontextmanager
    async def start(*settings: str, files: dict[str, str] | None = None) -> AsyncIterator[int]:
        port = free_port()
        tmp_path.chmod(0o755)
        for name, text in (files or {}).items():
            (tmp_path / name).write_text(text)
        lines = (f"listener {port} 127.0.0.1", "user root", "log_type none", *settings, "")
        conf = tmp_path / "theirs.conf"
        conf.write_text("\n".join(lines).replace("{dir}", str(tmp_path)))
        async with running_mosquitto(conf, port):
            yield port

    return start
