"""Change the settings file: comments stay, and the old file is kept beside it."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit import TOMLDocument
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Item, Table

from detector.config.depth import parse_toml
from detector.config.reading import LARGEST_BYTES, check_command
from detector.errors import ConfigError, StorageError
from detector.files import PRIVATE, read_start, replacement

Written = str | bool  # a value that is written

OURS = "heard as: "  # marks a comment that spasmwatch wrote and may replace


@dataclass(frozen=True, slots=True)
class Change:
    """Outcome for the file; `backup` is the old one, None where there was none or no change."""

    path: Path
    backup: Path | None
    changed: bool


def change_section(
    path: Path,
    section: str,
    values: Mapping[str, Written],
    remarks: Mapping[str, str],
    check: Callable[[Path], object] = lambda _: None,
    *,
    another: bool = False,
    beside: Mapping[str, Mapping[str, Written]] | None = None,
    added: Mapping[str, Mapping[str, Written]] | None = None,
) -> Change:
    """Set values of one section, all or none; everything else in the file stays as it was.

    Parameters
    ----------
    another : add one more section [[section]] with them
    beside, added : section → values of others, set, or added as [[section]], in the same change
    remarks : key → comment behind it, unless the owner wrote one there
    check : called with a draft; raises ConfigError where its settings are not valid together

    Raises
    ------
    ConfigError
        The file is written in a way that cannot be changed safely.
    StorageError
        It cannot be read or written.
    """
    make = added_text if another else changed_text
    lines = ", ".join(f"{key} = {_written(value)}" for key, value in values.items())

    def change(before: str | None) -> str:
        after = make(before, section, values, remarks, head=head_of(path))
        for other, more in (beside or {}).items():
            after = changed_text(after, other, more, {})
        for other, more in (added or {}).items():
            after = added_text(after, other, more, {})
        return after

    return _changed(
        path,
        change,
        check,
        f"Write by hand, below {f'[[{section}]]' if another else f'[{section}]'}: {lines}",
    )


def remove_section(
    path: Path,
    section: str,
    name: str,
    check: Callable[[Path], object] = lambda _: None,
) -> Change:
    """Take the section [[section]] with this name out of the file; its comments go with it.

    Raises
    ------
    ConfigError
        There is none, or the file is written in a way that cannot be changed safely.
    StorageError
        It cannot be read or written.
    """
    by_hand = f"Delete by hand the lines of the [[{section}]] with name = {_written(name)}"
    return _changed(path, lambda before: removed_text(before, section, name), check, by_hand)


def _changed(
    path: Path,
    change: Callable[[str | None], str],
    check: Callable[[Path], object],
    by_hand: str,
) -> Change:
    """Replace a settings file by its changed text, once that was checked.

    Parameters
    ----------
    change : returns the changed text of a text, None where there is no file
    by_hand : what to do where it cannot be changed safely
    """
    place = path.resolve()  # a link stays one
    try:
        before = None
        if place.exists():
            data = read_start(place, LARGEST_BYTES + 1)
            if len(data) > LARGEST_BYTES:
                raise ValueError("it is larger than 64 kB")
            before = data.decode("utf-8-sig")
        after = change(before)
        if after == before:
            return Change(path, None, changed=False)
        place.parent.mkdir(parents=True, exist_ok=True)
        with replacement(place, mode=_mode(place)) as draft:
            draft.write_bytes(after.encode())
            try:
                check(draft)
            except ConfigError as error:
                told = str(error).replace(check_command(draft), check_command(path))
                raise ConfigError(told.replace(str(draft), f"{path}, so changed,")) from None
            backup = None if before is None else _back_up(place)
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}. Nothing was changed.") from error
    except (TOMLKitError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigError(
            f"{path} cannot be changed safely ({error}). Nothing was changed. {by_hand}"
        ) from error
    return Change(path, backup, changed=True)


def undo(change: Change) -> None:
    """Put the file back as it was before a change.

    Raises
    ------
    StorageError
        It cannot be written.
    """
    place = change.path.resolve()
    try:
        if change.changed and change.backup is None:
            place.unlink()
        elif change.backup is not None:
            change.backup.replace(place)
    except OSError as error:
        raise StorageError(f"{change.path}: {error.strerror}") from error


def changed_text(
    before: str | None,
    section: str,
    values: Mapping[str, Written],
    remarks: Mapping[str, str],
    *,
    head: str = "",
) -> str:
    """Return the text with the values set; `head` begins a new one.

    Raises
    ------
    ValueError
        The changed text does not read back as the values that were to be set.
    """
    wanted, document = _parsed(before, head)
    if section not in document:
        document.add(tomlkit.nl())
        document.add(section, tomlkit.table())
    table: Any = document[section]
    for key, value in values.items():
        old = table.get(key)
        if old != value:
            table[key] = value
        comment = old.trivia.comment if isinstance(old, Item) else ""
        item = table[key]
        # An inline table, in braces, cannot hold a comment.
        if key in remarks and isinstance(table, Table) and _is_ours(comment):
            item.comment(OURS + remarks[key])
    wanted[section] = wanted.get(section, {}) | dict(values)
    return _text(document, wanted)


def added_text(
    before: str | None,
    section: str,
    values: Mapping[str, Written],
    remarks: Mapping[str, str],
    *,
    head: str = "",
) -> str:
    """Return the text with one more section of an array; `head` begins a new one.

    Raises
    ------
    ValueError
        The changed text does not read back as the values that were to be added.
    """
    wanted, document = _parsed(before, head)
    table = tomlkit.table()
    for key, value in values.items():
        item = tomlkit.item(value)
        if key in remarks:
            item.comment(OURS + remarks[key])
        table.add(key, item)
    if section not in document:
        document.add(section, tomlkit.aot())
    array: Any = document[section]
    array.append(table)
    wanted[section] = [*wanted.get(section, []), dict(values)]
    return _text(document, wanted)


def removed_text(before: str | None, section: str, name: str) -> str:
    """Return the text without the section of an array that has this name.

    Raises
    ------
    ValueError
        There is none, or the changed text does not read back as what was to be left.
    """
    wanted, document = _parsed(before, "")
    sections = wanted.get(section, [])
    places = [n for n, each in enumerate(sections) if each.get("name") == name]
    if not places:
        raise ValueError(f"it has no [[{section}]] with name = {_written(name)}")
    array: Any = document[section]
    del array[places[0]]
    del sections[places[0]]
    if not sections:
        del document[section]
        del wanted[section]
    return _text(document, wanted)


def head_of(path: Path) -> str:
    """Return the first line of a new settings file: how to check it, from any folder."""
    command = check_command(path.absolute())
    how = f" Check with: {command}" if command.isprintable() else ""
    return f"# spasmwatch settings.{how}\n"


def _parsed(before: str | None, head: str) -> tuple[dict[str, Any], TOMLDocument]:
    """Return what a text says, and the text as a document to change; None begins one by `head`."""
    return parse_toml(before or ""), tomlkit.parse(head if before is None else before)


def _text(document: TOMLDocument, wanted: Mapping[str, Any]) -> str:
    """Return the document's text; ValueError where it does not read back as what is wanted."""
    after = tomlkit.dumps(document)
    if tomllib.loads(after) != wanted:
        raise ValueError("its layout is unusual")
    return after


def _written(value: Written) -> str:
    return str(value).lower() if isinstance(value, bool) else f'"{value}"'


def _is_ours(comment: str) -> bool:
    return not comment or comment.removeprefix("#").strip().startswith(OURS.strip())


def _back_up(place: Path) -> Path:
    """Copy the file to a free name beside it; return that name."""
    number = 1
    while True:
        suffix = ".bak" if number == 1 else f".bak{number}"
        backup = place.with_name(place.name + suffix)
        try:
            descriptor = os.open(backup, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _mode(place))
        except FileExistsError:
            number += 1
            continue
        with os.fdopen(descriptor, "wb") as file:
            file.write(place.read_bytes())
        return backup


def _mode(place: Path) -> int:
    """Return the file's permissions; a new file is private, since it may hold a password later."""
    return place.stat().st_mode & 0o777 if place.exists() else PRIVATE
