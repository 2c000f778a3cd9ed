"""Lines and keys that a person types at a terminal while a command runs."""

from __future__ import annotations

import asyncio
import os
import select
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

LOOK_S = 0.2  # a person who pressed a key does not notice it
MOST = 1000  # characters of a line; no answer of ours is longer


def at_terminal() -> bool:
    """Whether somebody can type: input is a terminal."""
    try:
        return sys.stdin is not None and sys.stdin.isatty()
    except ValueError:  # closed
        return False


async def typed_lines() -> AsyncIterator[str]:
    """Yield each line without its end, until the terminal is gone; see `typed_text`."""
    kept = ""
    async for got in typed_text():
        *lines, kept = (kept + got).split("\n")
        kept = kept[-MOST:]
        for line in lines:
            yield line.strip()


async def typed_text() -> AsyncIterator[str]:
    """Yield what was typed, as the terminal passes it on, until the terminal is gone.

    A program in the background would be stopped by its first look at the terminal: it waits until
    it is in front again.
    """
    number = sys.stdin.fileno()
    while True:
        await asyncio.sleep(LOOK_S)
        if not _in_front(number) or not select.select([number], [], [], 0)[0]:
            continue
        try:
            got = os.read(number, MOST)
        except OSError:  # it went to the background just now, or the terminal is gone
            continue
        if not got:
            return
        yield got.decode(errors="replace")


@contextmanager
def unbuffered() -> Iterator[None]:
    """Have the terminal pass on each key at once and show none, until the block ends.

    Ctrl-C stays what it is. Where input is no terminal, or the system has no `termios`, nothing
    changes: keys then come with Enter.
    """
    try:
        import termios

        number = sys.stdin.fileno()
        before = termios.tcgetattr(number)
    except (ImportError, OSError, ValueError, termios.error):
        yield
        return
    mode = [*before]
    mode[3] &= ~(termios.ICANON | termios.ECHO)
    termios.tcsetattr(number, termios.TCSANOW, mode)
    try:
        yield
    finally:
        with suppress(termios.error):  # the terminal is gone
            termios.tcsetattr(number, termios.TCSANOW, before)


def _in_front(number: int) -> bool:
    try:
        return os.tcgetpgrp(number) == os.getpgrp()
    except OSError:  # no terminal that controls us: reading it stops nobody
        return True
