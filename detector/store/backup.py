"""Copy a data folder into one archive, also while a service writes to it.

A zip file with what lies in the folder under `data/`, and a manifest with the length and SHA-256 of
each file. SQLite files are copied by SQLite itself, so that each is of one moment; the state comes
first, so that no event in it is of samples that its recording lacks.
"""

from __future__ import annotations

import os
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from stat import S_ISREG
from tempfile import TemporaryDirectory

from detector import plain_json
from detector.events import format_utc
from detector.files import PRIVATE, regular_only, replacement, sync_folder
from detector.release import VERSION
from detector.store import look, wearer_file

SCHEMA = "backup/1"
MANIFEST = "manifest.json"
DATA = "data/"
SETTINGS = "settings.toml"
PIECE = 1 << 20
SQLITE_MAGIC = b"SQLite format 3\0"
STATE = "state.sqlite"
LEFT_OUT = (".lock", ".new", ".part", "-wal", "-shm", "-journal")
"""Endings of what lives as long as a process, or belongs to a SQLite file that is copied whole."""
ASIDE = "before-restore"  # what a restore has replaced: no part of what is kept
OF_A_RUN = ("page.json", "heartbeat")  # names of what a service writes for others while it runs


@dataclass(frozen=True, slots=True)
class BackedUp:
    """A file in an archive."""

    name: str
    size: int
    sha256: str


@dataclass(slots=True)
class Backup:
    """What went into an archive; `warnings` about what did not."""

    files: list[BackedUp] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of all files, unpacked."""
        return sum(each.size for each in self.files)


def size_of(folder: Path) -> int:
    """Return roughly how many bytes a backup has to read."""
    return sum(path.stat().st_size for path in _files(folder, []))


def back_up(
    folder: Path,
    target: Path,
    *,
    at: datetime,
    settings: Path | None = None,
    advance: Callable[[int], object] = int,
) -> Backup:
    """Write an archive of a data folder whole or, on an error, not at all.

    Parameters
    ----------
    at : the present moment, for the manifest
    settings : the file with the settings, which lies elsewhere
    advance : told of bytes as they are read

    Raises
    ------
    OSError
        The folder cannot be read, or the archive cannot be written.
    """
    made = Backup()
    with (
        replacement(target, mode=PRIVATE) as draft,
        TemporaryDirectory(prefix=".spasmwatch-backup-", dir=target.absolute().parent) as scratch,
        zipfile.ZipFile(
            draft, "w", zipfile.ZIP_DEFLATED, compresslevel=1, strict_timestamps=False
        ) as archive,
    ):
        for path in _files(folder, made.warnings):
            name = DATA + path.relative_to(folder).as_posix()
            parts = [(name, path)]
            try:
                try:
                    parts = [(name, _copied(path, Path(scratch) / "copy.sqlite"))]
                except sqlite3.Error as error:
                    made.warnings.append(f"{path} is damaged ({error}): it is kept as it is")
                    wal = path.with_name(f"{path.name}-wal")
                    parts += [(f"{name}-wal", wal)] if wal.exists() else []
                made.files += [_put(archive, *part, advance) for part in parts]
            except FileNotFoundError:
                continue  # deleted meanwhile: a recording that is too old, a draft
        if settings is not None and settings.is_file():
            made.files.append(_put(archive, SETTINGS, settings, advance))
        archive.writestr(MANIFEST, _manifest(made, folder, at))
    sync_folder(target.absolute().parent)
    return made


def _files(folder: Path, warnings: list[str]) -> Iterator[Path]:
    """Yield what belongs in a backup, the states first."""
    found = [path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()]
    for path in sorted(found, key=lambda path: (path.name != STATE, path)):
        parts = path.relative_to(folder).parts
        if path.name in OF_A_RUN or _is_left_out(path):
            continue
        if any(part.startswith((".", ASIDE)) for part in parts):
            continue
        try:
            kind = path.lstat().st_mode
        except FileNotFoundError:
            continue
        if S_ISREG(kind):
            yield path
        elif path.is_symlink():
            warnings.append(f"{path} is a link to elsewhere: it is left out")


def _is_left_out(path: Path) -> bool:
    ending = next((each for each in LEFT_OUT if path.name.endswith(each)), None)
    if ending is None:
        return False
    # Of a SQLite file that was moved aside as damaged, the -wal is the part that may be whole.
    return not (ending == "-wal" and ".damaged-" in path.name)


def _copied(path: Path, scratch: Path) -> Path:
    """Return a copy of a SQLite file, of one moment; any other file as it is."""
    with open(path, "rb", opener=regular_only) as file:
        if file.read(len(SQLITE_MAGIC)) != SQLITE_MAGIC:
            return path
    if ".damaged-" in path.name:
        return path
    scratch.unlink(missing_ok=True)
    with closing(look.connect(path)) as source, closing(sqlite3.connect(scratch)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
        verdict = (
            copy.execute("PRAGMA quick_check(1)").fetchone()[0] if path.name == STATE else "ok"
        )
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)
    return scratch


def _put(
    archive: zipfile.ZipFile, name: str, path: Path, advance: Callable[[int], object]
) -> BackedUp:
    digest, size = sha256(), 0
    with (
        open(path, "rb", opener=regular_only) as file,
        archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as member,
    ):
        while piece := file.read(PIECE):
            digest.update(piece)
            size += len(piece)
            member.write(piece)
            advance(len(piece))
    return BackedUp(name, size, digest.hexdigest())


def _manifest(made: Backup, folder: Path, at: datetime) -> str:
    wearer = None
    with suppress(OSError):
        wearer = wearer_file.read(folder)
    return plain_json.line(
        {
            "schema": SCHEMA,
            "made": format_utc(at),
            "spasmwatch": VERSION,
            "wearer": wearer,
            "files": [
                {"name": each.name, "size": each.size, "sha256": each.sha256} for each in made.files
            ],
        }
    )


def check_place(folder: Path, target: Path) -> str:
    """Return why an archive cannot lie there, "" where it can."""
    if not folder.is_dir():
        return f"There is no data folder {folder} yet: nothing is to be backed up."
    if target.absolute().resolve().is_relative_to(folder.resolve()):
        return (
            f"{target} is inside the data folder: choose a place elsewhere, best on another disk."
        )
    return "" if os.access(folder, os.R_OK) else f"{folder} cannot be read."
