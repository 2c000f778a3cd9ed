"""A wearer's own minimums while a night is watched: a change of their file acts at once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from threading import Thread

from detector.alerts.conditions import Condition
from detector.devices.profile import Note
from detector.errors import ConfigError
from detector.night.own_minimums import OwnMinimums
from detector.recognition.personal.minimums import Personal
from detector.review.minimums_file import NAME, read_minimums
from detector.words.tuning import minimums_line

log = logging.getLogger(__name__)

EACH_S = 5.0  # of the night's clock, between two looks at the file

Stamp = tuple[int, int, int] | None


class MinimumsWatch:
    """Looks at the file now and then, on a thread: a disk that hangs must hold up no tick.

    A file that cannot be used changes nothing: what held goes on to hold, and that is told.
    """

    def __init__(
        self,
        folder: Path,
        own: OwnMinimums,
        *,
        now_s: Callable[[], float],
        tell: Callable[[Note], None],
        read: Callable[[Path], Personal] = lambda folder: read_minimums(folder).personal,
    ) -> None:
        self._folder, self._own, self._now_s, self._tell, self._read = (
            folder,
            own,
            now_s,
            tell,
            read,
        )
        self._seen = stamp_of(folder)
        self._looked_s = now_s()
        self._look: Thread | None = None
        self._found: Personal | str | None = None  # what holds now, or why it cannot be read

    def troubles(self) -> dict[Condition, str | None]:
        """Return nothing: asked on each tick, it takes what the latest look found."""
        if self._look is not None and self._look.is_alive():
            return {}
        found, self._found = self._found, None
        if isinstance(found, str):
            self._tell(Note(f"{found} Until then what held goes on to hold."))
        elif found is not None and found != self._own.personal:
            self._own.personal = found
            self._tell(Note(minimums_line(found)))
        if self._now_s() - self._looked_s >= EACH_S:
            self._looked_s = self._now_s()
            self._look = Thread(target=self._ask, name="own minimums", daemon=True)
            self._look.start()
        return {}

    def _ask(self) -> None:
        seen = stamp_of(self._folder)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._found = self._read(self._folder)
        except ConfigError as error:
            self._found = str(error)


def stamp_of(folder: Path) -> Stamp:
    """Return what changes with the file; None where there is none."""
    try:
        found = (folder / NAME).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
