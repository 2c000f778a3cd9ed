"""The page docs/evaluation.md: its sections, head and tail."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bars import COMMAND, bars_lines
from page_ablation import ablation_lines
from page_counts import counts_lines
from page_people import (
    freezes_lines,
    gait_lines,
    hand_lines,
    mimicked_lines,
    seizures_lines,
    tremor_lines,
)
from page_personal import personal_lines
from page_simulated import (
    alarms_lines,
    alike_lines,
    buried_lines,
    clonus_lines,
    mixed_lines,
    nights_lines,
    sites_lines,
    spasms_lines,
    still_nights_lines,
)
from page_words import words_lines
from texts import ABOUT, HEAD, PEERS_NOTE, QUICK, SOURCES

Results = Mapping[str, Mapping[str, Any]]
Lines = list[str]

SECTIONS: dict[str, tuple[str, Callable[[Results], Lines]]] = {
    "clonus": ("Clonus (simulated)", clonus_lines),
    "spasms": ("Spasms, twitches, tonic pulls (simulated)", spasms_lines),
    "mixed": ("Spasms that end in clonus (simulated)", mixed_lines),
    "sites": ("Other places on the leg (simulated)", sites_lines),
    "still-nights": ("Nights without a spasm (simulated)", still_nights_lines),
    "nights": ("Nights with spasms (simulated)", nights_lines),
    "words": ("First words, and those taken back (simulated)", words_lines),
    "alarms": ("What wake rules ask of the context (simulated)", alarms_lines),
    "counts": ("A night's count and its interval (simulated)", counts_lines),
    "personal": ("What a wearer's own labels do (simulated)", personal_lines),
    "ablation": ("The checks of the rules, one left out at a time", ablation_lines),
    "alike": ("What looks like a spasm (simulated)", alike_lines),
    "buried": ("Clonus in the midst of movement (simulated in real)", buried_lines),
    "gait": ("Walking (real)", gait_lines),
    "freezes": ("Freezing of gait (real)", freezes_lines),
    "tremor": ("Tremor and tasks with a phone (real)", tremor_lines),
    "hand": ("Hands and days (real)", hand_lines),
    "mimicked": ("Mimicked seizures (real)", mimicked_lines),
    "seizures": ("Epileptic seizures, beside OpenSeizureDetector (real)", seizures_lines),
}


def page(results: Results, models: Path, *, quick: bool) -> str:
    """Return the whole document."""
    parts = [
        HEAD,
        *([QUICK] if quick else []),
        measured_with(results, models),
        "## The bars",
        "\n".join(bars_lines(results)),
        PEERS_NOTE,
        *("\n".join(section_lines(name, results)) for name in SECTIONS),
        "\n".join(left_out_lines(models)),
        SOURCES,
    ]
    return re.sub(r"\n{3,}", "\n\n", "\n\n".join(parts)).rstrip() + "\n"


def section_lines(name: str, results: Results) -> Lines:
    """Return one section, with the command that makes it again."""
    title, write = SECTIONS[name]
    return [f"## {title}", "", ABOUT[name], *write(results), "", f"`{COMMAND} {name}`", ""]


def measured_with(results: Results, models: Path) -> str:
    """Return a line naming the model: figures are comparable only if it is the same."""
    model = next((result["model"] for result in results.values() if "model" in result), "rules-v1")
    held = hashlib.sha256((models / model / "model.json").read_bytes()).hexdigest()[:12]
    return (
        f"Measured with the model `{model}` (`model.json` {held}). All of it again: "
        "`make evaluation`. How fast it is: `make bench`."
    )


def left_out_lines(models: Path) -> Lines:
    """Return the lines on what was left out in training, quoted from learned models' cards."""
    lines = ["## One generator, one data set left out", ""]
    lines += ["The rules are set by hand, fitted to no generator, and not measured alone here."]
    cards = sorted(models.glob("learned-*/CARD.md"))
    if not cards:
        return [*lines, "There are no learned opinions yet."]
    for card in cards:
        name = card.parent.name
        lines += [
            f"Of the learned opinions [{name}](../models/{name}/CARD.md) its card says, with names",
            "by levels alone, and not as the product gives them above:",
            "",
        ]
        quoted = about_left_out(card.read_text(encoding="utf-8"))
        lines += [f"> {line}".rstrip() for line in quoted or ["(nothing of what was left out)"]]
    return lines


def about_left_out(card: str) -> Lines:
    """Return what a card says of what was left out: sections with their titles, or paragraphs."""
    speaks = re.compile(r"left[- ](?:one|out)|leav(?:e|ing)[- ]one|generator", re.IGNORECASE)
    sections = re.split(r"^#+ ", card, flags=re.MULTILINE)[1:]
    titled = [each for each in sections if speaks.search(each.partition("\n")[0])]
    if titled:
        return "\n\n".join(map(_with_title, titled)).splitlines()
    paragraphs = [each for each in card.split("\n\n") if speaks.search(each)]
    return "\n\n".join(paragraphs).splitlines()


def _with_title(section: str) -> str:
    title, _, text = section.strip().partition("\n")
    return f"**{title}**\n{text}"
