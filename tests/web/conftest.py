"""A real browser for a module's tests; without one they are skipped, or fail in CI."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from ..kit.tools import lacking
from .screens import CHROMIUM, browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        lacking(f"{CHROMIUM} is missing: apt-get install chromium")
    with browser() as found:
        yield found
