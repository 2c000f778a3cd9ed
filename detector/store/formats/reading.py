"""A recording that is being read: what all formats have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from detector.block import Block, Timebase


@dataclass(slots=True, kw_only=True)
class RecordingReader:
    """An open recording: read `blocks()` once, then look at `warnings`.

    name : of the file, for people; recording : of the recording, for the ids of its events
    total : samples, roughly in a text file; None when that is not known beforehand
    wearer, sensor, site : what a recording of ours knows, None in those of others
    """

    name: str
    recording: str
    timebase: Timebase
    total: int | None
    source: Iterator[Block]
    close: Callable[[], None]
    wearer: str | None = None
    sensor: str | None = None
    site: str | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def fs(self) -> float:
        """Nominal sampling rate, Hz."""
        return self.timebase.fs

    def blocks(self) -> Iterator[Block]:
        """Return the samples in order; a missing stretch is a later `start`.

        Raises
        ------
        RecordingError
            The file is damaged further on; what came before is good.
        """
        return self.source

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
