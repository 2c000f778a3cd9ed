"""File of the wearer's id: written once, so that a damaged state never changes the id.

The id is used in topics and files: ten random base32 characters, never a name.
"""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

NAME = "wearer"  # beside the state file
ID = re.compile(r"[a-z2-7]{10}")
LONGEST = 64  # bytes read; more than any id


def new_id() -> str:
    """Return a random id: 50 bits, too many to guess or to repeat."""
    return "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz234567") for _ in range(10))


def read(folder: Path) -> str | None:
    """Return the id; None where there is no file, or it holds no id.

    Raises
    ------
    OSError
        The disk refuses; there may be an id.
    """
    try:
        with open(folder / NAME, "rb", opener=_without_waiting) as file:
            text = file.read(LONGEST).decode("ascii", "replace").strip()
    except FileNotFoundError:
        return None
    return text if ID.fullmatch(text) else None


def _without_waiting(path: str, flags: int) -> int:
    """Open what may be a pipe, on which nobody ever writes."""
    return os.open(path, flags | os.O_NONBLOCK)


def write(folder: Path, wearer: str) -> None:
    """Write the file whole or, on OSError, not at all; what held no id is replaced."""
    begun = folder / f"{NAME}.new"
    begun.unlink(missing_ok=True)
    descriptor = os.open(begun, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{wearer}\n")
        file.flush()
        os.fsync(file.fileno())
    begun.rename(folder / NAME)
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Sync a folder, so that names in it survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
