"""What a person or a program gets to see: data on stdout, talk on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

TENTH = 10  # per cent between two lines of progress where nothing can be redrawn


class Advance(Protocol):
    """Says that so much more is done."""

    def __call__(self, amount: int, /) -> None:
        """Count `amount` more."""
        ...


@dataclass(frozen=True, slots=True)
class Output:
    """How to speak: decided once, from the global options."""

    json: bool = False
    plain: bool = False
    quiet: bool = False
    verbosity: int = 0

    @property
    def redraws(self) -> bool:
        """Whether a line on stderr can be drawn over: somebody looks at a terminal and wants it."""
        dumb = self.plain or os.environ.get("TERM") == "dumb"
        return not (self.json or self.quiet or dumb) and sys.stderr.isatty()

    def data(self, line: str) -> None:
        """Write one line of what was asked for."""
        print(line if self.json else harmless(line), file=sys.stdout)

    def say(self, text: str) -> None:
        """Tell a person something; not with --quiet."""
        if not self.quiet:
            print(harmless(text), file=sys.stderr)

    def error(self, text: str) -> None:
        """Tell a person what went wrong."""
        sys.stdout.flush()
        print(harmless(text), file=sys.stderr)

    @contextmanager
    def progress(self, label: str, total: int | None) -> Iterator[Advance]:
        """Show how far long work is: a bar on a terminal, a line for every 10 % elsewhere."""
        if self.json or self.quiet or not total:
            yield _nothing
        elif not self.redraws:
            tenths = _Tenths(self, label, total)
            yield tenths
            tenths.finish()
        else:
            with _bar(harmless(label), total) as advance:
                yield advance


def harmless(text: str) -> str:
    """Take what could steer a terminal out of text that strangers may have written."""
    return "".join(c if c.isprintable() or c == "\n" else "�" for c in text)


def _nothing(_: int, /) -> None:
    """Show no progress."""


class _Tenths:
    def __init__(self, output: Output, label: str, total: int) -> None:
        self._output, self._label, self._total = output, label, total
        self._done = self._said = 0

    def __call__(self, amount: int, /) -> None:
        self._done += amount
        self._say(min(99, 100 * self._done // self._total) // TENTH * TENTH)

    def finish(self) -> None:
        """Say that all is done: a total may have been a guess."""
        self._say(100)

    def _say(self, percent: int) -> None:
        if percent > self._said:
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
