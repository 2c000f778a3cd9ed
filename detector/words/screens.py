"""What screens say of entries of the log: a title for an alert, a line for what happened."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

from detector.alert import Alert, AlertClass, AlertState, Level
from detector.alert import from_dict as alert_of
from detector.alerts.commands import (
    AddNote,
    CommandError,
    LabelEvent,
    MarkSpasm,
    Withdraw,
    from_dict,
)
from detector.alerts.rules import BUTTON, RuleError, parse_rule
from detector.channels import EntryKind
from detector.events import Origin
from detector.words.alerts import CONDITION_NAMES, rule_words, state_words
from detector.words.commands import command_words
from detector.words.phrases import TITLES, length

_SAID = {
    "ack": "{by} is on it.",
    "snooze": "{by} put alerts off for {minutes} min.",
    "pause": "{by} paused alerts for {minutes} min.",
    "resume": "{by} ended the pause.",
    "help": "{by} called for help.",
}

_ANSWERS = {AlertState.ACKNOWLEDGED.value: ("ack",), AlertState.SNOOZED.value: ("snooze",)}
"""States of an alert, and the commands that make it so."""

_ORIGINS = {
    Origin.SIMULATED: "This night is simulated: nobody is watched, and nobody's phone is told.",
    Origin.REPLAY: "A recording is played again: nobody is watched, and nobody's phone is told.",
}


def alert_title(alert: Alert) -> str:
    """Return in a few words what an alert is about."""
    if alert.level is Level.TEST:
        return "Test of the alarm"
    if alert.kind == BUTTON:
        return "Call for help"
    if alert.alert_class is AlertClass.TECHNICAL:
        return _capital(CONDITION_NAMES.get(alert.kind, alert.kind))
    if alert.rule is not None and _is_rule(alert.rule):
        return _capital(rule_words(alert.rule))
    known = {str(kind): title for kind, title in TITLES.items()}
    return f"Likely {known[alert.kind].lower()}" if alert.kind in known else _capital(alert.kind)


def place_words(label: str) -> str:
    """Return a sensor's label as a person says it: left-calf is left calf."""
    return label.replace("-", " ").replace("_", " ")


def happened_words(kind: EntryKind, body: Mapping[str, Any], zone: tzinfo | None = None) -> str:
    """Return one line about an entry of the log, in the wearer's time; its fields are untrusted."""
    match kind:
        case EntryKind.EVENT:
            return _event_words(body)
        case EntryKind.ALERT:
            return _alert_words(body, zone)
        case EntryKind.NOTE | EntryKind.LABEL | EntryKind.COMMAND:
            return _said_words(body)
        case _:
            return _text(body, "words")


def told_by_alert(kind: EntryKind, before: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    """Return whether the entry before a command, an alert, says already who answered, and what."""
    return (
        kind is EntryKind.ALERT
        and body.get("command") in _ANSWERS.get(_text(before, "state"), ())
        and before.get("by") == body.get("by")
    )


def whose_words(label: str, origin: Origin) -> str:
    """Return whose night a screen shows; one that is not live says so wherever it has a name."""
    return label if origin is Origin.LIVE else f"{label} ({origin})".lstrip()


def origin_words(origin: Origin) -> str:
    """Return what to know of a night that is not live; nothing of a live one."""
    return _ORIGINS.get(origin, "")


def _said_words(body: Mapping[str, Any]) -> str:
    try:
        command = from_dict(body)
    except CommandError:  # of another version, such as a pause of the first ones
        command = None
    if isinstance(command, AddNote | MarkSpasm | LabelEvent | Withdraw):
        return command_words(command)
    said = _SAID.get(_text(body, "command") or "pause", "{by} changed something.")
    return said.format(by=_text(body, "by"), minutes=_text(body, "minutes"))


def _event_words(body: Mapping[str, Any]) -> str:
    known = {str(kind): title for kind, title in TITLES.items()}
    title = known.get(_text(body, "kind"), _text(body, "kind"))
    duration = body.get("duration_s")
    lasted = f", {length(float(duration))}" if isinstance(duration, int | float) else ""
    where = place_words(_text(body, "sensor"))
    return f"{title}{lasted}{f', {where}' if where else ''}."


def _alert_words(body: Mapping[str, Any], zone: tzinfo | None) -> str:
    try:
        alert = alert_of(body)
    except (ValueError, TypeError):  # of another version
        return _text(body, "reason")
    state = state_words(alert, zone)
    if alert.level is Level.TEST:
        return f"{state}."
    state = state if alert.by and state.startswith(alert.by) else _capital(state)
    return f"{state}: {alert_title(alert).lower()}."


def _is_rule(text: str) -> bool:
    try:
        parse_rule(text)
    except RuleError:
        return False
    return text != BUTTON


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    return str(value) if isinstance(value, str | int) else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
