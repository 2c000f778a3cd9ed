"""The log over MQTT, and the heartbeat: entries are published until they are acknowledged."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from detector import plain_json
from detector.alerts import commands as said
from detector.alerts.reception import Reception, must_reach
from detector.channels import ChannelLog, Entry, EntryKind
from detector.errors import ConfigError, LinkError, SpasmwatchError
from detector.mqtt import contract, payloads
from detector.mqtt.contract import (
    HEALTH_EVERY_S,
    STATE_EVERY_S,
    Availability,
    Leaf,
    Message,
    Topics,
)
from detector.mqtt.endpoint import Endpoint
from detector.mqtt.home_assistant.serving import HomeAssistant
from detector.mqtt.link import Link
from detector.mqtt.live import LiveView
from detector.mqtt.log_progress import Counts, log_state
from detector.mqtt.payloads import Stamp
from detector.mqtt.properties import Received
from detector.mqtt.requests import Requests, TestedPaths, obey_nobody
from detector.mqtt.runs import ENDED, Runs
from detector.mqtt.security.gate import Flaw
from detector.mqtt.security.protection import Protection
from detector.mqtt.session import WINDOW, Ack
from detector.status import Snapshot, StateWord, Status, Vitals

RETRIED_MOST = 1000  # entries set aside, tried again in one round: more than a night has
CONTRADICT_EVERY_S = 1.0  # an answer to each message would double a flood
BEATS_PER_STATE = round(STATE_EVERY_S / HEALTH_EVERY_S)
DELIVERED = ""  # as against a reason
NOBODY = "nobody is subscribed"
"""Why an event or alert is set aside that the broker had nobody to pass on to; only some brokers
report it."""


class Publisher:
    """Publish for one wearer while `run()` runs; a dead broker delays nothing else.

    That a broker took an entry is no delivery: a broker that dies loses what it has not passed on,
    and one that has just started has no subscribers yet. What it reports to have passed to nobody
    is tried again, and each receiver with a name asks for what it lacks (`Requests`).

    Parameters
    ----------
    boot_id : distinguishes this run of the service from the one before
    vitals : called at each heartbeat
    reports_nobody : whether this broker reports that nobody is subscribed, as mosquitto does; else
        only what a receiver acknowledged has reached somebody
    reception : is told which alerts wait for somebody, and which reached somebody
    obey : takes what a person says, or raises CommandError; None where there is nothing to command
    losses : called at each heartbeat: counts of others, by the names of `payloads.COUNTS`
    paths : is told what a test of the alarm needs to know
    protection : signs what is published, and judges who may command; without it nobody signs
    home_assistant : announces the night to a Home Assistant, and obeys its buttons
    utc_now, mono_s, sleep : the clocks

    Attributes
    ----------
    live : takes samples, for those who have asked to see them
    closing_availability : published when `run` ends: `OFFLINE`, unless the caller sets
        `STOPPED` because a person stopped the service
    """

    def __init__(
        self,
        endpoint: Endpoint,
        log: ChannelLog,
        topics: Topics,
        *,
        boot_id: str,
        status: Status,
        vitals: Callable[[], Vitals],
        reception: Reception,
        obey: Callable[[said.Command], None] | None = None,
        reports_nobody: bool = True,
        losses: Callable[[], Mapping[str, int]] = dict,
        paths: TestedPaths | None = None,
        protection: Protection | None = None,
        home_assistant: HomeAssistant | None = None,
        mono_s: Callable[[], float] = time.monotonic,
        utc_now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.closing_availability = Availability.OFFLINE
        self.counts = Counts()
        self.refusals: dict[Leaf, str] = {}  # why the broker does not take what, at present
        self.link = Link(
            endpoint,
            # Its own in each run: a second spasmwatch of this wearer must not disconnect us.
            f"spasmwatch-{topics.origin}-{topics.wearer}-{boot_id}",
            will=contract.message(topics, Leaf.AVAILABILITY, Availability.OFFLINE),
            closing=self._closing_messages,
            on_connect=self._greet,
            sign=None if protection is None else protection.signer.sign,
            mono_s=mono_s,
        )
        self._gate = None if protection is None else protection.gate
        self._verifier = None if protection is None else protection.verifier
        self.live = LiveView(
            partial(self._say, Leaf.LIVE),
            boot_id=boot_id,
            utc_now=utc_now,
            mono_s=mono_s,
            sleep=sleep,
        )
        self.requests = Requests(
            self.link,
            log,
            topics,
            utc_now=utc_now,
            reception=reception,
            obey=obey_nobody if obey is None else obey,
            lease=self.live.lease,
            paths=paths,
            gate=self._gate,
            mono_s=mono_s,
        )
        self.home_assistant = home_assistant
        self._log = log
        self._epoch = log.epoch  # as receivers were told
        self._topics = topics
        self._boot_id = boot_id
        self._vitals = vitals
        self._losses = losses
        self._reception = reception
        self._mono_s = mono_s
        self._utc_now = utc_now
        self._sleep = sleep
        self._snapshot = Snapshot(status=status)
        self._seq = 0
        self._beats = 0
        self._runs = Runs()
        self._contradicted = asyncio.Event()
        self._nobody = False  # was subscribed when entries were last sent
        self._reports_nobody = reports_nobody
        self._more = asyncio.Event()
        self._retry_due = False
        self._sending = False
        self._state_due = asyncio.Event()
        self._state_changed = True

    def wake(self) -> None:
        """Take notice of new entries in the log; call it after each commit."""
        self._more.set()

    async def tell(self, entries: Sequence[Entry]) -> None:
        """Send entries that the disk refused, so that no log has them: once, not guaranteed."""
        await asyncio.gather(*map(self._deliver, entries))

    def show(self, now: Snapshot) -> None:
        """Set the present state: published at once when it changed, and every 30 s."""
        if now != self._snapshot:
            self._say_state(changed=True)
        self._snapshot = now

    @property
    def idle(self) -> bool:
        """Whether no entry of the log is being sent, and no request about one served."""
        return not (self._sending or self.requests.serving)

    @property
    def twins(self) -> int:
        """How many other runs send heartbeats on our topics at present."""
        return len(self._runs.alive(self._mono_s()) - {self._boot_id})

    @property
    def losses(self) -> Mapping[str, int]:
        """Return what was refused or lost since the start, by the names of `payloads.COUNTS`."""
        return {
            "refused": self.counts.refused,
            "unheard": self.counts.unheard,
            "unconfirmed": self.counts.unconfirmed,
            "too_long": self.link.too_long,
            "commands_refused": self.requests.refused.total(),
            **self._losses(),
        }

    async def run(self) -> None:
        """Publish until cancelled; then publish `closing_availability` and no signal."""
        for leaf, hear in ((Leaf.HEALTH, self._hear_health), (Leaf.AVAILABILITY, self._hear_other)):
            with contextlib.suppress(LinkError):  # the link tries again after each connection
                await self.link.subscribe(self._topics.of(leaf), hear)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.link.run())
            tasks.create_task(self._pump())
            tasks.create_task(self._tell_state())
            tasks.create_task(self._beat())
            tasks.create_task(self._contradict())
            tasks.create_task(self.requests.run())
            tasks.create_task(self.live.run())
            if self.home_assistant is not None:
                tasks.create_task(self.home_assistant.run(self.link, self.requests.refuse))

    def _hear_health(self, received: Received) -> None:
        """Take a heartbeat on our own topic, ours or another's; whatever is none is ignored.

        With keys one that is not signed with ours is a stranger's, and makes nobody a twin.
        """
        with contextlib.suppress(ValueError):
            beat = plain_json.read(received.payload, most_bytes=contract.PAYLOAD_MOST)
            boot_id, seq = beat.get("boot_id"), beat.get("seq")
            if received.retained or type(seq) is not int or type(boot_id) is not str:
                return
            if boot_id == self._boot_id or self._is_proven(received):
                self._runs.take(boot_id, seq, self._mono_s())

    def _is_proven(self, received: Received) -> bool:
        verifier, got = self._verifier, received
        if verifier is None or verifier.proof(got.topic, got.payload, got.signature) is not None:
            return True
        self.requests.refuse(Flaw.UNSIGNED, f"{got.topic} is not signed by a spasmwatch of ours")
        return False

    def _hear_other(self, received: Received) -> None:
        """Notice that another says on our topic that nobody watches: a twin, or an old will."""
        if received.payload != Availability.ONLINE.value.encode():
            self._contradicted.set()

    async def _contradict(self) -> None:
        """Say again that we are there whenever another says the contrary, once a second at most."""
        while True:
            await self._contradicted.wait()
            self._contradicted.clear()
            await self._say(Leaf.AVAILABILITY, Availability.ONLINE)
            self._say_state(changed=True)
            await self._sleep(CONTRADICT_EVERY_S)

    def _closing_messages(self) -> tuple[Message, ...]:
        """Overwrite what is retained: a later receiver must not read that somebody watches."""
        ended = Status(StateWord.NO_SIGNAL, why=ENDED[self.closing_availability])
        snapshot = replace(self._snapshot, status=ended)
        last = payloads.state(self._stamp(), snapshot)
        return (
            contract.message(self._topics, Leaf.STATE, last),
            contract.message(self._topics, Leaf.AVAILABILITY, self.closing_availability),
        )

    async def _greet(self) -> None:
        """Publish after each connection: what is retained, then what waited."""
        await self._say(Leaf.AVAILABILITY, Availability.ONLINE)
        await self._say(Leaf.HEALTH, await self._health(), qos=1)  # answered, should it be refused
        self._say_state(changed=True)
        self._retry_due = True
        self._more.set()
        if self.home_assistant is not None:
            self.home_assistant.announce()

    async def _beat(self) -> None:
        while True:
            await self._say(Leaf.HEALTH, await self._health())
            await self._sleep(HEALTH_EVERY_S)
            self._beats += 1
            if self._beats % BEATS_PER_STATE == 0:
                await self._say(Leaf.AVAILABILITY, Availability.ONLINE)
                self._say_state(changed=False)
                self._retry_due = True
            self._retry_due = self._retry_due or self._nobody
            self._more.set()

    async def _health(self) -> str:
        log = await log_state(self._log)
        return payloads.health(
            self._stamp(), self._snapshot.status, self._vitals(), log, self.losses
        )

    def _say_state(self, *, changed: bool) -> None:
        self._state_changed = self._state_changed or changed
        self._state_due.set()

    async def _tell_state(self) -> None:
        while True:
            await self._state_due.wait()
            self._state_due.clear()
            changed, self._state_changed = self._state_changed, False
            payload = payloads.state(self._stamp(), self._snapshot)
            await self._say(Leaf.STATE, payload, qos=None if changed else 0)

    async def _say(self, leaf: Leaf, payload: str, *, qos: int | None = None) -> None:
        """Publish what is of no use later: without a connection it is dropped."""
        with contextlib.suppress(LinkError):
            told = contract.message(self._topics, leaf, payload, qos=qos)
            ack = await self.link.publish(told)
            if told.qos:  # without, there is no answer
                self._count(leaf, ack)

    async def _pump(self) -> None:
        while True:
            self._sending = False
            await self._more.wait()
            self._more.clear()
            self._sending = True
            with contextlib.suppress(SpasmwatchError):  # of the log: read again at the next wake
                while self.link.state.connected and await self._send_some():
                    pass
                if self._retry_due and self.link.state.connected:
                    await self._retry()
                if self._reports_nobody:
                    await self._name_log()
                    await self.requests.send_again(self._reception.unconfirmed(self._mono_s()))

    async def _send_some(self) -> bool:
        """Send a window of entries; return whether to send the next one at once."""
        entries = await self._log.read(WINDOW)
        return bool(entries) and await self._send(entries) is not None

    async def _retry(self) -> None:
        """Send what was set aside again, as long as some of it is delivered."""
        self._retry_due = False
        for _ in range(0, RETRIED_MOST, WINDOW):
            entries = [refused.entry for refused in await self._log.refused(WINDOW)]
            if not entries or not await self._send(entries):
                return
            await self._send_some()  # what is new does not wait for what is old

    async def _name_log(self) -> None:
        """Tell receivers of a log that began anew before they get entries of it."""
        if self._log.epoch != self._epoch:
            self._epoch = self._log.epoch
            await self._say(Leaf.HEALTH, await self._health(), qos=1)

    async def _send(self, entries: Sequence[Entry]) -> int | None:
        """Send entries together, log the result of each.

        Returns
        -------
        how many were delivered; None when the connection was lost before all were answered
        """
        await self._name_log()
        told = [entry for entry in entries if entry.kind in contract.LEAVES]
        outcomes = list(zip(told, await asyncio.gather(*map(self._deliver, told)), strict=True))
        done = [entry for entry, outcome in outcomes if outcome == DELIVERED]
        refused = {entry.n: outcome for entry, outcome in outcomes if outcome}
        self._nobody = NOBODY in refused.values() and not done
        passed = [entry for entry in entries if entry.kind not in contract.LEAVES] + done
        if passed:
            await self._log.acknowledge([entry.n for entry in passed])
        if refused:
            await self._log.refuse(refused, at=self._utc_now())
        return None if None in (outcome for _, outcome in outcomes) else len(done)

    async def _deliver(self, entry: Entry) -> str | None:
        """Send one entry; return `DELIVERED`, why it was refused, or None when it is not known."""
        result: str | None
        try:
            message = contract.outgoing(entry, self._topics, self._utc_now())
            ack = await self.link.publish(message)
        except LinkError:
            self.counts.unconfirmed += 1
            result = None
        except (ValueError, ConfigError) as error:
            result = self._refuse(f"entry {entry.n} of the log: {error}")
        else:
            result = self._result_of(entry.kind, ack)
        if result == DELIVERED and self._reports_nobody:
            self._reception.passed_on(entry.n, self._mono_s())
        elif entry.kind is EntryKind.ALERT and must_reach(entry.body):
            self._reception.wait_for(entry.n, self._mono_s())
        return result

    def _result_of(self, kind: EntryKind, ack: Ack) -> str:
        if ack.no_subscribers:
            self.counts.unheard += 1
            return NOBODY
        return self._count(contract.LEAVES[kind], ack)

    def _count(self, leaf: Leaf, ack: Ack) -> str:
        """Return `DELIVERED`, or the refusal, which stands until the broker takes this leaf."""
        if ack.accepted:
            self.refusals.pop(leaf, None)
            return DELIVERED
        topic = self._topics.of(leaf)
        self.refusals[leaf] = f"{self.link.endpoint} does not let us publish {topic} ({ack.why})"
        return self._refuse(self.refusals[leaf])

    def _refuse(self, why: str) -> str:
        self.counts.refused += 1
        return why

    def _stamp(self) -> Stamp:
        self._seq += 1
        if self._gate is not None:
            self._gate.issued(self._seq)
        return Stamp(self._boot_id, self._seq, self._utc_now())
