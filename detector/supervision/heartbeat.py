"""The service's heartbeat, a small file in memory that another process reads; no broker needed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self

from detector.boot import host_boot_id

FOLDER, NAME = "spasmwatch", "heartbeat"
SIZE = 512
"""Bytes: one page of memory, written in place by one call. A disk that is full takes it too, and a
reader never finds half of it (Linux locks the file for a write)."""
LATE_S = 15
"""Without progress for so long the service hangs: it says every second that it makes some, and it
declares within 11 s that a sensor is silent, which counts as progress."""
LONGEST_WORDS = 200  # in the worst case each of them takes two bytes of SIZE


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """That the detector made progress at `mono_s` of the monotonic clock since boot `boot`.

    boot : of the computer; empty where that is not known
    ended : it ended because a person wanted that, or because all sources had ended
    """

    boot: str
    mono_s: float
    pid: int
    words: str = ""
    ended: bool = False


def heartbeat_path(data_dir: Path, environ: Mapping[str, str]) -> Path:
    """Return where the service with this data folder leaves its heartbeat.

    That is in memory where the system has a folder for it: a full or broken disk must not look
    like a service that hangs.
    """
    name = f"{NAME}-{sha256(str(data_dir).encode()).hexdigest()[:8]}"
    given = environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    if given:
        return Path(given) / name
    session = environ.get("XDG_RUNTIME_DIR")
    return Path(session) / FOLDER / name if session else data_dir / NAME


def read_heartbeat(path: Path) -> Heartbeat | None:
    """Return the latest heartbeat; None without one that can be read."""
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(SIZE))
        return Heartbeat(
            boot=str(found["boot"]),
            mono_s=float(found["mono_s"]),
            pid=int(found["pid"]),
            words=str(found["words"]),
            ended=found["ended"] is True,
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


class HeartbeatFile:
    """Writes heartbeats of this process; a context, which says at its regular end that it ended.

    Raises
    ------
    OSError
        The file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = path
        self._file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        self._boot = host_boot_id() or ""
        self._words = ""

    def begin(self) -> None:
        """Take back that an earlier process has ended: this one must show progress in its turn.

        After one that died nothing is written, so that a service which dies again and again before
        it makes progress is noticed.
        """
        last = read_heartbeat(self._path)
        if last is None or last.ended or last.boot != self._boot:
            self.beat("starting")

    def beat(self, words: str, *, ended: bool = False) -> None:
        """Write that the detector makes progress now."""
        self._words = words[:LONGEST_WORDS]
        beat = Heartbeat(self._boot, time.monotonic(), os.getpid(), self._words, ended)
        line = json.dumps(asdict(beat)).encode()
        if len(line) > SIZE:  # escapes of foreign letters
            line = json.dumps(asdict(beat) | {"words": ""}).encode()
        with suppress(OSError):  # the watchdog then hears nothing, and says so
            os.pwrite(self._file, line.ljust(SIZE), 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.beat(self._words, ended=True)
        os.close(self._file)
