"""Every screen of the page, furnished: for pictures in docs/ and for checks of each.

`python -m tests.web.screens docs/pages` draws them again.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from detector.alert import AlertClass, Level
from detector.alerts.commands import Acknowledge, AddNote, MarkSpasm, NoteKind
from detector.events import Kind
from detector.people.people import Role
from detector.status import StateWord, Status, Vitals

from .corridor import corridor
from .first_steps import FirstSteps
from .no_night import FAILURES, failing, serving
from .stand import Bedroom, Stand, standing

CHROMIUM = Path("/usr/bin/chromium")
NOW = datetime(2026, 11, 21, 3, 41, 20, tzinfo=UTC)
MIN = timedelta(minutes=1)
SIZES = {"phone": (390, 844), "narrow": (320, 640), "wide": (1100, 900)}


def a_night() -> Bedroom:
    """Return half a night with a gap, a pause and a few spasms."""
    room = Bedroom(now=lambda: NOW, monitored_s=4 * 3600 + 600, sensors=("left-calf",))
    room.show(Status(StateWord.WATCHING), 281 * MIN)
    room.move(Kind.SPASM, 250 * MIN, 2.4)
    room.move(Kind.TWITCH, 214 * MIN, 0.4)
    room.show(Status(StateWord.NO_SIGNAL, why="the sensor is not heard"), 190 * MIN)
    room.show(Status(StateWord.WATCHING), 169 * MIN)
    room.move(Kind.CLONUS, 155 * MIN, 13.0)
    for ago in (133, 131, 130.2):
        room.move(Kind.SPASM, ago * MIN, 3.1)
    room.counts[Kind.TURN] = 7
    return room


def watching() -> Bedroom:
    room = a_night()
    room.obey(AddNote(by="sam", text="baclofen, 10 mg", kind=NoteKind.MEDICATION))
    return room


def alerting() -> Bedroom:
    room = a_night()
    event = room.move(Kind.CLONUS, 2 * MIN, 66.0, episode="e1")
    room.status = Status(StateWord.SPASM, why="steady beats, about 6 a second", kind=Kind.CLONUS)
    room.alarm(raised_at=NOW - MIN, episode=event.episode)
    return room


def answered() -> Bedroom:
    room = alerting()
    room.obey(Acknowledge(by="sam"))
    room.obey(MarkSpasm(by="anna"))
    room.status = Status(StateWord.WATCHING)
    room.alarm(
        "battery",
        alert_class=AlertClass.TECHNICAL,
        level=Level.LOW,
        rule=None,
        raised_at=NOW - 42 * MIN,
        reason="the sensor's battery is at 18 %: charge or change it",
    )
    return room


def lost() -> Bedroom:
    room = a_night()
    why = "The sensor is not heard. Is it on, near, and not connected to a phone?"
    room.show(Status(StateWord.NO_SIGNAL, why=why), 4 * MIN)
    room.vitals = Vitals(data_age_s=262.0, battery_percent=86)
    room.alarm(
        "no-signal",
        alert_class=AlertClass.TECHNICAL,
        rule="no-signal >= 2min",
        raised_at=NOW - 2 * MIN,
        reason="no-signal >= 2min: the sensor is not heard",
    )
    return room


def paused() -> Bedroom:
    room = a_night()
    until = NOW + 24 * MIN
    room.show(Status(StateWord.PAUSED, why="by sam", until=until), 6 * MIN)
    return room


ROOMS: dict[str, tuple[Callable[[], Bedroom], Role]] = {
    "watching": (watching, Role.CAREGIVER),
    "alert": (alerting, Role.CAREGIVER),
    "answered": (answered, Role.CAREGIVER),
    "no-signal": (lost, Role.CAREGIVER),
    "paused": (paused, Role.READ_ONLY),
    "wearer": (watching, Role.WEARER),
}


KEPT = {
    ("watching", "-night"), ("alert", "-night"), ("no-signal", "-night"), ("wearer", "-night"),
    ("alert", "-320"), ("watching", "-wide"),
}  # fmt: skip
"""Pictures of the page that are kept beside the light one of each screen."""


@contextmanager
def browser() -> Iterator[Browser]:
    """Debian's chromium, with this computer alone."""
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            yield chromium
        finally:
            chromium.close()


def device(
    chromium: Browser, stand: Stand, token: str | None, *, dark: bool = False, size: str = "phone"
) -> BrowserContext:
    """Return a browser's context that is let in."""
    width, height = SIZES[size]
    context = chromium.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        permissions=["notifications"],
    )
    if token is not None:
        context.add_cookies(
            [{"name": "spasmwatch", "value": token, "url": stand.address, "sameSite": "Strict"}]
        )
    return context


def opened(context: BrowserContext, stand: Stand, path: str = "/") -> Page:
    """Return a page that is live."""
    page = context.new_page()
    page.goto(stand.address + path)
    if path == "/":
        expect(page.locator("#age")).to_contain_text("Data")  # by the script: a view has come
        expect(page.locator("#notices .words")).not_to_be_empty()
    return page


def draw(folder: Path) -> None:
    """Draw every screen on a phone, and some at night, at 320 px and on a wide screen."""
    folder.mkdir(parents=True, exist_ok=True)
    with browser() as chromium:
        for name, (room, role) in ROOMS.items():
            with tempfile.TemporaryDirectory() as data, standing(Path(data), room()) as stand:
                token = stand.let_in("anna", role)
                for suffix, dark, size in (
                    ("", False, "phone"),
                    ("-night", True, "phone"),
                    ("-320", False, "narrow"),
                    ("-wide", False, "wide"),
                ):
                    if suffix and (name, suffix) not in KEPT:
                        continue
                    context = device(chromium, stand, token, dark=dark, size=size)
                    page = opened(context, stand)
                    page.screenshot(path=folder / f"{name}{suffix}.png", full_page=suffix == "-320")
                    context.close()
                if name == "watching":
                    context = device(chromium, stand, None)
                    page = opened(context, stand, "/pair")
                    page.screenshot(path=folder / "pair.png")
                    context.close()


def draw_everybody(folder: Path) -> None:
    """Draw the page of several wearers."""
    with browser() as chromium, tempfile.TemporaryDirectory() as data:
        room = corridor(lambda: NOW)
        room.show(Status(StateWord.WATCHING), 90 * MIN)
        with standing(Path(data), room) as stand:
            for suffix, dark, size in (
                ("", False, "phone"),
                ("-night", True, "phone"),
                ("-320", False, "narrow"),
                ("-wide", False, "wide"),
            ):
                context = device(chromium, stand, stand.let_in(), dark=dark, size=size)
                page = opened(context, stand, "/everybody")
                expect(page.locator(".age").first).to_contain_text("Data")
                page.screenshot(path=folder / f"everybody{suffix}.png", full_page=True)
                context.close()


def draw_no_night(folder: Path) -> None:
    """Draw what the page shows while there is no night."""
    with browser() as chromium:
        for name, failure in FAILURES.items():
            with tempfile.TemporaryDirectory() as data:
                where = Path(data)
                with serving(lambda f=failure, w=where: failing(f(w), w)) as address:  # type: ignore[misc]
                    for suffix, dark, size in (
                        ("", False, "phone"),
                        ("-night", True, "phone"),
                        ("-320", False, "narrow"),
                    ):
                        if suffix and name != "failure":
                            continue
                        width, height = SIZES[size]
                        page = chromium.new_page(
                            viewport={"width": width, "height": height},
                            color_scheme="dark" if dark else "light",
                        )
                        page.goto(address)
                        page.screenshot(path=folder / f"{name}{suffix}.png", full_page=True)
                        page.close()


def draw_first_settings(folder: Path) -> None:
    """Draw the first settings, step by step."""
    with browser() as chromium:
        for suffix, dark, size in (
            ("", False, "phone"),
            ("-night", True, "phone"),
            ("-320", False, "narrow"),
        ):
            with tempfile.TemporaryDirectory() as data:
                steps = FirstSteps(Path(data))
                width, height = SIZES[size]
                with serving(steps.make) as address:
                    page = chromium.new_page(
                        viewport={"width": width, "height": height},
                        color_scheme="dark" if dark else "light",
                    )
                    page.goto(f"{address}/?key={steps.key}")
                    page.get_by_role("button", name="Look for sensors").click()
                    page.get_by_label("Your own name").fill("sam")
                    page.screenshot(path=folder / f"first{suffix}.png", full_page=True)
                    if not suffix:
                        page.get_by_role("button", name="Look at its samples").click()
                        expect(page.locator("pre")).to_be_visible()
                        page.screenshot(path=folder / "first-written.png", full_page=True)
                    page.close()


if __name__ == "__main__":
    from .past_screens import draw_past
    from .review_screens import draw_review

    draw(Path(sys.argv[1]))
    draw_everybody(Path(sys.argv[1]))
    draw_no_night(Path(sys.argv[1]))
    draw_first_settings(Path(sys.argv[1]))
    draw_past(Path(sys.argv[1]))
    draw_review(Path(sys.argv[1]))
