"""Valid files of the formats that programs exchange, as `export` writes them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from detector.block import Knot, Timebase
from detector.events import Origin
from detector.store.formats.edf_out import resolution_of, write_edf
from detector.store.formats.exported import ExportNote, WholeRecording
from detector.store.formats.exported_table import write_table
from detector.store.formats.motion_bids_out import write_motion
from detector.store.formats.parquet import write_parquet

EPOCH_NS = 1_795_500_000_250_000_000


@cache
def made(rows: int = 1500) -> WholeRecording:
    """Half a minute at rest with a gap, dated."""
    rng = np.random.default_rng(0)
    samples = np.round(np.array([0.02, -0.1, 0.99]) + rng.normal(0, 0.003, (rows, 3)), 3)
    samples[400:500] = np.nan
    knots = (Knot(10.0, EPOCH_NS + 1000, 1.001), Knot(20.0, EPOCH_NS + 2000, 1.002))
    note = ExportNote(
        recording="2026-11-20",
        timebase=Timebase(50.0, EPOCH_NS, knots),
        wearer="k3vq7m2xta",
        sensor="left-calf",
        site="calf",
        origin=Origin.LIVE,
    )
    return WholeRecording(samples, note, ())


def write_parquet_file(path: Path) -> None:
    """Write it as Parquet."""
    write_parquet(path, made())


def write_edf_file(path: Path) -> None:
    """Write it as EDF+."""
    write_edf(path, made(), resolution_of(made().samples, ".edf"))


def write_bdf_file(path: Path) -> None:
    """Write it as BDF+."""
    write_edf(path, made(), resolution_of(made().samples, ".bdf"))


def write_csv_file(path: Path) -> None:
    """Write it as a table with a note."""
    write_table(path, made())


def write_motion_file(path: Path) -> None:
    """Write it as Motion-BIDS: all three files, whichever is named."""
    write_motion(path.with_name("night_motion.tsv"), made())


def put(path: Path, content: bytes) -> None:
    """Put damaged content into one of the three files."""
    write_motion_file(path)
    path.write_bytes(content)
