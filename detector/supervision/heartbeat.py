"""The service's heartbeat, a small file in memory that another process reads; no broker needed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self

from detector.boot import host_boot_id
from detector.files import regular_only

FOLDER, NAME = "spasmwatch", "heartbeat"
SIZE = 512
"""Bytes: one page of memory, written in place by one call. A disk that is full takes it too, and a
reader never finds half of it (Linux locks the file for a write)."""
RUN = Path("/run")  # in memory; a folder for each user who is logged in, and for each service
AT_ONCE_S = 0.2  # a disk that works answers in microseconds; one that hangs costs this once
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


def heartbeat_path(data_dir: Path, environ: Mapping[str, str], run: Path = RUN) -> Path:
    """Return where the service with this data folder leaves its heartbeat.

    That is in memory where the system has a folder for it: a full or broken disk must not look
    like a service that hangs.
    """
    given = _given(environ)
    own = run / "user" / str(os.geteuid())  # of a session, whether or not the environment says so
    if not given and own.is_dir():
        given = [own / FOLDER]
    return given[0] / _name(data_dir) if given else data_dir / NAME


def heartbeat_places(data_dir: Path, environ: Mapping[str, str], run: Path = RUN) -> list[Path]:
    """Return where the service may have left it, which may have another environment than ours."""
    users = [os.geteuid()]
    with suppress(OSError):
        users.append(data_dir.stat().st_uid)  # whose service it is, where root looks
    sessions = [run / "user" / str(user) / FOLDER for user in users]
    folders = [*_given(environ), *sessions, run / FOLDER]
    name = _name(data_dir)
    return list(dict.fromkeys([*(folder / name for folder in folders), data_dir / NAME]))


def _given(environ: Mapping[str, str]) -> list[Path]:
    """Return the folders in memory that the environment names."""
    given = environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    session = environ.get("XDG_RUNTIME_DIR")
    return [
        *([Path(given)] if given else []),
        *([Path(session) / FOLDER] if session else []),
    ]


def _name(data_dir: Path) -> str:
    return f"{NAME}-{sha256(str(data_dir).encode()).hexdigest()[:8]}"


class HeartbeatSearch:
    """Finds the newest heartbeat of boot `boot`, wherever the service left it.

    Each place is read on a thread: a disk that hangs must not hold up the alarm.
    """

    def __init__(self, places: Iterable[Path], boot: str) -> None:
        self._boot = boot
        self._latest: dict[Path, Heartbeat | None] = dict.fromkeys(places)
        self._reading: dict[Path, Thread] = {}

    def newest(self) -> Heartbeat | None:
        """Return the newest heartbeat; None where there is none, or none of this boot."""
        for place in self._latest:
            before = self._reading.get(place)
            if before is None or not before.is_alive():
                reading = Thread(target=self._read, args=[place], daemon=True)
                reading.start()
                reading.join(AT_ONCE_S)
                self._reading[place] = reading
        ours = [beat for beat in self._latest.values() if beat and beat.boot == self._boot]
        return max(ours, key=lambda beat: beat.mono_s, default=None)

    def _read(self, place: Path) -> None:
        self._latest[place] = read_heartbeat(place)


def read_heartbeat(path: Path) -> Heartbeat | None:
    """Return the latest heartbeat; None without one that can be read."""
    try:
        with open(path, "rb", opener=regular_only) as file:
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
        self._file = regular_only(str(path), os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW)
        self._boot = host_boot_id() or ""
        self._words = ""

    def begin(self, places: Iterable[Path] = ()) -> None:
        """Take back that an earlier process has ended: this one must show progress in its turn.

        After one that died nothing is written, so that a service which dies again and again before
        it makes progress is noticed.

        Parameters
        ----------
        places : where an earlier process, in another environment, may have said so
        """
        others = [place for place in places if place != self._path]
        last = HeartbeatSearch([self._path, *others], self._boot).newest()
        if last is None or last.ended:
            self.beat("starting")
        for place in others:
            left = read_heartbeat(place)
            if left is not None and left.ended:
                with suppress(OSError):  # a later one is found by its time
                    place.unlink()

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
