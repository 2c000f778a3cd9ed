"""What people said to a night, as lines."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from detector.alerts.commands import AddNote, LabelEvent, MarkSpasm, SaidKind, Withdraw

KIND_WORDS: Mapping[SaidKind, str] = MappingProxyType(
    {
        SaidKind.SPASM: "a spasm",
        SaidKind.CLONUS: "clonus",
        SaidKind.NOT_A_SPASM: "not a spasm",
        SaidKind.NOT_SURE: "not sure what it was",
    }
)


def command_words(command: AddNote | MarkSpasm | LabelEvent | Withdraw) -> str:
    """Return a line for what changes no alert: Note by maria: took baclofen."""
    match command:
        case AddNote(by=by, text=text):
            return f"Note by {by}: {text}"
        case MarkSpasm(by=by):
            return f"A spasm is marked by {by}."
        case LabelEvent(by=by, verdict=kind):
            several = f" ({len(command.named)} movements)" if len(command.named) > 1 else ""
            return f"Labelled by {by}: {KIND_WORDS[kind]}{several}."
        case Withdraw(by=by):
            return f"{by} took back something that they had said."
