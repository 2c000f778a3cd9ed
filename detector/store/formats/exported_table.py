"""CSV that `export` writes: a note in comments, then a row for every sample, also for missing ones.

Seconds count from the first sample on the sensor's own clock; the note says where that lies in UTC.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from detector.store.formats.checks import Unit
from detector.store.formats.exported import LONGEST_NOTE, SCHEMA, ExportNote, WholeRecording
from detector.store.formats.reading import RecordingReader
from detector.store.formats.table.reader import Where, open_table

MARK = f"# {SCHEMA} "
HEADER = "time_s,acc_x_g,acc_y_g,acc_z_g"
LONGEST_LINE = 8192  # bytes
NOTE_CHARACTERS = 1500  # of the note in one line: it goes on in the next
ROWS = 50_000  # written at once: 3 MB of text


def open_exported_table(
    path: Path, *, fs: float | None = None, unit: Unit | None = None, where: Where | None = None
) -> RecordingReader:
    """Open a table; one that `export` wrote says itself what it is.

    Raises
    ------
    RecordingError
        As `open_table`.
    """
    note = _note(path)
    if note is None:
        return open_table(path, fs=fs, unit=unit, where=where)
    rate = note.timebase.fs if fs is None else fs
    return note.on(open_table(path, fs=rate, unit=unit, where=where))


def write_table(
    path: Path, recording: WholeRecording, advance: Callable[[int], object] = int
) -> None:
    """Write a recording as CSV; every number is written so that it is read as the same again."""
    samples, fs = recording.samples, recording.fs
    known = recording.known
    with path.open("w", encoding="utf-8", newline="\n") as file:
        text = recording.note.to_json()
        for first in range(0, len(text), NOTE_CHARACTERS):
            file.write(f"{MARK}{text[first : first + NOTE_CHARACTERS]}\n")
        file.write(f"{HEADER}\n")
        for first in range(0, len(samples), ROWS):
            part, good = samples[first : first + ROWS], known[first : first + ROWS]
            times = np.arange(first, first + len(part)) / fs
            for at, row, is_known in zip(times.tolist(), part.tolist(), good.tolist(), strict=True):
                cells = f"{row[0]!r},{row[1]!r},{row[2]!r}" if is_known else ",,"
                file.write(f"{at:.6f},{cells}\n")
            advance(len(part))


def _note(path: Path) -> ExportNote | None:
    text = b""
    with path.open("rb") as file:
        while (line := file.readline(LONGEST_LINE)).startswith(MARK.encode()):
            text += line[len(MARK) :].rstrip(b"\r\n")
            if len(text) > LONGEST_NOTE:
                return None
    try:
        return ExportNote.parse(text.decode()) if text else None
    except (ValueError, RecursionError):
        return None
