"""Kinds of movement by the names that scorers give them."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Final

from detector.events import Kind

SYNONYMS: Final = {
    Kind.CLONUS: ("clonic", "clonic spasm", "ankle clonus", "foot clonus"),
    Kind.SPASM: (
        "muscle spasm", "leg spasm", "flexor spasm", "extensor spasm", "flexion spasm",
        "extension spasm", "spasmus", "spasme", "espasmo", "spasmo", "spasmen",
    ),
    Kind.TWITCH: (
        "jerk", "myoclonic jerk", "myoclonus", "fasciculation", "muscle twitch", "startle",
    ),
    Kind.TONIC: ("tonic spasm", "tonic contraction", "stiffening", "cramp"),
    Kind.TREMOR: ("trembling", "shaking tremor", "tremble"),
    Kind.PLM: (
        "plms", "lm", "plmw", "periodic limb movement", "periodic leg movement",
        "periodic limb movement in sleep", "limb movement", "leg movement",
    ),
    Kind.TURN: ("turning", "turn over", "turning over", "roll", "rolling over", "position change"),
    Kind.MOVEMENT: ("moving", "ordinary movement", "body movement"),
    Kind.VIBRATION: ("vibrating", "buzz", "vibrations"),
}  # fmt: skip
"""What scorers write for each kind; capitals, plurals, sides and joining marks do not matter."""
SIDES: Final = frozenset(["left", "right", "l", "r", "likely", "bilateral"])
CLOSE = 0.75  # share of equal letters from which a label is a misspelt name: clonos, spasem

_BY_NAME = {name: kind for kind in Kind for name in (kind.value, *SYNONYMS.get(kind, ()))}


def kind_of(text: str) -> Kind | None:
    """Return the kind of movement that a label names; None for anything else."""
    name = _plain(text)
    return _BY_NAME.get(name) or _BY_NAME.get(name.removesuffix("s"))


def misspelt(text: str) -> Kind | None:
    """Return the kind whose name a label that names none nearly is."""
    if kind_of(text) is not None:
        return None
    close = get_close_matches(_plain(text), [*map(str, Kind)], n=1, cutoff=CLOSE)
    return Kind(close[0]) if close else None


def _plain(text: str) -> str:
    words = re.split(r"[\s_\-/,;:.()]+", text.casefold())
    return " ".join(word for word in words if word and word not in SIDES)
