"""Events as a table for other programs: BIDS TSV, CSV or Parquet, by the file's suffix."""

from __future__ import annotations

import csv
import errno
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

from detector.errors import RecordingError
from detector.events import Event, to_dict
from detector.files import replacement

MEASURES = ("confidence", "rhythm_hz", "beats", "peak_g", "rms_g", "turn_deg", "grade", "cut_short")
FORMULA = ("=", "+", "-", "@")  # a spreadsheet would run text that begins so


def check_target(path: Path) -> None:
    """Make sure that `write_events` can write there, before the work begins.

    Raises
    ------
    ValueError
        The suffix is unknown.
    RecordingError
        Its library is missing.
    OSError
        There is no such folder, or it cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in _WRITERS:
        raise ValueError(f"{path}: events are written as .tsv, .csv or .parquet: choose one")
    if suffix == ".parquet" and find_spec("pyarrow") is None:
        raise RecordingError(
            f"{path}: Parquet needs pyarrow: pip install 'spasmwatch[export]', or choose .tsv"
        )
    check_folder(path)


def check_folder(path: Path) -> None:
    """Make sure that a file can be made beside what is in its folder.

    Raises
    ------
    OSError
        There is no such folder, or it cannot be written.
    """
    folder = path.absolute().parent
    if not folder.is_dir():
        what = f"there is no such folder: create {path.parent} first"
        raise FileNotFoundError(errno.ENOENT, what, str(path))
    if not os.access(folder, os.W_OK):
        raise PermissionError(
            errno.EACCES, "its folder cannot be written: choose another", str(path)
        )


def write_events(path: Path, events: Sequence[Event]) -> None:
    """Write a table whole or not at all; the first columns are those of BIDS `*_events.tsv`.

    Raises
    ------
    ValueError, RecordingError, OSError
        As `check_target`, or it cannot be written.
    """
    check_target(path)
    with replacement(path) as draft:
        _WRITERS[path.suffix.lower()](draft, [_row(event) for event in events])


COLUMNS = (
    *("onset", "duration", "trial_type"),
    *MEASURES,
    *("context", "episode", "recording", "onset_utc", "id", "reason"),
)


def csv_lines(events: Sequence[Event], labels: Mapping[str, str]) -> Iterator[str]:
    """Return the lines of a CSV table, with what people said of each event as the last column.

    Parameters
    ----------
    labels : of events, by id
    """
    row = StringIO()
    writer = csv.writer(row, lineterminator="\n")
    for cells in ([*COLUMNS, "label"], *_labelled(events, labels)):
        writer.writerow([_csv_cell(cell) for cell in cells])
        yield row.getvalue()
        row.seek(0)
        row.truncate()


def write_labelled(path: Path, events: Sequence[Event], labels: Mapping[str, str]) -> None:
    """Write the CSV table of `csv_lines` whole, or on OSError not at all."""
    with replacement(path) as draft, draft.open("w", encoding="utf-8", newline="") as file:
        file.writelines(csv_lines(events, labels))


def _labelled(events: Sequence[Event], labels: Mapping[str, str]) -> Iterator[list[Any]]:
    for event in events:
        cells = _row(event)
        yield [*(cells[name] for name in COLUMNS), labels.get(event.id)]


def _row(event: Event) -> Mapping[str, Any]:
    fields = to_dict(event)
    return {
        "onset": event.onset_s,
        "duration": event.duration_s,
        "trial_type": event.kind.value,
        **{name: fields[name] for name in MEASURES},
        "context": fields["context"],
        "episode": event.episode,
        "recording": event.recording.name if event.recording else None,
        "onset_utc": fields["onset"],
        "id": event.id,
        "reason": event.reason,
    }


def _write_tsv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("\t".join(COLUMNS) + "\n")
        for row in rows:
            file.write("\t".join(_tsv_cell(row[name]) for name in COLUMNS) + "\n")


def _tsv_cell(value: object) -> str:
    return "n/a" if value is None else " ".join(str(value).split())


def _write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in rows:
            writer.writerow([_csv_cell(row[name]) for name in COLUMNS])


def _csv_cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _write_parquet(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    text, number, whole = arrow.string(), arrow.float64(), arrow.int64()
    kinds = dict.fromkeys(COLUMNS, text)
    kinds |= dict.fromkeys(("onset", "duration", *MEASURES), number)
    kinds |= {"beats": whole, "grade": whole, "cut_short": arrow.bool_()}
    table = arrow.table({c: arrow.array([row[c] for row in rows], kinds[c]) for c in COLUMNS})
    parquet.write_table(table, path)


_WRITERS: Mapping[str, Callable[[Path, Sequence[Mapping[str, Any]]], None]] = {
    ".tsv": _write_tsv,
    ".csv": _write_csv,
    ".parquet": _write_parquet,
}
