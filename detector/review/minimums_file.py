"""File of a wearer's own minimums: each change of them, with who said yes, when and to what.

Only a person's yes writes it. What held before stays in it, so that a change can be undone.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from errno import ENOENT
from pathlib import Path
from typing import Any

from detector import plain_json
from detector.errors import ConfigError, StorageError
from detector.events import format_utc, parse_utc
from detector.files import PRIVATE, locked, read_start, sync_folder, write_whole
from detector.recognition.personal.minimums import Personal, from_dict, to_dict

NAME = "personal.json"  # beside the state file
SCHEMA = "personal-changes/1"
LARGEST_BYTES = 256 * 1024
MOST_CHANGES = 50  # kept, the latest
WHY_MOST = 10  # sentences, one for each kind that was changed


@dataclass(frozen=True, slots=True)
class MinimumsChange:
    """What holds since somebody said yes.

    why : in sentences, what they said yes to
    """

    at: datetime
    by: str
    why: tuple[str, ...]
    personal: Personal


@dataclass(frozen=True, slots=True)
class MinimumsHistory:
    """Every change that is kept, the latest last."""

    changes: tuple[MinimumsChange, ...] = ()

    @property
    def personal(self) -> Personal:
        """What holds now; without a change no minimum does."""
        return self.changes[-1].personal if self.changes else Personal()

    def then(self, change: MinimumsChange) -> MinimumsHistory:
        """Return the history with one more change."""
        return MinimumsHistory((*self.changes, change)[-MOST_CHANGES:])


def read_minimums(folder: Path) -> MinimumsHistory:
    """Return what the file of a data folder says; an empty history where there is none.

    Raises
    ------
    ConfigError
        It cannot be used: nobody knows what holds.
    """
    path = folder / NAME
    try:
        data = read_start(path, LARGEST_BYTES + 1)
    except OSError as error:
        if error.errno == ENOENT:
            return MinimumsHistory()
        raise _unusable(path, error.strerror or str(error)) from error
    if len(data) > LARGEST_BYTES:
        raise _unusable(path, "it is too large")
    try:
        said = plain_json.parsed(data)
        if not isinstance(said, dict) or said.get("schema") != SCHEMA:
            raise ValueError(f"its schema must be {SCHEMA!r}")
        return MinimumsHistory(tuple(map(_change, said["changes"])))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _unusable(path, str(error)[:200]) from error


def change_minimums(
    folder: Path, change: Callable[[MinimumsHistory], MinimumsHistory]
) -> MinimumsHistory:
    """Change the file, whole or not at all; return what it holds then.

    Raises
    ------
    ConfigError, StorageError
        It cannot be used; it cannot be written. What `change` raises changes nothing either.
    """
    path = folder / NAME
    try:
        with locked(path):
            after = change(read_minimums(folder))
            write_whole(path, plain_json.line(_plain(after)) + "\n", mode=PRIVATE)
            with suppress(OSError):
                sync_folder(folder)
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written ({error.strerror or error}). Nothing was changed; check "
            "free space and permissions."
        ) from error
    return after


def _unusable(path: Path, why: str) -> ConfigError:
    return ConfigError(
        f"{path} cannot be used: {why}. Move it away, or put back a copy of it: without it no "
        "minimum of your own holds anything back."
    )


def _plain(history: MinimumsHistory) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "changes": [
            {
                "at": format_utc(each.at),
                "by": each.by,
                "why": list(each.why[:WHY_MOST]),
                "personal": to_dict(each.personal),
            }
            for each in history.changes
        ],
    }


def _change(said: dict[str, Any]) -> MinimumsChange:
    at, why = parse_utc(said["at"]), said["why"]
    texts = [said["by"], *(why if isinstance(why, list) else [None])]
    if at is None or not all(isinstance(text, str) for text in texts):
        raise ValueError("a change has at, by, why and personal")
    return MinimumsChange(at, said["by"], tuple(why), from_dict(said["personal"]))
