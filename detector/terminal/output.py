"""Write output: data on stdout, everything else on stderr, progress where it can be redrawn."""

from __future__ import annotations

import errno
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from time import monotonic
from typing import Protocol, Self

from detector.words.phrases import harmless

log = logging.getLogger(__name__)

_LEVELS = "▁▂▃▄▅▆▇█"
STILL_G, STRONG_G = 0.003, 0.5  # sensor noise; a leg that is being shaken
QUIET_S = 5.0  # work that is done sooner shows no progress where nothing can be redrawn
GOES_ON = "the night goes on, and is kept in the data folder."
TENTH = 10  # per cent between two lines of progress where nothing can be redrawn


class Advance(Protocol):
    """Counts progress."""

    def __call__(self, amount: int, /) -> None:
        """Count `amount` more."""
        ...


@dataclass(frozen=True, slots=True)
class Output:
    """Kind of output, decided once from the global options."""

    json: bool = False
    plain: bool = False
    quiet: bool = False
    verbosity: int = 0

    @property
    def redraws(self) -> bool:
        """Whether a line on stderr can be drawn over: a terminal, and nobody asked for less."""
        dumb = self.plain or os.environ.get("TERM") == "dumb"
        return not (self.json or self.quiet or dumb) and sys.stderr.isatty()

    def data(self, line: str) -> None:
        """Write one line of data."""
        print(line if self.json else harmless(line), file=sys.stdout)

    def say(self, text: str) -> None:
        """Write to stderr, except with --quiet."""
        if not self.quiet:
            print(harmless(text), file=sys.stderr)

    def bell(self) -> None:
        """Ring the terminal's bell, if stderr is one."""
        if sys.stderr.isatty():
            print("\a", end="", file=sys.stderr, flush=True)

    def error(self, text: str) -> None:
        """Write an error to stderr, after the data before it."""
        sys.stdout.flush()
        print(harmless(text), file=sys.stderr)

    @contextmanager
    def progress(
        self, label: str, total: int | None, now_s: Callable[[], float] = monotonic
    ) -> Iterator[Advance]:
        """Show the progress of long work: a bar on a terminal, a line for every 10 % elsewhere.

        Lines begin after `QUIET_S`, so that short work prints none.
        """
        if self.json or self.quiet or not total:
            yield _nothing
        elif not self.redraws:
            tenths = _Tenths(self, label, total, now_s)
            yield tenths
            tenths.finish()
        else:
            with _bar(harmless(label), total) as advance:
                yield advance


@dataclass(frozen=True, slots=True)
class NightOutput(Output):
    """Output of a night: each line is written at once, and what takes none costs the line alone.

    A file on a full disk, a closed pipe and a terminal that is gone do not end a night, and one of
    stdout and stderr does not take the other with it.
    """

    _refusing: set[str] = field(default_factory=set, init=False)

    @classmethod
    def of(cls, out: Output) -> Self:
        """Return the same kind of output for a night."""
        return cls(**{each.name: getattr(out, each.name) for each in fields(Output)})

    def data(self, line: str) -> None:
        """Write one line of data, where that is possible."""
        with self._enduring("stdout"):
            Output.data(self, line)
            sys.stdout.flush()  # into a file or pipe it would wait for 8 kB, hours of a quiet night

    def result(self, line: str) -> None:
        """Write one line of the night's end: to stderr where it is no data or stdout takes none."""
        if self.json or "stdout" in self._refusing:
            self.say(line)
        else:
            self.data(line)

    def say(self, text: str) -> None:
        """Write to stderr, except with --quiet, where that is possible."""
        with self._enduring("stderr"):
            Output.say(self, text)

    @contextmanager
    def _enduring(self, stream: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if stream not in self._refusing:
                log.warning("%s takes no line (%s): the night goes on", stream, error.strerror)
                if stream == "stdout":
                    gone = error.errno == errno.EPIPE  # a reader that has enough
                    why = "Nobody reads stdout any more" if gone else _unwritten(error)
                    self.say(f"{why}: {GOES_ON}")
            self._refusing.add(stream)
        else:
            self._refusing.discard(stream)


def _unwritten(error: OSError) -> str:
    return f"No line can be written to stdout ({error.strerror})"


@contextmanager
def live_line(out: Output) -> Iterator[Callable[[str], None]]:
    """Yield a function that draws a line over the last one; it is erased at the end."""
    if not out.redraws:
        yield _draw_nothing
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(console=Console(stderr=True), transient=True, refresh_per_second=8) as live:
        yield lambda text: live.update(Text(harmless(text), no_wrap=True, overflow="ellipsis"))


def bar(share: float, width: int = 20) -> str:
    """Return a bar for a share from 0 to 1."""
    full = round(min(max(share, 0.0), 1.0) * width)
    return "█" * full + "░" * (width - full)


def strip(rms_g: Sequence[float]) -> str:
    """Return movement over time as bars, on a logarithmic scale from a breath to a kick."""
    from math import log

    span = log(STRONG_G / STILL_G)
    top = len(_LEVELS) - 1
    heights = (log(max(g, STILL_G) / STILL_G) / span for g in rms_g)
    return "".join(_LEVELS[min(top, round(height * top))] for height in heights)


def _draw_nothing(_: str) -> None:
    """Draw nothing."""


def _nothing(_: int, /) -> None:
    """Show no progress."""


class _Tenths:
    def __init__(self, output: Output, label: str, total: int, now_s: Callable[[], float]) -> None:
        self._output, self._label, self._total = output, label, total
        self._now_s, self._begun_s = now_s, now_s()
        self._done = self._said = 0

    def __call__(self, amount: int, /) -> None:
        self._done += amount
        self._say(min(99, 100 * self._done // self._total) // TENTH * TENTH)

    def finish(self) -> None:
        """Show all as done: a total may have been a guess."""
        self._say(100)

    def _say(self, percent: int) -> None:
        if percent > self._said and self._now_s() - self._begun_s >= QUIET_S:
            self._said = percent
            self._output.say(f"{self._label}: {percent} %")


@contextmanager
def _bar(label: str, total: int) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(label.replace("[", r"\["), total=total)
        yield lambda amount, /: progress.advance(task, amount)
        progress.update(task, completed=total)
