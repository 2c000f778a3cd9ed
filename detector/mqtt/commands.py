"""What receivers publish: entries they have or lack, tests, a pause. Pure; input is hostile.

Every command passes `parse`, and with keys the gate in it, before anything is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from detector import plain_json
from detector.channels import RECEIVER_NAME
from detector.mqtt.contract import COMMAND_MOST, Command
from detector.mqtt.security.gate import CommandRefused, Flaw, Gate

NUMBER_MOST = 2**53  # what every JSON parser reads as a whole number
EPOCH_MOST = ALERT_MOST = 64  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A receiver has every entry of a log up to number `upto`."""

    by: str
    epoch: str
    upto: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A receiver lacks the entries from number `n` on."""

    by: str
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmTest:
    """A person wants a test of the alarm (`alert` None), or heard the one with this alert."""

    by: str
    alert: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseAsked:
    """Alerts shall wake nobody for so many minutes."""

    by: str
    minutes: int


Request = Seen | Replay | AlarmTest | PauseAsked


def seen(by: str, epoch: str, upto: int) -> str:
    """Return the payload of `cmd/seen`, not signed."""
    return plain_json.line({"by": by, "epoch": epoch, "upto": upto})


def replay(by: str, n: int) -> str:
    """Return the payload of `cmd/replay`, not signed."""
    return plain_json.line({"by": by, "from": n})


def test(by: str, alert: str | None) -> str:
    """Return the payload of `cmd/test`, not signed."""
    return plain_json.line({"by": by, "alert": alert})


def pause(by: str, minutes: int) -> str:
    """Return the payload of `cmd/pause`, not signed."""
    return plain_json.line({"by": by, "minutes": minutes})


def parse(command: Command, payload: bytes, gate: Gate | None = None) -> Request:
    """Return the command of a payload, where it is to be obeyed.

    Parameters
    ----------
    gate : judges who sent it; None where there are no keys

    Raises
    ------
    CommandRefused
        It is not; the sentence says why.
    """
    if len(payload) > COMMAND_MOST:
        raise CommandRefused(
            Flaw.OVERSIZE,
            f"cmd/{command} has {len(payload)} bytes, {COMMAND_MOST} are the most",
        )
    try:
        fields = plain_json.read(payload, most_bytes=COMMAND_MOST)
        parsed = _parsed(command, fields)
    except ValueError as error:
        raise CommandRefused(Flaw.UNREADABLE, f"cmd/{command}: {error}"[:200]) from None
    if gate is not None:
        gate.admit(command, fields)
    return parsed


def _parsed(command: Command, fields: dict[str, Any]) -> Request:
    by = _text(fields, "by", most=32)
    if not RECEIVER_NAME.fullmatch(by):
        raise ValueError(f"by must be up to 32 of a-z, 0-9, _ and -, not {by!a}")
    if command is Command.TEST:
        asked = fields.get("alert") is None
        return AlarmTest(by=by, alert=None if asked else _text(fields, "alert", most=ALERT_MOST))
    if command is Command.REPLAY:
        return Replay(by=by, n=_number(fields, "from", least=1))
    if command is Command.PAUSE:
        return PauseAsked(by=by, minutes=_number(fields, "minutes", least=1))
    epoch = _text(fields, "epoch", most=EPOCH_MOST)
    return Seen(by=by, epoch=epoch, upto=_number(fields, "upto", least=0))


def _text(fields: dict[str, Any], name: str, *, most: int) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= most:
        raise ValueError(f"{name} must be text of 1 to {most} characters")
    return value


def _number(fields: dict[str, Any], name: str, *, least: int) -> int:
    value = fields.get(name)
    if type(value) is not int or not least <= value < NUMBER_MOST:
        raise ValueError(f"{name} must be a whole number from {least}")
    return value
