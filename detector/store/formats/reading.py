"""Reader of a recording, common to all formats."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from detector.block import Block, Timebase
from detector.devices.stream import LinkUp, Packet, Reading
from detector.events import Origin

FILE = "file"
"""Driver, address and channel of what comes from a file without packets."""


@dataclass(slots=True, kw_only=True)
class RecordingReader:
    """An open recording: read `blocks()` once, then look at `warnings`.

    name : of the file, for people; recording : of the recording, for the ids of its events
    total : samples, roughly in a text file; None when that is not known beforehand
    packets : what a sensor sent, where that was recorded; `source` yields its placed samples
    damage : returns what of it could not be read, in words, "" where all could; known at the end
    wearer, sensor, site, origin : from a recording of spasmwatch, None in other files
    """

    name: str
    recording: str
    timebase: Timebase
    total: int | None
    source: Iterator[Block]
    close: Callable[[], None]
    packets: Iterator[Reading] | None = None
    wearer: str | None = None
    sensor: str | None = None
    site: str | None = None
    origin: Origin | None = None
    warnings: list[str] = field(default_factory=list)
    damage: Callable[[], str] = lambda: ""

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

    def readings(self, *, piece_s: float | None = None, undated_ns: int = 0) -> Iterator[Reading]:
        """Return, instead of `blocks`, readings: a sensor's packets, or a file's blocks.

        Parameters
        ----------
        piece_s : cut a file's blocks to this length; None leaves them as they are
        undated_ns : UTC of the first sample where the recording does not say it

        Raises
        ------
        RecordingError
            As `blocks`.
        """
        return self._of_blocks(piece_s, undated_ns) if self.packets is None else self.packets

    def _of_blocks(self, piece_s: float | None, undated_ns: int) -> Iterator[Reading]:
        known_ns = self.timebase.epoch_ns
        epoch_ns = undated_ns if known_ns is None else known_ns
        known = (self.timebase,) if self.timebase.knots else ()
        yield Reading(LinkUp(1, FILE, FILE, self.name, 0, epoch_ns), known)
        for block in self.blocks():
            step = len(block) if piece_s is None else round(piece_s * block.fs)
            for first in range(0, len(block), max(step, 1)):
                samples = block.samples[first : first + max(step, 1)]
                piece = Block(samples, block.start + first, block.fs)
                stop_ns = round(piece.stop / piece.fs * 1e9)
                yield Reading(Packet(1, FILE, b"", stop_ns, epoch_ns + stop_ns), (piece,))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
