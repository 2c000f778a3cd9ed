"""The night's recordings, one for each sensor: they may fail, alarms may not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from detector.devices.stream import Item
from detector.service.supervisor import Supervisor
from detector.store.recording_writer import RecordingWriteError, RecordingWriter

RECORDING = "recording"
"""Name of the technical alarm for a disk that does not take the recording."""


class Recordings:
    """Supervised recording writers.

    Parameters
    ----------
    labels : of the sensors
    writers : one for each sensor, None where there is none; or empty
    trouble : called with RECORDING and why the disk refuses, or None once it takes rows again
    """

    def __init__(
        self,
        labels: Sequence[str],
        writers: Sequence[RecordingWriter | None],
        supervisor: Supervisor,
        trouble: Callable[[str, str | None], None],
    ) -> None:
        self._names = [f"recorder of {label}" for label in labels]
        self._writers = tuple(writers)
        self._supervisor = supervisor
        self._trouble = trouble
        self.failed = False  # some of the night is not on disk

    @property
    def kept(self) -> list[int | None]:
        """Rows that each has on disk; None where there is no recording."""
        return [None if writer is None else writer.kept for writer in self._writers]

    def write(self, sensor: int, item: Item) -> None:
        """Record an item, if the disk takes it."""
        writer = self._writers[sensor] if self._writers else None
        if writer is not None:
            work = partial(self._try_disk, partial(writer.write, item))
            self._supervisor.call(self._names[sensor], work)

    def commit(self) -> None:
        """Put what was written on disk."""
        for name, writer in zip(self._names, self._writers, strict=False):
            if writer is None:
                continue
            kept = writer.kept
            done = self._supervisor.call(name, partial(self._try_disk, writer.commit))
            if done and writer.kept > kept:  # nothing written proves nothing
                self._trouble(RECORDING, None)

    def _try_disk(self, work: Callable[[], None]) -> bool:
        try:
            work()
        except RecordingWriteError as error:
            self.failed = True
            self._trouble(RECORDING, str(error))
            return False
        return True
