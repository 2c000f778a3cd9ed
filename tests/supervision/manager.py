"""A service manager for tests: starts a process, takes its notifications, ends it and starts again.

It does what systemd does for Type=notify with WatchdogSec, Restart=always and RestartSec. As a
program it measures how long a frozen service is gone:

    python -m tests.supervision.manager --rounds 10
"""

from __future__ import annotations

import argparse
import os
import random
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from ..chaos.measured import record

FS = 52
GONE_MOST_S = 20.0  # bar of the plan


@dataclass
class Manager:
    """Runs `command` and keeps it running, on a notification socket at `address`."""

    command: Sequence[str]
    folder: Path
    watchdog_s: float
    restart_s: float = 1.0
    abstract: bool = False
    told: list[tuple[float, str]] = field(default_factory=list)  # monotonic s, line
    starts: list[float] = field(default_factory=list)
    kills: list[float] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = f"@spasmwatch-test-{os.getpid()}" if self.abstract else str(self.folder / "notify")
        self._socket.bind("\0" + path[1:] if self.abstract else path)
        self._path = path
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: object, _traceback: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._socket.close()

    def start(self) -> None:
        """Start the process."""
        self.ready = False
        self.alive_s = time.monotonic()
        self.starts.append(self.alive_s)
        environ = os.environ | {
            "NOTIFY_SOCKET": self._path,
            "WATCHDOG_USEC": str(round(self.watchdog_s * 1e6)),
            "XDG_RUNTIME_DIR": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder),
        }
        environ.pop("RUNTIME_DIRECTORY", None)
        with (self.folder / "screen.txt").open("ab") as screen:
            self.process = subprocess.Popen(
                self.command,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=screen,
                stderr=subprocess.STDOUT,
            )

    def until(self, true: Callable[[], bool], within_s: float) -> float:
        """Be the manager until something is true; return how long that took."""
        begun_s = time.monotonic()
        while not true():
            if time.monotonic() - begun_s > within_s:
                raise AssertionError(f"not within {within_s} s: {self.words()[-2000:]}")
            self.turn(0.02)
        return time.monotonic() - begun_s

    def turn(self, wait_s: float) -> None:
        """Take what is told within a moment; end what does not tell that it is alive."""
        if select.select([self._socket], [], [], wait_s)[0]:
            text = self._socket.recv(4096).decode()
            now_s = time.monotonic()
            self.told += [(now_s, line) for line in text.splitlines()]
            self.ready |= text == "READY=1"
            if text in {"READY=1", "WATCHDOG=1"}:
                self.alive_s = now_s
        now_s = time.monotonic()
        if self.ready and self.process.poll() is None and now_s - self.alive_s > self.watchdog_s:
            self.kills.append(now_s)
            self.process.send_signal(signal.SIGABRT)
            self.process.send_signal(signal.SIGCONT)
            try:
                self.process.wait(2)
            except subprocess.TimeoutExpired:
                self.process.kill()
        if self.process.poll() is not None and self.restart_s >= 0:
            time.sleep(self.restart_s)
            self.start()

    def lines(self, since_s: float = 0.0) -> list[str]:
        return [line for at_s, line in self.told if at_s >= since_s]

    def words(self) -> str:
        return (self.folder / "screen.txt").read_text(errors="replace")


def long_recording(folder: Path) -> Path:
    """An hour at rest, to be played at its own speed."""
    path = folder / "rest.npz"
    rest = np.random.default_rng(0).normal(0, 0.002, (3600 * FS, 3)) + np.array([0.02, -0.1, 0.99])
    np.savez(path, acc=rest, fs=float(FS))
    return path


def a_night_of(file: Path, folder: Path) -> list[str]:
    """The real program, watching a recording as if it were a sensor."""
    words = ["--data-dir", str(folder / "data"), "run", "--source", "file", str(file), "--no-mqtt"]
    return [sys.executable, "-P", "-m", "detector", *words]


def _is_past(moment_s: float) -> bool:
    return time.monotonic() >= moment_s


def _frozen(manager: Manager) -> float:
    """Freeze the service; return after how many seconds another one is ready."""
    begun = len(manager.starts)
    manager.process.send_signal(signal.SIGSTOP)
    return manager.until(lambda: len(manager.starts) > begun and manager.ready, 60)


def main() -> None:
    """Freeze a real service again and again; print how long it was gone, at most."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--watchdog-s", type=float, default=15.0)
    given = parser.parse_args()
    gone, by_chance = [], random.Random(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = a_night_of(long_recording(folder), folder)
        with Manager(command, folder, given.watchdog_s) as manager:
            for _ in range(given.rounds):
                manager.until(lambda: manager.ready, 30)
                frozen = by_chance.uniform(0, given.watchdog_s)
                moment = time.monotonic() + frozen
                manager.until(partial(_is_past, moment), 60)
                gone.append(_frozen(manager))
                print(f"frozen: ready again after {gone[-1]:.1f} s", flush=True)
    record(
        "frozen",
        bar=f"a frozen service is started again and ready <= {GONE_MOST_S:g} s",
        held=max(gone) <= GONE_MOST_S,
        seed=1,
        figures={"frozen": given.rounds, "restarted": len(gone), "gone_max_s": round(max(gone), 1)},
    )


if __name__ == "__main__":
    main()
