"""How much room a folder's disk has, and how little is told."""

from __future__ import annotations

import os
from pathlib import Path

LOW_BYTES = 500_000_000
"""Below it a person should look. A night of the chattiest sensor takes 40 MB, so that three nights
of several sensors still fit; other programs fill a disk, and so much leaves days to notice."""


def existing_folder(folder: Path) -> Path:
    """Return a folder or, where it does not exist yet, the nearest one above it that does."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def free_bytes(folder: Path) -> int:
    """Return what this process may still write to the disk of a folder that may not exist yet.

    Raises
    ------
    OSError
        The room cannot be read.
    """
    found = os.statvfs(existing_folder(folder))
    return found.f_bavail * found.f_frsize
