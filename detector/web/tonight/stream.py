"""The newest view for every open page, by server-sent events: each gets it, and none a queue."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Generic, TypeVar

EVERY_S = 5.0  # at most between two views: a page says "no signal" after 12 s without one
APART_S = 0.1  # at least: a burst of entries is one view
LOOK_S = 1.0  # how often it is looked at whether a page may still have views
MOST_PAGES = 100  # at once: 50 caregivers with two devices

V = TypeVar("V", bound=Mapping[str, object])


class Stream(Generic[V]):
    """The newest view, and who waits for the next.

    A page that reads slowly misses views, and gets the newest as soon as it reads again.

    Parameters
    ----------
    mono_s : monotonic clock
    lasting : what of a view is news when it differs
    """

    def __init__(
        self,
        mono_s: Callable[[], float],
        lasting: Callable[[V], object],
    ) -> None:
        self._lasting = lasting
        self.pages = 0
        self._mono_s = mono_s
        self._view: V | None = None
        self._message = b""
        self._shown_s = 0.0
        self._version = 0
        self._ended = False
        self._news = asyncio.Event()

    @property
    def view(self) -> V | None:
        """The newest view; None before the first, and when it is too old to be believed."""
        return self._view if self._mono_s() - self._shown_s < EVERY_S else None

    def show(self, view: V) -> None:
        """Take a newer view; pages that are open get it at once where it has news."""
        news = self._view is None or self._lasting(view) != self._lasting(self._view)
        self._shown_s = self._mono_s()
        self._view, self._message = view, message_of(view)
        if news:
            self._version += 1
            self._wake()

    def end(self) -> None:
        """End what every page gets: the service ends."""
        self._ended = True
        self._wake()

    def _wake(self) -> None:
        waiting, self._news = self._news, asyncio.Event()
        waiting.set()

    async def messages(self, allowed: Callable[[], bool]) -> AsyncIterator[bytes]:
        """Yield the newest view, then each with news, or after `EVERY_S`, while it is allowed.

        No view is sent twice: where none is made any more, a page must see that none comes.
        """
        sent_s = due_s = float("-inf")
        version = -1
        while allowed() and not self._ended:
            now_s, news = self._mono_s(), self._news
            fresh = self.view is not None and self._shown_s > sent_s
            if fresh and (version != self._version or now_s >= due_s):
                version, sent_s, due_s = self._version, self._shown_s, now_s + EVERY_S - LOOK_S
                yield self._message
                await asyncio.sleep(APART_S)
            elif version == self._version or not fresh:
                await _first(news, LOOK_S)


def message_of(view: Mapping[str, object]) -> bytes:
    """Return a view as one server-sent event, by the log's number."""
    # JSON escapes line ends, so that no text of a view can end the event or begin another.
    return f"id: {view['n']}\nevent: view\ndata: {json.dumps(view)}\n\n".encode()


async def _first(news: asyncio.Event, most_s: float) -> None:
    """Wait for news, or for so long."""
    try:
        async with asyncio.timeout(most_s):
            await news.wait()
    except TimeoutError:
        return
