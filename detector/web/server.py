"""A small HTTP server in a thread: GET alone, for this computer alone, bounded in every way."""

from __future__ import annotations

import io
import logging
import socket
import sys
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import Any, Self

from detector.plain_json import line
from detector.web.facts import ServiceFacts, liveness, readiness
from detector.web.metrics import CONTENT_TYPE, ServiceMetrics

log = logging.getLogger(__name__)

LONGEST_REQUEST = 8192  # bytes of line and headers: a browser sends a tenth
PATIENCE_S = 5.0  # for a whole request, however slowly it trickles in
MOST_AT_ONCE = 16  # connections: a browser and two monitors need six
MOST_PORTS = 20  # tried from the wanted one up
HERE = ("localhost", "127.0.0.1", "[::1]")

Answer = tuple[HTTPStatus, str, bytes]


class HealthPage:
    """Serves the latest facts while it is a context.

    Parameters
    ----------
    bind : address of this computer
    port : first port to try; the next free one is taken
    now_s : the clock of the facts

    Raises
    ------
    OSError
        No port can be had.
    """

    def __init__(
        self, bind: str, port: int, *, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._facts: ServiceFacts | None = None
        self._now_s = now_s
        self._metrics = ServiceMetrics(lambda: self._facts, now_s)
        self._server = _listening(bind, port, self.answer)
        self.port: int = self._server.server_address[1]
        host = f"[{bind}]" if ":" in bind else bind
        self.address = f"http://{host}:{self.port}"
        self._server.hosts = {
            name for each in {*HERE, host} for name in (each, f"{each}:{self.port}")
        }
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="health page", daemon=True
        )

    def show(self, facts: ServiceFacts) -> None:
        """Take the facts that are shown from now on."""
        self._facts = facts  # one assignment: the other thread sees either

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path: str) -> Answer:
        """Return status, content type and body for a path."""
        match path:
            case "/livez":
                return _judged(*liveness(self._facts, self._now_s()))
            case "/readyz":
                return _judged(*readiness(self._facts, self._now_s()))
            case "/metrics":
                return HTTPStatus.OK, CONTENT_TYPE, self._metrics.text()
            case _:
                return _said(HTTPStatus.NOT_FOUND, "there are /livez, /readyz and /metrics")


class _Server(ThreadingMixIn, TCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False  # a client that trickles must not hold up the end
    request_queue_size = MOST_AT_ONCE

    def __init__(self, bind: str, port: int, answer: Callable[[str], Answer]) -> None:
        self.address_family = socket.AF_INET6 if ":" in bind else socket.AF_INET
        self.answer = answer
        self.hosts: set[str] = set()
        self._places = threading.BoundedSemaphore(MOST_AT_ONCE)
        super().__init__((bind, port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - inherited
        log.warning("a request failed", exc_info=sys.exception())


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version = "spasmwatch"
    sys_version = ""

    def setup(self) -> None:
        super().setup()
        self.request.settimeout(PATIENCE_S)
        self.rfile = io.BufferedReader(io.BytesIO(self._head()))

    def _head(self) -> bytes:
        """Return the request up to its body; empty where it is too long or too slow."""
        until_s, head = time.monotonic() + PATIENCE_S, b""
        while b"\r\n\r\n" not in head:
            left_s = until_s - time.monotonic()
            if left_s <= 0 or len(head) > LONGEST_REQUEST:
                return b""
            self.request.settimeout(left_s)
            try:
                more = self.request.recv(LONGEST_REQUEST)
            except OSError:
                return b""
            if not more:
                return b""
            head += more
        self.request.settimeout(PATIENCE_S)
        return head if len(head) <= LONGEST_REQUEST else b""

    def do_GET(self) -> None:
        # A page elsewhere may have its name resolve to this computer: such a name is no host here.
        if self.headers.get("Host", "").lower() not in self.server.hosts:
            self._send(*_said(HTTPStatus.FORBIDDEN, "this page is for this computer alone"))
        else:
            self._send(*self.server.answer(self.path.partition("?")[0]))

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what is no GET, or no HTTP."""
        del message, explain
        status = HTTPStatus(code)
        if status is HTTPStatus.NOT_IMPLEMENTED:
            status = HTTPStatus.METHOD_NOT_ALLOWED
        self._send(*_said(status, status.phrase))

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET")
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - inherited
        """Log no request: a monitor asks every few seconds."""


def _listening(bind: str, port: int, answer: Callable[[str], Answer]) -> _Server:
    for tried in range(port, min(port + MOST_PORTS, 65536)):
        try:
            return _Server(bind, tried, answer)
        except OSError as error:
            refused = error
    raise refused


def _judged(good: bool, data: dict[str, Any]) -> Answer:
    status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
    return status, "application/json", line(data).encode() + b"\n"


def _said(status: HTTPStatus, words: str) -> Answer:
    return status, "application/json", line({"error": words}).encode() + b"\n"
