"""What every request passes before a handler sees it, and every answer on its way out."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from http import HTTPStatus
from urllib.parse import urlsplit

from aiohttp import web

from detector.people.people import Person, Session
from detector.people.people_file import PeopleFile
from detector.push.links import ANSWER_PATH
from detector.web.access.connections import heard
from detector.web.access.limits import Limit, is_loopback, network_of

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

COOKIE = "spasmwatch"

REQUESTS_EACH = (20.0, 120.0)  # per s and at once: a page with its files is 8
REQUESTS_IN_ALL = (100.0, 600.0)  # 50 pages that begin at once, twice; refusing costs 0.2 ms

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    # Not `no-referrer`: with that, browsers send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Server": "spasmwatch",
}

HERE = ("localhost", "127.0.0.1", "[::1]")
HERE_NAMES = ("localhost", "127.0.0.1", "::1")
PASSED_ON = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")  # a proxy's, for somebody else
PROVEN = ANSWER_PATH  # what is asked there carries a proof of its own, and no cookie counts


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks, and by which session."""

    person: Person
    session: Session
    token: str


VISITOR = web.RequestKey("visitor", Visitor)
LOCAL = web.RequestKey("local", bool)  # whether another command of this computer asks


class Guard:
    """Middlewares of the page.

    Parameters
    ----------
    hosts : names in the `Host` header by which the page may be asked
    local_key : proves that who asks may read the service's data folder; None where nothing does
    public : address at which something between passes on what phones ask; None without
    said : makes the answer to a request that is refused: status and a sentence
    """

    def __init__(
        self,
        people: PeopleFile,
        hosts: frozenset[str],
        *,
        local_key: str | None = None,
        public: str | None = None,
        said: Callable[[web.Request, int, str], web.Response],
        now: Callable[[], datetime],
        mono_s: Callable[[], float],
    ) -> None:
        self._people, self._said = people, said
        self._local = None if local_key is None else f"Bearer {local_key}".encode()
        self._public = urlsplit(public or "")
        self._hosts = hosts | ({self._public.netloc.lower()} - {""})
        self._now, self._mono_s = now, mono_s
        self._requests = Limit(each=REQUESTS_EACH, total=REQUESTS_IN_ALL)

    @web.middleware
    async def check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer what may be asked, with the headers of every answer."""
        heard(request.transport)
        try:
            self._refuse(request)
            response = await handler(request)
        except web.HTTPException as refused:
            if refused.status < HTTPStatus.BAD_REQUEST:
                response = web.Response(status=refused.status, headers=refused.headers)
            else:
                response = self._said(request, refused.status, refused.text or refused.reason)
                if isinstance(refused, web.HTTPMethodNotAllowed):
                    response.headers["Allow"] = ", ".join(sorted(refused.allowed_methods))
            if refused.status in (
                HTTPStatus.TOO_MANY_REQUESTS,
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            ):
                response.force_close()
        if not response.prepared:
            protect(response)
        return response

    def _refuse(self, request: web.Request) -> None:
        """Refuse what nobody may ask: too much, of another host, or from another site."""
        if not self._requests.allows(_who(request), self._mono_s()):
            raise web.HTTPTooManyRequests(text="too many requests: wait a moment")
        # A page elsewhere may have its name resolve to this computer: such a name is no host here.
        host = request.headers.getall("Host", [])
        if len(host) != 1 or host[0].lower() not in self._hosts:
            raise web.HTTPForbidden(text="this page has another name")
        proof = request.headers.get("Authorization", "").encode("utf-8", "surrogatepass")
        request[LOCAL] = self._local is not None and hmac.compare_digest(proof, self._local)
        own = (
            from_here(request)
            or self._from_public(request)
            or request[LOCAL]
            or request.path.startswith(PROVEN)
        )
        if request.method not in ("GET", "HEAD") and not own:
            raise web.HTTPForbidden(text="this was asked by another site, so nothing was done")
        token = request.cookies.get(COOKIE, "")
        found = self._people.now().who(token, self._now()) if token else None
        if found is not None:
            request[VISITOR] = Visitor(*found, token)

    def _from_public(self, request: web.Request) -> bool:
        """Return whether a page of ours sent it that was loaded by the public address."""
        public = f"{self._public.scheme}://{self._public.netloc}".lower()
        here = request.headers["Host"].lower() == self._public.netloc.lower()
        return here and request.headers.getall("Origin", []) == [public]


def protect(response: web.StreamResponse) -> None:
    """Add the headers of every answer, where it has none of its own."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)


def remote(request: web.Request) -> str:
    """Return the address of who asks: of the connection, whatever headers say."""
    peer = None if request.transport is None else request.transport.get_extra_info("peername")
    return str(peer[0]) if peer else ""


def _who(request: web.Request) -> str:
    """Return of whom requests are counted: a household, or one connection of this computer."""
    address = remote(request)
    if not is_loopback(address) or request.transport is None:
        return network_of(address)
    return f"{address} {request.transport.get_extra_info('peername')[1]}"


def from_this_computer(request: web.Request) -> bool:
    """Return whether a request comes from this computer, and is passed on for no other."""
    named = urlsplit(f"//{request.headers['Host']}").hostname
    passed_on = any(name in request.headers for name in PASSED_ON)
    return is_loopback(remote(request)) and named in HERE_NAMES and not passed_on


def from_here(request: web.Request) -> bool:
    """Return whether a page of ours sent a request, by what only a browser can say of it."""
    origin = request.headers.getall("Origin", [])
    if origin:
        return origin == [f"{request.scheme}://{request.headers['Host']}".lower()]
    return request.headers.getall("Sec-Fetch-Site", []) == ["same-origin"]


def visitor(request: web.Request) -> Visitor:
    """Return who asks.

    Raises
    ------
    HTTPUnauthorized
        Nobody who is let in.
    """
    found: Visitor | None = request.get(VISITOR)
    if found is None:
        raise web.HTTPUnauthorized(text="pair this device first")
    return found


def form_token(token: str) -> str:
    """Return what a form of a session carries, so that no other page can send one for it."""
    return sha256(f"form {token}".encode("utf-8", "surrogatepass")).hexdigest()


def check_form_token(found: Visitor, given: object) -> None:
    """Check that a form is of this session; HTTPForbidden where it is not."""
    expected = form_token(found.token)
    if not isinstance(given, str) or not hmac.compare_digest(
        given.encode("utf-8", "surrogatepass"), expected.encode()
    ):
        raise web.HTTPForbidden(text="this form is out of date: load the page again")
