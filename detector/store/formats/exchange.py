"""Files that programs exchange: how one begins decides, or its name, or what lies beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

from detector.errors import RecordingError
from detector.store.formats.checks import Unit
from detector.store.formats.edf import BDF_MAGIC, EDF_MAGIC, open_edf
from detector.store.formats.loggers import actigraph, axivity, geneactiv
from detector.store.formats.motion_bids import is_motion_bids, open_motion_bids
from detector.store.formats.parquet import MAGIC as PARQUET_MAGIC
from detector.store.formats.parquet import open_parquet
from detector.store.formats.reading import RecordingReader
from detector.store.formats.table.text import ZIP_MAGIC


class Opener(Protocol):
    """Opens files of one kind."""

    def __call__(
        self, path: Path, *, fs: float | None = None, unit: Unit | None = None
    ) -> RecordingReader:
        """Open a file."""
        ...


LOGGERS: Final[Mapping[str, tuple[str, bytes, Opener]]] = {
    ".cwa": ("Axivity", axivity.MAGIC, axivity.open_axivity),
    ".gt3x": ("ActiGraph", ZIP_MAGIC, actigraph.open_actigraph),
    ".bin": ("GENEActiv", geneactiv.MAGIC, geneactiv.open_geneactiv),
}
"""Whose files have a suffix, how they begin, and what opens them."""


def exchange_opener(path: Path, head: bytes) -> Opener | None:
    """Return what opens a file that begins so; None where it is of no such kind.

    Raises
    ------
    RecordingError
        Its name says that a research accelerometer wrote it, and its beginning does not.
    """
    suffix = path.suffix.lower()
    if suffix in LOGGERS:
        maker, magic, opener = LOGGERS[suffix]
        if not head.startswith(magic):
            raise RecordingError(
                f"{path.name} is no file of {maker}, as its name says: export it as CSV"
            )
        return opener
    if head.startswith(PARQUET_MAGIC) or suffix == ".parquet":
        return open_parquet
    if head.startswith((EDF_MAGIC, BDF_MAGIC)) or suffix in {".edf", ".bdf"}:
        return open_edf
    return open_motion_bids if is_motion_bids(path) else None
