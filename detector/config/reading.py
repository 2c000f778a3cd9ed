"""Read settings from file, environment and flags, with the origin of each value."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any, get_args, get_origin

from platformdirs import user_config_path
from pydantic import BaseModel, ValidationError

from detector.config.depth import parse_toml
from detector.config.places import Places
from detector.config.problems import Problem, SettingsError, describe, unknown_variable
from detector.config.settings import Settings
from detector.errors import ConfigError
from detector.files import read_start

ENVIRONMENT_PREFIX = "SPASMWATCH_"
SECRET_KEY = "mqtt.password"  # noqa: S105 - a name: a secret that may stand in the file
LONGEST_REASON = 200  # characters; it may quote what was written
LARGEST_BYTES = 64 * 1024  # fifty times every setting with its comment

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Configuration:
    """Valid settings, and the origin of each of them."""

    settings: Settings
    origins: Mapping[str, str]  # "mqtt.port" → "default", "line 11", "environment …" or "flag"
    path: Path | None  # the file that was read, None where there was none

    def rows(self) -> Iterator[tuple[str, Any, str]]:
        """Yield key, value and origin of every setting, secrets masked."""
        for key, value in _leaves(self.settings.model_dump(mode="json")):
            name = ".".join(key)
            yield name, value, self.origins.get(name, "default")


def default_path() -> Path:
    """Return the path of the settings file where none is named."""
    return user_config_path("spasmwatch") / "config.toml"


def check_command(path: Path) -> str:
    """Return the command that checks the settings in a file."""
    named = "" if path == default_path() else f"-c {quote(str(path))} "
    return f"spasmwatch {named}config check"


def read_configuration(
    path: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
) -> Configuration:
    """Return the settings: flags override the environment, that the file, that the defaults.

    Parameters
    ----------
    path : a file that must exist; None reads the default file where there is one
    environ : None takes the process's environment
    flags : dotted key → value, as `{"sensor.device": "Polar Sense"}`; None values do not count

    Raises
    ------
    ConfigError
        Lists every problem: where it is, and what to write instead.
    """
    file = path or default_path()
    text = _text(file, required=path is not None)
    values = {} if text is None else _parsed(text, file)
    lines = (text or "").splitlines()
    origins: dict[str, str] = {}
    places = Places(lines)
    for key, _ in _leaves(values):
        line = places.line_of(key)
        origins[".".join(key)] = f"line {line}" if line else "the file"

    must = f"can be read by others on this computer: chmod 600 {quote(str(file))}"
    problems = [
        Problem(where, name, "***", must)
        for name, where in _secrets(values, origins, places)
        if file.stat().st_mode & 0o077
    ]
    put, unknown = _overridden(values, os.environ if environ is None else environ, flags or {})
    origins |= put
    problems += [unknown_variable(name, ENVIRONMENT_PREFIX, Settings) for name in unknown]

    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        problems += describe(error, origins, places, Settings)
    if problems:
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        where = f"{file} has" if text is not None else "The settings have"
        listing = "\n".join(f"  {problem}" for problem in problems)
        raise SettingsError(
            f"{where} {count}. Nothing was started.\n{listing}\n"
            f"Correct that, then run: {check_command(file)}",
            path=None if text is None else file,
            problems=problems,
        )
    return Configuration(settings, origins, None if text is None else file)


PAGES_OWN: tuple[tuple[Key, ...], ...] = (
    (("data_dir",),),
    (("wearer", "label"),),
    (("web", "enabled"),),
    (("web", "port"),),
    (("web", "cert_file"), ("web", "key_file")),
)
"""What the page needs to be where people look for it; keys in one bracket only together."""


def usable_settings(
    path: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
) -> Settings:
    """Return the page's own settings, each where it is valid by itself, and defaults elsewhere.

    For a page that says what is wrong with the settings as a whole; parameters as those of
    `read_configuration`.
    """
    values: dict[str, Any] = {}
    with suppress(ConfigError):
        file = path or default_path()
        values = _parsed(_text(file, required=False) or "", file)
    _overridden(values, os.environ if environ is None else environ, flags or {})
    said = dict(_leaves(values))
    kept: dict[str, Any] = {}
    for keys in PAGES_OWN:
        draft = deepcopy(kept)
        for key in keys:
            if key in said:
                _put(draft, key, said[key])
        with suppress(ValidationError):
            Settings.model_validate(draft)
            kept = draft
    return Settings.model_validate(kept)


def _overridden(
    values: dict[str, Any], environ: Mapping[str, str], flags: Mapping[str, object]
) -> tuple[dict[str, str], list[str]]:
    """Put variables, then flags, into the values; return their origins, and unknown variables."""
    origins, unknown = dict[str, str](), list[str]()
    for variable, raw in sorted(environ.items()):
        key = _variable_key(variable)
        if key is None:
            continue
        if (annotation := _annotation(key)) is None:
            unknown.append(variable)
        elif _put(values, key, _typed(raw, annotation)):
            origins[".".join(key)] = f"environment {variable}"
    for name, value in flags.items():
        if value is not None and _put(values, tuple(name.split(".")), value):
            origins[name] = "flag"
    return origins, unknown


def _secrets(
    values: Mapping[str, Any], origins: Mapping[str, str], places: Places
) -> Iterator[tuple[str, str]]:
    """Yield each secret that stands in the file itself, and where."""
    if SECRET_KEY in origins:
        yield SECRET_KEY, origins[SECRET_KEY]
    contacts = values.get("contact")
    for number, contact in enumerate(contacts if isinstance(contacts, list) else []):
        if isinstance(contact, dict) and "url" in contact:
            line = places.line_of(("contact", number, "url"))
            yield "contact.url", f"line {line}" if line else "the file"


def _text(file: Path, *, required: bool) -> str | None:
    """Return the file's text; None where it is not required and does not exist."""
    try:
        data = read_start(file, LARGEST_BYTES + 1)
    except FileNotFoundError:
        if required:
            raise ConfigError(f"{file}: no such settings file. Nothing was started.") from None
        return None
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}. Nothing was started.") from None
    if len(data) > LARGEST_BYTES:
        raise ConfigError(f"{file} is larger than 64 kB: not a settings file. Nothing was started.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{file} line {line} is not UTF-8 text. Nothing was started.") from None


def _parsed(text: str, file: Path) -> dict[str, Any]:
    try:
        return parse_toml(text)
    except ValueError as error:  # TOMLDecodeError, or a number of thousands of digits
        reason = str(error)
    place = re.search(r" \(at (?:(line \d+), column \d+|end of document)\)$", reason)
    where = f"{file} {place[1]}" if place and place[1] else str(file)
    what = (reason[: place.start()] if place else reason)[:LONGEST_REASON]
    told = _in_plain_words(what) or f"is not TOML: {what}"
    raise SettingsError(
        f"{where} {told}. Nothing was started.\nCorrect that, then run: {check_command(file)}",
        path=file,
        problems=[Problem(place[1] if place and place[1] else "", "", None, told)],
    )


def _in_plain_words(reason: str) -> str | None:
    """Return one of the usual mistakes in words; None where the parser's have to do."""
    if reason in {r"Illegal character '\n'", 'Expected "\'"', "Unterminated string"}:
        return "has a quotation mark that is not closed"
    if twice := re.fullmatch(r"Cannot declare \((.*?),?\) twice", reason):
        section = ".".join(re.findall(r"'([^']*)'", twice[1]))
        return f"has the section [{section}], which is there twice: join them"
    if reason == "Cannot overwrite a value":
        return "has a setting that is there twice: delete one"
    return None


def _leaves(values: Mapping[str, Any], above: Key = ()) -> Iterator[tuple[Key, Any]]:
    """Yield every key that is not a section, to the depth that settings have."""
    for key, value in values.items():
        if isinstance(value, dict) and not above:
            yield from _leaves(value, (key,))
        else:
            yield (*above, key), value


def _variable_key(variable: str) -> Key | None:
    """Return the setting that a variable means; None when it is not one of ours."""
    if not variable.startswith(ENVIRONMENT_PREFIX):
        return None
    key = tuple(variable.removeprefix(ENVIRONMENT_PREFIX).lower().split("__"))
    return key if len(key) > 1 or key[0] in Settings.model_fields else None


def _annotation(key: Key) -> Any:
    """Return the declared type of a setting, None where there is no such setting."""
    fields = Settings.model_fields
    for part in key[:-1]:
        section = fields[part].annotation if part in fields else None
        if not (isinstance(section, type) and issubclass(section, BaseModel)):
            return None
        fields = section.model_fields
    return fields[key[-1]].annotation if key[-1] in fields else None


def _typed(raw: str, annotation: Any) -> object:
    """Read a variable as TOML where the setting is not text: 1883, true, ["clonus >= 60s"]."""
    if not {int, bool, tuple} & {get_origin(part) or part for part in _parts(annotation)}:
        return raw
    try:
        return parse_toml(f"value = {raw}")["value"]
    except ValueError:
        return raw  # validation then reports its type


def _parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)


def _put(values: dict[str, Any], key: Key, value: object) -> bool:
    """Set a value; return False where a section is not a table, which validation then reports."""
    for part in key[:-1]:
        inner = values.setdefault(part, {})
        if not isinstance(inner, dict):
            return False
        values = inner
    values[key[-1]] = value
    return True
