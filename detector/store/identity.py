"""Tell whether an open file still has its name: SQLite writes on into a file that was deleted."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True)
class Named:
    """A file as it was when it was opened under its name."""

    path: Path
    device: int
    number: int

    @classmethod
    def of(cls, path: Path) -> Self:
        """Return what has this name now.

        Raises
        ------
        OSError
            Nothing has, or it cannot be looked at.
        """
        found = path.stat()
        return cls(path, found.st_dev, found.st_ino)

    @property
    def is_gone(self) -> bool:
        """Whether the name is gone, or another file has it: what is written now is lost."""
        with suppress(FileNotFoundError, NotADirectoryError):
            return Named.of(self.path) != self
        return True
