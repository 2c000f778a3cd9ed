"""The text of a table: unpacked where it is packed, decoded, cut into pieces of bounded size."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import BinaryIO, TextIO, cast

from detector.errors import RecordingError

GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGIC = b"PK\x03\x04"
TABLES = {".csv", ".tsv", ".txt"}
EXCEL = "xl/workbook.xml"
BESIDE = {"meta", "__macosx"}  # folders of what describes a recording: phyphox, macOS
MOST_SHOWN = 4  # members of an archive in a message
PIECE_LINES = 30_000  # ten minutes at 50 Hz: bounds memory, long enough for numpy
LONGEST_LINE = 8192  # characters; a hundred columns fit
SNIFFED_BYTES = 4096
COUNTED_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Piece:
    """Lines that count (no comments, none empty), with their numbers in the file, from 1.

    comments : those in front of its first line, without their mark
    is_cut : whether the last of them is the file's and has no end
    """

    lines: list[str]
    numbers: Sequence[int]
    comments: list[str] = field(default_factory=list)
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class TextFile:
    """A table on disk: plain, compressed, or the only one in an archive."""

    path: Path
    member: str | None = None
    packed: bool = False

    @property
    def name(self) -> str:
        """Name in messages."""
        return self.path.name if self.member is None else f"{self.path.name}: {self.member}"

    def open(self, stack: ExitStack) -> TextIO:
        """Open what was unpacked and decoded, to be closed by a stack.

        Raises
        ------
        RecordingError
            It cannot be unpacked.
        """
        with unpacking(self.name):
            file = self._bytes(stack)
            head = file.read(SNIFFED_BYTES)
            file.seek(0)
        encoding = _encoding(head)
        return stack.enter_context(io.TextIOWrapper(file, encoding, "replace", newline=None))

    def _bytes(self, stack: ExitStack) -> BinaryIO:
        if self.member is not None:
            archive = stack.enter_context(zipfile.ZipFile(self.path))
            return cast(BinaryIO, stack.enter_context(archive.open(self.member)))
        if self.packed:
            return cast(BinaryIO, stack.enter_context(gzip.open(self.path)))
        return stack.enter_context(self.path.open("rb"))

    def lines(self) -> int | None:
        """Return how many lines there are, roughly; None where they are packed."""
        if self.packed or self.member is not None:
            return None
        with self.path.open("rb") as file:
            return sum(data.count(b"\n") for data in iter(lambda: file.read(COUNTED_BYTES), b""))


def text_file(path: Path) -> TextFile:
    """Return the table that a file is or holds.

    Raises
    ------
    RecordingError
        It is a workbook, or an archive with no table or with several.
    """
    with path.open("rb") as file:
        head = file.read(len(ZIP_MAGIC))
    if head.startswith(GZIP_MAGIC):
        return TextFile(path, packed=True)
    if head != ZIP_MAGIC:
        return TextFile(path)
    with unpacking(path.name), zipfile.ZipFile(path) as archive:
        members = [info.filename for info in archive.infolist() if not info.is_dir()]
    if EXCEL in members:
        raise RecordingError(
            f"{path.name} is a workbook: save it in your spreadsheet program as CSV (UTF-8)"
        )
    tables = [
        member
        for member in members
        if PurePosixPath(member).suffix.lower() in TABLES
        and not {part.lower() for part in PurePosixPath(member).parts[:-1]} & BESIDE
    ]
    if not tables:
        raise RecordingError(
            f"{path.name} holds no table among {_listed(members)}: unpack it, and give a recording"
        )
    if len(tables) > 1:
        raise RecordingError(
            f"{path.name} holds {len(tables)} tables: unpack it, and give one of {_listed(tables)}"
        )
    return TextFile(path, member=tables[0])


def read_pieces(text: TextIO, name: str) -> Iterator[Piece]:
    """Read a text piece by piece.

    Raises
    ------
    RecordingError
        It is damaged, no text, or has a line that no table has.
    """
    with unpacking(name):
        comments: list[str] = []
        number = 1
        endless = iter(partial(text.readline, LONGEST_LINE), "")
        while raw := list(islice(endless, PIECE_LINES)):
            if max(map(len, raw)) == LONGEST_LINE:
                raise RecordingError(f"{name} has a line of more than 8 kB: this is no table")
            lines = [line.rstrip("\n") for line in raw]
            if any("\0" in line for line in lines):
                raise RecordingError(f"{name} is no text: save it as CSV (UTF-8)")
            kept = [
                i for i, line in enumerate(lines) if line and line[0] != "#" and not line.isspace()
            ]
            first = kept[0] if kept else len(lines)
            comments += [line.lstrip("# ") for line in lines[:first] if line.startswith("#")]
            if kept:
                is_cut = not raw[-1].endswith("\n") and kept[-1] == len(lines) - 1
                numbers = [number + i for i in kept]
                yield Piece([lines[i] for i in kept], numbers, comments, is_cut)
                comments = []
            number += len(raw)


def _encoding(head: bytes) -> str:
    """Return how a file is encoded: by its mark, else by where the NULs of UTF-16 lie."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    low, high = head[1::2], head[::2]
    if len(head) >= 4 and not high.count(0) and low.count(0) > 0.9 * len(low):
        return "utf-16-le"
    if len(head) >= 4 and not low.count(0) and high.count(0) > 0.9 * len(high):
        return "utf-16-be"
    return "utf-8-sig"


@contextmanager
def unpacking(name: str) -> Iterator[None]:
    """Turn what damaged archives raise into one sentence."""
    try:
        yield
    except (
        zipfile.BadZipFile,
        gzip.BadGzipFile,
        zlib.error,
        EOFError,
        UnicodeError,  # an odd byte at the end of UTF-16
        RuntimeError,  # encrypted
        NotImplementedError,  # packed by a method that Python does not support
    ) as error:
        raise RecordingError(f"{name} is damaged, or cannot be unpacked: {error}") from error


def _listed(members: Sequence[str]) -> str:
    few = ", ".join(member[:60] for member in members[:MOST_SHOWN]) or "its files"
    return f"{few} and {len(members) - MOST_SHOWN} more" if len(members) > MOST_SHOWN else few
