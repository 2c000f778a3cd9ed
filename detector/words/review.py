"""A review in words: what is asked of a movement, and what is known of a night."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Final

from detector.alerts.commands import SaidKind
from detector.events import Event, Kind
from detector.words.phrases import TITLES, counted, length, moment, one_line
from detector.words.screens import place_words

REAL_IS_REAL = (
    "A real spasm you did not want to be woken for is not a false alarm: change the alert rule "
    "instead."
)

ASKS: Final[Mapping[Kind, str]] = {
    Kind.CLONUS: "Clonus?",
    Kind.SPASM: "Spasm?",
    Kind.TONIC: "Tonic spasm?",
    Kind.TWITCH: "Twitch?",
}

YES: Final[Mapping[SaidKind, str]] = {
    SaidKind.CLONUS: "Yes, clonus",
    SaidKind.SPASM: "Yes, a spasm",
}
OTHER: Final[Mapping[SaidKind, tuple[SaidKind, str]]] = {
    SaidKind.CLONUS: (SaidKind.SPASM, "A spasm"),
    SaidKind.SPASM: (SaidKind.CLONUS, "Clonus"),
}
"""What it may have been besides, by what it was taken for."""


def asked_words(kind: Kind) -> str:
    """Return the question: Clonus?."""
    return ASKS.get(kind, f"{TITLES[kind]}?")


def episode_line(chief: Event, kind: Kind, zone: tzinfo | None) -> str:
    """Return which movement is asked about: 01:06:02  Clonus?  13 s, 5.8 Hz, left calf."""
    facts = [length(chief.duration_s)]
    if chief.rhythm_hz:
        facts.append(f"{chief.rhythm_hz:.1f} a second")
    if chief.sensor:
        facts.append(one_line(place_words(chief.sensor)))
    return f"{moment(chief, zone)}  {asked_words(kind)}  {', '.join(facts)}"


def others_line(events: int) -> str:
    """Return how many movements an answer is of; nothing of one."""
    return "" if events < 2 else f"{events} movements, close together: one answer is for all"


def asked_count(asked: int, unreviewed: int, episodes: int) -> str:
    """Return how much there is to review."""
    if not episodes:
        return "No likely spasms were found: there is nothing to review."
    if not unreviewed:
        return f"All {episodes} are reviewed." if episodes > 1 else "It is reviewed."
    more = unreviewed - asked
    left = f" {counted(more, 'other')} need no answer." if more else ""
    if not asked:
        return f"What was asked of this night is reviewed.{left}"
    return f"{asked} to review, the longest and the least sure first.{left}"
