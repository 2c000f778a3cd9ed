"""Describe invalid settings: which line, what was written, what it must be."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from detector.config.places import Places
from detector.errors import ConfigError

LONGEST_VALUE = 60
LONGEST = 400  # characters of a sentence, which may quote what was written
LONGEST_NAME = 80  # characters of a wrong name
MOST_TOLD = 20  # more is no settings file, and is not read

SECRET = {"password", "secret", "token", "url"}
"""Words in the names of settings whose values are not shown: a contact's URL holds its password."""

ADDRESSED = "contact"  # in these sections an address, wherever it was put, is a secret as a whole

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


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one setting; as text, one line.

    place : where it was set, such as "line 12"
    key : dotted name of the setting or section, "" where it is the file as a whole
    value : what was written, as it is shown; secrets are masked; None is not shown
    must : what it must be
    hint : what was meant, where that can be guessed, such as "did you mean ankle?"
    """

    place: str
    key: str
    value: str | None
    must: str
    hint: str = ""

    def __str__(self) -> str:
        written = f"{self.key} = {self.value}" if self.value is not None else self.key
        said = "   ".join(part for part in (written, self.must, self.hint) if part)[:LONGEST]
        return f"{self.place}  {said}" if self.place else said


class SettingsError(ConfigError):
    """Settings cannot be used; beside the sentences what is wrong, one by one.

    Parameters
    ----------
    path : the file that was read; None where there was none
    """

    def __init__(self, words: str, *, path: Path | None, problems: Sequence[Problem]) -> None:
        super().__init__(words)
        self.path, self.problems = path, tuple(problems)


def describe(
    error: ValidationError,
    origins: Mapping[str, str],
    places: Places,
    model: type[BaseModel],
) -> list[Problem]:
    """Return the problems in the order of their lines, the first of many."""
    found = []
    problems = error.errors(include_url=False)
    for problem in problems[:MOST_TOLD]:
        key = tuple(part for part in problem["loc"] if isinstance(part, str))
        line = places.line_of(_placed(problem["loc"]))
        origin = origins.get(".".join(key), "")
        if line and not origin.startswith(("environment", "flag")):  # of several sections, this one
            origin = f"line {line}"
        place = origin or "settings"
        found.append((line or sys.maxsize, _problem(place, key, problem, model)))
    more = len(problems) - MOST_TOLD
    others = [Problem("", "", None, f"and {more} more")] if more > 0 else []
    ordered = sorted(found, key=lambda each: (each[0], str(each[1])))
    return [problem for _, problem in ordered] + others


def unknown_variable(variable: str, prefix: str, model: type[BaseModel]) -> Problem:
    """Return the problem of a variable that is not a setting."""
    known = [prefix + key.replace(".", "__").upper() for key in _names(model)]
    hint = _did_you_mean(variable, known)
    return Problem("", f"environment {variable}", None, "is not a setting", hint)


def _problem(place: str, key: Sequence[str], problem: Any, model: type[BaseModel]) -> Problem:
    name, kind, value = ".".join(key)[:LONGEST_NAME], problem["type"], problem["input"]
    behind = problem["loc"][len(_placed(problem["loc"])) :]
    entries = "".join(f"[{part}]" for part in behind)
    if kind == "extra_forbidden":  # its value is not shown: it may be a misspelt secret
        return Problem(place, name, None, "is not a setting", _did_you_mean(name, _names(model)))
    if kind in {"model_type", "model_attributes_type", "dict_type"}:
        head = f"[[{name}]]" if isinstance(problem["loc"][-1], int) else f"[{name}]"
        must = f"must be a section: write {head} on a line of its own"
        return Problem(place, name, None, must)
    must = MUST_BE.get(kind, "must be otherwise: " + problem["msg"]).format(
        **problem.get("ctx", {})
    )
    sections = isinstance(value, Sequence) and any(isinstance(each, Mapping) for each in value)
    if isinstance(value, Mapping) or sections:  # a contradiction in or between them, or too many
        several = sections or (isinstance(problem["loc"][-1], int) if name else False)
        head = f"[[{name}]]" if several else f"[{name}]"
        return Problem(place, head if name else "", None, must)
    hint = ""
    if kind == "literal_error" and isinstance(value, str):
        hint = _did_you_mean(value, re.findall("'([^']*)'", problem["ctx"]["expected"]))
    must, _, meant = must.partition("   ")  # a value's own check knows what was meant
    return Problem(place, f"{name}{entries}", _shown(key, value), must, hint or meant)


def _placed(loc: Sequence[str | int]) -> tuple[str | int, ...]:
    """Return a key with the numbers of sections, without that of an entry of a list of values."""
    end = next((n for n in range(len(loc) - 1, 0, -1) if isinstance(loc[n], str)), 1)
    return tuple(loc[: end + 1]) if len(loc) > 2 else tuple(loc)


def _shown(key: Sequence[str], value: object) -> str:
    if set(key[-1].split("_")) & SECRET and not key[-1].endswith("_file"):
        return "***"
    text = json.dumps(value, ensure_ascii=False, default=str)
    text = re.sub(r"://[^@/]*@", "://***@", text)
    if key[0] == ADDRESSED:
        text = re.sub(r'://[^"]*', "://***", text)
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
    return f"did you mean {close[0]}?" if close else ""
