"""Several wearers on one screen: honest about each, and answered where there is a key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from detector.alerts.commands import Acknowledge
from detector.people.people import Role
from detector.receiver.news import Absence, ServiceState
from detector.status import StateWord, Status
from detector.web.access.guard import form_token
from detector.web.household.neighbours import Neighbour, card_of

from .corridor import BEN, CHRIS, an_alert, corridor, followed
from .hostile import SCRIPTS, VIEWS, check
from .screens import device
from .stand import Stand, ask, standing

LOST = "No signal – not watching"  # noqa: RUF001


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with standing(tmp_path, corridor()) as made:
        made.call(lambda: made.room.show(Status(StateWord.WATCHING)))
        yield made


def everybody(
    chromium: Browser, stand: Stand, role: Role = Role.CAREGIVER, name: str = "anna", **more: object
) -> Page:
    context = device(chromium, stand, stand.let_in(name, role), **more)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{stand.address}/everybody")
    expect(page.locator(".person .age").first).to_contain_text("Data")
    return page


def test_each_has_a_card_with_word_shape_colour_age_and_what_is_open(
    chromium: Browser, stand: Stand
) -> None:
    page = everybody(chromium, stand)
    people = page.locator(".person")
    expect(people).to_have_count(3)
    expect(page.locator(".person .label")).to_have_text(
        ["Anna's room", "Ben's room", "Chris' room"]
    )
    expect(page.locator(".person .words")).to_have_text(["Watching", "Clonus", LOST])
    expect(page.locator(".person .word .shape")).to_have_text(["●", "◆", "✕"])
    colours = page.locator(".person .head").evaluate_all(
        "all => all.map(each => getComputedStyle(each).backgroundColor)"
    )
    assert len(set(colours)) == 3
    expect(page.locator(".person .age").nth(2)).to_contain_text("Data 5 min old")
    expect(page.locator(".waits .title")).to_have_text(["Clonus lasting 60 s or longer"])
    expect(page.locator(".waits .since")).to_contain_text("2 min ago")
    expect(page.locator(".person .note").nth(1)).to_have_text(
        "Answers from here are told there as corridor."
    )
    expect(page.locator(".person .note").nth(2)).to_contain_text("cannot answer for them")
    expect(page).to_have_title("1 without an answer, 1 of 3 not watched. – spasmwatch")  # noqa: RUF001
    live = page.locator("[role=alert]")
    expect(live).to_have_text("Ben's room: Clonus lasting 60 s or longer. Nobody has answered yet.")


def test_an_alert_of_another_wearer_is_answered_here_and_seen_on_every_page(
    chromium: Browser, stand: Stand
) -> None:
    page = everybody(chromium, stand)
    other = everybody(chromium, stand, Role.READ_ONLY, "sam")
    expect(other.get_by_role("button", name="I'm on it")).to_have_count(0)
    page.get_by_role("button", name="I'm on it for Ben's room").click()
    expect(page.locator("#told")).to_have_text("Everybody sees that you are on it.")
    stand.call(lambda: None)
    for each in (page, other):
        expect(each.locator(".waits .answer")).to_have_text("corridor is on it.")
    expect(page.get_by_role("button", name="I'm on it")).to_be_hidden()
    room = stand.room
    assert room.said == [(BEN, Acknowledge(by="anna", alert="a1b2c3"))]  # type: ignore[attr-defined]
    assert room.obeyed == []


def test_the_own_wearers_alert_is_answered_here_too(chromium: Browser, stand: Stand) -> None:
    alert = stand.call(stand.room.alarm)
    page = everybody(chromium, stand)
    page.get_by_role("button", name="I'm on it for Anna's room").click()
    expect(page.locator('.person[data-wearer="own"] .answer')).to_have_text("anna is on it.")
    assert stand.room.obeyed == [Acknowledge(by="anna", alert=alert.id)]


def test_what_was_not_obeyed_there_is_said_here(chromium: Browser, stand: Stand) -> None:
    stand.room.answers = lambda: "this alert is over already"  # type: ignore[attr-defined]
    page = everybody(chromium, stand)
    page.get_by_role("button", name="I'm on it for Ben's room").click()
    expect(page.locator("#told")).to_have_text("Not done: this alert is over already.")


def test_no_card_says_that_somebody_is_watched_when_nothing_comes(
    chromium: Browser, stand: Stand
) -> None:
    page = everybody(chromium, stand)
    household = stand.page.household
    assert household is not None
    stand.call(lambda: setattr(household.stream, "show", lambda _: None))
    expect(page.locator(".person .words")).to_have_text([LOST] * 3, timeout=15_000)
    expect(page.locator("#lost-words")).to_contain_text("hears nothing from spasmwatch")
    assert page.title() == "No signal – spasmwatch"  # noqa: RUF001


def test_the_own_page_says_who_else_needs_somebody(chromium: Browser, stand: Stand) -> None:
    context = device(chromium, stand, stand.let_in())
    page = context.new_page()
    page.goto(stand.address)
    expect(page.locator("#others")).to_have_text(
        f"Ben's room: Clonus lasting 60 s or longer. Chris' room: {LOST}."
    )
    room = stand.room
    quiet = {BEN: Neighbour(BEN, "Ben", followed())}
    stand.call(lambda: setattr(room, "neighbours", quiet))
    expect(page.locator("#others")).to_be_hidden()
    page.get_by_role("link", name="Everybody").click()
    expect(page.locator(".person")).to_have_count(2)


def test_everything_can_be_said_without_scripts(chromium: Browser, stand: Stand) -> None:
    context = chromium.new_context(java_script_enabled=False)
    context.add_cookies([{"name": "spasmwatch", "value": stand.let_in(), "url": stand.address}])
    page = context.new_page()
    page.goto(f"{stand.address}/everybody")
    page.get_by_role("button", name="I'm on it for Ben's room").click()
    stand.call(lambda: None)
    page.get_by_role("link", name="Look again").click()
    expect(page.locator(".waits .answer")).to_have_text("corridor is on it.")


def test_axe_finds_nothing_it_fits_320_pixels_and_every_target_is_large(
    chromium: Browser, stand: Stand
) -> None:
    stand.call(stand.room.alarm)
    for dark, size in VIEWS:
        page = everybody(chromium, stand, dark=dark, size=size)
        check(page)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= (320 if size == "narrow" else 390)
        small = page.evaluate(
            """[...document.querySelectorAll('button, a.button, summary')]
            .filter(each => each.offsetParent)
            .map(each => [each.textContent.trim(), each.getBoundingClientRect()])
            .filter(([, box]) => box.height < 44 || box.width < 44).map(([name]) => name)"""
        )
        assert small == []
        page.context.close()


def test_nothing_that_another_service_says_runs(chromium: Browser, tmp_path: Path) -> None:
    room = corridor()
    now = room.now()
    for number, text in enumerate(SCRIPTS[:10]):
        wearer = "abcdefghij"[number] * 10
        alert = an_alert(now, id=text, kind=text, rule=text, reason=text, by=text)
        paused = ServiceState(StateWord.PAUSED, text, now + timedelta(minutes=5))
        shown = [
            ServiceState(StateWord.NO_SIGNAL, text),
            ServiceState(StateWord.SPASM, text),
            paused,
        ]
        state = shown[number % 3]
        room.neighbours[wearer] = Neighbour(
            wearer, text, followed(state=state, alerts=(alert,)), by=text
        )
    with standing(tmp_path, room) as stand:
        context = device(chromium, stand, stand.let_in())
        page = context.new_page()
        problems: list[str] = []
        page.on("console", lambda said: problems.append(said.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        for path in ("/everybody", "/"):
            page.goto(stand.address + path)
            expect(page.locator(".age, #age").first).to_contain_text("Data")
            page.wait_for_timeout(100)
            assert page.evaluate("window.ran") is None
            assert problems == []
            assert page.locator("main img, main iframe, main a[href^=javascript]").count() == 0
        context.close()


def test_nobody_answers_who_is_not_let_in_not_allowed_or_from_elsewhere(stand: Stand) -> None:
    port, alert = stand.port, {"alert": "a1b2c3"}
    path = f"/everybody/{BEN}/ack"
    assert ask(port, "/everybody").headers["location"] == "/pair"
    assert ask(port, "/everybody/stream").status == 401
    assert ask(port, path, method="POST", form=alert).status == 401
    token = stand.let_in()
    assert ask(port, path, method="POST", form=alert, token=token).status == 403, "no form token"
    for role, expected in ((Role.READ_ONLY, 403), (Role.WEARER, 403)):
        session = stand.let_in(role.value, role)
        form = alert | {"token": form_token(session)}
        assert ask(port, path, method="POST", form=form, token=session).status == expected
    form = alert | {"token": form_token(token)}
    elsewhere = {"Origin": "http://evil.example"}
    assert ask(port, path, method="POST", form=form, token=token, headers=elsewhere).status == 403
    for wearer in (CHRIS, "zzzzzzzzzz", "..", "%2e%2e"):
        answer = ask(port, f"/everybody/{wearer}/ack", method="POST", form=form, token=token)
        assert answer.status in (404, 409), wearer
    for name in ("pause", "help"):
        answer = ask(port, f"/everybody/{BEN}/{name}", method="POST", form=form, token=token)
        assert answer.status == 404
    assert stand.room.said == []  # type: ignore[attr-defined]
    assert ask(port, path, method="POST", form=form, token=token).status == 303
    assert len(stand.room.said) == 1  # type: ignore[attr-defined]


def test_a_page_that_follows_nobody_has_no_such_address(chromium: Browser, tmp_path: Path) -> None:
    with standing(tmp_path) as stand:
        token = stand.let_in()
        assert ask(stand.port, "/everybody", token=token).status == 404
        assert "Everybody" not in ask(stand.port, "/", token=token).body


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (ServiceState(Absence.STOPPED, "a person has stopped it"), LOST),
        (ServiceState(StateWord.PAUSED, None, None), LOST),
        (ServiceState(StateWord.NO_SIGNAL, None), LOST),
        (ServiceState(StateWord.SPASM, "beats"), "Spasm"),
    ],
)
def test_what_is_not_known_is_not_called_watched(state: ServiceState, words: str) -> None:
    room = corridor()
    neighbour = replace(room.neighbours[CHRIS], followed=followed(state=state))
    assert card_of(neighbour, room.now(), None)["words"] == words
    watching = replace(neighbour, followed=followed(), trouble="its key cannot be read")
    shown = card_of(watching, room.now(), None)
    assert (shown["words"], shown["answers"]) == (LOST, False)
    assert shown["detail"] == "Its key cannot be read."
    many = tuple(an_alert(room.now(), id=f"a{n}", kind="x" * 5000) for n in range(50))
    long = card_of(replace(neighbour, followed=followed(alerts=many)), room.now(), None)
    assert (len(long["alerts"]), long["more"]) == (8, True)
    assert len(long["alerts"][0]["title"]) < 300
