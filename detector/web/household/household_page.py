"""The page of everybody: a card for each wearer, and *I'm on it* for each."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from aiohttp import web

from detector.alerts.commands import Command, CommandError
from detector.web.access.guard import VISITOR, Visitor, check_form_token, form_token, visitor
from detector.web.access.limits import Limit
from detector.web.actions import ALLOWED, NotAllowedError, command_of
from detector.web.answers import html, see_other
from detector.web.forms import fields_of
from detector.web.household.neighbours import OWN, lasting
from detector.web.household.payload import HouseholdView
from detector.web.streaming import streamed
from detector.web.tonight.stream import Stream

log = logging.getLogger(__name__)

PLACE = "/everybody"


class Others(Protocol):
    """The wearers who are followed."""

    async def say(self, wearer: str, command: Command) -> None:
        """Say something to one of them, and wait for what came of it; CommandError why not."""
        ...


class HouseholdPage:
    """Shows everybody's view, and passes on who is on the way to whom.

    Parameters
    ----------
    obey : takes what is said to the own wearer's night
    others : take what is said to theirs
    commands : how often somebody may say something
    still : whether a session still is one

    Attributes
    ----------
    stream : of the view of everybody
    """

    def __init__(
        self,
        obey: Callable[[Command], None],
        others: Others,
        commands: Limit,
        still: Callable[[Visitor], bool],
        mono_s: Callable[[], float],
    ) -> None:
        self._obey, self._others, self._commands = obey, others, commands
        self._still, self._mono_s = still, mono_s
        self.stream: Stream[HouseholdView] = Stream(mono_s, lasting)

    def add_to(self, app: web.Application) -> None:
        """Add its addresses."""
        app.router.add_get(PLACE, self._home, allow_head=False)
        app.router.add_get(f"{PLACE}/stream", self._stream, allow_head=False)
        app.router.add_post(f"{PLACE}/{{wearer}}/ack", self._acknowledge)

    async def _home(self, request: web.Request) -> web.Response:
        found = request.get(VISITOR)
        if found is None:
            raise web.HTTPSeeOther("/pair")
        return html(
            "everybody.html",
            view=self.stream.view,
            person=found.person,
            may=ALLOWED[found.person.role],
            token=form_token(found.token),
        )

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        found = visitor(request)
        return await streamed(request, self.stream, lambda: self._still(found))

    async def _acknowledge(self, request: web.Request) -> web.StreamResponse:
        found = visitor(request)
        said, as_json = await fields_of(request)
        check_form_token(found, said.get("token"))
        if not self._commands.allows(found.person.name, self._mono_s()):
            raise web.HTTPTooManyRequests(text="that was often: wait a moment")
        person, wearer = found.person, request.match_info["wearer"]
        try:
            command = command_of("ack", said, by=person.name, role=person.role)
            if wearer == OWN:
                self._obey(command)
            else:
                await self._others.say(wearer, command)
                log.info("%s answered an alert of %s", person.name, wearer)
        except NotAllowedError as error:
            raise web.HTTPForbidden(text=str(error)) from None
        except CommandError as error:
            raise web.HTTPConflict(text=str(error)) from None
        return web.json_response({"done": True}) if as_json else see_other(PLACE)
