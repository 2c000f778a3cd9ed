"""Laws of broker addresses."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from detector.config import MqttSettings
from detector.errors import ConfigError
from detector.mqtt.endpoint import Endpoint, Tls, configured

SIGN = "@"  # a password that needs escaping


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("mqtt://broker", Endpoint(host="broker", insecure=True)),
        ("mqtt://broker:1884/", Endpoint(host="broker", port=1884, insecure=True)),
        ("mqtt://[::1]:1", Endpoint(host="::1", port=1, insecure=True)),
        (
            "mqtts://broker.example",
            Endpoint(host="broker.example", port=8883, tls=Tls(), insecure=True),
        ),
        ("auto", None),
    ],
)
def test_an_address_says_host_port_and_encryption(url: str, endpoint: Endpoint | None) -> None:
    assert configured(MqttSettings(broker=url, insecure=True)) == endpoint


@pytest.mark.parametrize(
    "url",
    [
        "broker:1883",
        "http://broker",
        "mqtt://",
        "mqtt://broker:0",
        "mqtt://broker:99999",
        "mqtt://broker:port",
        "mqtt://[::1",
        "mqtt://broker/topic",
        "mqtt://broker?x=1",
        "mqtt://bro ker",
        "mqtt://:secret@broker",
        "mqtt:anna:secret@broker",
        "mqtt://anna:secret@broker",
        "mqtt://anna:secret@broker/x",
    ],
)
def test_anything_else_is_refused_in_a_sentence_without_the_password(url: str) -> None:
    with pytest.raises(ValidationError) as complaint:
        MqttSettings(broker=url, insecure=True)
    (told,) = [each["msg"] for each in complaint.value.errors()]
    assert "must " in told
    assert "secret" not in told


@given(st.text())
def test_hostile_addresses_give_a_plain_endpoint_or_are_refused(text: str) -> None:
    for url in (text, f"mqtt://{text}"):
        with suppress(ValidationError):
            endpoint = configured(MqttSettings(broker=url, insecure=True))
            assert str(endpoint).isprintable()


def test_a_password_leaves_the_machine_only_encrypted_or_with_consent() -> None:
    with pytest.raises(ConfigError, match="unencrypted"):
        Endpoint(host="192.0.2.1", username="a", password=SIGN)
    for allowed in ({"host": "127.0.0.2"}, {"host": "b", "tls": Tls()}, {"insecure": True}):
        Endpoint(**{"username": "a", "password": SIGN} | allowed)


def test_a_password_is_never_shown() -> None:
    endpoint = Endpoint(username="a", password=SIGN)
    assert SIGN not in f"{endpoint} {endpoint!r}"


def test_a_missing_certificate_is_named(tmp_path: Path) -> None:
    for tls in (Tls(ca_file=tmp_path / "no.pem"), Tls(cert_file=tmp_path / "no.pem")):
        with pytest.raises(ConfigError, match=r"no\.pem"):
            tls.context()
