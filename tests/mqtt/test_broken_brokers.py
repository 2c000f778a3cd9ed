"""Whatever answers in place of a broker is a link that says in a sentence why it is down."""

from __future__ import annotations

import asyncio
import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detector.mqtt.endpoint import Endpoint
from detector.mqtt.link import Link
from tests.kit.brokers import free_port
from tests.kit.waiting import running, until

from .troubles import trouble_with


def test_nothing_listening_and_an_unknown_machine_are_told_apart() -> None:
    there = Endpoint(port=free_port())
    assert "nothing listens on" in asyncio.run(trouble_with(there))
    nowhere = Endpoint(host="no-such-machine.invalid")
    assert "no machine is known" in asyncio.run(trouble_with(nowhere))
    assert "no machine is known" in asyncio.run(trouble_with(Endpoint(host="a..b")))


async def trouble_when_answered(answer: bytes) -> str:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        return await trouble_with(Endpoint(port=server.sockets[0].getsockname()[1]))


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x20\x02\x00\x84"])
def test_a_server_that_is_no_mqtt_5_broker_is_named(answer: bytes) -> None:
    assert "127.0.0.1:" in asyncio.run(trouble_when_answered(answer))


@pytest.mark.parametrize("answer", ["20020001", "2003008400"])
def test_a_broker_without_mqtt_5_is_not_blamed_on_the_password(answer: str) -> None:
    why = asyncio.run(trouble_when_answered(bytes.fromhex(answer)))
    assert "does not support MQTT 5: use a broker that does" in why
    assert "password" not in why


@pytest.mark.parametrize(
    ("code", "remedy"), [("86", "password"), ("87", "password"), ("88", "log"), ("9f", "log")]
)
def test_each_refusal_of_a_broker_names_its_remedy(code: str, remedy: str) -> None:
    why = asyncio.run(trouble_when_answered(bytes.fromhex(f"200300{code}00")))
    assert "refused the connection" in why
    assert remedy in why


CONNACK = bytes.fromhex("2003000000")


@settings(max_examples=50, suppress_health_check=list(HealthCheck))
@given(
    st.binary(max_size=40)
    | st.builds(
        lambda head, body: CONNACK + bytes([head, len(body)]) + body,
        st.integers(0, 255),
        st.binary(max_size=20),
    )
)
def test_whatever_a_hostile_broker_sends_is_a_lost_connection_at_most(
    impatient: None, answer: bytes
) -> None:
    async def check() -> None:
        problems: list[dict[str, object]] = []
        asyncio.get_running_loop().set_exception_handler(
            lambda _, problem: problems.append(problem)
        )

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.write(answer)
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            link = Link(Endpoint(port=server.sockets[0].getsockname()[1]), "one")
            async with running(link.run()):
                await until(lambda: link.state.last_error != "not yet connected")
        assert problems == []

    asyncio.run(check())


def test_a_machine_that_says_nothing_is_given_up_in_time() -> None:
    async def check() -> None:
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen(1)
            there = Endpoint(port=silent.getsockname()[1])
            assert "does not answer as an MQTT 5 broker" in await trouble_with(there)

    asyncio.run(check())
