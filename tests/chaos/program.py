"""A process of the house: it is killed, frozen, and started again, and what it says is kept."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

from .history import DARK

if TYPE_CHECKING:
    from .house import House

SERVICE = "service"


class Program:
    """A process of the house that is killed, frozen, and started again."""

    def __init__(self, name: str, command: list[str], house: House) -> None:
        self.name = name
        self.wanted = False
        self.process: subprocess.Popen[str] | None = None
        self._command = command
        self._largest = resource.RLIM_INFINITY  # file that its disk takes, bytes
        self._house = house
        self._word = DARK

    def start(self) -> None:
        self.wanted, self._word = True, DARK
        house = self._house
        tap_out, tap_in = os.pipe()
        own = [sys.executable, "-m", "tests.chaos.house_process", str(house.clocks_file)]
        self.process = subprocess.Popen(
            [*own, str(tap_in), *self._command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=house.words_file,
            text=True,
            pass_fds=[tap_in],
            env=house.environment,
        )
        self.limit_files(self._largest)  # the program itself only begins to be loaded
        os.close(tap_in)
        assert self.process.stdout is not None
        for stream in (os.fdopen(tap_out), self.process.stdout):
            thread = threading.Thread(target=self._follow, args=(self.process, stream), daemon=True)
            thread.start()
            house.followers.append(thread)

    @property
    def is_lit(self) -> bool:
        """Whether its screen has shown anything since it was started."""
        return self._word != DARK

    def kill(self) -> None:
        self.wanted = False
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.dark()

    def send(self, number: int) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def limit_files(self, size: int) -> None:
        """Have its disk take no file longer than this, now and when it is started again."""
        self._largest = size
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                limits = (size, resource.RLIM_INFINITY)
                resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, limits)

    def dark(self) -> None:
        """Take that its screen shows nothing from now on."""
        self._house.take("shown", self.name, word=DARK)

    def light(self) -> None:
        """Take that its screen shows again what it showed."""
        self._house.take("shown", self.name, word=self._word)

    def _follow(self, process: subprocess.Popen[str], stream: Any) -> None:
        """Take its lines, in a thread: a pipe that fills would hold it up."""
        with stream:
            for line in stream:
                with contextlib.suppress(ValueError):
                    said = json.loads(line)
                    if process is self.process and isinstance(said, dict):
                        self._said(said)

    def _said(self, said: dict[str, Any]) -> None:
        if said.get("what") == "samples":
            self._house.take("samples", t=said["t"])
        elif "schema" in said:
            if self.name != SERVICE:
                word = "superseded" if said.pop("superseded", False) else ""
                self._house.take("heard", self.name, word=word, fields=said)
        elif "what" in said or (self.name != SERVICE and "state" in said):
            self._word = str(said.get("word", said.get("state")))
            self._house.take("shown", self.name, word=self._word)
