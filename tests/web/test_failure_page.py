"""Where a night cannot begin, the page says why, and goes on by itself once that is mended."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from detector.cli.night.not_begun import MANAGED_S, patience_s
from detector.config import SettingsError, usable_settings
from detector.errors import StorageError
from detector.supervision.units import SERVICE, WATCHDOG, UnitPlan, units
from detector.web.no_night.failure import failure_of

from ..supervision.manager import Manager, long_recording
from .hostile import SCRIPTS, VIEWS, check
from .no_night import FAILURES, NOW, WRONG, error_of, failing, serving, wrong_settings
from .stand import ask

LOST = "No signal – not watching"  # noqa: RUF001


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Night:
    """`run` with a settings file that does not hold, as a person or systemd starts it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.settings = folder / "my settings.toml"
        self.write('placement = "ankel"')
        recording = long_recording(folder)
        words = [str(self.settings), "--data-dir", str(folder / "data"), "run", "--no-mqtt"]
        played = ["--source", "file", str(recording)]
        self.command = [sys.executable, "-P", "-m", "detector", "-c", *words, *played]

    def write(self, line: str) -> None:
        text = f'[wearer]\nlabel = "bedroom"\n[web]\nport = {self.port}\n[sensor]\n{line}\n'
        self.settings.write_text(text)

    @contextlib.contextmanager
    def kept(self, *more: str) -> Iterator[subprocess.Popen[str]]:
        environ = {k: v for k, v in os.environ.items() if not k.startswith("SPASMWATCH_")}
        with subprocess.Popen(
            [*self.command, *more], stderr=subprocess.PIPE, text=True, env=environ
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def answers(self) -> bool:
        with contextlib.suppress(OSError):
            return bool(ask(self.port, "/livez").status)
        return False


def wait_for(true: object, within_s: float = 20.0) -> None:
    until_s = time.monotonic() + within_s
    while not true():  # type: ignore[operator]
        assert time.monotonic() < until_s
        time.sleep(0.05)


def test_wrong_settings_are_told_line_by_line_and_the_night_begins_once_they_are_mended(
    chromium: Browser, tmp_path: Path
) -> None:
    night = Night(tmp_path)
    with night.kept("--keep-page") as process:
        wait_for(night.answers)
        page = chromium.new_page()
        found = page.goto(f"http://127.0.0.1:{night.port}/pair")
        assert found is not None
        assert found.status == 503
        expect(page.locator("#word")).to_have_text(LOST)
        expect(page.locator(".sentence")).to_contain_text("The settings have 1 problem.")
        expect(page.locator(".problems li")).to_contain_text(["Line 6 · sensor.placement"])
        expect(page.locator(".problems li")).to_contain_text(["Did you mean ankle?"])
        expect(page.locator("main")).to_contain_text(str(night.settings))
        night.write('placement = "ankel"\nlabel = 7')
        expect(page.locator(".problems li")).to_have_count(2, timeout=10_000)
        night.write('placement = "ankle"')
        page.wait_for_url("**/pair", timeout=20_000)
        expect(page.get_by_role("heading")).to_have_text("Let this device in")
        page.close()
        process.send_signal(signal.SIGTERM)
        told = process.communicate(timeout=20)[1]
        assert process.returncode == 0, told
        assert told.count("has 1 problem. Nothing was started.") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_whoever_ends_the_waiting_gets_the_exit_code_of_the_failure(
    tmp_path: Path, number: signal.Signals
) -> None:
    night = Night(tmp_path)
    with night.kept("--keep-page") as process:
        wait_for(night.answers)
        process.send_signal(number)
        told = process.communicate(timeout=20)[1]
    assert process.returncode == 78, told
    assert "line 6  sensor.placement" in told


def test_without_a_service_manager_it_ends_at_once_as_ever(tmp_path: Path) -> None:
    night = Night(tmp_path)
    begun_s = time.monotonic()
    with night.kept() as process:
        told = process.communicate(timeout=20)[1]
    assert process.returncode == 78
    assert "page" not in told
    assert time.monotonic() - begun_s < MANAGED_S / 2
    assert not night.answers()


def test_a_service_says_it_to_its_manager_at_once_and_begins_when_mended(tmp_path: Path) -> None:
    night = Night(tmp_path)
    with Manager(night.command, tmp_path, 15.0, restart_s=-1) as manager:
        told = "STATUS=Not watching: The settings have 1 problem."
        manager.until(lambda: told in manager.lines(), 20)
        assert "line 6  sensor.placement" in manager.words(), "a line in the journal"
        manager.until(night.answers, 10)
        night.write("")
        manager.until(lambda: any("STATUS=Watching" in line for line in manager.lines()), 30)
        manager.until(lambda: manager.ready, 10)
        manager.process.terminate()
        manager.until(lambda: manager.process.poll() is not None, 10)
        assert manager.process.returncode == 0, manager.words()


A_NIGHT = """
import sys
from pathlib import Path

import typer

from detector.errors import StorageError
from detector.cli.night import not_begun
from detector.terminal import output

def begin(begun):
    if sys.argv[1] == "begun":
        begun()
    raise StorageError("the disk is full")

night = not_begun.Attempt(Path(sys.argv[2]), None, lambda: None, begin, float(sys.argv[3]))
try:
    not_begun.watched(night, output.Output())
except typer.Exit as ended:
    sys.exit(ended.exit_code)
except StorageError:
    sys.exit("raised")
"""


@pytest.mark.parametrize(
    ("when", "patience", "code"), [("not", "1.5", 74), ("not", "0", 1), ("begun", "60", 1)]
)
def test_patience_ends_with_the_exit_code_and_a_night_that_had_begun_has_none(
    tmp_path: Path, when: str, patience: str, code: int
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f"[web]\nport = {free_port()}\n")
    words = [sys.executable, "-c", A_NIGHT, when, str(path), patience]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == code
    if code == 1:
        assert done.stderr == "raised\n"
    else:
        assert done.stderr.startswith("the disk is full\nThe page says so, too")


def test_patience_is_for_services_and_those_who_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert (patience_s(keep=False), patience_s(keep=True)) == (0.0, float("inf"))
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/nowhere")
    assert patience_s(keep=False) == MANAGED_S


def test_systemd_starts_it_again_after_a_mistake_in_the_settings() -> None:
    written = units(UnitPlan(["/usr/bin/spasmwatch"], system=True))
    for name in (SERVICE, WATCHDOG):
        assert "Restart=always" in written[name]
        assert "RestartPreventExitStatus" not in written[name]


def shown(chromium: Browser, address: str, **more: object) -> Page:
    page = chromium.new_page(**more)  # type: ignore[arg-type]
    page.goto(address)
    return page


@pytest.mark.parametrize("name", FAILURES)
def test_axe_finds_nothing_it_fits_320_pixels_and_every_target_is_large(
    chromium: Browser, tmp_path: Path, name: str
) -> None:
    with serving(lambda: failing(FAILURES[name](tmp_path), tmp_path)) as address:
        for dark, size in VIEWS:
            width = 320 if size == "narrow" else 390
            scheme = "dark" if dark else "light"
            page = shown(
                chromium, address, viewport={"width": width, "height": 700}, color_scheme=scheme
            )
            check(page)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            for button in page.locator("a.button, button, summary").all():
                box = button.bounding_box()
                assert box is not None
                assert min(box["height"], box["width"]) >= 44
            page.close()


@pytest.mark.parametrize("listed", [True, False])
def test_no_key_value_or_reason_runs_and_no_secret_is_shown(
    chromium: Browser, tmp_path: Path, listed: bool
) -> None:
    keys = "\n".join(f"{json.dumps(text)} = {json.dumps(text)}" for text in SCRIPTS)
    values = f"placement = {json.dumps(SCRIPTS[0])}\nlabel = {json.dumps(SCRIPTS[1])}"
    hidden = 'password = "hush-hush"\npasword = "hush-hush"\nbroker = "mqtt://a:hush-hush@b"'
    error = error_of(f"[sensor]\n{values}\n[mqtt]\n{hidden}\n[alerts]\n{keys}", tmp_path)
    words = str(error) + "\n".join(SCRIPTS)
    failed = error if listed else StorageError(words)
    failure = failure_of(failed, words, path=tmp_path / SCRIPTS[0], again_s=20, at=NOW)
    with serving(lambda: failing(failure, tmp_path, label=SCRIPTS[0])) as address:
        page = chromium.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda found: problems.append(str(found)))
        page.on("dialog", lambda dialog: problems.append(dialog.message))
        page.goto(address)
        page.wait_for_timeout(100)
        assert page.evaluate("window.ran") is None
        assert problems == []
        assert page.locator("script:not([src])").count() == 0
        assert page.locator("main img, main iframe").count() == 0
        assert "hush-hush" not in page.content()
        page.close()


def test_it_answers_this_computer_by_its_names_alone_and_takes_nothing(tmp_path: Path) -> None:
    with serving(lambda: failing(wrong_settings(tmp_path), tmp_path)) as address:
        port = int(address.rpartition(":")[2])
        assert ask(port, "/", headers={"Host": "evil.example"}).status == 403
        for path in ("/", "/pair", "/say/pause", "/leave"):
            assert ask(port, path, method="POST", form={"a": "b"}).status in (404, 405)
        told = ask(port, "/readyz")
        assert told.status == 503
        assert json.loads(told.body)["reasons"] == ["The settings have 4 problems."]
        assert "default-src 'none'" in ask(port, "/").headers["content-security-policy"]


def test_the_page_is_where_the_settings_want_it_even_if_others_are_wrong(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(f"{WRONG}[web]\nport = 23999\nbind = 'nonsense'\ncert_file = 7\n")
    found = usable_settings(path, environ={"SPASMWATCH_WEB__ENABLED": "false"})
    assert (found.web.port, found.web.enabled, found.wearer.label) == (23999, False, "Anna's room")
    assert (found.web.bind, found.web.cert_file) == ("127.0.0.1", None)
    path.write_text("[web\nport = 23999")
    assert usable_settings(path, environ={}).web.port == 8377
    assert usable_settings(tmp_path / "none.toml", environ={}).web.port == 8377
    path.write_text("[web]\nport = 0\n")
    flags = {"data_dir": tmp_path}
    assert usable_settings(path, environ={}, flags=flags).data_dir == tmp_path


def test_problems_say_the_same_apart_as_in_a_sentence(tmp_path: Path) -> None:
    error = error_of(WRONG, tmp_path)
    assert isinstance(error, SettingsError)
    lines = [line.strip() for line in str(error).splitlines()[1:-1]]
    assert lines == [str(each) for each in error.problems]
    assert [each.key for each in error.problems] == [
        "wearer.time_zone", "sensor.placement", "sensor.devise", "mqtt.broker",
    ]  # fmt: skip
    assert all(re.fullmatch(r"line \d+", each.place) for each in error.problems)
