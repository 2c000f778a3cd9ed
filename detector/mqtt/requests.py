"""Commands that arrive: what a person says is obeyed, what a receiver lacks is sent again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from detector.alerts import commands as said
from detector.alerts.commands import CommandError
from detector.alerts.reception import Reception
from detector.channels import ChannelLog, Entry
from detector.errors import ConfigError, LinkError, SpasmwatchError
from detector.mqtt import commands, contract
from detector.mqtt.commands import AlarmTest, LiveLease, Replay, Seen
from detector.mqtt.contract import COMMAND_EXPIRES_S, Command, Message, Topics
from detector.mqtt.link import Link
from detector.mqtt.pace import TokenBucket
from detector.mqtt.payloads import ENTRIES_MOST, ReplayedEntry, ReplayedPayload
from detector.mqtt.properties import Received
from detector.mqtt.replies import ReplyTo, reply, wanted
from detector.mqtt.security.gate import CommandRefused, Flaw, Gate
from detector.mqtt.session import PACKET_MOST

log = logging.getLogger(__name__)

BODIES_MOST = 60_000
"""Bytes of entries in one answer, as JSON strings; the rest of it fits into 5 kB."""

LOGGED_EVERY_S = 60.0  # a flood of commands makes one line a minute

PENDING_MOST = 128
"""Requests that wait, several of each receiver of a household. A later one replaces the earlier of
the same receiver and command, so that only a flood of names comes to so many. As many answers wait
and as much of what people say."""

SAID_AT_ONCE = 20
SAID_EVERY_S = 1.0
"""What one person may say at once, and how often after that: each becomes an entry of the log,
which whoever may publish must not fill."""


def answer(
    request: Replay,
    entries: Sequence[Entry],
    home: Topics,
    *,
    epoch: str,
    last_n: int,
    now: datetime,
) -> Message:
    """Return the answer to a receiver: entries as they are logged, and up to which number.

    One message: it arrives whole or not at all, and with it the promise that there was nothing
    else up to `upto`. A receiver that has not come to `last_n` with it asks on.

    Parameters
    ----------
    entries : of the log from the requested number on, at most `ENTRIES_MOST`
    """
    told: list[ReplayedEntry] = []
    room = BODIES_MOST
    upto = entries[-1].n if len(entries) == ENTRIES_MOST else last_n
    for entry in entries:
        leaf = contract.LEAVES.get(entry.kind)
        if leaf is None or not _is_of(entry, home, now):
            continue
        size = len(json.dumps(entry.body, ensure_ascii=False).encode())
        if size > BODIES_MOST:
            continue  # no message takes it: it was refused as what it is, too
        room -= size
        if room < 0:
            upto = entry.n - 1
            break
        told.append({"leaf": leaf, "body": entry.body})
    replayed: ReplayedPayload = {
        "schema": "replay/1",
        "epoch": epoch,
        "from": request.n,
        "upto": max(upto, request.n - 1),
        "last_n": last_n,
        "entries": told,
    }
    # Not `plain_json`, which would cut the bodies: they are printable and bounded already.
    payload = json.dumps(replayed, ensure_ascii=False)
    return Message(home.reply(request.by), payload, qos=1, expiry_s=COMMAND_EXPIRES_S)


class TestedPaths(Protocol):
    """What the test of the alarm learns from receivers; each call returns at once."""

    def seen(self, receiver: str, upto: int) -> None:
        """Record that a receiver has every entry up to a number."""

    def ask(self, receiver: str) -> None:
        """Record that a person wants a test now."""

    def heard(self, receiver: str, alert: str) -> bool:
        """Record that a person heard a test; return whether there was such a one lately."""


@dataclass(frozen=True, slots=True)
class Unproven:
    """A command without the proof that a caregiver sent it; `at_s` of the event loop's clock."""

    at_s: float
    why: str


class Requests:
    """Serve the commands of a wearer's people and receivers while `run` runs.

    Parameters
    ----------
    reception : is told what a receiver acknowledged; what still reached nobody is sent again, for
        one that has just begun
    obey : takes what a person says, or raises CommandError
    lease : is told for how many seconds somebody looks at the movement
    paths : is told what a test of the alarm needs to know; None where there are no tests
    gate : obeys only what a caregiver signed; without it anybody on the broker is obeyed

    Attributes
    ----------
    refused : commands that were not obeyed, by flaw
    last_unproven : the latest of those that nobody with a key has signed
    """

    def __init__(
        self,
        link: Link,
        log: ChannelLog,
        topics: Topics,
        *,
        utc_now: Callable[[], datetime],
        reception: Reception,
        obey: Callable[[said.Command], None],
        lease: Callable[[float], None],
        paths: TestedPaths | None = None,
        gate: Gate | None = None,
        mono_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.refused: Counter[Flaw] = Counter()
        self.last_refusal: str | None = None
        self.last_unproven: Unproven | None = None
        self._link = link
        self._log = log
        self._topics = topics
        self._utc_now = utc_now
        self._reception = reception
        self._obey = obey
        self._lease = lease
        self._paths = paths
        self._gate = gate
        self._mono_s = mono_s
        self._logged_s = -LOGGED_EVERY_S
        self._not_logged = 0
        self._pace = TokenBucket(at_once=SAID_AT_ONCE, every_s=SAID_EVERY_S)
        self._said: deque[tuple[said.Command, ReplyTo | None]] = deque()
        self._pending: dict[tuple[Command, str], tuple[Seen | Replay, ReplyTo | None]] = {}
        self._replies: deque[Message] = deque(maxlen=PENDING_MOST)
        self._more_said, self._more_pending = asyncio.Event(), asyncio.Event()
        self._more_replies = asyncio.Event()

    async def run(self) -> None:
        """Serve until cancelled; an error of the log leaves the request to be made again."""
        for command in Command:
            with contextlib.suppress(LinkError):  # the link tries again after each connection
                await self._link.subscribe(
                    self._topics.command(command),
                    partial(self._take, command),
                    most_bytes=PACKET_MOST,  # what is too long is refused here, and counted
                )
        async with asyncio.TaskGroup() as tasks:  # what a person says waits for no receiver
            tasks.create_task(self._obey_forever())
            tasks.create_task(self._serve_forever())
            tasks.create_task(self._reply_forever())

    def _take(self, command: Command, received: Received) -> None:
        to = wanted(self._topics, received)
        try:
            if received.retained:
                raise CommandRefused(
                    Flaw.RETAINED, f"a retained cmd/{command} is from another time"
                )
            request = commands.parse(command, received.payload, self._gate)
            match request:
                case AlarmTest():
                    self._test(request)
                case LiveLease(ttl_s=ttl_s):
                    self._lease(ttl_s)
                case Seen() | Replay():
                    self._keep(command, request, to)
                    return
                case _:
                    self._keep_said(request, to)
                    return
        except CommandRefused as refusal:
            self.refuse(refusal.flaw, str(refusal))
            self._reply(to, str(refusal))
        else:
            self._reply(to, None)

    def _keep(self, command: Command, request: Seen | Replay, to: ReplyTo | None) -> None:
        key = command, request.by
        if len(self._pending) >= PENDING_MOST and key not in self._pending:
            raise CommandRefused(Flaw.OTHER, "too many receivers at once")
        self._pending[key] = request, to
        self._more_pending.set()

    def _keep_said(self, command: said.Command, to: ReplyTo | None) -> None:
        many = len(self._said) >= PENDING_MOST
        if many or not self._pace.admits(command.by, self._mono_s()):
            raise CommandRefused(Flaw.OTHER, f"{command.by} commands too often: wait a moment")
        self._said.append((command, to))
        self._more_said.set()

    async def _obey_forever(self) -> None:
        while True:
            await self._more_said.wait()
            self._more_said.clear()
            while self._said:
                command, to = self._said.popleft()
                why = None
                try:
                    self._obey(command)
                except (CommandError, SpasmwatchError) as error:
                    why = str(error)
                    self.refuse(Flaw.OTHER, why)
                self._reply(to, why)

    async def _serve_forever(self) -> None:
        while True:
            await self._more_pending.wait()
            self._more_pending.clear()
            while self._pending:
                request, to = self._pending.pop(next(iter(self._pending)))
                why = None
                try:
                    await self._serve(request)
                except CommandRefused as refusal:
                    why = str(refusal)
                    self.refuse(refusal.flaw, why)
                except SpasmwatchError as error:  # a disk error: the receiver asks again
                    why = str(error)
                    self.refuse(Flaw.OTHER, why)
                self._reply(to, why)

    async def _reply_forever(self) -> None:
        """Publish one answer after the other: they never fill the window that alarms go through."""
        while True:
            await self._more_replies.wait()
            self._more_replies.clear()
            while self._replies:
                with contextlib.suppress(LinkError):  # who waits for it is told so by their clock
                    await self._link.publish(self._replies.popleft())

    def _reply(self, to: ReplyTo | None, why: str | None) -> None:
        if to is not None:
            self._replies.append(reply(to, why))
            self._more_replies.set()

    async def _serve(self, request: Seen | Replay) -> None:
        match request:
            case Seen(epoch=epoch) if epoch != self._log.epoch:
                raise CommandRefused(
                    Flaw.OTHER, f"{request.by} acknowledges entries of another log"
                )
            case Seen():
                await self._acknowledge(request)
            case Replay():
                last_n = await self._log.last()
                entries = await self._log.replay(request.n, ENTRIES_MOST)
                message = answer(
                    request,
                    entries,
                    self._topics,
                    epoch=self._log.epoch,
                    last_n=max(last_n, *(entry.n for entry in entries), 0),
                    now=self._utc_now(),
                )
                with contextlib.suppress(LinkError):  # the receiver asks again
                    await self._link.publish(message)

    async def _acknowledge(self, seen: Seen) -> None:
        try:
            before = await self._log.acknowledge_as(seen.by, seen.upto, at=self._utc_now())
        except ValueError as error:
            raise CommandRefused(Flaw.OTHER, str(error)) from None
        if self._paths is not None:
            self._paths.seen(seen.by, seen.upto)
        self._reception.present(self._mono_s())
        self._reception.acknowledged(before, seen.upto)
        # A receiver that began later has no number to confirm them by: it is there, and reads.
        earlier = [n for n in self._reception.waiting if n <= seen.upto]
        for n in await self.send_again(earlier):
            self._reception.acknowledged(n - 1, n)

    def _test(self, request: AlarmTest) -> None:
        if self._paths is None:
            raise CommandRefused(Flaw.OTHER, "this night has no tests of the alarm")
        if request.alert is None:
            self._paths.ask(request.by)
        elif not self._paths.heard(request.by, request.alert):
            why = f"{request.by} heard a test that was not sent within the last hour"
            raise CommandRefused(Flaw.OTHER, why)

    async def send_again(self, numbers: Sequence[int]) -> list[int]:
        """Publish entries of the log again; return which of them the broker passed on."""
        passed = []
        for n in numbers:
            for entry in await self._log.replay(n, 1):
                with contextlib.suppress(LinkError, ValueError, ConfigError):
                    message = contract.outgoing(entry, self._topics, self._utc_now())
                    ack = await self._link.publish(message)
                    if ack.accepted and not ack.no_subscribers:
                        self._reception.passed_on(n, self._mono_s())
                        passed.append(n)
        return passed

    def refuse(self, flaw: Flaw, why: str) -> None:
        """Count and log what is not obeyed."""
        self.refused[flaw] += 1
        self.last_refusal = why
        self._not_logged += 1
        now_s = asyncio.get_running_loop().time()
        if flaw in (Flaw.UNSIGNED, Flaw.FORGED):
            self.last_unproven = Unproven(now_s, why)
        if now_s - self._logged_s >= LOGGED_EVERY_S:
            log.warning("%d command(s) not obeyed, the latest: %s", self._not_logged, why)
            self._logged_s, self._not_logged = now_s, 0


def _is_of(entry: Entry, home: Topics, now: datetime) -> bool:
    """Whether an entry belongs on the topics of this wearer and origin."""
    try:
        topic = contract.outgoing(entry, home, now).topic
    except (ValueError, ConfigError):
        return False
    return topic.startswith(f"{home.base}/")
