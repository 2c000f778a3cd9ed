"""Who may see the page: codes open it once, sessions last while they are used, a removal counts."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.errors import ConfigError, StorageError
from detector.people.people import (
    CODE,
    MOST_PEOPLE,
    MOST_SESSIONS,
    SESSION,
    People,
    Role,
    digest_of,
    people_of,
)
from detector.people.people_file import PeopleFile
from detector.web.access.limits import MOST_KEYS, Limit, is_loopback, network_of
from detector.web.access.pairing import ALPHABET, LENGTH, new_code, typed_code

from .stand import ask, standing

NOW = datetime(2026, 11, 29, 2, 0, tzinfo=UTC)
S = timedelta(seconds=1)


def paired(name: str = "anna", role: Role = Role.CAREGIVER, token: str = "t") -> People:  # noqa: S107
    admitted = People().with_code("code", name, role, NOW).admit("code", token, NOW)
    assert admitted is not None
    return admitted[0]


def test_a_code_lets_in_once_and_for_ten_minutes() -> None:
    people = People().with_code("code", "anna", Role.WEARER, NOW)
    assert people.admit("other", "t", NOW) is None
    assert people.admit("code", "t", NOW + CODE) is None
    assert people.admit("code", "t", NOW - S) is None, "the clock was set back"
    admitted = people.admit("code", "t", NOW + CODE - S)
    assert admitted is not None
    after, anna = admitted
    assert (anna.name, anna.role) == ("anna", Role.WEARER)
    assert after.admit("code", "again", NOW) is None
    found = after.who("t", NOW + CODE)
    assert found is not None
    assert found[0] == anna
    assert after.who("other", NOW) is None


def test_a_session_lasts_while_it_is_used() -> None:
    people = paired()
    assert people.who("t", NOW + SESSION - S) is not None
    assert people.who("t", NOW + SESSION) is None
    assert people.used("t", NOW + 100 * S).who("t", NOW + SESSION) is not None
    assert people.left("t").who("t", NOW) is None


def test_a_removal_ends_every_session_and_code() -> None:
    people = paired().with_code("next", "anna", Role.CAREGIVER, NOW)
    gone = people.without("anna")
    assert gone.who("t", NOW) is None
    assert gone.admit("next", "u", NOW) is None


def test_names_roles_and_numbers_have_limits() -> None:
    for name in ("", "Anna", "a" * 33, "../x", "anna<script>"):
        with pytest.raises(ConfigError, match="is no name"):
            People().with_code("c", name, Role.CAREGIVER, NOW)
    with pytest.raises(ConfigError, match="anna is caregiver already: `spasmwatch pair --remove"):
        paired().with_code("c", "anna", Role.WEARER, NOW)
    people = People()
    for number in range(MOST_PEOPLE):
        code = str(number)
        people = people.with_code(code, f"p{number}", Role.CAREGIVER, NOW)
        admitted = people.admit(code, code, NOW)
        assert admitted is not None
        people = admitted[0]
    with pytest.raises(ConfigError, match="32 people have access already"):
        people.with_code("c", "one-more", Role.CAREGIVER, NOW)
    people = paired()
    for number in range(MOST_SESSIONS + 3):
        again = people.with_code("c", "anna", Role.CAREGIVER, NOW)
        admitted = again.admit("c", f"device {number}", NOW + number * S)
        assert admitted is not None
        people = admitted[0]
    assert len(people.people[0].sessions) == MOST_SESSIONS
    assert people.who("t", NOW) is None, "the device that was used longest ago goes"


@given(st.sampled_from(Role), st.text("ab-_1", min_size=1).filter(lambda n: n[0] in "ab1"))
def test_people_are_the_same_after_a_restart(role: Role, name: str) -> None:
    people = paired(name[:32], role).with_code("next", name[:32], role, NOW)
    assert people_of(json.loads(json.dumps(people.to_dict()))) == people


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["schema", "people", "codes", "name", "role", "sessions"]), inner
            )
        ),
    )
)
def test_a_damaged_file_is_said_to_be_one(said: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        people_of(said)


def test_the_file_holds_no_secret_and_is_its_owners(tmp_path: Path) -> None:
    file = PeopleFile(tmp_path)
    code = new_code()
    file.change(lambda people: (people.with_code(code, "anna", Role.CAREGIVER, NOW), None))
    file.change(lambda people: people.admit(code, "secret-token", NOW) or (people, None))  # type: ignore[arg-type,return-value]
    text = file.path.read_text()
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert code not in text
    assert "secret-token" not in text
    assert digest_of("secret-token") in text


def test_a_removal_by_another_process_counts_at_once(tmp_path: Path) -> None:
    service, pair = PeopleFile(tmp_path), PeopleFile(tmp_path)
    assert service.now() == People()
    pair.change(lambda _: (paired(), None))
    assert service.now().who("t", NOW) is not None
    pair.change(lambda people: (people.without("anna"), None))
    assert service.now().who("t", NOW) is None
    pair.change(lambda _: (paired(), None))
    pair.path.write_text("{")
    assert service.now() == People(), "nobody is let in by a damaged file"
    with pytest.raises(ConfigError, match="delete it, and pair everybody again"):
        pair.change(lambda people: (people, None))
    pair.path.unlink()
    pair.path.mkdir()
    assert service.now() == People()
    with pytest.raises((ConfigError, StorageError)):
        pair.change(lambda people: (paired(), None))


def test_a_code_is_hard_to_guess_and_easy_to_type() -> None:
    code = new_code()
    assert len(ALPHABET) ** LENGTH >= 2**40
    assert typed_code(code) == code
    assert typed_code(f" {code.lower().replace('-', ' ')} ") == code
    assert typed_code("oil-K3V-Q7M") == "011-K3V-Q7M"
    for none in ("", "K3V", code + "X", "K3V-Q7M-2X!", "ÄÖÜÄÖÜÄÖÜ"):
        assert typed_code(none) == ""


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 5)), max_size=80))
def test_no_key_and_not_all_together_have_more_than_their_share(
    asked: list[tuple[str, float]],
) -> None:
    limit = Limit(each=(1.0, 3.0), total=(2.0, 5.0))
    now_s, allowed = 0.0, []
    for key, later_s in asked:
        now_s += later_s
        if limit.allows(key, now_s):
            allowed.append(key)
    assert len(allowed) <= 5 + 2 * now_s
    for key in "abc":
        assert allowed.count(key) <= 3 + now_s


def test_limits_remember_so_many_and_no_more() -> None:
    limit = Limit(each=(1.0, 1.0), total=(1e9, 1e9))
    for number in range(3 * MOST_KEYS):
        assert limit.allows(str(number), 0.0)
    assert len(limit._keys) == MOST_KEYS


def test_one_household_has_one_network_however_many_addresses() -> None:
    assert network_of("2001:db8:1:2::5") == network_of("2001:db8:1:2:ffff::9") != network_of("::1")
    assert network_of("::ffff:192.0.2.7") == "192.0.2.7"
    assert network_of("fe80::1%eth0") == network_of("fe80::2")
    assert is_loopback("127.0.0.1")
    assert is_loopback("::1")
    assert is_loopback("::ffff:127.0.0.1")
    assert not is_loopback("192.168.1.2")
    assert not is_loopback("house.lan")


def test_a_damaged_file_is_told_on_the_page_without_its_place(tmp_path: Path) -> None:
    with standing(tmp_path) as stand:
        token = stand.let_in()
        whole = (tmp_path / "people.json").read_text()
        (tmp_path / "people.json").write_text(whole[:-9])
        assert ask(stand.port, "/", token=token).headers["location"] == "/pair"
        asked = ask(stand.port, "/pair")
        given = ask(stand.port, "/pair", method="POST", form={"code": "K3V-Q7M-2XT"})
        assert given.status == 503
        for said in (asked.body, given.body):
            assert "spasmwatch pair --list" in said
            assert str(tmp_path) not in said
        (tmp_path / "people.json").write_text(whole)
        assert ask(stand.port, "/", token=token).status == 200
        assert "pair --list" not in ask(stand.port, "/pair").body
