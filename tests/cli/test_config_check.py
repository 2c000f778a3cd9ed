"""`config check`, `doctor` and `run` say of a file that the settings name what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ..conftest import Done

BROKER = '[mqtt]\nbroker = "mqtts://broker.test"\nusername = "anna"\n'


@pytest.fixture
def check(spasmwatch: Callable[..., Done], tmp_path: Path) -> Callable[[str], Done]:
    def checked(lines: str) -> Done:
        config = tmp_path / "c.toml"
        config.write_text(BROKER + lines)
        return spasmwatch("-c", config, "config", "check")

    return checked


def test_a_missing_password_file_is_named_with_the_commands_that_make_it(
    check, spasmwatch, tmp_path
):
    secret = tmp_path / "safe" / "pass word"
    done = check(f'password_file = "{secret}"\n')
    ran = spasmwatch("-c", tmp_path / "c.toml", "run", "--source", "simulator")
    words = ["-c", tmp_path / "c.toml", "doctor", "--look", "0", "--json"]
    (doctor,) = [
        each
        for each in json.loads(spasmwatch(*words, "--radio", "unix:x").stdout)["checks"]
        if each["name"] == "Settings file"
    ]

    make = f"install -D -m 600 /dev/null '{secret}' && nano '{secret}'"
    for said in (done.stderr, ran.stderr, doctor["detail"]):
        assert f"mqtt.password_file {secret}: No such file or directory" in said
        assert make in said
    assert (done.returncode, ran.returncode, doctor["status"]) == (78, 78, "FAIL")
    assert done.stderr.rstrip().endswith("config check")
    assert "Looking for the sensor" not in ran.stderr
    secret.parent.mkdir()
    secret.touch(mode=0o600)
    secret.write_text("hush\n")
    assert check(f'password_file = "{secret}"\n').returncode == 0


@pytest.mark.parametrize("name", ["ca_file", "signing_file", "cert_file"])
def test_every_file_that_is_named_must_be_there(check, tmp_path, name):
    here = tmp_path / "there.pem"
    here.write_text("no certificate\n")
    both = f'key_file = "{here}"\n' if name == "cert_file" else ""
    done = check(f'{name} = "{tmp_path}/nowhere"\n{both}')
    assert done.returncode == 78
    assert f"mqtt.{name} {tmp_path}/nowhere: No such file or directory" in done.stderr
    assert "spasmwatch setup tls" in done.stderr or "-m detector setup tls" in done.stderr


def test_a_certificate_that_is_none_is_refused(check, tmp_path):
    here = tmp_path / "there.pem"
    here.write_text("no certificate\n")
    done = check(f'ca_file = "{here}"\n')
    assert done.returncode == 78
    assert f"cannot use {here} as authority" in done.stderr


def test_files_of_a_broker_that_is_not_used_are_not_looked_at(spasmwatch, tmp_path):
    config = tmp_path / "c.toml"
    config.write_text('[mqtt]\nbroker = "none"\nusername = "a"\npassword_file = "/nowhere"\n')
    assert spasmwatch("-c", config, "config", "check").returncode == 0
