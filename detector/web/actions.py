"""What a person may say on the page, and the command it is. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from detector.alerts.commands import Command, CommandError, from_fields
from detector.people.people import Role

ALLOWED: Mapping[Role, frozenset[str]] = {
    Role.CAREGIVER: frozenset(
        {"ack", "snooze", "pause", "resume", "mark", "label", "note", "withdraw"}
    ),
    # Not `ack`: it says that somebody is on the way to the wearer.
    Role.WEARER: frozenset({"pause", "resume", "mark", "label", "note", "withdraw", "help"}),
    Role.READ_ONLY: frozenset(),
}
"""Names of commands (`alerts.commands.NAMES`) by role."""

DECIDES = frozenset({Role.CAREGIVER, Role.WEARER})
"""Roles that say yes to minimums of the wearer's own."""

_NUMBERS = ("minutes",)


class NotAllowedError(Exception):
    """The role does not allow this command."""


def command_of(name: str, said: Mapping[str, Any], *, by: str, role: Role) -> Command:
    """Return the command that a person's form or script asks for.

    Parameters
    ----------
    said : fields, text where they come from a form; who says it is never among them

    Raises
    ------
    NotAllowedError
        The role does not allow it.
    CommandError
        There is no such command, or a field cannot be used.
    """
    if name not in ALLOWED[role]:
        raise NotAllowedError(f"your role, {role}, does not allow this")
    fields = {key: value for key, value in said.items() if value != ""}
    for key in _NUMBERS:
        if isinstance(fields.get(key), str):
            fields[key] = _number(key, fields[key])
    return from_fields(name, {**fields, "by": by})


def _number(key: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 4):
        raise CommandError(f"{key} must be a whole number")
    return int(text)
