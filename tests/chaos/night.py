"""One night of a house under a plan: the real commands, disk, broker and network; then its history.

`run` and two `listen` are processes of their own that live by the house's fast clocks
(`fast_time`); the sensor is a simulated one at the same speed, the broker a mosquitto, and between
each of them and the broker stands a proxy. mosquitto's own timers stay slow, so its last will
comes `speed` times too late: receivers have to notice by their own deadline.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from detector.mqtt.endpoint import Endpoint
from detector.mqtt.link import Link
from detector.mqtt.session import Received
from detector.night.offline import detect
from detector.store.state import State
from firmware_sim.child import running_air
from firmware_sim.motion.scenarios import scenario
from firmware_sim.script import written

from ..service.killed import MOSQUITTO
from .fast_time import Clocks
from .history import DARK, Committed, Fact, History
from .plan import RECEIVERS, START, Plan, Strike, What
from .proxy import Network, Proxy, proxy_to

SERVICE = "service"
FS, REST_S = 52.0, 2.0
SETTLING_S = 240.0  # of the house, until all is well at first; a machine under load needs long
CALM_S = 25.0  # behind the last strike: every time-out and pause between attempts is over
QUIET_S = 240.0  # within which everything is heard
STOPPING_S = 240.0
RETURN_S = 2.0  # after which a program that ended by itself is started again, as by systemd


@dataclass
class Outcome:
    """A night's history, and what else is worth telling of it."""

    history: History
    exits: list[str] = field(default_factory=list)  # of programs that ended by themselves
    words: str = ""  # of all programs, on stderr
    notes: list[str] = field(default_factory=list)

    @property
    def figures(self) -> dict[str, float]:
        """Return how much was tried."""
        history = self.history
        return {
            "entries": len(history.log),
            "heard": sum(1 for _ in history.of("heard")),
            "late_s": round(history.late_s, 2),
        }


class _Program:
    """A process of the house that is killed, frozen, and started again."""

    def __init__(self, name: str, command: list[str], house: _House) -> None:
        self.name = name
        self.wanted = False
        self.process: subprocess.Popen[str] | None = None
        self._command = command
        self._house = house
        self._word = DARK

    def start(self) -> None:
        self.wanted = True
        house = self._house
        tap_out, tap_in = os.pipe()
        own = [sys.executable, "-m", "tests.chaos.house_process", str(house.clocks_file)]
        self.process = subprocess.Popen(
            [*own, str(tap_in), *self._command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=house.words_file,
            text=True,
            pass_fds=[tap_in],
            env=house.environment,
        )
        os.close(tap_in)
        assert self.process.stdout is not None
        for stream in (os.fdopen(tap_out), self.process.stdout):
            thread = threading.Thread(target=self._follow, args=(self.process, stream), daemon=True)
            thread.start()
            house.followers.append(thread)

    def kill(self) -> None:
        self.wanted = False
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.dark()

    def send(self, number: int) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def dark(self) -> None:
        """Take that its screen shows nothing from now on."""
        self._house.take("shown", self.name, word=DARK)

    def light(self) -> None:
        """Take that its screen shows again what it showed."""
        self._house.take("shown", self.name, word=self._word)

    def _follow(self, process: subprocess.Popen[str], stream: Any) -> None:
        """Take its lines, in a thread: a pipe that fills would hold it up."""
        with stream:
            for line in stream:
                with contextlib.suppress(ValueError):
                    said = json.loads(line)
                    if process is self.process and isinstance(said, dict):
                        self._said(said)

    def _said(self, said: dict[str, Any]) -> None:
        if said.get("what") == "samples":
            self._house.take("samples", t=said["t"])
        elif "schema" in said:
            if self.name != SERVICE:
                word = "superseded" if said.pop("superseded", False) else ""
                self._house.take("heard", self.name, word=word, fields=said)
        elif "what" in said or (self.name != SERVICE and "state" in said):
            self._word = str(said.get("word", said.get("state")))
            self._house.take("shown", self.name, word=self._word)


class _House:
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
        self.port = _free_port()
        self.broker: subprocess.Popen[bytes] | None = None
        self.proxies: dict[str, Proxy] = {}
        self.programs: dict[str, _Program] = {}
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
            async with asyncio.timeout(within_s / self.speed):
                while not true():
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise TimeoutError(f"{what} did not come within {within_s:.0f} s") from None

    def start_broker(self) -> None:
        conf = self.folder / "mosquitto.conf"
        conf.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\nuser root\n")
        assert MOSQUITTO is not None
        self.broker = subprocess.Popen(
            [MOSQUITTO, "-c", str(conf)], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )

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
        self.programs[name] = _Program(name, [radio, *options, *arguments], self)

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


def trace_of(path: Path, plan: Plan) -> Path:
    """Save the motions of a seed, where something happens every few seconds, and quiet behind."""
    pieces: list[np.ndarray] = []
    for part in range(100):
        name = ("spasms", "clonus", "mixed", "plm")[(plan.seed + part) % 4]
        made = scenario(name, seed=100 * plan.seed + part, fs=FS, duration_s=120.0).samples
        for event in detect(made, FS):
            first, stop = max(0.0, event.onset_s - REST_S), event.end_s + REST_S
            pieces.append(made[round(first * FS) : round(stop * FS)])
        if sum(map(len, pieces)) >= plan.seconds * FS:
            break
    rng = np.random.default_rng(plan.seed)
    pieces.append(np.array([0.0, 0.0, 1.0]) + rng.normal(0, 0.002, (round(FS * 900.0), 3)))
    np.savez(path, acc=np.round(np.concatenate(pieces), 3), fs=FS)
    return path


async def live_through(plan: Plan, folder: Path, *, speed: float) -> Outcome:
    """Have a plan happen to a house; return its history once everything may have been heard."""
    folder.mkdir(parents=True, exist_ok=True)
    house = _House(plan, folder, speed)
    try:
        return await _night(house)
    except TimeoutError as error:
        house.words_file.seek(0)
        raise RuntimeError(f"{error}: {house.words_file.read()[-3000:]}") from error
    finally:
        house.end()


async def _night(house: _House) -> Outcome:
    plan, notes = house.plan, []
    script = house.folder / "faults.toml"
    script.write_text(written(plan.script))
    trace = trace_of(house.folder / "trace.npz", plan)
    async with AsyncExitStack() as stack:
        house.start_broker()
        for name in (SERVICE, *RECEIVERS):
            house.proxies[name] = await stack.enter_async_context(proxy_to(house.port, house.speed))
        arguments = (str(trace), "--speed", str(house.speed), "--script", str(script))
        air = await stack.enter_async_context(running_air(*arguments))
        draining = asyncio.create_task(_drain(air))
        stack.callback(draining.cancel)
        await stack.enter_async_context(_overhearing(house))
        house.program(SERVICE, air.address, "run", "--source", "ble")
        house.programs[SERVICE].start()
        await house.until(lambda: house.wearer, SETTLING_S, "the service's first word")
        for name in RECEIVERS:
            house.program(name, "-", "listen", "--name", name, "--wearer", house.wearer)
            house.programs[name].start()
        await house.until(
            lambda: len(house.seen) == len(RECEIVERS) and any(house_samples(house)),
            SETTLING_S,
            "the receivers' acknowledgement, or the first sample",
        )
        since = {name: house.seen[name][0] for name in RECEIVERS}
        beside = [asyncio.create_task(_supervise(house)), asyncio.create_task(_lateness(house))]
        began_s = house.now_s
        strikes = [asyncio.create_task(_strike(house, each, began_s)) for each in plan.strikes]
        await house.sleep(plan.seconds)
        for strike in strikes:
            strike.cancel()
        await asyncio.gather(*strikes, return_exceptions=True)
        _heal(house)
        await house.sleep(CALM_S)
        try:
            await house.until(lambda: _all_seen(house), QUIET_S, "the last acknowledgement")
        except TimeoutError as error:
            notes.append(str(error))
        beside[0].cancel()
        house.take("asked")
        house.programs[SERVICE].send(signal.SIGTERM)
        ended = house.programs[SERVICE].process
        assert ended is not None
        with contextlib.suppress(TimeoutError):
            await house.until(lambda: ended.poll() is not None, STOPPING_S, "the end")
        notes += [] if ended.poll() == 0 else [f"the service ended with {ended.poll()}"]
        log = _committed(house)
        with contextlib.suppress(TimeoutError):
            await house.until(lambda: _heard(house, log), 30.0, "the last entry")
        beside[1].cancel()
        house.take("end")
    house.words_file.seek(0)
    facts = sorted(house.facts, key=lambda fact: fact.t)
    # Screens and what is heard are stamped by this process, which is as late as the machine is.
    history = History(facts, log, since, house.late_s)
    return Outcome(history, house.exits, house.words_file.read(), notes)


def house_samples(house: _House) -> list[Fact]:
    """Return what has come over the air so far."""
    return [fact for fact in list(house.facts) if fact.what == "samples"]


def _all_seen(house: _House) -> bool:
    return all(house.seen[name][-1] >= house.last_n for name in RECEIVERS)


def _heard(house: _House, log: list[Committed]) -> bool:
    wanted = {entry.body for entry in log[-1:]}
    facts = list(house.facts)
    return all(
        wanted <= {fact.body for fact in facts if fact.what == "heard" and fact.who == name}
        for name in RECEIVERS
    )


def _committed(house: _House) -> list[Committed]:
    with State.open(house.data_of(SERVICE) / "state.sqlite") as state:
        return [
            Committed(entry.n, str(entry.kind), json.loads(entry.body))
            for entry in state.replay_from(0, 1_000_000)
            if entry.kind in ("event", "alert")
        ]


async def _strike(house: _House, strike: Strike, began_s: float) -> None:
    """Have a strike happen, and undo it at its end."""
    await house.sleep(began_s + strike.at_s - house.now_s)
    service, program = house.programs[SERVICE], house.programs.get(strike.whom)
    match strike.what:
        case What.KILL_SERVICE:
            service.kill()
            await house.sleep(strike.for_s)
            service.start()
        case What.FREEZE_SERVICE:
            service.send(signal.SIGSTOP)
            service.dark()
            await house.sleep(strike.for_s)
            await _thaw(house)
        case What.KILL_RECEIVER if program is not None:
            program.kill()
            await house.sleep(strike.for_s)
            program.start()
        case What.KILL_BROKER:
            house.kill_broker()
            await house.sleep(strike.for_s)
            house.start_broker()
        case What.FREEZE_BROKER if house.broker is not None:
            house.broker.send_signal(signal.SIGSTOP)
            await house.sleep(strike.for_s)
            house.broker.send_signal(signal.SIGCONT)
        case What.NETWORK:
            house.proxies[strike.whom].network = strike.network
            await house.sleep(strike.for_s)
            house.proxies[strike.whom].network = Network.WORKS
        case What.CLOCK:
            house.clocks.step(round(strike.step_s * 1e9))
        case What.DISK_FULL | What.DISK_REFUSES:
            largest = 0
            if strike.what is What.DISK_FULL:
                files = [p for p in house.data_of(SERVICE).rglob("*") if p.is_file()]
                largest = max((path.stat().st_size for path in files), default=0)
            _limit_files(house, largest)
            await house.sleep(strike.for_s)
            _limit_files(house, resource.RLIM_INFINITY)


async def _thaw(house: _House) -> None:
    """Let a frozen service go on; it has 2 s before its screen counts again."""
    service = house.programs[SERVICE]
    process = service.process
    service.send(signal.SIGCONT)
    await house.sleep(2.0)
    if service.process is process and process is not None and process.poll() is None:
        service.light()


def _limit_files(house: _House, size: int) -> None:
    """Limit how long a file of the service may be: the disk is full, or refuses every write."""
    process = house.programs[SERVICE].process
    if process is not None and process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def _heal(house: _House) -> None:
    """End every strike."""
    for proxy in house.proxies.values():
        proxy.network = Network.WORKS
    assert house.broker is not None
    house.broker.send_signal(signal.SIGCONT)
    if house.broker.poll() is not None:
        house.start_broker()
    for program in house.programs.values():
        program.send(signal.SIGCONT)
        if not program.wanted:
            program.start()
    _limit_files(house, resource.RLIM_INFINITY)


async def _supervise(house: _House) -> None:
    """Start a program again that ended by itself, as systemd would, and remember that it did."""
    while True:
        await house.sleep(0.5)
        for program in house.programs.values():
            process = program.process
            if program.wanted and process is not None and process.poll() is not None:
                house.exits.append(f"{house.now_s:.1f} s {program.name}: exit {process.poll()}")
                program.dark()
                program.wanted = False  # until it is started
                await house.sleep(RETURN_S)
                if not program.wanted:
                    program.start()


async def _lateness(house: _House) -> None:
    """Measure by how much this machine is late: nobody can show anything sooner."""
    while True:
        due_s = house.now_s + 0.5
        await house.sleep(0.5)
        house.late_s = max(house.late_s, house.now_s - due_s)


@asynccontextmanager
async def _overhearing(house: _House) -> AsyncIterator[None]:
    link = Link(Endpoint(port=house.port), "overhearing")
    running = asyncio.create_task(link.run())
    try:
        await link.subscribe("sw/v1/#", house.hear, most_bytes=65_536)
        await asyncio.wait_for(link.connected(), 20)
        yield
    finally:
        running.cancel()
        await asyncio.wait({running})


async def _drain(air: Any) -> None:
    async for _ in air.events():
        pass


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def within(plan: Plan, seconds: float) -> Plan:
    """Return a plan without its strikes from `seconds` on."""
    return replace(plan, strikes=tuple(s for s in plan.strikes if s.at_s < seconds))
