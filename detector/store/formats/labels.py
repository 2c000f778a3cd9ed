"""Labels of what happened in a recording: BIDS `*_events.tsv`, or `labels` inside an .npz.

Any text may be a label. Those that name one of our kinds (`label_names`) are movements to be found
or left alone; all others (walking, no_freeze, brushing teeth) are contexts.
"""

from __future__ import annotations

import re
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from detector.errors import RecordingError, RecordingNotFoundError
from detector.events import Kind
from detector.plain_json import parsed
from detector.store.formats.label_names import kind_of

MISSING = frozenset({"", "n/a", "nan", "NaN"})  # BIDS writes n/a, spreadsheets the others
REQUIRED = ("onset", "duration", "trial_type")
EXPECTED = "The first line must name onset, duration and trial_type, separated by tabs"
MOST_LABELS = 100_000  # one every 0.4 s for ten hours: more is no night
MOST_BYTES = 32 << 20  # so many labels with 300 characters each
LONGEST_TEXT = 120  # characters; a label is a name, not a text
LATEST_S = 366 * 86_400.0  # no recording is longer than a year: beyond it, times are in ms
SHOWN = 40  # characters of a wrong field in a message
ZIP_MAGIC = b"PK\x03\x04"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One stretch of a recording and what it is called.

    Parameters
    ----------
    onset_s : from the first sample; negative before it, as BIDS allows
    duration_s : 0 where the file does not say
    text : as written; `kind` is set where it names one
    rhythm_hz, beats, peak_g, parts : of a movement, where known; `parts` of a mixed one
    engine : the generator that made the movement; None for what a person did
    manner : what the kind leaves open, such as scratching
    background_ratio : rms of a real recording over that of the movement put into it
    """

    onset_s: float
    duration_s: float
    text: str
    rhythm_hz: float | None = None
    beats: int | None = None
    peak_g: float | None = None
    parts: tuple[Kind, ...] = ()
    engine: str | None = None
    manner: str | None = None
    background_ratio: float | None = None

    @property
    def end_s(self) -> float:
        """Seconds from the first sample to its end."""
        return self.onset_s + self.duration_s

    @property
    def kind(self) -> Kind | None:
        """The kind of movement it names, None for a context."""
        return kind_of(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Labels of a recording, and where they are from.

    `name` is the file, for people; `simulated` is true when the file says so.
    """

    items: tuple[Label, ...]
    name: str
    subject: str | None = None
    placement: str | None = None
    simulated: bool = False


def find_labels(recording: Path) -> Labels | None:
    """Return the labels that lie beside a recording or inside it; None when there are none.

    Beside `X.npz`, `X.csv` or `X_motion.tsv` that is `X_events.tsv` (Motion-BIDS leaves
    `_tracksys-…` out of that name); it comes before the labels inside an .npz.

    Raises
    ------
    RecordingError
        As `read_labels`.
    """
    inside = _of_archive(recording) if _is_archive(recording) else None
    for stem in _stems(recording):
        beside = recording.with_name(f"{stem}_events.tsv")
        if beside.is_file():
            table = read_labels(beside)
            if inside is None:
                return table
            return replace(
                inside,
                items=table.items,
                name=table.name,
                simulated=table.simulated or inside.simulated,
            )
    return inside


def read_labels(path: Path) -> Labels:
    """Read a BIDS events table, or the labels inside an .npz.

    Raises
    ------
    RecordingNotFoundError
        There is no such file.
    RecordingError
        It holds no labels, or a wrong one; the message names file, line and remedy.
    """
    if not path.exists():
        raise RecordingNotFoundError(f"{path}: there is no such file")
    if not path.is_file():
        raise RecordingError(f"{path} is not a file: name the labels themselves")
    if _is_archive(path):
        found = _of_archive(path)
        if found is None:
            raise RecordingError(f"{path.name} holds no labels: give its *_events.tsv")
        return found
    return _of_table(path)


def _stems(recording: Path) -> list[str]:
    stem = recording.stem.removesuffix("_motion")
    return list(dict.fromkeys((recording.stem, stem, re.sub(r"_tracksys-[^_]+", "", stem))))


def _bids_subject(name: str) -> str | None:
    match = re.match(r"sub-([A-Za-z0-9]+)_", name)
    return None if match is None else match[1]


# Tables


def _of_table(path: Path) -> Labels:
    name = path.name
    lines = _lines(path)
    names = [name.strip().casefold() for name in lines[0].split("\t")]
    absent = [column for column in REQUIRED if column not in names]
    if absent:
        raise RecordingError(f"{name} has no column {absent[0]}. {EXPECTED}")
    if len(set(names)) < len(names):
        raise RecordingError(f"{name}: the first line names a column twice. Remove one")
    rows = list(_rows(lines[1:], names, name))
    if len(rows) > MOST_LABELS:
        raise RecordingError(f"{name} has more than {MOST_LABELS} labels: split it by night")
    items = [_label(row, f"{name} line {number}") for number, row in rows]
    return Labels(
        items=_in_order(items),
        name=name,
        subject=_bids_subject(name),
        simulated=any(row.get("engine") or row.get("seed") for _, row in rows),
    )


def _lines(path: Path) -> list[str]:
    if path.stat().st_size > MOST_BYTES:
        raise RecordingError(f"{path.name} is larger than 32 MB: this is no table of labels")
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise RecordingError(f"{path.name} is not UTF-8 text: save it as TSV (UTF-8)")
    lines = text.replace("\r\n", "\n").split("\n")
    if not lines[0].strip():
        raise RecordingError(f"{path.name} is empty. {EXPECTED}")
    return lines


def _rows(
    lines: Sequence[str], names: Sequence[str], name: str
) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Return each row's line number and the fields that are not empty."""
    for number, line in enumerate(lines, start=2):
        if not line.strip():
            continue
        fields = [field.strip() for field in line.split("\t")]
        if len(fields) != len(names):
            raise RecordingError(
                f"{name} line {number} has {len(fields)} fields, the first line {len(names)}. "
                "Write n/a where nothing is known"
            )
        yield (
            number,
            {
                column: field
                for column, field in zip(names, fields, strict=True)
                if field not in MISSING
            },
        )


def _label(row: Mapping[str, str], where: str) -> Label:
    for column in ("onset", "trial_type"):
        if column not in row:
            raise RecordingError(f"{where}: {column} is empty. Fill it in or remove the line")
    beats = _number(row, "beats", where)
    if beats is not None and beats != int(beats):
        raise RecordingError(f"{where}: beats must be a whole number, not {beats:g}")
    onset_s = _number(row, "onset", where, lowest=-LATEST_S)
    return Label(
        onset_s=0.0 if onset_s is None else onset_s,
        duration_s=_number(row, "duration", where) or 0.0,
        text=_text(row["trial_type"], where),
        rhythm_hz=_number(row, "rhythm_hz", where) or None,
        beats=None if beats is None else int(beats),
        peak_g=_number(row, "peak_g", where),
        parts=_parts(row.get("parts", ""), where),
        engine=row.get("engine"),
        manner=_text(row["manner"], where) if "manner" in row else None,
        background_ratio=_number(row, "background_ratio", where),
    )


def _number(
    row: Mapping[str, str], column: str, where: str, *, lowest: float = 0.0
) -> float | None:
    text = row.get(column)
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise RecordingError(
            f'{where}, column {column}: "{_shown(text)}" is not a number. Correct it or write n/a'
        )
    if not lowest <= value <= LATEST_S:
        what = "below 0" if value < lowest else "longer than any recording"
        raise RecordingError(
            f"{where}, column {column}: {value:g} is {what}. Times are in seconds from the start"
        )
    return value


def _parts(text: str, where: str) -> tuple[Kind, ...]:
    if not text:
        return ()
    parts = text.split("+")
    kinds = [kind_of(part) for part in parts]
    wrong = [part for part, kind in zip(parts, kinds, strict=True) if kind is None]
    if wrong:
        raise RecordingError(
            f'{where}, column parts: "{_shown(wrong[0])}" is none of {", ".join(Kind)}. '
            "Join parts by +"
        )
    return tuple(kind for kind in kinds if kind is not None)


def _text(text: str, where: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise RecordingError(f"{where}: a label of {len(text)} characters. Make it a short name")
    return text


def _shown(text: str) -> str:
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def _in_order(items: Sequence[Label]) -> tuple[Label, ...]:
    return tuple(sorted(items, key=lambda label: (label.onset_s, label.end_s, label.text)))


# Archives


def _is_archive(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(ZIP_MAGIC)) == ZIP_MAGIC
    except OSError:
        return False


def _of_archive(path: Path) -> Labels | None:
    texts = _texts(path, ("labels", "subject", "placement", "source"))
    if not texts:
        return None
    return Labels(
        items=_in_order(list(_entries(texts.get("labels", "[]"), path.name))),
        name=path.name,
        subject=texts.get("subject") or None,
        placement=texts.get("placement") or None,
        simulated="simulat" in texts.get("source", "").lower(),
    )


def _entries(text: str, name: str) -> Iterator[Label]:
    try:
        entries = parsed(text)
    except ValueError as error:
        raise RecordingError(f"{name}: labels are not JSON ({error})") from None
    if not isinstance(entries, list) or len(entries) > MOST_LABELS:
        raise RecordingError(
            f"{name}: labels must be a list [[start_s, end_s, label], …] of at most {MOST_LABELS}"
        )
    for number, entry in enumerate(entries):
        where = f"{name}, label {number}"
        match entry:
            case [int() | float() as start_s, int() | float() as end_s, str() as text]:
                yield _stretch(start_s, end_s, _text(text, where), where)
            case _:
                raise RecordingError(
                    f"{where}: it must be [start_s, end_s, label], not {_shown(str(entry))}"
                )


def _stretch(start_s: Any, end_s: Any, text: str, where: str) -> Label:
    # JSON has no NaN, but Python reads it; comparisons with it are false.
    if not (-LATEST_S <= start_s <= end_s <= LATEST_S):
        raise RecordingError(
            f"{where}: it must begin before it ends, in seconds from the start, not at "
            f"{_shown(str(start_s))} to {_shown(str(end_s))}"
        )
    return Label(onset_s=float(start_s), duration_s=float(end_s - start_s), text=text)


def _texts(path: Path, wanted: Sequence[str]) -> dict[str, str]:
    """Return the members of an archive that hold one text each; never unpickles."""
    found: dict[str, str] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename: info for info in archive.infolist()}
            for name in wanted:
                info = members.get(f"{name}.npy")
                if info is not None:
                    found[name] = _one_text(archive, info, path.name)
    except (
        zipfile.BadZipFile,
        zlib.error,
        tokenize.TokenError,
        EOFError,
        OSError,
        ValueError,
        SyntaxError,
        TypeError,
        KeyError,
        RuntimeError,  # encrypted, or nested too deep
        MemoryError,
    ) as error:
        raise RecordingError(f"{path.name} is damaged, or no NumPy archive: {error}") from error
    return found


def _one_text(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> str:
    if info.file_size > MOST_BYTES:
        raise RecordingError(f"{name}: {info.filename} is larger than 32 MB: these are no labels")
    with archive.open(info) as file:
        version = npy.read_magic(file)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read(file)
        data = file.read()
    if dtype.kind != "U" or shape != () or len(data) != dtype.itemsize:
        raise RecordingError(f"{name}: {info.filename} must hold one text")
    return str(np.frombuffer(data, dtype)[0]) if data else ""
