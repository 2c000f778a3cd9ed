"""The page of a service that cannot begin: why, to this computer alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from http import HTTPStatus
from typing import Any

from aiohttp import web

from detector.people.people_file import PeopleFile
from detector.status import StateWord, Status
from detector.web.access.guard import Guard, from_this_computer
from detector.web.answers import add_assets, html, json_line, told
from detector.web.no_night.failure import Failure
from detector.words.states import mark_of

LARGEST_BODY = 1024  # bytes; it takes nothing


class FailurePage:
    """Shows the newest failure; nothing can be said here, and nobody needs to be let in.

    Attributes
    ----------
    failure : what is shown now

    Parameters
    ----------
    label : whom nobody watches meanwhile, as the settings call the wearer
    zone : in which times are shown; None is the computer's
    """

    def __init__(
        self,
        failure: Failure,
        people: PeopleFile,
        *,
        label: str,
        zone: tzinfo | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        mono_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.failure = failure
        self._people, self._label, self._zone = people, label, zone
        self._now, self._mono_s = now, mono_s

    def end(self) -> None:
        """End nothing: every answer is short."""

    def application(self, hosts: frozenset[str], *, public: str | None = None) -> web.Application:
        """Return the application, which answers to these names."""
        guard = Guard(
            self._people,
            hosts,
            public=public,
            said=told,
            now=self._now,
            mono_s=self._mono_s,
        )
        app = web.Application(middlewares=[guard.check], client_max_size=LARGEST_BODY)
        for path, handler in (
            ("/", self._home),
            ("/livez", self._health),
            ("/readyz", self._health),
        ):
            app.router.add_get(path, handler, allow_head=False)
        app.router.add_get("/pair", _home, allow_head=False)
        add_assets(app)
        return app

    async def _home(self, request: web.Request) -> web.Response:
        _check_local(request)
        lost = Status(StateWord.NO_SIGNAL, why=self.failure.summary)
        return html(
            "failure.html",
            status=HTTPStatus.SERVICE_UNAVAILABLE,
            failure=self.failure,
            label=self._label,
            words=lost.words,
            shape=mark_of(lost),
            since=f"{self.failure.since.astimezone(self._zone):%H:%M}",
        )

    async def _health(self, request: web.Request) -> web.Response:
        _check_local(request)
        said: dict[str, Any] = {
            "live": False,
            "watching": False,
            "state": StateWord.NO_SIGNAL.value,
            "reasons": [self.failure.summary],
            "failure": self.failure.digest,
        }
        return json_line(said, status=HTTPStatus.SERVICE_UNAVAILABLE)


async def _home(_request: web.Request) -> web.Response:
    raise web.HTTPSeeOther("/")


def _check_local(request: web.Request) -> None:
    if not from_this_computer(request):
        raise web.HTTPForbidden(text="this page is for this computer alone")
