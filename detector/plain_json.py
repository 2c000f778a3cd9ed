"""JSON as all parts write it: one line, printable bounded text, finite numbers, unknown is null.

Names of sensors are untrusted, and other programs' parsers, terminals and screens read the result.
What others wrote is read here too, within limits of size, depth and type.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn

TEXT_MOST = 500  # characters; a longer reason is not read at night
DEPTH_MOST = 16  # levels; an event in a snapshot has 5, a saved night 10


def line(value: Mapping[str, Any]) -> str:
    """Return one line of JSON; the same value always gives the same bytes."""
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False)


def parsed(text: str | bytes, *, depth_most: int = DEPTH_MOST) -> Any:
    """Return what JSON of a file holds; who calls has bounded its length.

    Raises
    ------
    ValueError
        It is not UTF-8 or not JSON, holds NaN, Infinity, a number beyond all bounds or the same key
        twice, or is nested deeper than this, which costs memory out of proportion.
    """
    try:
        decoded = text.decode() if isinstance(text, bytes) else text
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    depth = 0
    for found in _BRACKETS.finditer(decoded):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        if depth > depth_most:
            raise ValueError(f"it is nested deeper than {depth_most} levels")
    return json.loads(
        decoded, parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_once_each
    )


_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]')  # or a text, in which none counts


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


def read(payload: bytes, *, most_bytes: int, depth_most: int = DEPTH_MOST) -> dict[str, Any]:
    """Return the JSON object that somebody wrote, whoever it was.

    Raises
    ------
    ValueError
        It is larger or deeper than this, is not UTF-8, holds a number that is not finite, half a
        character or the same key twice, or is no object; the sentence says which.
    """
    if len(payload) > most_bytes:
        raise ValueError(f"it has {len(payload)} bytes, {most_bytes} are the most")
    try:
        value = parsed(payload, depth_most=depth_most)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON: {error.msg} at {error.pos}") from None
    if not isinstance(value, dict):
        raise ValueError("it is not a JSON object")
    _check(value)
    return value


def _check(value: Any) -> None:
    """Refuse text that no other program could be sent."""
    inside: list[Any] = [value]
    while inside:
        each = inside.pop()
        if isinstance(each, dict):
            inside += [*each.keys(), *each.values()]
        elif isinstance(each, list):
            inside += each
        elif isinstance(each, str) and not each.isascii():
            _encodable(each)


def _encodable(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("it holds half of a character") from None


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):  # which of the two counts differs between programs
        raise ValueError("it holds the same key twice")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        _refuse(text)
    return number


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant[:20]} is no number in JSON")
