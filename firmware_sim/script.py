"""Faults from a file: TOML, a `[[fault]]` table for each; `docs/faults.md` shows all kinds."""

from __future__ import annotations

import dataclasses
import json
import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, NoReturn, get_args, get_origin, get_type_hints

from detector.config.depth import parse_toml
from detector.errors import ConfigError
from firmware_sim.faults import KINDS, Fault, Neighbours, in_order

LARGEST_BYTES = 64 * 1024  # a thousand faults
LARGEST_SEED = 2**63 - 1  # what a whole number of TOML can hold

_ABOUT_ANY = ("kind", "sensor")


@dataclass(frozen=True, slots=True)
class Entry:
    """One fault; `sensor` counts from 1, None means every sensor."""

    fault: Fault
    sensor: int | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """The faults of one night; `seed` decides whatever they leave to chance."""

    entries: tuple[Entry, ...] = ()
    neighbours: Neighbours | None = None
    seed: int = 0

    def faults_of(self, sensor: int) -> tuple[Fault, ...]:
        """Return the faults of one sensor, counted from 1, in order."""
        return in_order(entry.fault for entry in self.entries if entry.sensor in (None, sensor))


def read_script(path: Path, *, sensors: int) -> Script:
    """Return the script in a file, checked for this number of sensors.

    Raises
    ------
    ConfigError
        It is not valid; the message says file, line, key and remedy.
    """
    try:
        if path.exists() and not path.is_file():
            raise ConfigError(f"{path} is not a file: name the script itself")
        with path.open("rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}: name a script that exists") from None
    if len(data) > LARGEST_BYTES:
        raise ConfigError(f"{path} is larger than 64 kB: remove some faults")
    try:
        return parse_script(data.decode("utf-8-sig"), sensors=sensors)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path} line {line}: not UTF-8 text: save the file as UTF-8") from None
    except ValueError as error:
        raise ConfigError(f"{path} {error}") from None


def parse_script(text: str, *, sensors: int) -> Script:
    """Return the script in a text, checked for this number of sensors.

    Raises
    ------
    ValueError
        It is not valid; the message begins with the line.
    """
    try:
        values = parse_toml(text)
    except ValueError as error:  # TOMLDecodeError, or a number of thousands of digits
        reason = re.sub(r" \(at (line \d+), column \d+\)$", "", str(error))
        place = re.search(r"line \d+(?=, column)", str(error))
        where = place[0] if place else f"line {text.count(chr(10)) + 1}"
        raise ValueError(f"{where}: not TOML: {reason}: correct it") from None
    return _Reader(text, sensors).script(values)


def written(script: Script) -> str:
    """Return a script as TOML; `parse_script` of it returns an equal script."""
    parts = [f"seed = {script.seed}\n"]
    tables = [({"sensor": entry.sensor}, entry.fault) for entry in script.entries]
    about: list[tuple[dict[str, int | None], Fault | Neighbours]] = [*tables]
    if script.neighbours is not None:
        about.append(({}, script.neighbours))
    for more, fault in about:
        facts = {"kind": fault.kind} | {k: v for k, v in more.items() if v is not None}
        facts |= {key: value for key, value in dataclasses.asdict(fault).items() if value != _ANY}
        parts.append("\n[[fault]]\n" + "".join(f"{k} = {_toml(v)}\n" for k, v in facts.items()))
    return "".join(parts)


_ANY = math.inf  # without end: the default of `for_s`, so it need not be written


def _toml(value: object) -> str:
    return json.dumps(value) if isinstance(value, str) else repr(value)


class _Reader:
    """Converts TOML values into faults, with the line number of each for messages."""

    def __init__(self, text: str, sensors: int) -> None:
        self._lines = text.splitlines()
        self._sensors = sensors

    def script(self, values: Mapping[str, Any]) -> Script:
        for key in values:
            if key not in {"seed", "fault"}:
                hint = _did_you_mean(key, ("seed", "fault"))
                raise ValueError(f"line {self._line(key)}: {key} is not known here{hint}")
        seed = values.get("seed", 0)
        if not _is_whole(seed) or not 0 <= seed <= LARGEST_SEED:
            raise ValueError(f"line {self._line('seed')}: seed must be a whole number, 0 or more")
        tables = values.get("fault", [])
        if not isinstance(tables, list) or not all(isinstance(t, dict) for t in tables):
            raise ValueError(f"line {self._line('fault')}: write [[fault]], in double brackets")
        entries: list[Entry] = []
        numbers: list[int] = []  # index of each entry's table
        neighbours = None
        for number, table in enumerate(tables):
            made = self._fault(number, table)
            if isinstance(made, Neighbours):
                if neighbours is not None or "sensor" in table:
                    key = "kind" if neighbours is not None else "sensor"
                    self._refuse(
                        number,
                        key,
                        "neighbours concern all sensors: write one such table, without sensor",
                    )
                neighbours = made
                continue
            entries.append(Entry(made, table.get("sensor")))
            numbers.append(number)
        script = Script(tuple(entries), neighbours, seed)
        if self._contradiction(script) is not None:
            for count, number in enumerate(numbers, 1):
                if why := self._contradiction(Script(tuple(entries[:count]))):
                    self._refuse(number, "kind", why)
        return script

    def _fault(self, number: int, table: Mapping[str, Any]) -> Fault | Neighbours:
        kind = table.get("kind")
        if not isinstance(kind, str) or kind not in KINDS:
            said = "is missing" if kind is None else f"= {_shown(kind)} is not known"
            hint = _did_you_mean(str(kind or ""), KINDS) or f": take one of {', '.join(KINDS)}"
            self._refuse(number, "kind", f"{said}{hint}")
        made = KINDS[str(kind)]
        types = {field.name: get_type_hints(made)[field.name] for field in dataclasses.fields(made)}
        for key, value in table.items():
            if key in _ABOUT_ANY:
                continue
            if key not in types:
                hint = _did_you_mean(key, types) or f": it has {', '.join(types) or 'no more keys'}"
                self._refuse(number, key, f"is not a key of {kind}{hint}")
            if wanted := _wanted(value, types[key]):
                self._refuse(number, key, f"= {_shown(value)} must be {wanted}")
        sensor = table.get("sensor", 1)
        if not _is_whole(sensor) or not 1 <= sensor <= self._sensors:
            self._refuse(number, "sensor", f"must be 1 to {self._sensors}, got {_shown(sensor)}")
        try:
            return made(**{key: value for key, value in table.items() if key not in _ABOUT_ANY})
        except ValueError as error:
            key = str(error).split(" ", 1)[0]
            if key in table:
                self._refuse(number, key, str(error).split(" ", 1)[1])
            self._refuse(number, "kind", f"= {_shown(kind)}: {error}")

    def _contradiction(self, script: Script) -> str | None:
        try:
            for sensor in range(1, self._sensors + 1):
                script.faults_of(sensor)
        except ValueError as error:
            return str(error)
        return None

    def _refuse(self, number: int, key: str, why: str) -> NoReturn:
        raise ValueError(f"line {self._line('fault', number, key)}: {key} {why}")

    def _line(self, name: str, number: int | None = None, key: str | None = None) -> int:
        """Return the line of a key: the end of the shortest head of the file that contains it.

        Where the key is missing, return its table's first line.
        """
        head: list[str] = []
        tables = 0
        first = None
        for line_number, line in enumerate(self._lines, 1):
            head.append(line)
            tables += name in line
            if tables <= (number or 0) or not (name in line or (key and key in line)):
                continue
            try:
                found = tomllib.loads("\n".join(head)).get(name)
            except ValueError:
                continue  # in the middle of a value of several lines
            if number is None and found is not None:
                return line_number
            if number is not None and isinstance(found, list) and len(found) > number:
                first = first or line_number
                if key in found[number]:
                    return line_number
        return first or 1


def _wanted(value: object, kind: Any) -> str | None:
    """Return what the value should have been, None if it has this type."""
    if get_origin(kind) is Literal:
        choices = get_args(kind)
        return None if value in choices else "one of " + ", ".join(map(json.dumps, choices))
    if kind is int:
        return None if _is_whole(value) else "a whole number"
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return None if number else "a number"


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _shown(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 40 else text[:39] + "…"


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    close = get_close_matches(word, list(known), n=1)
    return f": did you mean {close[0]}?" if close else ""
