"""The file of the people of the page: two processes change it, the service and `pair`."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from detector import plain_json
from detector.errors import ConfigError, StorageError
from detector.files import PRIVATE, locked, read_start, write_whole
from detector.people.people import People, people_of

T = TypeVar("T")

NAME = "people.json"
LARGEST_BYTES = 262_144  # 32 people with 8 devices each take 60 kB

log = logging.getLogger(__name__)


class PeopleFile:
    """People in a file of the data folder; what is read is kept until the file is another.

    Parameters
    ----------
    folder : of the data

    Attributes
    ----------
    damaged : whether it could not be read when it was last looked at
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._seen: tuple[int, int, int] | None = None
        self._people = People()
        self.damaged = False

    def now(self) -> People:
        """Return the people as the file has them now; nobody where it cannot be read.

        A removal counts at once: the file is looked at again on every call, and is read when it is
        another.
        """
        try:
            found = self.path.stat()
            seen = (found.st_mtime_ns, found.st_ino, found.st_size)
            if seen != self._seen:
                self._people = self._read()
                self._seen = seen
            self.damaged = False
        except FileNotFoundError:
            self._people, self._seen, self.damaged = People(), None, False
        except (OSError, ConfigError) as error:
            if self._people != People() or self._seen is None:
                log.warning("nobody is let in to the page: %s", error)
            self._people, self._seen, self.damaged = People(), (0, 0, 0), True
        return self._people

    def change(self, change: Callable[[People], tuple[People, T]]) -> T:
        """Change the people under a lock, on what the file has at that moment.

        Raises
        ------
        ConfigError
            The file is damaged.
        StorageError
            It cannot be written; nothing has changed.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with locked(self.path):
                before = self._read() if self.path.exists() else People()
                after, result = change(before)
                if after != before:
                    text = json.dumps(after.to_dict())
                    write_whole(self.path, text, mode=PRIVATE)
        except OSError as error:
            raise StorageError(f"{self.path}: {error.strerror}. Nothing was changed.") from error
        return result

    def _read(self) -> People:
        try:
            said = plain_json.parsed(read_start(self.path, LARGEST_BYTES))
            return people_of(said)
        except ValueError as error:
            raise ConfigError(
                f"{self.path} cannot be used ({error}): delete it, and pair everybody again"
            ) from None
