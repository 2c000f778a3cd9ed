"""States of alerts as lines: on the terminal, in replays and of recordings alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import tzinfo

from detector.alert import Alert, AlertState, Level
from detector.alerts.conditions import Condition
from detector.alerts.response import NOT_A_SPASM
from detector.alerts.rules import Button, Clause, Cluster, Lasting, RuleError, parse_rule
from detector.words.phrases import one_line, sentence
from detector.words.times import elapsed_words

CONDITION_NAMES: Mapping[str, str] = {
    Condition.NO_SIGNAL: "no signal",
    Condition.BLUETOOTH: "no Bluetooth",
    Condition.OTHER_ADDRESS: "sensor perhaps at a new address",
    Condition.DATA_LOST: "too much data lost",
    Condition.WRONG_RATE: "wrong sampling rate",
    Condition.RATE_DRIFT: "sampling rate drifts",
    Condition.DOUBLED: "every packet twice",
    Condition.BATTERY: "battery low",
    Condition.BATTERY_CRITICAL: "battery nearly empty",
    Condition.BATTERY_UNKNOWN: "battery level unknown",
    Condition.STUCK: "sensor stuck",
    Condition.NON_WEAR: "sensor not worn",
    Condition.CLIPPED: "movement beyond the sensor's range",
    Condition.STUCK_AXIS: "an axis of the sensor stuck",
    Condition.WRONG_SCALE: "gravity is not 1 g",
    Condition.LOOSE_STRAP: "strap loose",
    Condition.BROKER: "no broker",
    Condition.BROKER_LOST: "broker away too often",
    Condition.BROKER_REFUSES: "messages refused",
    Condition.NOBODY_REACHABLE: "nobody is reached",
    Condition.PUSH_FAILED: "a phone is not told",
    Condition.SOUND: "no sound here",
    Condition.UNPROVEN_COMMANDS: "commands of strangers",
    Condition.SELF_TEST: "test of the alarm",
    Condition.SELF_TEST_FAILED: "the test of the alarm failed",
    Condition.SELF_TEST_OVERDUE: "no test of the alarm",
    Condition.PATH_UNCONFIRMED: "nobody confirmed the alarm",
    Condition.CLOCK_STEPPED: "clock set",
    Condition.CLOCK_IMPLAUSIBLE: "clock wrong",
    Condition.SLEPT: "computer asleep",
    Condition.HEARTBEAT: "the watchdog is blind",
    Condition.OVERLOAD: "computer too slow",
    Condition.DISK: "events not written",
    Condition.DISK_LOW: "little room on the disk",
    Condition.RECORDING: "recording not written",
    Condition.RETENTION: "old nights not deleted",
    Condition.MEMORY: "night kept in memory only",
    Condition.DETECTOR_STALLED: "detector stalled",
    Condition.INTERNAL_FAULT: "fault in spasmwatch",
    Condition.RESTART_LOOP: "started again and again",
    Condition.TWIN_SERVICE: "a second spasmwatch",
    Condition.STATE: "fault in the stored data",
    Condition.NIGHT: "interrupted night not resumed",
    Condition.SAVED_NIGHT: "interrupted night not resumed, by a fault",
}
"""What alerts about the monitoring are called; the kind of another version is its own name."""

_STATES = {
    AlertState.RAISED: "ALERT",
    AlertState.REPEATED: "STILL OPEN",
    AlertState.ESCALATED: "NOBODY ANSWERED",
    AlertState.RESOLVED: "Alert over",
}
LEARNING_WORDS = "Logged only, as this is a learning night"

_ONE = {"spasm": "spasm", "clonus": "clonus", "tonic": "tonic spasm"}
_MANY = {"spasm": "spasms", "clonus": "runs of clonus", "tonic": "tonic spasms"}


def alert_line(alert: Alert, zone: tzinfo | None = None, label: str = "") -> str:
    """Return the state of an alert as one line; times in `zone`, or the computer's own.

    Without a wall clock, the time from the recording's first sample.

    Parameters
    ----------
    label : whose alert it is, as the settings call the wearer; left out where it is empty
    """
    clock = ""
    if alert.at is not None:
        clock = f"{alert.at.astimezone(zone):%H:%M:%S}  "
    elif alert.at_s is not None:
        clock = f"{elapsed_words(alert.at_s)}  "
    state = state_words(alert, zone)
    whose = f" ({label})" if label else ""
    return one_line(f"{clock}{state}{whose}: {matter(alert)}")


def state_words(alert: Alert, zone: tzinfo | None = None) -> str:
    """Return the state of an alert, and who made it so: anna is on it."""
    by = alert.by or "somebody"
    if alert.level is Level.TEST:
        return "Test of the alarm" if alert.state is AlertState.RAISED else "Test over"
    if alert.state is AlertState.ACKNOWLEDGED:
        return f"Not a spasm, says {by}" if alert.reason == NOT_A_SPASM else f"{by} is on it"
    if alert.state is AlertState.SNOOZED:
        until = "" if alert.until is None else f" until {alert.until.astimezone(zone):%H:%M}"
        return f"Put off by {by}{until}"
    if alert.level is Level.INFORMATION and alert.state is AlertState.RAISED:
        return LEARNING_WORDS
    if alert.count > 1 and alert.state is AlertState.RAISED:
        return f"Again, number {alert.count}"
    return _STATES[alert.state]


def learning_words(number: int, most: int) -> str:
    """Return what is said at the beginning of a learning night."""
    return (
        f"Learning night {number} of {most}: spasms are logged and wake nobody; technical alarms "
        "wake as always. alerts.learning_nights = 0 ends that."
    )


def open_words(alerts: Iterable[Alert], *, before: bool = False) -> list[str]:
    """Return a sentence for each alert that is still open, or that was left open before."""
    state = "Still open from before" if before else "Alert still open"
    return [f"{state}: {matter(alert)}" for alert in alerts]


def still_open_line(alert: Alert, zone: tzinfo | None = None) -> str:
    """Return as one line that an alert is open, and since when."""
    if alert.state in (AlertState.ACKNOWLEDGED, AlertState.SNOOZED):
        return alert_line(replace(alert, at=None, at_s=None), zone)
    since = "" if alert.raised_at is None else f" since {alert.raised_at.astimezone(zone):%H:%M:%S}"
    return one_line(f"ALERT still open{since}: {matter(alert)}")


def rule_words(text: str) -> str:
    """Return what a wake rule waits for: 3 spasms in 10 min, clonus lasting 60 s or longer."""
    try:
        rule = parse_rule(text)
    except RuleError:  # of another version
        return text
    clause = ""
    if isinstance(rule, Lasting | Cluster) and rule.clause is not Clause.UNLESS_UP:
        rule, clause = replace(rule, clause=Clause.UNLESS_UP), f", {rule.clause}"
    *_, written = str(rule).split()
    time = re.sub(r"^(\d+)", r"\1 ", written)
    match rule:
        case Cluster():
            names = _ONE if rule.count == 1 else _MANY
            return f"{rule.count} {names[rule.word]} in {time}{clause}"
        case Button():
            return "call for help"
        case Lasting():
            return f"{_ONE[rule.word]} lasting {time} or longer{clause}"
        case _:
            return f"{CONDITION_NAMES[Condition.NO_SIGNAL]} for {time}"


def unwoken_words(text: str) -> str:
    """Return that a wake rule wakes nobody for the context in which something began."""
    began = "the wearer was up"
    try:
        rule = parse_rule(text)
    except RuleError:  # of another version
        rule = None
    if isinstance(rule, Cluster):
        began = "the wearer was not at rest" if rule.clause is Clause.FROM_REST else began
        began = f"some of them began while {began}"
    return f"nobody is woken for it ({rule_words(text)}), as {began}"


def matter(alert: Alert) -> str:
    """Return what an alert is about, and what its reason adds to that."""
    named = alert.rule or alert.kind
    about = rule_words(alert.rule) if alert.rule else CONDITION_NAMES.get(alert.kind, alert.kind)
    why = "" if alert.reason == NOT_A_SPASM else alert.reason
    why = why.removeprefix(named).removeprefix(": ")
    if alert.level is Level.TEST and why:  # the line has said that it is a test
        return why if why.endswith(".") else f"{why}."
    if alert.state is not AlertState.RESOLVED:
        return sentence(f"{about}: {why}" if why else about)
    if alert.reason.startswith("taken back"):
        return f"{sentence(about)} {sentence(alert.reason)}"
    return sentence(about)
