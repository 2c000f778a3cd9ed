"""`listen` in one process hears a night in another, says what it plays, and notices its death."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from detector.mqtt import commands
from detector.mqtt.contract import Message
from detector.mqtt.endpoint import Endpoint
from detector.mqtt.link import Link
from detector.mqtt.security.keys import ServiceKeys, write_secret
from firmware_sim.trace_files import make_trace, save_trace
from tests.kit.brokers import free_port

PATIENCE_S = 90.0


class Running:
    """A command whose output is read while it runs."""

    def __init__(
        self, tmp_path: Path, name: str, *arguments: object, stdin: int | None = None
    ) -> None:
        self.output = tmp_path / f"{name}.txt"
        with self.output.open("w") as file:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "detector",
                    "--data-dir",
                    str(tmp_path),
                    *map(str, arguments),
                ],
                stdin=subprocess.DEVNULL if stdin is None else stdin,
                stdout=file,
                stderr=subprocess.STDOUT,
                cwd=tmp_path,
                # Unset, or lines would come at once whatever the command does.
                env={k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
                | {"XDG_CONFIG_HOME": str(tmp_path), "TZ": "UTC"},
            )

    @property
    def text(self) -> str:
        return self.output.read_text()

    def until(self, true: Callable[[str], bool]) -> str:
        """Wait for output."""
        late_s = time.monotonic() + PATIENCE_S
        while not true(self.text):
            assert time.monotonic() < late_s, self.text
            assert self.process.poll() is None, self.text
            time.sleep(0.05)
        return self.text

    def end(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    player = tmp_path / "play.sh"
    player.write_text(f'#!/bin/sh\nwc -c < "$1" >> {tmp_path}/played\n')
    player.chmod(0o755)
    config = tmp_path / "c.toml"
    write_secret(tmp_path / "signing.keys", ServiceKeys.new().with_new("anna").to_json())
    config.write_text(
        f'[mqtt]\nport = {free_port()}\nsigning_file = "{tmp_path}/signing.keys"\n'
        '[alerts]\nwake_for = ["2 spasms in 10min"]\n'
        f'sound_command = "{player}"\n'
    )
    return config


async def command_unsigned(port: int, topic: str) -> None:
    """Say for somebody who has a key that all was received."""
    link = Link(Endpoint(port=port), "stranger")
    running = asyncio.create_task(link.run())
    await asyncio.wait_for(link.connected(), PATIENCE_S)
    await link.publish(Message(topic, commands.seen("anna", "e", 1000)))
    running.cancel()
    await asyncio.wait({running})


def test_a_receiver_is_told_of_a_night_with_a_sound_and_of_its_death(tmp_path, settings):
    trace = tmp_path / "clonus.npz"
    save_trace(make_trace("clonus", seed=1, duration_s=1200), trace)
    options = ("-c", settings, "--data-dir", tmp_path)
    listen = Running(tmp_path, "listen", *options, "listen", "--simulated", "--name", "anna")
    night = Running(tmp_path, "run", *options, "run", "--source", "simulator", trace, "--speed", 20)
    try:
        said = listen.until(lambda text: "ALERT: 2 spasms in 10 min." in text)
        listen.until(lambda _: (tmp_path / "played").exists())
        assert "Listening as anna to sw/v1/simulated/" in said
        listen.until(lambda text: "Watching." in text)  # with the next heartbeat
        assert "Clonus, " in said
        (wearer,) = re.findall(r"/simulated/([a-z2-7]{10}) at 127", said)
        port = tomllib.loads(settings.read_text())["mqtt"]["port"]
        asyncio.run(command_unsigned(port, f"sw/v1/simulated/{wearer}/cmd/seen"))
        listen.until(lambda text: "commands of strangers" in text.lower())
        assert listen.end() == 130
        keyboard, terminal = os.openpty()
        arguments = (*options, "listen", "--simulated", "--name", "anna", "--test")
        listen = Running(tmp_path, "again", *arguments, stdin=terminal)
        still = (
            "ALERT still open since",
            "NOBODY ANSWERED",
        )  # where two minutes of the night passed
        listen.until(lambda text: any(words in text for words in still))
        listen.until(lambda text: "Did you hear the test? Press Enter." in text)
        os.write(keyboard, b"\n")
        listen.until(lambda text: "anna heard it" in text)
        os.write(keyboard, b"p 61\n")
        listen.until(lambda text: "Minutes must be from 1 to 60" in text)
        os.write(keyboard, b"p\n")
        said = listen.until(lambda text: "By anna" in text)
        assert re.search(r"Paused until \d\d:\d\d\. By anna", said)
        assert "Paused until" in night.until(lambda text: "Paused until" in text)
        os.write(keyboard, b"r\n")
        listen.until(lambda text: "The pause is over." in text)
        os.write(keyboard, b"a\n")
        listen.until(lambda text: "You are on it: nobody is told of it again." in text)
        listen.until(lambda text: "anna is on it: 2 spasms in 10 min." in text)
        night.until(lambda text: "anna is on it (" in text)
        os.write(keyboard, b"n Baclofen, 10 mg\n")
        listen.until(lambda text: "Note kept." in text)
        assert "Test over: reached anna." in said
        assert "ALERT: 2 spasms" not in said
        night.process.kill()
        listen.until(lambda text: "NOT WATCHING." in text)
        assert listen.end() == 130
        assert "Traceback" not in listen.text
    finally:
        for each in (night, listen):
            each.process.kill()
            each.process.wait()
    (memory,) = (tmp_path / "receivers").iterdir()
    assert json.loads(memory.read_text())["upto"] > 0


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (["--name", "Anna Müller"], 2, "is not a receiver's name"),
        (["--broker", "http://house"], 78, "mqtt.broker"),
        (["--wearer", "anna"], 78, "wearer must be 10 random characters"),
    ],
)
def test_what_cannot_be_listened_to_is_refused_with_a_sentence(process, arguments, code, why):
    done = process("listen", *arguments)
    assert done.returncode == code
    assert why in done.stderr
    assert "Traceback" not in done.stderr
