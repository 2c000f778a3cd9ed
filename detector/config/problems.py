"""Describe invalid settings: which line, what was written, what it must be."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from detector.config.places import Places

LONGEST_VALUE = 60
LONGEST = 400  # characters of a sentence, which may quote what was written
LONGEST_NAME = 80  # characters of a wrong name
MOST_TOLD = 20  # more is no settings file, and is not read

MUST_BE = {
    "bool_type": "must be true or false",
    "string_type": "must be text in quotes",
    "int_type": "must be a whole number",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "literal_error": "must be {expected}",
    "tuple_type": 'must be a list such as ["clonus >= 60s"]',
    "too_long": "must have {max_length} entries or fewer",
    "path_type": "must be a path in quotes",
    "value_error": "{error}",
}


def describe(
    error: ValidationError,
    origins: Mapping[str, str],
    places: Places,
    model: type[BaseModel],
) -> list[str]:
    """Return one line of text for each problem, the first of many."""
    found = []
    problems = error.errors(include_url=False)
    for problem in problems[:MOST_TOLD]:
        key = tuple(part for part in problem["loc"] if isinstance(part, str))
        line = places.line_of(_placed(problem["loc"]))
        origin = origins.get(".".join(key), "")
        if line and not origin.startswith(("environment", "flag")):  # of several sections, this one
            origin = f"line {line}"
        place = origin or "settings"
        found.append((line or sys.maxsize, f"{place}  {_sentence(key, problem, model)[:LONGEST]}"))
    more = len(problems) - MOST_TOLD
    others = [f"and {more} more"] if more > 0 else []
    return [sentence for _, sentence in sorted(found)] + others


def unknown_variable(variable: str, prefix: str, model: type[BaseModel]) -> str:
    """Return the line for a variable that is not a setting."""
    known = [prefix + key.replace(".", "__").upper() for key in _names(model)]
    return f"environment {variable}   is not a setting{_did_you_mean(variable, known)}"


def _sentence(key: Sequence[str], problem: Any, model: type[BaseModel]) -> str:
    name, kind, value = ".".join(key)[:LONGEST_NAME], problem["type"], problem["input"]
    behind = problem["loc"][len(_placed(problem["loc"])) :]
    entries = "".join(f"[{part}]" for part in behind)
    if kind == "extra_forbidden":  # its value is not shown: it may be a misspelt secret
        return f"{name}   is not a setting{_did_you_mean(name, _names(model))}"
    if kind in {"model_type", "model_attributes_type", "dict_type"}:
        head = f"[[{name}]]" if isinstance(problem["loc"][-1], int) else f"[{name}]"
        return f"{name}   must be a section: write {head} on a line of its own"
    must = MUST_BE.get(kind, "must be otherwise: " + problem["msg"]).format(
        **problem.get("ctx", {})
    )
    if isinstance(value, Mapping):  # a contradiction inside a section, or between two
        several = isinstance(problem["loc"][-1], int) if name else False
        head = f"[[{name}]]" if several else f"[{name}]"
        return f"{head}   {must}" if name else must
    hint = ""
    if kind == "literal_error" and isinstance(value, str):
        hint = _did_you_mean(value, re.findall("'([^']*)'", problem["ctx"]["expected"]))
    return f"{name}{entries} = {_shown(key, value)}   {must}{hint}"


def _placed(loc: Sequence[str | int]) -> tuple[str | int, ...]:
    """Return a key with the numbers of sections, without that of an entry of a list of values."""
    end = next((n for n in range(len(loc) - 1, 0, -1) if isinstance(loc[n], str)), 1)
    return tuple(loc[: end + 1]) if len(loc) > 2 else tuple(loc)


def _shown(key: Sequence[str], value: object) -> str:
    if ("password" in key[-1] and key[-1] != "password_file") or key[-1] == "url":
        return "***"
    text = json.dumps(value, ensure_ascii=False, default=str)
    text = re.sub(r"://[^@/]*@", "://***@", text)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def _names(model: type[BaseModel], above: str = "") -> Iterator[str]:
    """Yield the dotted name of every section and setting."""
    for name, field in model.model_fields.items():
        yield above + name
        for part in (field.annotation, *get_args(field.annotation)):  # a section, or [[several]]
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from _names(part, f"{above}{name}.")


def _did_you_mean(word: str, known: Sequence[str] | Iterator[str]) -> str:
    close = get_close_matches(word, list(known), n=1)
    return f"   did you mean {close[0]}?" if close else ""
