"""Laws of `setup tls`: what it makes works with a real mosquitto, is private, and is never lost."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from detector.config import Settings, read_configuration
from detector.errors import LinkError
from detector.mqtt.contract import Command, Leaf, Message, Topics
from detector.mqtt.endpoint import Endpoint, configured
from detector.mqtt.link import Link
from detector.mqtt.security.keys import read_caregiver_key
from detector.mqtt.security.protection import protection
from detector.mqtt.session import MqttSession
from detector.receiver import Listener, Receiver
from detector.store.state import State
from tests.kit.brokers import (
    free_port,
    listening,
    needs_mosquitto,
    running_mosquitto,
)
from tests.kit.waiting import running, until
from tests.mqtt.publishing import WEARER, StoredLog, make_event, make_publisher, tenfold

HOME = Topics(wearer=WEARER)
DENIED = 135  # MQTT 5: not authorised
Run = Callable[..., subprocess.CompletedProcess[str]]


def made(spasmwatch: Run, tmp_path: Path, *names: str) -> tuple[Path, int]:
    """Make credentials for a broker that runs here; return their folder and its port."""
    folder, port = tmp_path / "security", free_port()
    who = [word for name in names for word in ("--caregiver", name)]
    where = ["--folder", folder, "--installed", folder / "broker", "--port", port]
    done = spasmwatch("-c", tmp_path / "none.toml", "setup", "tls", *who, *where)
    assert done.returncode == 0, done.stderr
    return folder, port


def test_what_a_caregiver_types_keeps_the_settings_that_were_there(spasmwatch, tmp_path):
    words = ["-c", tmp_path / "none.toml", "setup", "tls", "--caregiver", "anna"]
    words += ["--host", "house.local", "--host", "192.0.2.7", "--folder", tmp_path / "security"]
    said = spasmwatch(*words).stderr
    theirs = tmp_path / "home" / ".config" / "spasmwatch"
    theirs.mkdir(parents=True)
    (theirs / "config.toml").write_text("[alerts]\nsound = false\n")
    typed = [line.strip() for line in said.splitlines() if "~/.config/spasmwatch" in line]
    script = " && ".join(typed).replace("NAME/", "anna/")
    environ = os.environ | {"HOME": str(tmp_path / "home")}
    there = tmp_path / "security" / "caregivers"
    subprocess.run(["sh", "-ec", script], cwd=there, env=environ, check=True)

    assert "sound = false" in (theirs / "config.toml.~1~").read_text()
    assert 'broker = "mqtts://house.local:8883"' in (theirs / "config.toml").read_text()
    assert {stat.S_IMODE(each.stat().st_mode) for each in theirs.iterdir()} == {0o600}
    assert "They reach this computer as house.local or 192.0.2.7. If that name" in said
    assert "spasmwatch listen --broker mqtts://192.0.2.7:8883" in said


def settings_of(folder: Path) -> Settings:
    return read_configuration(folder / "config.toml", environ={}).settings


def endpoint_of(folder: Path) -> Endpoint:
    found = configured(settings_of(folder).mqtt)
    assert found is not None
    return found


@asynccontextmanager
async def broker_with(folder: Path, port: int) -> AsyncIterator[subprocess.Popen[bytes]]:
    """Run mosquitto as Debian configures it, with our file in its `conf.d`."""
    conf = folder.parent / "mosquitto.conf"
    conf.write_text(
        f"user root\npersistence true\npersistence_location {folder.parent}/\nlog_dest none\n"
        f"include_dir {folder / 'broker'}\n"
    )
    async with running_mosquitto(conf, port) as process:
        yield process


async def result_of(endpoint: Endpoint, topic: str) -> int:
    link = Link(endpoint, f"asks-{topic.replace('/', '-')}")
    async with running(link.run()):
        await asyncio.wait_for(link.connected(), 10)
        return (await link.publish(Message(topic, "{}"))).reason_code


async def refusal_of(endpoint: Endpoint) -> str:
    session = MqttSession(endpoint, "asks", will=None, deliver=lambda _: None)
    with pytest.raises(LinkError) as caught:
        await session.open()
    return str(caught.value)


@pytest.fixture
def theirs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Path], Path]:
    """Copy a caregiver's folder to where they are told to."""

    def copy(bundle: Path) -> Path:
        monkeypatch.setenv("HOME", str(tmp_path / bundle.name))
        place = tmp_path / bundle.name / ".config" / "spasmwatch"
        place.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-r", bundle, place], check=True)
        (text := place / "config.toml").write_text(
            text.read_text().replace(
                "mqtts://" + settings_of(place).mqtt.address.host, "mqtts://127.0.0.1"
            )
        )
        return place

    return copy


@needs_mosquitto
def test_alerts_reach_a_caregiver_over_tls_and_nobody_may_do_the_others_part(
    spasmwatch: Run,
    tmp_path: Path,
    theirs: Callable[[Path], Path],
) -> None:
    folder, port = made(spasmwatch, tmp_path, "anna", "ben")
    service, anna = folder / "service", theirs(folder / "caregivers" / "anna")
    there = endpoint_of(anna)

    async def check(log: StoredLog) -> None:
        loop = asyncio.get_running_loop()
        async with broker_with(folder, port):
            here = endpoint_of(service)
            keys = settings_of(service).mqtt.signing_file
            assert keys is not None
            guarded = protection(keys, HOME, boot_id="b1", utc_s=1.8e9, mono_s=loop.time)
            publisher = make_publisher(here, log, sleep=tenfold, protection=guarded)
            key = read_caregiver_key(anna / "signing.keys", None)
            receiver = Receiver(key.by, mono_s=loop.time(), needs_proof=True)
            listener = Listener(there, HOME, receiver, tell=print, key=key, mono_s=loop.time)
            # On the watching computer, with the login of its service.
            key = read_caregiver_key(keys, None)
            beside = Receiver(key.by, mono_s=loop.time(), needs_proof=True)
            bedside = Listener(here, HOME, beside, tell=print, key=key, mono_s=loop.time)
            async with running(publisher.run(), listener.run(), bedside.run()):
                await until(lambda: receiver.epoch and beside.epoch)
                log.put(make_event(1))
                publisher.wake()
                got = [("anna", 1), ("bedside", 1)]
                await until(lambda: [(r.name, r.upto) for r in log.state.receivers] == got)
                for link in (publisher.link, listener.link, bedside.link):
                    assert not link.refused_subscriptions
                assert not publisher.refusals
            denied = [await result_of(there, HOME.of(leaf)) for leaf in Leaf]
            denied += [await result_of(there, "other/topic"), await result_of(here, "sw/v1/x/y/z")]
            assert set(denied) == {DENIED}
            async with listening(there, f"{HOME.base}/#") as ear:
                await result_of(here, HOME.reply("ben"))
                await result_of(here, HOME.of(Leaf.EVENT))
                await until(lambda: HOME.of(Leaf.EVENT) in ear.topics())
                assert HOME.reply("ben") not in ear.topics()
            assert "refused" in await refusal_of(replace(there, password="x" * 9))
            assert "refused" in await refusal_of(replace(there, username=None, password=None))
            assert "not trusted" in await refusal_of(replace(there, host="127.0.0.2"))
            assert there.tls is not None
            other, _ = made(spasmwatch, tmp_path / "other", "carl")
            strange = replace(there.tls, ca_file=other / "ca.crt")
            assert "not trusted" in await refusal_of(replace(there, tls=strange))

    with State.open(tmp_path / "state.sqlite", wearer=WEARER) as state:
        state.open_channel("mqtt", from_start=True)
        asyncio.run(check(StoredLog(state)))


@needs_mosquitto
def test_one_more_caregiver_gets_in_after_a_reload_and_one_is_taken_out(
    spasmwatch: Run,
    tmp_path: Path,
    theirs: Callable[[Path], Path],
) -> None:
    folder, port = made(spasmwatch, tmp_path, "anna")
    anna = endpoint_of(theirs(folder / "caregivers" / "anna"))

    async def check() -> None:
        async with broker_with(folder, port) as process:
            done = spasmwatch("setup", "tls", "--add", "ben", "--folder", folder, "--json")
            assert done.returncode == 0, done.stderr
            assert sorted(json.loads(done.stdout)["caregivers"]) == ["anna", "ben"]
            ben = endpoint_of(theirs(folder / "caregivers" / "ben"))
            process.send_signal(signal.SIGHUP)
            for endpoint in (anna, ben):
                assert await result_of(endpoint, HOME.command(Command.SEEN)) < 0x80

    asyncio.run(check())
    assert spasmwatch("setup", "tls", "--remove", "anna", "--folder", folder).returncode == 0
    unknown = spasmwatch("setup", "tls", "--remove", "anna", "--folder", folder)
    assert unknown.returncode == 78
    assert "only: ben" in unknown.stderr

    async def check_again() -> None:
        async with broker_with(folder, port):
            ben = endpoint_of(theirs(folder / "caregivers" / "ben"))
            assert await result_of(ben, HOME.command(Command.SEEN)) < 0x80
            assert "refused" in await refusal_of(anna)

    asyncio.run(check_again())
    assert "anna" not in (folder / "service" / "signing.keys").read_text()
    again = spasmwatch("setup", "tls", "--add", "ben", "--folder", folder)
    assert again.returncode == 78
    assert "ben has credentials already" in again.stderr


def test_only_its_owner_may_read_any_of_it_and_no_secret_is_ever_shown(
    spasmwatch: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "security"
    words = ["setup", "tls", "--caregiver", "anna", "--folder", folder]
    done = spasmwatch("-c", tmp_path / "c.toml", *words, "--write", "--json")
    assert done.returncode == 0, done.stderr
    for path in [folder, *folder.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    secrets = [path.read_text().strip() for path in folder.rglob("password")]
    for path in folder.rglob("signing.keys"):
        said = json.loads(path.read_text())
        secrets += [text for text in (said.get("key"), said.get("private_key")) if text]
    assert len(secrets) == 4
    shown = [done.stdout, done.stderr]
    monkeypatch.setattr("detector.doctor.probes.PATIENCE_S", 0.5)
    doctor = ["doctor", "--look", "0", "--radio", "unix:x"]
    for call in (["config", "show"], doctor, [*doctor, "--share"]):
        done = spasmwatch("-c", tmp_path / "c.toml", "--data-dir", tmp_path, *call)
        shown += [done.stdout, done.stderr]
    shown += [path.read_text() for path in tmp_path.rglob("*.log")]
    assert not [secret for secret in secrets if any(secret in text for text in shown)]
    assert "mqtts://localhost:8883" in "".join(shown)


@pytest.mark.parametrize("answer", ["", "n\n", "what?\n"])
def test_nothing_is_overwritten_without_a_yes(spasmwatch: Run, tmp_path: Path, answer: str) -> None:
    folder, _ = made(spasmwatch, tmp_path, "anna")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    words = ["setup", "tls", "--caregiver", "ben", "--folder", folder]
    done = spasmwatch(*words, stdin=answer)
    assert done.returncode == 1
    assert "Nothing was changed" in done.stderr
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert spasmwatch(*words, stdin="y\n").returncode == 0
    old = folder.with_name("security.old1")
    assert {path.relative_to(old) for path in old.rglob("*") if path.is_file()} == {
        path.relative_to(folder) for path in before
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "who listens"),
        (["--caregiver", "Anna Berg"], "is no name"),
        (["--caregiver", "spasmwatch"], "name of the watching computer"),
        (["--caregiver", "bedside"], "name of the watching computer"),
        (["--caregiver", "a", "--caregiver", "a"], "already"),
        (["--caregiver", "a", "--host", "pi.local/x"], "neither"),
        (["--add", "a"], "setup tls"),
        (["--add", "a", "--host", "b"], "go alone"),
        (["--remove", "a"], "setup tls"),
    ],
)
def test_what_cannot_be_made_is_refused_and_nothing_is_left(
    spasmwatch: Run, tmp_path: Path, words: list[str], said: str
) -> None:
    done = spasmwatch("setup", "tls", "--folder", tmp_path / "new", *words)
    assert done.returncode in (2, 78)
    assert said in done.stderr
    assert not list(tmp_path.rglob("*new*"))
