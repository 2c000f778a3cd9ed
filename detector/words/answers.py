"""What came of something that a person said, in words."""

from __future__ import annotations

from collections.abc import Mapping

from detector.alerts.commands import Command, Snooze, name_of
from detector.words.phrases import one_line, sentence

_DONE: Mapping[str, str] = {
    "ack": "You are on it: nobody is told of it again.",
    "snooze": "Put off.",
    "pause": "Paused.",
    "resume": "The pause is over.",
    "mark": "Spasm marked.",
    "label": "Label kept.",
    "note": "Note kept.",
    "help": "Help is called.",
}

_FAILED: Mapping[str, str] = {
    "ack": "NOT ACKNOWLEDGED",
    "snooze": "NOT PUT OFF",
    "pause": "NOT PAUSED",
    "resume": "STILL PAUSED",
    "mark": "NOT MARKED",
    "label": "NOT LABELLED",
    "note": "NOTE NOT KEPT",
    "help": "NO HELP CALLED",
}


def answer_words(command: Command, why: str | None) -> str:
    """Return what came of a command: done where `why` is None, else why not."""
    name = name_of(command)
    if why is not None:
        return one_line(f"{_FAILED[name]}: {sentence(why)}")
    return f"Put off for {command.minutes} min." if isinstance(command, Snooze) else _DONE[name]
