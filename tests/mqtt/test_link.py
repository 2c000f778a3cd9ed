"""Laws of the connection: it comes back, reads every answer, and says what is wrong."""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
import ipaddress
import os
import signal
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from detector.errors import LinkError
from detector.mqtt.broker import provide
from detector.mqtt.contract import Message
from detector.mqtt.endpoint import Endpoint, Tls
from detector.mqtt.link import Link
from detector.mqtt.session import Ack
from tests.kit.brokers import cable_to, freeze, listening
from tests.kit.waiting import running, until
from tests.mqtt.troubles import trouble_with

Mosquitto = Callable[..., AbstractAsyncContextManager[int]]
SECRET = "ge" + "heim"
HELLO = Message("sw/v1/x", "hello")


def test_a_publication_arrives_with_its_flags_and_its_expiry(kind: str) -> None:
    async def check() -> None:
        async with provide(kind, port=0) as broker:
            link = Link(broker.endpoint, "one")
            async with running(link.run()), listening(broker.endpoint, "sw/#") as ear:
                await link.connected()
                kept = Message("sw/v1/kept", "k", retain=True, expiry_s=60)
                assert (await link.publish(kept)).accepted
                assert (await link.publish(Message("sw/v1/x", "a", qos=0))).accepted
                await until(lambda: len(ear.heard) == 2)
                async with listening(broker.endpoint, "sw/#") as late:
                    await until(lambda: late.heard)
        (only,) = late.heard
        assert (only.topic, only.payload, only.retained) == ("sw/v1/kept", b"k", True)
        assert only.expiry_s is not None
        assert 0 < only.expiry_s <= 60

    asyncio.run(check())


def test_mosquitto_says_when_nobody_is_subscribed(mosquitto: str) -> None:
    async def check() -> None:
        async with provide("mosquitto", port=0) as broker:
            link = Link(broker.endpoint, "one")
            async with running(link.run()):
                await link.connected()
                ack = await link.publish(HELLO)
                assert (ack.accepted, ack.no_subscribers) == (True, True)
                async with listening(broker.endpoint, "sw/#"):
                    assert not (await link.publish(HELLO)).no_subscribers

    asyncio.run(check())


def test_a_denied_publication_is_an_answer_not_a_success(mosquitto_with: Mosquitto) -> None:
    async def check() -> None:
        acl = {"acl": "topic read #\n"}
        async with mosquitto_with("allow_anonymous true", "acl_file {dir}/acl", files=acl) as port:
            link = Link(Endpoint(port=port), "one")
            async with running(link.run()):
                await link.connected()
                ack = await link.publish(HELLO)
        assert (ack.accepted, ack.reason_code, ack.why) == (False, 135, "Not authorized")

    asyncio.run(check())


def test_every_reason_code_has_words() -> None:
    assert [Ack(code).why for code in (0, 16, 151)] == [
        "Success",
        "No matching subscribers",
        "Quota exceeded",
    ]
    assert Ack(77).why == "reason code 77"


def test_a_wrong_password_is_said_and_not_hammered(
    mosquitto_with: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pause of 30 s is one of 1 s here: four times the first one after other troubles."""
    monkeypatch.setattr("detector.mqtt.link.RETRY_REFUSED_S", 1.0)

    async def check() -> None:
        nobody, attempts_s = {"users": ""}, []
        async with (
            mosquitto_with("password_file {dir}/users", files=nobody) as port,
            cable_to(Endpoint(port=port)) as cable,
        ):
            link = Link(replace(cable.endpoint, username="anna", password=SECRET), "one")
            async with running(link.run()):
                for count in (1, 2, 3):
                    await until(lambda n=count: len(cable.writers) >= 2 * n)
                    attempts_s.append(asyncio.get_running_loop().time())
                await until(lambda: "refused" in (link.state.last_error or ""))
        assert min(b - a for a, b in pairwise(attempts_s)) > 0.9
        assert "Not authorized" in str(link.state.last_error)
        assert SECRET not in str(link.state.last_error)

    asyncio.run(check())


def test_a_frozen_broker_is_noticed_by_its_missing_answer(kind: str) -> None:
    async def check() -> None:
        async with provide(kind, port=0) as broker:
            link = Link(broker.endpoint, "one")
            async with running(link.run()):
                await link.connected()
                await freeze(broker.pid)
                began = asyncio.get_running_loop().time()
                with pytest.raises(LinkError, match="did not acknowledge within 3 s"):
                    await link.publish(HELLO)
                assert asyncio.get_running_loop().time() - began < 3.5
                os.kill(broker.pid, signal.SIGCONT)
                await until(lambda: link.state.connections == 2)
                assert (await link.publish(HELLO)).accepted

    asyncio.run(check())


def test_a_hundred_lost_connections_leak_nothing(monkeypatch) -> None:
    monkeypatch.setattr("detector.mqtt.link.RETRY_FIRST_S", 0.0)

    def held() -> tuple[int, int, int]:
        gc.collect()
        fds = len(list(Path("/proc/self/fd").iterdir()))
        return fds, threading.active_count(), len(asyncio.all_tasks())

    async def check() -> None:
        async with provide("embedded", port=0) as broker, cable_to(broker.endpoint) as cable:
            link = Link(cable.endpoint, "one")

            async def lose(times: int) -> None:
                for _ in range(times):
                    before = link.state.connections
                    cable.cut()
                    await until(lambda before=before: link.state.connections > before)

            async with running(link.run()):
                await link.connected()
                await lose(20)  # the executor has its threads by now
                before = held()
                await lose(80)
                await until(lambda: held()[0] <= before[0])
                assert held()[1:] == before[1:]

    asyncio.run(check())


def test_the_greeting_is_said_on_every_connection(impatient: None) -> None:
    async def check() -> None:
        async with provide("embedded", port=0) as broker, cable_to(broker.endpoint) as cable:
            greetings: list[bool] = []

            async def greet() -> None:
                greetings.append((await link.publish(HELLO)).accepted)

            link = Link(cable.endpoint, "one", on_connect=greet)
            async with running(link.run()):
                for times in (1, 2, 3):
                    await until(lambda times=times: len(greetings) == times)
                    cable.cut()
        assert greetings == [True] * 3

    asyncio.run(check())


def test_an_error_in_the_greeting_is_not_swallowed() -> None:
    async def greet() -> None:
        raise ZeroDivisionError

    async def check() -> None:
        async with provide("embedded", port=0) as broker:
            with pytest.raises(ExceptionGroup) as caught:
                await asyncio.wait_for(Link(broker.endpoint, "one", on_connect=greet).run(), 10)
        assert caught.group_contains(ZeroDivisionError)

    asyncio.run(check())


def test_a_long_command_is_dropped_and_counted_a_short_one_is_heard_after_a_cut(
    impatient: None,
) -> None:
    async def check() -> None:
        async with provide("embedded", port=0) as broker, cable_to(broker.endpoint) as cable:
            heard: list[bytes] = []
            one, two = Link(cable.endpoint, "one"), Link(broker.endpoint, "two")
            async with running(one.run(), two.run()):
                await one.connected()
                await two.connected()
                await one.subscribe("sw/v1/cmd/+", lambda received: heard.append(received.payload))
                await two.publish(Message("sw/v1/cmd/ack", "x" * 4097))
                await two.publish(Message("sw/v1/cmd/ack", "y" * 4096))
                await until(lambda: heard)
                assert one.too_long == 1
                cable.cut()
                await until(lambda: one.state.connections == 2)
                while len(heard) == 1:  # until the broker knows the subscription again
                    await two.publish(Message("sw/v1/cmd/ack", "z"))
        assert (heard[0], heard[1]) == (b"y" * 4096, b"z")

    asyncio.run(check())


def test_it_parts_with_its_farewell_and_vanishes_with_its_will(kind: str) -> None:
    async def check() -> None:
        will = Message("sw/v1/x/availability", "offline", retain=True)
        closing = Message("sw/v1/x/availability", "stopped", retain=True)
        async with provide(kind, port=0) as broker, cable_to(broker.endpoint) as cable:
            link = Link(cable.endpoint, "one", will=will, closing=lambda: [closing])
            async with listening(broker.endpoint, "sw/#") as ear:
                async with running(link.run()):
                    await link.connected()
                await until(lambda: ear.heard)
                async with running(link.run()):
                    await link.connected()
                    cable.cut()
                    await until(lambda: len(ear.heard) > 1)
        assert [received.payload for received in ear.heard[:2]] == [b"stopped", b"offline"]

    asyncio.run(check())


def make_certificate(folder: Path, name: str) -> None:
    """Write an authority and a broker's certificate signed by it."""
    now = dt.datetime.now(dt.UTC)

    def certify(subject: str, issuer: str, key, signer, *extensions) -> x509.Certificate:
        builder = x509.CertificateBuilder(
            x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]),
            x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)]),
            key.public_key(),
            x509.random_serial_number(),
            now - dt.timedelta(hours=1),
            now + dt.timedelta(hours=1),
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(signer, hashes.SHA256())

    authority, key = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
    )
    root = certify(name, name, authority, authority, (x509.BasicConstraints(True, None), True))
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    leaf = certify("broker", name, key, authority, (here, False))
    encoding = serialization.Encoding.PEM
    (folder / f"{name}.pem").write_bytes(root.public_bytes(encoding))
    (folder / f"{name}-broker.pem").write_bytes(leaf.public_bytes(encoding))
    (folder / f"{name}-broker.key").write_bytes(
        key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def test_tls_lets_only_the_named_authority_speak_for_the_broker(
    mosquitto_with: Mosquitto, tmp_path: Path
) -> None:
    make_certificate(tmp_path, "ours")
    make_certificate(tmp_path, "theirs")
    settings = (
        "allow_anonymous true",
        "certfile {dir}/ours-broker.pem",
        "keyfile {dir}/ours-broker.key",
    )

    async def check() -> None:
        async with mosquitto_with(*settings) as port:
            there = Endpoint(port=port, tls=Tls(ca_file=tmp_path / "ours.pem"))
            link = Link(there, "one")
            async with running(link.run()), listening(there, "sw/#") as ear:
                await link.connected()
                many = (link.publish(Message("sw/v1/x", f"{n}" * 4000)) for n in range(100))
                assert all(ack.accepted for ack in await asyncio.gather(*many))
                await until(lambda: len(ear.heard) == 100)
            foreign = Endpoint(port=port, tls=Tls(ca_file=tmp_path / "theirs.pem"))
            assert "is not trusted" in await trouble_with(foreign)
            wrong_name = Endpoint(host="localhost", port=port, tls=there.tls)
            assert "is not trusted" in await trouble_with(wrong_name)
            missing = Endpoint(port=port, tls=Tls(ca_file=tmp_path / "no.pem"))
            assert "no.pem" in await trouble_with(missing)
            assert "127.0.0.1" in await trouble_with(Endpoint(port=port))
        async with provide("embedded", port=0) as broker:
            plain = Endpoint(port=broker.endpoint.port, tls=there.tls)
            assert "TLS" in await trouble_with(plain)

    asyncio.run(check())
