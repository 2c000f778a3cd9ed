"""What a person types beside a running night, as commands. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from detector.alerts.commands import (
    NOTE_MOST,
    Acknowledge,
    AddNote,
    CallForHelp,
    Command,
    CommandError,
    MarkSpasm,
    PauseAlerts,
    ResumeAlerts,
    Snooze,
)

BY = "bedside"
"""Who commands at the watching computer's own terminal: nobody has said a name there."""

HELP = (
    "Keys, each followed by Enter: a I'm on it; s snooze (s 10: for ten minutes); p pause; "
    "r resume; m mark a spasm; n TEXT a note; h call for help."
)

_ALONE: Mapping[str, Callable[..., Command]] = {
    "a": Acknowledge,
    "r": ResumeAlerts,
    "m": MarkSpasm,
    "h": CallForHelp,
}
_TIMED: Mapping[str, Callable[..., Command]] = {"s": Snooze, "p": PauseAlerts}

_SAID: Mapping[type, str] = {
    Acknowledge: "You are on it: nobody is told again.",
    Snooze: "Put off for {minutes} min.",
    PauseAlerts: "Alerts are paused for {minutes} min.",
    ResumeAlerts: "Alerts wake again.",
    MarkSpasm: "Marked.",
    CallForHelp: "Help is called.",
    AddNote: "Noted.",
}


def command_of(text: str, by: str = BY) -> Command:
    """Return the command of a typed line, such as `p 10` or `n took baclofen`.

    Raises
    ------
    CommandError
        It is none, and the sentence says which there are; or it cannot be meant.
    """
    word, _, rest = text.strip().partition(" ")
    word, rest = word.lower(), rest.strip()
    if word in _ALONE and not rest:
        return _ALONE[word](by=by)
    if word in _TIMED:
        return _TIMED[word](by=by, minutes=_minutes(rest, 30))
    if word == "n":
        return AddNote(by=by, text=rest)
    raise CommandError(HELP)


class Keystrokes:
    """Single keys, without Enter, as the lines that `command_of` takes; a note ends with Enter.

    Attributes
    ----------
    note : what is being typed; None while keys are single ones
    """

    def __init__(self) -> None:
        self.note: str | None = None

    def feed(self, typed: str) -> list[str]:
        """Take what was typed; return the lines that it makes."""
        lines: list[str] = []
        for key in typed:
            if self.note is None:
                self.note = "" if key.lower() == "n" else None
                lines += [key] if self.note is None and key.isprintable() and key != " " else []
            elif key in "\r\n":
                lines += [f"n {self.note}"] if self.note.strip() else []
                self.note = None
            elif key == "\x1b":  # Escape
                self.note = None
            elif key in "\x7f\b":
                self.note = self.note[:-1]
            elif key.isprintable() and len(self.note) < NOTE_MOST:
                self.note += key
        return lines


def said_words(command: Command) -> str:
    """Return that a command was obeyed."""
    return _SAID[type(command)].format(minutes=getattr(command, "minutes", 0))


def _minutes(text: str, usual: int) -> int:
    if not text:
        return usual
    if not text.isdecimal() or len(text) > 4:
        raise CommandError(f"{text!a:.20} is not a number of minutes")
    return int(text)
