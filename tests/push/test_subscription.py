"""Laws of the subscriptions that browsers name, and of the key that they are made for."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from detector.people.people import MOST_SESSIONS, People, Role
from detector.people.people_file import PeopleFile
from detector.people.subscription import is_known, subscription_of
from detector.push.vapid import VapidKey

from .browsers import NOW, Browser, bytes_of, let_in, text_of

KEYS = Browser("https://fcm.googleapis.com/x").subscription


def test_a_subscription_is_at_a_browser_makers_push_service_or_one_of_the_settings() -> None:
    for host in (
        "fcm.googleapis.com",
        "updates.push.services.mozilla.com",
        "web.push.apple.com",
        "wns2-par02p.notify.windows.com",
    ):
        assert is_known(Browser(f"https://{host}/x").subscription, ())
    for host in (
        "127.0.0.1",
        "localhost",
        "192.168.1.1",
        "[::1]",
        "fcm.googleapis.com.example",
        "xfcm.googleapis.com",
        "fcm.googleapis.com:8080",
        "fcm.googleapis.com.",
    ):
        assert not is_known(Browser(f"https://{host}/x").subscription, ("push.example:8443",))
    assert is_known(Browser("https://Push.example:8443/x").subscription, ("push.example:8443",))


@given(
    st.text("ab1.:@%[]\\_-", max_size=12),
    st.sampled_from(["", ".", ":", "@", "\\", "/", "%2f", "?", "#", ":1\\."]),
)
def test_no_other_computer_is_asked_than_the_one_that_was_checked(text: str, between: str) -> None:
    """Checked by urllib, and asked by urllib3: they must agree on the host."""
    for host in (f"{text}{between}fcm.googleapis.com", f"fcm.googleapis.com{between}{text}"):
        said = KEYS.to_dict() | {"endpoint": f"https://{host}/x"}
        try:
            found = subscription_of(said)
        except ValueError:
            continue
        with suppress(requests.exceptions.InvalidURL):  # nobody is asked
            url = str(requests.Request("POST", found.endpoint).prepare().url)
            assert urlsplit(url).netloc.lower() == urlsplit(found.endpoint).netloc.lower()


@pytest.mark.parametrize(
    "push",
    [
        {"endpoint": KEYS.endpoint},
        {**KEYS.to_dict(), "p256dh": "AAAA"},
        {**KEYS.to_dict(), "endpoint": "http://x"},
        "text",
        [],
        7,
    ],
)
def test_a_damaged_subscription_locks_nobody_out(tmp_path: Path, push: object) -> None:
    let_in(tmp_path, "t1", Browser(KEYS.endpoint))
    file = PeopleFile(tmp_path)
    whole = json.loads(file.path.read_text())
    whole["people"][0]["sessions"][0]["push"] = push
    file.path.write_text(json.dumps(whole))
    assert file.now().who("t1", NOW) is not None
    assert file.now().devices("anna", NOW) == ()


def test_no_subscription_can_be_read_in_a_log() -> None:
    shown = repr(KEYS)
    assert not any(secret in shown for secret in KEYS.to_dict().values())


def test_devices_that_take_messages_outlast_those_that_do_not() -> None:
    """A phone that is told, and on which nobody opens the page, makes no room for others."""
    people = People()
    for number in range(2 * MOST_SESSIONS):
        at = NOW + timedelta(minutes=number)
        admitted = people.with_code("K3V-Q7M-2XT", "anna", Role.CAREGIVER, at).admit(
            "K3V-Q7M-2XT", f"t{number}", at
        )
        assert admitted is not None
        people = admitted[0] if number else admitted[0].subscribed("t0", KEYS)
    assert people.who("t0", NOW) is not None
    assert people.who("t1", NOW) is None
    assert len(people.people[0].sessions) == MOST_SESSIONS


@pytest.mark.parametrize("raw", [b"", b"cut", bytes(32), b"\xff" * 32, b"x" * 33, b"x" * 4096])
def test_a_key_that_is_none_is_replaced(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "web-push.key").write_bytes(raw)
    assert len(bytes_of(VapidKey(tmp_path).public)) == 65
    assert VapidKey(tmp_path).public == VapidKey(tmp_path).public


def test_all_who_make_the_key_at_once_get_the_same(tmp_path: Path) -> None:
    """The page shows browsers one key while a contact's thread signs with it."""
    for name in map(str, range(20)):
        together = threading.Barrier(8)

        def public(folder: Path = tmp_path / name, start: threading.Barrier = together) -> str:
            start.wait()
            return VapidKey(folder).public

        with ThreadPoolExecutor(8) as pool:
            keys = {one.result() for one in [pool.submit(public) for _ in range(8)]}
        assert keys == {VapidKey(tmp_path / name).public}


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "endpoint": st.text() | st.sampled_from([KEYS.endpoint, "https://u:p@x/", "http://x/"]),
            "p256dh": st.text() | st.just(KEYS.p256dh) | st.binary(max_size=70).map(text_of),
            "auth": st.text() | st.just(KEYS.auth) | st.integers() | st.none(),
        },
    )
    | st.none()
    | st.integers()
    | st.lists(st.text())
)
def test_a_browser_may_say_anything(said: object) -> None:
    try:
        found = subscription_of(said)
    except ValueError:
        return
    assert subscription_of(json.loads(json.dumps(found.to_dict()))) == found
    assert found.endpoint.startswith("https://")
