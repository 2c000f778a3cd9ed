"""Ask the page of the service on this computer, with the key in its data folder."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from hashlib import sha256
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, cast

from detector import plain_json
from detector.alerts.commands import CommandError
from detector.errors import LinkError
from detector.web.serving.address_file import PageAddress
from detector.web.tonight.payload import PageNow

PATIENCE_S = 3.0  # an answer takes milliseconds; a busy computer may need a second
LARGEST_BYTES = 1 << 20  # a view has 30 KB


class SilentServiceError(LinkError):
    """The service does not answer: it has ended, or it hangs."""


class LocalPage:
    """The page as other commands on this computer see it."""

    def __init__(self, page: PageAddress) -> None:
        self._page = page

    def now(self) -> PageNow:
        """Return the page's view of the night, with the movement of the last minutes.

        Raises
        ------
        SilentServiceError
            It does not answer, or as another release does.
        """
        status, said = self._ask("GET", "/now")
        if status != HTTPStatus.OK:
            raise SilentServiceError(str(said.get("error", f"it answers with {status}")))
        view = said.get("view")
        if not isinstance(view, dict) or view.get("schema") != "page/1":
            raise SilentServiceError("it is of another release: start it again")
        return cast(PageNow, said)

    def say(self, name: str, fields: Mapping[str, Any]) -> None:
        """Say something to the night.

        Raises
        ------
        CommandError
            It was refused, and why.
        SilentServiceError
            The service does not answer; nothing may have been done.
        """
        status, said = self._ask("POST", f"/say/{name}", fields)
        if status != HTTPStatus.OK:
            raise CommandError(str(said.get("error", f"it answers with {status}")))

    def _ask(
        self, method: str, path: str, fields: Mapping[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        link = self._link()
        headers = {
            "Host": f"localhost:{self._page.port}",
            "Authorization": f"Bearer {self._page.key}",
            "Content-Type": "application/json",
        }
        body = None if fields is None else json.dumps(fields).encode()
        try:
            link.connect()
            self._check(link)
            link.request(method, path, body, headers)
            answer = link.getresponse()
            said = plain_json.parsed(answer.read(LARGEST_BYTES))
        except (OSError, HTTPException, ValueError) as error:
            raise SilentServiceError(f"it does not answer ({type(error).__name__})") from error
        finally:
            link.close()
        return answer.status, said if isinstance(said, dict) else {}

    def _link(self) -> HTTPConnection:
        host, port = self._page.host, self._page.port
        if not self._page.certificate:
            return HTTPConnection(host, port, timeout=PATIENCE_S)
        context = ssl.create_default_context()
        context.check_hostname = False  # the very certificate is compared instead
        context.verify_mode = ssl.CERT_NONE
        return HTTPSConnection(host, port, timeout=PATIENCE_S, context=context)

    def _check(self, link: HTTPConnection) -> None:
        """Check that the page's own certificate is shown, before the key is sent.

        Raises
        ------
        OSError
            Something else answers at the port.
        """
        if not self._page.certificate:
            return
        assert isinstance(link.sock, ssl.SSLSocket)  # noqa: S101 - `connect` has made it
        shown = link.sock.getpeercert(binary_form=True) or b""
        if sha256(shown).hexdigest() != self._page.certificate:
            raise ConnectionRefusedError("something else answers at the page's port")


def host_of(bind: str) -> str:
    """Return the address by which this computer reaches what listens at `bind`."""
    anywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - not to listen at
    return anywhere.get(bind, bind)
