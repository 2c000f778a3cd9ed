"""What a person types beside a night, here or at a receiver, as commands. Pure."""

from __future__ import annotations

import re

from detector.alerts.commands import (
    SNOOZE_MOST_MIN,
    Acknowledge,
    AddNote,
    CallForHelp,
    Command,
    MarkSpasm,
    PauseAlerts,
    ResumeAlerts,
    Snooze,
)

PAUSE_MIN = 30  # enough to care for somebody; `p 60` asks for the longest

KEYS = (
    "Keys, each followed by Enter: a I'm on it, for all that is open; s puts it off for "
    f"{SNOOZE_MOST_MIN} min (s 10: for ten); p pauses all alerts for {PAUSE_MIN} min (p 10: for "
    "ten), r ends the pause; m marks a spasm; n and a text notes it; t tests the alarm. Enter "
    "alone: I heard the test."
)


def said_in(line: str, by: str, *, calls: bool = False) -> Command | None:
    """Return the command of a typed line; None where it is none.

    Parameters
    ----------
    calls : whether h calls for help: beside the wearer, not at a receiver

    Raises
    ------
    CommandError
        It cannot be obeyed, such as a pause of two hours.
    """
    if note := re.fullmatch(r"\s*n(?:ote)?\s+(.*\S)\s*", line, re.IGNORECASE):
        return AddNote(by=by, text=note[1])
    typed = re.fullmatch(r"\s*([a-z]+)\s*([0-9]{0,3})\s*", line.lower(), re.ASCII)
    if typed is None:
        return None
    word, minutes = typed[1], int(typed[2]) if typed[2] else None
    command: Command | None = None
    match word, minutes:
        case (("a" | "ack"), None):
            command = Acknowledge(by=by)
        case (("s" | "snooze"), _):
            command = Snooze(by=by, minutes=SNOOZE_MOST_MIN if minutes is None else minutes)
        case (("p" | "pause"), 0) | (("r" | "resume"), None):
            command = ResumeAlerts(by=by)
        case (("p" | "pause"), _):
            command = PauseAlerts(by=by, minutes=PAUSE_MIN if minutes is None else minutes)
        case (("m" | "mark"), None):
            command = MarkSpasm(by=by)
        case (("h" | "help"), None) if calls:
            command = CallForHelp(by=by)
    return command
