"""Mark and colour of each state, the same on every screen; shape and word always accompany colour.

The colours are of Okabe and Ito's palette, told apart by people with any colour vision.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from detector.alert import Level
from detector.events import Kind
from detector.status import StateWord, Status

BLUE, ORANGE, VERMILION, YELLOW = "#0072B2", "#E69F00", "#D55E00", "#F0E442"
GREY, BLACK = "#8A8A8A", "#000000"

COLOURS: Mapping[StateWord, str] = MappingProxyType(
    {
        StateWord.WATCHING: BLUE,
        StateWord.SPASM: ORANGE,
        StateWord.NO_SIGNAL: YELLOW,  # behind black
        StateWord.PAUSED: GREY,
    }
)

_MARKS: Mapping[StateWord, str] = MappingProxyType(
    {
        StateWord.WATCHING: "●",
        StateWord.SPASM: "▲",
        StateWord.NO_SIGNAL: "✕",
        StateWord.PAUSED: "‖",
    }
)


def mark_of(status: Status) -> str:
    """Return the shape of a state."""
    clonus = status.watch is StateWord.SPASM and status.kind is Kind.CLONUS
    return "◆" if clonus else _MARKS[status.watch]


def level_colour(level: Level) -> str:
    """Return the colour of an alert."""
    return VERMILION if level is Level.HIGH else ORANGE if level is Level.MEDIUM else GREY
