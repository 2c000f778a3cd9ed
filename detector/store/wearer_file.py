"""File of the wearer's id: written once, so that a damaged state never changes the id.

The id is used in topics and files: ten random base32 characters, never a name.
"""

from __future__ import annotations

import re
import secrets
from errno import EINVAL, ENOENT
from pathlib import Path

from detector.files import PRIVATE, read_start, sync_folder, write_whole

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
        It cannot be read; there may be an id.
    """
    try:
        text = read_start(folder / NAME, LONGEST).decode("ascii", "replace").strip()
    except OSError as error:
        if error.errno in {ENOENT, EINVAL}:  # no file: nothing there, or a pipe, which is replaced
            return None
        raise
    return text if ID.fullmatch(text) else None


def write(folder: Path, wearer: str) -> None:
    """Write the file whole or, on OSError, not at all; what held no id is replaced."""
    write_whole(folder / NAME, f"{wearer}\n", mode=PRIVATE)
    sync_folder(folder)
