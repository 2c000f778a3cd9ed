"""How deep a TOML text is nested, found out before it is parsed."""

from __future__ import annotations

import re

DEEPEST = 16  # settings have keys of three parts, and lists of one level


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
