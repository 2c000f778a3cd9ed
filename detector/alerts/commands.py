"""Commands: what a person may say to a running night, on whatever screen or topic. Pure.

One form for all of them: the page, MQTT, Home Assistant and the terminal make the same values, the
service commits them to the log, and every other screen shows them as entries like any other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

from detector.alerts.pause import MOST_MIN as PAUSE_MOST_MIN
from detector.events import format_utc, parse_utc
from detector.fields import Items, Text, Within

SCHEMA = "command/1"

PERSON = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
"""Name of who commands: shown on screens, and a level of a topic where it is a receiver's."""

ID = re.compile(r"[A-Za-z0-9_-]{1,64}")  # of an alert or an event, as this package makes them

SNOOZE_MOST_MIN = 30
"""The contract's longest snooze: somebody who is on the way needs no more, and nobody may forget
an alert for longer (research/messaging.md, section 3)."""

BLIND_SNOOZE_MOST_MIN = 15  # of a technical alert: meanwhile nobody may be watched
LABELLED_MOST = 200  # events at once: what a form of the page can carry, 8 KB
NOTE_MOST = 500  # characters: a note, not a letter


class CommandError(ValueError):
    """The command cannot be obeyed; one sentence says why."""


class SaidKind(StrEnum):
    """What a person says that an event was."""

    SPASM = "spasm"
    CLONUS = "clonus"
    NOT_A_SPASM = "not-a-spasm"
    NOT_SURE = "not-sure"


class NoteKind(StrEnum):
    """What a note is about."""

    MEDICATION = "medication"
    STRETCH = "stretch"
    WOKE = "woke"
    BATHROOM = "bathroom"
    PAIN = "pain"
    OTHER = "other"


class Taken(StrEnum):
    """What can be taken back, by its command: it changed nothing but what is written down."""

    NOTE = "note"
    MARK = "mark"
    LABEL = "label"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What every command says.

    by : who says it
    """

    by: Annotated[str, Text(PERSON.pattern)]

    def __post_init__(self) -> None:
        if not PERSON.fullmatch(self.by):
            raise CommandError(f"by must be up to 32 of a-z, 0-9, _ and -, not {self.by!a:.40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _About(_Said):
    """What is said of an alert.

    alert : its id; None: every one that is open
    """

    alert: Annotated[str, Text(ID.pattern)] | None = None

    def __post_init__(self) -> None:
        _Said.__post_init__(self)
        _check_id("alert", self.alert)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledge(_About):
    """*I'm on it*: nobody is told of this alert again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snooze(_About):
    """The alert wakes nobody for so many minutes; then, if it is still open, everybody again."""

    minutes: Annotated[int, Within(1, SNOOZE_MOST_MIN)] = SNOOZE_MOST_MIN

    def __post_init__(self) -> None:
        _About.__post_init__(self)
        _check_minutes(self.minutes, SNOOZE_MOST_MIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseAlerts(_Said):
    """*Pause alerts*: none wakes anybody for so many minutes."""

    minutes: Annotated[int, Within(1, PAUSE_MOST_MIN)] = 30

    def __post_init__(self) -> None:
        _Said.__post_init__(self)
        _check_minutes(self.minutes, PAUSE_MOST_MIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeAlerts(_Said):
    """End a pause now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkSpasm(_Said):
    """*Mark a spasm now*: what was felt or seen, whether it was detected or not.

    at : when; None is now
    """

    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelEvent(_Said):
    """What an event was, or all of an alert's, by somebody who was there or looked at it.

    event, alert : ids; one of them at least, or `events`. *Not a spasm* of an alert stands
        everybody down
    events : ids of several, such as an episode's: what is said of them is one entry of the log,
        and is taken back as one
    """

    verdict: SaidKind
    event: Annotated[str, Text(ID.pattern)] | None = None
    alert: Annotated[str, Text(ID.pattern)] | None = None
    events: (
        Annotated[tuple[Annotated[str, Text(ID.pattern)], ...], Items(1, LABELLED_MOST)] | None
    ) = None

    def __post_init__(self) -> None:
        _Said.__post_init__(self)
        if self.event is None and self.alert is None and not self.events:
            raise CommandError("label needs event, events or alert")
        if len(self.events or ()) > LABELLED_MOST:
            raise CommandError(f"at most {LABELLED_MOST} events are labelled at once")
        _check_id("event", self.event)
        _check_id("alert", self.alert)
        for name in self.events or ():
            _check_id("events", name)

    @property
    def named(self) -> tuple[str, ...]:
        """The events that it names; none where it is of an alert's."""
        return ((self.event,) if self.event else ()) + (self.events or ())


@dataclass(frozen=True, slots=True, kw_only=True)
class AddNote(_Said):
    """Something that belongs to the night, such as a medicine that was taken.

    at : when; None is now
    """

    text: Annotated[str, Text(least=1, most=NOTE_MOST)]
    kind: NoteKind = NoteKind.OTHER
    at: datetime | None = None

    def __post_init__(self) -> None:
        _Said.__post_init__(self)
        if not 0 < len(self.text) <= NOTE_MOST or not self.text.isprintable():
            raise CommandError(f"a note is one line of 1 to {NOTE_MOST} printable characters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw(_Said):
    """A note, mark or label of the same person is taken back: screens do not show it any more.

    what : which of these it was
    said : when it was said, to the ms, as the log has it (`said_at`)
    """

    what: Taken
    said: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CallForHelp(_Said):
    """The wearer asks for somebody, on their own page or by the button of a sensor."""


Command = (
    Acknowledge
    | Snooze
    | PauseAlerts
    | ResumeAlerts
    | MarkSpasm
    | LabelEvent
    | AddNote
    | Withdraw
    | CallForHelp
)

NAMES: dict[str, type[Command]] = {
    "ack": Acknowledge,
    "snooze": Snooze,
    "pause": PauseAlerts,
    "resume": ResumeAlerts,
    "mark": MarkSpasm,
    "label": LabelEvent,
    "note": AddNote,
    "withdraw": Withdraw,
    "help": CallForHelp,
}
"""Names of commands in topics, addresses and the log."""

_NAME_OF = {kind: name for name, kind in NAMES.items()}


def name_of(command: Command) -> str:
    """Return the name of a command, as in `NAMES`."""
    return _NAME_OF[type(command)]


def to_dict(command: Command) -> dict[str, Any]:
    """Return the JSON object of `command/1`: its name and every field, unknown ones None."""
    values = {each.name: getattr(command, each.name) for each in fields(command)}
    plain = {
        name: format_utc(value)
        if isinstance(value, datetime)
        else str(value)
        if isinstance(value, StrEnum)
        else list(value)
        if isinstance(value, tuple)
        else value
        for name, value in values.items()
    }
    return {"schema": SCHEMA, "command": name_of(command), **plain}


def from_fields(name: str, said: dict[str, Any]) -> Command:
    """Return the command of a name and its fields; one that is left out has its default.

    Fields of other names are ignored: a sender may sign, date and number what it sends.

    Raises
    ------
    CommandError
        There is no such command, or a field cannot be used.
    """
    kind = NAMES.get(name)
    if kind is None:
        raise CommandError(f"there is no command {name!a:.40}")
    known = {each.name for each in fields(kind)}
    values = {key: value for key, value in said.items() if key in known and value is not None}
    for key, value in values.items():
        values[key] = _typed(key, value)
    try:
        return kind(**values)
    except TypeError:
        needed = sorted(known - values.keys() - _OPTIONAL)
        raise CommandError(f"{name} needs {', '.join(needed)}") from None


def from_dict(data: Any) -> Command:
    """Return the command that `to_dict` wrote; CommandError as `from_fields`."""
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise CommandError(f"not a {SCHEMA} object")
    return from_fields(str(data.get("command")), data)


_OPTIONAL = {"alert", "event", "events", "minutes", "at", "kind"}


_WORDS: dict[str, type[StrEnum]] = {"verdict": SaidKind, "kind": NoteKind, "what": Taken}


def _typed(key: str, value: Any) -> Any:
    if key == "minutes":
        if type(value) is not int:
            raise CommandError("minutes must be a whole number")
        return value
    if key == "events":
        return _several(value)
    if not isinstance(value, str):
        raise CommandError(f"{key} must be text")
    try:
        match key:
            case "at" | "said":
                at = parse_utc(value)
                return None if at is None else at.astimezone(UTC)
            case "verdict" | "kind" | "what":
                return _WORDS[key](value)
    except ValueError:
        wanted = _WORDS.get(key)
        form = "a UTC time like 2026-11-21T02:14:07Z" if wanted is None else ", ".join(wanted)
        raise CommandError(f"{key} must be {form}") from None
    return value


def _several(value: Any) -> tuple[str, ...]:
    """Return ids that come as a list, or from a form as text with commas between them."""
    found = value.split(",") if isinstance(value, str) else value
    if not isinstance(found, list | tuple) or not all(isinstance(each, str) for each in found):
        raise CommandError("events must be a list of ids")
    return tuple(dict.fromkeys(found))


def _check_id(name: str, value: str | None) -> None:
    if value is not None and not ID.fullmatch(value):
        raise CommandError(f"{name} must be the id of one, not {value!a:.40}")


def _check_minutes(minutes: int, most: int) -> None:
    if not 1 <= minutes <= most:
        raise CommandError(f"minutes must be from 1 to {most}, not {minutes}")
