"""Whatever is sent, nobody sees a traceback: strangers fill no log, and a fault of ours is told."""

from __future__ import annotations

import logging
import random
import socket
from pathlib import Path

import pytest

from detector.web.access.guard import HEADERS, form_token

from .stand import Bedroom, Stand, ask, standing

KINDS = (
    "application/x-www-form-urlencoded; charset=nosuch",
    "application/x-www-form-urlencoded; charset=utf-7",
    "application/x-www-form-urlencoded; charset=idna",
    "application/x-www-form-urlencoded; charset=rot13",
    "application/json; charset=nosuch",
    "application/json; charset=base64",
    "application/x-www-form-urlencoded",
    "application/json",
    "multipart/form-data",
    "text/plain; charset=\xff",
)
BODIES = (b"", b"code=x", b"%" * 200, b"\xff" * 9000, b'{"code": NaN}', b"[" * 4000, b"{}", b"null")
LINES = (
    "GET / HTTP/1.1",
    "GET /\xff HTTP/1.1",
    "GET /nights/\xd9\xa2 HTTP/1.1",
    "GET http://[::1 HTTP/1.1",
    "GET / HTTP/9.9",
    "\x16\x03\x01\x02",
    "POST /pair HTTP/1.1",
    "POST /say/note HTTP/1.1",
    "POST /leave HTTP/1.1",
    "OPTIONS * HTTP/1.1",
)
MORE = (
    "",
    "Transfer-Encoding: chunked\r\n",
    "Content-Length: -1\r\n",
    "Content-Length: 5\r\nContent-Length: 6\r\n",
    "Content-Encoding: gzip\r\n",
    "Expect: 100-continue\r\n",
    "Expect: \x00\r\n",
    "Cookie: spasmwatch=\xff; spasmwatch=x\r\n",
    f"X: {'y' * 9000}\r\n",
    ": nothing\r\n",
)


def sent(stand: Stand, token: str, rng: random.Random) -> bytes:
    """Send something that is nearly a request; return the answer, as far as one comes."""
    here, body = f"127.0.0.1:{stand.port}", rng.choice(BODIES)
    head = f"{rng.choice(LINES)}\r\nHost: {here}\r\nOrigin: http://{here}\r\n{rng.choice(MORE)}"
    if rng.random() < 0.5:
        head += f"Cookie: spasmwatch={token}\r\n"
    head += f"Content-Type: {rng.choice(KINDS)}\r\nContent-Length: {len(body)}\r\n"
    with socket.create_connection(("127.0.0.1", stand.port), timeout=10) as link:
        try:
            link.sendall(head.encode("latin-1") + b"Connection: close\r\n\r\n" + body)
            link.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: link.recv(65536), b""))
        except ConnectionError:
            return b""


@pytest.mark.parametrize("seed", range(3))
def test_what_is_no_request_fills_no_log_and_the_next_one_is_served(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, seed: int
) -> None:
    rng = random.Random(seed)
    with standing(tmp_path) as stand, caplog.at_level(logging.INFO):
        token = stand.let_in()
        for _ in range(150):
            answer = sent(stand, token, rng)
            assert b"500 Internal" not in answer
            assert b"Traceback" not in answer
        assert ask(stand.port, "/", token=stand.let_in("ben")).status == 200
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []


class Broken(Bedroom):
    """A room of which a part of the service raises what nobody expected."""

    def obey(self, command: object) -> None:
        raise RuntimeError(f"secret of {command}")


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_a_fault_of_ours_is_a_sentence_with_every_header_and_its_traceback_is_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, accept: str
) -> None:
    with standing(tmp_path, Broken()) as stand:
        token = stand.let_in()
        form = {"token": form_token(token), "text": "x"}
        said = {"method": "POST", "token": token, "form": form, "headers": {"Accept": accept}}
        answer = ask(stand.port, "/say/note", **said)
        assert answer.status == 500
        assert "oad it again" in answer.body
        assert "secret" not in answer.body
        assert {name.lower() for name in HEADERS} <= answer.headers.keys()
        assert ask(stand.port, "/", token=token).status == 200
    [fault] = [record for record in caplog.records if record.exc_info]
    assert fault.name.startswith("detector."), "which is in the service's log"
    assert fault.getMessage() == "a fault of the page at /say/{name}"
