"""Buttons of Home Assistant, which cannot sign: fixed payloads, narrow rights. Pure; time is given.

Who may publish to their topics is for the broker's password and access list to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from detector.alerts.commands import (
    BLIND_SNOOZE_MOST_MIN,
    Acknowledge,
    Command,
    PauseAlerts,
    Snooze,
)
from detector.mqtt.contract import Topics
from detector.mqtt.security.gate import CommandRefused, Flaw

BY = "home-assistant"  # who acted, as it is told; no caregiver has this name
PRESS = "PRESS"
EVERY_S = 1.0
"""No more than one is obeyed in it: each is an entry of the log, which a script must not fill."""


class ButtonName(StrEnum):
    """The last level of a topic, below `ha`, that Home Assistant publishes."""

    ACK = "ack"
    SNOOZE = "snooze"
    PAUSE = "pause"


COMMANDS: Mapping[ButtonName, Command] = MappingProxyType(
    {
        ButtonName.ACK: Acknowledge(by=BY),
        ButtonName.SNOOZE: Snooze(by=BY, minutes=BLIND_SNOOZE_MOST_MIN),  # which any alert may have
        ButtonName.PAUSE: PauseAlerts(by=BY, minutes=30),
    }
)


def topic_of(topics: Topics, button: ButtonName) -> str:
    """Return the topic of a button."""
    return f"{topics.base}/ha/{button}"


class Presses:
    """Judge presses; at most one in `EVERY_S` passes."""

    def __init__(self) -> None:
        self._last_s: float | None = None

    def admit(self, button: ButtonName, payload: bytes, *, retained: bool, now_s: float) -> Command:
        """Return what a press means.

        Raises
        ------
        CommandRefused
            It is retained, not what a button says, or too soon after another.
        """
        if retained:
            raise CommandRefused(Flaw.RETAINED, f"a retained ha/{button} is from another time")
        if payload != PRESS.encode():
            raise CommandRefused(Flaw.UNREADABLE, f"ha/{button} says other than {PRESS}")
        if self._last_s is not None and now_s - self._last_s < EVERY_S:
            raise CommandRefused(Flaw.OTHER, f"ha/{button} came within {EVERY_S:.0f} s of another")
        self._last_s = now_s
        return COMMANDS[button]
