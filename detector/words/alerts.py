"""States of alerts as lines: on the terminal, in replays and of recordings alike."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import tzinfo

from detector.alert import Alert, AlertState, Level
from detector.alerts.rules import Cluster, Lasting, RuleError, parse_rule
from detector.words.phrases import one_line, sentence
from detector.words.times import elapsed_words

CONDITION_NAMES = {
    "no-signal": "no signal",
    "wrong-rate": "wrong sampling rate",
    "rate-drift": "sampling rate drifts",
    "doubled-stream": "every packet twice",
    "data-lost": "too much data lost",
    "battery-critical": "battery nearly empty",
    "battery-unknown": "battery level unknown",
    "stuck": "sensor stuck",
    "non-wear": "sensor not worn",
    "clipped": "movement beyond the sensor's range",
    "detector-stalled": "detector stalled",
    "overload": "computer too slow",
    "stuck-axis": "an axis of the sensor stuck",
    "wrong-scale": "gravity is not 1 g",
    "internal-fault": "fault in spasmwatch",
    "broker": "no broker",
    "broker-lost": "broker away too often",
    "broker-refuses": "messages refused",
    "twin-service": "a second spasmwatch",
    "unproven-commands": "commands of strangers",
    "clock-stepped": "clock set",
    "clock-implausible": "clock wrong",
    "slept": "computer asleep",
    "disk-low": "little room on the disk",
    "heartbeat": "the watchdog is blind",
    "nobody-reachable": "nobody is reached",
    "sound": "no sound here",
    "self-test": "test of the alarm",
    "self-test-failed": "the test of the alarm failed",
    "self-test-overdue": "no test of the alarm",
    "path-unconfirmed": "nobody confirmed the alarm",
    "restart-loop": "started again and again",
}
"""What alerts about the monitoring are called; another kind is its own name."""

_STATES = {
    AlertState.RAISED: "ALERT",
    AlertState.REPEATED: "STILL OPEN",
    AlertState.RESOLVED: "Alert over",
}

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
    state = _STATES[alert.state]
    if alert.level is Level.TEST:
        state = "Test of the alarm" if alert.state is AlertState.RAISED else "Test over"
    whose = f" ({label})" if label else ""
    return one_line(f"{clock}{state}{whose}: {_matter(alert)}")


def open_words(alerts: Iterable[Alert], *, before: bool = False) -> list[str]:
    """Return a sentence for each alert that is still open, or that was left open before."""
    state = "Still open from before" if before else "Alert still open"
    return [f"{state}: {_matter(alert)}" for alert in alerts]


def still_open_line(alert: Alert, zone: tzinfo | None = None) -> str:
    """Return as one line that an alert is open, and since when."""
    since = "" if alert.raised_at is None else f" since {alert.raised_at.astimezone(zone):%H:%M:%S}"
    return one_line(f"ALERT still open{since}: {_matter(alert)}")


def rule_words(text: str) -> str:
    """Return what a wake rule waits for: 3 spasms in 10 min, clonus lasting 60 s or longer."""
    try:
        rule = parse_rule(text)
    except RuleError:  # of another version
        return text
    *_, written = str(rule).split()
    time = re.sub(r"^(\d+)", r"\1 ", written)
    match rule:
        case Cluster():
            return f"{rule.count} {(_ONE if rule.count == 1 else _MANY)[rule.word]} in {time}"
        case Lasting():
            return f"{_ONE[rule.word]} lasting {time} or longer"
        case _:
            return f"{CONDITION_NAMES['no-signal']} for {time}"


def _matter(alert: Alert) -> str:
    """Return what an alert is about, and what its reason adds to that."""
    named = alert.rule or alert.kind
    about = rule_words(alert.rule) if alert.rule else CONDITION_NAMES.get(alert.kind, alert.kind)
    why = alert.reason.removeprefix(named).removeprefix(": ")
    if alert.level is Level.TEST and why:  # the line has said that it is a test
        return why if why.endswith(".") else f"{why}."
    if alert.state is not AlertState.RESOLVED:
        return sentence(f"{about}: {why}" if why else about)
    if alert.reason.startswith("taken back"):
        return f"{sentence(about)} {sentence(alert.reason)}"
    return sentence(about)
