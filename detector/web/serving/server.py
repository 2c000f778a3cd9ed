"""Serve the page in the event loop of the service: ports, TLS, and bounds for strangers."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Protocol

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from detector.web.access.connections import Connections
from detector.web.access.guard import HERE
from detector.web.access.limits import is_loopback
from detector.web.answers import faults_told
from detector.web.serving.tls import context_of, names_of

log = logging.getLogger(__name__)

LONGEST_LINE = 4096  # bytes of a request's line, and of one header
MOST_HEADERS = 64  # a browser sends 20
KEPT_ALIVE_S = 30.0  # without a request; a page has its stream
MOST_PORTS = 20  # tried from the wanted one up
BACKLOG = 64
ENDING_S = 1.0  # for answers under way when the service ends: streams have none


@dataclass(frozen=True, slots=True)
class Where:
    """Where the page is to be.

    bind : address to listen at
    port : the first to try; the next free one is taken
    cert_file, key_file : for TLS; both or none
    public_url : address at which something between passes on what phones ask
    """

    bind: str
    port: int
    cert_file: Path | None = None
    key_file: Path | None = None
    public_url: str | None = None

    @property
    def secure(self) -> bool:
        """Whether it is served over TLS."""
        return self.cert_file is not None

    def tls(self) -> ssl.SSLContext | None:
        """Return the TLS context, None without; ConfigError where the files cannot be used."""
        if self.cert_file is None or self.key_file is None:
            return None
        return context_of(self.cert_file, self.key_file)


class Servable(Protocol):
    """A page, whatever it shows."""

    def application(self, hosts: frozenset[str], *, public: str | None = None) -> web.Application:
        """Return the application, which answers to these names, and that of its public address."""
        ...

    def end(self) -> None:
        """End the answers that last, before the server does."""
        ...


@asynccontextmanager
async def served(page: Servable, where: Where) -> AsyncIterator[str]:
    """Serve the page until the block ends; the value is its address.

    Raises
    ------
    OSError
        No port can be had.
    ConfigError
        The certificate cannot be used.
    """
    context = where.tls()
    names = () if where.cert_file is None else names_of(where.cert_file)
    listening = _listening(where.bind, where.port)
    port = int(listening.getsockname()[1])
    application = page.application(_hosts(where.bind, names, port), public=where.public_url)
    application.middlewares.append(faults_told)
    runner = web.AppRunner(
        application,
        handle_signals=False,
        access_log=None,
        logger=_http_log(),
        keepalive_timeout=KEPT_ALIVE_S,
        max_line_size=LONGEST_LINE,
        max_field_size=LONGEST_LINE,
        max_headers=MOST_HEADERS,
        lingering_time=1.0,
        auto_decompress=False,
        shutdown_timeout=ENDING_S,
        handler_cancellation=True,
    )
    try:
        await runner.setup()
        assert runner.server is not None  # noqa: S101 - `setup` has made it
        connections = Connections(runner.server)
        server = await asyncio.get_running_loop().create_server(
            connections,
            sock=listening,
            ssl=context,
            ssl_handshake_timeout=None if context is None else 5.0,
            ssl_shutdown_timeout=None if context is None else 1.0,
            backlog=BACKLOG,
        )
        try:
            yield _address(where, names, port)
        finally:
            page.end()
            server.close()
            await runner.cleanup()
            await connections.end()
    finally:
        listening.close()
        await runner.cleanup()


def _http_log() -> logging.Logger:
    """Return the log of connections, in which there are faults of ours and none of strangers."""
    found = log.getChild("http")
    if _ours not in found.filters:
        found.addFilter(_ours)
    return found


def _ours(record: logging.LogRecord) -> bool:
    """Return whether a line is of more than a request that is no HTTP, or whose sender has gone."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, (HttpProcessingError, ConnectionError))


def _listening(bind: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    for tried in range(port, min(port + MOST_PORTS, 65536)):
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listening.bind((bind, tried))
            listening.listen(BACKLOG)
            listening.setblocking(False)
        except OSError as error:
            listening.close()
            refused = error
        else:
            return listening
    raise refused


def _hosts(bind: str, names: tuple[str, ...], port: int) -> frozenset[str]:
    """Return how browsers name this page in `Host`: here by three names, else as certified."""
    own = () if ip_address(bind).is_unspecified else (bind,)
    hosts = {*HERE, *(_bracketed(name) for name in (*own, *names))}
    return frozenset(name for host in hosts for name in (host, f"{host}:{port}"))


def _address(where: Where, names: tuple[str, ...], port: int) -> str:
    """Return the address to be told to people: for others, where others may reach it."""
    host = where.bind
    if not is_loopback(host):
        others = [name for name in names if name != "localhost" and not is_loopback(name)]
        host = where.bind if where.bind in names else next(iter(others), where.bind)
    return f"{'https' if where.secure else 'http'}://{_bracketed(host)}:{port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
