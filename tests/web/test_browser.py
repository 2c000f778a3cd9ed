"""The page in a real browser: live, honest by its own clock, and for everybody's hands."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from detector.alert import AlertState
from detector.alerts.commands import (
    Acknowledge,
    CallForHelp,
    LabelEvent,
    MarkSpasm,
    PauseAlerts,
    SaidKind,
)
from detector.events import Kind
from detector.people.people import Role
from detector.status import StateWord, Status
from detector.store.log import of_alert

from .screens import ROOMS, alerting, device, opened, watching
from .stand import Bedroom, Stand, standing


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with standing(tmp_path) as made:
        made.call(lambda: made.room.show(Status(StateWord.WATCHING)))
        yield made


def as_person(
    chromium: Browser, stand: Stand, name: str = "anna", role: Role = Role.CAREGIVER, **more: str
) -> Page:
    return opened(device(chromium, stand, stand.let_in(name, role), **more), stand)  # type: ignore[arg-type]


def test_an_acknowledgement_on_one_device_is_seen_on_the_other_within_a_second(
    chromium: Browser, stand: Stand
) -> None:
    anna, sam = as_person(chromium, stand, "anna"), as_person(chromium, stand, "sam")
    alert = stand.call(stand.room.alarm)
    for page in (anna, sam):
        expect(page.locator(".alert .answer")).to_have_text("Nobody has answered yet.")
    begun_s = time.monotonic()
    anna.get_by_role("button", name="I'm on it").click()
    expect(sam.locator(".alert .answer")).to_have_text("anna is on it.", timeout=1000)
    assert time.monotonic() - begun_s < 1.0
    expect(anna.locator(".alert .answer")).to_have_text("anna is on it.")
    expect(anna.get_by_role("button", name="I'm on it")).to_be_hidden()
    expect(anna.locator("#told")).to_have_text("Everybody sees that you are on it.")
    assert stand.room.obeyed == [Acknowledge(by="anna", alert=alert.id)]
    stand.call(stand.room.alerts.clear)


def test_a_page_says_no_signal_by_itself_when_the_service_is_frozen(
    chromium: Browser, tmp_path: Path
) -> None:
    given = [sys.executable, "-m", "tests.web.stand", str(tmp_path)]
    with subprocess.Popen(
        given, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            address, token = process.stdout.readline().split()
            frozen = Stand(address, tmp_path, None, None, None)  # type: ignore[arg-type]
            page = opened(device(chromium, frozen, token), frozen)
            expect(page.locator("#word")).to_have_text("Watching")
            os.kill(process.pid, signal.SIGSTOP)
            expect(page.locator("#word")).to_have_text("No signal – not watching", timeout=15_000)  # noqa: RUF001
            expect(page.locator("#state")).to_have_attribute("data-state", "no_signal")
            expect(page.locator("#shape")).to_have_text("✕")
            expect(page.locator("#age")).to_contain_text("Last heard")
            assert page.title() == "No signal – spasmwatch"  # noqa: RUF001
            page.get_by_role("button", name="Mark a spasm now").click()
            expect(page.locator("#told")).to_have_text(
                "Not done: spasmwatch does not answer.", timeout=12_000
            )
            os.kill(process.pid, signal.SIGCONT)
            expect(page.locator("#word")).to_have_text("Watching", timeout=15_000)
        finally:
            process.kill()


def test_a_view_that_is_not_made_any_more_is_not_sent_again(
    chromium: Browser, stand: Stand
) -> None:
    page = as_person(chromium, stand)
    stand.call(lambda: setattr(stand.page.stream, "show", lambda _: None))
    expect(page.locator("#word")).to_have_text("No signal – not watching", timeout=15_000)  # noqa: RUF001


def test_everything_can_be_said_without_scripts(chromium: Browser, stand: Stand) -> None:
    event = stand.call(lambda: stand.room.move(Kind.CLONUS, timedelta(minutes=2), episode="e1"))
    alert = stand.call(lambda: stand.room.alarm(episode="e1"))
    context = chromium.new_context(java_script_enabled=False)
    token = stand.let_in()
    context.add_cookies([{"name": "spasmwatch", "value": token, "url": stand.address}])
    page = context.new_page()
    page.goto(stand.address)
    expect(page.locator(".alert .where")).to_have_text("left calf")
    for button in ("I'm on it", "Not a spasm", "Mark a spasm now", "Pause alerts 30 min"):
        page.get_by_role("button", name=button).click()
    assert stand.room.obeyed == [
        Acknowledge(by="anna", alert=alert.id),
        LabelEvent(by="anna", event=event.id, alert=alert.id, verdict=SaidKind.NOT_A_SPASM),
        MarkSpasm(by="anna"),
        PauseAlerts(by="anna", minutes=30),
    ]
    expect(page.locator("#word")).to_contain_text("Paused until")
    expect(page.get_by_role("link", name="Look again")).to_be_visible()
    page.get_by_role("button", name="Let this device go").click()
    assert page.url == f"{stand.address}/pair"


def test_the_wearer_calls_for_help_by_holding_finger_or_key_for_two_seconds(
    chromium: Browser, stand: Stand
) -> None:
    page = as_person(chromium, stand, "alex", Role.WEARER)
    button = page.locator("#help")
    button.click()
    button.focus()
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    assert stand.room.obeyed == [], "brushed over"
    page.keyboard.down(" ")
    expect(button).to_have_text("Keep holding")
    expect(page.locator("#told")).to_have_text("Help is called.", timeout=5000)
    page.keyboard.up(" ")
    assert stand.room.obeyed == [CallForHelp(by="alex")]
    button.hover()
    page.mouse.down()
    page.wait_for_timeout(2300)
    page.mouse.up()
    assert stand.room.obeyed == [CallForHelp(by="alex")] * 2


def test_an_alert_is_answered_by_keyboard_alone_and_keeps_the_focus(
    chromium: Browser, stand: Stand
) -> None:
    stand.call(stand.room.alarm)
    page = as_person(chromium, stand)
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "I'm on it":
            break
    expect(page.get_by_role("button", name="I'm on it")).to_be_focused()
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    stand.call(lambda: stand.room.alarm("spasm", rule=None))
    page.wait_for_timeout(500)
    expect(page.get_by_role("button", name="I'm on it").filter(visible=True)).to_have_count(2)
    assert page.evaluate("document.activeElement.textContent") == "I'm on it"
    page.keyboard.press("Enter")
    expect(page.locator("#told")).to_have_text("Everybody sees that you are on it.")


def test_who_is_removed_sees_nothing_any_more(chromium: Browser, stand: Stand) -> None:
    page = as_person(chromium, stand)
    stand.people().change(lambda people: (people.without("anna"), None))
    page.wait_for_url("**/pair", timeout=8000)


def test_a_code_from_a_link_is_filled_in_and_lets_the_device_in(
    chromium: Browser, stand: Stand
) -> None:
    context = device(chromium, stand, None)
    page = context.new_page()
    page.goto(f"{stand.address}/pair#{stand.open_code()}")
    assert "#" not in page.url
    page.get_by_role("button", name="Let this device in").click()
    expect(page.locator("footer strong")).to_have_text("anna")
    assert page.evaluate("document.cookie") == ""


def test_sound_begins_by_a_person_and_ends_on_this_device_alone(
    chromium: Browser, stand: Stand
) -> None:
    page = as_person(chromium, stand)
    stand.call(stand.room.alarm)
    silence = page.get_by_role("button", name="Silence this phone")
    page.wait_for_timeout(1200)
    expect(silence).to_be_hidden()
    page.get_by_role("button", name="Sound off").click()
    expect(page.get_by_role("button", name="Sound on")).to_have_attribute("aria-pressed", "true")
    silence.click()
    expect(silence).to_be_hidden()
    assert stand.room.obeyed == []


@pytest.mark.parametrize("name", ROOMS)
def test_it_fits_320_pixels_and_every_target_is_large(
    chromium: Browser, tmp_path: Path, name: str
) -> None:
    room, role = ROOMS[name]
    with standing(tmp_path, room()) as stand:
        page = as_person(chromium, stand, "anna", role, size="narrow")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        small = page.evaluate(
            """[...document.querySelectorAll('button, a.button, summary, input:not([type=hidden])')]
            .filter(each => each.offsetParent)
            .map(each => [each.textContent.trim(), each.getBoundingClientRect()])
            .filter(([, box]) => box.height < 44 || box.width < 44).map(([name]) => name)"""
        )
        assert small == []


def test_the_night_view_is_remembered(chromium: Browser, stand: Stand) -> None:
    page = as_person(chromium, stand)
    page.get_by_role("button", name="Night view").click()
    dark = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(dark) == "rgb(7, 10, 13)"
    page.reload()
    assert page.evaluate(dark) == "rgb(7, 10, 13)"
    expect(page.get_by_role("button", name="Day view")).to_be_visible()


def test_the_picture_and_its_table_say_the_same(chromium: Browser, tmp_path: Path) -> None:
    with standing(tmp_path, watching()) as stand:
        page = as_person(chromium, stand)
        page.get_by_text("The same as a table").click()
        rows = page.locator("#rows tr").all_inner_texts()
        assert len(page.locator("#marks rect").all()) == 6
        assert [row.split("\t")[1] for row in rows] == [
            "No signal", "Spasm", "Twitch", "Clonus", "Spasm", "Spasm", "Spasm",
        ]  # fmt: skip
        assert rows[0].startswith("00:31–00:52")  # noqa: RUF001
        states = page.locator("#spans rect").evaluate_all(
            "all => all.map(e => e.className.baseVal)"
        )
        assert states == ["watching", "no_signal", "watching"]


def test_the_strip_shows_the_last_movement_on_demand(chromium: Browser, stand: Stand) -> None:
    page = as_person(chromium, stand)
    assert page.locator("#movement rect").count() == 0
    page.get_by_text("Movement of the last two minutes").click()
    expect(page.locator("#movement rect")).to_have_count(5)
    expect(page.locator("#movement-words")).to_have_text(
        "The last two minutes; the strongest was 0.40 g. Stops by itself in 2 min."
    )
    page.get_by_text("Movement of the last two minutes").click()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(3500)
    assert not [url for url in asked if url.endswith("/movement")]


def test_the_strip_stops_by_itself(chromium: Browser, stand: Stand) -> None:
    context = device(chromium, stand, stand.let_in("anna"))
    page = context.new_page()
    page.clock.install()
    page.goto(stand.address)
    page.get_by_text("Movement of the last two minutes").click()
    expect(page.locator("#movement rect")).to_have_count(5)
    for _ in range(42):  # of 3 s each
        page.clock.fast_forward(3000)
        page.wait_for_timeout(20)
    expect(page.locator("#movement-details")).not_to_have_attribute("open", "")
    context.close()


def test_only_what_is_news_is_read_aloud(chromium: Browser, stand: Stand) -> None:
    page = as_person(chromium, stand)
    stand.call(stand.room.alarm)
    expect(page.locator("[role=alert]")).to_have_text(
        "Clonus lasting 60 s or longer. Nobody has answered yet."
    )
    live = page.locator("[role=alert], [role=status], [aria-live]")
    ids = live.evaluate_all("all => all.map(each => each.id)")
    news = ["state-news", "told", "alert-news", "notices-words"]
    assert ids == news, "no age, no clock, no quiet for so long"
    expect(page.locator("#state-news")).to_have_text("Watching.")


def test_an_alert_that_is_over_goes_from_every_page(chromium: Browser, tmp_path: Path) -> None:
    with standing(tmp_path, alerting()) as stand:
        page = as_person(chromium, stand)
        expect(page.locator(".alert")).to_have_count(1)

        def over() -> None:
            (alert,) = stand.room.alerts.values()
            stand.room.alerts.clear()
            stand.room.enter(of_alert(replace(alert, state=AlertState.RESOLVED)))

        stand.call(over)
        expect(page.locator(".alert")).to_have_count(0)


def test_each_hour_below_the_picture_is_one_line_up_to_its_edge(
    chromium: Browser, tmp_path: Path
) -> None:
    just_past = datetime(2026, 11, 21, 3, 29, tzinfo=UTC)
    room = Bedroom(now=lambda: just_past)
    room.show(Status(StateWord.WATCHING), ago=timedelta(hours=11))
    with standing(tmp_path, room) as stand:
        page = opened(device(chromium, stand, stand.let_in("anna"), size="narrow"), stand)
        hours = page.locator("#hours span")
        expect(hours.last).to_have_text("03:00")
        heights = hours.evaluate_all("all => all.map((each) => each.offsetHeight)")
        assert len(heights) > 1
        assert len(set(heights)) == 1
