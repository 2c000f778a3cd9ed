"""Laws of the page's own notifications, against a push service that is of our own making."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from detector.people.people import SESSION, People, Role
from detector.people.people_file import PeopleFile
from detector.people.subscription import PushSubscription
from detector.push.channel import REFUSING_S
from detector.push.message import NO_ANSWER, PushError, PushMessage, Urgency
from detector.push.recipients import Contact
from detector.push.sender import Sender
from detector.push.vapid import VapidKey
from detector.push.web_push import NO_DEVICE, NOT_PROVEN, BrowserPush

from ..kit.waiting import until
from .alerts import alert
from .browsers import NOW, Browser, PushHouse, bytes_of, let_in, push_house, text_of
from .house import house

ALARM = PushMessage(
    title="Movement alert",
    body="bedroom, left leg, 65 s, since 02:14.",
    urgency=Urgency.ALARM,
    about="0123456789abcdef",
    answer="https://house.example/push/ack/abc.def",
)
NEWS = PushMessage(title="All clear", body="bedroom.", urgency=Urgency.NEWS, about=ALARM.about)


@pytest.fixture
def maker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PushHouse]:
    with push_house(tmp_path) as house:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(house.authority))
        yield house


def service(folder: Path, at: datetime = NOW) -> BrowserPush:
    return BrowserPush("anna", folder, utc_now=lambda: at)


def test_a_browser_reads_the_example_of_rfc_8291() -> None:
    """Appendix A: the key, the secret and the message are the RFC's."""
    number = int.from_bytes(bytes_of("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"), "big")
    browser = Browser("", ec.derive_private_key(number, ec.SECP256R1()), b"")
    browser.secret = bytes_of("BTBZMqHH6r4Tts7J_aSIgg")
    message = (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAm"
        "S6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_"
        "Qulcy4a-fN"
    )
    assert browser.opened(bytes_of(message)) == b"When I grow up, I want to be a watermelon"


def test_every_device_that_asks_is_told_and_nobody_else_reads_it(
    tmp_path: Path, maker: PushHouse
) -> None:
    phone, tablet, other = maker.browser("phone"), maker.browser("tablet"), maker.browser("other")
    let_in(tmp_path, "t1", phone)
    let_in(tmp_path, "t2", tablet)
    let_in(tmp_path, "t3", None)
    let_in(tmp_path, "t4", other, "ben")
    service(tmp_path).send(ALARM)
    wanted = {
        "title": "Movement alert",
        "body": ALARM.body,
        "urgency": "alarm",
        "about": ALARM.about,
        "answer": "/push/ack/abc.def",
    }
    assert maker.told(phone) == maker.told(tablet) == [wanted]
    assert maker.told(other) == []
    for _, headers, data in maker.taken:
        assert b"bedroom" not in data
        assert headers["TTL"] == "43200"
        assert headers["Urgency"] == "high"


def test_what_became_of_an_alarm_replaces_it_while_both_are_on_their_way(
    tmp_path: Path, maker: PushHouse
) -> None:
    let_in(tmp_path, "t1", maker.browser())
    for message in (ALARM, NEWS):
        service(tmp_path).send(message)
    (_, first, _), (_, then, _) = maker.taken
    assert first["Topic"] == then["Topic"]
    assert len(bytes_of(first["Topic"])) == 24, "base64url, of which there are at most 32 letters"
    assert then["Urgency"] == "normal"


def test_the_sender_proves_who_it_is_with_one_key_of_the_data_folder(
    tmp_path: Path, maker: PushHouse
) -> None:
    let_in(tmp_path, "t1", maker.browser())
    service(tmp_path).send(ALARM)
    first = maker.taken[0][1]["Authorization"].partition(",k=")[2]
    claims = maker.claims()
    assert claims["aud"] == maker.origin
    assert timedelta(0) < datetime.fromtimestamp(claims["exp"], UTC) - NOW < timedelta(hours=24)
    assert first == VapidKey(tmp_path).public, "after a restart, too"
    assert (tmp_path / "web-push.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_is_gone_is_forgotten_and_the_others_are_told(
    tmp_path: Path, maker: PushHouse, status: int
) -> None:
    gone, there = maker.browser("gone"), maker.browser("there")
    let_in(tmp_path, "t1", gone)
    let_in(tmp_path, "t2", there)
    maker.answers["/push/gone"] = status
    sender = service(tmp_path)
    sender.send(ALARM)
    assert PeopleFile(tmp_path).now().devices("anna", NOW) == (there.subscription,)
    maker.answers["/push/there"] = status
    with pytest.raises(PushError, match=NO_DEVICE):
        sender.send(NEWS)


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 413, 429, 500, 503])
def test_what_a_push_service_does_not_take_is_sent_again_to_no_other_device(
    tmp_path: Path, maker: PushHouse, status: int
) -> None:
    works, fails = maker.browser("works"), maker.browser("fails")
    let_in(tmp_path, "t1", works)
    let_in(tmp_path, "t2", fails)
    maker.answers["/push/fails"] = status
    sender = service(tmp_path)
    for _ in range(2):
        with pytest.raises(PushError, match=str(status)):
            sender.send(ALARM)
    assert len(maker.told(works)) == 1
    del maker.answers["/push/fails"]
    sender.send(ALARM)
    assert (len(maker.told(works)), len(maker.told(fails))) == (1, 1)
    assert "/elsewhere" not in {path for path, _, _ in maker.taken}


def test_a_device_that_takes_nothing_holds_up_no_later_alarm(
    tmp_path: Path, maker: PushHouse
) -> None:
    """The phone beside it has every alarm, and the fault is told of."""
    works, fails = maker.browser("works"), maker.browser("fails")
    let_in(tmp_path, "t1", works)
    let_in(tmp_path, "t2", fails)
    maker.answers["/push/fails"] = 500
    PeopleFile(tmp_path).change(lambda people: (_used_now(people), None))

    async def night() -> None:
        async with house(tmp_path, {Contact("anna"): "page://anna"}) as here:
            began_s = here.clock.now_s
            for number in range(3):
                await here.commit(alert(about=f"episode {number}"))
                while len(here.reached) <= number:
                    await here.passes(1.0)
            assert here.clock.now_s - began_s < 300.0, "though it is never taken there"
            await here.passes(REFUSING_S)
            assert "1 of 2 devices" in here.channel.refusing()["anna"]
            del maker.answers["/push/fails"]
            await here.commit(alert(about="episode 3"))
            await until(lambda: len(maker.told(fails)) == 1)
            await here.idle("anna")
            assert here.channel.refusing() == {}

    asyncio.run(asyncio.wait_for(night(), 30))
    assert len(maker.told(works)) == 4


def test_devices_that_hang_cost_a_thread_each_however_many_messages_there_are(
    tmp_path: Path, maker: PushHouse
) -> None:
    for number in range(8):
        let_in(tmp_path, f"t{number}", maker.browser(f"hangs{number}"))
        maker.answers[f"/push/hangs{number}"] = 0
    sender = BrowserPush("anna", tmp_path, utc_now=lambda: NOW, within_s=0.2)
    before = {each.ident for each in threading.enumerate()}
    began_s = time.monotonic()
    for number in range(5):
        with pytest.raises(PushError, match=NO_ANSWER):
            sender.send(replace(ALARM, about=f"alert {number}"))
    assert time.monotonic() - began_s < 5 * 0.2 + 2.0
    assert maker.asked <= 8
    ours = [each for each in threading.enumerate() if each.ident not in before]
    assert sum("send_to" in each.name for each in ours) <= 8


def test_what_a_device_took_late_says_nothing_of_the_next_message(
    tmp_path: Path, maker: PushHouse
) -> None:
    browser = maker.browser()
    let_in(tmp_path, "t1", browser)
    maker.delays["/push/one"] = delay = threading.Event()
    sender = BrowserPush("anna", tmp_path, utc_now=lambda: NOW, within_s=0.2)
    with pytest.raises(PushError, match=NO_ANSWER):
        sender.send(ALARM)
    with pytest.raises(PushError, match=NO_ANSWER):
        sender.send(NEWS)
    delay.set()
    until_s = time.monotonic() + 20
    while time.monotonic() < until_s:
        with suppress(PushError):  # while that thread ends
            sender.send(NEWS)
            break
    assert [each["title"] for each in maker.told(browser)] == ["Movement alert", "All clear"]


def test_a_message_that_cannot_be_sent_costs_no_device_its_place(
    tmp_path: Path, maker: PushHouse
) -> None:
    let_in(tmp_path, "t1", maker.browser())
    with pytest.raises(PushError, match="UnicodeEncodeError"):
        service(tmp_path).send(replace(ALARM, body="\ud800"))
    service(tmp_path).send(ALARM)


def test_a_netrc_file_takes_no_place_of_the_proof(
    tmp_path: Path, maker: PushHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login anna password x\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    let_in(tmp_path, "t1", maker.browser())
    service(tmp_path).send(ALARM)
    assert maker.claims()["aud"] == maker.origin


def test_a_certificate_that_is_not_valid_is_named(
    tmp_path: Path, maker: PushHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as on a computer whose clock says 1970."""
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    let_in(tmp_path, "t1", maker.browser())
    with pytest.raises(PushError, match="clock"):
        service(tmp_path).send(ALARM)


def test_a_clock_that_is_wrong_is_named(tmp_path: Path, maker: PushHouse) -> None:
    let_in(tmp_path, "t1", maker.browser())
    maker.answers["/push/one"] = 403
    with pytest.raises(PushError, match=NOT_PROVEN):
        service(tmp_path).send(ALARM)


def test_a_push_service_that_hangs_holds_up_no_other_device(
    tmp_path: Path, maker: PushHouse
) -> None:
    works, hangs = maker.browser("works"), maker.browser("hangs")
    let_in(tmp_path, "t1", hangs)
    let_in(tmp_path, "t2", works)
    maker.answers["/push/hangs"] = 0
    sender = Sender("anna", lambda: "page://anna", tmp_path, answer_s=2.0)

    async def sent() -> None:
        await sender.prepare()
        with pytest.raises(PushError, match=NO_ANSWER):
            await sender.send(ALARM)

    # The sender looks at a real clock, of which these people know nothing: they are let in now.
    PeopleFile(tmp_path).change(lambda people: (_used_now(people), None))
    asyncio.run(sent())
    assert len(maker.told(works)) == 1


def _used_now(people: People) -> People:
    now = datetime.now(UTC)
    return people.used("t1", now).used("t2", now)


@pytest.mark.parametrize("how", ["removed", "left", "expired", "stopped"])
def test_who_is_let_in_no_more_is_told_no_more(tmp_path: Path, maker: PushHouse, how: str) -> None:
    let_in(tmp_path, "t1", maker.browser())
    changes = {
        "removed": lambda people: people.without("anna"),
        "left": lambda people: people.left("t1"),
        "expired": lambda people: people,
        "stopped": lambda people: people.subscribed("t1", None),
    }
    PeopleFile(tmp_path).change(lambda people: (changes[how](people), None))
    with pytest.raises(PushError, match="spasmwatch pair anna" if how == "removed" else NO_DEVICE):
        service(tmp_path, NOW + SESSION if how == "expired" else NOW).send(ALARM)
    assert maker.asked == 0


@pytest.mark.parametrize(
    ("used_days_ago", "words"),
    [
        (0, ""),
        (149, ""),
        (151, " within 29 days,"),
        (178.5, " within 1 day,"),
        (179.5, " within a day,"),
    ],
)
def test_a_device_that_nobody_opens_the_page_on_is_told_before_it_ends(
    tmp_path: Path, maker: PushHouse, used_days_ago: float, words: str
) -> None:
    """It is let in for 180 days without use, and a notification is none."""
    browser = maker.browser()
    let_in(tmp_path, "t1", browser)
    service(tmp_path, NOW + timedelta(days=used_days_ago)).send(ALARM)
    [told] = maker.told(browser)
    assert told["body"].startswith(ALARM.body)
    assert ("Open the page on this device" in told["body"]) == bool(words)
    assert words in told["body"]


def test_a_browser_that_is_let_in_twice_is_told_once(tmp_path: Path, maker: PushHouse) -> None:
    browser = maker.browser()
    let_in(tmp_path, "t1", browser)
    let_in(tmp_path, "t2", browser)
    service(tmp_path).send(ALARM)
    assert len(maker.told(browser)) == 1


@pytest.mark.parametrize("text", ['😀"', "\x01", "ß", '"'])
def test_the_longest_message_is_not_too_long(tmp_path: Path, maker: PushHouse, text: str) -> None:
    browser = maker.browser()
    let_in(tmp_path, "t1", browser)
    long = PushMessage(
        title="Movement alert",
        body=text * 3000,
        urgency=Urgency.ALARM,
        about="0" * 64,
        answer=f"https://house.example/push/ack/{'x' * 512}",
    )
    service(tmp_path).send(long)
    [told] = maker.told(browser)
    assert told["answer"] == f"/push/ack/{'x' * 512}"
    assert told["body"]
    assert long.body.startswith(told["body"])


def test_a_key_that_is_no_point_costs_its_device_alone(tmp_path: Path, maker: PushHouse) -> None:
    browser = maker.browser()
    let_in(tmp_path, "t1", browser)
    bad = PushSubscription(
        maker.browser("bad").endpoint, text_of(b"\x04" + b"\xff" * 64), browser.subscription.auth
    )

    def with_bad(people: People) -> tuple[People, None]:
        open_ = people.with_code("K3V-Q7M-2XT", "anna", Role.CAREGIVER, NOW)
        admitted = open_.admit("K3V-Q7M-2XT", "t2", NOW)
        assert admitted is not None
        return admitted[0].subscribed("t2", bad), None

    PeopleFile(tmp_path).change(with_bad)
    service(tmp_path).send(ALARM)
    assert len(maker.told(browser)) == 1
    assert PeopleFile(tmp_path).now().devices("anna", NOW) == (browser.subscription,)
