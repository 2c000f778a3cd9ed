"""Requests of receivers: record what they acknowledge, and send again what they lack."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from detector.alerts.reception import Reception
from detector.channels import ChannelLog, Entry
from detector.errors import ConfigError, LinkError, SpasmwatchError
from detector.mqtt import commands, contract
from detector.mqtt.commands import AlarmTest, PauseAsked, Replay, Seen
from detector.mqtt.contract import Command, Message, Topics
from detector.mqtt.link import Link
from detector.mqtt.security.gate import CommandRefused, Flaw, Gate
from detector.mqtt.session import PACKET_MOST, Received

log = logging.getLogger(__name__)

ENTRIES_MOST = 100
"""Entries looked at for one answer."""

BODIES_MOST = 60_000
"""Bytes of entries in one answer, as JSON strings; the rest of it fits into 5 kB."""

EXPIRES_S = 60

LOGGED_EVERY_S = 60.0  # a flood of commands makes one line a minute

PENDING_MOST = 128
"""Requests that wait; a later one of the same receiver replaces the earlier."""


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
    told: list[dict[str, str]] = []
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
        told.append({"leaf": leaf.value, "body": entry.body})
    # Not `plain_json`, which would cut the bodies: they are printable and bounded already.
    payload = json.dumps(
        {
            "schema": "replay/1",
            "epoch": epoch,
            "from": request.n,
            "upto": max(upto, request.n - 1),
            "last_n": last_n,
            "entries": told,
        },
        ensure_ascii=False,
    )
    return Message(home.reply(request.by), payload, qos=1, expiry_s=EXPIRES_S)


class TestedPaths(Protocol):
    """What the test of the alarm learns from receivers; each call returns at once."""

    def seen(self, receiver: str, upto: int) -> None:
        """Take that a receiver has every entry up to a number."""

    def ask(self, receiver: str) -> None:
        """Take that a person wants a test now."""

    def heard(self, receiver: str, alert: str) -> bool:
        """Take that a person heard a test; return whether there was such a one lately."""


@dataclass(frozen=True, slots=True)
class Unproven:
    """A command without the proof that a caregiver sent it; `at_s` of the event loop's clock."""

    at_s: float
    why: str


class Requests:
    """Serve the requests of a wearer's receivers while `run` runs.

    Parameters
    ----------
    reception : is told what a receiver acknowledged; what still reached nobody is sent again, for
        one that has just begun
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
        paths: TestedPaths | None = None,
        gate: Gate | None = None,
        mono_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.pause: Callable[[int, str], None] | None = None  # minutes, and who asked
        self.no_pause = "nothing is watched that could be paused"
        self.refused: Counter[Flaw] = Counter()
        self.last_refusal: str | None = None
        self.last_unproven: Unproven | None = None
        self._link = link
        self._log = log
        self._topics = topics
        self._utc_now = utc_now
        self._reception = reception
        self._paths = paths
        self._gate = gate
        self._mono_s = mono_s
        self._logged_s = -LOGGED_EVERY_S
        self._not_logged = 0
        self._pending: dict[tuple[Command, str], Seen | Replay | PauseAsked] = {}
        self._more = asyncio.Event()

    async def run(self) -> None:
        """Serve until cancelled; an error of the log leaves the request to be made again."""
        for command in Command:
            with contextlib.suppress(LinkError):  # the link tries again after each connection
                await self._link.subscribe(
                    self._topics.command(command),
                    partial(self._take, command),
                    most_bytes=PACKET_MOST,  # what is too long is refused here, and counted
                )
        while True:
            await self._more.wait()
            self._more.clear()
            while self._pending:
                key = next(iter(self._pending))
                try:
                    await self._serve(self._pending.pop(key))
                except SpasmwatchError as error:  # the disk refuses: the receiver asks again
                    self.refuse(Flaw.OTHER, str(error))

    def _take(self, command: Command, received: Received) -> None:
        try:
            if received.retained:
                raise CommandRefused(
                    Flaw.RETAINED, f"a retained cmd/{command} is from another time"
                )
            request = commands.parse(command, received.payload, self._gate)
        except CommandRefused as refusal:
            self.refuse(refusal.flaw, str(refusal))
            return
        if isinstance(request, AlarmTest):
            self._test(request)
            return
        key = command, request.by
        if len(self._pending) >= PENDING_MOST and key not in self._pending:
            self.refuse(Flaw.OTHER, "too many receivers at once")
            return
        self._pending[key] = request
        self._more.set()

    async def _serve(self, request: Seen | Replay | PauseAsked) -> None:
        match request:
            case Seen(epoch=epoch) if epoch != self._log.epoch:
                self.refuse(Flaw.OTHER, f"{request.by} acknowledges entries of another log")
            case PauseAsked():
                self._pause(request)
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
                try:
                    await self._link.publish(message)
                except LinkError:
                    return  # the receiver asks again

    def _pause(self, asked: PauseAsked) -> None:
        if self.pause is None:
            self.refuse(Flaw.OTHER, self.no_pause)
            return
        try:
            self.pause(asked.minutes, asked.by)
        except ValueError as error:
            self.refuse(Flaw.OTHER, str(error))

    async def _acknowledge(self, seen: Seen) -> None:
        try:
            before = await self._log.acknowledge_as(seen.by, seen.upto, at=self._utc_now())
        except ValueError as error:
            self.refuse(Flaw.OTHER, str(error))
            return
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
            self.refuse(Flaw.OTHER, "this night has no tests of the alarm")
        elif request.alert is None:
            self._paths.ask(request.by)
        elif not self._paths.heard(request.by, request.alert):
            why = f"{request.by} heard a test that was not sent within the last hour"
            self.refuse(Flaw.OTHER, why)

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
