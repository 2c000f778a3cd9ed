"""What receivers publish: which entries they have and lack, and tests. Pure; input is hostile."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from detector import plain_json
from detector.mqtt.contract import Command
from detector.store.receivers import NAME

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


Request = Seen | Replay | AlarmTest


def seen(by: str, epoch: str, upto: int) -> str:
    """Return the payload of `cmd/seen`."""
    return plain_json.line({"by": by, "epoch": epoch, "upto": upto})


def replay(by: str, n: int) -> str:
    """Return the payload of `cmd/replay`."""
    return plain_json.line({"by": by, "from": n})


def test(by: str, alert: str | None) -> str:
    """Return the payload of `cmd/test`."""
    return plain_json.line({"by": by, "alert": alert})


def parse(command: Command, payload: bytes) -> Request:
    """Return the command of a payload.

    Raises
    ------
    ValueError
        It is not one; the sentence says why.
    """
    try:
        fields = json.loads(payload.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"cmd/{command} must be a JSON object: {str(error)[:80]!a}") from None
    if not isinstance(fields, dict):
        raise ValueError(f"cmd/{command} must be a JSON object")
    by = _text(fields, "by", most=32)
    if not NAME.fullmatch(by):
        raise ValueError(f"by must be up to 32 of a-z, 0-9, _ and -, not {by!a}")
    if command is Command.TEST:
        asked = fields.get("alert") is None
        return AlarmTest(by=by, alert=None if asked else _text(fields, "alert", most=ALERT_MOST))
    if command is Command.REPLAY:
        return Replay(by=by, n=_number(fields, "from", least=1))
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


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
