"""TOML within limits: how deep it is nested is found out before it is parsed."""

from __future__ import annotations

import re
import tomllib
from typing import Any

DEEPEST = 16  # settings have keys of three parts, and lists of one level


def parse_toml(text: str) -> dict[str, Any]:
    """Return what TOML says.

    Python's parser takes 1.6 GB for a key of 20,000 levels, which fit into 40 kB.

    Raises
    ------
    ValueError
        It is not TOML, or a key or bracket is nested too deep.
    """
    if nests_deeply(text):
        raise ValueError("keys or brackets are nested too deeply")
    return tomllib.loads(text)


def nests_deeply(text: str) -> bool:
    """Whether keys of many parts or many brackets would cost memory out of proportion."""
    bare = _TEXT.sub("s", text)
    if _LONG_KEY.search(bare):
        return True
    depth = 0
    for found in _BRACKETS.finditer(bare):
        depth += 1 if found[0] in "[{" else -1
        if depth > DEEPEST:
            return True
        depth = max(depth, 0)
    return False


_TEXT = re.compile(
    r'"""(?:[^\\"]|\\.|"(?!""))*+(?:""")?'
    r"|'''(?:[^']|'(?!''))*+(?:''')?"
    r'|"(?:[^"\\\n]|\\.)*+"?'
    r"|'[^'\n]*+'?"
    r"|#[^\n]*+",
    re.DOTALL,
)
"""Text in quotes, closed or not, and comments, in which nothing nests."""
_LONG_KEY = re.compile(rf"(?<![\w-])(?:[\w-]++[ \t]*+\.[ \t]*+){{{DEEPEST},}}")
_BRACKETS = re.compile(r"[\[\]{}]")
