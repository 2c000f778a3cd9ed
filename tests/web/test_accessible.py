"""Every screen is clean by axe, and nothing that comes from outside runs in it."""

from __future__ import annotations

from datetime import UTC, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, expect

from detector.alert import AlertClass, Level
from detector.alerts.commands import AddNote
from detector.evenings import evening_of
from detector.events import Kind
from detector.people.people import Role
from detector.status import StateWord, Status

from .hostile import SCRIPTS, VIEWS, check
from .screens import ROOMS, device, opened
from .stand import Bedroom, standing


@pytest.mark.parametrize("name", ROOMS)
def test_axe_finds_nothing_on_any_screen(chromium: Browser, tmp_path: Path, name: str) -> None:
    room, role = ROOMS[name]
    with standing(tmp_path, room()) as stand:
        token = stand.let_in("anna", role)
        for dark, size in VIEWS:
            context = device(chromium, stand, token, dark=dark, size=size)
            page = opened(context, stand)
            for summary in page.locator("summary").all():
                summary.click()
            check(page)
            context.close()


@pytest.mark.parametrize("path", ["/pair", "/no-such-page", "/static/offline.html"])
def test_axe_finds_nothing_before_somebody_is_let_in(
    chromium: Browser, tmp_path: Path, path: str
) -> None:
    with standing(tmp_path) as stand:
        for dark, size in VIEWS:
            context = device(chromium, stand, None, dark=dark, size=size)
            check(opened(context, stand, path))
            context.close()
        context = device(chromium, stand, None)
        page = opened(context, stand, "/pair")
        page.get_by_label("Code").fill("000-000-000")
        page.get_by_role("button").click()
        assert "not known" in page.inner_text("[role=alert]")
        check(page)
        context.close()


@pytest.mark.parametrize("texts", [SCRIPTS[at : at + 6] for at in range(0, len(SCRIPTS), 6)])
def test_no_name_label_note_or_reason_runs(
    chromium: Browser, tmp_path: Path, texts: list[str]
) -> None:
    room = Bedroom(label=" ".join(texts), sensors=tuple(texts))
    room.show(Status(StateWord.NO_SIGNAL, why=" ".join(texts)))
    for number, text in enumerate(texts):
        episode = f"e{number}"
        room.move(Kind.CLONUS, timedelta(minutes=3), sensor=text, episode=episode, reason=text)
        room.alarm(text, rule=text, reason=text, episode=episode, by=text)
        technical = {"alert_class": AlertClass.TECHNICAL, "level": Level.MEDIUM, "rule": None}
        room.alarm(text, reason=text, **technical)
        if text.isprintable():
            room.obey(AddNote(by="sam", text=text))
    with standing(tmp_path, room) as stand:
        context = device(chromium, stand, stand.let_in("anna", Role.CAREGIVER))
        page = context.new_page()
        problems: list[str] = []
        page.on("console", lambda said: problems.append(said.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("dialog", lambda dialog: problems.append(dialog.message))
        page.goto(stand.address)
        expect(page.locator("#age")).to_contain_text("Data")
        page.wait_for_timeout(100)
        events = [each["id"] for each in room.view()["timeline"]["marks"]]
        past = ["/nights", *(f"/events/{quote(each, safe='')}" for each in events)]
        evening = evening_of(room.now() - timedelta(minutes=3), UTC)
        for address in (*past, f"/nights/{evening}", "/"):
            page.goto(stand.address + address)
            assert page.evaluate("window.ran") is None
        assert problems == []
        assert page.locator("script:not([src])").count() == 0
        assert page.locator("main img, main iframe, main a[href^=javascript]").count() == 0
        context.close()
