"""On which lines of a TOML text its keys are set."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence

MOST_PARSED = 1_000_000
"""Characters parsed to find lines, 0.5 s: a settings file with every comment takes a third."""


class Places:
    """Finds lines of a text that is known to parse."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._heads: dict[int, object] = {}  # by the number of their last line
        self._left = MOST_PARSED

    def line_of(self, key: Sequence[str | int]) -> int | None:
        """Return the line, from 1, on which a key is set; None when it cannot be found.

        A number in the key counts the sections of one name, or what is in a list, from 0.

        The shortest head of the file that parses and holds the key ends with the statement that
        sets it, so this needs no TOML parser of its own.
        """
        word = next((part for part in reversed(key) if isinstance(part, str)), None)
        if word is None:
            return None  # a contradiction between sections has no line
        first = behind = None
        for number, line in enumerate(self._lines, 1):
            if word in line and first is None:
                first = number
            if first is None:
                continue
            head = self._head(number)
            if head is None:
                if self._left <= 0:
                    return None
                continue  # inside a value of several lines
            if _holds(head, key):
                start = max(first, (behind or 0) + 1)
                return next((n for n in range(start, number) if word in self._lines[n - 1]), number)
            behind, first = number, None
        return None

    def _head(self, number: int) -> object | None:
        """Return the first lines parsed; None where they are no TOML, or enough was parsed."""
        if number not in self._heads:
            text = "\n".join(self._lines[:number])
            self._left -= len(text)
            if self._left <= 0:
                return None
            try:
                self._heads[number] = tomllib.loads(text)
            except ValueError:
                self._heads[number] = None
        return self._heads[number]


def _holds(values: object, key: Sequence[str | int]) -> bool:
    for part in key:
        if isinstance(part, int):
            if not isinstance(values, list) or part >= len(values):
                return False
            values = values[part]
            continue
        if isinstance(values, list) and values:  # [[sections]]: the latest one
            values = values[-1]
        if not isinstance(values, dict) or part not in values:
            return False
        values = values[part]
    return True
