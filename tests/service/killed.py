"""A house whose service is killed again and again: sensor, broker and listener outlive it."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from detector.block import Stretch, extend
from detector.channels import Entry
from detector.devices.stream import LinkUp
from detector.events import Event, from_dict
from detector.mqtt.endpoint import Endpoint
from detector.mqtt.properties import Received
from detector.store.formats.reader import open_recording
from detector.store.recording import Recording
from detector.store.state import State
from firmware_sim.child import Air

from ..kit.brokers import free_port, overhearing, running_mosquitto
from ..kit.traces import playing
from ..kit.waiting import until

SETTLING_S = 30.0  # for a machine under load; a quiet one needs two
CALM_S = 6.0  # after the last kill: it watches for a while
WORD_WITHIN_S = 8.0  # to wait for a word of which the kill follows


class When(StrEnum):
    """Moment of a kill."""

    STARTING = "while it starts"  # before, during and after it takes in what was recorded
    TOLD = "as it told something"  # around its commits
    ANY = "at any moment"


@dataclass
class Killed:
    """What became of a night whose service was killed."""

    kills: list[When] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    unsent: int = 0
    wearers: set[str] = field(default_factory=set)
    recordings: list[Path] = field(default_factory=list)
    sessions: list[int] = field(default_factory=list)  # of the connections, as recorded
    stretches: list[Stretch] = field(default_factory=list)
    detected: list[Event] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)  # files that should not be there
    words: str = ""  # of the service on its screen, all starts
    exit_code: int | None = None
    took_s: float = 0.0

    def bodies(self, leaf: str) -> list[str]:
        """Return the payloads of a topic, as they came."""
        return [r.payload.decode() for r in self.received if r.topic.endswith(f"/{leaf}")]

    @property
    def told(self) -> list[Event]:
        """Every form of every event, in the order of the log."""
        return [from_dict(json.loads(e.body)) for e in self.entries if e.kind == "event"]

    @property
    def gaps_s(self) -> list[tuple[float, float]]:
        """Where samples are missing, seconds of the recording."""
        pairs = zip(self.stretches, self.stretches[1:], strict=False)
        return [(one.stop / one.fs, other.start_s) for one, other in pairs]


class _House:
    """The service as a process, and everybody who outlives it."""

    def __init__(self, folder: Path, air: Air, port: int) -> None:
        self.data = folder / "data"
        config = folder / "settings.toml"
        config.write_text(f'[mqtt]\nbroker = "mqtt://127.0.0.1:{port}"\n')
        options = ["-c", str(config), "--data-dir", str(self.data), "--plain"]
        self._command = [sys.executable, "-m", "detector", *options, "run", "--radio", air.address]
        self._screen = folder / "screen.txt"
        self._process: subprocess.Popen[bytes] | None = None
        self.received: list[Received] = []
        self.fresh = asyncio.Event()

    def hear(self, received: Received) -> None:
        """Keep what the broker passes on."""
        self.received.append(received)
        if received.topic.endswith(("/event", "/alert")):
            self.fresh.set()

    def start(self) -> None:
        """Start the service."""
        with self._screen.open("ab") as screen:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=screen, stderr=subprocess.STDOUT
            )

    def kill(self) -> None:
        """Kill the service; it must have been running."""
        assert self._process is not None
        assert self._process.poll() is None, f"it ended by itself:\n{self.words()[-3000:]}"
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    async def stop(self) -> int:
        """End the service as a person does; return the exit code."""
        assert self._process is not None
        self._process.terminate()
        return await asyncio.to_thread(self._process.wait, 60)

    def end(self) -> None:
        """Leave nothing running."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def words(self) -> str:
        return self._screen.read_text(errors="replace")

    @property
    def simulated(self) -> Path:
        return self.data / "simulated"


async def live_through(
    trace: Path, folder: Path, whens: Sequence[When], *, seed: int, most_s: float
) -> Killed:
    """Watch a virtual sensor and kill the service at random moments; start it again at once.

    Parameters
    ----------
    most_s : longest pause before a kill at any moment
    """
    rng, outcome, began_s = random.Random(seed), Killed(), time.monotonic()
    async with AsyncExitStack() as stack:
        port = free_port()
        conf = folder / "mosquitto.conf"
        conf.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
        await stack.enter_async_context(running_mosquitto(conf, port))
        air = await stack.enter_async_context(playing(str(trace)))
        house = _House(folder, air, port)
        stack.callback(house.end)
        await stack.enter_async_context(overhearing(Endpoint(port=port), house.hear))
        house.start()
        await _streaming(house)
        for when in whens:
            await _moment(when, rng, house, most_s)
            house.kill()
            outcome.kills.append(when)
            house.start()
            outcome.wearers |= _wearer(house)
        await _streaming(house, more=True)
        await asyncio.sleep(CALM_S)
        outcome.exit_code = await house.stop()
        await _heard_all(house)
        outcome.received, outcome.words = house.received, house.words()
    with State.open(house.simulated / "state.sqlite") as state:
        outcome.entries = state.replay_from(0, 1_000_000)
        outcome.unsent = state.depth("mqtt")
        outcome.wearers.add(state.wearer)
    known = {"state.sqlite", "state.sqlite.lock", "wearer", "nights", "heartbeat"}
    outcome.leftovers = [p.name for p in house.simulated.iterdir() if p.name not in known]
    outcome.recordings = sorted((house.simulated / "nights").iterdir())
    path = outcome.recordings[0]
    with Recording.open(path) as recording:
        ups = [item for item in recording.items() if isinstance(item, LinkUp)]
        outcome.sessions = [up.session for up in ups]
    with open_recording(path) as reader:
        for block in reader.blocks():
            extend(outcome.stretches, block)
    outcome.detected = _detected(path, house)
    outcome.took_s = time.monotonic() - began_s
    return outcome


async def _moment(when: When, rng: random.Random, house: _House, most_s: float) -> None:
    """Wait for the moment of a kill."""
    match when:
        case When.STARTING:
            await asyncio.sleep(rng.uniform(0.0, 1.5))
        case When.TOLD:
            house.fresh.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(house.fresh.wait(), WORD_WITHIN_S)
            await asyncio.sleep(rng.uniform(0.0, 0.05))
        case When.ANY:
            await asyncio.sleep(rng.uniform(1.5, most_s))


async def _streaming(house: _House, *, more: bool = False) -> None:
    """Wait until the service says that it watches; `more`: as the latest word of this start."""
    since = len(house.received) if more else 0

    def watches() -> bool:
        states = [r.payload for r in house.received[since:] if r.topic.endswith("/state")]
        return any(json.loads(payload)["state"] != "no_signal" for payload in states)

    await until(watches, SETTLING_S)


async def _heard_all(house: _House) -> None:
    """Wait for the last word, behind which nothing comes."""
    await until(lambda: any(r.payload == b"stopped" for r in house.received[-20:]), SETTLING_S)


def _wearer(house: _House) -> set[str]:
    with suppress(OSError):
        return {(house.simulated / "wearer").read_text().strip()}
    return set()


def _detected(path: Path, house: _House) -> list[Event]:
    """Return what an undisturbed run finds in the recording."""
    done = subprocess.run(
        [sys.executable, "-m", "detector", "detect", str(path), "--json"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "XDG_CONFIG_HOME": str(house.data / "no-settings")},
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    return [from_dict(event) for event in found]
