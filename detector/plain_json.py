"""JSON as all parts write it: one line, printable bounded text, finite numbers, unknown is null.

Names of sensors are untrusted, and other programs' parsers, terminals and screens read the result.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

TEXT_MOST = 500  # characters; a longer reason is not read at night


def line(value: Mapping[str, Any]) -> str:
    """Return one line of JSON; the same value always gives the same bytes."""
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False)


def plain(value: Any) -> Any:
    """Return the value with its text printable and bounded, and None for what is not finite."""
    if isinstance(value, str):
        return printable(value[:TEXT_MOST])
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {plain(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


def printable(text: str) -> str:
    """Return the text on one line, with a space for every character that controls a screen."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else " " for char in text)
