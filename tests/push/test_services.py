"""Laws of the services that carry notifications, against servers on loopback."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from apprise.manager_plugins import NotificationManager

from detector.config.contacts import LOCAL_SCHEMES, PLAIN_SCHEMES
from detector.push.message import NO_ANSWER, PushError, PushMessage, Urgency
from detector.push.sender import MOST_HANGING, Sender
from detector.push.services import service_of

from .servers import Mood, closed_port, mail, ntfy

NOWHERE = Path("/nowhere")  # the data folder, which these services do not use
ALARM = PushMessage(
    title="Movement alert",
    body="bedroom, left leg, 65 s, since 02:14.",
    urgency=Urgency.ALARM,
    about="0123456789abcdef",
    answer="http://127.0.0.1:8377/push/ack/abc,def.ghi",
    page="http://127.0.0.1:8377",
)
NEWS = PushMessage(title="All clear", body="bedroom.", urgency=Urgency.NEWS, about=ALARM.about)


def send(address: str, message: PushMessage = ALARM, **options: float) -> None:
    asyncio.run(Sender("anna", lambda: address, NOWHERE, **options).send(message))


def test_ntfy_gets_words_a_button_and_what_it_replaces() -> None:
    with ntfy() as server:
        send(server.address)
        send(server.address, NEWS)

    first, then = server.taken
    assert (first["title"], first["message"]) == (ALARM.title, ALARM.body)
    assert (first["topic"], first["priority"], first["click"]) == ("bedroom", 5, ALARM.page)
    [button] = first["actions"]
    assert (button["label"], button["method"]) == ("I'm on it", "POST")
    assert button["url"] == ALARM.answer, "whole, with its comma"
    assert then["sequence_id"] == first["sequence_id"]
    assert then["priority"] == 2
    assert "actions" not in then


@pytest.mark.parametrize(
    ("login", "header"),
    [("anna:secret@", "Basic YW5uYTpzZWNyZXQ="), ("tk_abcdefghijklmnopqrstuvwxyz012@", "Bearer ")],
)
def test_ntfy_is_given_the_password_or_token(login: str, header: str) -> None:
    with ntfy() as server:
        send(server.address.replace("://", f"://{login}"))

    assert server.headers[0]["Authorization"].startswith(header)


def test_the_priority_of_the_address_is_that_of_alarms() -> None:
    with ntfy() as server:
        send(server.address + "?priority=low")
        send(server.address + "?priority=high")

    assert [each["priority"] for each in server.taken] == [2, 4]


def test_a_mail_is_a_title_and_a_text_with_the_address_to_answer() -> None:
    with mail() as box:
        send(box.address)

    [letter] = box.letters
    assert "Subject: Movement alert" in letter
    assert "65 s" in letter
    assert "Answer: http://127.0.0.1:8377/push/ack/" in letter.replace("=\n", "")


def test_a_webhook_gets_the_words_and_no_picture_from_elsewhere() -> None:
    with ntfy() as server:
        send(f"json://127.0.0.1:{server.port}/hook")

    [told] = server.taken
    assert told["title"] == ALARM.title
    assert "apprise" not in str(told).lower()
    assert "github" not in str(told) + str(server.headers)
    assert server.headers[0]["User-Agent"] == "spasmwatch"


def test_alarms_are_loud_and_news_silent_where_a_service_knows_priorities() -> None:
    with ntfy() as server:
        address = f"gotify://127.0.0.1:{server.port}/AbCdEfGhIjKlMnO"
        send(address)
        send(address, NEWS)

    loud, quiet = (each["priority"] for each in server.taken)
    assert loud >= 8 > 3 >= quiet


@pytest.mark.parametrize("scheme", ["ntfy", "json", "gotify"])
@pytest.mark.parametrize(
    ("mood", "why"),
    [(Mood.REFUSES, "refuses the password or token, 403"), (Mood.MOVED, "has moved")],
)
def test_a_server_that_does_not_take_it_is_a_failure_with_its_cause(
    scheme: str, mood: Mood, why: str
) -> None:
    with ntfy(mood) as server, pytest.raises(PushError, match=why):
        send(f"{scheme}://127.0.0.1:{server.port}/AbCdEfGhIjKlMnO")


@pytest.mark.parametrize("scheme", ["ntfy", "json", "mailto"])
def test_a_server_that_is_not_there_does_not_answer(scheme: str) -> None:
    where = f"{scheme}://127.0.0.1:{closed_port()}/x"
    mailed = "?from=a@b.example&to=c@d.example&mode=insecure" if scheme == "mailto" else ""
    with pytest.raises(PushError, match=NO_ANSWER):
        send(where + mailed)


def test_a_server_that_never_answers_holds_up_its_sender_for_so_long_only() -> None:
    with ntfy(Mood.SILENT) as server:
        began_s = time.monotonic()
        with pytest.raises(PushError, match=NO_ANSWER):
            send(server.address, answer_s=0.3)
        assert time.monotonic() - began_s < 3


def test_what_is_taken_late_is_not_sent_again() -> None:
    async def twice() -> None:
        sender = Sender("anna", lambda: server.address, NOWHERE, answer_s=0.2)
        server.mood = Mood.SILENT
        for _ in range(3):
            with pytest.raises(PushError):
                await sender.send(ALARM)
        assert server.asked == 1, "one at a time"

    with ntfy() as server:
        asyncio.run(twice())


def test_a_server_that_never_ends_its_answer_keeps_no_later_alarm_for_itself() -> None:
    async def often() -> None:
        sender = Sender("anna", lambda: server.address, NOWHERE, answer_s=0.05, hangs_s=0.05)
        for n in range(3 * MOST_HANGING):
            with pytest.raises(PushError, match=NO_ANSWER):
                await sender.send(replace(ALARM, about=str(n)))
        assert server.asked == 1 + MOST_HANGING, "as many threads as may hang, and no more"

    with ntfy(Mood.SILENT) as server:
        asyncio.run(often())


def test_of_several_topics_those_that_took_a_message_are_not_sent_it_again() -> None:
    async def twice() -> None:
        sender = Sender("anna", lambda: f"{server.address}/hall", NOWHERE)
        server.refused = {"hall"}
        with pytest.raises(PushError):
            await sender.send(ALARM)
        server.refused = set()
        await sender.send(ALARM)
        assert [each["topic"] for each in server.taken] == ["bedroom", "hall"]

    with ntfy() as server:
        asyncio.run(twice())


@pytest.mark.parametrize(
    "address",
    [
        *(f"{scheme}://x" for scheme in sorted(LOCAL_SCHEMES)),
        "json://127.0.0.1/x?attach=/etc/passwd",
        "json://127.0.0.1/x?ATTACH=file:///etc/passwd",
        "file:///etc/passwd",
        "nothing://x",
        "https://example.org/topic",
    ],
)
def test_an_address_that_is_no_phones_is_refused_and_not_quoted(address: str) -> None:
    with pytest.raises(ValueError, match=r"phone|words|service") as caught:
        service_of(address, NOWHERE)
    assert "etc" not in str(caught.value)


def test_the_schemes_that_are_not_encrypted_are_those_of_apprise() -> None:
    service_of("json://127.0.0.1", NOWHERE)
    known = set(NotificationManager().schemas())
    plural = {"workflow"}  # workflows:// is another name of the same
    assert {scheme for scheme in known - plural if f"{scheme}s" in known} == PLAIN_SCHEMES
    assert LOCAL_SCHEMES <= known


def test_no_address_and_no_target_is_logged() -> None:
    lines: list[str] = []
    handler = logging.Handler(logging.DEBUG)
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with ntfy(Mood.REFUSES) as server:
            for address in (server.address, f"json://127.0.0.1:{server.port}/hidden"):
                with pytest.raises(PushError) as caught:
                    send(address)
                assert str(server.port) not in str(caught.value)
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
    said = "\n".join(lines)
    assert said, "something is logged"
    assert not any(secret in said for secret in ("bedroom", "hidden", str(server.port)))


def test_nothing_but_a_contact_loads_apprise() -> None:
    code = (
        "import sys, detector.cli, detector.service.assembly, detector.push.channel;"
        "sys.exit('apprise' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
