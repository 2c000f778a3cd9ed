"""Topics, delivery and payloads of MQTT, and the words of the four states.

Pure. An entry of the log is published as it was logged; other payloads are made here.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from detector import alert as alerts
from detector import plain_json
from detector.channels import Entry, EntryKind
from detector.errors import ConfigError
from detector.events import Kind, Origin, format_utc
from detector.status import Snapshot, Status, Vitals
from detector.status import to_dict as status_dict
from detector.store import wearer_file

DEFAULT_PREFIX = "sw/v1"
REPLY = "reply"  # level of the topics of answers, each followed by a receiver's name
HEALTH_EVERY_S = 5.0
HEALTH_EXPIRES_S = 15  # three missed heartbeats: receivers then show "no signal" by their own clock
STATE_EVERY_S = 30.0
RETAINED_EXPIRES_S = 90  # three missed repeats: then no broker keeps what a dead service published
OPEN_ALERTS_MOST = 16  # a snapshot stays under the packet limit; more than a screen holds anyway
COMMAND_EXPIRES_S = 60
"""How long a broker keeps a command or the answer to it, and how old the heartbeat that a signed
command names may be: what is obeyed later would surprise who asked for it."""
PAYLOAD_MOST = 65_536  # bytes; what the embedded broker accepts
COMMAND_MOST = 4096  # bytes; the contract's commands are a tenth of it


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


class Leaf(StrEnum):
    """The last level of a topic this package publishes."""

    AVAILABILITY = "availability"
    HEALTH = "health"
    STATE = "state"
    EVENT = "event"
    ALERT = "alert"


class Command(StrEnum):
    """The last level of a topic, below `cmd`, that a receiver publishes."""

    SEEN = "seen"
    REPLAY = "replay"
    TEST = "test"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a leaf is sent: QoS 0 or 1 (2 stalls mosquitto), retained or not, expiry or None."""

    qos: int
    retain: bool
    expiry_s: int | None = None


WEEK_S = 7 * 24 * 3600

DELIVERY: Mapping[Leaf, Delivery] = MappingProxyType(
    {
        Leaf.AVAILABILITY: Delivery(qos=1, retain=True, expiry_s=RETAINED_EXPIRES_S),
        Leaf.HEALTH: Delivery(qos=0, retain=False, expiry_s=HEALTH_EXPIRES_S),
        Leaf.STATE: Delivery(qos=1, retain=True, expiry_s=RETAINED_EXPIRES_S),
        # Never retained: a broker that restarts must not announce last week's spasm again.
        Leaf.EVENT: Delivery(qos=1, retain=False, expiry_s=WEEK_S),
        Leaf.ALERT: Delivery(qos=1, retain=False, expiry_s=WEEK_S),
    }
)


LEAVES: Mapping[EntryKind, Leaf] = MappingProxyType(
    {EntryKind.EVENT: Leaf.EVENT, EntryKind.ALERT: Leaf.ALERT}
)
"""Kinds of entries published over MQTT; other channels deliver the others."""


class Availability(StrEnum):
    """Whether the service is running.

    `STOPPED` only when a person stopped it; `OFFLINE` after every other end, published by the
    service or, as the last will, by the broker.
    """

    ONLINE = "online"
    STOPPED = "stopped"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topics:
    """The topics of one wearer and one origin of samples.

    Live: `<prefix>/<wearer>/<leaf>`. Simulated and replayed: one level deeper, under
    `<prefix>/simulated/` and `<prefix>/replay/`, so that neither `<prefix>/+/event` (all wearers)
    nor `<prefix>/<wearer>/#` (one) ever matches them, while `<prefix>/#` shows everything.

    Raises
    ------
    ConfigError
        The prefix or the wearer could change the structure of a topic, or name a person.
    """

    wearer: str
    origin: Origin = Origin.LIVE
    prefix: str = DEFAULT_PREFIX

    def __post_init__(self) -> None:
        if not wearer_file.ID.fullmatch(self.wearer):
            raise ConfigError(
                f"wearer must be 10 random characters of a-z and 2-7, never a name, "
                f"got {_short(self.wearer)}"
            )
        levels = self.prefix.split("/")
        if len(levels) > 8 or not all(_LEVEL.fullmatch(level) for level in levels):
            raise ConfigError(
                f"the topic prefix must be 1 to 8 levels of letters, digits, '_', '-' and '.', "
                f"like {DEFAULT_PREFIX!r}, got {_short(self.prefix)}"
            )
        if _APART & set(levels):
            raise ConfigError(
                f"the topic prefix must not contain the level 'simulated' or 'replay': they keep "
                f"such messages apart from live ones, got {_short(self.prefix)}"
            )

    @property
    def base(self) -> str:
        """What all topics of this wearer and origin begin with."""
        apart = "" if self.origin is Origin.LIVE else f"{self.origin}/"
        return f"{self.prefix}/{apart}{self.wearer}"

    def of(self, leaf: Leaf) -> str:
        """Return the topic of a leaf."""
        return f"{self.base}/{leaf}"

    def command(self, command: Command) -> str:
        """Return the topic that a receiver publishes a command to."""
        return f"{self.base}/cmd/{command}"

    def reply(self, receiver: str) -> str:
        """Return the topic of answers to one receiver."""
        return f"{self.base}/{REPLY}/{receiver}"


@dataclass(frozen=True, slots=True)
class Message:
    """One publication, checked when made: UTF-8 payload of at most `PAYLOAD_MOST` bytes.

    signature : of the service, sent as a user property
    """

    topic: str
    payload: str
    qos: int = 1
    retain: bool = False
    expiry_s: int | None = None
    signature: str | None = None

    def __post_init__(self) -> None:
        if not self.topic or not _PLAIN_TOPIC.fullmatch(self.topic):
            raise ValueError(f"not a topic to publish to: {_short(self.topic)}")
        if self.qos not in (0, 1):
            raise ValueError(f"qos must be 0 or 1, got {self.qos}")
        if self.expiry_s is not None and not 0 < self.expiry_s < 2**32:
            raise ValueError(f"expiry_s must be from 1 to 2**32 - 1, got {self.expiry_s}")
        size = len(self.payload.encode())
        if size > PAYLOAD_MOST:
            raise ValueError(f"payload of {size} bytes for {self.topic}, at most {PAYLOAD_MOST}")


def message(topics: Topics, leaf: Leaf, payload: str, *, qos: int | None = None) -> Message:
    """Return the message of a payload, delivered as its leaf is; `qos` overrides the leaf's."""
    how = DELIVERY[leaf]
    return Message(
        topics.of(leaf), payload, how.qos if qos is None else qos, how.retain, how.expiry_s
    )


def outgoing(entry: Entry, home: Topics, now: datetime) -> Message:
    """Return the message of an entry, its body unchanged.

    The entry's own `source` decides the topic, not what is running now: an entry of a simulated
    night stays off the live topics when the service starts again live. `home` supplies the wearer.
    An expired entry is still sent, for a minute: a wrong clock must not suppress an alarm.

    Raises
    ------
    ValueError, ConfigError
        Its kind is not published over MQTT, or it has no topic; trying again does not help.
    """
    leaf = LEAVES.get(entry.kind)
    if leaf is None:
        raise ValueError(f"there is no topic for an entry of kind {entry.kind}")
    try:
        said = json.loads(entry.body)
    except RecursionError as error:
        raise ValueError(f"an {leaf} is nested too deep: {_short(entry.body)}") from error
    if not isinstance(said, dict):
        raise ValueError(f"an {leaf} must be a JSON object, got {_short(entry.body)}")
    wearer = said.get("wearer")
    topics = Topics(
        prefix=home.prefix,
        wearer=home.wearer if wearer is None else str(wearer),
        origin=Origin(str(said.get("source"))),
    )
    left_s = math.ceil((entry.expires - now).total_seconds())
    how = DELIVERY[leaf]
    expiry_s = max(60, min(left_s, WEEK_S))
    return Message(topics.of(leaf), entry.body, how.qos, how.retain, expiry_s)


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


def health(
    stamp: Stamp, status: Status, vitals: Vitals, log: LogState, counts: Mapping[str, int]
) -> str:
    """Return the heartbeat; a receiver that gets none for `expires_in_s` shows no signal.

    Parameters
    ----------
    counts : by the names of `COUNTS`; what is left out is 0
    """
    return plain_json.line(
        {
            "schema": "health/1",
            **_stamp(stamp),
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
    )


def state(stamp: Stamp, now: Snapshot) -> str:
    """Return the retained snapshot, which is stale `expires_in_s` after it *arrived*."""
    return plain_json.line(
        {
            "schema": "state/1",
            **_stamp(stamp),
            **status_dict(now.status),
            "open_alerts": [alerts.to_dict(each) for each in now.open_alerts[:OPEN_ALERTS_MOST]],
            "open_alerts_total": len(now.open_alerts),
            "tonight": {
                "since": _utc(now.since),
                "monitored_s": now.monitored_s,
                "counts": {kind.value: now.counts.get(kind, 0) for kind in Kind},
            },
            "expires_in_s": RETAINED_EXPIRES_S,
        }
    )


_LEVEL = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_PLAIN_TOPIC = re.compile(r"[A-Za-z0-9_./-]{1,512}")
_APART = {Origin.SIMULATED.value, Origin.REPLAY.value}


def _stamp(stamp: Stamp) -> dict[str, Any]:
    return {"boot_id": stamp.boot_id, "seq": stamp.seq, "sent": _utc(stamp.sent)}


def _within(value: float | None, most: float = math.inf) -> float | None:
    """Return what a sensor reports, or None where it is impossible (a battery at 255 %)."""
    return value if value is not None and 0 <= value <= most else None


def _utc(moment: datetime | None) -> str | None:
    return None if moment is None else format_utc(moment.astimezone(UTC))


def _short(text: str) -> str:
    return ascii(text[:40])
