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
import signal
import sqlite3
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from detector.mqtt.endpoint import Endpoint
from detector.store.state import State
from firmware_sim.script import written

from ..kit.brokers import overhearing
from ..kit.traces import eventful, playing, save
from .history import Committed, History
from .house import House
from .plan import RECEIVERS, Plan
from .program import SERVICE
from .proxy import proxy_to
from .strikes import heal, strike_at

FS = 52.0
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


def trace_of(path: Path, plan: Plan) -> Path:
    """Save the motions of a seed, where something happens every few seconds, and quiet behind."""
    made = eventful(plan.seconds, FS, first=100 * plan.seed, turn=plan.seed, scenario_s=120.0)
    rng = np.random.default_rng(plan.seed)
    quiet = np.array([0.0, 0.0, 1.0]) + rng.normal(0, 0.002, (round(FS * 900.0), 3))
    return save(path, np.concatenate([made, np.round(quiet, 3)]), FS)


async def live_through(plan: Plan, folder: Path, *, speed: float) -> Outcome:
    """Have a plan happen to a house; return its history once everything may have been heard."""
    folder.mkdir(parents=True, exist_ok=True)
    house = House(plan, folder, speed)
    try:
        return await _night(house)
    except TimeoutError as error:
        house.words_file.seek(0)
        raise RuntimeError(f"{error}: {house.words_file.read()[-3000:]}") from error
    finally:
        house.end()


async def _night(house: House) -> Outcome:
    plan, notes = house.plan, []
    script = house.folder / "faults.toml"
    script.write_text(written(plan.script))
    trace = trace_of(house.folder / "trace.npz", plan)
    async with AsyncExitStack() as stack:
        house.start_broker()
        for name in (SERVICE, *RECEIVERS):
            house.proxies[name] = await stack.enter_async_context(proxy_to(house.port, house.speed))
        arguments = (str(trace), "--speed", str(house.speed), "--script", str(script))
        air = await stack.enter_async_context(playing(*arguments))
        endpoint = Endpoint(port=house.port)
        await stack.enter_async_context(overhearing(endpoint, house.hear))
        house.program(SERVICE, air.address, "run", "--source", "ble")
        house.programs[SERVICE].start()
        await house.until(lambda: house.wearer, SETTLING_S, "the service's first word")
        for name in RECEIVERS:
            house.program(name, "-", "listen", "--name", name, "--wearer", house.wearer)
            house.programs[name].start()
        await house.until(
            lambda: len(house.seen) == len(RECEIVERS) and has_samples(house),
            SETTLING_S,
            "the receivers' acknowledgement, or the first sample",
        )
        since = {name: house.seen[name][0] for name in RECEIVERS}
        beside = [asyncio.create_task(_supervise(house)), asyncio.create_task(_lateness(house))]
        began_s = house.now_s
        strikes = [asyncio.create_task(strike_at(house, each, began_s)) for each in plan.strikes]
        await house.sleep(plan.seconds)
        for strike in strikes:
            strike.cancel()
        await asyncio.gather(*strikes, return_exceptions=True)
        heal(house)
        await house.sleep(CALM_S)
        try:
            service = house.programs[SERVICE]
            await house.until(lambda: service.is_lit, SETTLING_S, "the service's return")
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


def has_samples(house: House) -> bool:
    """Return whether any have come over the air so far."""
    return any(fact.what == "samples" for fact in list(house.facts))


def _all_seen(house: House) -> bool:
    """Return whether each receiver has all of the log, and that is the one on the disk."""
    return house.epoch == _epoch_on_disk(house) and all(
        house.seen_of[name] == house.epoch and house.seen[name][-1] >= house.last_n
        for name in RECEIVERS
    )


def _epoch_on_disk(house: House) -> str:
    """Return the epoch of the state file; it never changes, so that no lock is needed."""
    uri = f"{(house.data_of(SERVICE) / 'state.sqlite').as_uri()}?immutable=1"
    with contextlib.closing(sqlite3.connect(uri, uri=True)) as db:
        return str(db.execute("SELECT value FROM meta WHERE name = 'epoch'").fetchone()[0])


def _heard(house: House, log: list[Committed]) -> bool:
    wanted = {entry.body for entry in log[-1:]}
    facts = list(house.facts)
    return all(
        wanted <= {fact.body for fact in facts if fact.what == "heard" and fact.who == name}
        for name in RECEIVERS
    )


def _committed(house: House) -> list[Committed]:
    with State.open(house.data_of(SERVICE) / "state.sqlite") as state:
        return [
            Committed(entry.n, str(entry.kind), json.loads(entry.body))
            for entry in state.replay_from(0, 1_000_000)
            if entry.kind in ("event", "alert")
        ]


async def _supervise(house: House) -> None:
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


async def _lateness(house: House) -> None:
    """Measure by how much this machine is late: nobody can show anything sooner."""
    while True:
        due_s = house.now_s + 0.5
        await house.sleep(0.5)
        house.late_s = max(house.late_s, house.now_s - due_s)
