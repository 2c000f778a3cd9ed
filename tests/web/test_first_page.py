"""The first settings on a page: for one browser of this computer, then the night begins there."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from detector.config.worn import WornAnswer
from detector.people.people import Role
from detector.people.people_file import PeopleFile
from detector.web.access.guard import form_token
from detector.web.no_night.first_settings import Form, Typed, settings_of, typed_of

from ..cli.airs import on_air
from .first_steps import BAD, BAND, OTHER, SENSOR, FirstSteps
from .hostile import SCRIPTS, VIEWS, check
from .no_night import serving
from .stand import ask

NOWHERE = "json://127.0.0.1:9/nobody-listens"
FIND, CHOOSE = "Look for sensors", "Look at its samples, and write the settings"


def begun(chromium: Browser, address: str, steps: FirstSteps, **more: object) -> Page:
    page = chromium.new_page(**more)  # type: ignore[arg-type]
    page.goto(f"{address}/?key={steps.key}")
    assert page.url == f"{address}/", "the key does not stay in the address"
    return page


def filled(page: Page) -> None:
    page.get_by_label("Where is it worn?").select_option("calf")
    page.get_by_label("On which side?").select_option("left")
    page.get_by_label("What do alerts call the wearer?").fill("Anna's room")
    page.get_by_label("Your own name").fill("Sam")


@pytest.mark.parametrize("scripts", [True, False])
def test_a_person_finds_the_sensor_says_where_it_is_worn_and_starts(
    chromium: Browser, tmp_path: Path, scripts: bool
) -> None:
    steps = FirstSteps(tmp_path)
    with serving(steps.make) as address:
        page = begun(chromium, address, steps, java_script_enabled=scripts)
        page.get_by_role("button", name=FIND).click()
        expect(page.get_by_text("Band 7")).to_be_visible()
        page.get_by_label("WT901").check()
        filled(page)
        page.get_by_role("button", name=CHOOSE).click()
        expect(page.locator("h1")).to_have_text("The settings are written")
        expect(page.locator("pre")).to_contain_text(OTHER.address)
        (chosen,) = steps.written
        assert (chosen.sensor, chosen.label) == (OTHER, "Anna's room")
        assert chosen.worn == WornAnswer("calf", "left-calf")
        (person,) = PeopleFile(tmp_path).now().people
        assert (person.name, person.role, len(person.sessions)) == ("sam", Role.CAREGIVER, 1)
        assert not steps.page.done.is_set()  # type: ignore[union-attr]
        page.get_by_role("button", name="Start watching").click()
        expect(page.locator("h1")).to_contain_text("Starting")
        assert steps.page.done.is_set()  # type: ignore[union-attr]
        page.context.close()


def test_samples_that_are_not_good_are_shown_and_need_a_yes(
    chromium: Browser, tmp_path: Path
) -> None:
    steps = FirstSteps(tmp_path, checks=BAD)
    with serving(steps.make) as address:
        page = begun(chromium, address, steps)
        page.get_by_role("button", name=FIND).click()
        filled(page)
        page.get_by_role("button", name=CHOOSE).click()
        expect(page.get_by_role("alert")).to_contain_text("31 samples/s (want 52)")
        assert steps.written == []
        expect(page.get_by_label("Your own name")).to_have_value("sam")
        page.get_by_label("Use this sensor all the same").check()
        page.get_by_role("button", name=CHOOSE).click()
        expect(page.locator("h1")).to_have_text("The settings are written")
        page.close()


def test_what_cannot_be_used_is_said_beside_its_field(chromium: Browser, tmp_path: Path) -> None:
    steps = FirstSteps(tmp_path)
    with serving(steps.make) as address:
        page = begun(chromium, address, steps)
        page.get_by_role("button", name=FIND).click()
        page.get_by_label("Your own name").fill("sam smith")
        page.get_by_role("button", name=CHOOSE).click()
        expect(page.locator("#person-wrong")).to_contain_text("up to 32 of a-z")
        expect(page.get_by_label("Your own name")).to_have_attribute("aria-invalid", "true")
        check(page)
        assert steps.written == []
        page.close()


def test_bluetooth_that_does_not_work_is_said_with_its_remedy(
    chromium: Browser, tmp_path: Path
) -> None:
    steps = FirstSteps(tmp_path, no_adapter="Bluetooth is switched off: bluetoothctl power on")
    with serving(steps.make) as address:
        page = begun(chromium, address, steps)
        page.get_by_role("button", name=FIND).click()
        expect(page.get_by_role("alert")).to_contain_text("bluetoothctl power on")
        page.close()


@pytest.mark.parametrize("found", [(SENSOR, OTHER, BAND), (BAND,)])
def test_axe_finds_nothing_it_fits_320_pixels_and_every_target_is_large(
    chromium: Browser, tmp_path: Path, found: tuple[object, ...]
) -> None:
    for dark, size in VIEWS:
        steps = FirstSteps(tmp_path, found=found, checks=BAD)  # type: ignore[arg-type]
        with serving(steps.make) as address:
            width = 320 if size == "narrow" else 390
            page = begun(
                chromium,
                address,
                steps,
                viewport={"width": width, "height": 700},
                color_scheme="dark" if dark else "light",
            )
            for step in (FIND, CHOOSE, None):
                check(page)
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                small = page.evaluate(
                    """[...document.querySelectorAll('button, a.button, select, label.sure')]
                    .map(each => [each.textContent.trim(), each.getBoundingClientRect()])
                    .filter(([, box]) => box.height < 44).map(([name]) => name)"""
                )
                assert small == []
                if step == CHOOSE and OTHER not in found:
                    break
                if step == CHOOSE:
                    filled(page)
                if step is not None:
                    page.get_by_role("button", name=step).click()
                    page.wait_for_load_state()
            page.close()


def test_no_name_of_a_sensor_runs(chromium: Browser, tmp_path: Path) -> None:
    found = [replace(SENSOR, name=text, because=text) for text in SCRIPTS]
    steps = FirstSteps(tmp_path, found=[*found, replace(BAND, name=SCRIPTS[0])])
    with serving(steps.make) as address:
        page = begun(chromium, address, steps)
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.get_by_role("button", name=FIND).click()
        expect(page.locator("h1")).to_have_text("The first settings")
        assert page.evaluate("window.ran") is None
        assert problems == []
        assert page.locator("script:not([src])").count() == 0
        assert page.locator("main img, main iframe").count() == 0
        page.close()


def test_nobody_else_on_this_computer_can_take_it(tmp_path: Path) -> None:
    steps = FirstSteps(tmp_path)
    with serving(steps.make) as address:
        port = int(address.rpartition(":")[2])
        for path in ("/", "/?key=", "/?key=guess", f"/?key={steps.key}x"):
            assert ask(port, path).status == 403
        first = ask(port, f"/?key={steps.key}")
        assert (first.status, first.headers["location"]) == (303, "/")
        flags = first.headers["set-cookie"]
        assert {"HttpOnly", "SameSite=Strict"} <= {part.strip() for part in flags.split(";")}
        found = re.match(r"spasmwatch-setup=([^;]+)", flags)
        assert found is not None
        assert ask(port, f"/?key={steps.key}").status == 403, "once"
        cookie = {"Cookie": f"spasmwatch-setup={found[1]}"}
        assert ask(port, "/", headers=cookie).status == 200
        form = {"token": form_token(found[1])}
        for path in ("/find", "/choose", "/start"):
            post = {"method": "POST", "form": form}
            assert ask(port, path, **post).status == 403, "no cookie"  # type: ignore[arg-type]
            stale = ask(port, path, method="POST", form={"token": "x"}, headers=cookie)
            assert stale.status == 403
            elsewhere = cookie | {"Origin": "http://evil.example"}
            assert ask(port, path, headers=elsewhere, **post).status == 403  # type: ignore[arg-type]
        assert ask(port, "/", headers={"Host": "evil.example", **cookie}).status == 403
        assert ask(port, "/start", method="POST", form=form, headers=cookie).status == 303
        assert not steps.page.done.is_set()  # type: ignore[union-attr]


def test_only_what_was_heard_can_be_chosen() -> None:
    typed = Typed(device=SENSOR.address, person="anna", side="left", place="calf")
    assert not isinstance(settings_of(typed, [SENSOR]), Form)
    for wrong in (
        {"device": BAND.address}, {"device": "C0:FF:EE"}, {"place": "moon"}, {"side": "up"},
        {"label": ""}, {"label": "a\nb"}, {"label": "x" * 65}, {"person": ""}, {"role": "root"},
        {"role": "read-only"}, {"told": "ben"}, {"address": "ntfys://ntfy.sh/x"},
        {"told": "ben", "address": "dbus://"}, {"told": "Ben B", "address": "ntfys://ntfy.sh/x"},
        {"told": "ben", "address": "ntfy://elsewhere.example/x"},
    ):  # fmt: skip
        form = settings_of(replace(typed, **wrong), [SENSOR, BAND])
        assert isinstance(form, Form), wrong
        assert form.wrong
        assert set(form.wrong) <= {*wrong, "told", "address"}
    assert len(typed_of({"label": "x" * 10_000}).label) == 128
    by_page = typed_of({"told": "Ben", "address": "page"})
    chosen = settings_of(replace(typed, told=by_page.told, address=by_page.address), [SENSOR])
    assert not isinstance(chosen, Form)
    assert chosen.address == "page://ben"


def test_the_night_begins_where_the_settings_were_made(chromium: Browser, tmp_path: Path) -> None:
    config, data = tmp_path / "config.toml", tmp_path / "data"
    environ = {k: v for k, v in os.environ.items() if not k.startswith("SPASMWATCH_")}
    environ |= {"XDG_CONFIG_HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    with on_air(tmp_path, "--sensors", 1, "--battery", 86) as air:
        words = ["-c", str(config), "--data-dir", str(data), "setup", "--page", "--timeout", "1"]
        command = [sys.executable, "-m", "detector", *words, *air.reach]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environ
        ) as process:
            try:
                assert process.stdout is not None
                said = ""
                while "?key=" not in said:
                    said = process.stdout.readline()
                    assert said, "it has ended"
                page = chromium.new_page()
                page.goto(said.split()[-1])
                page.get_by_role("button", name=FIND).click()
                filled(page)
                page.get_by_label("Their name").fill("ben")
                page.get_by_label("Address").fill(NOWHERE)
                page.get_by_role("button", name=CHOOSE).click()
                expect(page.locator("h1")).to_have_text("The settings are written", timeout=40_000)
                assert NOWHERE not in page.content()
                expect(page.locator("main")).to_contain_text("Send ben a test")
                written = tomllib.loads(config.read_text())
                assert written["wearer"] == {"label": "Anna's room"}
                assert written["sensor"]["label"] == "left-calf"
                (contact,) = written["contact"]
                secret = Path(contact["url_file"])
                assert (contact["name"], secret.read_text()) == ("ben", f"{NOWHERE}\n")
                assert secret.stat().st_mode & 0o777 == 0o600
                page.get_by_role("button", name="Start watching").click()
                expect(page.locator("footer strong")).to_have_text("sam", timeout=40_000)
                expect(page.locator("#label")).to_have_text("Anna's room (simulated)")
                expect(page.locator("#word")).to_have_text("Watching", timeout=40_000)
                page.close()
                process.send_signal(signal.SIGTERM)
                process.communicate(timeout=30)
                assert process.returncode == 0
            finally:
                process.kill()


def test_a_night_without_settings_says_how_to_make_them(tmp_path: Path) -> None:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("SPASMWATCH_")}
    environ |= {"XDG_CONFIG_HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "detector", "--data-dir", str(tmp_path), "run", "--no-mqtt"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environ) as process:
        try:
            assert process.stderr is not None
            assert "setup --page" in process.stderr.readline()
        finally:
            process.kill()
