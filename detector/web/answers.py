"""Answers that every page of ours gives: HTML, one sentence, a file."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web

from detector import plain_json
from detector.web.page import Asset, assets, render

log = logging.getLogger(__name__)

JSON = "application/json"
FAULT = "this page has a fault, which is in the log of the service: load it again"
NO_PAGE = "there is no page at this address"


def html(
    template: str,
    *,
    status: int = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> web.Response:
    """Return a page."""
    return web.Response(
        status=status,
        text=render(template, **values),
        content_type="text/html",
        charset="utf-8",
        headers=headers,
    )


def json_line(data: dict[str, Any], *, status: int = HTTPStatus.OK) -> web.Response:
    """Return JSON in one line."""
    return web.Response(status=status, text=plain_json.line(data) + "\n", content_type=JSON)


def told(request: web.Request, status: int, words: str) -> web.Response:
    """Return one sentence, as a page for a browser and as JSON for a program."""
    if "text/html" in request.headers.get("Accept", ""):
        found = status != HTTPStatus.NOT_FOUND
        title = "That was not done" if found else "Nothing is here"
        if words == web.HTTPNotFound().text:
            words = NO_PAGE
        return html("said.html", status=status, title=title, words=words)
    return json_line({"error": words}, status=status)


@web.middleware
async def faults_told(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer what a handler did not expect with a sentence, and keep its traceback in the log."""
    try:
        return await handler(request)
    except (web.HTTPException, ConnectionError):
        raise
    except Exception:
        if request.writer.output_size:  # it is half answered: whoever asked must see that
            raise
        resource = request.match_info.route.resource  # the path itself may hold a proof
        log.exception("a fault of the page at %s", resource and resource.canonical)
        return told(request, HTTPStatus.INTERNAL_SERVER_ERROR, FAULT)


def see_other(place: str) -> web.Response:
    """Return where to look now."""
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": place})


def add_assets(app: web.Application) -> None:
    """Serve every static file of ours."""
    for asset in assets().values():
        app.router.add_get(asset.path, _serving(asset), allow_head=False)


def _serving(asset: Asset) -> Callable[[web.Request], Any]:
    async def serve(request: web.Request) -> web.Response:
        headers = {"ETag": asset.tag, "Cache-Control": "no-cache", "Content-Type": asset.kind}
        if request.headers.get("If-None-Match") == asset.tag:
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
        return web.Response(body=asset.data, headers=headers)

    return serve
