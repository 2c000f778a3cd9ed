"""Keep the parts of a service alive: log what raised, announce it, start it again with back-off.

The only place that handles every exception, beside the last boundary of the command line. Elsewhere
`except Exception` passes it on to here (sources, recordings, committer), or names the fault of a
library or of somebody's driver, which may raise anything (radio, bluez, registry);
`tests/test_house.py` lists each.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from detector.errors import SpasmwatchError

T = TypeVar("T")

log = logging.getLogger(__name__)

BACKOFF_S = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Pauses after the first, second, … failure in a row: none after a single fault, so that it costs
no samples; long ones for a part that fails whenever it runs, so that it costs no core."""

SETTLED_S = 15.0
"""A part that worked for so long is reliable again: its next failure is a first one."""

MOST_FAILURES = 40
"""In a row, some 16 minutes: a part that fails so often cannot be kept alive in this process."""


class PartLostError(SpasmwatchError):
    """A part of the service cannot be kept alive: end the process, so that a new one can begin."""


@dataclass(slots=True)
class _Part:
    """State of a part: failures in a row, and when it may run again."""

    failures: int = 0
    resumes_s: float = 0.0


class Supervisor:
    """Run parts by name and keep them running.

    Parameters
    ----------
    mono_s : monotonic clock
    sleep : waits that many of the clock's seconds
    announce : called with a part's name and one sentence whenever it failed; must not raise
    """

    def __init__(
        self,
        *,
        mono_s: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        announce: Callable[[str, str], None],
    ) -> None:
        self._mono_s = mono_s
        self._sleep = sleep
        self._announce = announce
        self._parts: dict[str, _Part] = {}

    async def keep(
        self,
        name: str,
        work: Callable[[], Awaitable[None]],
        *,
        fatal: type[Exception] = PartLostError,
    ) -> None:
        """Run `work` until it returns, again and again while it raises.

        Raises
        ------
        PartLostError
            It failed `MOST_FAILURES` times in a row.
        Exception
            Of the kind `fatal`.
        """
        while True:
            try:
                await work()
            except (PartLostError, fatal):
                raise
            except Exception as error:
                await self._sleep(self._failed(name, error))
            else:
                return

    async def attempt(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` once, whatever comes of it."""
        try:
            await work()
        except Exception as error:
            self._failed(name, error)

    def call(
        self, name: str, work: Callable[[], T], *, rebuild: Callable[[], T | None] | None = None
    ) -> T | None:
        """Return what `work` returns; None while its part is backing off.

        Parameters
        ----------
        rebuild : called when `work` raised, to set the part up again; its value is returned

        Raises
        ------
        PartLostError
            It failed `MOST_FAILURES` times in a row.
        """
        part = self._parts.get(name)
        if part is not None and self._mono_s() < part.resumes_s:
            return None
        try:
            return work()
        except PartLostError:
            raise
        except Exception as error:
            self._failed(name, error)
        try:
            return None if rebuild is None else rebuild()
        except Exception as error:
            self._failed(name, error)
            return None

    def _failed(self, name: str, error: Exception) -> float:
        """Count, log and announce a failure; return how long its part pauses, s."""
        now_s = self._mono_s()
        part = self._parts.setdefault(name, _Part())
        if now_s - part.resumes_s > SETTLED_S:
            part.failures = 0
        pause_s = BACKOFF_S[min(part.failures, len(BACKOFF_S) - 1)]
        part.failures += 1
        part.resumes_s = now_s + pause_s
        log.error("part %s failed, %d in a row", name, part.failures, exc_info=error)
        if part.failures > MOST_FAILURES:
            raise PartLostError(
                f"{name} failed {part.failures} times in a row ({_brief(error)}): the service ends "
                "and must be started again; its log has the details"
            ) from error
        self._announce(name, f"{name} failed ({_brief(error)}) and was started again")
        return pause_s


def _brief(error: Exception) -> str:
    """Return the kind of the error, in which nothing can be a wearer's data."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return type(error).__name__
