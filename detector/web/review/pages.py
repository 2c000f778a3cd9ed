"""Addresses of a night's review, and of minimums of one's own."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from detector.alerts.commands import NOTE_MOST, AddNote, Command, CommandError
from detector.errors import SpasmwatchError
from detector.web.access.guard import Visitor, check_form_token, form_token, visitor
from detector.web.actions import ALLOWED, DECIDES
from detector.web.answers import html, see_other
from detector.web.forms import fields_of
from detector.web.history.pages import evening_in, let_in, looked_up
from detector.web.review.asked import Reviews
from detector.words.review import REAL_IS_REAL

TUNE = "/tune"
LONGEST_DIGEST = 64  # characters


class ReviewPages:
    """Shows what may be said of nights, and takes a yes to minimums.

    Labels themselves are said as on every other page.

    Parameters
    ----------
    obey : takes what is noted of a decision
    allows : whether somebody may say something again already
    """

    def __init__(
        self, reviews: Reviews, obey: Callable[[Command], None], allows: Callable[[str], bool]
    ) -> None:
        self._reviews, self._obey, self._allows = reviews, obey, allows

    def add_to(self, app: web.Application) -> None:
        """Add its addresses."""
        app.router.add_get("/nights/{evening}/review", let_in(self._night), allow_head=False)
        app.router.add_get(TUNE, let_in(self._tune), allow_head=False)
        app.router.add_post(TUNE, self._decide)

    async def _night(self, request: web.Request, found: Visitor) -> web.Response:
        evening = evening_in(request.match_info["evening"])
        view = await looked_up(self._reviews.night(evening, found.person.name))
        return html(
            "review.html",
            view=view,
            asks_rest="rest" in request.query,
            person=found.person,
            may=ALLOWED[found.person.role],
            token=form_token(found.token),
            real=REAL_IS_REAL,
        )

    async def _tune(self, request: web.Request, found: Visitor) -> web.Response:  # noqa: ARG002
        return html(
            "tune.html",
            view=await looked_up(self._reviews.offer()),
            person=found.person,
            may=found.person.role in DECIDES,
            token=form_token(found.token),
            real=REAL_IS_REAL,
        )

    async def _decide(self, request: web.Request) -> web.StreamResponse:
        found = visitor(request)
        said, as_json = await fields_of(request)
        check_form_token(found, said.get("token"))
        person = found.person
        if person.role not in DECIDES:
            raise web.HTTPForbidden(text=f"your role, {person.role}, does not allow this")
        if not self._allows(person.name):
            raise web.HTTPTooManyRequests(text="that was often: wait a moment")
        try:
            match said.get("do"):
                case "use":
                    digest = str(said.get("offer"))[:LONGEST_DIGEST]
                    words = await looked_up(self._reviews.use(digest, person.name))
                case "undo":
                    words = await looked_up(self._reviews.undo(person.name))
                case _:
                    raise web.HTTPConflict(text="say use or undo")
            self._obey(AddNote(by=person.name, text=words[:NOTE_MOST]))
        except (CommandError, SpasmwatchError) as error:
            raise web.HTTPConflict(text=str(error)) from None
        return web.json_response({"done": True}) if as_json else see_other(TUNE)
