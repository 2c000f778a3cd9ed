"""Addresses of earlier nights and of events."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any, TypeVar

from aiohttp import web

from detector.alerts.commands import ID
from detector.web.access.guard import VISITOR, Handler, Visitor, form_token
from detector.web.actions import ALLOWED
from detector.web.answers import html
from detector.web.history.asked import BusyError, LostError, Past

T = TypeVar("T")

EVENING = re.compile(r"[12]\d{3}-\d\d-\d\d")
NO_NIGHT = "nothing is known of this night"
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'; sandbox"
)
"""A report is one file with its own style, which loads and runs nothing."""

NO_EVENT = "nothing is known of this event"


def history_routes(past: Past) -> list[tuple[str, Handler]]:
    """Return the addresses with what answers them."""

    async def nights(request: web.Request, found: Visitor) -> web.Response:
        until = request.query.get("until")
        view = await looked_up(past.nights(None if until is None else evening_in(until)))
        return _html("nights.html", found, view=view)

    async def night(request: web.Request, found: Visitor) -> web.Response:
        view = await looked_up(past.night(evening_in(request.match_info["evening"])))
        return _html("night.html", found, view=_known(view, NO_NIGHT))

    async def report(request: web.Request, found: Visitor) -> web.Response:
        del found  # everybody who is let in sees the same
        page = await looked_up(past.report(evening_in(request.match_info["evening"])))
        if page is None:
            raise web.HTTPNotFound(text=NO_NIGHT)
        return web.Response(
            text=page,
            content_type="text/html",
            charset="utf-8",
            headers={"Content-Security-Policy": REPORT_POLICY},
        )

    async def event(request: web.Request, found: Visitor) -> web.Response:
        name = request.match_info["id"]
        view = await looked_up(past.event(name)) if ID.fullmatch(name) else None
        return _html("event.html", found, view=_known(view, NO_EVENT))

    return [
        ("/nights", let_in(nights)),
        ("/nights/{evening}", let_in(night)),
        ("/nights/{evening}/report", let_in(report)),
        ("/events/{id}", let_in(event)),
    ]


def let_in(
    handler: Callable[[web.Request, Visitor], Awaitable[web.Response]],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return the handler for those who are let in; others come to where that is done."""

    async def checked(request: web.Request) -> web.Response:
        found = request.get(VISITOR)
        if found is None:
            raise web.HTTPSeeOther("/pair")
        return await handler(request, found)

    return checked


async def looked_up(answer: Awaitable[T]) -> T:
    """Return what the service answers, or why it cannot, as an answer of the page."""
    try:
        return await answer
    except BusyError:
        raise web.HTTPServiceUnavailable(text="others look too: try again in a moment") from None
    except LostError as error:
        raise web.HTTPServiceUnavailable(text=str(error)) from None


def evening_in(text: str) -> date:
    """Return the evening that an address names; HTTPNotFound where it names none."""
    try:
        if EVENING.fullmatch(text):
            evening = date.fromisoformat(text)
            if date(1971, 1, 1) <= evening <= date(2999, 1, 1) - timedelta(days=1):
                return evening
    except ValueError:
        pass
    raise web.HTTPNotFound(text=NO_NIGHT)


def _known(view: dict[str, Any] | None, otherwise: str) -> dict[str, Any]:
    if view is None:
        raise web.HTTPNotFound(text=otherwise)
    return view


def _html(template: str, found: Visitor, *, view: dict[str, Any] | None) -> web.Response:
    return html(
        template,
        view=view,
        person=found.person,
        may=ALLOWED[found.person.role],
        token=form_token(found.token),
    )
