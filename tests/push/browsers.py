"""Browsers that take push messages, and the push service of their maker, on loopback.

Both are of our own making: a real push service asks who uses it, and no browser here reaches one.
The service speaks TLS and checks what RFC 8030 and 8292 ask of a sender; a browser decrypts as
RFC 8291 says, written from its text and held by its example.
"""

from __future__ import annotations

import json
import ssl
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid.jwt import decode

from detector.mqtt.security.authority import broker_certificate
from detector.people.people import People, Role
from detector.people.people_file import PeopleFile
from detector.people.subscription import PushSubscription

NOW = datetime(2026, 11, 29, 2, 14, tzinfo=UTC)

LARGEST = 4096  # bytes, of a message with its encryption: more need not be taken (RFC 8291, 4)


def text_of(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def bytes_of(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def point_of(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


@dataclass
class Browser:
    """A browser that has subscribed, and what it was told."""

    endpoint: str
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    secret: bytes = b"sixteen letters!"

    @property
    def subscription(self) -> PushSubscription:
        return PushSubscription(
            self.endpoint, text_of(point_of(self.key.public_key())), text_of(self.secret)
        )

    def opened(self, data: bytes) -> bytes:
        """Return what a message says: RFC 8188 with the keys of RFC 8291."""
        salt, size, length = data[:16], int.from_bytes(data[16:20], "big"), data[20]
        sender, sealed = data[21 : 21 + length], data[21 + length :]
        assert len(sealed) <= size, "one record"
        shared = self.key.exchange(
            ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
        )
        info = b"WebPush: info\0" + point_of(self.key.public_key()) + sender
        material = _derived(shared, self.secret, info, 32)
        key = _derived(material, salt, b"Content-Encoding: aes128gcm\0", 16)
        nonce = _derived(material, salt, b"Content-Encoding: nonce\0", 12)
        padded = AESGCM(key).decrypt(nonce, sealed, None)
        text, mark, padding = padded.rpartition(b"\x02")
        assert mark, "the last record ends with 2"
        assert not padding.strip(b"\0")
        return text


def _derived(material: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(material)


@dataclass
class PushHouse:
    """The push service of a maker: what it took for whom, and how it answers each."""

    port: int
    authority: Path
    taken: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    answers: dict[str, int] = field(default_factory=dict)
    """Status for each path; 201 for others, 0 for none at all."""
    delays: dict[str, threading.Event] = field(default_factory=dict)
    """For each path what it waits for before it answers."""
    asked: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def origin(self) -> str:
        return f"https://localhost:{self.port}"

    def browser(self, name: str = "one") -> Browser:
        return Browser(f"{self.origin}/push/{name}")

    def told(self, browser: Browser) -> list[dict[str, Any]]:
        """Return what a browser was told."""
        path = browser.endpoint.removeprefix(self.origin)
        return [json.loads(browser.opened(data)) for where, _, data in self.taken if where == path]

    def claims(self) -> dict[str, Any]:
        """Return what the sender of the latest message says of itself, verified."""
        token, key = self.taken[-1][1]["Authorization"].removeprefix("vapid t=").split(",k=")
        claims: dict[str, Any] = decode(token, key)
        return claims


@contextmanager
def push_house(folder: Path) -> Iterator[PushHouse]:
    """Run a push service at localhost, whose authority's certificate is in the folder."""
    authority, certificate = broker_certificate(["localhost"], now=datetime.now(UTC))
    (folder / "maker-ca.crt").write_text(authority.certificate)
    (folder / "maker.pem").write_text(certificate.certificate + certificate.key)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            house.asked += 1
            status = house.answers.get(self.path, 201)
            if not status:
                house.over.wait(30)
                return
            if self.path in house.delays:
                house.delays[self.path].wait(30)
            headers = {name: str(value) for name, value in self.headers.items()}
            if status == 201:
                assert headers["Content-Encoding"] == "aes128gcm"
                assert len(data) <= LARGEST
                house.taken.append((self.path, headers, data))
            self.send_response(status)
            self.send_header("Location", f"{house.origin}/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            pass  # whoever asked has gone

    with Server(("127.0.0.1", 0), Handler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "maker.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        house = PushHouse(server.server_address[1], folder / "maker-ca.crt")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield house
        finally:
            house.over.set()
            server.shutdown()
            thread.join()


def let_in(folder: Path, token: str, browser: Browser | None, name: str = "anna") -> None:
    """Let a device in, which takes push messages in a browser."""

    def change(people: People) -> tuple[People, None]:
        open_ = people.with_code("K3V-Q7M-2XT", name, Role.CAREGIVER, NOW)
        admitted = open_.admit("K3V-Q7M-2XT", token, NOW)
        assert admitted is not None
        push = None if browser is None else browser.subscription
        return admitted[0].subscribed(token, push), None

    PeopleFile(folder).change(change)
