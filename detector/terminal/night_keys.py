"""Single keys that a person presses beside a running night, as lines. Pure."""

from __future__ import annotations

from detector.alerts.commands import NOTE_MOST, Command, CommandError
from detector.terminal.said import said_in

BY = "bedside"
"""Who commands at the watching computer's own terminal: nobody has said a name there."""

HELP = (
    "Keys, each followed by Enter: a I'm on it; s snooze (s 10: for ten minutes); p pause; "
    "r resume; m mark a spasm; n TEXT a note; h call for help."
)


def command_of(line: str) -> Command:
    """Return the command of a typed line, such as `p 10` or `n took baclofen`.

    Raises
    ------
    CommandError
        It is none, and the sentence says which there are; or it cannot be meant.
    """
    command = said_in(line, BY, calls=True)
    if command is None:
        raise CommandError(HELP)
    return command


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
