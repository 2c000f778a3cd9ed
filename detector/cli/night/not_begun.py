"""A night that cannot begin: the page says why, until it is mended."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from pathlib import Path

import typer

from detector.config import Settings, usable_settings
from detector.errors import ConfigError, SpasmwatchError
from detector.people.people_file import PeopleFile
from detector.supervision.notify import Notifier
from detector.terminal.failures import failure_words, report_failure
from detector.terminal.output import Output
from detector.web.no_night.failure import Failure, failure_of
from detector.web.no_night.failure_page import FailurePage
from detector.web.serving.server import Where, served

LOOK_S = 1.0  # how often it is looked at whether the settings file has changed
AGAIN_S = 20.0  # between attempts without such a change: a file that it names, or a disk, may have

MANAGED_S = 20.0
"""How long a service stays with the page before it ends with its exit code, and systemd starts it
again: `systemctl restart` says that it failed after so long, and what systemd hands over of the
settings is a new copy each time."""

HERE = "127.0.0.1"
MENDABLE = (SpasmwatchError, OSError, ImportError)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A night to begin.

    path : the settings file
    data_dir : as chosen on the command line
    check : reads the settings and what they name; raises what `begin` would
    begin : watches; it calls its argument once the night has begun, and returns the exit code
    patience_s : how long a page says why it cannot begin; 0 for none
    """

    path: Path
    data_dir: Path | None
    check: Callable[[], object]
    begin: Callable[[Callable[[], None]], int]
    patience_s: float


def patience_s(*, keep: bool) -> float:
    """Return how long to stay: for ever on a person's wish, a while for a service manager."""
    if keep:
        return inf
    return 0.0 if Notifier.of(os.environ, os.getpid()).address is None else MANAGED_S


def watched(attempt: Attempt, out: Output) -> int:
    """Return the exit code of the night, begun as soon as it can be.

    Where it cannot begin and nobody waits for that, what keeps it from it is raised, or ends the
    process with its exit code after it was shown.
    """
    begun: list[bool] = []
    while True:
        try:
            return attempt.begin(lambda: begun.append(True))
        except MENDABLE as error:
            if begun or not attempt.patience_s:
                raise
            found: Exception = error
        code = report_failure(found, out)  # at once: the page is beside it, not instead of it
        try:
            mended = asyncio.run(_mended(attempt, found, out))
        except KeyboardInterrupt:
            mended = False
        if not mended:
            raise typer.Exit(code)
        out.say("Trying again.")


async def _mended(attempt: Attempt, error: Exception, out: Output) -> bool:
    """Show the failure until it may be mended; False where patience or a person ends that first."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    ends_s = loop.time() + attempt.patience_s
    async with _shown(attempt, error, out) as show:
        seen, due_s = _seen(attempt.path), loop.time() + AGAIN_S
        while loop.time() < ends_s:
            if await _happens(stop, LOOK_S):
                return False
            before, seen = seen, _seen(attempt.path)
            if seen == before and loop.time() < due_s:
                continue
            due_s = loop.time() + AGAIN_S
            try:
                attempt.check()
            except MENDABLE as found:
                if show(found):
                    report_failure(found, out)
            else:
                return True
    return False


@asynccontextmanager
async def _shown(
    attempt: Attempt, error: Exception, out: Output
) -> AsyncIterator[Callable[[Exception], bool]]:
    """Serve the page; the value shows another failure, and returns whether it is another one."""
    settings = usable_settings(attempt.path, flags={"data_dir": attempt.data_dir})
    notifier = Notifier.of(os.environ, os.getpid())

    def failure(found: Exception) -> Failure:
        words = failure_words(found)
        now = datetime.now(UTC)
        return failure_of(found, words, path=attempt.path, again_s=AGAIN_S, at=now)

    first = failure(error)
    page = FailurePage(first, PeopleFile(settings.data_dir), label=settings.wearer.label)

    def show(found: Exception) -> bool:
        other = failure(found)
        if other.digest == page.failure.digest:
            return False
        page.failure = other
        notifier.status(f"Not watching: {other.summary}")
        return True

    async with AsyncExitStack() as stack:
        notifier.status(f"Not watching: {first.summary}")
        if settings.web.enabled:
            try:
                address = await stack.enter_async_context(served(page, _where(settings)))
                out.say(f"The page says so, too, until it is mended: {address}")
            except OSError as refused:
                out.say(f"No page: port {settings.web.port} cannot be used ({refused.strerror}).")
        yield show


def _where(settings: Settings) -> Where:
    """Return the usual place on this computer alone: with the certificate, where it can be used."""
    web = settings.web
    where = Where(HERE, web.port, web.cert_file, web.key_file)
    try:
        where.tls()
    except ConfigError:
        return Where(HERE, web.port)
    return where


async def _happens(event: asyncio.Event, within_s: float) -> bool:
    try:
        async with asyncio.timeout(within_s):
            await event.wait()
    except TimeoutError:
        return False
    return True


def _seen(path: Path) -> tuple[int, int, int] | None:
    """Return what tells a file from its next version; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
