"""The first settings on a page: find the sensor, say where it is worn, and begin."""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from detector.config.worn import SIDES
from detector.doctor.check import CheckResult, CheckStatus
from detector.errors import ConfigError, LinkError, StorageError
from detector.people.people import SESSION, Person, Session
from detector.people.people_file import PeopleFile
from detector.sites import SITES
from detector.sources.nearby import NearbyDevice
from detector.web.access import guard as guards
from detector.web.access.guard import Guard, form_token, from_this_computer
from detector.web.answers import add_assets, html, see_other, told
from detector.web.forms import fields_of
from detector.web.no_night.first_settings import (
    ROLES,
    FirstSettings,
    Form,
    Typed,
    refused,
    settings_of,
    typed_of,
    usable,
)

COOKIE = "spasmwatch-setup"
KEY_BYTES = 32
LARGEST_BODY = 4096


@dataclass(frozen=True, slots=True)
class Work:
    """What the page has done.

    find : returns the devices in reach
    look : returns the checks of a sensor's samples
    write : writes the settings; returns their text and how to undo that
    admit : lets a browser in to the page of the night by this session token
    """

    find: Callable[[], Awaitable[Sequence[NearbyDevice]]]
    look: Callable[[NearbyDevice], Awaitable[Sequence[CheckResult]]]
    write: Callable[[FirstSettings], tuple[str, str]]
    admit: Callable[[FirstSettings, str], None]


class FirstPage:
    """Asks for the first settings, of whoever opens it by the address that a terminal shows.

    Attributes
    ----------
    done : set once a person has seen what was written and starts the night
    key : of the address; it opens the page once, for one browser
    """

    def __init__(
        self,
        people: PeopleFile,
        work: Work,
        *,
        typed: Typed = Typed(),  # noqa: B008 - a value
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        mono_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._people, self._work = people, work
        self._now, self._mono_s = now, mono_s
        self.key = secrets.token_urlsafe(KEY_BYTES)
        self.done = asyncio.Event()
        self._session: str | None = None  # of the one browser
        self._busy = asyncio.Lock()  # one radio
        self._found: Sequence[NearbyDevice] | None = None
        self._form = Form(typed)
        self._checks: Sequence[CheckResult] = ()
        self._trouble = ""
        self._written: tuple[str, str] | None = None

    def end(self) -> None:
        """End nothing: every answer ends by itself."""

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
        app.router.add_get("/", self._home, allow_head=False)
        add_assets(app)
        for path, handler in (
            ("/find", self._find),
            ("/choose", self._choose),
            ("/start", self._start),
        ):
            app.router.add_post(path, handler)
        return app

    async def _home(self, request: web.Request) -> web.StreamResponse:
        given = request.query.get("key")
        if (
            given is not None
            and self._session is None
            and hmac.compare_digest(given.encode("utf-8", "surrogatepass"), self.key.encode())
        ):
            self._session = secrets.token_urlsafe(KEY_BYTES)
            response = see_other("/")
            _set(response, COOKIE, self._session)
            return response
        self._check_session(request)
        assert self._session is not None  # noqa: S101 - checked
        if self._written is not None:
            text, undo = self._written
            values: dict[str, Any] = {"step": "written", "text": text, "undo": undo}
        else:
            values = {"step": "find" if self._found is None else "choose"}
        return self._page(**values)

    def _page(self, **values: Any) -> web.Response:
        found, failed = self._found or (), CheckStatus.FAIL
        return html(
            "first.html",
            token=form_token(str(self._session)),
            found=usable(found),
            refused=refused(found),
            form=self._form,
            checks=self._checks,
            failed=any(check.status is failed for check in self._checks),
            trouble=self._trouble,
            places=SITES,
            sides=SIDES,
            roles=[role.value for role in ROLES],
            contact=self._form.typed.told,
            **values,
        )

    async def _find(self, request: web.Request) -> web.StreamResponse:
        await self._fields(request)
        async with self._busy:
            self._checks, self._trouble = (), ""
            try:
                self._found = await self._work.find()
            except LinkError as error:
                self._trouble = str(error)
        return see_other("/")

    async def _choose(self, request: web.Request) -> web.StreamResponse:
        said = await self._fields(request)
        typed = typed_of(said)
        async with self._busy:
            self._trouble = ""
            chosen = settings_of(typed, self._found or ())
            if isinstance(chosen, Form):
                self._form, self._checks = chosen, ()
                return see_other("/")
            self._form = Form(typed)
            try:
                if said.get("anyway") != "yes" or not self._checks:
                    self._checks = await self._work.look(chosen.sensor)
                    if any(check.status is CheckStatus.FAIL for check in self._checks):
                        return see_other("/")
                token = secrets.token_urlsafe(KEY_BYTES)
                await asyncio.to_thread(self._work.admit, chosen, token)
                self._written = await asyncio.to_thread(self._work.write, chosen)
            except (LinkError, ConfigError, StorageError) as error:
                self._trouble = str(error)
                return see_other("/")
        response = see_other("/")
        _set(response, guards.COOKIE, token, max_age=round(SESSION.total_seconds()))
        return response

    async def _start(self, request: web.Request) -> web.StreamResponse:
        await self._fields(request)
        if self._written is None:
            return see_other("/")
        self.done.set()
        return self._page(step="starting")

    async def _fields(self, request: web.Request) -> dict[str, Any]:
        self._check_session(request)
        said, _ = await fields_of(request)
        expected, given = form_token(str(self._session)), said.get("token")
        if not isinstance(given, str) or not hmac.compare_digest(
            given.encode("utf-8", "surrogatepass"), expected.encode()
        ):
            raise web.HTTPForbidden(text="this form is out of date: load the page again")
        return said

    def _check_session(self, request: web.Request) -> None:
        given = request.cookies.get(COOKIE, "").encode("utf-8", "surrogatepass")
        known = (self._session or "").encode()
        if not from_this_computer(request):
            raise web.HTTPForbidden(text="this page is for this computer alone")
        if not known or not hmac.compare_digest(given, known):
            why = (
                "open the whole address that the terminal shows; it opens one browser, once. For "
                "another browser end `spasmwatch setup --page` with Ctrl-C and type it again"
            )
            raise web.HTTPForbidden(text=why)


def _set(response: web.Response, name: str, value: str, max_age: int | None = None) -> None:
    response.set_cookie(name, value, max_age=max_age, httponly=True, samesite="Strict", path="/")


def admit(people: PeopleFile, chosen: FirstSettings, token: str, now: datetime) -> None:
    """Let a browser in to the page of the night; ConfigError, StorageError where that cannot be."""
    code = secrets.token_hex(KEY_BYTES)

    def change(before: Any) -> tuple[Any, tuple[Person, Session] | None]:
        admitted = before.with_code(code, chosen.person, chosen.role, now).admit(code, token, now)
        after = before if admitted is None else admitted[0]
        return after, after.who(token, now)

    people.change(change)
