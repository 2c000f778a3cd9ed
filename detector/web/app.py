"""The page's addresses, and what each of them does."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Any

from aiohttp import web

from detector.alerts.commands import ID, Command, CommandError, from_fields
from detector.errors import StorageError
from detector.people.people import SESSION, USED_AGAIN, People
from detector.people.people_file import PeopleFile
from detector.push.drills import is_test
from detector.push.tokens import PushAnswer, TokenError
from detector.web.access.changing import UNREADABLE, people_changed
from detector.web.access.guard import (
    COOKIE,
    LOCAL,
    VISITOR,
    Guard,
    Visitor,
    check_form_token,
    form_token,
    from_this_computer,
    remote,
    visitor,
)
from detector.web.access.limits import Limit, network_of
from detector.web.access.pairing import GUESSES_IN_ALL, GUESSES_PER_ADDRESS, typed_code
from detector.web.actions import ALLOWED, NotAllowedError, command_of
from detector.web.answers import add_assets, html, json_line, see_other, told
from detector.web.forms import fields_of
from detector.web.health.facts import ServiceFacts, liveness, readiness
from detector.web.health.metrics import CONTENT_TYPE, ServiceMetrics
from detector.web.history.asked import Past
from detector.web.history.pages import EVENING, history_routes
from detector.web.household.household_page import HouseholdPage, Others
from detector.web.phone_answers import FROM_ANYWHERE, ROUTE, PhoneAnswers, asked_words
from detector.web.review.asked import Reviews
from detector.web.review.pages import ReviewPages
from detector.web.streaming import streamed
from detector.web.told_devices import ToldByPage, ToldDevices
from detector.web.tonight.payload import PageNow, PageView
from detector.web.tonight.stream import Stream
from detector.web.tonight.view import lasting

log = logging.getLogger(__name__)

LARGEST_BODY = 8192  # bytes; a note has 500 characters
COMMANDS = (1.0, 10.0)  # per s and at once, of one person: each is an entry of the log
COMMANDS_IN_ALL = (5.0, 50.0)
TOKEN_BYTES = 32


class CaregiversPage:
    """What the page shows and does; `application` makes it one of aiohttp's.

    Parameters
    ----------
    obey : takes what somebody says; raises CommandError with a sentence
    secure : whether it is served over TLS
    phones : takes answers by the button of a notification; None where none has one
    notices : whom the page's own notifications go to; None where it can send none
    others : takes what is said to wearers who are followed; None where none is
    past : earlier nights; None: there are none to be shown
    reviews : what may be said of them, and what that proposes; None as well
    movement_g : returns the movement of the last two minutes, for a page that asks

    Attributes
    ----------
    stream : of the own wearer's view
    household : the page of everybody; None where nobody else is followed
    """

    def __init__(
        self,
        people: PeopleFile,
        *,
        obey: Callable[[Command], None],
        secure: bool = False,
        phones: PhoneAnswers | None = None,
        notices: ToldByPage | None = None,
        others: Others | None = None,
        past: Past | None = None,
        reviews: Reviews | None = None,
        movement_g: Callable[[], Sequence[float]] = tuple,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        mono_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._people, self._obey, self._secure = people, obey, secure
        self._phones = phones
        self.local_key = secrets.token_urlsafe(TOKEN_BYTES)
        self._past, self._movement_g = past, movement_g
        self._now, self._mono_s = now, mono_s
        self._facts: ServiceFacts | None = None
        self._metrics = ServiceMetrics(lambda: self._facts, mono_s)
        self._guesses = Limit(each=GUESSES_PER_ADDRESS, total=GUESSES_IN_ALL)
        self._commands = Limit(each=COMMANDS, total=COMMANDS_IN_ALL)
        self._reviews = None
        if reviews is not None:
            self._reviews = ReviewPages(reviews, obey, self._may_say)
        self._devices = None if notices is None else ToldDevices(people, notices, mono_s)
        self.stream: Stream[PageView] = Stream(mono_s, lasting)
        self.household = None
        if others is not None:
            self.household = HouseholdPage(obey, others, self._commands, self._still, mono_s)

    @property
    def open_pages(self) -> int:
        """How many pages are open and stay live."""
        return self.stream.pages + (0 if self.household is None else self.household.stream.pages)

    def show_facts(self, facts: ServiceFacts) -> None:
        """Take the facts for monitoring that are shown from now on."""
        self._facts = facts

    def end(self) -> None:
        """End what every open page gets: the service ends."""
        self.stream.end()
        if self.household is not None:
            self.household.stream.end()

    def application(self, hosts: frozenset[str], *, public: str | None = None) -> web.Application:
        """Return the application, which answers to these names, and that of its public address."""
        guard = Guard(
            self._people,
            hosts,
            local_key=self.local_key,
            public=public,
            said=told,
            now=self._now,
            mono_s=self._mono_s,
        )
        app = web.Application(middlewares=[guard.check], client_max_size=LARGEST_BODY)
        for path, handler in (
            ("/livez", self._livez),
            ("/readyz", self._readyz),
            ("/metrics", self._metrics_text),
            ("/", self._home),
            ("/pair", self._pairing),
            ("/stream", self._stream),
            ("/now", self._now_shown),
            ("/movement", self._movement),
            *([] if self._past is None else history_routes(self._past)),
        ):
            app.router.add_get(path, handler, allow_head=False)
        add_assets(app)
        app.router.add_post("/pair", self._pair)
        app.router.add_post("/leave", self._leave)
        app.router.add_post("/say/{name}", self._say)
        if self._reviews is not None:
            self._reviews.add_to(app)
        if self.household is not None:
            self.household.add_to(app)
        if self._devices is not None:
            self._devices.add_to(app)
        if self._phones is not None:
            app.router.add_get(ROUTE, partial(self._asked, self._phones), allow_head=False)
            app.router.add_post(ROUTE, partial(self._answered, self._phones))
        return app

    async def _livez(self, request: web.Request) -> web.Response:
        return _judged(request, *liveness(self._facts, self._mono_s()))

    async def _readyz(self, request: web.Request) -> web.Response:
        return _judged(request, *readiness(self._facts, self._mono_s()))

    async def _metrics_text(self, request: web.Request) -> web.Response:
        _check_local(request)
        return web.Response(body=self._metrics.text(), headers={"Content-Type": CONTENT_TYPE})

    async def _now_shown(self, request: web.Request) -> web.Response:
        """Return the view to another command on this computer."""
        if not request[LOCAL]:
            raise web.HTTPForbidden(text="this page is for commands on this computer alone")
        view = self.stream.view
        if view is None:
            raise web.HTTPServiceUnavailable(text="spasmwatch is starting, or its page hangs")
        now: PageNow = {"view": view, "movement_g": self._strip()}
        return web.json_response(now)

    async def _home(self, request: web.Request) -> web.StreamResponse:
        found = request.get(VISITOR)
        if found is None:
            raise web.HTTPSeeOther("/pair")
        response = html(
            "home.html",
            view=self.stream.view,
            person=found.person,
            may=ALLOWED[found.person.role],
            token=form_token(found.token),
            others=self.household is not None,
            notices=self._devices is not None,
        )
        if self._now() - found.session.used > USED_AGAIN:
            await self._note_use(found)
            self._give(response, found.token)
        return response

    async def _pairing(self, request: web.Request) -> web.Response:
        wrong = UNREADABLE if self._people.damaged else ""
        return html("pair.html", wrong=wrong, known=request.get(VISITOR))

    async def _pair(self, request: web.Request) -> web.StreamResponse:
        said, as_json = await fields_of(request)
        if not self._guesses.allows(network_of(remote(request)), self._mono_s()):
            raise web.HTTPTooManyRequests(text="too many codes were tried: wait a minute")
        code, token = typed_code(str(said.get("code", ""))[:64]), secrets.token_urlsafe(TOKEN_BYTES)

        def admit(people: People) -> tuple[People, str | None]:
            admitted = people.admit(code, token, self._now()) if code else None
            return (people, None) if admitted is None else (admitted[0], admitted[1].name)

        name = await people_changed(self._people, admit)
        if name is None:
            wrong = "This code is not known, was used, or is more than 10 minutes old."
            if as_json:
                raise web.HTTPForbidden(text=wrong)
            return html("pair.html", status=HTTPStatus.FORBIDDEN, wrong=wrong, known=None)
        log.info("%s paired a device with the page", name)
        response = see_other("/")
        self._give(response, token)
        return response

    async def _leave(self, request: web.Request) -> web.StreamResponse:
        found = visitor(request)
        said, _ = await fields_of(request)
        check_form_token(found, said.get("token"))
        await people_changed(self._people, lambda people: (people.left(found.token), None))
        response = see_other("/pair")
        response.del_cookie(COOKIE, path="/")
        return response

    async def _say(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if request[LOCAL]:
            said, as_json = await fields_of(request)
            who = str(said.get("by"))
        else:
            found = visitor(request)
            said, as_json = await fields_of(request)
            check_form_token(found, said.get("token"))
            who = found.person.name
        if not self._may_say(who):
            raise web.HTTPTooManyRequests(text="that was often: wait a moment")
        try:
            if request[LOCAL]:
                command = from_fields(name, said)
            else:
                command = command_of(name, said, by=who, role=found.person.role)
            self._obey(command)
        except NotAllowedError as error:
            raise web.HTTPForbidden(text=str(error)) from None
        except CommandError as error:
            raise web.HTTPConflict(text=str(error)) from None
        return web.json_response({"done": True}) if as_json else see_other(_place(said))

    def _may_say(self, who: str) -> bool:
        return self._commands.allows(who, self._mono_s())

    async def _asked(self, phones: PhoneAnswers, request: web.Request) -> web.Response:
        """Ask before an answer is taken: whatever looks into a mail opens the addresses in it."""
        answer = _proven(phones, request)
        question, button = asked_words(answer)
        return html(
            "answer.html",
            headers=FROM_ANYWHERE,
            question=question,
            button=button,
            name=answer.contact,
            done="",
        )

    async def _answered(self, phones: PhoneAnswers, request: web.Request) -> web.Response:
        answer = _proven(phones, request)
        if not self._may_say(answer.contact):
            raise web.HTTPTooManyRequests(text="that was often: wait a moment")
        try:
            done = await _taken(phones, answer)
        except CommandError as error:
            raise web.HTTPConflict(text=str(error)) from None
        except StorageError as error:
            raise web.HTTPServiceUnavailable(text=str(error)) from None
        log.info("%s answered by the button of a notification", answer.contact)
        if "text/html" in request.headers.get("Accept", ""):
            return html("answer.html", headers=FROM_ANYWHERE, question=done, done=done)
        return web.json_response({"done": True}, headers=FROM_ANYWHERE)

    async def _movement(self, request: web.Request) -> web.Response:
        visitor(request)
        return web.json_response(self._strip())

    def _strip(self) -> list[float]:
        return [round(piece, 3) for piece in self._movement_g()]

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        found = visitor(request)
        return await streamed(request, self.stream, lambda: self._still(found))

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
            await people_changed(self._people, lambda people: (people.used(found.token, now), None))
        except web.HTTPServiceUnavailable as error:
            log.warning("%s", error.text)


def _proven(phones: PhoneAnswers, request: web.Request) -> PushAnswer:
    try:
        return phones.of(request.match_info["token"])
    except TokenError as error:
        raise web.HTTPForbidden(text=str(error)) from None


async def _taken(phones: PhoneAnswers, answer: PushAnswer) -> str:
    """Pass an answer on, and return what a person reads then."""
    if not is_test(answer):
        phones.acknowledge(answer)
        return "Everybody is told that you are on it."
    if not await asyncio.to_thread(phones.confirm, answer):
        raise CommandError("only the latest test of a contact counts, for a day")
    return "The test is confirmed."


def _check_local(request: web.Request) -> None:
    if not from_this_computer(request):
        raise web.HTTPForbidden(text="this page is for this computer alone")


def _judged(request: web.Request, good: bool, data: dict[str, Any]) -> web.Response:
    _check_local(request)
    status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
    return json_line(data, status=status)


def _place(said: dict[str, Any]) -> str:
    """Return where a form goes on: to the page of an event or a review, if it came from there."""
    event, night = said.get("event"), said.get("night")
    if said.get("back") == "review" and isinstance(night, str) and EVENING.fullmatch(night):
        return f"/nights/{night}/review"
    of_event = said.get("back") == "event" and isinstance(event, str) and ID.fullmatch(event)
    return f"/events/{event}" if of_event else "/"
