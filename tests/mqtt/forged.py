"""Forged, stale, replayed, retained and oversized commands over a real broker: which are obeyed?

`python -m tests.mqtt.forged --commands 10000`; the bar is none.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from detector.alerts import commands as said
from detector.events import Origin
from detector.mqtt import commands
from detector.mqtt.broker import provide
from detector.mqtt.contract import Command, Message, Topics
from detector.mqtt.link import Link
from detector.mqtt.security.gate import Gate
from detector.mqtt.security.keys import CaregiverKey, ServiceKeys
from detector.mqtt.security.protection import Protection
from detector.mqtt.security.signing import Signer, Verifier, public_key_of
from detector.store.state import State
from tests.chaos.measured import record
from tests.kit.brokers import listening
from tests.kit.waiting import running, until
from tests.mqtt.publishing import WEARER, StoredLog, make_event, make_publisher, tenfold

REPLAYED = 2  # commands of a caregiver that are answered before strangers come
HOME = Topics(wearer=WEARER)
BOOT = "b1"  # as `make_publisher` has it
KEYS = ServiceKeys.new().with_new("anna").with_new("ben")


def protected(now_s: Callable[[], float] = time.monotonic, run: int = 1) -> Protection:
    return Protection(
        Signer(KEYS.private_key, run),
        Gate(HOME, KEYS.caregivers, boot_id=BOOT, mono_s=now_s),
        Verifier(public_key_of(KEYS.private_key)),
    )


SPOKEN: list[said.Command] = [
    said.Acknowledge(by="ben"),
    said.Snooze(by="ben", minutes=30),
    said.PauseAlerts(by="ben", minutes=60),
    said.ResumeAlerts(by="ben"),
    said.MarkSpasm(by="ben"),
    said.LabelEvent(by="ben", event="e1", verdict=said.SaidKind.NOT_A_SPASM),
    said.AddNote(by="ben", text="all is well"),
]
PLAIN = [
    (Command.REPLAY, commands.replay("ben", 1)),
    (Command.SEEN, commands.seen("ben", "e", 5)),
    (Command.LIVE, commands.live("ben", 120)),
    (Command.TEST, commands.test("ben", None)),
    *map(commands.payload, SPOKEN),
]
TAMPERED = {
    "from": 1,
    "upto": 5,
    "minutes": 29,
    "alert": "another",
    "event": "another",
    "verdict": "spasm",
    "text": "all is lost",
}


class Tests:
    """The alarm's test, which nobody may ask for without a key."""

    def __init__(self) -> None:
        self.asked = 0

    def seen(self, receiver: str, upto: int) -> None:
        """What a receiver has is read from the store."""

    def ask(self, receiver: str) -> None:
        self.asked += 1

    def heard(self, receiver: str, alert: str) -> bool:
        self.asked += 1
        return True


@dataclass
class Stranger:
    """Sends what it can make without a key, or with what it recorded of those who have one.

    Parameters
    ----------
    recorded : signed commands that were obeyed, with their topics
    """

    chance: random.Random
    recorded: list[tuple[str, str]]
    earlier: CaregiverKey = field(default_factory=lambda: KEYS.of("ben"))

    def command(self) -> tuple[str, Message]:
        """Return the kind of trick, and one of it; each would change something if obeyed."""
        tricks: list[Callable[[], Message]] = [
            self.unsigned,
            self.guessed,
            self.with_another_key,
            self.of_nobody,
            self.replayed,
            self.tampered,
            self.on_another_topic,
            self.of_a_simulation,
            self.stale,
            self.of_an_earlier_run,
            self.retained,
            self.oversized,
            self.malformed,
            self.without_nonce,
        ]
        trick = self.chance.choice(tricks)
        return trick.__name__, trick()

    def unsigned(self) -> Message:
        return self._message(*self._plain())

    def guessed(self) -> Message:
        command, plain = self._plain()
        proof = {"at": f"{BOOT}:1", "nonce": secrets.token_hex(12), "mac": secrets.token_hex(32)}
        return self._message(command, json.dumps(json.loads(plain) | proof))

    def with_another_key(self) -> Message:
        other = ServiceKeys.new().with_new("ben").of("ben")
        return self._signed(other, *self._plain())

    def of_nobody(self) -> Message:
        other = ServiceKeys.new().with_new("carl").of("carl")
        return self._signed(other, Command.REPLAY, commands.replay("carl", 1))

    def replayed(self) -> Message:
        return Message(*self.chance.choice(self.recorded))

    def tampered(self) -> Message:
        topic, payload = self.chance.choice(self.recorded)
        told: dict[str, Any] = json.loads(payload)
        changes: dict[str, Any] = {"nonce": secrets.token_hex(12), "by": "anna"}
        changes |= {name: value for name, value in TAMPERED.items() if name in told}
        name = self.chance.choice(sorted(key for key in changes if told.get(key) != changes[key]))
        return Message(topic, json.dumps(told | {name: changes[name]}))

    def on_another_topic(self) -> Message:
        _, payload = self.recorded[0]
        return Message(HOME.command(Command.SEEN), payload)

    def of_a_simulation(self) -> Message:
        home = Topics(wearer=WEARER, origin=Origin.SIMULATED)
        command, plain = self._plain()
        payload = self.earlier.signed(home.command(command), plain, f"{BOOT}:1")
        return self._message(command, payload)

    def stale(self) -> Message:
        at = self.chance.choice([f"{BOOT}:0", f"{BOOT}:{10**9}", f"{BOOT}:-1", BOOT, "", ":"])
        return self._signed(self.earlier, *self._plain(), at=at)

    def of_an_earlier_run(self) -> Message:
        return self._signed(self.earlier, *self._plain(), at="b0:1")

    def retained(self) -> Message:
        topic, payload = self.chance.choice(self.recorded)
        return Message(topic, payload, retain=True, expiry_s=60)

    def oversized(self) -> Message:
        command, plain = self._plain()
        much = {"note": "x" * self.chance.choice([4096, 60_000])}
        return self._message(command, json.dumps(json.loads(plain) | much))

    def malformed(self) -> Message:
        command, plain = self._plain()
        half = plain[: self.chance.randrange(1, len(plain))]
        odd = [half, "[" * 4000, '{"a":' * 600, "NaN", "1e999", plain[:-1] + ', "x": NaN}', "null"]
        return self._message(command, self.chance.choice(odd))

    def without_nonce(self) -> Message:
        topic, payload = self.recorded[0]
        told = json.loads(payload)
        told["nonce"] = self.chance.choice(["", "short", None, 7, ["x" * 20]])
        return Message(topic, json.dumps(told))

    def _plain(self) -> tuple[Command, str]:
        return self.chance.choice(PLAIN)

    def _signed(
        self, key: CaregiverKey, command: Command, plain: str, at: str = f"{BOOT}:1"
    ) -> Message:
        return self._message(command, key.signed(HOME.command(command), plain, at))

    def _message(self, command: Command, payload: str) -> Message:
        return Message(HOME.command(command), payload, expiry_s=60)


@dataclass
class Result:
    sent: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    obeyed: int = 0
    served_since: int = 0  # commands of a caregiver, after all of that
    took_s: float = 0.0


async def attack(kind: str, folder: Path, count: int, seed: int) -> Result:
    """Send as many over a broker to a service with keys; return what came of them."""
    result = Result()
    with State.open(folder / "state.sqlite", wearer=WEARER) as state:
        state.open_channel("mqtt", from_start=True)
        log = StoredLog(state)
        log.put(*(make_event(number) for number in range(5)))
        async with provide(kind, port=0) as broker:
            assert broker.endpoint is not None
            obeyed: list[said.Command] = []
            tests = Tests()
            publisher = make_publisher(
                broker.endpoint,
                log,
                sleep=tenfold,
                protection=protected(),
                obey=obeyed.append,
                paths=tests,
            )
            strangers = Link(broker.endpoint, "strangers")
            async with (
                running(publisher.run(), strangers.run()),
                listening(broker.endpoint, f"{HOME.base}/#") as ear,
            ):
                await until(lambda: ear.payloads("health"))
                key = KEYS.of("ben")

                def beat() -> str:
                    told = json.loads(ear.payloads("health")[-1])
                    return f"{told['boot_id']}:{told['seq']}"

                def replies() -> int:
                    return sum(topic.endswith("/reply/ben") for topic in ear.topics())

                topic = HOME.command(Command.REPLAY)
                recorded = []
                for number in (2, 3):
                    payload = key.signed(topic, commands.replay("ben", number), beat())
                    recorded.append((topic, payload))
                    await strangers.publish(Message(topic, payload))
                    await until(lambda: replies() == len(recorded))
                assert len(recorded) == REPLAYED
                for spoken in SPOKEN:
                    command, plain = commands.payload(spoken)
                    payload = key.signed(HOME.command(command), plain, beat())
                    recorded.append((HOME.command(command), payload))
                    await strangers.publish(Message(*recorded[-1]))
                await until(lambda: obeyed == SPOKEN)
                stranger = Stranger(random.Random(seed), recorded)
                began_s = time.monotonic()
                for _ in range(0, count, 16):
                    batch = [
                        stranger.command() for _ in range(min(16, count - result.sent.total()))
                    ]
                    result.sent.update(trick for trick, _ in batch)
                    await asyncio.gather(*(strangers.publish(message) for _, message in batch))
                await until(lambda: publisher.requests.refused.total() >= count)
                result.took_s = time.monotonic() - began_s
                result.refused.update(publisher.requests.refused)
                before = replies()
                of_strangers = len(obeyed) - len(SPOKEN) + tests.asked + bool(publisher.live.left_s)
                payload = key.signed(topic, commands.replay("ben", 4), beat())
                await strangers.publish(Message(topic, payload))
                await until(lambda: replies() > before)
                result.served_since = replies() - before
                result.obeyed = before - REPLAYED + len(state.receivers) + of_strangers
    return result


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--commands", type=int, default=10_000)
    parser.add_argument("--broker", choices=["mosquitto", "embedded"], default="mosquitto")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        done = asyncio.run(attack(chosen.broker, Path(folder), chosen.commands, chosen.seed))
    print(f"{done.sent.total()} commands of strangers in {done.took_s:.1f} s: {done.obeyed} obeyed")
    print("sent   ", ", ".join(f"{name} {n}" for name, n in sorted(done.sent.items())))
    print("refused", ", ".join(f"{name} {n}" for name, n in sorted(done.refused.items())))
    held = not done.obeyed and done.refused.total() == done.sent.total()
    record(
        f"forged-{chosen.broker}",
        bar="no command of a stranger is obeyed, each is counted",
        held=held,
        seed=chosen.seed,
        figures={
            "commands": done.sent.total(),
            "obeyed": done.obeyed,
            "counted": done.refused.total(),
            "took_s": round(done.took_s, 1),
        },
    )
    sys.exit(not held)


if __name__ == "__main__":
    main()
