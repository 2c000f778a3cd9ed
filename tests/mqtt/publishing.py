"""A publisher of a wearer, the log that it publishes, and events to put there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema

from detector.alerts.reception import Reception
from detector.channels import Entry, RefusedEntry
from detector.events import Event, Kind, Origin, Phase, event_id
from detector.mqtt.contract import Topics
from detector.mqtt.endpoint import Endpoint
from detector.mqtt.publisher import Publisher
from detector.mqtt.schemas import schemas
from detector.status import StateWord, Status, Vitals
from detector.store.state import State, StateError

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


class StoredLog:
    """The real store, in the test's own thread; `broken` makes its disk fail."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.broken = False

    def put(self, *events: Event) -> None:
        self.state.commit(at=datetime.now(UTC), events=events)

    async def read(self, limit: int) -> list[Entry]:
        if self.broken:
            raise StateError("disk full")
        return self.state.read("mqtt", limit)

    async def acknowledge(self, numbers: Sequence[int]) -> None:
        self.state.acknowledge("mqtt", numbers)

    async def refuse(self, whys: Mapping[int, str], *, at: datetime) -> None:
        self.state.refuse("mqtt", whys, at=at)

    async def refused(self, limit: int) -> list[RefusedEntry]:
        return self.state.refused("mqtt", limit)

    async def depth(self) -> int:
        if self.broken:
            raise StateError("disk full")
        return self.state.depth("mqtt")

    @property
    def epoch(self) -> str:
        return self.state.epoch

    async def last(self) -> int:
        return self.state.last

    async def replay(self, n: int, limit: int) -> list[Entry]:
        return self.state.replay_from(n, limit)

    async def acknowledge_as(self, receiver: str, upto: int, *, at: datetime) -> int:
        return self.state.acknowledge_as(receiver, upto, at=at)


NIGHT = datetime(2026, 11, 21, 2, 14, 7, 310_000, tzinfo=UTC)


def make_event(number: int = 0, source: Origin = Origin.LIVE, **changes: Any) -> Event:
    values: dict[str, Any] = {
        "id": event_id(WEARER, "left-calf", "night", number),
        "kind": Kind.CLONUS,
        "phase": Phase.END,
        "onset_s": 812.34 + number,
        "duration_s": 6.1,
        "onset": NIGHT + timedelta(seconds=number),
        "end": NIGHT + timedelta(seconds=number + 6.1),
        "rhythm_hz": 5.8,
        "beats": 34,
        "confidence": 0.93,
        "grade": 2,
        "reason": "steady 5.8 beats a second for 6.1 s",
        "sensor": "left-calf",
        "wearer": WEARER,
        "source": source,
    }
    return Event(**(values | changes))
