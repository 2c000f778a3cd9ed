"""Whether the disk of the data folder has room: told before it is full."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Thread

from detector.alerts.conditions import Condition
from detector.disk_room import LOW_BYTES, free_bytes
from detector.words.disk import low_words

AT_ONCE_S = 0.2  # a disk that works answers in microseconds; one that hangs costs this once


class DiskSpace:
    """Judge on each tick how much room is left.

    It is asked on a thread, and one question at a time: a disk that hangs, such as one in the
    network, must hold up no tick, and no end of the process.
    """

    def __init__(self, folder: Path, free: Callable[[Path], int] = free_bytes) -> None:
        self._folder = folder
        self._free = free
        self._question: Thread | None = None
        self._left: int | None = None  # by the latest answer; None where it cannot be read

    def troubles(self) -> dict[Condition, str | None]:
        """Return `disk-low` with why it holds, or None where it does not."""
        if self._question is None or not self._question.is_alive():
            self._question = Thread(target=self._ask, name="disk space", daemon=True)
            self._question.start()
            self._question.join(AT_ONCE_S)
        low = self._left is not None and self._left < LOW_BYTES
        return {Condition.DISK_LOW: low_words(self._left or 0, self._folder) if low else None}

    def _ask(self) -> None:
        try:
            self._left = self._free(self._folder)
        except OSError:  # what cannot be written is told by who writes
            self._left = None
