"""Send notifications in threads of their own: a server that is slow or dead holds up its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from detector.errors import ConfigError
from detector.push.message import NO_ANSWER, REFUSED, PushError, PushMessage

if TYPE_CHECKING:
    from detector.push.services import PushService

ANSWER_S = 15.0
"""What has not answered by then has failed; its thread ends by the timeouts of its sockets."""

HANGS_S = 30.0
"""Longer than the timeouts of any service: a server that sends its answer drop by drop. Its thread
is left to itself, and a message that it took all the same may come twice."""

MOST_HANGING = 8  # threads of one contact that are left so; no more are begun until one ends

LOAD_S = 60.0  # to load all services takes half a second, on a slow disk a hundred times that


class Sends(Protocol):
    """Sends notifications to one contact."""

    async def prepare(self) -> None:
        """Get ready ahead of the first notification; PushError where that cannot be."""

    async def send(self, message: PushMessage) -> None:
        """Send a notification; PushError where it was not taken."""


class Sender:
    """Sends to one contact, one notification at a time.

    Parameters
    ----------
    address : returns the contact's address; asked until it is one, ValueError or ConfigError where
        it is none
    answer_s : how long a service may take
    hangs_s : after how long what is still under way is left to itself
    """

    def __init__(
        self,
        name: str,
        address: Callable[[], str],
        folder: Path,
        *,
        answer_s: float = ANSWER_S,
        hangs_s: float = HANGS_S,
    ) -> None:
        self._name, self._folder = name, folder
        self._address = address
        self._answer_s, self._hangs_s = answer_s, hangs_s
        self._service: PushService | None = None
        self._busy: asyncio.Future[None] | None = None
        self._doing: PushMessage | None = None  # what is under way; None to load
        self._since_s = 0.0  # when that began, by the loop's clock
        self._hanging: set[asyncio.Future[None]] = set()

    async def prepare(self) -> None:
        """Load the service of the address; PushError where there is none, or nobody to tell."""
        if self._service is None:
            await self._in_thread(self._load, None, LOAD_S)
        if self._service is not None:
            self._service.check()

    async def send(self, message: PushMessage) -> None:
        """Send a notification.

        Raises
        ------
        PushError
            It was not taken, or not in time; one that is taken late counts when it is sent again.
        """
        await self.prepare()
        await self._in_thread(lambda: self._send(message), message, self._answer_s)

    async def _in_thread(
        self, work: Callable[[], None], what: PushMessage | None, within_s: float
    ) -> None:
        """Wait for work that may still be under way from an earlier try; PushError if it fails."""
        now_s = asyncio.get_running_loop().time()
        if (
            self._busy is not None
            and self._doing is not None
            and now_s - self._since_s >= self._hangs_s
        ):
            self._leave(self._busy)
        if self._busy is None:
            self._busy, self._doing, self._since_s = self._begun(work), what, now_s
        done, _ = await asyncio.wait({self._busy}, timeout=within_s)
        if not done:
            raise PushError(NO_ANSWER)
        busy, self._busy = self._busy, None
        if self._doing == what:
            busy.result()
        else:  # how other work went says nothing of this; it is over now
            await self._in_thread(work, what, within_s)

    def _leave(self, busy: asyncio.Future[None]) -> None:
        """Wait no longer for work that hangs, as long as few threads do."""
        self._hanging = {each for each in self._hanging if not each.done()}
        if len(self._hanging) < MOST_HANGING:
            self._hanging.add(busy)
            self._busy = None

    def _begun(self, work: Callable[[], None]) -> asyncio.Future[None]:
        """Begin work in a daemon thread: the end of the process does not wait for a server."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        future.add_done_callback(_noticed)

        def settle(error: PushError | None) -> None:
            if future.cancelled():
                return
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)

        def run() -> None:
            error: PushError | None = None
            try:
                work()
            except PushError as caught:
                error = caught
            except Exception as caught:  # apprise documents not what its services raise
                error = PushError(f"{REFUSED}: {type(caught).__name__}")
            try:
                loop.call_soon_threadsafe(settle, error)
            except RuntimeError:  # the loop has ended meanwhile
                return

        threading.Thread(target=run, name=f"push {self._name}", daemon=True).start()
        return future

    def _load(self) -> None:
        from detector.push.services import service_of  # noqa: PLC0415 - 40 MB, for contacts alone

        try:
            self._service = service_of(self._address(), self._folder)
        except (ConfigError, ValueError) as error:
            raise PushError(str(error)) from error

    def _send(self, message: PushMessage) -> None:
        if self._service is not None:
            self._service.send(message)


def _noticed(future: asyncio.Future[None]) -> None:
    """Take notice of a failure that nobody waits for any more."""
    if not future.cancelled():
        future.exception()
