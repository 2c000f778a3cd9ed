"""What others publish to a service: what a person says, and what receivers have or lack. Pure.

What a person says is a value of `alerts.commands`, as on every other screen. Input is hostile:
every command passes `parse`, and with keys the gate in it, before anything is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from detector import plain_json
from detector.alerts import commands as said
from detector.channels import RECEIVER_NAME
from detector.fields import Count, JsonName, Text, Within
from detector.mqtt.contract import COMMAND_MOST, LEASE_MOST_S, Command
from detector.mqtt.security.gate import PROOF, CommandRefused, Flaw, Gate

NUMBER_MOST = 2**53  # what every JSON parser reads as a whole number
EPOCH_MOST = ALERT_MOST = 64  # characters

WHEN = "when"
"""Field of the moment that a mark or a note is about; `at` is part of the proof."""

Receiver = Annotated[str, Text(RECEIVER_NAME.pattern)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A receiver has every entry of a log up to number `upto`."""

    by: Receiver
    epoch: Annotated[str, Text(least=1, most=EPOCH_MOST)]
    upto: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A receiver lacks the entries from number `n` on."""

    by: Receiver
    n: Annotated[int, Within(1), JsonName("from")]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmTest:
    """A person wants a test of the alarm (`alert` None), or heard the one with this alert."""

    by: Receiver
    alert: Annotated[str, Text(least=1, most=ALERT_MOST)] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveLease:
    """Somebody looks at the movement for so many seconds, 1 to 120."""

    by: Receiver
    ttl_s: Annotated[int, Within(1, LEASE_MOST_S)]


Request = Seen | Replay | AlarmTest | LiveLease | said.Command


def seen(by: str, epoch: str, upto: int) -> str:
    """Return the payload of `cmd/seen`, not signed."""
    return plain_json.line({"by": by, "epoch": epoch, "upto": upto})


def replay(by: str, n: int) -> str:
    """Return the payload of `cmd/replay`, not signed."""
    return plain_json.line({"by": by, "from": n})


def test(by: str, alert: str | None) -> str:
    """Return the payload of `cmd/test`, not signed."""
    return plain_json.line({"by": by, "alert": alert})


def live(by: str, ttl_s: int) -> str:
    """Return the payload of `cmd/live`, not signed."""
    return plain_json.line({"by": by, "ttl_s": ttl_s})


def payload(command: said.Command) -> tuple[Command, str]:
    """Return the topic's last level and the payload, not signed, of what a person says.

    Raises
    ------
    ValueError
        It is not said over MQTT: *Call for help* is the wearer's own device's.
    """
    fields = said.to_dict(command)
    fields[WHEN] = fields.pop("at", None)
    name = Command(fields.pop("command"))
    del fields["schema"]
    return name, plain_json.line({key: each for key, each in fields.items() if each is not None})


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
    if command in said.NAMES:
        told = {name: value for name, value in fields.items() if name not in PROOF}
        return said.from_fields(command, told | {"at": told.get(WHEN)})
    by = _text(fields, "by", most=32)
    if not RECEIVER_NAME.fullmatch(by):
        raise ValueError(f"by must be up to 32 of a-z, 0-9, _ and -, not {by!a}")
    match command:
        case Command.TEST:
            asked = fields.get("alert") is None
            return AlarmTest(
                by=by, alert=None if asked else _text(fields, "alert", most=ALERT_MOST)
            )
        case Command.REPLAY:
            return Replay(by=by, n=_number(fields, "from", least=1))
        case Command.LIVE:
            return LiveLease(by=by, ttl_s=_number(fields, "ttl_s", least=1, most=LEASE_MOST_S))
        case _:
            epoch = _text(fields, "epoch", most=EPOCH_MOST)
            return Seen(by=by, epoch=epoch, upto=_number(fields, "upto", least=0))


def _text(fields: dict[str, Any], name: str, *, most: int) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= most:
        raise ValueError(f"{name} must be text of 1 to {most} characters")
    return value


def _number(fields: dict[str, Any], name: str, *, least: int, most: int = NUMBER_MOST - 1) -> int:
    value = fields.get(name)
    if type(value) is not int or not least <= value <= most:
        limit = "" if most == NUMBER_MOST - 1 else f" to {most}"
        raise ValueError(f"{name} must be a whole number from {least}{limit}")
    return value
