"""A report as it is seen, for docs/: `python -m tests.report.screens docs/pages` draws it again."""

from __future__ import annotations

import sys
import tempfile
from datetime import date
from pathlib import Path

from detector.report.page import report_html
from detector.report.pdf import report_pictures
from detector.report.reported import ReportedNight

from ..web.screens import browser
from .long_night import long_night

SIZES = {"": (390, 844, "light"), "-320": (320, 640, "light"), "-night": (390, 844, "dark"),
         "-wide": (1100, 900, "light")}  # fmt: skip


def draw(folder: Path) -> None:
    """Draw the page on a phone, a narrow one, at night and on a wide screen, and the paper."""
    with tempfile.TemporaryDirectory() as temporary, browser() as chromium:
        house = long_night(Path(temporary), hours=8)
        nights = house.read()
        night = nights.report(date(2026, 11, 20))
        assert night is not None
        reported = ReportedNight(night, nights.trace)
        file = Path(temporary) / "night.html"
        file.write_text(report_html([reported]))
        for suffix, (width, height, scheme) in SIZES.items():
            context = chromium.new_context(
                viewport={"width": width, "height": height},
                color_scheme="dark" if scheme == "dark" else "light",
            )
            page = context.new_page()
            page.goto(file.as_uri())
            page.screenshot(path=folder / f"report{suffix}.png")
            context.close()
        (picture,) = report_pictures(reported)
        (folder / "report-paper.png").write_bytes(picture)


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
