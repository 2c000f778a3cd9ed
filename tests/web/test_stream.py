"""Every open page gets the newest view, at once and for ever, and none delays another."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from detector.web.page import assets
from detector.web.tonight.stream import APART_S, EVERY_S, Stream, message_of
from detector.web.tonight.view import lasting

from ..kit.virtual_time import in_virtual_time
from .stand import Bedroom, Stand, ask, standing


def view(n: int = 1, **more: Any) -> dict[str, Any]:
    return {**Bedroom().view(), "n": n, **more}


def test_a_page_gets_news_at_once_and_else_a_view_every_five_seconds() -> None:
    async def check() -> None:
        loop = asyncio.get_running_loop()
        stream, came = Stream(loop.time, lasting), list[tuple[float, int]]()

        async def follow() -> None:
            async for message in stream.messages(lambda: True):
                came.append((loop.time(), json.loads(message.split(b"data: ", 1)[1])["n"]))

        page = asyncio.ensure_future(follow())
        begun_s = loop.time()
        for second in range(31):
            stream.show(view(2 if second >= 17 else 1, data_age_s=second * 1.0))
            await asyncio.sleep(1.0)
        page.cancel()
        at = [round(when_s - begun_s, 1) for when_s, _ in came]
        assert came[0][1] == 1
        assert max(b - a for a, b in itertools.pairwise(at)) <= EVERY_S
        first_news_s = next(when_s - begun_s for when_s, n in came if n == 2)
        assert first_news_s <= 17.0 + APART_S
        assert len(came) <= 31 / (EVERY_S - 1) + 2

    in_virtual_time(check())


def test_no_view_is_sent_twice_or_when_it_is_old() -> None:
    async def check() -> None:
        loop = asyncio.get_running_loop()
        stream, came = Stream(loop.time, lasting), list[bytes]()
        stream.show(view())

        async def follow() -> None:
            async for message in stream.messages(lambda: True):
                came.append(message)

        page = asyncio.ensure_future(follow())
        await asyncio.sleep(60)
        assert len(came) == 1
        page.cancel()
        late = asyncio.ensure_future(follow())
        await asyncio.sleep(60)
        late.cancel()
        assert len(came) == 1, "a page that comes later gets no old view"
        assert stream.view is None

    in_virtual_time(check())


def test_text_cannot_end_a_message_or_begin_another() -> None:
    nasty = "x\n\nevent: view\ndata: {}\r\n\r\nid: 9\u2028"
    message = message_of(view(label=nasty, n=7))
    assert message.count(b"\n") == 4
    assert message.startswith(b"id: 7\nevent: view\ndata: {")
    assert json.loads(message.split(b"data: ", 1)[1])["label"] == nasty


def follow(stand: Stand, token: str, *, receive: int | None = None) -> socket.socket:
    link = socket.socket()
    if receive is not None:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    link.settimeout(10)
    link.connect(("127.0.0.1", stand.port))
    head = f"GET /stream HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: spasmwatch={token}\r\n\r\n"
    link.sendall(head.encode())
    return link


def until_said(link: socket.socket, words: bytes, within_s: float = 10.0) -> float:
    """Read until these words come; return how long that took."""
    begun_s, heard = time.monotonic(), b""
    while words not in heard:
        assert time.monotonic() - begun_s < within_s, heard[-300:]
        more = link.recv(65_536)
        assert more, heard[-300:]
        heard = heard[-len(words) :] + more
    return time.monotonic() - begun_s


def test_a_page_that_does_not_read_delays_nobody(tmp_path: Path) -> None:
    with standing(tmp_path) as stand:
        token = stand.let_in()
        stuck = [follow(stand, token, receive=1024) for _ in range(5)]
        quick = follow(stand, token)
        until_said(quick, b'"words": "Watching"')
        for number in range(60):
            stand.call(
                lambda number=number: setattr(stand.room, "label", f"{number} " + "x" * 9000)
            )
        stand.call(lambda: setattr(stand.room, "label", "the newest"))
        assert until_said(quick, b"the newest") < 2.0
        for each in stuck:
            each.close()
        quick.close()


def test_so_many_pages_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detector.web.streaming.MOST_PAGES", 3)
    with standing(tmp_path) as stand:
        token = stand.let_in()
        open_pages = [follow(stand, token) for _ in range(3)]
        for each in open_pages:
            until_said(each, b"data: ")
        assert ask(stand.port, "/stream", token=token).status == 503
        open_pages.pop().close()
        _until(lambda: stand.page.stream.pages == 2)
        open_pages.append(follow(stand, token))
        until_said(open_pages[-1], b"data: ")
        for each in open_pages:
            each.close()


def test_a_removal_ends_a_page_that_is_open(tmp_path: Path) -> None:
    with standing(tmp_path) as stand:
        link = follow(stand, stand.let_in())
        until_said(link, b"data: ")
        stand.people().change(lambda people: (people.without("anna"), None))
        until_said(link, b"0\r\n\r\n", 5.0)  # the last chunk of the answer
        assert ask(stand.port, "/stream").status == 401
        link.close()


def _until(true: Callable[[], bool]) -> None:
    begun_s = time.monotonic()
    while not true():
        assert time.monotonic() - begun_s < 10
        time.sleep(0.01)


def test_pages_say_no_signal_only_after_two_views_could_be_late() -> None:
    script = assets()["/static/live.js"].data.decode()
    assert "const LOST_MS = 12000" in script
    assert 2 * EVERY_S < 12
