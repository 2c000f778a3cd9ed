"""A house: broker, programs and the network between them, and what is known of each."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from detector.mqtt.properties import Received

from ..kit.brokers import free_port, start_mosquitto
from ..kit.waiting import until
from .fast_time import Clocks
from .history import Fact
from .plan import START, Plan
from .program import Program
from .proxy import Proxy


class House:
    """Everybody in it, and what is known of them."""

    def __init__(self, plan: Plan, folder: Path, speed: float) -> None:
        self.plan, self.folder, self.speed = plan, folder, speed
        self.clocks_file = folder / "clocks"
        self.clocks = Clocks.create(self.clocks_file, speed, round(START.timestamp() * 1e9))
        self.words_file = (folder / "words.txt").open("a+")
        self.environment = {
            **{k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"},
            "XDG_CONFIG_HOME": str(folder / "config"),
            "XDG_DATA_HOME": str(folder / "share"),
            "TZ": "Europe/Berlin",
        }
        self.facts: list[Fact] = []
        self.exits: list[str] = []
        self.followers: list[threading.Thread] = []
        self.late_s = 0.0
        self.port = free_port()
        self.broker: subprocess.Popen[bytes] | None = None
        self.proxies: dict[str, Proxy] = {}
        self.programs: dict[str, Program] = {}
        self.seen: dict[str, list[int]] = {}  # what each receiver has acknowledged
        self.last_n = 0
        self.wearer = ""

    @property
    def now_s(self) -> float:
        return self.clocks.mono_ns() / 1e9

    def take(
        self,
        what: str,
        who: str = "",
        *,
        word: str = "",
        fields: dict[str, Any] | None = None,
        t: float | None = None,
    ) -> None:
        self.facts.append(Fact(self.now_s if t is None else t, what, who, word, fields or {}))

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.speed)

    async def until(self, true: Callable[[], object], within_s: float, what: str) -> None:
        try:
            await until(true, within_s / self.speed)
        except TimeoutError:
            raise TimeoutError(f"{what} did not come within {within_s:.0f} s") from None

    def start_broker(self) -> None:
        conf = self.folder / "mosquitto.conf"
        conf.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\nuser root\n")
        self.broker = start_mosquitto(conf)

    def kill_broker(self) -> None:
        assert self.broker is not None
        self.broker.kill()
        self.broker.wait()

    def program(self, name: str, radio: str, *arguments: str) -> None:
        settings = self.folder / f"{name}.toml"
        port = self.proxies[name].port
        settings.write_text(
            f'[mqtt]\nbroker = "mqtt://127.0.0.1:{port}"\n[alerts]\nsound = false\n'
        )
        options = ["-c", str(settings), "--data-dir", str(self.data_of(name)), "--json"]
        self.programs[name] = Program(name, [radio, *options, *arguments], self)

    def data_of(self, name: str) -> Path:
        return self.folder / f"data-{name}"

    def hear(self, received: Received) -> None:
        """Take what the broker itself passes on: nobody's proxy is between."""
        leaf = received.topic.rsplit("/", 1)[-1]
        if leaf == "availability":
            self.wearer = received.topic.split("/")[-2]
            self.take("availability", word=received.payload.decode(errors="replace"))
        elif leaf in ("health", "seen"):
            with contextlib.suppress(ValueError, KeyError, TypeError):
                said = json.loads(received.payload)
                if leaf == "health":
                    self.last_n = int(said["last_n"])
                else:
                    self.seen.setdefault(str(said["by"]), []).append(int(said["upto"]))

    def end(self) -> None:
        for program in self.programs.values():
            program.send(signal.SIGCONT)
            program.wanted = False
            if program.process is not None:
                program.process.kill()
                program.process.wait()
        for follower in self.followers:
            follower.join(5)
        if self.broker is not None:
            self.broker.send_signal(signal.SIGCONT)
            self.kill_broker()
        self.words_file.close()
