"""Nobody commands who is not let in, from elsewhere, or by a form of another session."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from detector.alerts.commands import MarkSpasm, PauseAlerts
from detector.people.people import Role
from detector.web.access.guard import HEADERS, form_token
from detector.web.access.pairing import new_code

from .stand import Stand, ask, standing

JSON = {"Content-Type": "application/json", "Accept": "application/json"}


def say(stand: Stand, name: str, token: str, **fields: object):
    body = json.dumps({"token": form_token(token), **fields}).encode()
    return ask(stand.port, f"/say/{name}", method="POST", token=token, body=body, headers=JSON)


def pair(stand: Stand, code: str, **more: object):
    return ask(stand.port, "/pair", method="POST", form={"code": code}, **more)  # type: ignore[arg-type]


def test_a_code_makes_a_session_that_scripts_and_other_sites_cannot_have(tmp_path: Path) -> None:
    with standing(tmp_path) as stand:
        code = stand.open_code()
        answer = pair(stand, code.lower())
        assert (answer.status, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"]
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
        assert "Secure" not in cookie
        (token,) = re.findall(r"^spasmwatch=([^;]+)", cookie)
        home = ask(stand.port, "/", token=token)
        assert "You are <strong>anna</strong> (caregiver)" in home.body
        again = pair(stand, code)
        assert again.status == 403
        assert "was used" in again.body


def test_guesses_are_few_and_keep_nobody_out_for_long(tmp_path: Path) -> None:
    with standing(tmp_path) as stand:
        found = [pair(stand, new_code()).status for _ in range(12)]
        assert found[0] == 403
        assert found[-1] == 429
        assert found.count(403) <= 7


def test_every_answer_forbids_what_a_page_of_ours_never_needs(tmp_path: Path) -> None:
    with standing(tmp_path) as stand:
        token = stand.let_in()
        for path in ("/", "/pair", "/nothing", "/livez", "/static/page.js", "/stream?no"):
            told = ask(stand.port, path, token=None if path == "/stream?no" else token)
            for name, value in HEADERS.items():
                if not (name == "Cache-Control" and path.startswith("/static/")):
                    assert told.headers[name.lower()] == value, path
        policy = HEADERS["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy


def test_what_is_said_is_said_by_the_person_of_the_session(tmp_path: Path) -> None:
    with standing(tmp_path) as stand:
        token = stand.let_in("sam")
        assert say(stand, "mark", token, by="anna").status == 200
        form = {"token": form_token(token), "minutes": "30"}
        answer = ask(stand.port, "/say/pause", method="POST", token=token, form=form)
        assert (answer.status, answer.headers["location"]) == (303, "/")
        assert stand.room.obeyed == [MarkSpasm(by="sam"), PauseAlerts(by="sam", minutes=30)]


@pytest.mark.parametrize(
    ("headers", "from_here"),
    [
        ({}, False),
        ({"Origin": "http://evil.example"}, True),
        ({"Origin": "null"}, True),
        ({"Origin": None, "Sec-Fetch-Site": "cross-site"}, True),
        ({"Origin": None, "Sec-Fetch-Site": "same-site"}, True),
        ({"Origin": None, "Sec-Fetch-Site": "none"}, True),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, True),
        ({"Content-Type": "text/plain"}, True),
        ({"Content-Type": "multipart/form-data; boundary=x"}, True),
        ({"Cookie": None}, True),
        (
            {
                "Cookie": "spasmwatch=\udcff\udcfe".encode("utf-8", "surrogateescape").decode(
                    "latin-1"
                )
            },
            True,
        ),
    ],
)
def test_what_another_site_sends_does_nothing(
    tmp_path: Path, headers: dict[str, str | None], from_here: bool
) -> None:
    with standing(tmp_path) as stand:
        token = stand.let_in()
        for path in ("/say/mark", "/leave"):
            answer = ask(
                stand.port,
                path,
                method="POST",
                token=token,
                form={"token": form_token(token)},
                headers=headers,
                from_here=from_here,
            )
            assert answer.status in {401, 403, 415}, path
        assert stand.room.obeyed == []
        assert ask(stand.port, "/", token=token).status == 200


def test_a_form_of_another_session_does_nothing(tmp_path: Path) -> None:
    with standing(tmp_path) as stand:
        token, other = stand.let_in("anna"), stand.let_in("sam")
        for given in (form_token(other), "", None, 7, "\ud800"):
            body = json.dumps({"token": given}).encode()
            answer = ask(
                stand.port, "/say/mark", method="POST", token=token, body=body, headers=JSON
            )
            assert answer.status in {400, 403}
        assert stand.room.obeyed == []


@pytest.mark.parametrize(
    ("role", "may", "must_not"),
    [
        (Role.CAREGIVER, {"ack", "pause", "mark"}, {"help"}),
        (Role.WEARER, {"pause", "mark", "help"}, {"ack", "snooze"}),
        (Role.READ_ONLY, set(), {"ack", "pause", "mark", "help", "note", "label", "resume"}),
    ],
)
def test_roles_say_what_is_theirs(
    tmp_path: Path, role: Role, may: set[str], must_not: set[str]
) -> None:
    with standing(tmp_path) as stand:
        token = stand.let_in("anna", role)
        for name in may:
            assert say(stand, name, token).status == 200, name
        for name in must_not:
            refused = say(stand, name, token)
            assert refused.status == 403, name
            assert "does not allow" in refused.body
        assert len(stand.room.obeyed) == len(may)


def test_a_command_that_cannot_be_obeyed_says_why(tmp_path: Path) -> None:
    with standing(tmp_path) as stand:
        token = stand.let_in()
        refused = say(stand, "ack", token, alert="over")
        assert (refused.status, json.loads(refused.body)) == (
            409,
            {"error": "this alert is over already"},
        )
        assert say(stand, "pause", token, minutes=600).status == 409
        assert say(stand, "no-such", token).status == 403
        form = {"token": form_token(token), "alert": "over"}
        html = ask(
            stand.port, "/say/ack", method="POST", token=token, form=form,
            headers={"Accept": "text/html"},
        )  # fmt: skip
        assert html.status == 409
        assert "This alert is over already." in html.body


def test_nobody_fills_the_log(tmp_path: Path) -> None:
    with standing(tmp_path) as stand:
        token = stand.let_in()
        found = [say(stand, "mark", token).status for _ in range(20)]
        assert found[0] == 200
        assert found[-1] == 429
        assert len(stand.room.obeyed) <= 12


def test_leaving_ends_the_session_of_this_device_alone(tmp_path: Path) -> None:
    with standing(tmp_path) as stand:
        here, there = stand.let_in("anna"), stand.let_in("anna")
        form = {"token": form_token(here)}
        assert ask(stand.port, "/leave", method="POST", token=here, form=form).status == 303
        assert ask(stand.port, "/", token=here).headers["location"] == "/pair"
        assert ask(stand.port, "/", token=there).status == 200


def test_forged_requests_of_every_kind_have_no_effect() -> None:
    """The bar is 0 of 10,000: `python -m tests.web.forged`; these are the first of them."""
    given = [sys.executable, "-m", "tests.web.forged", "--requests", "1000", "--seed", "7"]
    done = subprocess.run(given, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(json.loads(done.stdout)["answers"]) >= 10


def test_a_session_that_is_used_lasts(tmp_path: Path) -> None:
    with standing(tmp_path) as stand:
        token = stand.let_in()
        assert "set-cookie" not in ask(stand.port, "/", token=token).headers
        earlier = datetime.now(UTC) - timedelta(days=100)
        stand.people().change(lambda people: (people.used(token, earlier), None))
        assert f"spasmwatch={token}" in ask(stand.port, "/", token=token).headers["set-cookie"]
        found = stand.people().now().who(token, datetime.now(UTC))
        assert found is not None
        assert datetime.now(UTC) - found[1].used < timedelta(minutes=1)
