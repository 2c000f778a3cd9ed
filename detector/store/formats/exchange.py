"""Files that programs exchange: how one begins decides, or its name, or what lies beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from detector.store.formats.checks import Unit
from detector.store.formats.edf import BDF_MAGIC, EDF_MAGIC, open_edf
from detector.store.formats.motion_bids import is_motion_bids, open_motion_bids
from detector.store.formats.parquet import MAGIC as PARQUET_MAGIC
from detector.store.formats.parquet import open_parquet
from detector.store.formats.reading import RecordingReader


class Opener(Protocol):
    """Opens files of one kind."""

    def __call__(
        self, path: Path, *, fs: float | None = None, unit: Unit | None = None
    ) -> RecordingReader:
        """Open a file."""
        ...


def exchange_opener(path: Path, head: bytes) -> Opener | None:
    """Return what opens a file that begins so; None where it is of no such kind."""
    suffix = path.suffix.lower()
    if head.startswith(PARQUET_MAGIC) or suffix == ".parquet":
        return open_parquet
    if head.startswith((EDF_MAGIC, BDF_MAGIC)) or suffix in {".edf", ".bdf"}:
        return open_edf
    return open_motion_bids if is_motion_bids(path) else None
