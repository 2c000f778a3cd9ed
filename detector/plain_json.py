"""JSON as all parts write it: one line, printable bounded text, finite numbers, unknown is null.

Names of sensors are untrusted, and other programs' parsers, terminals and screens read the result.
What others wrote is read here too, within limits of size, depth and type.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

TEXT_MOST = 500  # characters; a longer reason is not read at night
DEPTH_MOST = 16  # levels; the deepest message, an event in a snapshot, has 5


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
        value = json.loads(
            payload.decode(),
            parse_constant=_refuse,
            parse_float=_finite,
            object_pairs_hook=_once_each,
        )
    except RecursionError:
        raise ValueError(f"it is nested deeper than {depth_most} levels") from None
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON: {error.msg} at {error.pos}") from None
    if not isinstance(value, dict):
        raise ValueError("it is not a JSON object")
    _check(value, depth_most)
    return value


def _check(value: dict[str, Any], depth_most: int) -> None:
    """Refuse what is nested too deep, and text that no other program could be sent."""
    level: list[Any] = [value]
    for _ in range(depth_most):
        inside: list[Any] = []
        for each in level:
            inside += each if isinstance(each, list) else [*each.keys(), *each.values()]
        for each in inside:
            if isinstance(each, str) and not each.isascii():
                _encodable(each)
        level = [each for each in inside if isinstance(each, dict | list)]
        if not level:
            return
    raise ValueError(f"it is nested deeper than {depth_most} levels")


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
