"""Topics of MQTT, and how what is published there is delivered.

Pure. An entry of the log is published as it was logged; `payloads` makes the others.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from detector.channels import Entry, EntryKind
from detector.errors import ConfigError
from detector.events import Origin
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
LEASE_MOST_S = 120
"""Longest lease of the live movement: who still looks asks again, who has gone costs no more."""
PAYLOAD_MOST = 65_536  # bytes; what the embedded broker accepts
COMMAND_MOST = 4096  # bytes; the contract's commands are a tenth of it


class Leaf(StrEnum):
    """The last level of a topic this package publishes."""

    AVAILABILITY = "availability"
    HEALTH = "health"
    STATE = "state"
    EVENT = "event"
    ALERT = "alert"
    LIVE = "live"


class Command(StrEnum):
    """The last level of a topic, below `cmd`, that a receiver publishes.

    What a person says has its name in `alerts.commands`. *Call for help* is none of them: it wakes
    everybody, and is for the wearer, on their own page or by their sensor's button.
    """

    ACK = "ack"
    SNOOZE = "snooze"
    PAUSE = "pause"
    RESUME = "resume"
    MARK = "mark"
    LABEL = "label"
    NOTE = "note"
    SEEN = "seen"
    REPLAY = "replay"
    LIVE = "live"
    TEST = "test"


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
        # What is late is of no use to who looks.
        Leaf.LIVE: Delivery(qos=0, retain=False, expiry_s=5),
    }
)


LoggedLeaf = Literal[Leaf.EVENT, Leaf.ALERT]

LEAVES: Mapping[EntryKind, LoggedLeaf] = MappingProxyType(
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
    response_topic, correlation : where an answer is wanted, and what it is to bring back
    """

    topic: str
    payload: str
    qos: int = 1
    retain: bool = False
    expiry_s: int | None = None
    signature: str | None = None
    response_topic: str | None = None
    correlation: bytes | None = None

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


_LEVEL = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_PLAIN_TOPIC = re.compile(r"[A-Za-z0-9_./-]{1,512}")
_APART = {Origin.SIMULATED.value, Origin.REPLAY.value}


def _short(text: str) -> str:
    return ascii(text[:40])
