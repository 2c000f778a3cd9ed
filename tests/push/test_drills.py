"""Laws of tests of the way to each phone, and of what is remembered of them."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import pytest

from detector.config.contacts import ContactSettings
from detector.doctor.check import CheckStatus
from detector.doctor.contacts import ContactFacts, check_contacts
from detector.push.drills import (
    CONFIRMABLE,
    DRILLS_FILE,
    Drill,
    confirm,
    confirm_answer,
    is_test,
    read_drills,
    write_drills,
)
from detector.push.links import AnswerLinks
from detector.push.tokens import PushAnswer, verify_token
from detector.push.trial import try_contacts

from .alerts import NIGHT
from .servers import closed_port, ntfy

DAY = timedelta(days=1)
DRILL = Drill(tested=NIGHT, latency_s=0.4, code="048291")


def contact(name: str, url: str) -> ContactSettings:
    return ContactSettings.model_validate({"name": name, "url": url})


def test_each_contact_is_tested_at_once_measured_and_remembered(tmp_path: Path) -> None:
    with ntfy() as server:
        people = [
            contact("anna", server.address),
            contact("ben", f"ntfy://127.0.0.1:{closed_port()}/x"),
        ]
        trials = asyncio.run(try_contacts(people, tmp_path, label="bedroom", utc_now=lambda: NIGHT))
    anna, ben = trials
    assert anna.latency_s is not None
    assert (ben.latency_s, ben.why) == (None, "its server does not answer")
    drills = read_drills(tmp_path)
    assert drills["anna"].tested == drills["ben"].tested == NIGHT
    assert drills["ben"].latency_s is None
    [told] = server.taken
    code = re.sub(r"\D", "", told["message"])
    assert confirm(tmp_path, code, NIGHT) == "anna"
    assert read_drills(tmp_path)["anna"].confirmed == NIGHT
    assert (tmp_path / DRILLS_FILE).stat().st_mode & 0o777 == 0o600


def test_the_button_of_a_test_confirms_it_and_is_no_answer_to_an_alert(tmp_path: Path) -> None:
    links = AnswerLinks("https://house.example", b"k" * 32)
    with ntfy() as server:
        asyncio.run(
            try_contacts([contact("anna", server.address)], tmp_path, label="bedroom", links=links)
        )
    [button] = server.taken[0]["actions"]
    assert button["label"] == "I heard it"
    tested = read_drills(tmp_path)["anna"].tested
    answer = verify_token(links.key, button["url"].rpartition("/")[2], tested.timestamp())
    assert is_test(answer)
    assert confirm_answer(tmp_path, answer)
    assert read_drills(tmp_path)["anna"].confirmed is not None
    assert not confirm_answer(tmp_path, PushAnswer("abc", "anna"))


def test_a_code_is_good_for_its_own_test_for_a_day(tmp_path: Path) -> None:
    write_drills(tmp_path, {"anna": DRILL})
    assert confirm(tmp_path, "000000", NIGHT) is None
    assert confirm(tmp_path, DRILL.code, NIGHT + CONFIRMABLE) is None
    assert confirm(tmp_path, DRILL.code, NIGHT - DAY) is None
    assert confirm(tmp_path, DRILL.code, NIGHT + CONFIRMABLE / 2) == "anna"


@pytest.mark.parametrize(
    "junk", ["", "{", "[]", '{"contacts": {"a": {}}}', '{"contacts": 3}', "\x00" * 100]
)
def test_a_damaged_file_is_as_none(tmp_path: Path, junk: str) -> None:
    (tmp_path / DRILLS_FILE).write_text(junk)
    assert read_drills(tmp_path) == {}


@pytest.mark.parametrize(
    ("facts", "status", "said", "fix"),
    [
        ([], CheckStatus.OK, "none: alerts go to no phone", None),
        ([("anna", "x", None)], CheckStatus.FAIL, "anna: x", "alerts test --to anna"),
        ([("anna", None, None)], CheckStatus.WARN, "anna was never tested", "--to anna"),
        (
            [("anna", None, Drill(tested=NIGHT, latency_s=None, code="1"))],
            CheckStatus.FAIL,
            "the last test did not reach anna",
            "--to anna",
        ),
        (
            [("anna", None, Drill(tested=NIGHT - 23 * DAY, latency_s=1, code="1"))],
            CheckStatus.WARN,
            "last test alert was 23 days ago",
            "spasmwatch alerts test",
        ),
        ([("anna", None, DRILL)], CheckStatus.WARN, "anna has never confirmed", "confirm CODE"),
        (
            [("anna", None, Drill(tested=NIGHT, latency_s=1, code="1", confirmed=NIGHT - 9 * DAY))],
            CheckStatus.WARN,
            "anna has not for 9 days confirmed a test",
            "confirm CODE",
        ),
        (
            [("anna", None, Drill(tested=NIGHT, latency_s=1, code="1", confirmed=NIGHT))],
            CheckStatus.OK,
            "anna: tested and confirmed within 7 days",
            None,
        ),
    ],
)
def test_doctor_says_when_each_was_last_tested_and_heard(facts, status, said, fix) -> None:
    check = check_contacts([ContactFacts(*each) for each in facts], NIGHT)
    assert check.status is status
    assert said in check.detail
    assert (check.fix is None) if fix is None else (fix in (check.fix or ""))
