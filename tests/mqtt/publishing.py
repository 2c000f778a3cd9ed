"""A publisher of a wearer, for tests of what it tells."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import jsonschema

from detector.alerts.reception import Reception
from detector.events import Origin
from detector.mqtt.contract import Topics
from detector.mqtt.endpoint import Endpoint
from detector.mqtt.publisher import Publisher
from detector.mqtt.schemas import schemas
from detector.status import StateWord, Status, Vitals

WEARER = "k3vq7m2xta"
LIVE = f"sw/v1/{WEARER}"
SCHEMAS = {leaf: jsonschema.Draft202012Validator(schema) for leaf, schema in schemas().items()}


async def tenfold(seconds: float) -> None:
    """Sleep as in a house where everything is ten times faster."""
    await asyncio.sleep(seconds / 10)


def make_publisher(
    endpoint: Endpoint, log: Any, origin: Origin = Origin.LIVE, **clocks: Any
) -> Publisher:
    clocks.setdefault("reception", Reception())
    return Publisher(
        endpoint,
        log,
        Topics(wearer=WEARER, origin=origin),
        boot_id="b1",
        status=Status(StateWord.WATCHING),
        vitals=lambda: Vitals(data_age_s=0.2, rate_hz=52.0, battery_percent=80),
        **clocks,
    )


def ids(ear: Any) -> list[str]:
    return [json.loads(payload)["id"] for payload in ear.payloads("event")]
