"""Laws of signed commands and a signed service: nobody else is obeyed, or believed."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.alerts import commands as said
from detector.alerts.conditions import Condition
from detector.errors import ConfigError
from detector.events import Origin
from detector.mqtt import commands
from detector.mqtt.broker import provide
from detector.mqtt.contract import (
    COMMAND_EXPIRES_S,
    COMMAND_MOST,
    Availability,
    Command,
    Leaf,
    Message,
    Topics,
)
from detector.mqtt.link import Link
from detector.mqtt.security.gate import NONCES_MOST, CommandRefused, Flaw, Gate
from detector.mqtt.security.keys import (
    HERE,
    ServiceKeys,
    next_run,
    read_caregiver_key,
    read_service_keys,
    write_secret,
)
from detector.mqtt.security.signing import Proof, Signer, Verifier
from detector.receiver import Listener, Receiver
from detector.receiver.news import UNPROVEN, Absence
from detector.service.checks.command_watch import CommandWatch
from detector.status import StateWord
from tests.kit.brokers import cable_to, listening
from tests.kit.waiting import running, until
from tests.mqtt import forged
from tests.mqtt.forged import HOME, KEYS, protected
from tests.mqtt.publishing import SCHEMAS, make_event, make_publisher, tenfold

ANNA = KEYS.of("anna")


@dataclass
class Door:
    """A gate whose clock the test moves."""

    now_s: float = 0.0
    gate: Gate = field(init=False)

    def __post_init__(self) -> None:
        self.gate = Gate(HOME, KEYS.caregivers, boot_id="b1", mono_s=lambda: self.now_s)

    def verdict(self, payload: str, command: Command = Command.REPLAY) -> Flaw | None:
        try:
            commands.parse(command, payload.encode(), self.gate)
        except CommandRefused as refusal:
            return refusal.flaw
        return None

    def signed(self, at: str = "b1:7") -> str:
        return ANNA.signed(HOME.command(Command.REPLAY), commands.replay("anna", 1), at)


def test_strangers_are_not_obeyed_and_each_command_of_theirs_is_counted(
    kind: str, tmp_path: Path
) -> None:
    done = asyncio.run(forged.attack(kind, tmp_path, 1500, seed=3))

    assert done.obeyed == 0
    assert done.refused.total() == done.sent.total() == 1500
    assert len(done.sent) == 14
    assert done.served_since == 1


@given(ages_s=st.lists(st.floats(0, 3 * COMMAND_EXPIRES_S), max_size=30))
def test_a_command_is_obeyed_once_while_the_heartbeat_it_names_is_fresh(
    ages_s: list[float],
) -> None:
    door = Door()
    payload = door.signed()
    assert door.verdict(payload) is Flaw.STALE  # none was sent yet
    door.gate.issued(7)
    obeyed = 0
    for age_s in sorted(ages_s):
        door.now_s = age_s
        verdict = door.verdict(payload)
        obeyed += verdict is None
        if age_s <= COMMAND_EXPIRES_S:
            assert verdict in (None, Flaw.REPEATED)
        else:
            assert verdict is Flaw.STALE
    assert obeyed == any(age_s <= COMMAND_EXPIRES_S for age_s in ages_s)


def test_a_caregiver_who_floods_keeps_nobody_else_out() -> None:
    door = Door()
    door.gate.issued(7)
    assert [door.verdict(door.signed()) for _ in range(NONCES_MOST)] == [None] * NONCES_MOST
    assert door.verdict(door.signed()) is Flaw.OTHER
    topic = HOME.command(Command.REPLAY)
    assert door.verdict(KEYS.of("ben").signed(topic, commands.replay("ben", 1), "b1:7")) is None
    door.now_s = COMMAND_EXPIRES_S + 1
    door.gate.issued(8)
    assert door.verdict(door.signed("b1:8")) is None


@given(position=st.integers(0, 400), bit=st.integers(0, 7))
def test_no_single_bit_of_a_signed_command_can_be_changed(position: int, bit: int) -> None:
    door = Door()
    door.gate.issued(7)
    payload = bytearray(door.signed().encode())
    payload[position % len(payload)] ^= 1 << bit
    try:
        commands.parse(Command.REPLAY, bytes(payload), door.gate)
    except CommandRefused:
        return
    pytest.fail(f"obeyed: {bytes(payload)!r}")


WHEN = datetime(2026, 11, 21, 2, 14, 7, tzinfo=UTC)
SPOKEN: list[said.Command] = [
    said.Acknowledge(by="anna"),
    said.Acknowledge(by="anna", alert="a1"),
    said.Snooze(by="anna", minutes=10, alert="a1"),
    said.PauseAlerts(by="anna", minutes=30),
    said.ResumeAlerts(by="anna"),
    said.MarkSpasm(by="anna", at=WHEN),
    said.LabelEvent(by="anna", event="e1", verdict=said.SaidKind.NOT_A_SPASM),
    said.AddNote(by="anna", text="Baclofen 10 mg", kind=said.NoteKind.MEDICATION, at=WHEN),
]
SENT: list[tuple[Command, str]] = [
    (Command.SEEN, commands.seen("anna", "e", 3)),
    (Command.REPLAY, commands.replay("anna", 3)),
    (Command.TEST, commands.test("anna", None)),
    (Command.LIVE, commands.live("anna", 120)),
    *map(commands.payload, SPOKEN),
]


@pytest.mark.parametrize(("command", "payload"), SENT)
def test_what_we_sign_keeps_its_schema(command: Command, payload: str) -> None:
    schema = SCHEMAS[f"cmd/{command}"]
    schema.validate(json.loads(payload))
    proven = json.loads(ANNA.signed(HOME.command(command), payload, "b1:7"))
    schema.validate(proven)
    for gone in ("mac", "nonce", "at"):
        unproven = {name: value for name, value in proven.items() if name != gone}
        with pytest.raises(jsonschema.ValidationError):
            schema.validate(unproven)


@pytest.mark.parametrize("spoken", SPOKEN)
def test_what_a_person_says_is_obeyed_as_it_was_said_signed_or_not(spoken: said.Command) -> None:
    command, payload = commands.payload(spoken)
    assert commands.parse(command, payload.encode()) == spoken
    door = Door()
    door.gate.issued(7)
    signed = ANNA.signed(HOME.command(command), payload, "b1:7")
    assert commands.parse(command, signed.encode(), door.gate) == spoken


def test_every_command_is_sent_in_these_tests_and_help_is_none_of_them() -> None:
    assert {command for command, _ in SENT} == set(Command)
    assert set(said.NAMES) - set(Command) == {"help", "withdraw"}
    with pytest.raises(ValueError, match="help"):
        commands.payload(said.CallForHelp(by="anna"))


def test_a_signature_is_of_one_topic_one_payload_and_one_run() -> None:
    verifier = Verifier(ANNA.service)
    signer = Signer(KEYS.private_key, run=4)
    simulated = Topics(wearer=HOME.wearer, origin=Origin.SIMULATED).of(Leaf.ALERT)
    topic = HOME.of(Leaf.ALERT)
    signature = signer.sign(topic, "a")
    assert verifier.proof(topic, b"a", signature) == Proof(4, 1)
    assert verifier.proof(topic, b"b", signature) is None
    assert verifier.proof(simulated, b"a", signature) is None
    assert verifier.proof(topic, b"a", signature.replace("4:1:", "5:1:")) is None
    assert verifier.proof(topic, b"a", None) is None
    assert (
        Verifier(ServiceKeys.new().with_new("x").of("x").service).proof(topic, b"a", signature)
        is None
    )


@given(st.text(max_size=120))
def test_any_text_as_a_signature_proves_nothing(text: str) -> None:
    assert Verifier(ANNA.service).proof("a/b", b"c", text) is None


def test_a_receiver_with_a_key_is_served_and_believes_nobody_but_its_service(
    kind: str, log: Any, impatient: None
) -> None:
    async def check() -> None:
        loop = asyncio.get_running_loop()
        async with provide(kind, port=0) as broker:
            publisher = make_publisher(
                broker.endpoint, log, sleep=tenfold, protection=protected(loop.time)
            )
            receiver = Receiver("anna", mono_s=loop.time(), needs_proof=True)
            news: list[Any] = []
            anna = Listener(
                broker.endpoint, HOME, receiver, tell=news.append, key=ANNA, mono_s=loop.time
            )
            stranger = Link(broker.endpoint, "stranger")
            async with running(anna.run(), stranger.run()):
                await asyncio.wait_for(stranger.connected(), 10)
                async with running(publisher.run()):
                    await until(lambda: receiver.state.word is StateWord.WATCHING)
                    log.put(make_event(1))
                    publisher.wake()
                    await until(lambda: receiver.upto == 1)
                    await until(lambda: [known.upto for known in log.state.receivers] == [1])
                    assert receiver.proofs is not None
                    assert receiver.proofs.unproven == 0
                    assert not publisher.requests.refused
                    reply = {
                        "schema": "replay/1", "epoch": log.epoch, "from": 2, "upto": 99,
                        "last_n": 99, "entries": [],
                    }  # fmt: skip
                    lies = [
                        (HOME.of(Leaf.AVAILABILITY), Availability.STOPPED.value),
                        (HOME.reply("anna"), json.dumps(reply)),
                        (HOME.of(Leaf.ALERT), json.dumps({"n": 2, "state": "resolved"})),
                    ]
                    for topic, payload in lies:
                        await stranger.publish(Message(topic, payload))
                    await until(lambda: receiver.proofs.unproven == len(lies))
                    assert receiver.state.word is StateWord.WATCHING
                    log.put(make_event(2))
                    publisher.wake()
                    await until(lambda: receiver.upto == 2)
                    publisher.closing_availability = Availability.STOPPED
                await until(lambda: receiver.state.word is Absence.STOPPED)
        assert [each.fields["n"] for each in news if hasattr(each, "fields")] == [1, 2]

    asyncio.run(check())


def test_a_last_will_is_signed_too(kind: str, log: Any) -> None:
    async def check() -> None:
        verifier = Verifier(ANNA.service)
        async with provide(kind, port=0) as broker, cable_to(broker.endpoint) as cable:
            publisher = make_publisher(cable.endpoint, log, protection=protected())
            async with listening(broker.endpoint, HOME.of(Leaf.AVAILABILITY)) as ear:
                async with running(publisher.run()):
                    await until(lambda: "online" in ear.payloads(Leaf.AVAILABILITY))
                    cable.cut()
                    await until(lambda: "offline" in ear.payloads(Leaf.AVAILABILITY))
                (will,) = [got for got in ear.heard if got.payload == b"offline"][:1]
                assert verifier.proof(will.topic, will.payload, will.signature) is not None

    asyncio.run(check())


def test_a_stranger_who_commands_is_an_alarm_and_acknowledges_nothing(log: Any) -> None:
    async def check() -> None:
        async with provide("embedded", port=0) as broker:
            publisher = make_publisher(broker.endpoint, log, protection=protected())
            watch = CommandWatch(publisher.requests)
            stranger = Link(broker.endpoint, "stranger")
            async with running(publisher.run(), stranger.run()):
                await asyncio.wait_for(stranger.connected(), 10)
                async with listening(broker.endpoint, HOME.of(Leaf.HEALTH)) as ear:
                    await until(lambda: ear.heard)  # it has subscribed before that
                assert watch.troubles() == {Condition.UNPROVEN_COMMANDS: None}
                topic = HOME.command(Command.SEEN)
                much = "x" * (COMMAND_MOST + 1)
                for payload in (much, commands.seen("anna", log.epoch, 0)):
                    await stranger.publish(Message(topic, payload))
                refused = publisher.requests.refused
                await until(lambda: refused.total() == 2)
                assert set(refused) == {Flaw.OVERSIZE, Flaw.UNSIGNED}
                why = watch.troubles()[Condition.UNPROVEN_COMMANDS]
                assert why is not None
                assert "is not signed" in why
        assert not log.state.receivers

    asyncio.run(check())


def test_with_keys_a_stranger_is_no_twin_and_one_who_has_our_keys_is(log: Any) -> None:
    def beat(boot_id: str, seq: int) -> str:
        return json.dumps({"boot_id": boot_id, "seq": seq, "state": "watching"})

    async def check() -> None:
        topic, twin = HOME.of(Leaf.HEALTH), Signer(KEYS.private_key, 2)
        async with provide("embedded", port=0) as broker:
            publisher = make_publisher(broker.endpoint, log, protection=protected())
            watch = CommandWatch(publisher.requests)
            stranger = Link(broker.endpoint, "stranger")
            async with running(publisher.run(), stranger.run()):
                await asyncio.wait_for(stranger.connected(), 10)
                refused = publisher.requests.refused
                seq = 0
                async with asyncio.timeout(20):
                    while refused[Flaw.UNSIGNED] < 4:  # it may not have subscribed yet
                        seq += 1
                        await stranger.publish(Message(topic, beat("theirs", seq), 1, expiry_s=15))
                assert publisher.twins == 0
                assert "health is not signed" in str(watch.troubles()[Condition.UNPROVEN_COMMANDS])
                async with asyncio.timeout(20):
                    n = 0
                    while publisher.twins == 0:  # this broker may drop what comes in a flood
                        said, n = beat("twin", n), n + 1
                        sign = twin.sign(topic, said)
                        await stranger.publish(Message(topic, said, 1, expiry_s=15, signature=sign))

    asyncio.run(check())


def test_files_of_keys_are_read_only_where_they_are_private_and_whole(tmp_path: Path) -> None:
    service, anna = tmp_path / "service.keys", tmp_path / "anna.keys"
    write_secret(service, KEYS.to_json())
    write_secret(anna, ANNA.to_json())
    assert read_service_keys(service) == KEYS
    assert read_caregiver_key(anna, None) == read_caregiver_key(service, "anna") == ANNA
    assert read_caregiver_key(service, None).by == HERE
    for path, name in ((anna, "ben"), (service, "carl")):
        with pytest.raises(ConfigError, match="setup tls --add"):
            read_caregiver_key(path, name)
    with pytest.raises(ConfigError, match="setup tls"):
        read_service_keys(anna)
    text = anna.read_text()
    for damaged in ("", text[:-9], text.replace(ANNA.key.hex(), "00"), "[" * 9999, "{}"):
        write_secret(anna, damaged)
        with pytest.raises(ConfigError, match="setup tls") as caught:
            read_caregiver_key(anna, None)
        assert ANNA.key.hex()[:8] not in str(caught.value)
    for mode in (0o640, 0o604):
        service.chmod(mode)
        with pytest.raises(ConfigError, match="chmod 600"):
            read_service_keys(service)
    assert KEYS.private_key.hex() not in repr(KEYS) + repr(ANNA)


def test_the_number_of_a_run_never_falls_whatever_the_clock_says(tmp_path: Path) -> None:
    keys = tmp_path / "service.keys"
    runs = [next_run(keys, utc_s) for utc_s in (1.8e9, 0.0, -5.0, 1.7e9, 1.9e9, 1.9e9)]
    assert runs == sorted(set(runs))
    keys.with_suffix(".run").write_text("not a number")
    assert next_run(keys, 2e9) == 2_000_000_000
    gone = tmp_path / "no such folder" / "service.keys"
    assert next_run(gone, 2e9) == 2_000_000_000


def test_what_a_receiver_is_told_when_only_strangers_are_heard() -> None:
    receiver = Receiver("anna", mono_s=0.0, needs_proof=True)
    beat = {"boot_id": "b", "seq": 1, "state": "watching"}
    for second in range(16):
        beat["seq"] = second
        payload = json.dumps(beat).encode()
        assert not receiver.feed(Leaf.HEALTH, payload, retained=False, mono_s=float(second))
    (told,) = receiver.tick(16.0)
    assert told.word is Absence.SILENT
    assert told.why == UNPROVEN
