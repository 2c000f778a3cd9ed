"""The page's section on first words, and on announcements that were taken back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cells import NONE, hours, share, share_of, spread, table

Results = Mapping[str, Mapping[str, Any]]
Lines = list[str]

PLAYED = {
    "own-spasms": "own generator, spasms",
    "own-ramped": "own generator, ramped",
    "own-hard": "own generator, hard nights",
    "own-severe": "own generator, severe nights",
    "torque": "forward dynamics",
    "torque-severe": "forward dynamics, severe nights",
    "demo": "`make demo`, as in the README",
    "demos": "`spasmwatch demo`, other seeds",
}
"""What was played, by the name of the measurement within the section."""

MANNERS = {
    "sudden": "sudden spasms",
    "ramped": "ramped spasms",
    "clonus": "clonus",
}


def words_lines(results: Results) -> Lines:
    """Return how soon likely spasms are published, and what became of the announcements."""
    waits, announced = [], []
    for name, title in PLAYED.items():
        result = results.get(f"words/{name}")
        if result is None:
            continue
        for manner, called in MANNERS.items():
            each = result["waits"].get(manner)
            if each is not None:
                waits.append((f"{title}: {called}", str(each["of"]), str(each["n"]), spread(each)))
        count = result["announced"]
        announced.append(
            (
                title,
                hours(result["hours"]),
                str(count["begun"]),
                share(share_of(count["taken_back"], count["begun"])),
                str(count["renamed"]) if count["begun"] else NONE,
            )
        )
    return [
        *table(("simulated", "of", "with a word", "first word, s, p50 / p90"), waits),
        "What became of announcements (*begins …*):",
        *table(("simulated", "recorded", "announced", "taken back", "renamed"), announced),
    ]
