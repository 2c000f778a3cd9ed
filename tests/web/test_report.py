"""A night's report on the page: the same as in a file, while the night goes on, or a sentence."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from detector.evaluation.wearing import context_hours
from detector.events import Kind, Origin
from detector.report.gather import NightPlace, Nights
from detector.report.page import report_html
from detector.report.reported import ReportedNight
from detector.service.presentation import report_maker
from detector.service.presentation.report_maker import MOST_WAITING, ReportMaker
from detector.status import StateWord, Status
from detector.store.state import State
from detector.web.history.asked import BusyError, LostError

from .stand import Bedroom, ask, standing

NOW = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
EVENING = date(2026, 11, 20)


def place(folder: Path) -> NightPlace:
    return NightPlace(
        state=folder / "state.sqlite",
        recordings=folder / "nights",
        origin=Origin.LIVE,
        zone=None,
        label="bedroom",
        site="ankle",
        model="learned-v1",
    )


def a_room(folder: Path) -> Bedroom:
    """A night that is under way, and kept on disk by its service."""
    room = Bedroom(now=lambda: NOW, state=State.open(folder / "state.sqlite"), place=place(folder))
    room.show(Status(StateWord.WATCHING), 8 * HOUR)
    room.move(Kind.CLONUS, 5 * HOUR, 12.0, reason="steady <b>beats</b>")
    room.move(Kind.SPASM, 3 * HOUR, 2.0)
    return room


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def test_the_page_links_to_a_report_that_is_the_same_as_in_a_file(tmp_path: Path) -> None:
    room = a_room(tmp_path)
    with standing(tmp_path / "page", room) as stand:
        token = stand.let_in()
        night = ask(stand.port, f"/nights/{EVENING}", token=token)
        assert f'href="/nights/{EVENING}/report"' in night.body
        answer = ask(stand.port, f"/nights/{EVENING}/report", token=token, within_s=90.0)
        assert answer.status == 200, answer.body
        reported = Nights(place(tmp_path), context_hours, NOW).report(EVENING)
        assert reported is not None
        assert answer.body == report_html([ReportedNight(reported)])
        assert "Steady &lt;b&gt;beats" in answer.body
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "sandbox" in policy
        assert "script-src" not in policy
        unknown = f"/nights/{date(2020, 1, 1)}/report"
        assert ask(stand.port, unknown, token=token, within_s=90.0).status == 404
        assert ask(stand.port, "/nights/2026-13-01/report", token=token).status == 404
        assert ask(stand.port, f"/nights/{EVENING}/report").status == 303
    room.state.close()


def test_a_night_in_memory_has_no_report_and_says_why(tmp_path: Path) -> None:
    room = Bedroom(now=lambda: NOW, place=place(tmp_path))
    room.show(Status(StateWord.WATCHING), 8 * HOUR)
    with standing(tmp_path, room) as stand:
        answer = ask(stand.port, f"/nights/{EVENING}/report", token=stand.let_in())
        assert answer.status == 503
        assert "in memory only" in answer.body


def a_child(
    folder: Path, monkeypatch: pytest.MonkeyPatch, words: str, longest_s: float = 30.0
) -> ReportMaker:
    """A maker whose process does something else."""
    (folder / "the_child.py").write_text(words)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setattr(report_maker, "CHILD", "the_child")
    return ReportMaker(place(folder), longest_s=longest_s)


def test_a_process_that_hangs_is_ended_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "pid"
    maker = a_child(
        tmp_path, monkeypatch,
        f"import os, time; open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(60)",
        longest_s=5.0,
    )  # fmt: skip
    with pytest.raises(LostError, match="longer than"):
        asyncio.run(maker.html(EVENING))
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), signal.SIG_DFL)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("import sys; sys.stderr.write('no such thing\\n'); sys.exit(1)", "no such thing"),
        ("raise ValueError('a fault')", "a fault"),
        ("import os; os.kill(os.getpid(), 9)", "it ended"),
    ],
)
def test_a_process_that_fails_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, said: str
) -> None:
    maker = a_child(tmp_path, monkeypatch, words)
    with pytest.raises(LostError, match=said):
        asyncio.run(maker.html(EVENING))


def test_few_wait_for_a_report_and_one_process_runs_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = (
        "import os, sys, pathlib\n"
        f"mark = pathlib.Path({str(tmp_path / 'runs')!r}); mark.mkdir()\n"
        "mark.rmdir(); sys.stdout.write('page')"
    )
    maker = a_child(tmp_path, monkeypatch, words)

    async def several() -> list[object]:
        asking = [maker.html(EVENING) for _ in range(MOST_WAITING + 2)]
        return await asyncio.gather(*asking, return_exceptions=True)

    answers = asyncio.run(several())
    assert answers.count("page") == MOST_WAITING
    assert sum(isinstance(each, BusyError) for each in answers) == 2


def test_the_service_itself_loads_nothing_that_draws() -> None:
    program = (
        "import sys; import detector.service.presentation.caregivers_page; "
        "import detector.service.presentation.report_maker\n"
        "print([name for name in ('matplotlib', 'typst') if name in sys.modules])"
    )
    words = [sys.executable, "-c", program]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
