"""The outbox pump and the heartbeat: what was committed is told until it is acknowledged."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from detector.errors import ConfigError, LinkError, SpasmwatchError
from detector.mqtt import contract
from detector.mqtt.contract import HEALTH_EVERY_S, STATE_EVERY_S, Availability, Leaf, Stamp, Topics
from detector.mqtt.endpoint import Endpoint
from detector.mqtt.link import Link
from detector.mqtt.session import WINDOW, Ack
from detector.status import Snapshot, Status, Vitals
from detector.store.outbox import Letter

HELD_MOST = 1000  # refused letters put aside; beyond it all wait until these are tried again
BEATS_PER_STATE = round(STATE_EVERY_S / HEALTH_EVERY_S)
ECHO_BEATS = 2  # a dead broker may take the last 10 s along; subscribers are back 10 s after it is
ECHO_MOST = 256  # letters; a receiver that missed more asks for a replay


class Outbox(Protocol):
    """What the store keeps until the broker has acknowledged it.

    May raise any `SpasmwatchError`: the heartbeat goes on, and the next one tries again.
    """

    async def pending(self, limit: int) -> Sequence[Letter]:
        """Return the oldest letters that were not delivered, in order of `seq`."""

    async def delivered(self, seqs: Sequence[int]) -> None:
        """Take these off: the broker has them."""

    async def depth(self) -> int:
        """Count those that were not delivered."""


@dataclass(slots=True)
class Counts:
    """What became of it since the start."""

    delivered: int = 0
    unheard: int = 0  # delivered, but nobody is subscribed (mosquitto says so)
    unconfirmed: int = 0  # the connection went before the answer came; sent again
    refused: int = 0  # the broker said no, or it cannot be addressed; tried again later
    echoed: int = 0  # acknowledged shortly before or after a broken connection, so told twice


class Publisher:
    """Publish for one wearer while `run()` runs; a dead broker holds up nobody.

    An acknowledgement is not a delivery: a broker that dies forgets what it has not passed on, and
    one that is back knows no subscriber yet. So what was acknowledged around a broken connection is
    told once more when subscribers have had time to return; they de-duplicate by event id.

    Parameters
    ----------
    boot_id : tells this run of the service from the one before
    vitals : asked at each heartbeat
    utc_now, sleep : the clocks
    """

    def __init__(
        self,
        endpoint: Endpoint,
        outbox: Outbox,
        topics: Topics,
        *,
        boot_id: str,
        status: Status,
        vitals: Callable[[], Vitals],
        utc_now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.counts = Counts()
        self.last_trouble: str | None = None  # the latest refusal, or failure of the outbox
        self.link = Link(
            endpoint,
            f"spasmwatch-{topics.origin}-{topics.wearer}",
            will=contract.message(topics, Leaf.AVAILABILITY, Availability.OFFLINE),
            farewell=contract.message(topics, Leaf.AVAILABILITY, Availability.STOPPED),
            on_connect=self._greet,
        )
        self._outbox = outbox
        self._topics = topics
        self._boot_id = boot_id
        self._vitals = vitals
        self._utc_now = utc_now
        self._sleep = sleep
        self._snapshot = Snapshot(status=status)
        self._seq = 0
        self._held: set[int] = set()
        self._beats = 0
        self._recent: deque[tuple[int, Letter]] = deque(maxlen=ECHO_MOST)
        self._echo_at: int | None = None  # the beat after which `_recent` is told again
        self._more = asyncio.Event()
        self._state_due = asyncio.Event()

    def wake(self) -> None:
        """Say that the outbox has more; call it after each commit."""
        self._more.set()

    async def tell(self, letters: Sequence[Letter]) -> None:
        """Send letters that are in no outbox, once and without a promise: the disk refused them."""
        await asyncio.gather(*map(self._deliver, letters))

    def show(self, now: Snapshot) -> None:
        """Say what is so now: published at once when it changed, every 30 s anyway."""
        if now != self._snapshot:
            self._state_due.set()
        self._snapshot = now

    async def run(self) -> None:
        """Publish until cancelled; then `stopped` is the last word."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.link.run())
            tasks.create_task(self._pump())
            tasks.create_task(self._tell_state())
            tasks.create_task(self._beat())

    async def _greet(self) -> None:
        """After each connection: what is retained, then whatever waited."""
        await self._say(Leaf.AVAILABILITY, Availability.ONLINE)
        if self.link.state.connections > 1:
            self._echo_at = self._beats + ECHO_BEATS
        self._state_due.set()
        self._more.set()

    async def _beat(self) -> None:
        while True:
            await self._say(Leaf.HEALTH, await self._health())
            await self._sleep(HEALTH_EVERY_S)
            self._beats += 1
            if self._beats % BEATS_PER_STATE == 0:
                self._state_due.set()
                self._held.clear()
            if self.link.state.connected and self._echo_at is None:
                while self._recent and self._recent[0][0] < self._beats - ECHO_BEATS:
                    self._recent.popleft()
            self._more.set()

    async def _health(self) -> str:
        try:
            depth = await self._outbox.depth()
        except SpasmwatchError as error:
            self.last_trouble = str(error)
            depth = None
        return contract.health(self._stamp(), self._snapshot.status, self._vitals(), depth)

    async def _tell_state(self) -> None:
        while True:
            await self._state_due.wait()
            self._state_due.clear()
            await self._say(Leaf.STATE, contract.state(self._stamp(), self._snapshot))

    async def _say(self, leaf: Leaf, payload: str) -> None:
        """Publish what is worth nothing later: a new connection says it anew."""
        with contextlib.suppress(LinkError):
            ack = await self.link.publish(contract.message(self._topics, leaf, payload))
            self._count(leaf, ack)

    async def _pump(self) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            try:
                await self._echo()
                while self.link.state.connected and await self._send_some():
                    pass
            except SpasmwatchError as error:
                self.last_trouble = str(error)

    async def _send_some(self) -> bool:
        """Send a window of letters; return whether it is worth going on at once."""
        if len(self._held) >= HELD_MOST:
            return False
        pending = await self._outbox.pending(WINDOW + len(self._held))
        letters = [letter for letter in pending if letter.seq not in self._held][:WINDOW]
        results = await asyncio.gather(*map(self._deliver, letters))
        done = [letter for letter, result in zip(letters, results, strict=True) if result]
        if done:
            await self._outbox.delivered([letter.seq for letter in done])
            self.counts.delivered += len(done)
            self._recent.extend((self._beats, letter) for letter in done)
        return bool(letters) and None not in results

    async def _echo(self) -> None:
        due = self._echo_at is not None and self._beats >= self._echo_at
        if not due or not self.link.state.connected:
            return
        letters = [letter for _, letter in self._recent]
        results = await asyncio.gather(*map(self._deliver, letters))
        if None not in results:
            self._echo_at = None
            self._recent.clear()
            self.counts.echoed += len(letters)

    async def _deliver(self, letter: Letter) -> bool | None:
        """Send one letter; return True delivered, False refused, None not known."""
        try:
            message = contract.outgoing(letter, self._topics, self._utc_now())
            ack = await self.link.publish(message)
        except LinkError:
            self.counts.unconfirmed += 1
            return None
        except (ValueError, ConfigError) as error:
            self._refuse(f"letter {letter.seq} of the outbox: {error}")
            self._held.add(letter.seq)
            return False
        self._count(letter.leaf, ack)
        if not ack.accepted:
            self._held.add(letter.seq)
        return ack.accepted

    def _count(self, leaf: str, ack: Ack) -> None:
        if not ack.accepted:
            self._refuse(f"{self.link.endpoint} did not take our {leaf}: {ack.why}")
        elif ack.no_subscribers and leaf in (Leaf.EVENT, Leaf.ALERT):
            self.counts.unheard += 1

    def _refuse(self, why: str) -> None:
        self.counts.refused += 1
        self.last_trouble = why

    def _stamp(self) -> Stamp:
        self._seq += 1
        return Stamp(self._boot_id, self._seq, self._utc_now())
