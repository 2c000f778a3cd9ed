"""Whatever part raises: the night goes on, the fault is told, nothing committed is lost.

python -m tests.service.test_faults_within --faults 200     every part, at that many moments
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from detector.alerts.conditions import Condition
from detector.cli.night.simulated import source_on
from detector.config import Settings, read_configuration
from detector.events import Origin
from detector.mqtt.properties import Received
from detector.service import supervisor
from detector.service.assembly import assembled
from detector.service.supervisor import SETTLED_S, PartLostError
from detector.sources.clock import ScaledClock
from detector.sources.radio import Adapter
from detector.sources.simulated_time import SampleTimedSource
from detector.store.state import State
from firmware_sim.child import running_air
from firmware_sim.motion.scenarios import scenario

from ..kit.brokers import overhearing
from ..kit.traces import save
from ..kit.waiting import until
from .faulty import PARTS, Faults, injected, moments

SPEED = 60.0
LOST_S = 3.0  # of samples, by one fault
EVERY_PART = ("decoder", *PARTS)


@dataclass
class Result:
    """What became of a night with faults in it."""

    raised: int
    samples: int
    expected: int
    words: list[tuple[str, bytes]]
    logged: list[str]
    faults_told: list[str]
    took_s: float

    @property
    def lost_s(self) -> float:
        return (self.expected - self.samples) / 52.0

    def bodies(self, leaf: str) -> list[bytes]:
        return [body for topic, body in self.words if topic.endswith(f"/{leaf}")]


async def live_through(
    part: str,
    trace: Path,
    folder: Path,
    moments_s: Sequence[float],
    *,
    sensors: int = 1,
    words: list[tuple[str, bytes]] | None = None,
) -> Result:
    """Watch virtual sensors play a trace while a part raises; a second client listens."""
    faults = Faults(moments_s)
    began_s = time.monotonic()
    words = [] if words is None else words
    async with AsyncExitStack() as stack:
        arguments = (str(trace), "--speed", str(SPEED), "--sensors", str(sensors))
        air = await stack.enter_async_context(running_air(*arguments))
        settings = settings_for(folder, [sensor["address"] for sensor in air.sensors])
        clock, adapter = ScaledClock(SPEED), Adapter()
        sources = [
            SampleTimedSource(source_on(air.address, clock, sensor.device, adapter), clock)
            for sensor in settings.sensors
        ]
        stack.enter_context(injected(part, faults))
        made = await stack.enter_async_context(
            assembled(
                settings,
                sources=sources,
                origin=Origin.SIMULATED,
                clock=clock,
                tell=lambda _: None,
                pace=SPEED,
                free_port=True,
            )
        )
        ended = asyncio.ensure_future(air.wait())
        ended.add_done_callback(lambda _: asyncio.ensure_future(made.service.stop()))
        assert made.broker.endpoint is not None

        def hear(received: Received) -> None:
            words.append((received.topic, received.payload))

        await stack.enter_async_context(overhearing(made.broker.endpoint, hear))
        faults.begin(lambda: made.night.monitored_s)
        try:
            await made.service.run()
        finally:
            samples = made.night.samples
            await last_word(words)
    with np.load(trace) as file:
        expected = sensors * len(file["acc"])
    with State.open(folder / "data" / "simulated" / "state.sqlite") as state:
        waiting = {entry.n for entry in state.read("mqtt", 100_000)}  # for the next start
        entries = state.replay_from(0, 100_000)
        logged = [entry.body for entry in entries if entry.n not in waiting]
        assert len(waiting) < 10, f"{len(waiting)} entries wait at the end"
    alerts = [json.loads(body) for topic, body in words if topic.endswith("/alert")]
    told = [alert["state"] for alert in alerts if alert["kind"] == Condition.INTERNAL_FAULT]
    took_s = time.monotonic() - began_s
    return Result(faults.raised, samples, expected, words, logged, told, took_s)


async def last_word(words: list[tuple[str, bytes]]) -> None:
    """Wait until the helper has received what is said at the end."""

    def over() -> bool:
        said = [body for topic, body in words if topic.endswith("/availability")]
        return said[-1] != b"online"

    await until(over, 5)


def settings_for(folder: Path, addresses: Sequence[str]) -> Settings:
    """Return the settings of a wearer of these sensors, who tells a mosquitto of our own."""
    config = folder / "settings.toml"
    lines = [f'[sensor]\ndevice = "{addresses[0]}"\nlabel = "left"']
    lines += [f'[[another_sensor]]\ndevice = "{a}"\nlabel = "right"' for a in addresses[1:]]
    config.write_text("\n".join(lines))
    flags = {"data_dir": folder / "data", "mqtt.broker": "mosquitto"}
    return read_configuration(config, environ={}, flags=flags).settings


def mixed(folder: Path, length_s: float, seed: int = 1) -> Path:
    made = scenario("mixed", seed=seed, fs=52.0, duration_s=length_s)
    return save(folder / "trace.npz", np.round(made.samples[: int(52 * length_s)], 3), 52.0)


def check(part: str, outcome: Result, wanted: int) -> None:
    assert outcome.raised >= 0.9 * wanted, f"only {outcome.raised} faults came"
    # The link of a driver that raised is made anew in real time, however fast the night runs.
    scale = SPEED if part == "decoder" else 1.0
    assert outcome.lost_s <= LOST_S * scale * outcome.raised, f"{outcome.lost_s:.0f} s are lost"
    assert {"raised", "resolved"} <= set(outcome.faults_told), f"told {outcome.faults_told[-3:]}"
    heard = {body.decode() for leaf in ("event", "alert") for body in outcome.bodies(leaf)}
    unheard = [
        body for body in outcome.logged if '"schema": "status' not in body and body not in heard
    ]
    assert unheard == [], f"{len(unheard)} were not heard, such as {unheard[0][:200]}"
    availability = outcome.bodies("availability")
    assert b"stopped" not in availability[:-1], f"said {availability}"
    assert availability[-1] == b"stopped", "the trace ended, as was wished"


@pytest.mark.parametrize("part", EVERY_PART)
def test_a_part_that_raises_costs_seconds_and_no_word(part: str, config_home: Path) -> None:
    length_s = 300.0  # room for four faults, each long after the part was started again
    trace = mixed(config_home, length_s)
    count = 1 if part == "decoder" else 4
    when = moments(count, length_s - 90.0, seed=len(part), apart_s=SETTLED_S + 1)

    sensors = 2 if part == "fusion" else 1
    outcome = asyncio.run(live_through(part, trace, config_home, when, sensors=sensors))
    check(part, outcome, len(when))


def test_a_part_that_cannot_be_kept_alive_ends_the_process_and_nobody_hears_stopped(
    config_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "MOST_FAILURES", 5)
    trace = mixed(config_home, 300.0)

    with pytest.raises(PartLostError, match="tick failed 6 times in a row"):
        asyncio.run(live_through("tick", trace, config_home, [0.0] * 10_000, words=(words := [])))

    availability = [body for topic, body in words if topic.endswith("/availability")]
    assert availability[-1] == b"offline"
    assert b"stopped" not in availability
    last_state = json.loads([body for topic, body in words if topic.endswith("/state")][-1])
    assert last_state["state"] == "no_signal"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.service.test_faults_within")
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--part", choices=EVERY_PART, action="append")
    asked = parser.parse_args()
    logging.disable()
    faults_s = 20.0 + asked.faults * (SETTLED_S + 2)
    length_s = faults_s + asked.faults * LOST_S + 90.0  # a moment is counted in watched seconds
    failed = False
    # A link is made anew in real time: drivers are tried in tests/sources/test_driver_faults.py.
    for part in asked.part or PARTS:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            trace = mixed(folder, length_s)
            when = moments(asked.faults, faults_s, seed=1, apart_s=SETTLED_S + 1)
            sensors = 2 if part == "fusion" else 1
            outcome = asyncio.run(live_through(part, trace, folder, when, sensors=sensors))
            verdict = "holds"
            try:
                check(part, outcome, asked.faults)
            except AssertionError as error:
                verdict, failed = f"FAILS: {str(error)[:200]}", True
            print(
                f"{part:10} {outcome.raised} faults, {outcome.lost_s / outcome.raised:.2f} s of "
                f"samples lost by each, {len(outcome.logged)} entries logged, "
                f"{outcome.took_s:.0f} s: {verdict}",
                flush=True,
            )
    sys.exit(failed)


if __name__ == "__main__":
    main()
