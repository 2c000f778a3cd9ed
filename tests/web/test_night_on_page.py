"""A real night on the page: sensor, detector, log and answer, with nothing in between imitated."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from detector.channels import EntryKind
from detector.config import read_configuration
from detector.service.presentation import caregivers_page
from detector.service.presentation.oversight import overseen
from detector.store.state import State
from firmware_sim.motion.scenarios import scenario

from ..kit.traces import save
from ..kit.waiting import running, until
from ..mqtt.publishing import WEARER, StoredLog, make_publisher
from ..service.conftest import open_house
from .followers import following

FS = 50.0


@asynccontextmanager
async def a_night(
    tmp_path: Path, notes: list[str] | None = None, **more: object
) -> AsyncIterator[tuple[Any, str]]:
    """Watch a simulated leg with clonus; yield the assembly and the page's address.

    Parameters
    ----------
    notes : takes what is said of the page
    """
    made = scenario("clonus", seed=3, fs=FS, duration_s=600.0)
    trace = save(tmp_path / "clonus.npz", made.samples, FS)
    folder = tmp_path / "data"
    flags = {
        "data_dir": folder,
        "mqtt.broker": "none",
        "alerts.sound": False,
        "alerts.wake_for": ["clonus >= 1s", "1 spasms in 10min"],
        "web.port": 27_377,
        **more,
    }
    settings = read_configuration(environ={}, flags=flags).settings
    notes = [] if notes is None else notes
    async with (
        open_house(settings, trace, lambda _: None, speed=20.0) as house,
        overseen(house, settings, folder, house.service._clock, note=notes.append, environ={}),
        running(house.service.run(), within_s=100),
    ):
        (said,) = [note for note in notes if note.startswith("Caregivers' page: ")]
        yield house, said.split()[2].removesuffix(".")


def test_an_answer_reaches_log_and_other_pages_within_a_second(tmp_path: Path) -> None:
    async def check() -> None:
        async with (
            a_night(tmp_path) as (house, address),
            following(tmp_path / "data", address, "anna") as anna,
            following(tmp_path / "data", address, "sam") as sam,
        ):
            # Where it was is in the log, and on the page with the next view.
            located = lambda: [a for a in anna.alerts if a["clinical"] and a["where"] == "leg"]  # noqa: E731
            await until(lambda: located() and sam.alerts, 90)
            alert = located()[0]
            begun_s = asyncio.get_running_loop().time()
            assert await anna.say("ack", alert=alert["id"]) == 200
            await until(
                lambda: any(
                    a["id"] == alert["id"] and a["answer"] == "anna is on it." for a in sam.alerts
                ),
                5,
            )
            assert asyncio.get_running_loop().time() - begun_s < 1.0
            assert await sam.say("mark") == 200
            assert await sam.say("ack", alert="over") == 409
            await until(
                lambda: any("marked by sam" in h["words"] for h in anna.views[-1]["happened"]), 5
            )
            entries = await house.archive.ask(lambda state: state.replay_from(1, 5000))
            said = [json.loads(e.body) for e in entries if e.kind is EntryKind.COMMAND]
            assert [(each["command"], each["by"]) for each in said] == [("ack", "anna")]
            assert anna.views[-1]["sensors"] == ["leg"]
            assert anna.views[-1]["timeline"]["spans"]

    asyncio.run(check())


def test_another_wearer_at_the_broker_is_shown_beside_the_own_one(tmp_path: Path) -> None:
    followed = {"follow": [{"wearer": WEARER, "label": "Ben's room"}], "mqtt.broker": "embedded"}

    async def check() -> None:
        async with (
            a_night(tmp_path, **followed) as (house, address),
            following(tmp_path / "data", address, "anna") as anna,
        ):
            lost = "Ben's room: No signal – not watching."  # noqa: RUF001
            await until(lambda: anna.views and anna.views[-1]["others"] == lost, 20)
            with State.open(tmp_path / "ben.sqlite", wearer=WEARER) as state:
                state.open_channel("mqtt", from_start=True)
                other = make_publisher(house.broker.endpoint, StoredLog(state))
                async with running(other.run()):
                    await until(lambda: anna.views[-1]["others"] == "", 20)
                    async with anna.link.get(f"{address}/everybody") as answer:
                        page = await answer.text()
                    assert page.count('<article class="person"') == 3, "two, and the template"
                    assert "Ben&#39;s room" in page
            await until(lambda: anna.views[-1]["others"] == lost, 30)

    asyncio.run(check())


def test_a_page_that_fails_costs_the_night_nothing_and_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = True
    real = caregivers_page.view_of

    def view_of(*arguments: Any) -> Any:
        if broken:
            raise ZeroDivisionError
        return real(*arguments)

    monkeypatch.setattr(caregivers_page, "view_of", view_of)

    async def check() -> None:
        nonlocal broken
        async with (
            a_night(tmp_path) as (house, address),
            following(tmp_path / "data", address, "anna") as anna,
        ):
            kinds = lambda: {alert.kind for alert in house.service.now.open_alerts}  # noqa: E731
            await until(lambda: "internal-fault" in kinds(), 30)
            before = house.night.samples
            await until(lambda: house.night.samples > before + 200, 30)
            assert anna.views == []
            broken = False
            await until(lambda: anna.views, 40)

    asyncio.run(check())


@pytest.mark.parametrize("port_is_free", [True, False])
def test_a_page_that_phones_do_not_find_says_so(tmp_path: Path, port_is_free: bool) -> None:
    notes: list[str] = []

    async def check() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            if port_is_free:
                taken.close()
            more: dict[str, object] = {
                "web.port": port,
                "web.public_url": "https://house.example",
                "web.bind": "127.0.0.1",
            }
            async with a_night(tmp_path, notes, **more) as (_, address):
                assert address.endswith(f":{port}") is port_is_free

    asyncio.run(check())
    told = [note for note in notes if "Phones look for the page at https://house.example" in note]
    assert bool(told) is not port_is_free
