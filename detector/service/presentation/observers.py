"""Observers of a night: a screen and a sound, which may fail or go while the night goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from detector.service.presentation.news import News
from detector.service.supervisor import Supervisor

log = logging.getLogger(__name__)


class Observers:
    """Supervised calls of those that are told the news; each must return at once."""

    def __init__(
        self,
        supervisor: Supervisor,
        *,
        screen: Callable[[News], None],
        sound: Callable[[News], None] | None,
    ) -> None:
        self._supervisor = supervisor
        self._screen: Callable[[News], None] | None = screen
        self._sound = sound

    def tell(self, news: News) -> None:
        """Pass news to all."""
        if self._sound is not None:
            self._supervisor.call("sound", partial(self._sound, news))
        if self._screen is not None:
            self._supervisor.call("screen", partial(self._try, self._screen, news))

    def _try(self, screen: Callable[[News], None], news: News) -> None:
        try:
            screen(news)
        except OSError as error:  # a closed pipe or terminal
            log.warning("the screen is gone (%s): the night goes on without it", error.strerror)
            self._screen = None
