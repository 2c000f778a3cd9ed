"""JSON as all parts write it: one line, printable bounded text, finite numbers, unknown is null.

Names of sensors are untrusted, and other programs' parsers, terminals and screens read the result.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn

TEXT_MOST = 500  # characters; a longer reason is not read at night

DEPTH_MOST = 20  # of arrays and objects within each other; a saved night has half


def line(value: Mapping[str, Any]) -> str:
    """Return one line of JSON; the same value always gives the same bytes."""
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False)


def parsed(text: str | bytes) -> Any:
    """Return what JSON of a file holds; who calls has bounded its length.

    Raises
    ------
    ValueError
        It is not JSON, holds NaN, Infinity or a number beyond all bounds, or is nested more than
        `DEPTH_MOST` deep, which costs memory out of proportion.
    """
    decoded = text.decode("utf-8") if isinstance(text, bytes) else text
    depth = 0
    for found in _BRACKETS.finditer(decoded):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        if depth > DEPTH_MOST:
            raise ValueError(f"it is nested more than {DEPTH_MOST} deep")
    return json.loads(decoded, parse_constant=_no_number, parse_float=_finite)


_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]')  # or a text, in which none counts


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is beyond all bounds")
    return value


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
