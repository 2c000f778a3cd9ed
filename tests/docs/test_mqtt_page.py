"""What docs/mqtt.md says is so: payloads keep their schemas, programs run as they stand there."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from detector.alerts import commands as said
from detector.alerts.commands import PERSON
from detector.mqtt import commands
from detector.mqtt.broker import provide
from detector.mqtt.contract import BRIEF, DELIVERY, Command, Leaf, Topics
from detector.mqtt.endpoint import Endpoint
from detector.mqtt.security.gate import Gate
from detector.mqtt.security.keys import ServiceKeys
from detector.store.state import State

from ..alerts.open_alert import LOST
from ..kit.brokers import listening, needs_mosquitto
from ..kit.tools import lacking
from ..kit.waiting import running, until
from ..mqtt.publishing import SCHEMAS, WEARER, StoredLog, make_event, make_publisher, tenfold

PAGE = (Path(__file__).parents[2] / "docs" / "mqtt.md").read_text(encoding="utf-8")
PAYLOADS = re.findall(r"```json (\S+)\n(.*?)```", PAGE, re.DOTALL)
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
SHELL = re.findall(r"^    (mosquitto_.*)$", PAGE, re.MULTILINE)
COMMANDS = re.findall(r"^\| `cmd/(\w+)` \|.*\| `(\{.*\})` \|$", PAGE, re.MULTILINE)
ALERT = replace(LOST, wearer=WEARER)


@pytest.mark.parametrize(("name", "payload"), PAYLOADS)
def test_every_payload_keeps_its_schema(name: str, payload: str) -> None:
    SCHEMAS[name].validate(json.loads(payload))


def test_every_payload_that_is_json_has_an_example() -> None:
    wanted = {name for name in SCHEMAS if not name.startswith("cmd/")} - {"availability"}
    assert {name for name, _ in PAYLOADS} == wanted


@pytest.mark.parametrize(("name", "payload"), COMMANDS)
def test_every_command_is_obeyed_as_it_is_shown(name: str, payload: str) -> None:
    SCHEMAS[f"cmd/{name}"].validate(json.loads(payload))
    request = commands.parse(Command(name), payload.encode())
    assert request.by == "anna"
    assert PERSON.fullmatch(request.by)


def test_every_command_is_in_the_table() -> None:
    assert [name for name, _ in COMMANDS] != []
    assert {name for name, _ in COMMANDS} == set(Command)


def test_the_table_of_topics_is_that_of_the_code() -> None:
    row = r"^\| `(\w+)[^`]*` \| ([01])[^|]* \| (\w+) \| (\d+) (s|d) \|"
    rows = re.findall(row, PAGE, re.MULTILINE)
    shown = {
        name: (int(qos), retained == "yes", int(length) * (86_400 if unit == "d" else 1))
        for name, qos, retained, length, unit in rows
    }
    told = {str(leaf): (how.qos, how.retain, how.expiry_s) for leaf, how in DELIVERY.items()}
    brief = (BRIEF.qos, BRIEF.retain, BRIEF.expiry_s)
    assert shown == told | {"cmd": brief, "reply": brief}


def test_what_the_page_signs_is_obeyed() -> None:
    keys = ServiceKeys.new().with_new("anna")
    topics = Topics(wearer=WEARER)
    gate = Gate(topics, keys.caregivers, boot_id="b1", mono_s=lambda: 0.0)
    gate.issued(7)
    names: dict[str, Any] = {}
    exec(compile(PROGRAMS[1], "mqtt.md", "exec"), names)  # noqa: S102 - our own page
    beat = {"boot_id": "b1", "seq": 7}
    for name, example in COMMANDS:
        topic = topics.command(Command(name))
        payload = names["signed"](topic, json.loads(example), keys.of("anna").key.hex(), beat)
        commands.parse(Command(name), payload.encode(), gate)


def test_the_subscriber_is_as_short_as_it_says() -> None:
    code = [line for line in PROGRAMS[0].splitlines() if line]
    assert len(code) <= 15


async def while_published(folder: Path, argv: Callable[[Endpoint], list[str]]) -> str:
    """Return the first line of a program while a service publishes alerts."""
    with State.open(folder / "state.sqlite", wearer=WEARER) as state:
        state.open_channel("mqtt", from_start=True)
        log, obeyed = StoredLog(state), list[said.Command]()
        async with provide("mosquitto", port=0) as broker:
            endpoint = broker.endpoint
            assert endpoint is not None
            publisher = make_publisher(endpoint, log, sleep=tenfold, obey=obeyed.append)
            async with (
                running(publisher.run()),
                listening(endpoint, f"sw/v1/{WEARER}/+") as ear,
                listening(endpoint, f"sw/v1/{WEARER}/reply/+") as replies,
            ):
                await until(lambda: ear.payloads(Leaf.HEALTH))
                program = await asyncio.create_subprocess_exec(
                    *argv(endpoint), stdout=asyncio.subprocess.PIPE
                )
                assert program.stdout is not None
                output, number = "", 0
                reading = asyncio.create_task(program.stdout.readline())
                try:
                    async with asyncio.timeout(30):
                        while not reading.done():  # it may not have subscribed yet
                            number += 1
                            raised = replace(ALERT, id=f"a{number}")
                            state.commit(
                                at=datetime.now(UTC), events=[make_event(number)], alerts=[raised]
                            )
                            publisher.wake()
                            await asyncio.wait({reading}, timeout=0.2)
                        output = reading.result().decode()
                finally:
                    if program.returncode is None:
                        program.kill()
                    await program.wait()
                for leaf in (Leaf.HEALTH, Leaf.STATE, Leaf.EVENT, Leaf.ALERT):
                    await until(lambda leaf=leaf: ear.payloads(leaf))
                    for payload in ear.payloads(leaf):
                        SCHEMAS[leaf].validate(json.loads(payload))
                for got in replies.heard:
                    SCHEMAS["reply"].validate(json.loads(got.payload))
    return output


@needs_mosquitto
def test_the_subscriber_in_python_is_told_of_an_alert(tmp_path: Path) -> None:
    def argv(endpoint: Endpoint) -> list[str]:
        (tmp_path / "subscriber.py").write_text(PROGRAMS[0])
        return [sys.executable, str(tmp_path / "subscriber.py"), str(endpoint.port)]

    output = asyncio.run(while_published(tmp_path, argv))
    assert f" raised no-signal {ALERT.reason}" in output


@needs_mosquitto
@pytest.mark.parametrize("line", SHELL)
def test_the_commands_of_mosquitto_show_what_the_page_says(tmp_path: Path, line: str) -> None:
    program, *arguments = shlex.split(line)
    if shutil.which(program) is None:
        lacking(f"{program} is not installed (apt install mosquitto-clients)")

    def argv(endpoint: Endpoint) -> list[str]:
        return [program, "-p", str(endpoint.port), *arguments]

    output = asyncio.run(while_published(tmp_path, argv))
    shown = json.loads(output)
    name = "alert" if program == "mosquitto_sub" else "reply"
    SCHEMAS[name].validate(shown)
    assert shown.get("ok", True) is True
