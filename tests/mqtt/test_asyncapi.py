"""The AsyncAPI document is the code's, and the AsyncAPI project's own parser reads it."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from detector.mqtt.asyncapi import document
from detector.mqtt.contract import BRIEF, DELIVERY, REPLY, Command, Leaf, Topics

from ..kit.tools import lacking
from .publishing import WEARER

ROOT = Path(__file__).parents[2]
PARSER = ROOT / "tests" / "asyncapi"
HOME = Topics(wearer=WEARER)


def test_the_document_in_docs_is_that_of_the_code() -> None:
    written = json.loads((ROOT / "docs" / "asyncapi.json").read_text(encoding="utf-8"))
    assert document() == written, "run `make docs`"


def test_every_topic_is_a_channel_delivered_as_it_is_sent() -> None:
    described = document()
    topics = {*map(HOME.of, Leaf), *map(HOME.command, Command), HOME.reply("anna")}
    addresses = {
        channel["address"].format(wearer=WEARER, client="anna")
        for channel in described["channels"].values()
    }
    assert addresses == topics
    operations = described["operations"].values()
    bindings = {
        (each["action"], each["channel"]["$ref"].rpartition("/")[2]): each["bindings"]["mqtt"]
        for each in operations
    }
    expected = {("send", str(leaf)): how for leaf, how in DELIVERY.items()}
    expected |= {("receive", f"cmd_{command}"): BRIEF for command in Command}
    expected |= {("send", REPLY): BRIEF}
    assert {
        key: (how["qos"], how["retain"], how["messageExpiryInterval"])
        for key, how in bindings.items()
    } == {key: (how.qos, how.retain, how.expiry_s) for key, how in expected.items()}


def parsed(described: dict[str, Any]) -> list[dict[str, str]]:
    """What the parser finds wrong: errors and warnings."""
    node = shutil.which("node")
    if node is None or not (PARSER / "node_modules" / ".ready").exists():
        lacking("the AsyncAPI parser is not installed (make asyncapi, which needs npm)")
    done = subprocess.run(
        [node, PARSER / "parse.js"],
        input=json.dumps(described),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_asyncapi_parser_finds_nothing_wrong() -> None:
    assert parsed(document()) == []


BREAKS: list[Callable[[dict[str, Any]], Any]] = [
    lambda d: d.pop("channels"),
    lambda d: d["operations"]["send_alert"].update(action="shout"),
    lambda d: d["operations"]["send_alert"]["channel"].update({"$ref": "#/channels/nowhere"}),
    lambda d: d["components"]["messages"]["alert"].update(payload=7),
]


@pytest.mark.parametrize("number", range(len(BREAKS)))
def test_the_asyncapi_parser_would_find_what_is_wrong(number: int) -> None:
    broken = copy.deepcopy(document())
    BREAKS[number](broken)
    assert parsed(broken)


def test_what_is_installed_for_it_is_pinned_and_names_no_registry() -> None:
    lock = json.loads((PARSER / "package-lock.json").read_text(encoding="utf-8"))
    _, *packages = lock["packages"].values()
    assert len(packages) > 100
    assert all(each["integrity"].startswith("sha512-") for each in packages)
    assert not any("resolved" in each for each in packages)
