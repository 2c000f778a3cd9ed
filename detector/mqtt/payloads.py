"""Payloads of MQTT that are no entries of the log, as types and as JSON. Pure.

The types are the only description of these forms: mypy checks what is made here against them, and
`schemas` publishes them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypedDict

from detector import alert as alerts
from detector import plain_json
from detector.alert import Alert
from detector.events import Kind, format_utc
from detector.fields import Count, FormOf, Items, Keys, Name, Positive, Text, Time, Within
from detector.mqtt.contract import (
    HEALTH_EXPIRES_S,
    LEASE_MOST_S,
    OPEN_ALERTS_MOST,
    RETAINED_EXPIRES_S,
    LoggedLeaf,
)
from detector.mqtt.security.gate import NONCE
from detector.status import Snapshot, Status, StatusFields, Vitals
from detector.status import to_dict as status_dict

REPLY_SCHEMA: Literal["reply/1"] = "reply/1"

ENTRIES_MOST = 100
"""Entries looked at for one answer: at some 800 bytes each, more than `BODIES_MOST` takes."""

LIVE_SENSORS_MOST = 8  # more than anybody wears
LIVE_HZ = 25
LIVE_VALUES_MOST = 3 * LIVE_HZ  # in one message: sensors send up to a second and a half at once

COUNTS = (
    "refused",
    "unheard",
    "unconfirmed",
    "too_long",
    "commands_refused",
    "readings_dropped",
    "commits_dropped",
    "entries_dropped",
    "broker_restarts",
)
"""What a heartbeat counts since the start: publications that the broker refused, that nobody was
there for and that had no answer; messages longer than we take and commands not obeyed; readings
that found no room, what the disk never took, entries that waited too long, and our own broker."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Run of the service that sent a message, with number and time of the message."""

    boot_id: str
    seq: int
    sent: datetime


@dataclass(frozen=True, slots=True)
class LogState:
    """What a receiver compares with what it has.

    epoch : of the log; None where it cannot be read, as the other two
    last_n : highest number in the log
    depth : entries not delivered yet
    """

    epoch: str | None = None
    last_n: int | None = None
    depth: int | None = None


class Stamped(TypedDict):
    """Which run sent it, and when."""

    boot_id: Name
    seq: Count
    sent: Time


class HealthPayload(Stamped, StatusFields):
    """The heartbeat."""

    schema: Literal["health/1"]
    data_age_s: Positive | None
    rate_hz: Positive | None
    battery_percent: Annotated[float, Within(0, 100)] | None
    battery_lasts_s: Positive | None
    outbox_depth: Count | None
    epoch: Name | None
    last_n: Count | None
    counts: Annotated[Mapping[str, int], Keys(COUNTS)]
    expires_in_s: Annotated[int, Within(HEALTH_EXPIRES_S, HEALTH_EXPIRES_S)]


class Tonight(TypedDict):
    """What was found since the night began."""

    since: Time | None
    monitored_s: Positive
    counts: Annotated[Mapping[str, int], Keys(tuple(Kind))]


class StatePayload(Stamped, StatusFields):
    """The retained snapshot."""

    schema: Literal["state/1"]
    open_alerts: Annotated[
        list[Annotated[dict[str, Any], FormOf(Alert, alerts.SCHEMA)]],
        Items(most=OPEN_ALERTS_MOST),
    ]
    open_alerts_total: Count
    tonight: Tonight
    expires_in_s: Annotated[int, Within(RETAINED_EXPIRES_S, RETAINED_EXPIRES_S)]


class LiveSensor(TypedDict):
    """Movement of one sensor: the largest distance of |a| from 1 g in each 1/`rate_hz` s."""

    sensor: Name
    rate_hz: Annotated[float, Within(0, LIVE_HZ)]
    moved_g: Annotated[list[Positive], Items(most=LIVE_VALUES_MOST)]


class LivePayload(TypedDict):
    """Movement of the last second or so, for who has asked to see it."""

    schema: Literal["live/1"]
    boot_id: Name
    sent: Time
    lease_s: Annotated[float, Within(0, LEASE_MOST_S)]
    sensors: Annotated[list[LiveSensor], Items(most=LIVE_SENSORS_MOST)]


class ReplyPayload(TypedDict):
    """What came of a command."""

    schema: Literal["reply/1"]
    ok: bool
    why: str | None
    nonce: Annotated[str, Text(NONCE.pattern)] | None


class ReplayedEntry(TypedDict):
    """An entry of the log: `body` is the JSON text as it was published."""

    leaf: LoggedLeaf
    body: str


ReplayedPayload = TypedDict(
    "ReplayedPayload",
    {
        "schema": Literal["replay/1"],
        "epoch": Name,
        "from": Annotated[int, Within(1)],
        "upto": Count,
        "last_n": Count,
        "entries": Annotated[list[ReplayedEntry], Items(most=ENTRIES_MOST)],
    },
)
"""Entries that a receiver lacked."""


def health(
    stamp: Stamp, status: Status, vitals: Vitals, log: LogState, counts: Mapping[str, int]
) -> str:
    """Return the heartbeat; a receiver that gets none for `expires_in_s` shows no signal.

    Parameters
    ----------
    counts : by the names of `COUNTS`; what is left out is 0
    """
    said: HealthPayload = {
        "schema": "health/1",
        **_stamped(stamp),
        **status_dict(status),
        "data_age_s": _within(vitals.data_age_s),
        "rate_hz": _within(vitals.rate_hz),
        "battery_percent": _within(vitals.battery_percent, most=100),
        "battery_lasts_s": _within(vitals.battery_lasts_s),
        "outbox_depth": log.depth,
        "epoch": log.epoch,
        "last_n": log.last_n,
        "counts": {name: counts.get(name, 0) for name in COUNTS},
        "expires_in_s": HEALTH_EXPIRES_S,
    }
    return plain_json.line(said)


def state(stamp: Stamp, now: Snapshot) -> str:
    """Return the retained snapshot, which is stale `expires_in_s` after it *arrived*."""
    said: StatePayload = {
        "schema": "state/1",
        **_stamped(stamp),
        **status_dict(now.status),
        "open_alerts": [alerts.to_dict(each) for each in now.open_alerts[:OPEN_ALERTS_MOST]],
        "open_alerts_total": len(now.open_alerts),
        "tonight": {
            "since": None if now.since is None else _utc(now.since),
            "monitored_s": now.monitored_s,
            "counts": {kind.value: now.counts.get(kind, 0) for kind in Kind},
        },
        "expires_in_s": RETAINED_EXPIRES_S,
    }
    return plain_json.line(said)


def live(boot_id: str, sent: datetime, lease_s: float, sensors: Sequence[LiveSensor]) -> str:
    """Return the movement of the last second."""
    said: LivePayload = {
        "schema": "live/1",
        "boot_id": boot_id,
        "sent": _utc(sent),
        "lease_s": round(lease_s, 1),
        "sensors": list(sensors[:LIVE_SENSORS_MOST]),
    }
    return plain_json.line(said)


def _stamped(stamp: Stamp) -> Stamped:
    return {"boot_id": stamp.boot_id, "seq": stamp.seq, "sent": _utc(stamp.sent)}


def _within(value: float | None, most: float = math.inf) -> float | None:
    """Return what a sensor reports, or None where it is impossible (a battery at 255 %)."""
    return value if value is not None and 0 <= value <= most else None


def _utc(moment: datetime) -> str:
    return str(format_utc(moment.astimezone(UTC)))
