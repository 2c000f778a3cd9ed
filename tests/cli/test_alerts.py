"""Laws of `spasmwatch alerts`."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from pydantic import SecretStr

from detector.config import ContactSettings, Settings, WebSettings
from detector.doctor.probes import contacts
from detector.people.people_file import PeopleFile

from ..push.browsers import Browser as PushBrowser
from ..push.servers import FakeNtfy, Mood, closed_port, ntfy
from ..web.stand import let_in

MINE = '# mine\n[wearer]\nlabel = "bedroom"  # upstairs\n'


@pytest.fixture
def house(tmp_path, spasmwatch):
    """Runs `alerts` with settings and a data folder of its own."""
    path = tmp_path / "config.toml"
    path.write_text(MINE)
    path.chmod(0o600)

    def run(*words, stdin=""):
        options = ("-c", path, "--data-dir", tmp_path / "data")
        return spasmwatch(*options, "alerts", *words, stdin=stdin)

    return run


def settings(tmp_path: Path) -> dict:
    return tomllib.loads((tmp_path / "config.toml").read_text())


def address(server: FakeNtfy, topic: str = "hidden") -> str:
    return server.address.replace("bedroom", topic)


def code_in(server: FakeNtfy) -> str:
    return re.sub(r"\D", "", server.taken[-1]["message"])


def test_somebody_is_added_tested_confirmed_listed_and_removed(tmp_path, house):
    with ntfy() as server:
        done = house("add", "anna", "-", "--quiet-hours", "22:00-07:00", stdin=address(server))
        assert done.returncode == 0, done.stderr
        assert re.search(r"anna: taken after \d\.\d s", done.stdout)
        secret = tmp_path / "contacts" / "anna.url"
        assert secret.read_text() == address(server) + "\n"
        assert secret.stat().st_mode & 0o777 == 0o600
        assert secret.parent.stat().st_mode & 0o777 == 0o700
        wanted = {"name": "anna", "url_file": str(secret), "quiet": "22:00-07:00"}
        assert settings(tmp_path)["contact"] == [wanted]
        assert (tmp_path / "config.toml").read_text().startswith(MINE)

        assert house("confirm", *code_in(server)).stdout == "anna has confirmed.\n"
        listed = house("list")
        assert re.search(r"1  anna +ntfy://\*\*\*   quiet 22:00-07:00 .*confirmed", listed.stdout)
        for said in (done, listed, house("test"), house("test", "--json"), house("list", "--json")):
            assert "hidden" not in said.stdout + said.stderr
            assert str(server.port) not in said.stdout + said.stderr

        done = house("remove", "anna")
        assert done.returncode == 0, done.stderr
        assert "contact" not in settings(tmp_path)
        assert not secret.exists()
        assert (tmp_path / "config.toml").read_text().rstrip() == MINE.rstrip()
        assert "No contact" in house("list").stderr


def test_one_who_is_not_reached_is_not_kept_unless_forced(tmp_path, house):
    dead = f"ntfy://127.0.0.1:{closed_port()}/x"
    done = house("add", "anna", dead)
    assert done.returncode == 69
    assert "anna: not reached: its server does not answer" in done.stdout
    assert "add --force" in done.stderr
    assert (tmp_path / "config.toml").read_text() == MINE
    assert not list(tmp_path.glob("*.bak*"))
    assert list((tmp_path / "contacts").iterdir()) == []

    assert house("add", "anna", dead, "--force").returncode == 0
    assert [each["name"] for each in settings(tmp_path)["contact"]] == ["anna"]


def test_a_test_goes_to_all_or_to_one_and_says_who_was_not_reached(tmp_path, house):
    with ntfy() as server, ntfy(Mood.REFUSES) as refusing:
        assert house("add", "anna", address(server, "anna")).returncode == 0
        assert house("add", "ben", address(refusing), "--force").returncode == 0
        server.taken.clear()
        done = house("test", "--json")
        assert done.returncode == 69
        said = json.loads(done.stdout)
        assert said["schema"] == "push-test/1"
        anna, ben = said["contacts"]
        assert (anna["name"], anna["why"]) == ("anna", None)
        assert 0 <= anna["latency_s"] < 15
        assert ben["latency_s"] is None
        assert "403" in ben["why"]
        assert len(server.taken) == 1
        assert house("test", "--to", "anna").returncode == 0
        assert len(server.taken) == 2
        assert code_in(server) not in done.stdout, "only whoever got it knows the code"


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (("add", "Anna B", "ntfys://x/y"), "must be up to 32 of a-z", 2),
        (("add", "Anna"), "alerts add anna", 2),
        (("add", "anna", "dbus://x"), "must not be dbus://", 2),
        (("add", "anna", "ntfy://lan/topic"), "write ntfys://", 2),
        (("add", "anna", "nonsense"), "must be an address such as", 2),
        (("add", "anna", "-"), "No address was given", 2),
        (("add", "anna", "ntfys://x/y", "--quiet-hours", "22-7"), "two times of day", 78),
        (("add", "anna", "nothing://x"), "is no service that spasmwatch knows", 69),
        (("test",), "There is no contact", 2),
        (("remove", "ben"), "There is no contact", 2),
        (("confirm", "123456"), "No test of the last 24 hours", 1),
    ],
)
def test_a_mistake_is_a_sentence_and_changes_nothing(tmp_path, house, words, said, code):
    done = house(*words)
    assert done.returncode == code
    assert said in " ".join((done.stdout + done.stderr).split())
    assert "Traceback" not in done.stderr
    assert (tmp_path / "config.toml").read_text() == MINE
    assert not list(tmp_path.glob("contacts/*"))


def test_names_are_not_taken_twice_and_an_unknown_one_is_named(tmp_path, house):
    with ntfy() as server:
        assert house("add", "anna", address(server)).returncode == 0
        told = " ".join(house("add", "anna", address(server)).stderr.split())
        assert "already" in told
        assert "alerts remove anna" in told, "for a new phone"
        assert "there are anna" in house("test", "--to", "ben").stderr
        (tmp_path / "contacts" / "ben.url").write_text("x")
        assert "exists already" in house("add", "ben", address(server)).stderr
        assert (tmp_path / "contacts" / "ben.url").read_text() == "x"


def test_doctor_and_config_check_say_what_is_wrong_and_nothing_of_the_address(
    tmp_path, house, spasmwatch
):
    with ntfy() as server:
        assert house("add", "anna", address(server)).returncode == 0
        options = ("-c", tmp_path / "config.toml", "--data-dir", tmp_path / "data")
        looked = spasmwatch(*options, "doctor", "--look", "0", "--share")
        [line] = [each for each in looked.stdout.splitlines() if "Contacts" in each]
        assert "<contact-1> has never confirmed a test" in line
        assert "hidden" not in looked.stdout + looked.stderr

        (tmp_path / "contacts" / "anna.url").chmod(0o644)
        for done in (
            spasmwatch(*options, "config", "check"),
            spasmwatch(*options, "doctor", "--look", "0"),
        ):
            assert "can be read by everybody" in done.stdout + done.stderr
            assert "hidden" not in done.stdout + done.stderr


def test_enter_makes_a_topic_which_is_kept_only_once_a_phone_follows_it(tmp_path, house):
    told = [house("add", "anna", stdin="\n") for _ in range(2)]
    topics = [re.findall(r"^ {7}([a-z2-9]{20})$", done.stderr, re.MULTILINE) for done in told]
    assert topics[0] != topics[1], "nobody guesses the next"
    for done in told:
        assert done.returncode == 2
        assert "nobody said that the phone follows the topic" in " ".join(done.stderr.split())
        assert done.stdout == ""
    assert (tmp_path / "config.toml").read_text() == MINE
    assert not list(tmp_path.glob("contacts/*"))


def test_a_page_that_notifies_and_is_switched_off_is_said(tmp_path, house, spasmwatch):
    path = tmp_path / "config.toml"
    path.write_text(MINE + "[web]\nenabled = false\n")
    refused = house("add", "anna", "page")
    assert refused.returncode == 2
    assert "set web.enabled = true" in refused.stderr
    assert not (tmp_path / "contacts" / "anna.url").exists()
    path.write_text(MINE)
    assert house("add", "anna", "PAGE").returncode == 0
    options = ("-c", path, "--data-dir", tmp_path / "data")
    assert spasmwatch(*options, "config", "check").returncode == 0
    path.write_text(path.read_text() + "[web]\nenabled = false\n")
    checked = spasmwatch(*options, "config", "check")
    assert checked.returncode != 0
    assert "contact anna: the page, which notifies their devices, is switched off" in checked.stderr


def test_whoever_loses_access_to_the_page_is_said_to_be_told_no_more(tmp_path, house, spasmwatch):
    assert house("add", "work", "page://anna").returncode == 0
    let_in(tmp_path / "data")
    let_in(tmp_path / "data", "ben")
    options = ("-c", tmp_path / "config.toml", "--data-dir", tmp_path / "data")
    assert "reach no device" not in spasmwatch(*options, "pair", "--remove", "ben").stderr
    removed = spasmwatch(*options, "pair", "--remove", "anna")
    assert removed.returncode == 0
    assert "contact work reach no device" in removed.stderr


def test_the_doctor_says_whom_the_page_notifies_on_no_device(tmp_path):
    mine = Settings(
        data_dir=tmp_path,
        contact=(ContactSettings(name="anna", url=SecretStr("page://anna")),),
    )

    def problem():
        [found] = contacts(mine)
        return found.problem

    assert "spasmwatch pair anna" in problem()
    token = let_in(tmp_path)
    assert "press Notify this device" in problem()
    push = PushBrowser("https://fcm.googleapis.com/x").subscription
    PeopleFile(tmp_path).change(lambda people: (people.subscribed(token, push), None))
    assert problem() is None
    off = mine.model_copy(update={"web": WebSettings(enabled=False)})
    [found] = contacts(off)
    assert "switched off" in found.problem


def test_the_pages_notifications_are_chosen_by_one_word_and_tested_from_the_device(tmp_path, house):
    done = house("add", "anna", "page")
    assert done.returncode == 0, done.stderr
    assert "Notify this device" in done.stderr
    assert (tmp_path / "contacts" / "anna.url").read_text() == "page://anna\n"
    assert "web.public_url" in done.stderr, "without it there is no button"
    assert "page://***   NO DEVICE" in house("list").stdout
    tried = house("test")
    assert tried.returncode == 69
    assert "anna: not reached: nobody is let in to the page by that name" in tried.stdout
    assert "spasmwatch pair anna" in tried.stdout
    let_in(tmp_path / "data")
    assert "anna: not reached: no device of theirs asks for it" in house("test").stdout
    refused = house("add", "ben", "page://Not a name")
    assert refused.returncode == 2
    assert "such as page://anna" in refused.stderr


def test_a_wrong_name_is_told_before_anybody_sets_up_a_phone(house):
    done = house("add", "Anna", stdin="\n\n")
    assert done.returncode == 2
    assert "ntfy" not in done.stdout + done.stderr


def test_a_phone_that_was_set_up_keeps_its_address_through_tries_that_fail(tmp_path, house):
    dead = f"ntfy://127.0.0.1:{closed_port()}/x"
    done = house("add", "anna", stdin=f"{dead}\n\n\n")
    assert done.returncode == 69
    assert done.stdout.count("anna: not reached: its server does not answer") == 3
    assert "Nothing was changed" in done.stderr
    assert (tmp_path / "config.toml").read_text() == MINE
    assert list((tmp_path / "contacts").iterdir()) == []

    done = house("add", "anna", stdin=f"{dead}\n\nk\n")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "contacts" / "anna.url").read_text() == dead + "\n"
    assert [each["name"] for each in settings(tmp_path)["contact"]] == ["anna"]


def test_ctrl_c_while_the_first_test_is_sent_changes_nothing(tmp_path, house):
    words = ("-c", tmp_path / "config.toml", "--data-dir", tmp_path / "data", "alerts", "add")
    with (
        ntfy(Mood.SILENT) as server,
        subprocess.Popen(
            [sys.executable, "-m", "detector", *map(str, words), "anna", address(server)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        ) as adding,
    ):
        assert adding.stderr is not None
        assert "Sending a test" in adding.stderr.readline()
        adding.send_signal(signal.SIGINT)
        assert adding.wait(30) == 130
    assert (tmp_path / "config.toml").read_text() == MINE
    assert list((tmp_path / "contacts").iterdir()) == []
