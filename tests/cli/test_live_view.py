"""A person at a real terminal sees the state redrawn, presses a key, and ends the night."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

PATIENCE_S = 60.0
ROOT = Path(__file__).parents[2]


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, *arguments: str, home: Path) -> None:
        self._number, far = pty.openpty()
        environ = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "HOME": str(home)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "detector", *arguments],
            stdin=far,
            stdout=far,
            stderr=far,
            cwd=ROOT,
            env=environ,
            start_new_session=True,
        )
        os.close(far)
        self.text = ""

    def until(self, words: str) -> None:
        """Read until the terminal has shown these words."""
        late_s = time.monotonic() + PATIENCE_S
        while words not in self.text:
            assert time.monotonic() < late_s, self.text[-3000:]
            if select.select([self._number], [], [], 0.2)[0]:
                self.text += os.read(self._number, 65536).decode(errors="replace")

    def press(self, keys: str) -> None:
        os.write(self._number, keys.encode())

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._number)


def test_a_key_at_the_terminal_is_obeyed_and_q_ends_the_night(tmp_path: Path) -> None:
    terminal = Terminal(
        *("--data-dir", str(tmp_path), "run", "--source", "simulator", "--scenario", "clonus"),
        *("--speed", "20", "--no-mqtt"),
        home=tmp_path,
    )
    try:
        terminal.until("● Watching")
        assert "\x1b[?25l" in terminal.text, "redrawn in place, the cursor hidden"
        terminal.press("m")
        terminal.until("A spasm is marked by bedside.")
        terminal.press("nslept badly\r")
        terminal.until("Note by bedside: slept badly")
        terminal.press("p")
        terminal.until("‖ Paused until")
        terminal.press("q")
        terminal.until("Night finished")
        terminal.until("\x1b[?25h")
        assert terminal.process.wait(PATIENCE_S) == 0
        assert "Traceback" not in terminal.text
    finally:
        terminal.close()
