"""Laws of a file of settings: whatever it is, it gives settings or a sentence that says why not."""

from __future__ import annotations

import os
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.config import read_configuration
from detector.errors import ConfigError

from .reading import complaint, read


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"a = = 3\n", "line 1 is not TOML: Invalid value. Nothing was started"),
        (b'[sensor]\ndevice = "Polar\n', "line 2 has a quotation mark that is not closed"),
        (b"device = 'Polar", "toml has a quotation mark that is not closed"),
        (b"[a]\nx=1\n[a]\ny=2\n", r"line 3 has the section \[a\], which is there twice: join them"),
        (b"[a]\nx=1\nx=2\n", "line 3 has a setting that is there twice: delete one"),
        (b"\n\n[mqtt\n", "line 3 is not TOML"),
        (b"a = " + b"[" * 50_000, "not TOML"),
        (b"a = " + b"9" * 50_000, "not TOML"),
        (b"\n\xff\n", "line 2 is not UTF-8"),
        (b"#" * 70_000, "64 kB"),
    ],
)
def test_what_is_no_settings_file_is_refused_in_a_sentence(tmp_path, data, words):
    file = tmp_path / "config.toml"
    file.write_bytes(data)
    with pytest.raises(ConfigError, match=words) as told:
        read_configuration(file, environ={})
    if words.startswith("line") and "UTF-8" not in words:
        assert str(told.value).endswith(f"then run: spasmwatch -c {file} config check")


def test_a_pipe_is_refused_at_once_as_settings_and_as_password(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    with pytest.raises(ConfigError, match=r"a pipe or a device, not a file\. Nothing was started"):
        read_configuration(pipe, environ={})
    secret = read_configuration(
        environ={"SPASMWATCH_MQTT__PASSWORD_FILE": str(pipe), "SPASMWATCH_MQTT__USERNAME": "a"}
    ).settings.mqtt
    with pytest.raises(ConfigError, match=r"mqtt\.password_file .*a pipe or a device"):
        secret.secret()


def test_a_file_that_is_named_must_exist_and_be_a_file(tmp_path):
    with pytest.raises(ConfigError, match="no such settings file"):
        read_configuration(tmp_path / "none.toml", environ={})
    with pytest.raises(ConfigError, match="Is a directory"):
        read_configuration(tmp_path, environ={})


def test_a_byte_order_mark_is_no_problem(tmp_path):
    file = tmp_path / "config.toml"
    file.write_bytes(b"\xef\xbb\xbf[mqtt]\r\nport = 5\r\n")
    assert read_configuration(file, environ={}).settings.mqtt.port == 5


VALID = (
    b"[wearer]\nlabel = 'bed'\ntime_zone = 'Europe/Berlin'\n[sensor]\ndevice = 'Polar Sense'\n"
    b"placement = 'calf'\n[alerts]\nwake_for = ['clonus >= 60s', 'tonic >= 9s']\n[mqtt]\n"
    b"broker = 'mqtts://house.lan'\nport = 8883\nusername = 'a'\npassword = 'b'\n"
    b"[recording]\nretention_nights = 30\n[log]\nlevel = 'debug'\n"
)


def mutated(data: bytes, seed: int) -> bytes:
    chance = random.Random(seed)
    wild = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(wild))
        match chance.randrange(3):
            case 0:
                wild[at] = chance.randrange(256)
            case 1:
                del wild[at : at + chance.randint(1, 20)]
            case _:
                wild[at:at] = chance.choice(
                    [b"'", b'"', b"[", b"]", b"=", b"\n", b"inf", b"{}", b"."]
                )
    return bytes(wild)


def settled(read_it) -> bool:
    """Whether reading ends in settings, or in an error of ours that says enough."""
    try:
        read_it()
    except ConfigError as error:
        return "Nothing was started." in str(error)
    return True


@pytest.mark.parametrize("seed", range(100))
def test_a_damaged_file_gives_settings_or_a_config_error(tmp_path, seed):
    file = tmp_path / "config.toml"
    file.write_bytes(mutated(VALID, seed))
    assert settled(lambda: read_configuration(file, environ={}))


@given(st.text(max_size=40))
def test_any_text_of_a_variable_gives_settings_or_a_config_error(text):
    for variable in ("MQTT__PORT", "MQTT__BROKER", "ALERTS__WAKE_FOR", "WEARER__TIME_ZONE"):
        environ = {f"SPASMWATCH_{variable}": text}
        assert settled(lambda environ=environ: read_configuration(environ=environ))


@pytest.mark.parametrize("part", ["a", '"a b"', "'a.b'", "a \t"])
@pytest.mark.parametrize("form", ["{} = 1", "[{}]", "x = {{ {} = 1 }}", "y = 1\n[mqtt]\n{} = 2"])
def test_a_key_of_thousands_of_levels_costs_neither_time_nor_memory(tmp_path, part, form):
    key = ".".join([part] * (60_000 // (len(part) + 1)))
    began_s = time.process_time()
    told = complaint(tmp_path, form.format(key))
    assert time.process_time() - began_s < 2
    assert "too deeply" in told
    assert len(told) < 1000
    read(tmp_path, "# settings.of.a.night, see docs/architecture.md. 1.2.3.4.5.6\n")
