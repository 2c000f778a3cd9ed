"""The page's addresses, and what each of them does."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from aiohttp import web

from detector import plain_json
from detector.alerts.commands import ID, Command, CommandError
from detector.errors import ConfigError, StorageError
from detector.web.access.guard import (
    COOKIE,
    VISITOR,
    Guard,
    Visitor,
    check_form_token,
    form_token,
    from_this_computer,
    protect,
    remote,
    visitor,
)
from detector.web.access.limits import Limit, network_of
from detector.web.access.pairing import GUESSES_IN_ALL, GUESSES_PER_ADDRESS, typed_code
from detector.web.access.people import SESSION, USED_AGAIN, People
from detector.web.access.people_file import PeopleFile
from detector.web.actions import ALLOWED, NotAllowedError, command_of
from detector.web.health.facts import ServiceFacts, liveness, readiness
from detector.web.health.metrics import CONTENT_TYPE, ServiceMetrics
from detector.web.history.asked import Past
from detector.web.history.pages import history_routes
from detector.web.page import Asset, assets, render
from detector.web.tonight.stream import MOST_PAGES, Stream

log = logging.getLogger(__name__)

LARGEST_BODY = 8192  # bytes; a note has 500 characters
PATIENCE_S = 5.0  # for a body, and for a page to take what is sent to it
COMMANDS = (1.0, 10.0)  # per s and at once, of one person: each is an entry of the log
COMMANDS_IN_ALL = (5.0, 50.0)
TOKEN_BYTES = 32
RETRY_MS = 2000  # between a page's attempts to reach a service that is away

FORM, JSON = "application/x-www-form-urlencoded", "application/json"


class CaregiversPage:
    """What the page shows and does; `application` makes it one of aiohttp's.

    Parameters
    ----------
    obey : takes what somebody says; raises CommandError with a sentence
    secure : whether it is served over TLS
    past : earlier nights; None: there are none to be shown
    movement_g : returns the movement of the last two minutes, for a page that asks
    """

    def __init__(
        self,
        people: PeopleFile,
        *,
        obey: Callable[[Command], None],
        secure: bool = False,
        past: Past | None = None,
        movement_g: Callable[[], Sequence[float]] = tuple,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        mono_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._people, self._obey, self._secure = people, obey, secure
        self._past, self._movement_g = past, movement_g
        self._now, self._mono_s = now, mono_s
        self._facts: ServiceFacts | None = None
        self._metrics = ServiceMetrics(lambda: self._facts, mono_s)
        self._guesses = Limit(each=GUESSES_PER_ADDRESS, total=GUESSES_IN_ALL)
        self._commands = Limit(each=COMMANDS, total=COMMANDS_IN_ALL)
        self.stream = Stream(mono_s)

    def show_facts(self, facts: ServiceFacts) -> None:
        """Take the facts for monitoring that are shown from now on."""
        self._facts = facts

    def application(self, hosts: frozenset[str]) -> web.Application:
        """Return the application, which answers to these names."""
        guard = Guard(self._people, hosts, said=_said, now=self._now, mono_s=self._mono_s)
        app = web.Application(middlewares=[guard.check], client_max_size=LARGEST_BODY)
        for path, handler in (
            ("/livez", self._livez),
            ("/readyz", self._readyz),
            ("/metrics", self._metrics_text),
            ("/", self._home),
            ("/pair", self._pairing),
            ("/stream", self._stream),
            ("/movement", self._movement),
            *([] if self._past is None else history_routes(self._past)),
        ):
            app.router.add_get(path, handler, allow_head=False)
        for asset in assets().values():
            app.router.add_get(asset.path, _serving(asset), allow_head=False)
        app.router.add_post("/pair", self._pair)
        app.router.add_post("/leave", self._leave)
        app.router.add_post("/say/{name}", self._say)
        return app

    async def _livez(self, request: web.Request) -> web.Response:
        return _judged(request, *liveness(self._facts, self._mono_s()))

    async def _readyz(self, request: web.Request) -> web.Response:
        return _judged(request, *readiness(self._facts, self._mono_s()))

    async def _metrics_text(self, request: web.Request) -> web.Response:
        _check_local(request)
        return web.Response(body=self._metrics.text(), headers={"Content-Type": CONTENT_TYPE})

    async def _home(self, request: web.Request) -> web.StreamResponse:
        found = request.get(VISITOR)
        if found is None:
            raise web.HTTPSeeOther("/pair")
        response = _html(
            "home.html",
            view=self.stream.view,
            person=found.person,
            may=ALLOWED[found.person.role],
            token=form_token(found.token),
        )
        if self._now() - found.session.used > USED_AGAIN:
            await self._note_use(found)
            self._give(response, found.token)
        return response

    async def _pairing(self, request: web.Request) -> web.Response:
        return _html("pair.html", wrong="", known=request.get(VISITOR))

    async def _pair(self, request: web.Request) -> web.StreamResponse:
        said, as_json = await _body(request)
        if not self._guesses.allows(network_of(remote(request)), self._mono_s()):
            raise web.HTTPTooManyRequests(text="too many codes were tried: wait a minute")
        code, token = typed_code(str(said.get("code", ""))[:64]), secrets.token_urlsafe(TOKEN_BYTES)

        def admit(people: People) -> tuple[People, str | None]:
            admitted = people.admit(code, token, self._now()) if code else None
            return (people, None) if admitted is None else (admitted[0], admitted[1].name)

        name = await _changed(self._people, admit)
        if name is None:
            wrong = "This code is not known, was used, or is more than 10 minutes old."
            if as_json:
                raise web.HTTPForbidden(text=wrong)
            return _html("pair.html", status=HTTPStatus.FORBIDDEN, wrong=wrong, known=None)
        log.info("%s paired a device with the page", name)
        response = _see_other("/")
        self._give(response, token)
        return response

    async def _leave(self, request: web.Request) -> web.StreamResponse:
        found = visitor(request)
        said, _ = await _body(request)
        check_form_token(found, said.get("token"))
        await _changed(self._people, lambda people: (people.left(found.token), None))
        response = _see_other("/pair")
        response.del_cookie(COOKIE, path="/")
        return response

    async def _say(self, request: web.Request) -> web.StreamResponse:
        found = visitor(request)
        said, as_json = await _body(request)
        check_form_token(found, said.get("token"))
        if not self._commands.allows(found.person.name, self._mono_s()):
            raise web.HTTPTooManyRequests(text="that was often: wait a moment")
        try:
            command = command_of(
                request.match_info["name"], said, by=found.person.name, role=found.person.role
            )
            self._obey(command)
        except NotAllowedError as error:
            raise web.HTTPForbidden(text=str(error)) from None
        except CommandError as error:
            raise web.HTTPConflict(text=str(error)) from None
        return web.json_response({"done": True}) if as_json else _see_other(_place(said))

    async def _movement(self, request: web.Request) -> web.Response:
        visitor(request)
        return web.json_response([round(piece, 3) for piece in self._movement_g()])

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        found = visitor(request)
        if self.stream.pages >= MOST_PAGES:
            raise web.HTTPServiceUnavailable(text="too many pages are open")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        protect(response)
        self.stream.pages += 1
        try:
            await response.prepare(request)
            await _send(response, f"retry: {RETRY_MS}\n\n".encode())
            async for message in self.stream.messages(lambda: self._still(found)):
                await _send(response, message)
        except (ConnectionError, TimeoutError):
            response.force_close()  # gone, or takes nothing: it comes back
            if request.transport is not None:
                request.transport.abort()
        finally:
            self.stream.pages -= 1
        return response

    def _give(self, response: web.Response, token: str) -> None:
        """Set the cookie of a session, for as long as the session lasts without use."""
        response.set_cookie(
            COOKIE,
            token,
            max_age=round(SESSION.total_seconds()),
            httponly=True,
            samesite="Strict",
            secure=self._secure,
            path="/",
        )

    def _still(self, found: Visitor) -> bool:
        """Return whether a session still is one."""
        return self._people.now().who(found.token, self._now()) is not None

    async def _note_use(self, found: Visitor) -> None:
        now = self._now()
        try:
            await _changed(self._people, lambda people: (people.used(found.token, now), None))
        except web.HTTPServiceUnavailable as error:
            log.warning("%s", error.text)


async def _changed(people: PeopleFile, change: Callable[[People], tuple[People, Any]]) -> Any:
    """Change the file in a thread: a slow disk delays no sample."""
    try:
        return await asyncio.to_thread(people.change, change)
    except (ConfigError, StorageError) as error:
        log.warning("access to the page cannot be changed: %s", error)
        raise web.HTTPServiceUnavailable(text=str(error)) from None


async def _send(response: web.StreamResponse, message: bytes) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await response.write(message)


async def _body(request: web.Request) -> tuple[dict[str, Any], bool]:
    """Return the fields that were sent, and whether as JSON."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            if request.content_type == JSON:
                data = await request.read()
                said = plain_json.parsed(data, depth_most=2)
                if not isinstance(said, dict):
                    raise web.HTTPBadRequest(text="an object is expected")
                return said, True
            if request.content_type == FORM:
                return {str(key): value for key, value in (await request.post()).items()}, False
    except TimeoutError:
        raise web.HTTPRequestTimeout(text="the request took too long") from None
    except ValueError:
        raise web.HTTPBadRequest(text="this is no form and no JSON") from None
    raise web.HTTPUnsupportedMediaType(text="send a form or JSON")


def _check_local(request: web.Request) -> None:
    if not from_this_computer(request):
        raise web.HTTPForbidden(text="this page is for this computer alone")


def _judged(request: web.Request, good: bool, data: dict[str, Any]) -> web.Response:
    _check_local(request)
    status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
    return web.Response(status=status, text=plain_json.line(data) + "\n", content_type=JSON)


def _html(template: str, *, status: int = HTTPStatus.OK, **values: Any) -> web.Response:
    return web.Response(
        status=status, text=render(template, **values), content_type="text/html", charset="utf-8"
    )


def _said(request: web.Request, status: int, words: str) -> web.Response:
    """Return one sentence, as a page for a browser and as JSON for a program."""
    if "text/html" in request.headers.get("Accept", ""):
        return _html("said.html", status=status, words=words)
    text = plain_json.line({"error": words}) + "\n"
    return web.Response(status=status, text=text, content_type=JSON)


def _place(said: dict[str, Any]) -> str:
    """Return where a form goes on: to the page of an event, if it came from there."""
    event = said.get("event")
    of_event = said.get("back") == "event" and isinstance(event, str) and ID.fullmatch(event)
    return f"/events/{event}" if of_event else "/"


def _see_other(place: str) -> web.Response:
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": place})


def _serving(asset: Asset) -> Callable[[web.Request], Any]:
    async def serve(request: web.Request) -> web.Response:
        headers = {"ETag": asset.tag, "Cache-Control": "no-cache", "Content-Type": asset.kind}
        if request.headers.get("If-None-Match") == asset.tag:
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
        return web.Response(body=asset.data, headers=headers)

    return serve
