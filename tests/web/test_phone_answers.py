"""A notification's button answers one alert in one name; nothing else does without a login."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.alerts.commands import Acknowledge
from detector.push.drills import TEST_PREFIX, Drill, read_drills, write_drills
from detector.push.links import ANSWER_PATH, AnswerLinks, answer_key
from detector.push.tokens import TokenError, verify_token
from detector.web.serving.server import Where

from .stand import Answer, Stand, ask, standing

ELSEWHERE = {"Origin": "https://ntfy.example", "Sec-Fetch-Site": "cross-site"}
PUBLIC = "https://house.example"


def path_of(stand: Stand, alert: str, contact: str = "anna", days: float = 0.0) -> str:
    links = AnswerLinks("", answer_key(stand.folder))
    return links.answer(alert, contact, datetime.now(UTC) - timedelta(days=days))


def press(stand: Stand, path: str, **headers: str) -> Answer:
    return ask(stand.port, path, method="POST", from_here=False, headers={**headers})


def test_the_button_answers_from_the_app_from_any_site_and_without_a_login(tmp_path: Path) -> None:
    with standing(tmp_path) as stand:
        alert = stand.call(stand.room.alarm)
        assert press(stand, path_of(stand, alert.id)).status == 200
        told = press(stand, path_of(stand, alert.id, "ben"), **ELSEWHERE)
        assert told.status == 200
        assert told.headers["access-control-allow-origin"] == "*"
        assert stand.room.obeyed == [
            Acknowledge(by="anna", alert=alert.id),
            Acknowledge(by="ben", alert=alert.id),
        ]


def test_what_opens_the_address_in_a_mail_answers_nothing_and_a_person_is_asked(
    tmp_path: Path,
) -> None:
    with standing(tmp_path) as stand:
        path = path_of(stand, stand.call(stand.room.alarm).id)
        asked = ask(stand.port, path)
        assert asked.status == 200
        assert "I&#39;m on it" in asked.body
        assert asked.headers["referrer-policy"] == "no-referrer"
        assert stand.room.obeyed == []
        done = press(stand, path, Accept="text/html")
        assert "Everybody is told that you are on it." in done.body
        assert len(stand.room.obeyed) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_token_that_proves_nothing_answers_nothing(tmp_path: Path, method: str) -> None:
    with standing(tmp_path) as stand:
        alert = stand.call(stand.room.alarm)
        good = path_of(stand, alert.id)
        said, mac = good.removeprefix(ANSWER_PATH).split(".")
        old = path_of(stand, alert.id, days=1.01)
        other = AnswerLinks("", b"x" * 32).answer(alert.id, "anna", datetime.now(UTC))
        for path in (old, other, f"{ANSWER_PATH}{said}", f"{ANSWER_PATH}.{mac}", ANSWER_PATH + "x"):
            assert ask(stand.port, path, method=method, from_here=False).status == 403, path
        assert stand.room.obeyed == []


@given(st.text(max_size=600))
@settings(max_examples=200)
def test_no_text_is_a_token(text: str) -> None:
    with pytest.raises(TokenError):
        verify_token(b"k" * 32, text, 1e9)


def test_an_alert_that_is_over_is_told_so(tmp_path: Path) -> None:
    with standing(tmp_path) as stand:
        told = press(stand, path_of(stand, "gone"))
        assert (told.status, "over already" in told.body) == (409, True)


def test_the_button_of_a_test_confirms_the_latest_test_alone(tmp_path: Path) -> None:
    with standing(tmp_path) as stand:
        drill = Drill(tested=datetime.now(UTC), latency_s=0.2, code="123456")
        write_drills(tmp_path, {"anna": drill})
        old = press(stand, path_of(stand, TEST_PREFIX + "654321"))
        assert (old.status, "latest test" in old.body) == (409, True)
        told = press(stand, path_of(stand, TEST_PREFIX + "123456"), Accept="text/html")
        assert "The test is confirmed." in told.body
        assert read_drills(tmp_path)["anna"].confirmed is not None
        assert stand.room.obeyed == []


def test_who_presses_again_and_again_is_asked_to_wait(tmp_path: Path) -> None:
    with standing(tmp_path) as stand:
        path = path_of(stand, stand.call(stand.room.alarm).id)
        found = [press(stand, path).status for _ in range(14)]
        assert (found[0], found[-1]) == (200, 429)


def test_the_public_address_is_a_name_of_the_page_and_its_forms_come_from_here(
    tmp_path: Path,
) -> None:
    where = Where("127.0.0.1", 23_377, public_url=PUBLIC)
    with standing(tmp_path, where=where) as stand:
        code = {"code": stand.open_code()}
        behind = {"Host": "house.example"}

        def pair(**headers: str) -> int:
            sent = behind | headers
            return ask(stand.port, "/pair", method="POST", form=code, headers=dict(sent)).status

        assert ask(stand.port, "/pair", headers=dict(behind)).status == 200
        assert pair(Origin="https://evil.example") == 403
        assert pair(Origin="http://house.example:1") == 403
        assert pair(Origin=PUBLIC, Host=f"127.0.0.1:{stand.port}") == 403
        assert pair(Origin=PUBLIC) == 303
    with standing(tmp_path) as stand:
        assert ask(stand.port, "/pair", headers={"Host": "house.example"}).status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "house.example"},
        {"X-Forwarded-For": "192.0.2.1"},
        {"Forwarded": "for=192.0.2.1"},
        {"X-Real-IP": "192.0.2.1"},
        {"Via": "1.1 proxy"},
    ],
)
def test_what_a_proxy_passes_on_does_not_come_from_this_computer(
    tmp_path: Path, headers: dict[str, str | None]
) -> None:
    where = Where("127.0.0.1", 23_377, public_url=PUBLIC)
    with standing(tmp_path, where=where) as stand:
        assert ask(stand.port, "/metrics").status == 200
        for path in ("/metrics", "/livez", "/readyz"):
            assert ask(stand.port, path, headers=headers).status == 403
