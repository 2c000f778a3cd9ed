"""`spasmwatch ha`: what it prints, publishes and takes back, and what Home Assistant may do."""

from __future__ import annotations

import asyncio
import json
import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from detector.config import read_configuration
from detector.mqtt.contract import Message, Topics
from detector.mqtt.endpoint import Endpoint, configured
from detector.mqtt.home_assistant.blueprint import text
from detector.mqtt.link import Link
from detector.store import wearer_file
from tests.kit.brokers import free_port, listening, needs_mosquitto, running_mosquitto
from tests.kit.waiting import running, until

from ..conftest import Done

Run = Callable[..., Done]
WEARER = "k3vq7m2xta"
TOPIC = f"homeassistant/device/spasmwatch_{WEARER}/config"
DENIED = 135


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder after a first night."""
    (folder := tmp_path / "data").mkdir()
    wearer_file.write(folder, WEARER)
    return folder


def test_a_dry_run_prints_the_discovery_and_needs_no_broker(spasmwatch: Run, data: Path) -> None:
    done = spasmwatch("ha", "discovery", "--dry-run", "--data-dir", data, "--json")

    said = json.loads(done.stdout)
    assert (done.returncode, said["topic"], said["retain"]) == (0, TOPIC, True)
    assert said["payload"]["cmps"].keys() >= {"state", "problem", "watching", "begins", "ended"}
    assert json.loads(spasmwatch("ha", "discovery", "--dry-run", "--data-dir", data).stdout) == said


def test_before_the_first_night_it_says_what_to_start(spasmwatch: Run, tmp_path: Path) -> None:
    done = spasmwatch("ha", "discovery", "--dry-run", "--data-dir", tmp_path)

    assert done.returncode == 2
    assert "has no wearer yet: start" in done.stderr


@needs_mosquitto
def test_it_publishes_what_home_assistant_keeps_and_removes_it(
    spasmwatch: Run, data: Path, tmp_path: Path
) -> None:
    port = free_port()
    (conf := tmp_path / "theirs.conf").write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true"
    )
    flags = {
        "SPASMWATCH_MQTT__BROKER": f"mqtt://127.0.0.1:{port}",
        "SPASMWATCH_MQTT__HOME_ASSISTANT": "true",
    }

    async def kept() -> list[str]:
        async with listening(Endpoint(port=port), "homeassistant/#") as ear:
            await asyncio.sleep(0.2)
            return ear.topics()

    async def check() -> None:
        async with running_mosquitto(conf, port):
            for verb, then in (("discovery", [TOPIC]), ("remove", [])):
                done = await asyncio.to_thread(spasmwatch, "ha", verb, "--data-dir", data, **flags)
                assert done.returncode == 0, done.stderr
                assert await kept() == then
            assert "delete home_assistant = true" in done.stderr

    asyncio.run(check())


def test_without_a_broker_it_names_the_one_that_is_not_there(spasmwatch: Run, data: Path) -> None:
    there = f"127.0.0.1:{free_port()}"
    done = spasmwatch("ha", "remove", "--data-dir", data, SPASMWATCH_MQTT__BROKER=f"mqtt://{there}")

    assert done.returncode == 69
    assert f"nothing listens on {there}" in done.stderr


def test_the_blueprint_is_written_once_and_asks_for_eight_things(
    spasmwatch: Run, tmp_path: Path
) -> None:
    file = tmp_path / "night.yaml"

    assert spasmwatch("ha", "blueprint").stdout.strip() == text().strip()
    assert spasmwatch("ha", "blueprint", "--out", file).returncode == 0
    assert file.read_text() == text()
    assert spasmwatch("ha", "blueprint", "--out", file).returncode == 2
    inputs = text().partition("  input:\n")[2].partition("\nmode:")[0]
    assert len(re.findall(r"^    \w+:$", inputs, re.MULTILINE)) <= 8
    assert "flash" not in re.sub("without flashing", "", text())


@needs_mosquitto
def test_home_assistant_gets_a_login_that_may_press_buttons_and_nothing_else(
    spasmwatch: Run, tmp_path: Path
) -> None:
    folder, port = tmp_path / "security", free_port()
    done = spasmwatch(
        *("setup", "tls", "--caregiver", "anna", "--host", "localhost"),
        *("--port", port, "--folder", folder, "--installed", folder / "broker"),
    )
    assert done.returncode == 0, done.stderr
    done = spasmwatch("setup", "tls", "--add", "home-assistant", "--folder", folder)
    assert done.returncode == 0, done.stderr
    assert "user home-assistant" in done.stdout + done.stderr
    theirs = folder / "caregivers" / "home-assistant"
    assert {each.name for each in theirs.iterdir()} == {"password", "ca.crt"}
    assert stat.S_IMODE((theirs / "password").stat().st_mode) == 0o600
    here = configured(read_configuration(folder / "service/config.toml", environ={}).settings.mqtt)
    assert here is not None
    password = (theirs / "password").read_text().strip()
    there = Endpoint(
        host="localhost", port=port, username="home-assistant", password=password, tls=here.tls
    )
    topics = Topics(wearer=WEARER)

    async def code_of(link: Link, topic: str) -> int:
        return (await link.publish(Message(topic, "PRESS"))).reason_code

    async def check() -> None:
        (conf := tmp_path / "debian.conf").write_text(
            f"user root\nlog_dest none\ninclude_dir {folder / 'broker'}\n"
        )
        async with running_mosquitto(conf, port), listening(here, "#") as ear:
            link = Link(there, "home-assistant-itself")
            async with running(link.run()):
                await asyncio.wait_for(link.connected(), 10)
                pressed = f"{topics.base}/ha/pause"
                assert await code_of(link, pressed) < 128
                assert await code_of(link, "homeassistant/status") < 128
                await until(lambda: {pressed, "homeassistant/status"} <= set(ear.topics()))
                for topic in (f"{topics.base}/cmd/pause", f"{topics.base}/state", TOPIC):
                    assert await code_of(link, topic) == DENIED
                async with listening(there, "homeassistant/#") as theirs_ear:
                    assert await code_of(ear.link, TOPIC) < 128
                    await until(lambda: TOPIC in theirs_ear.topics())

    asyncio.run(check())
