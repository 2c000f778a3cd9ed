"""Laws of the managed broker: there when needed, gone with us, clear about what is missing."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from detector.errors import ConfigError, LinkError
from detector.mqtt import broker as module
from detector.mqtt import broker_process as process
from detector.mqtt.broker import provide
from detector.mqtt.broker_process import claim, mosquitto_conf
from detector.mqtt.endpoint import Endpoint
from detector.mqtt.link import Link
from tests.kit.brokers import running_mosquitto
from tests.kit.waiting import running, until

HOST = """
import asyncio, sys
from detector.mqtt.broker import provide

async def main():
    async with provide(sys.argv[1], port=0) as broker:
        print(broker.pid, flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 - gone or not, in one go
        return stat.read().rpartition(")")[2].split()[0] != "Z"


def test_a_broker_is_there_for_the_block_and_not_after_it(kind: str) -> None:
    async def check() -> int:
        async with provide(kind, port=0) as broker:
            assert (broker.kind, broker.restarts, broker.last_error) == (kind, 0, None)
            link = Link(broker.endpoint, "one")
            async with running(link.run()):
                await link.connected()
            return broker.pid

    assert not is_alive(asyncio.run(check()))


@pytest.mark.parametrize("frozen", [False, True])
def test_a_broker_dies_with_us_even_when_it_is_frozen(kind: str, frozen: bool) -> None:
    with subprocess.Popen([sys.executable, "-c", HOST, kind], stdout=subprocess.PIPE) as host:
        assert host.stdout is not None
        pid = int(host.stdout.readline())
        assert is_alive(pid)
        if frozen:
            os.kill(pid, signal.SIGSTOP)
        host.kill()
    asyncio.run(until(lambda: not is_alive(pid), 5))


def test_a_frozen_broker_does_not_hold_up_the_end(kind: str) -> None:
    async def check() -> None:
        async with provide(kind, port=0) as broker:
            pid = broker.pid
            os.kill(pid, signal.SIGSTOP)
        assert not is_alive(pid)

    asyncio.run(asyncio.wait_for(check(), 5))


def test_ctrl_c_is_not_for_the_broker(kind: str) -> None:
    async def check() -> None:
        async with provide(kind, port=0) as broker:
            assert os.getpgid(broker.pid) != os.getpgid(0)

    asyncio.run(check())


def test_a_broker_that_is_killed_is_back_and_links_return_within_3_s(kind: str) -> None:
    async def check() -> None:
        clock = asyncio.get_running_loop().time
        async with provide(kind, port=0) as broker:
            link = Link(broker.endpoint, "one")
            async with running(link.run()):
                for times in (1, 2, 3):
                    await link.connected()
                    os.kill(broker.pid, signal.SIGKILL)
                    killed_s = clock()
                    await until(lambda times=times: link.state.connections == times + 1)
                    assert clock() - killed_s < 3
                    assert broker.restarts == times

    asyncio.run(check())


def test_a_taken_port_costs_the_port_and_not_the_broker(kind: str) -> None:
    async def check() -> None:
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        taken = server.sockets[0].getsockname()[1]
        async with server, provide(kind, port=taken) as broker:
            assert broker.kind == kind
            assert broker.endpoint.port != taken
            assert f"port {taken} on 127.0.0.1 is in use" in broker.note
            assert str(broker.endpoint.port) in broker.note
            link = Link(broker.endpoint, "one")
            async with running(link.run()):
                await link.connected()

    asyncio.run(check())


def test_a_broker_that_is_there_and_lets_us_in_is_used(kind: str) -> None:
    async def check() -> None:
        async with provide(kind, port=0) as theirs:
            async with provide("auto", port=theirs.endpoint.port) as broker:
                assert (broker.kind, broker.endpoint, broker.pid) == (
                    "found",
                    theirs.endpoint,
                    None,
                )
            assert is_alive(theirs.pid)

    asyncio.run(check())


def test_a_port_that_is_taken_while_ours_starts_does_not_cost_the_night_its_broker(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """As when the nights of two wearers begin at once."""
    first = socket.socket()
    command = process.KINDS[kind]

    def slowly(port: int, folder: Path) -> list[str]:
        if first.getsockname()[1] == 0:
            first.bind(("127.0.0.1", port))
            first.listen()
        return command(port, folder)

    monkeypatch.setitem(process.KINDS, kind, slowly)

    async def check() -> None:
        port = claim(0)
        async with provide(kind, port=port) as broker:
            assert broker.endpoint.port != port
            link = Link(broker.endpoint, "one")
            async with running(link.run()):
                await link.connected()

    with first:
        asyncio.run(check())


def test_a_broker_that_was_found_and_goes_for_good_is_replaced_by_ours(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """As that of another wearer, whose night ends first."""
    monkeypatch.setattr(module, "ASK_EVERY_S", 0.05)

    async def check() -> int:
        theirs = provide(kind, port=0)
        port = (await theirs.__aenter__()).endpoint.port
        async with provide("auto", port=port) as broker:
            link = Link(broker.endpoint, "one")
            async with running(link.run()):
                await link.connected()
                await theirs.__aexit__(None, None, None)
                await until(lambda: broker.pid and link.state.connections == 2, 20)
                assert broker.endpoint.port == port
                return broker.pid

    assert not is_alive(asyncio.run(check()))


def test_a_broker_that_is_there_and_refuses_us_is_left_alone(
    tmp_path: Path, mosquitto: str
) -> None:
    """As Debian's mosquitto does: it listens on loopback and lets nobody in without a password."""

    async def check() -> None:
        port = claim(0)
        conf = tmp_path / "closed.conf"
        conf.write_text(f"listener {port} 127.0.0.1\nallow_anonymous false\n")
        async with running_mosquitto(conf, port), provide("auto", port=port) as broker:
            assert broker.endpoint.port != port
            assert "cannot be used" in broker.note

    asyncio.run(check())


def test_a_frozen_broker_of_ours_is_started_again(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(module, "ASK_EVERY_S", 0.2)

    async def check() -> None:
        async with provide(kind, port=0) as broker:
            frozen = broker.pid
            os.kill(frozen, signal.SIGSTOP)
            await until(lambda: broker.restarts == 1 and broker.pid != frozen, 20)
            link = Link(broker.endpoint, "one")
            async with running(link.run()):
                await link.connected()

    asyncio.run(check())


def test_a_broker_that_the_system_cannot_start_is_tried_again(kind: str) -> None:
    """No file can be opened for a while, and so no process be started."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    async def check() -> None:
        async with provide(kind, port=0) as broker:
            dead = broker.pid
            resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
            try:
                os.kill(dead, signal.SIGKILL)
                await until(lambda: broker.last_error is not None)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            link = Link(broker.endpoint, "one")
            async with running(link.run()):
                await link.connected()
            assert broker.pid != dead

    asyncio.run(asyncio.wait_for(check(), 20))


def test_a_port_that_is_taken_while_the_broker_is_down_is_said_and_waited_for(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(module, "RESTART_FIRST_S", 0.3)

    async def check() -> None:
        async with provide(kind, port=0) as broker:
            port = broker.endpoint.port
            os.kill(broker.pid, signal.SIGKILL)
            server = None
            while server is None:
                with suppress(OSError):
                    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", port)
            async with server:
                await until(lambda: broker.last_error)
            assert f"port {port} on 127.0.0.1 is in use" in broker.last_error
            link = Link(broker.endpoint, "one")
            async with running(link.run()):
                await link.connected()

    asyncio.run(check())


def test_auto_is_mosquitto_where_it_is_installed(mosquitto: str) -> None:
    async def check() -> str:
        async with provide("auto", port=0) as broker:
            return broker.kind

    assert asyncio.run(check()) == "mosquitto"


@pytest.fixture
def no_mosquitto(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(process, "SBIN", "/nowhere")


def test_auto_is_the_embedded_broker_elsewhere(no_mosquitto: None) -> None:
    async def check() -> str:
        async with provide("auto", port=0) as broker:
            return broker.kind

    assert asyncio.run(check()) == "embedded"


@pytest.mark.parametrize("choice", ["auto", "mosquitto", "embedded"])
def test_no_broker_at_all_is_said_with_its_remedy(
    choice: str, no_mosquitto: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "find_spec", lambda _: None)

    async def check() -> None:
        async with provide(choice, port=0):
            pass

    with pytest.raises(LinkError, match=r"no broker: .*install"):
        asyncio.run(check())


def test_a_private_umask_does_not_keep_mosquitto_from_its_settings(mosquitto: str) -> None:
    async def check() -> None:
        async with provide("mosquitto", port=0):
            pass

    before = os.umask(0o077)
    try:
        asyncio.run(check())
    finally:
        os.umask(before)


def test_a_program_that_only_looks_like_mosquitto_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "mosquitto"
    monkeypatch.setenv("PATH", str(tmp_path))

    async def check() -> None:
        async with provide("mosquitto", port=0):
            pass

    for text in ("nonsense", "#!/bin/sh\necho hello"):
        fake.write_text(text)
        fake.chmod(0o755)
        with pytest.raises(LinkError, match=f"no broker: {fake} "):
            asyncio.run(check())


def test_a_broker_that_does_not_start_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "rumqttd_conf", lambda _: "nonsense")

    async def check() -> None:
        async with provide("embedded", port=0):
            pass

    with pytest.raises(LinkError, match=r"embedded did not start: .*nonsense"):
        asyncio.run(check())


def test_a_configured_broker_is_taken_as_it_is_and_none_is_none() -> None:
    async def check() -> None:
        expected = Endpoint(host="broker", port=1884, username="anna")
        async with provide(expected) as broker:
            assert (broker.kind, broker.endpoint, broker.pid) == ("url", expected, None)
        async with provide("none") as broker:
            assert (broker.kind, broker.endpoint, broker.pid) == ("none", None, None)

    asyncio.run(check())


@pytest.mark.parametrize(("choice", "port"), [("mosquito", 0), ("", 0), ("embedded", 70_000)])
def test_a_choice_that_is_none_is_refused(choice: str, port: int) -> None:
    async def check() -> None:
        async with provide(choice, port=port):
            pass

    with pytest.raises(ConfigError, match="must be"):
        asyncio.run(check())


def test_a_mosquitto_without_mqtt_5_is_refused() -> None:
    with pytest.raises(LinkError, match=r"1\.5 is too old"):
        mosquitto_conf(1883, (1, 5))
    assert "listener 1883 127.0.0.1" in mosquitto_conf(1883, (2, 1))


def test_a_patient_caller_gets_its_broker_once_one_can_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "ASK_EVERY_S", 0.1)
    good = process.rumqttd_conf

    async def check() -> None:
        monkeypatch.setattr(process, "rumqttd_conf", lambda _: "nonsense")
        async with provide("embedded", port=0, patient=True) as made:
            assert made.endpoint is not None
            assert "embedded did not start" in (made.last_error or "")
            assert made.pid is None
            monkeypatch.setattr(process, "rumqttd_conf", good)
            link = Link(made.endpoint, "late")
            running = asyncio.create_task(link.run())
            async with asyncio.timeout(20):
                await link.connected()
            assert (made.kind, made.last_error) == ("embedded", None)
            running.cancel()
            await asyncio.wait({running})

    asyncio.run(check())
