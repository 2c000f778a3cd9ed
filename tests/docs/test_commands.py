"""What README and docs tell people to type exists: commands and their options."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer

import detector
from detector.cli import app

ROOT = Path(detector.__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
CODE = re.compile(r"`([^`\n]+(?:\n[^`\n]+)?)`|^    (\S.*)$", re.MULTILINE)
WORDS = re.compile(r"\bspasmwatch ((?:-c \S+ )?[a-z][^#|&;…`]*)")


def typed(page: Path) -> list[list[str]]:
    """Return the words that follow `spasmwatch` in the page's code."""
    text = re.sub(r"^```\w*\n.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    code = ["".join(groups).replace("\n", " ") for groups in CODE.findall(text)]
    code = [re.sub(r"'[^']*'", "VALUE", line) for line in code]
    return [found.split() for line in code for found in WORDS.findall(line)]


def options_of(command: Any) -> set[str]:
    return {name for each in command.params for name in (*each.opts, *each.secondary_opts)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_option_that_a_page_names_exists(page: Path) -> None:
    root: Any = typer.main.get_command(app)
    for words in typed(page):
        command, known = root, options_of(root) | {"--help"}
        for word in words:
            subcommands = getattr(command, "commands", {})
            if word in subcommands:
                command = subcommands[word]
                known |= options_of(command)
            elif word.startswith("-") and not re.match(r"-\d", word):
                assert word.partition("=")[0] in known, f"{page.name}: {' '.join(words)}"
            elif command is root:
                assert words[words.index(word) - 1] == "-c", f"{page.name}: {' '.join(words)}"


def test_the_readme_names_what_a_first_night_needs() -> None:
    named = {words[0] for words in typed(ROOT / "README.md")}
    assert {"setup", "doctor", "run", "listen", "service", "detect", "replay"} <= named
