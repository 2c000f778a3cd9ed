"""Servers that phones' services stand for, on loopback.

`FakeNtfy` is of our own making: neither Debian nor PyPI or npm has ntfy's server (looked for in
November 2026). It takes what ntfy documents of its JSON interface, checks it as far as we use it,
and remembers it. The mail server is aiosmtpd, a real one.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller

from ..kit.brokers import free_port

FIELDS = {"topic", "title", "message", "priority", "click", "actions", "sequence_id"}


class Mood(Enum):
    """How a server answers."""

    TAKES = 200
    REFUSES = 403
    MOVED = 301
    SILENT = 0  # accepts, and never answers


@dataclass
class FakeNtfy:
    """A server, what it took, and when."""

    port: int
    mood: Mood = Mood.TAKES
    taken: list[dict[str, Any]] = field(default_factory=list)
    taken_s: list[float] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    asked: int = 0
    refused: set[str] = field(default_factory=set)  # topics
    refuses: Callable[[dict[str, Any]], bool] = lambda _message: False  # some of them, with 400
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        return f"ntfy://127.0.0.1:{self.port}/bedroom"

    def on(self, topic: str) -> list[dict[str, Any]]:
        return [each for each in self.taken if each["topic"] == topic]


@contextmanager
def ntfy(mood: Mood = Mood.TAKES, port: int = 0) -> Iterator[FakeNtfy]:
    """Run a server on a port, or on any."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            house.asked += 1
            if house.mood is Mood.SILENT:
                house.over.wait(30)
                return
            if house.mood is Mood.TAKES:
                told = json.loads(body)
                if told.get("topic") in house.refused:
                    self.send_response(Mood.REFUSES.value)
                    self.end_headers()
                    return
                if "topic" in told:
                    assert set(told) <= FIELDS
                if house.refuses(told):
                    self.send_error(400)
                    return
                house.taken.append(told)
                house.taken_s.append(time.monotonic())
                house.headers.append(dict(self.headers))
            self.send_response(house.mood.value)
            if house.mood is Mood.MOVED:
                self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()
            self.wfile.write(b'{"id": "x"}')

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, *_: object) -> None:
            pass  # whoever asked has gone

    with Server(("127.0.0.1", port), Handler) as server:
        house = FakeNtfy(server.server_address[1], mood)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield house
        finally:
            house.over.set()
            server.shutdown()
            thread.join()


@dataclass
class Mailbox:
    """A mail server, and the letters that it took."""

    port: int
    letters: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"mailto://127.0.0.1:{self.port}?from=a@b.example&to=anna@b.example&mode=insecure"


@contextmanager
def mail() -> Iterator[Mailbox]:
    """Run a mail server on any port."""

    class Handler:
        async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802
            box.letters.append(envelope.content.decode())
            return "250 OK"

    box = Mailbox(free_port())
    controller = Controller(Handler(), hostname="127.0.0.1", port=box.port)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


def closed_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
