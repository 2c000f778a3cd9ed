"""Laws of broker addresses."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.errors import ConfigError
from detector.mqtt.endpoint import Endpoint, Tls, parse_url

SIGN = "@"  # a password that needs escaping


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("mqtt://broker", Endpoint(host="broker")),
        ("mqtt://anna@broker:1884/", Endpoint(host="broker", port=1884, username="anna")),
        ("mqtt://[::1]:1", Endpoint(host="::1", port=1)),
        ("mqtt://a:%40@localhost", Endpoint(host="localhost", username="a", password=SIGN)),
        (
            "mqtts://a:%40@broker.example",
            Endpoint(host="broker.example", port=8883, username="a", password=SIGN, tls=Tls()),
        ),
    ],
)
def test_an_address_says_host_port_user_and_encryption(url: str, endpoint: Endpoint) -> None:
    assert parse_url(url) == endpoint


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
    with pytest.raises(ConfigError) as complaint:
        parse_url(url)
    assert "secret" not in str(complaint.value)
    assert "broker" in str(complaint.value)


@given(st.text())
def test_hostile_addresses_give_an_endpoint_or_a_plain_complaint(text: str) -> None:
    for url in (text, f"mqtt://{text}"):
        try:
            said = str(parse_url(url))
        except ConfigError as error:
            said = str(error)
        assert said.isprintable()


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
