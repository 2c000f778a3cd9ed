"""The log over MQTT, and the heartbeat: entries are published until they are acknowledged."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from detector.channels import ChannelLog, Entry
from detector.errors import ConfigError, LinkError, SpasmwatchError
from detector.mqtt import contract
from detector.mqtt.contract import (
    HEALTH_EVERY_S,
    STATE_EVERY_S,
    Availability,
    Leaf,
    Message,
    Stamp,
    Topics,
)
from detector.mqtt.endpoint import Endpoint
from detector.mqtt.link import Link
from detector.mqtt.session import WINDOW, Ack
from detector.status import Snapshot, StateWord, Status, Vitals

RETRIED_MOST = 1000  # refused entries tried again in one round, every 30 s
BEATS_PER_STATE = round(STATE_EVERY_S / HEALTH_EVERY_S)
DELIVERED = ""  # as against a reason
ENDED = {
    Availability.STOPPED: "spasmwatch was stopped",
    Availability.OFFLINE: "spasmwatch has ended",
}
ECHO_BEATS = 2  # a dead broker may lose the last 10 s; subscribers are back in another 10 s
ECHO_MOST = 256  # entries; a receiver that missed more requests a replay


@dataclass(slots=True)
class Counts:
    """Counts of publications since the start, by result."""

    delivered: int = 0
    unheard: int = 0  # delivered, but nobody is subscribed (only mosquitto reports it)
    unconfirmed: int = 0  # the connection was lost before the answer came; sent again
    refused: int = 0  # refused by the broker, or without a topic; tried again later
    echoed: int = 0  # acknowledged shortly before or after a broken connection, so sent twice


class Publisher:
    """Publish for one wearer while `run()` runs; a dead broker delays nothing else.

    An acknowledgement is not a delivery: a broker that dies loses what it has not passed on, and
    one that has just started has no subscribers yet. So what was acknowledged around a broken
    connection is sent once more when subscribers have had time to reconnect; they de-duplicate by
    event id.

    Parameters
    ----------
    boot_id : distinguishes this run of the service from the one before
    vitals : called at each heartbeat
    utc_now, sleep : the clocks

    Attributes
    ----------
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
        utc_now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.closing_availability = Availability.OFFLINE
        self.counts = Counts()
        self.last_trouble: str | None = None  # the latest refusal, or failure of the log
        self.link = Link(
            endpoint,
            f"spasmwatch-{topics.origin}-{topics.wearer}",
            will=contract.message(topics, Leaf.AVAILABILITY, Availability.OFFLINE),
            closing=self._closing_messages,
            on_connect=self._greet,
        )
        self._log = log
        self._topics = topics
        self._boot_id = boot_id
        self._vitals = vitals
        self._utc_now = utc_now
        self._sleep = sleep
        self._snapshot = Snapshot(status=status)
        self._seq = 0
        self._beats = 0
        self._recent: deque[tuple[int, Entry]] = deque(maxlen=ECHO_MOST)
        self._echo_at: int | None = None  # the heartbeat after which `_recent` is sent again
        self._more = asyncio.Event()
        self._retry_due = False
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

    async def run(self) -> None:
        """Publish until cancelled; then publish `closing_availability` and no signal."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.link.run())
            tasks.create_task(self._pump())
            tasks.create_task(self._tell_state())
            tasks.create_task(self._beat())

    def _closing_messages(self) -> tuple[Message, ...]:
        """Overwrite what is retained: a later receiver must not read that somebody watches."""
        ended = Status(StateWord.NO_SIGNAL, why=ENDED[self.closing_availability])
        snapshot = replace(self._snapshot, status=ended)
        said = contract.state(self._stamp(), snapshot)
        return (
            contract.message(self._topics, Leaf.STATE, said),
            contract.message(self._topics, Leaf.AVAILABILITY, self.closing_availability),
        )

    async def _greet(self) -> None:
        """Publish after each connection: what is retained, then what waited."""
        await self._say(Leaf.AVAILABILITY, Availability.ONLINE)
        if self.link.state.connections > 1:
            self._echo_at = self._beats + ECHO_BEATS
        self._say_state(changed=True)
        self._more.set()

    async def _beat(self) -> None:
        while True:
            await self._say(Leaf.HEALTH, await self._health())
            await self._sleep(HEALTH_EVERY_S)
            self._beats += 1
            if self._beats % BEATS_PER_STATE == 0:
                await self._say(Leaf.AVAILABILITY, Availability.ONLINE)
                self._say_state(changed=False)
                self._retry_due = True
            if self.link.state.connected and self._echo_at is None:
                while self._recent and self._recent[0][0] < self._beats - ECHO_BEATS:
                    self._recent.popleft()
            self._more.set()

    async def _health(self) -> str:
        try:
            depth = await self._log.depth()
        except SpasmwatchError as error:
            self.last_trouble = str(error)
            depth = None
        return contract.health(self._stamp(), self._snapshot.status, self._vitals(), depth)

    def _say_state(self, *, changed: bool) -> None:
        self._state_changed = self._state_changed or changed
        self._state_due.set()

    async def _tell_state(self) -> None:
        while True:
            await self._state_due.wait()
            self._state_due.clear()
            changed, self._state_changed = self._state_changed, False
            payload = contract.state(self._stamp(), self._snapshot)
            await self._say(Leaf.STATE, payload, qos=None if changed else 0)

    async def _say(self, leaf: Leaf, payload: str, *, qos: int | None = None) -> None:
        """Publish what is of no use later: without a connection it is dropped."""
        with contextlib.suppress(LinkError):
            ack = await self.link.publish(contract.message(self._topics, leaf, payload, qos=qos))
            self._count(leaf, ack)

    async def _pump(self) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            try:
                await self._echo()
                while self.link.state.connected and await self._send_some():
                    pass
                if self._retry_due and self.link.state.connected:
                    await self._retry()
            except SpasmwatchError as error:
                self.last_trouble = str(error)

    async def _send_some(self) -> bool:
        """Send a window of entries; return whether to send the next one at once."""
        entries = await self._log.read(WINDOW)
        return bool(entries) and await self._send(entries)

    async def _retry(self) -> None:
        """Send refused entries again; they may be accepted by now."""
        self._retry_due = False
        entries = [refused.entry for refused in await self._log.refused(RETRIED_MOST)]
        for first in range(0, len(entries), WINDOW):
            if not await self._send(entries[first : first + WINDOW]):
                return
            await self._send_some()  # what is new does not wait for what is old

    async def _send(self, entries: Sequence[Entry]) -> bool:
        """Send entries together, log the result of each; return whether all were answered."""
        told = [entry for entry in entries if entry.kind in contract.LEAVES]
        outcomes = list(zip(told, await asyncio.gather(*map(self._deliver, told)), strict=True))
        done = [entry for entry, outcome in outcomes if outcome == DELIVERED]
        refused = {entry.n: outcome for entry, outcome in outcomes if outcome}
        passed = [entry for entry in entries if entry.kind not in contract.LEAVES] + done
        if passed:
            await self._log.acknowledge([entry.n for entry in passed])
            self.counts.delivered += len(done)
            self._recent.extend((self._beats, entry) for entry in done)
        if refused:
            await self._log.refuse(refused, at=self._utc_now())
        return all(outcome is not None for _, outcome in outcomes)

    async def _echo(self) -> None:
        due = self._echo_at is not None and self._beats >= self._echo_at
        if not due or not self.link.state.connected:
            return
        entries = [entry for _, entry in self._recent]
        results = await asyncio.gather(*map(self._deliver, entries))
        if None not in results:
            self._echo_at = None
            self._recent.clear()
            self.counts.echoed += len(entries)

    async def _deliver(self, entry: Entry) -> str | None:
        """Send one entry; return `DELIVERED`, why it was refused, or None when it is not known."""
        try:
            message = contract.outgoing(entry, self._topics, self._utc_now())
            ack = await self.link.publish(message)
        except LinkError:
            self.counts.unconfirmed += 1
            return None
        except (ValueError, ConfigError) as error:
            return self._refuse(f"entry {entry.n} of the log: {error}")
        return self._count(entry.kind, ack)

    def _count(self, leaf: str, ack: Ack) -> str:
        if not ack.accepted:
            return self._refuse(
                f"{self.link.endpoint} refused a message ({leaf}): {ack.why}. Allow this user to "
                f"publish below {self._topics.prefix}/"
            )
        if ack.no_subscribers and leaf in (Leaf.EVENT, Leaf.ALERT):
            self.counts.unheard += 1
        return DELIVERED

    def _refuse(self, why: str) -> str:
        self.counts.refused += 1
        self.last_trouble = why
        return why

    def _stamp(self) -> Stamp:
        self._seq += 1
        return Stamp(self._boot_id, self._seq, self._utc_now())
