"""Whether the disk of the data folder has room: told before it is full."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from detector.words.disk import low_words

DISK_LOW = "disk-low"

LOW_BYTES = 500_000_000
"""Below it a person should look. A night of the chattiest sensor takes 40 MB, so that three nights
of several sensors still fit; other programs fill a disk, and so much leaves days to notice."""


def free_bytes(folder: Path) -> int:
    """Return what this process may still write to the disk of a folder that may not exist yet.

    Raises
    ------
    OSError
        The disk does not say.
    """
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


class DiskSpace:
    """Judge on each tick how much room is left."""

    def __init__(self, folder: Path, free: Callable[[Path], int] = free_bytes) -> None:
        self._folder = folder
        self._free = free

    def troubles(self) -> dict[str, str | None]:
        """Return `disk-low` with why it holds, or None where it does not."""
        try:
            free = self._free(self._folder)
        except OSError:  # what cannot be written is told by who writes
            return {DISK_LOW: None}
        return {DISK_LOW: low_words(free, self._folder) if free < LOW_BYTES else None}
