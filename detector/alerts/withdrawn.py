"""What people took back of what they had said to a night. Pure.

Nothing is rewritten: that something is taken back is an entry of the log of its own, which names
it by who said it and when. Screens then show neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from detector import plain_json
from detector.alerts.commands import Taken

Saying = tuple[str, Taken, str]
"""Who said something, by which command, and when, as the log has it."""


def saying_of(body: Mapping[str, Any]) -> Saying | None:
    """Return which saying an entry's body is; None where it is none that can be taken back."""
    return _saying(body, "command", "said_at")


def withdrawal_of(body: Mapping[str, Any]) -> Saying | None:
    """Return what an entry's body takes back; None where it takes nothing back."""
    return _saying(body, "what", "said") if body.get("command") == "withdraw" else None


def withdrawn(bodies: Iterable[str]) -> frozenset[Saying]:
    """Return all that was taken back in bodies of entries; what cannot be read takes nothing."""
    found: set[Saying] = set()
    for body in bodies:
        if '"withdraw"' in body:
            try:
                read = plain_json.parsed(body)
            except ValueError:
                continue
            taken = withdrawal_of(read) if isinstance(read, dict) else None
            found |= set() if taken is None else {taken}
    return frozenset(found)


def is_told(body: Mapping[str, Any], taken_back: frozenset[Saying]) -> bool:
    """Return whether screens show an entry: it takes nothing back, and was not taken back."""
    saying = saying_of(body)
    return withdrawal_of(body) is None and (saying is None or saying not in taken_back)


def apart(at: datetime, before: datetime) -> datetime:
    """Return when something was said, a ms after what was said before, if both are of one ms.

    What is taken back is named to the ms: two labels that a script says at once would be taken
    back together.
    """
    at, before = (each - timedelta(microseconds=each.microsecond % 1000) for each in (at, before))
    return before + _MS if at <= before < at + _ONE_SECOND else at


_MS, _ONE_SECOND = timedelta(milliseconds=1), timedelta(seconds=1)


def _saying(body: Mapping[str, Any], what: str, when: str) -> Saying | None:
    by, name, at = body.get("by"), body.get(what), body.get(when)
    if isinstance(by, str) and isinstance(at, str) and name in list(Taken):
        return by, Taken(name), at
    return None
