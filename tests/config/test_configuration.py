"""Laws of the settings: precedence, honesty about origins, all problems at once, no secret told."""

from __future__ import annotations

import itertools
import shlex
import subprocess
from pathlib import Path

import pytest

from detector.config import Settings, default_path, read_configuration
from detector.errors import ConfigError

from .reading import complaint, read


def test_without_anything_the_defaults_hold_and_are_valid_themselves(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    found = read_configuration(environ={})
    assert found.path is None
    assert found.settings == Settings()
    assert {origin for *_, origin in found.rows()} == {"default"}
    plain = {k: v for k, v in Settings().model_dump().items() if k != "data_dir"}
    assert Settings.model_validate(plain) == Settings()


def test_the_default_file_is_read_where_there_is_one(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    default_path().parent.mkdir(parents=True)
    default_path().write_text("[sensor]\nlabel = 'left-calf'\n")
    assert read_configuration(environ={}).settings.sensor.label == "left-calf"


@pytest.mark.parametrize("given", list(itertools.product([False, True], repeat=3)))
def test_flag_beats_environment_beats_file_beats_default(tmp_path, given):
    in_file, in_environment, in_flag = given
    found = read(
        tmp_path,
        "[mqtt]\nport = 1111\n" if in_file else "",
        {"SPASMWATCH_MQTT__PORT": "2222"} if in_environment else {},
        {"mqtt.port": 3333 if in_flag else None},
    )
    expected = (
        (3333, "flag") if in_flag
        else (2222, "environment SPASMWATCH_MQTT__PORT") if in_environment
        else (1111, "line 2") if in_file
        else (None, "default")
    )  # fmt: skip
    rows = {key: (value, origin) for key, value, origin in found.rows()}
    assert rows["mqtt.port"] == expected


def test_environment_reads_each_kind_of_setting(tmp_path):
    found = read(
        tmp_path,
        "",
        {
            "SPASMWATCH_MQTT__USERNAME": "1234",
            "SPASMWATCH_MQTT__PASSWORD": "5678",
            "SPASMWATCH_RECORDING__ENABLED": "false",
            "SPASMWATCH_RECORDING__RETENTION_NIGHTS": "7",
            "SPASMWATCH_ALERTS__WAKE_FOR": '["tonic >= 9s"]',
            "SPASMWATCH_SENSOR__PLACEMENT": "calf",
            "SPASMWATCH_DATA_DIR": str(tmp_path),
            "SPASMWATCH_NOTHING_SKIPPED": "1",  # another program's, not a setting
        },
    ).settings
    assert found.mqtt.username == "1234"
    assert found.mqtt.secret() == "5678"
    assert not found.recording.enabled
    assert found.recording.retention_nights == 7
    assert found.alerts.wake_for == ("tonic >= 9s",)
    assert found.sensor.placement == "calf"
    assert found.data_dir == tmp_path


EVERYTHING_WRONG = """\
# a comment
[sensor]
placement = "ankel"        # 3
label = "left calf"        # 4

[mqtt]
prot = 1883                # 7
port = 99999               # 8
pasword = "canary-1"       # 9
broker = "mqtt://me:canary-2@house"

[alerts]
wake_for = [               # 13
  "tonic >= 10s",
  "twitch >= 1s",
]
[recording]
retention_nights = -1      # 18
[mqqt]
a = 1
[wearer]
time_zone = "Europe/Amsterdm"
[log]
level = 3
"""


def test_all_problems_are_told_at_once_with_their_lines(tmp_path):
    text = complaint(tmp_path, EVERYTHING_WRONG, {"SPASMWATCH_MQTT__INSECURE": "yes"})
    assert "Nothing was started." in text
    for expected in (
        "line 3  sensor.placement = \"ankel\"   must be 'foot', 'ankle'",
        "did you mean ankle?",
        "line 4  sensor.label",
        "line 7  mqtt.prot   is not a setting   did you mean mqtt.port?",
        "line 8  mqtt.port = 99999   must be 65535 or less",
        "line 9  mqtt.pasword   is not a setting   did you mean mqtt.password?",
        "line 10  mqtt.broker",
        "line 13  alerts.wake_for[1]",
        "line 18  recording.retention_nights = -1   must be 1 or more",
        "line 19  mqqt   is not a setting   did you mean mqtt?",
        "line 22  wearer.time_zone",
        "did you mean Europe/Amsterdam?",
        "line 24  log.level = 3",
        "environment SPASMWATCH_MQTT__INSECURE",
    ):
        assert expected in text
    assert text.splitlines()[0].endswith("has 12 problems. Nothing was started.")


def test_a_call_for_help_is_a_rule_as_any_other(tmp_path):
    text = "[alerts]\nwake_for = ['clonus >= 60s', 'button']"
    assert read(tmp_path, text).settings.alerts.wake_for == ("clonus >= 60s", "button")


@pytest.mark.parametrize("level", ["simulated", "replay"])
def test_a_prefix_that_hides_what_is_simulated_is_refused(tmp_path, level):
    for prefix in (level, f"home/{level}", f"{level}/home"):
        text = complaint(tmp_path, f"[mqtt]\nprefix = '{prefix}'")
        assert f'line 2  mqtt.prefix = "{prefix}"   must not have {level!r} in it' in text


def test_no_secret_is_ever_told(tmp_path):
    assert "canary" not in complaint(tmp_path, EVERYTHING_WRONG)
    assert "canary" not in complaint(tmp_path, "[mqtt]\npassword = ['canary']")
    held = "[mqtt]\nusername = 'me'\npassword = 'canary'\n"
    found = read(tmp_path, held)
    assert "canary" not in repr(list(found.rows()))
    assert "canary" not in repr(found)
    assert "canary" not in complaint(tmp_path, held + "broker = 'mqtt://house.lan'")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[mqtt]\n\n\nport = 0", 4),
        ("mqtt.port = 0", 1),
        ("# port = 1\n[mqtt]\nprefix = 'port'\nport = 0", 4),
        ("[alerts]\nwake_for = [\n 'wake_for',\n 'tonic >= 9s'\n]\n[mqtt]\nport = 0", 7),
        ("wearer.label = '''\nport = 0\n'''\n[mqtt]\nport = 0", 5),
    ],
)
def test_a_problem_names_the_line_on_which_its_key_is_set(tmp_path, text, line):
    assert f"line {line}  mqtt.port = 0   must be 1 or more" in complaint(tmp_path, text)


@pytest.mark.parametrize(
    "line",
    [
        "recording.retention_nights = inf",
        "recording.retention_nights = nan",
        "recording.retention_nights = 1.5",
        "recording.retention_nights = true",
        "recording.retention_nights = 99999999999999999999999",
        "mqtt.port = '1883'",
        "mqtt.prefix = 'a/#'",
        "mqtt.prefix = '$SYS'",
        "mqtt.prefix = ''",
        "mqtt.broker = 'homeassistant.local'",
        "mqtt.broker = 'http://homeassistant.local'",
        "mqtt.broker = 'mqtt://host:99999'",
        "mqtt.broker = 'mqtt://[::1'",
        "mqtt.broker = 'mqtt://'",
        "mqtt = 3",
        "alerts.wake_for = 'button'",
        "wearer.label = ''",
        'wearer.label = "a\\u001b[2J"',
        "wearer.time_zone = '../../etc/passwd'",
        "wearer.time_zone = ''",
        "sensor.driver = 'a b'",
        "data_dir = 3",
        "data_dir = ''",
        "data_dir = '  '",
        "mqtt.password_file = ''",
        'data_dir = "a\\u0000b"',
        'mqtt.broker = "mqtt://h\\u0000:1"',
        "mqtt.broker = 'mqtt://a b'",
    ],
)
def test_unsafe_and_senseless_values_are_refused(tmp_path, line):
    text = complaint(tmp_path, line)
    assert "line 1" in text
    assert "must " in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("broker", "suggested"),
    [
        ("homeassistant.local", "mqtt://homeassistant.local"),
        ("homeassistant.local:1883", "mqtt://homeassistant.local:1883"),
        ("house.lan:65536", "mqtt://homeassistant.local"),
        ("house.lan:0", "mqtt://homeassistant.local"),
    ],
)
def test_a_broker_without_its_scheme_is_suggested_with_it(tmp_path, broker, suggested):
    text = complaint(tmp_path, f"mqtt.broker = '{broker}'")
    assert f"an address such as {suggested}\n" in text


def test_the_remedy_checks_the_file_that_was_read(tmp_path, monkeypatch):
    named = complaint(tmp_path, "mqtt.port = 'x'")
    assert named.endswith(f"then run: spasmwatch -c {tmp_path}/config.toml config check")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    default_path().parent.mkdir(parents=True)
    default_path().write_text("mqtt.port = 'x'")
    with pytest.raises(ConfigError, match=r"then run: spasmwatch config check$"):
        read_configuration(environ={})


@pytest.mark.parametrize("broker", ["mqtt://house.lan", "mqtt://10.0.0.2", "mqtts://house.lan"])
def test_no_alert_leaves_this_computer_without_tls_and_password_unless_accepted(tmp_path, broker):
    text = f"[mqtt]\nbroker = '{broker}'\n"
    told = complaint(tmp_path, text)
    assert "insecure = true" in told
    assert "spasmwatch setup tls" in told
    read(tmp_path, text + "insecure = true")
    read(tmp_path, "[mqtt]\ninsecure = true", environ={"SPASMWATCH_MQTT__BROKER": broker})


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_settings_with_a_password_that_others_may_read_are_refused_and_the_remedy_works(
    tmp_path, mode
):
    file = tmp_path / "my config.toml"
    file.write_text("[mqtt]\nusername = 'a'\npassword = 'canary'\n")
    file.chmod(mode)
    with pytest.raises(ConfigError) as caught:
        read_configuration(file, environ={})
    assert "canary" not in str(caught.value)
    remedy = next(line for line in str(caught.value).splitlines() if "chmod" in line)
    subprocess.run(shlex.split(remedy.partition(": ")[2]), check=True)
    assert read_configuration(file, environ={}).settings.mqtt.secret() == "canary"
    file.write_text("[mqtt]\nusername = 'a'\n")
    file.chmod(mode)
    read_configuration(file, environ={})


def test_a_password_is_not_sent_readable_through_the_house_unless_accepted(tmp_path):
    head = "[mqtt]\nusername = 'a'\npassword = 'b'\n"
    assert "insecure = true" in complaint(tmp_path, head + "broker = 'mqtt://house.lan'")
    for fine in ("mqtts://house.lan", "mqtt://localhost", "mqtt://127.0.0.1", "mqtt://[::1]"):
        read(tmp_path, head + f"broker = '{fine}'")
    read(tmp_path, head + "broker = 'mqtt://house.lan'\ninsecure = true")


def test_the_brokers_address_knows_its_port(tmp_path):
    def address(text):
        return read(tmp_path, "[mqtt]\n" + text).settings.mqtt.address

    assert address("") is None
    assert address("broker = 'embedded'") is None
    assert address("broker = 'mqtt://localhost'") == ("localhost", 1883, False)
    assert address("broker = 'mqtts://localhost'") == ("localhost", 8883, True)
    assert address("broker = 'mqtt://localhost:1'\n") == ("localhost", 1, False)
    assert address("broker = 'mqtt://localhost'\nport = 2") == ("localhost", 2, False)
    assert "two ports" in complaint(tmp_path, "[mqtt]\nbroker='mqtt://a:1'\nport = 2")


def test_a_password_file_is_read_only_where_it_is_private(tmp_path):
    secret = tmp_path / "pw"
    settings = read(tmp_path, f"[mqtt]\nusername='a'\npassword_file = '{secret}'").settings.mqtt
    with pytest.raises(ConfigError, match="No such file"):
        settings.secret()
    secret.write_text("hush\n")
    secret.chmod(0o604)
    with pytest.raises(ConfigError, match="chmod 600"):
        settings.secret()
    secret.chmod(0o600)
    assert settings.secret() == "hush"
    for nonsense in (b"", b"\n", b"\xff\xfe", b"x" * 5000):
        secret.write_bytes(nonsense)
        with pytest.raises(ConfigError, match="does not hold a password"):
            settings.secret()
    assert "not both" in complaint(
        tmp_path, f"[mqtt]\nusername='a'\npassword='b'\npassword_file='{secret}'"
    )


def test_an_unknown_variable_is_told_with_the_likely_one(tmp_path):
    text = complaint(tmp_path, "", {"SPASMWATCH_MQTT__PRT": "1"})
    assert "SPASMWATCH_MQTT__PRT   is not a setting   did you mean SPASMWATCH_MQTT__PORT?" in text


def test_certificates_go_with_mqtts_alone_and_a_key_with_its_certificate(tmp_path):
    head = "[mqtt]\nca_file = '~/ca.pem'\nusername = 'a'\npassword = 'b'\n"
    found = read(tmp_path, head + "broker = 'mqtts://house.lan'").settings.mqtt
    assert found.ca_file == Path("~/ca.pem").expanduser()
    assert "mqtts://" in complaint(tmp_path, head + "broker = 'mqtt://127.0.0.1'")
    assert "mqtts://" in complaint(tmp_path, head)
    only = "[mqtt]\nbroker = 'mqtts://house.lan'\ncert_file = 'a.pem'"
    assert "cert_file and key_file" in complaint(tmp_path, only)
