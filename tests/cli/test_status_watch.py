"""`status --watch` says by itself what changes, that a service froze above all."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import IO

from detector.supervision.present import present

from .a_night import COMMAND, a_night, surroundings

TOLD_WITHIN_S = 15.0


@contextmanager
def watching(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Run `status --watch` into a pipe; with its lines so far."""
    given = [*COMMAND, "--data-dir", str(tmp_path / "data"), "status", "--watch"]
    lines: list[str] = []
    with subprocess.Popen(
        given, env=surroundings(tmp_path), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        reading = Thread(target=_read, args=[process.stdout, lines], daemon=True)
        reading.start()
        try:
            yield process, lines
        finally:
            process.kill()
            reading.join(10)


def _read(stream: IO[str], lines: list[str]) -> None:
    for line in stream:
        lines.append(line)


def told(lines: list[str], words: str, after: int, within_s: float) -> bool:
    """Return whether a line after so many has these words in time."""
    by_s = time.monotonic() + within_s
    while time.monotonic() < by_s:
        if any(words in line for line in lines[after:]):
            return True
        time.sleep(0.05)
    return False


def test_a_service_that_freezes_is_told_within_15_s_and_that_it_is_back(tmp_path: Path) -> None:
    with a_night(tmp_path), watching(tmp_path) as (watch, lines):
        assert told(lines, "● Watching", 0, 60), lines
        beat = present(tmp_path / "data", surroundings(tmp_path)).beat
        assert beat is not None

        os.kill(beat.pid, signal.SIGSTOP)
        try:
            seen = len(lines)
            assert told(lines, "spasmwatch hangs: no progress for", seen, TOLD_WITHIN_S), lines
        finally:
            os.kill(beat.pid, signal.SIGCONT)
        assert told(lines, "● Watching", len(lines), 30), lines

        watch.send_signal(signal.SIGINT)
        assert watch.wait(10) == 0  # it was watched when somebody stopped looking


def test_on_a_terminal_of_40_columns_no_word_is_cut_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    given = [*COMMAND, "--data-dir", str(tmp_path / "data"), "status", "--watch"]
    ours, theirs = pty.openpty()
    environ = surroundings(tmp_path) | {"COLUMNS": "40", "TERM": "xterm", "NO_COLOR": "1"}
    with subprocess.Popen(given, env=environ, stdin=theirs, stdout=theirs, stderr=theirs) as watch:
        os.close(theirs)
        shown = os.read(ours, 4096)
        while b"run" not in shown:
            shown += os.read(ours, 4096)
        watch.send_signal(signal.SIGINT)
        assert watch.wait(10) == 3
        os.close(ours)
    words = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    assert "No night runs." in words
    assert "…" not in words
    assert not re.search(rb"\x1b\[[0-9;]*m", shown)  # no colour
