"""The container's files name what exists, run without root, and their broker is not open."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

from detector.config import read_configuration
from detector.mqtt.contract import Message
from detector.mqtt.endpoint import Endpoint
from detector.mqtt.link import Link

from ..conftest import Done
from ..kit.brokers import MISSING, MOSQUITTO, PATHS, free_port, running_mosquitto
from ..kit.tools import needs

ROOT = Path(__file__).parents[2]
CONTAINER = ROOT / "docs" / "container"
PASSWD = shutil.which("mosquitto_passwd", path=PATHS)


def dockerfile() -> list[tuple[str, str]]:
    """Its instructions, each with its arguments on one line."""
    text = re.sub(r"\\\n", " ", (CONTAINER / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in lines]


def last(instruction: str) -> str:
    return [words for name, words in dockerfile() if name == instruction][-1]


def test_the_image_is_built_of_files_that_exist_with_hashes_and_runs_without_root() -> None:
    known = {
        "FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "VOLUME", "STOPSIGNAL", "HEALTHCHECK",
        "ENTRYPOINT", "CMD",
    }  # fmt: skip
    assert {name for name, _ in dockerfile()} <= known
    for name, words in dockerfile():
        if name == "COPY" and "--from" not in words:
            *sources, _ = words.split()
            assert all((ROOT / source).exists() for source in sources), words
    installs = [words for name, words in dockerfile() if name == "RUN" and " install " in words]
    (pip,) = [words for words in installs if "pip install" in words]
    assert "--require-hashes" in pip
    assert all((ROOT / file).exists() for file in re.findall(r"-r (\S+)", pip))
    assert int(last("USER").split(":")[0]) > 0


def test_what_the_image_starts_is_a_command_of_ours(spasmwatch, tmp_path: Path) -> None:
    entry, command = json.loads(last("ENTRYPOINT")), json.loads(last("CMD"))
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    done: Done = spasmwatch(*command, "--help")
    assert entry[0] in scripts
    assert command[-1] == "run"
    assert done.returncode == 0
    probe = last("HEALTHCHECK")
    words = json.loads(probe[probe.index("CMD") + 4 :])
    assert "http://127.0.0.1:8377/readyz" in words[-1]
    compile(words[-1], "probe", "exec")


def test_the_example_settings_are_valid_and_the_port_is_the_one_that_is_probed() -> None:
    found = read_configuration(CONTAINER / "config.example.toml", environ={}).settings
    assert found.mqtt.address is not None
    assert found.mqtt.address.host == "mosquitto"
    assert found.web.port == 8377


def test_compose_takes_away_what_nobody_needs_and_names_files_that_exist() -> None:
    text = (CONTAINER / "compose.yaml").read_text()
    listed = text.split("services:\n")[1].split("\nvolumes:")[0]
    services = re.split(r"(?m)^  (?=\w+:$)", listed)[1:]
    assert [service.split(":")[0] for service in services] == ["spasmwatch", "mosquitto"]
    for service in services:
        for line in ("read_only: true", "cap_drop: [ALL]", '"no-new-privileges:true"'):
            assert line in service
        assert int(re.search(r'user: "(\d+):', service)[1]) > 0  # type: ignore[index]
    assert "privileged: true" not in text
    assert "network_mode" not in text
    made = {"passwords", "config.toml", "service.password"}  # by a person, as the page says
    for path in re.findall(r"\./([\w.-]+)", text):
        assert path in made or (CONTAINER / path).exists()
    for port in re.findall(r'ports: \["([^"]+)"', text):
        assert port.startswith("127.0.0.1:")
    subprocess.run(["sh", "-n", CONTAINER / "make-passwords.sh"], check=True)
    ignored = (ROOT / ".gitignore").read_text()
    assert all(f"docs/container/{name}" in ignored for name in ("passwords", "*.password"))


@needs(MOSQUITTO and PASSWD, MISSING)
def test_its_broker_refuses_strangers_and_lets_a_caregiver_only_hear_and_ask(
    tmp_path: Path,
) -> None:
    shutil.copytree(CONTAINER, tmp_path / "c")
    here = tmp_path / "c"
    subprocess.run(
        ["sh", here / "make-passwords.sh"], check=True, capture_output=True,
        env=os.environ | {"PATH": PATHS},
    )  # fmt: skip
    port = free_port()
    conf = (here / "mosquitto.conf").read_text()
    conf = conf.replace("listener 1883", f"listener {port} 127.0.0.1\nuser root")
    conf = conf.replace("/mosquitto/config/", f"{here}/").replace("/mosquitto/data/", f"{here}/")
    (here / "test.conf").write_text(conf)

    async def check() -> None:
        async with running_mosquitto(here / "test.conf", port), asyncio.timeout(30):
            await visit(port, here)

    asyncio.run(check())


async def visit(port: int, here: Path) -> None:
    """A stranger, the service and a caregiver come."""
    names = ("service", "caregiver")
    secrets = {name: (here / f"{name}.password").read_text().strip() for name in names}
    links = {
        name: Link(
            Endpoint(host="127.0.0.1", port=port, username=name, password=secret), f"{name}-1"
        )
        for name, secret in secrets.items()
    }
    stranger = Link(Endpoint(host="127.0.0.1", port=port), "stranger")
    tasks = [asyncio.create_task(link.run()) for link in (*links.values(), stranger)]
    heard: list[str] = []
    service, caregiver = links["service"], links["caregiver"]
    await service.subscribe("sw/v1/#", lambda r: heard.append(r.topic), most_bytes=4096)
    await service.connected()
    await caregiver.connected()
    for topic in ("sw/v1/abc/event", "sw/v1/abc/cmd/seen"):
        await caregiver.publish(Message(topic, "{}"))
    while "sw/v1/abc/cmd/seen" not in heard:
        await asyncio.sleep(0.01)
    assert heard == ["sw/v1/abc/cmd/seen"], "a caregiver cannot make up an event"
    assert not stranger.state.connected
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
