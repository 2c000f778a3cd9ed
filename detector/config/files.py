"""Read small files that somebody names in options or settings, and TOML within limits."""

from __future__ import annotations

import os
import tomllib
from errno import EINVAL
from pathlib import Path
from stat import S_ISREG
from typing import Any

from detector.config.depth import nests_deeply


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


def parse_toml(text: str) -> dict[str, Any]:
    """Return what TOML says.

    Python's parser takes 1.6 GB for a key of 20,000 levels, which fit into 40 kB.

    Raises
    ------
    ValueError
        It is not TOML, or a key or bracket is nested too deep.
    """
    if nests_deeply(text):
        raise ValueError("keys or brackets are nested too deeply")
    return tomllib.loads(text)


def _without_waiting(path: str, flags: int) -> int:
    """Open what may be a pipe that nobody writes to."""
    return os.open(path, flags | os.O_NONBLOCK)
