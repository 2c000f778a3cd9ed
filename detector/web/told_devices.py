"""Devices that the page's own notifications go to: each asks for them itself."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

from detector.people.people_file import PeopleFile
from detector.people.subscription import PushSubscription, is_known, subscription_of
from detector.web.access.changing import people_changed
from detector.web.access.guard import Visitor, check_form_token, form_token, visitor
from detector.web.access.limits import Limit
from detector.web.forms import fields_of

log = logging.getLogger(__name__)

PLACE = "/device"
CHANGES = (1 / 10, 10.0)  # per s and at once, of one person: each writes a file
CHANGES_IN_ALL = (1.0, 30.0)
TESTS = (1 / 60, 3.0)  # each sounds on all devices of a person
TESTS_IN_ALL = (1 / 10, 10.0)


@dataclass(frozen=True, slots=True)
class ToldByPage:
    """Whom the page notifies, by the settings, and how.

    key : public key with which browsers subscribe
    people : who are let in to the page and notified by it
    hosts : push services that the settings name beside those of the browsers' makers
    test : sends a test to a person; returns why it was not taken or cannot be confirmed, else None
    """

    key: str
    people: frozenset[str]
    hosts: Sequence[str]
    test: Callable[[str], Awaitable[str | None]]


class ToldDevices:
    """Shows whether a device is notified, and switches that on and off."""

    def __init__(self, people: PeopleFile, told: ToldByPage, mono_s: Callable[[], float]) -> None:
        self._people, self._told, self._mono_s = people, told, mono_s
        self._changes = Limit(each=CHANGES, total=CHANGES_IN_ALL)
        self._tests = Limit(each=TESTS, total=TESTS_IN_ALL)

    def add_to(self, app: web.Application) -> None:
        """Add its addresses."""
        app.router.add_get(PLACE, self._shown, allow_head=False)
        app.router.add_post(PLACE, self._begin)
        app.router.add_post(f"{PLACE}/off", self._end)
        app.router.add_post(f"{PLACE}/test", self._test)

    async def _shown(self, request: web.Request) -> web.Response:
        """Return what a browser needs to subscribe; its worker asks, too, and has no form."""
        found = visitor(request)
        return web.json_response(
            {
                "key": self._told.key,
                "told": found.person.name in self._told.people,
                "person": found.person.name,
                "on": found.session.push is not None,
                "token": form_token(found.token),
            }
        )

    async def _begin(self, request: web.Request) -> web.Response:
        found, said = await self._asked(request, self._changes)
        try:
            push = subscription_of(said)
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        if not is_known(push, self._told.hosts):
            raise web.HTTPConflict(
                text=f"this browser's push service, {push.origin.removeprefix('https://')}, is "
                "not one that spasmwatch sends to: add it to web.push_hosts if you trust it"
            )
        await self._change(found, push)
        log.info("a device of %s asks for notifications", found.person.name)
        return web.json_response({"done": True})

    async def _end(self, request: web.Request) -> web.Response:
        found, _ = await self._asked(request, self._changes)
        await self._change(found, None)
        log.info("a device of %s wants no notifications any more", found.person.name)
        return web.json_response({"done": True})

    async def _test(self, request: web.Request) -> web.Response:
        found, _ = await self._asked(request, self._tests)
        person = found.person.name
        if person not in self._told.people:
            raise web.HTTPConflict(text=f"no contact has the address page://{person}")
        why = await self._told.test(person)
        if why is not None:
            raise web.HTTPServiceUnavailable(text=why)
        return web.json_response({"done": True})

    async def _asked(self, request: web.Request, limit: Limit) -> tuple[Visitor, dict[str, object]]:
        """Return who asks and what, where it is theirs to ask and not too often."""
        found = visitor(request)
        said, _ = await fields_of(request)
        check_form_token(found, said.get("token"))
        if not limit.allows(found.person.name, self._mono_s()):
            raise web.HTTPTooManyRequests(text="that was often: wait a minute")
        return found, said

    async def _change(self, found: Visitor, push: PushSubscription | None) -> None:
        await people_changed(
            self._people, lambda people: (people.subscribed(found.token, push), None)
        )
