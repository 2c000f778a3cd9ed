"""What a receiver tells: entries, open alerts, and whether the service watches. Values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from detector.alerts.commands import Command
from detector.mqtt.contract import HEALTH_EXPIRES_S, Leaf
from detector.receiver.open_alerts import OpenAlerts
from detector.status import StateWord

TWINS = "two spasmwatch watch this wearer at once: stop one of them"
UNHEARD_WHY = f"nothing was heard from spasmwatch for {HEALTH_EXPIRES_S} s"
UNHEARD = f"{UNHEARD_WHY}: its computer, the broker or the network is down"
UNPROVEN = (
    f"nothing that is proven to be from spasmwatch was heard for {HEALTH_EXPIRES_S} s, only "
    "messages without its signature, or recorded earlier: look after the wearer, then whether "
    "somebody else uses the broker, and whether both computers have keys of the same "
    "`spasmwatch setup tls`"
)

UNANSWERED = (
    "spasmwatch is there, but what it logs does not arrive here: the broker's access list may "
    "withhold it from this receiver's user (make a user for it: spasmwatch setup tls --add NAME), "
    "or the disk of the watching computer fails"
)


def breaks_words(name: str) -> str:
    """Return that the connection breaks again and again, and what to do."""
    return (
        "the connection to the broker breaks again and again: the network is bad, or another "
        f"`spasmwatch listen` runs as {name}. Then give each a name of its own (--name NAME, or on "
        "the watching computer: spasmwatch setup tls --add NAME)"
    )


class Absence(StrEnum):
    """Why a receiver knows of none of the four states: a person's wish, or nobody knows."""

    STOPPED = "stopped"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class ReceivedEntry:
    """An event or alert of the log, as it was logged.

    Parameters
    ----------
    leaf : event or alert
    fields : of its JSON object; untrusted
    late : it came by a replay, not when it was published
    superseded : a later state of the same event or alert was received before; it is history
    """

    leaf: Leaf
    n: int | None
    fields: Mapping[str, Any]
    late: bool
    superseded: bool = False


@dataclass(frozen=True, slots=True)
class ServiceState:
    """What the service does, or that nothing is heard from it; `why` for a person."""

    word: StateWord | Absence
    why: str | None = None
    until: datetime | None = None  # of a pause


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of something that a person said here: obeyed, or `why` not, for a person."""

    command: Command
    why: str | None


News = ReceivedEntry | ServiceState | OpenAlerts | Answer
