"""Read small files that somebody names in options or settings."""

from __future__ import annotations

import os
from errno import EINVAL
from pathlib import Path
from stat import S_ISREG


def read_start(path: Path, most: int) -> bytes:
    """Return the first `most` bytes of a regular file.

    Raises
    ------
    OSError
        It cannot be read, or is a pipe, a device or a folder: to read a pipe may take for ever.
    """
    with open(path, "rb", opener=_without_waiting) as file:
        if not S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(EINVAL, "this is a pipe or a device, not a file", str(path))
        return file.read(most)


def _without_waiting(path: str, flags: int) -> int:
    """Open what may be a pipe that nobody writes to."""
    return os.open(path, flags | os.O_NONBLOCK)
