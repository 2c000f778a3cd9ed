"""`pair` beside a real night: a code opens the page, a removal closes it; phones come by TLS."""

from __future__ import annotations

import asyncio
import json
import os
import re
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPSConnection
from pathlib import Path
from urllib.parse import urlencode

import pytest

from detector.web.serving.address_file import read_address
from detector.web.serving.server import Where
from detector.web.serving.tls import context_of, names_of

from ..kit.waiting import until
from .stand import ask, standing

COMMAND = [sys.executable, "-m", "detector"]


def spasmwatch(home: Path, *words: object) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "HOME": str(home)}
    given = [*COMMAND, "--data-dir", str(home / "data"), *map(str, words)]
    return subprocess.run(
        given, capture_output=True, text=True, timeout=60, env=environ, check=False
    )


@contextmanager
def a_night(home: Path) -> Iterator[int]:
    """Watch a simulated sensor; yield the page's port."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "SPASMWATCH_WEB__PORT": "24377"}
    given = [*COMMAND, "--data-dir", str(home / "data"), "run", "--source", "simulator"]
    with subprocess.Popen(
        [*given, "--no-mqtt"], env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            asyncio.run(until(lambda: read_address(home / "data") is not None, within_s=40))
            page = read_address(home / "data")
            assert page is not None
            yield page.port
        finally:
            process.terminate()
            process.wait(30)
    assert read_address(home / "data") is None


def test_a_code_opens_the_page_of_a_night_and_a_removal_closes_it(tmp_path: Path) -> None:
    with a_night(tmp_path) as port:
        done = spasmwatch(tmp_path, "pair", "anna", "--json")
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert said["address"] == f"http://127.0.0.1:{port}"
        assert said["link"] == f"{said['address']}/pair#{said['code']}"
        assert said["running"] is True
        answer = ask(port, "/pair", method="POST", form={"code": said["code"]})
        (token,) = re.findall(r"^spasmwatch=([^;]+)", answer.headers["set-cookie"])
        home = ask(port, "/", token=token).body
        assert "You are <strong>anna</strong> (caregiver)" in home
        assert "bedroom" in home
        listed = spasmwatch(tmp_path, "pair", "--list").stdout
        assert re.match(r"anna: caregiver, 1 device, last used \d{4}-", listed)
        assert spasmwatch(tmp_path, "pair", "--remove", "anna").returncode == 0
        assert ask(port, "/", token=token).headers["location"] == "/pair"
        unknown = spasmwatch(tmp_path, "pair", "--remove", "anna")
        assert unknown.returncode == 78
        assert "'anna' has no access, only: nobody" in unknown.stderr


def test_without_a_night_it_says_where_the_page_will_be(tmp_path: Path) -> None:
    done = spasmwatch(tmp_path, "pair", "--role", "wearer", "--plain")
    assert re.match(
        r"Code for wearer \(wearer\): \w{3}-\w{3}-\w{3}\n"
        r"Open http://127.0.0.1:8377/pair on their device within 10 minutes, and type it.\n"
        r"Or open this link there: http://127.0.0.1:8377/pair#",
        done.stdout,
    )
    assert "The page is there while" in done.stderr
    assert "Only this computer can open it. For phones: spasmwatch setup tls --page" in done.stderr
    assert spasmwatch(tmp_path, "pair", "Anna!").returncode == 78
    assert spasmwatch(tmp_path, "pair", "anna", "--list").returncode == 2


@pytest.fixture
def certified(tmp_path: Path) -> Path:
    folder = tmp_path / "security"
    words = ["setup", "tls", "--page", "--host", "house.lan", "--folder", folder, "--write"]
    done = spasmwatch(tmp_path, "-c", tmp_path / "settings.toml", *words)
    assert done.returncode == 0, done.stderr
    assert str(folder / "ca.crt") in done.stderr
    return folder


def test_phones_come_by_tls_under_the_names_of_the_certificate(
    tmp_path: Path, certified: Path
) -> None:
    checked = spasmwatch(tmp_path, "-c", tmp_path / "settings.toml", "config", "check")
    assert checked.returncode == 0, checked.stderr
    written = (tmp_path / "settings.toml").read_text()
    assert 'public_url = "https://house.lan:8377"' in written, "notifications' buttons lead here"
    files = certified / "page/server.crt", certified / "page/server.key"
    assert names_of(files[0]) == ("house.lan", "localhost", "127.0.0.1", "::1")
    with standing(tmp_path, where=Where("0.0.0.0", 25_377, *files)) as stand:  # noqa: S104
        assert stand.address == f"https://house.lan:{stand.port}"
        trusting = ssl.create_default_context(cafile=certified / "ca.crt")
        for host, status in (("house.lan", 200), ("127.0.0.1", 200), ("evil.example", 403)):
            link = HTTPSConnection("127.0.0.1", stand.port, context=trusting, timeout=10)
            link.request("GET", "/pair", headers={"Host": f"{host}:{stand.port}"})
            assert link.getresponse().status == status
            link.close()
        code = stand.open_code()
        link = HTTPSConnection("127.0.0.1", stand.port, context=trusting, timeout=10)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": f"https://127.0.0.1:{stand.port}",
        }
        link.request("POST", "/pair", urlencode({"code": code}), headers)
        answer = link.getresponse()
        assert answer.status == 303
        assert "Secure" in str(answer.getheader("Set-Cookie"))
        link.close()


def test_a_certificate_that_cannot_be_used_is_said_before_the_night(
    tmp_path: Path, certified: Path
) -> None:
    key = certified / "page/server.key"
    key.write_text("no key")
    settings = tmp_path / "settings.toml"
    done = spasmwatch(tmp_path, "-c", settings, "run", "--source", "simulator", "--no-mqtt")
    assert done.returncode == 78
    assert "web.key_file" in done.stderr
    assert "setup tls --page` makes both" in done.stderr
    again = spasmwatch(tmp_path, "-c", settings, "setup", "tls", "--page", "--folder", certified)
    assert again.returncode == 0, again.stderr
    assert context_of(certified / "page/server.crt", key) is not None
