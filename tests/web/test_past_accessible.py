"""Screens of what was are clean by axe, fit 320 px, and have targets that a thumb hits."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser

from .hostile import VIEWS, check
from .past_screens import PAST, history
from .screens import device, opened
from .stand import standing


def test_axe_finds_nothing_on_any_screen_of_the_past(chromium: Browser, tmp_path: Path) -> None:
    room, event = history(tmp_path)
    with standing(tmp_path, room) as stand:
        token = stand.let_in("anna")
        for name, path in PAST.items():
            for dark, size in VIEWS:
                context = device(chromium, stand, token, dark=dark, size=size)
                page = opened(context, stand, path + (event if name == "event" else ""))
                for summary in page.locator("summary").all():
                    summary.click()
                check(page)
                wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                assert wide <= 0, (name, size)
                small = page.evaluate(
                    "[...document.querySelectorAll('main a, main button, nav a, summary')]"
                    ".filter(e => e.getBoundingClientRect().height < 43.5).map(e => e.outerHTML)"
                )
                assert small == []
                context.close()
