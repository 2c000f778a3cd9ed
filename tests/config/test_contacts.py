"""Laws of the contacts in the settings: what they may be, and that no address is ever shown."""

from __future__ import annotations

import json
from datetime import time
from pathlib import Path

import pytest

from detector.config import read_configuration
from detector.errors import ConfigError

from .reading import complaint, read

SECRET = "ntfys://ntfy.sh/hush-hush-topic"  # noqa: S105 - of nobody
ANNA = f'[[contact]]\nname = "anna"\nurl = "{SECRET}"\n'


def test_contacts_keep_their_order_and_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    text = ANNA + (
        f'[[contact]]\nname = "ben"\nurl = "{SECRET}"\nquiet = "22:00-07:00"\n'
        'wake_for = ["clonus>=60s"]\nwording = "full"\n'
    )
    anna, ben = read(tmp_path, text).settings.contact
    assert (anna.name, anna.quiet_hours, anna.rules, anna.wording) == (
        "anna",
        None,
        None,
        "neutral",
    )
    assert anna.address() == SECRET
    assert ben.quiet_hours == (time(22), time(7))
    assert ben.rules == {"clonus >= 60s"}, "as alerts name it"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('name = "Anna B"', 'line 6  contact.name = "Anna B"   must be up to 32 of a-z'),
        ('quiet = "22-7"', 'contact.quiet = "22-7"   must be two times of day such as 22:00-07:00'),
        ('quiet = "22:00-22:00"', "must be two times of day"),
        ('wording = "loud"', "contact.wording = \"loud\"   must be 'neutral' or 'full'"),
        ('wake_for = ["clonus"]', 'contact.wake_for[0] = "clonus"   wake rule'),
        ("wake_for = []", "contact.wake_for"),
        ('wordin = "full"', "contact.wordin   is not a setting   did you mean contact.wording?"),
        ('url_file = "/x"', "[[contact]]   must have either url or url_file"),
    ],
)
def test_a_mistake_names_its_line_and_what_to_write(tmp_path: Path, line: str, said: str) -> None:
    name = "" if line.startswith("name") else 'name = "ben"\n'
    text = ANNA + f'[[contact]]\n{name}url = "{SECRET}"\n{line}\n'
    told = complaint(tmp_path, text)
    assert said in told
    assert "hush" not in told


def test_each_of_several_contacts_is_found_by_its_own_line(tmp_path: Path) -> None:
    wrong = "".join(
        f'[[contact]]\nname = "c{n}"\nurl = "{SECRET}"\nquiet = "x"\n' for n in range(3)
    )
    lines = [line for line in complaint(tmp_path, wrong).splitlines() if "quiet" in line]
    assert [line.split()[1] for line in lines] == ["4", "8", "12"]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ntfy.sh/topic", "must be an address such as"),
        ("dbus://", "must not be dbus://: that touches this computer"),
        ("WINDOWS://", "must not be windows://"),
        ("syslog://x", "must not be syslog://"),
        ("ntfy://192.168.1.9/topic", "write ntfys://, or insecure = true"),
        ("mailto://a:b@example.org", "write mailtos://"),
        ("ntfys://x/" + "y" * 2100, "printable characters in one line"),
    ],
)
def test_an_unsafe_address_is_refused_and_not_shown(tmp_path: Path, url: str, said: str) -> None:
    told = complaint(tmp_path, f'[[contact]]\nname = "anna"\nurl = "{url}"\n')
    assert said in told
    assert "topic" not in told.replace("TOPIC", "")
    assert "192.168" not in told


def test_an_address_that_is_not_encrypted_is_used_on_this_computer_or_where_that_is_accepted(
    tmp_path: Path,
) -> None:
    for more in ('url = "ntfy://127.0.0.1:8080/t"', 'url = "ntfy://lan/t"\ninsecure = true'):
        [anna] = read(tmp_path, f'[[contact]]\nname = "anna"\n{more}\n').settings.contact
        assert anna.address().startswith("ntfy://")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ANNA + ANNA, "must not call two contacts 'anna'"),
        (
            ANNA + 'wake_for = ["clonus >= 9s"]\n',
            "for which contact anna waits, in alerts.wake_for",
        ),
        (
            ANNA + 'wake_for = ["clonus >= 60s"]\n',
            "must have '3 spasms in 10min' in the wake_for of a contact",
        ),
        (
            "".join(ANNA.replace("anna", f"a{n}") for n in range(17)),
            "must have 16 entries or fewer",
        ),
    ],
)
def test_contacts_that_do_not_fit_together_are_refused(
    tmp_path: Path, text: str, said: str
) -> None:
    assert said in complaint(tmp_path, text)


@pytest.mark.parametrize("many", [1, 2, 17])
@pytest.mark.parametrize(
    "line",
    [
        "",
        f'name = "{SECRET}"',
        f'quiet = "{SECRET}"',
        f'wording = "{SECRET}"',
        f'wording = ["{SECRET}"]',
        f'url_file = "{SECRET}"',
        f'urls = ["{SECRET}"]',
        f'url = ["{SECRET}"]',
        f'url = {{x = "{SECRET}"}}',
        f'insecure = "{SECRET}"',
        'url = "ntfy://somewhere.example/hush-hush-topic"',
    ],
)
def test_wherever_an_address_was_put_and_however_many_there_are_none_is_shown(
    tmp_path: Path, line: str, many: int
) -> None:
    name = line.partition(" ")[0]
    kept = [each for each in ('name = "a"', f'url = "{SECRET}"') if each.split()[0] != name]
    text = "\n".join(["[[contact]]", *kept, line, ""])
    if line or many > 1:  # of one name
        assert "hush" not in complaint(tmp_path, text * many)


def test_an_address_in_a_file_that_others_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("# ours\n" + ANNA)
    file.chmod(0o644)
    with pytest.raises(ConfigError, match=r"line 4  contact\.url = \*\*\*   can be read by others"):
        read_configuration(file, environ={})


def test_an_address_is_read_from_a_private_file_alone(tmp_path: Path) -> None:
    secret = tmp_path / "anna.url"
    [anna] = read(tmp_path, f'[[contact]]\nname = "anna"\nurl_file = "{secret}"').settings.contact
    with pytest.raises(ConfigError, match=r"contact anna: url_file .*write the address"):
        anna.address()
    secret.write_text(SECRET + "\n")
    secret.chmod(0o644)
    with pytest.raises(ConfigError, match="can be read by everybody: chmod 600"):
        anna.address()
    secret.chmod(0o600)
    assert anna.address() == SECRET
    secret.write_text("dbus://x\n")
    with pytest.raises(ValueError, match="must not be dbus"):
        anna.address()


def test_a_service_of_its_own_user_gets_the_file_from_systemd(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = '[[contact]]\nname = "anna"\nurl_file = "/nowhere/anna.url"'
    [anna] = read(tmp_path, text).settings.contact
    handed = tmp_path / anna.credential_name
    handed.write_text(SECRET)
    handed.chmod(0o400)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert anna.address() == SECRET


def test_no_output_shows_an_address(tmp_path: Path) -> None:
    configuration = read(tmp_path, ANNA)
    shown = json.dumps({key: value for key, value, _ in configuration.rows()})
    assert "hush" not in shown + repr(configuration.settings)
    assert "**********" in shown


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://house.example/sw/", True),
        ("http://192.168.1.9:8377", True),
        ("ftp://x", False),
        ("https://", False),
        ("https://x/?a=b", False),
        ("https://a@x", False),
        ("https://x y", False),
        ("https://[", False),
    ],
)
def test_the_pages_address_is_one_that_a_token_can_be_put_behind(
    tmp_path: Path, url: str, good: bool
) -> None:
    text = f'[web]\npublic_url = "{url}"\n'
    if good:
        assert read(tmp_path, text).settings.web.public_url == url.rstrip("/")
    else:
        assert "must be an address such as https://" in complaint(tmp_path, text)
