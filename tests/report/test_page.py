"""The page and the paper: whole in one file, the same bytes, and no text of others is markup."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from detector.alerts.commands import NoteKind
from detector.block import EPOCH, Block, Timebase
from detector.events import Kind
from detector.report.gather import Nights
from detector.report.movement import Traced, seen_around, traced
from detector.report.page import report_html
from detector.report.pdf import report_pdf, report_pictures
from detector.report.reported import ReportedNight
from detector.report.trial import trial_of
from detector.words.nights import NOTICE_LONG

from ..kit.tools import lacking
from ..web.hostile import SCRIPTS, check
from ..web.screens import CHROMIUM, browser
from .long_night import BEGIN, long_night
from .made import HOUR, MIN, House, MadeNight, event, note

EVENING = date(2026, 11, 20)
MARKUP = [
    "#panic()",
    "#emph[x]",
    "*x*",
    "$x$",
    "= x",
    "]",
    "[",
    "\\",
    "@x",
    "<x>",
    "`x`",
    "//x",
    "~",
]
VOID = {"meta", "img", "br", "input", "link", "hr"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """Two hours of a recorded night after a fortnight of others."""
    return long_night(tmp_path_factory.mktemp("night"), hours=2)


@pytest.fixture(scope="module")
def reported(house: House) -> ReportedNight:
    nights = house.read()
    night = nights.report(EVENING)
    assert night is not None
    figures = {each: known for each, known in night.trend if known is not None}
    return ReportedNight(night, nights.trace, trial_of(figures, date(2026, 11, 14), EVENING))


def hostile(folder: Path) -> ReportedNight:
    """A night in which every text of others is markup for something."""
    texts = [each for each in (*SCRIPTS, *MARKUP) if each.isprintable()]
    house = House(folder)
    events = [
        event(Kind.CLONUS, BEGIN + n * 5 * MIN, 5.0 + n, sensor=text, reason=f"{text} " * 8)
        for n, text in enumerate((*SCRIPTS, *MARKUP), 1)
    ]
    said = [
        (BEGIN + n * MIN, note(((text + " ") * 20)[:500], NoteKind.MEDICATION))
        for n, text in enumerate(texts)
    ]
    house.keep(MadeNight(BEGIN, 8, events, [(6 * HOUR, 20 * MIN)], said))
    night = house.read().report(EVENING)
    assert night is not None
    return ReportedNight(replace(night, label=SCRIPTS[0]), lambda _: a_trace())


def a_trace() -> Traced:
    at_s = np.arange(-250, 1250) / 50
    moved = np.sin(2 * np.pi * 6 * at_s) * ((at_s > 0) & (at_s < 8)) * 0.3
    return Traced(((at_s, moved),), None)


class Elements(HTMLParser):
    """Tags with their attributes, and the text between them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_nothing_is_loaded_from_elsewhere_and_nothing_runs(
    reported: ReportedNight, tmp_path: Path
) -> None:
    for each in (reported, hostile(tmp_path)):
        page = report_html([each])
        found = Elements(page)
        assert found.open == []
        assert each is reported or SCRIPTS[0] in found.text  # as text
        names = {tag for tag, _ in found.tags}
        assert not names & {"script", "iframe", "object", "embed", "link", "base", "form", "img"}
        for tag, attributes in found.tags:
            for name, value in attributes.items():
                assert not name.startswith("on"), (tag, name)
                if name in {"src", "href", "xlink:href", "action", "data"}:
                    assert (value or "").startswith(("#", "data:image/png;base64,")), (tag, value)
        assert set(re.findall(r"url\((.)", page)) <= {"#"}
        assert "@import" not in page
        ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
        assert len(ids) == len(set(ids))


def test_every_picture_has_words_and_a_table_beside_it(reported: ReportedNight) -> None:
    page = report_html([reported])
    sections = re.findall(r"<section.*?</section>", page, re.DOTALL)
    drawn = [section for section in sections if "<figure>" in section]
    assert len(drawn) == 5  # the night, hours, the longest, fourteen nights, before and after
    for section in drawn:
        assert section.count("<table>") >= section.count("<figure>")
    pictures = [found for tag, found in Elements(page).tags if found.get("role") == "img"]
    assert len(pictures) == page.count("<svg ") == 7
    assert all(len(each["aria-label"] or "") > 20 for each in pictures)


def test_the_page_ends_with_the_notice(reported: ReportedNight) -> None:
    text = " ".join(Elements(report_html([reported])).text.split())
    assert text.endswith(NOTICE_LONG)
    assert "Misses" not in text
    assert text.count("misses") >= 4


def test_the_same_night_gives_the_same_bytes_in_every_process(house: House) -> None:
    words = (
        "import hashlib, sys; from pathlib import Path; from datetime import date\n"
        "from tests.report.made import House; from detector.report.page import report_html\n"
        "from detector.report.pdf import report_pdf\n"
        "from detector.report.reported import ReportedNight\n"
        "nights = House(Path(sys.argv[1])).read()\n"
        "night = nights.report(date(2026, 11, 20)); each = ReportedNight(night, nights.trace)\n"
        "print(hashlib.sha256(report_html([each]).encode() + report_pdf(each)).hexdigest())"
    )
    root = Path(__file__).parents[2]
    said = {
        subprocess.run(
            [sys.executable, "-c", words, str(house.folder)],
            env={"PYTHONHASHSEED": seed, "HOME": str(house.folder), "PATH": ""},
            cwd=root,
            capture_output=True,
            check=True,
            timeout=100,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1
    assert len(said.pop()) == 65


def test_the_paper_is_one_page_by_typsts_own_check_whatever_others_wrote(
    reported: ReportedNight, tmp_path: Path
) -> None:
    for each in (reported, hostile(tmp_path)):
        made = report_pdf(each)  # it raises where it is no PDF/UA-1
        assert made.startswith(b"%PDF-")
        assert b"pdfuaid" in made
        (picture,) = report_pictures(each)
        assert picture.startswith(b"\x89PNG")


def test_a_night_of_which_only_events_are_kept_still_has_a_page(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.keep(MadeNight(BEGIN, 0.2, [event(Kind.SPASM, BEGIN + MIN)]))
    night = house.read(datetime(2026, 11, 21, 12, tzinfo=UTC)).report(EVENING)
    assert night is not None
    bare = replace(night, coverage=replace(night.coverage, states=(), is_known=False), hours=())
    page = report_html([ReportedNight(bare)])
    assert "no longer known" in page
    assert report_pdf(ReportedNight(bare)).startswith(b"%PDF-")


def test_a_rhythm_is_where_the_spectrogram_is_strongest() -> None:
    fs, onset_s = 50.0, 30.0
    at_s = np.arange(round(60 * fs)) / fs
    samples = np.random.default_rng(1).normal(0, 0.002, (len(at_s), 3))
    samples[:, 2] += 1.0
    beats = (at_s >= onset_s) & (at_s < onset_s + 10)
    samples[beats, 1] += 0.3 * np.sin(2 * np.pi * 6 * at_s[beats])
    onset = EPOCH.replace(second=30)
    seen = seen_around([Block(samples, 0, fs)], Timebase(fs, 0), onset)
    shown = traced(seen, 10.0)
    assert shown.spectrum is not None
    times, hz, decibels = shown.spectrum
    inside = (times > 1) & (times < 9)
    assert np.all(np.abs(hz[decibels[:, inside].argmax(axis=0)] - 6) <= 0.5)
    assert decibels[:, times < -2].max() < -15
    (piece,) = shown.pieces
    assert piece[0][0] == pytest.approx(-5.0)


def test_the_page_is_clean_by_axe_fits_320_pixels_and_runs_nothing(
    reported: ReportedNight, tmp_path: Path
) -> None:
    if not CHROMIUM.exists():
        lacking(f"{CHROMIUM} is missing: apt-get install chromium")
    pages = {"whole": reported, "hostile": hostile(tmp_path / "hostile")}
    for name, each in pages.items():
        (tmp_path / f"{name}.html").write_text(report_html([each]))
    with browser() as chromium:
        for name, width, dark in (
            ("whole", 320, False), ("whole", 1200, True), ("hostile", 320, True),
        ):  # fmt: skip
            context = chromium.new_context(
                viewport={"width": width, "height": 900},
                color_scheme="dark" if dark else "light",
                bypass_csp=True,  # for axe alone, which is a script
            )
            asked: list[str] = []
            page = context.new_page()
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            page.goto((tmp_path / f"{name}.html").as_uri())
            check(page)
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, (name, width)
            assert page.evaluate("window.ran") is None
            assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
            context.close()


def test_several_nights_are_one_page_with_a_heading_each(house: House) -> None:
    nights: Nights = house.read()
    found = [nights.report(day) for day in (date(2026, 11, 19), EVENING)]
    page = report_html([ReportedNight(night) for night in found if night is not None])
    assert page.count("<article") == 2
    assert page.count("<h1") == 1
    ids = [found["id"] for _, found in Elements(page).tags if "id" in found]
    assert len(ids) == len(set(ids))
