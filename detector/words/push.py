"""Words of notifications: short, to be read aloud, without ids; neutral unless asked otherwise.

A phone shows a notification to whoever looks at it, and the servers between may read it: neutral
words name no spasm and no cause, only where somebody is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from typing import Literal

from detector.alert import Alert, AlertClass, AlertState
from detector.alerts.response import NOT_A_SPASM
from detector.alerts.rules import BUTTON, Lasting, RuleError, parse_rule
from detector.words.alerts import CONDITION_NAMES, rule_words
from detector.words.phrases import counted, length, one_line, sentence

Wording = Literal["neutral", "full"]

MOVEMENT = "Movement alert"
CALL = "Call for help"
MORE = "Many alerts"
MISSED = "Missed alerts"
TEST = "Test of the alarm"
TAKEN_BACK = "taken back"  # how the reason of an alert begins that was judged again

REASON_MOST = 300  # characters: a notification shows no more
SECONDS_BELOW_S = 120  # a minute and five seconds is 65 s


@dataclass(frozen=True, slots=True)
class MovedLimb:
    """What moved, as far as the log says.

    limb : label of the sensor, as in the settings; None where several or none saw it
    """

    limb: str | None = None
    duration_s: float | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """The words of a notification."""

    title: str
    body: str


def alarm_words(
    alert: Alert, wording: Wording, *, label: str, moved: MovedLimb, zone: tzinfo | None
) -> Notice:
    """Return the words that tell somebody to come.

    Parameters
    ----------
    label : whose alert it is, as the settings call the wearer
    """
    asked = ["Nobody has answered."] if alert.state is AlertState.ESCALATED else []
    more = [f"It stands for {alert.count} alerts."] if alert.count > 1 else []
    about = _about(alert, wording)
    full = wording == "full"
    why: list[str] = []
    parts: list[str | None] = [label]
    if alert.alert_class is AlertClass.TECHNICAL:
        why = [_why(alert)] if full else ["The watching needs somebody."]
    elif about != CALL:
        timed = moved.duration_s is not None and _lasting(alert) is not None
        took = _seconds(moved.duration_s or 0.0) if timed else None
        if full:
            about = _joined(f"{about} {took}" if took else about, _limb(moved))
        else:
            parts += [_limb(moved), took]
    where = _joined(*parts, _since(alert, zone))
    return Notice(one_line(about), one_line(" ".join([f"{where}.", *why, *more, *asked])))


def news_words(alert: Alert, wording: Wording, *, label: str, zone: tzinfo | None) -> Notice:
    """Return the words that tell those who were woken what became of an alert."""
    of = f"{_about(alert, wording)}, {label}."
    by = (alert.by or "somebody").capitalize()
    if is_withdrawn(alert):
        title = "Not a spasm, sorry" if wording == "full" else "False alarm, sorry"
    elif alert.state is AlertState.ACKNOWLEDGED:
        title = f"{by} is on it"
    elif alert.state is AlertState.SNOOZED:
        until = "" if alert.until is None else f" until {alert.until.astimezone(zone):%H:%M}"
        title = f"{by} has put it off{until}"
    else:
        title = "All clear"
    return Notice(one_line(title), one_line(of))


def more_words(alert: Alert, most: int, page: str | None) -> Notice:
    """Return that more alerts like this come than are told, and where all of them are."""
    where = page or "the page of spasmwatch"
    what, others = f"{most} alerts about the wearer", "alerts about the watching"
    if alert.kind == BUTTON:
        what = f"{most} presses of the button for help"
        others = "a new call, once somebody has answered this one"
    elif alert.alert_class is AlertClass.TECHNICAL:
        name = CONDITION_NAMES.get(alert.kind, "alerts about the watching")
        what, others = f"{most} times “{name}”", "other alerts"
    return Notice(
        MORE,
        f"{what} within an hour were told here; those that follow are not, but {others} still "
        f"will be. Look at {where}, or at the wearer.",
    )


def missed_words(count: int, label: str, page: str | None) -> Notice:
    """Return that alerts could not be told in time."""
    alerts = "An alert" if count == 1 else f"{count} alerts"
    where = page or "the page of spasmwatch"
    return Notice(
        MISSED,
        f"{label}. {alerts} could not be told here in time: this phone's service did not answer. "
        f"Look at {where}.",
    )


def drill_words(code: str, *, label: str, answers: bool) -> Notice:
    """Return the words of a test.

    Parameters
    ----------
    code : that whoever got it tells to confirm it
    answers : whether the notification has a button for that
    """
    said = f"say the code {' '.join(code)} to whoever sent it"
    how = f"press the button, or {said}" if answers else said
    return Notice(TEST, f"{label}. Nothing is the matter. If you heard this, {how}.")


def device_ends_words(left_s: float) -> str:
    """Return what tells a device that nobody opens the page on how long it is notified."""
    days = counted(int(left_s // 86400), "day") if left_s >= 86400 else "a day"
    return f"Open the page on this device within {days}, or it is notified no more."


def push_failed_words(causes: dict[str, str]) -> str:
    """Return whom alerts do not reach, each with its cause, and what to do."""
    said = "; ".join(f"{name} ({why})" for name, why in sorted(causes.items()))
    return (
        f"Alerts do not reach {said}. See to the address of that [[contact]], its server or this "
        "computer's network, then try it: spasmwatch alerts test"
    )


def is_withdrawn(alert: Alert) -> bool:
    """Whether an alert is over because it was none, as somebody or spasmwatch itself says."""
    return alert.reason.startswith((NOT_A_SPASM, TAKEN_BACK))


def _about(alert: Alert, wording: Wording) -> str:
    """Return what an alert is about, with a capital."""
    if alert.alert_class is AlertClass.TECHNICAL:
        return _capital(CONDITION_NAMES.get(alert.kind, alert.kind))
    if alert.kind == BUTTON:
        return CALL
    if wording == "neutral":
        return MOVEMENT
    if alert.rule is None or _lasting(alert) is not None:
        return _capital("tonic spasm" if alert.kind == "tonic" else alert.kind)
    return _capital(rule_words(alert.rule))


def _lasting(alert: Alert) -> Lasting | None:
    """Return the rule of an alert about one long movement."""
    try:
        rule = None if alert.rule is None else parse_rule(alert.rule)
    except RuleError:  # of another version
        return None
    return rule if isinstance(rule, Lasting) else None


def _why(alert: Alert) -> str:
    """Return why a technical alert is open, as far as a notification has room for it."""
    named = alert.rule or alert.kind
    why = alert.reason.removeprefix(named).removeprefix(": ") or named
    return sentence(why if len(why) <= REASON_MOST else why[: REASON_MOST - 1] + "…")


def _since(alert: Alert, zone: tzinfo | None) -> str | None:
    return None if alert.raised_at is None else f"since {alert.raised_at.astimezone(zone):%H:%M}"


def _limb(moved: MovedLimb) -> str | None:
    return None if moved.limb is None else moved.limb.replace("-", " ").replace("_", " ")


def _seconds(duration_s: float) -> str:
    return f"{duration_s:.0f} s" if duration_s < SECONDS_BELOW_S else length(duration_s)


def _joined(*parts: str | None) -> str:
    return ", ".join(part for part in parts if part)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
