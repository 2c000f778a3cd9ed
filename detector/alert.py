"""`Alert`: one alarm in one of its states, and its JSON form."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Any

from detector import plain_json
from detector.events import Origin, format_utc, parse_utc
from detector.fields import JsonName, Name, Within

SCHEMA = "alert/1"


class AlertState(StrEnum):
    """State of an alert."""

    RAISED = "raised"
    REPEATED = "repeated"  # still open, told again
    ESCALATED = "escalated"  # nobody answered: more people are told
    ACKNOWLEDGED = "acknowledged"  # somebody is on it: nobody is told again
    SNOOZED = "snoozed"  # somebody will be: nobody is told again until then
    RESOLVED = "resolved"


class AlertClass(StrEnum):
    """Whether an alert is about the wearer (clinical) or about the monitoring (technical)."""

    CLINICAL = "clinical"
    TECHNICAL = "technical"


class Level(StrEnum):
    """How urgent: `high` wakes somebody, the others are shown (the words of IEC 60601-1-8).

    `medium` asks for something soon, `low` some time, `information` for nothing. `test` is no
    alarm: it tries the way that alarms take, and sounds once.
    """

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFORMATION = "information"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alarm in its state `at` a moment; later states have the same `id`.

    id : twenty hex digits, the same whenever the same night is judged again
    episode : the episode of spasms it stands for, None when it is not about an event
    state : raised, repeated, escalated, acknowledged, snoozed or resolved
    alert_class : clinical or technical; `class` in JSON
    level : high, medium, low, information or test
    kind : what it is about: clonus, spasm, tonic, button, no-signal, or another condition
    reason : why it is in this state, one sentence for a person
    rule : the wake rule that raised it, None for a condition that needs no rule
    raised_at, at : UTC of the raising and of this state, to the ms; None without a wall clock
    at_s : s from the recording's first sample to this state, to the ms; only where the recording
        has no wall clock, else None
    by : who acted, None when nobody did
    tier : how many of the contacts have been told: 1 the first, 2 the next one too, 3 all
    until : UTC of the end of a snooze
    count : alerts of its kind that it stands for, since somebody was last woken by one
    source : where the samples came from
    wearer : whom it is about
    """

    id: Name
    episode: Name | None = None
    state: AlertState
    alert_class: Annotated[AlertClass, JsonName("class")]
    level: Level
    kind: Name
    reason: str
    rule: str | None = None
    raised_at: datetime | None = None
    at: datetime | None = None
    at_s: float | None = None
    by: str | None = None
    tier: Annotated[int, Within(1)] = 1
    until: datetime | None = None
    count: Annotated[int, Within(1)] = 1
    source: Origin = Origin.LIVE
    wearer: str | None = None

    @property
    def wakes(self) -> bool:
        """Whether it wakes somebody now: urgent, and nobody has answered."""
        return self.level is Level.HIGH and self.state in _UNANSWERED

    def __post_init__(self) -> None:
        # Whole milliseconds, as in the JSON form: an alert is the same before and after a restart.
        for name in ("raised_at", "at", "until"):
            moment: datetime | None = getattr(self, name)
            if moment is not None:
                whole = moment.microsecond // 1000 * 1000
                object.__setattr__(self, name, moment.replace(microsecond=whole))
        if self.at_s is not None:
            object.__setattr__(self, "at_s", round(self.at_s, 3))


def alert_id(wearer: str | None, *about: object) -> str:
    """Return the id of an alert of this wearer about this subject."""
    return sha256(json.dumps(["alert", wearer, *about]).encode()).hexdigest()[:20]


def to_dict(alert: Alert) -> dict[str, Any]:
    """Return the JSON object of `alert/1`: every field present, unknown ones None."""
    values = {field.name: getattr(alert, field.name) for field in fields(Alert)}
    values |= {name: format_utc(values[name]) for name in _MOMENTS}
    plain = {name: str(v) if isinstance(v, StrEnum) else v for name, v in values.items()}
    renamed = {_JSON_NAMES.get(name, name): value for name, value in plain.items()}
    return {"schema": SCHEMA, **renamed}


def to_json(alert: Alert) -> str:
    """Return one line of JSON; the same alert always gives the same bytes."""
    return plain_json.line(to_dict(alert))


def from_dict(data: Any) -> Alert:
    """Return the alert that `to_dict` wrote.

    Raises
    ------
    ValueError
        A field is missing or of the wrong kind; the sender has another version.
    """
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise ValueError(f"not an {SCHEMA} object: {str(data)[:80]}")
    try:
        # What is younger than the first saved alerts may be missing.
        texts: dict[str, Any] = {
            f.name: data.get(f.name) if f.name == "until" else data[_JSON_NAMES.get(f.name, f.name)]
            for f in fields(Alert)
            if f.name not in _NUMBERS
        }
        wrong = [name for name, v in texts.items() if not isinstance(v, str | None)]
        wrong += [name for name in _NEVER_NONE if texts[name] is None]
        if wrong:
            raise ValueError(f"not an {SCHEMA} object: {', '.join(wrong)} must be text")
        numbers: dict[str, Any] = {name: data.get(name, first) for name, first in _NUMBERS.items()}
        for name, value in numbers.items():
            allowed = int | float | None if name == "at_s" else int
            if isinstance(value, bool) or not isinstance(value, allowed):
                raise ValueError(f"not an {SCHEMA} object: {name} must be a number")
        return Alert(
            **texts
            | numbers
            | {
                "state": AlertState(texts["state"]),
                "alert_class": AlertClass(texts["alert_class"]),
                "level": Level(texts["level"]),
                "source": Origin(texts["source"]),
            }
            | {name: parse_utc(texts[name]) for name in _MOMENTS}
        )
    except KeyError as error:
        raise ValueError(f"not an {SCHEMA} object: {error} is missing") from error


def from_json(text: str) -> Alert:
    """Return the alert of one line that `to_json` wrote; ValueError as `from_dict`."""
    try:
        return from_dict(json.loads(text))
    except RecursionError as error:
        raise ValueError(f"not an {SCHEMA} object: nested too deeply") from error


_UNANSWERED = frozenset({AlertState.RAISED, AlertState.REPEATED, AlertState.ESCALATED})
_JSON_NAMES = {"alert_class": "class"}  # a reserved word in Python
_MOMENTS = ("raised_at", "at", "until")
_NUMBERS: dict[str, int | None] = {"at_s": None, "tier": 1, "count": 1}  # and what each may be
_NEVER_NONE = ("id", "state", "alert_class", "level", "kind", "reason", "source")
