"""Answer what the page asks for a review: in a thread of its own, and never in the way.

The state's thread reads one small page after the other, so that a commit waits for one at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from pathlib import Path
from typing import Any, TypeVar

from detector.alerts.commands import CommandError
from detector.errors import ConfigError, StorageError
from detector.recognition.personal.minimums import Personal
from detector.recognition.rules.opinions import DEFAULT_MODEL
from detector.review.deciding import said_yes, undone
from detector.review.gathering import night_review, reviewed_nights
from detector.review.minimums_file import read_minimums
from detector.review.offer import TuneOffer, offer_of, scoped
from detector.service.presentation.history import Asks
from detector.store.past import Page
from detector.store.questions import Questions, answered
from detector.store.state import StateError
from detector.web.history.asked import BusyError, LostError
from detector.web.review.view import offer_view, review_view
from detector.words.tuning import minimums_line

T = TypeVar("T")

MOST_ASKING = 8  # at once, those who wait included
ANSWER_S = 30.0  # of a page of the state: a disk that hangs is told
GONE = "This proposal holds no more: look at it again."


class NightReviews:
    """Looks up what may be said of nights, and takes a yes to minimums.

    Parameters
    ----------
    folder : of the state, and of the minimums
    sensors : labels of those that are worn
    """

    def __init__(
        self,
        archive: Asks,
        folder: Path,
        *,
        zone: tzinfo | None,
        now: Callable[[], datetime],
        sensors: Sequence[str | None],
    ) -> None:
        self._archive, self._folder, self._zone, self._now = archive, folder, zone, now
        self._sensor = sensors[0] if len(sensors) == 1 else None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="review")
        self._asking = 0

    def close(self) -> None:
        """Let the thread end; what it does now it may finish."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def night(self, evening: date, by: str) -> dict[str, Any]:
        """Return what is asked of a night, and what a person said last of it."""
        wearer, now = await self._wearer(), self._now()
        return await self._work(
            lambda ask: review_view(
                ask(night_review(evening, self._zone, now, wearer)), by, self._zone
            )
        )

    async def offer(self) -> dict[str, Any]:
        """Return what labels propose, and what holds now."""
        wearer, now = await self._wearer(), self._now()

        def view(ask: _Ask) -> dict[str, Any]:
            own = read_minimums(self._folder).personal
            return offer_view(self._offer(ask, own, wearer, now), own)

        return await self._work(view)

    async def use(self, digest: str, by: str) -> str:
        """Say yes to an offer; return what holds then, in words."""
        wearer, now = await self._wearer(), self._now()

        def use(ask: _Ask) -> str:
            offer = self._offer(ask, read_minimums(self._folder).personal, wearer, now)
            if offer.digest != digest or not offer.proposals:
                raise CommandError(GONE)
            return minimums_line(said_yes(self._folder, offer, by=by, at=now))

        return await self._work(use)

    async def undo(self, by: str) -> str:
        """Go back to what held before; return that in words."""
        now = self._now()

        def undo(_ask: _Ask) -> str:
            try:
                return minimums_line(undone(self._folder, by=by, at=now))
            except ValueError as error:
                raise CommandError(str(error)) from None

        return await self._work(undo)

    def _offer(self, ask: _Ask, own: Personal, wearer: str, now: datetime) -> TuneOffer:
        known = ask(reviewed_nights(self._zone, now, wearer))
        return offer_of(known, scoped(own, wearer, self._sensor, DEFAULT_MODEL))

    async def _wearer(self) -> str:
        return await self._archive.ask(lambda state: state.wearer)

    async def _work(self, work: Callable[[_Ask], T]) -> T:
        """Do something in the thread; BusyError where too many wait."""
        if self._asking >= MOST_ASKING:
            raise BusyError
        self._asking += 1
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, work, _Ask(self._archive, loop))
        except StateError as error:
            raise LostError(f"nights cannot be read now: {error}") from None
        except (ConfigError, StorageError) as error:
            raise LostError(str(error)) from None
        finally:
            self._asking -= 1


@dataclass(frozen=True)
class _Ask:
    """Has the state answer questions of another thread, page by page."""

    archive: Asks
    loop: asyncio.AbstractEventLoop

    def __call__(self, questions: Questions[T]) -> T:
        return answered(questions, self.page)

    def page(self, page: Page[Any]) -> list[Any]:
        """Return what a page asks for."""
        asked = self.archive.ask(lambda state: state.page(page))
        return asyncio.run_coroutine_threadsafe(asked, self.loop).result(ANSWER_S)
