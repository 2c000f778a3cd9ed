"""The test of the alarm goes the way of every alarm, and comes back from a program and a person."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detector.alert import Level
from detector.block import utc_of
from detector.cli.night.simulated import simulated_sensor
from detector.config import Settings, read_configuration
from detector.events import Origin
from detector.service.assembly import assembled
from detector.service.presentation.news import News
from detector.store.state import State

from ..kit.caregiver import Caregiver
from ..kit.traces import save
from ..kit.waiting import until


def told_tests(who: Caregiver) -> list[Mapping[str, Any]]:
    return [fields for fields in who.told if fields.get("level") == Level.TEST]


def reasons(who: Caregiver) -> list[str]:
    return [fields["reason"].removeprefix("self-test: ") for fields in told_tests(who)]


def test_an_evening_test_reaches_each_receiver_that_is_there_and_a_person_confirms_it(
    tmp_path: Path, broker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detector.alerts.self_test.SETTLED_S", float("inf"))
    trace = save(tmp_path / "still.npz", np.tile([0.0, 0.0, 1.0], (52 * 3600, 1)), 52.0)
    shown: list[News] = []

    async def check() -> None:
        async with AsyncExitStack() as stack:
            sensor = await stack.enter_async_context(simulated_sensor(trace, speed=60.0))
            # The clock runs sixty times as fast: four seconds until then, for the start.
            due = utc_of(sensor.clock.utc_ns()) + timedelta(minutes=4)
            settings: Settings = read_configuration(
                environ={},
                flags={
                    "data_dir": tmp_path,
                    "mqtt.broker": broker,
                    "wearer.time_zone": "UTC",
                    "alerts.self_test": f"{due:%H:%M}",
                    "alerts.sound_command": f"sh -c 'echo x >> {tmp_path}/played'",
                },
            ).settings
            made = await stack.enter_async_context(
                assembled(
                    settings,
                    sources=[sensor.source],
                    origin=Origin.LIVE,
                    clock=sensor.clock,
                    tell=shown.append,
                    pace=60.0,
                    free_port=True,
                )
            )
            night = asyncio.create_task(made.service.run())
            assert made.broker.endpoint is not None
            anna, bert = (
                Caregiver(made.broker.endpoint, made.topics, name) for name in ("anna", "bert")
            )
            runs = [asyncio.create_task(each.listener.run()) for each in (anna, bert)]
            async with asyncio.timeout(30):
                while len(await made.archive.ask(lambda state: state.receivers)) < 2:
                    await asyncio.sleep(0.05)
            monkeypatch.setattr("detector.alerts.self_test.SETTLED_S", 0.0)
            await until(lambda: "reached anna, bert" in reasons(anna))
            assert reasons(bert) == reasons(anna)
            assert made.publisher is not None
            assert reasons(anna)[0].startswith("this is a test, no alarm")
            refused = made.publisher.requests.refused.total()
            anna.listener.test(heard="f" * 20)
            anna.listener.test(heard=told_tests(anna)[0]["id"])
            await until(lambda: "anna heard it" in reasons(bert))
            assert made.publisher.requests.refused.total() == refused + 1
            bert.listener.test()  # another one, at once
            await until(lambda: reasons(anna).count("reached anna, bert") == 2)
            assert len({each["id"] for each in told_tests(anna)}) == 2
            await made.service.stop()
            await night
            for run in runs:
                run.cancel()
            await asyncio.wait(runs)

    asyncio.run(check())
    with State.open(tmp_path / "state.sqlite") as state:
        saved = json.loads(json.dumps(state.saved("self-test")))
        assert all(alert.level is not Level.TEST for alert in state.open_alerts())
    assert saved["paths"]["anna"]["heard"] is not None
    assert saved["paths"]["bert"]["heard"] is None
    assert saved["passed"] is not None
    assert not (tmp_path / "played").exists(), "it sounds where somebody listens, not here"
