"""Tell one contact what the log says: each alarm at least once, and what became of it once.

Each contact has a cursor of its own in the log. An entry is acknowledged once the contact's service
has taken it, or once it asks for nothing any more; a service that fails is tried again with
back-off, and delays no other contact. A message that it refuses delays no other message.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from detector import alert as alert_values
from detector.alert import Alert
from detector.channels import ChannelLog, Entry, EntryKind
from detector.errors import SpasmwatchError
from detector.push.history import Due, History
from detector.push.message import PartlyTakenError, PushError, PushMessage
from detector.push.recipients import ALARMING
from detector.push.sender import Sends

log = logging.getLogger(__name__)

STALE_S = 12 * 3600.0
"""An alarm that is older wakes nobody. Up to then one is told however late, as long as it is open
and nobody has answered: an outage of an hour must not hide a call for help that still waits."""

NEWS_STALE_S = 3600.0  # what became of an alert is of no use later

READ_MOST = 100  # entries at once
READ_BEHIND = 1000  # while a service fails, so that the newest alarm is tried, too
BORN_MOST = 1000  # entries of which it is remembered when they were committed
PASS_S = 60.0  # entries that ask for nothing are acknowledged as often: each costs the disk a write
BACKOFF_S = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Pauses after the first, second, … failure in a row; the last one from then on."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """The clocks of a worker: monotonic seconds, UTC, and waiting for an event for so long."""

    mono_s: Callable[[], float]
    utc_now: Callable[[], datetime]
    wait: Callable[[asyncio.Event, float], Awaitable[None]]


@dataclass(slots=True)
class Health:
    """How sending to a contact goes.

    failing_since_s : when the first of the failures in a row was; None while it works
    """

    failing_since_s: float | None = None
    why: str = ""
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Pending:
    """A state of an alert in the log, and what it asks of the contact."""

    entry: Entry
    alert: Alert
    due: Due


class ContactWorker:
    """Tells one contact while `run` runs.

    Parameters
    ----------
    log : read from the contact's own cursor
    wanted : whether the contact is among the recipients of an alert
    worded : returns the message of a state of an alert, or of what was missed where that is None
    saved : keeps the history as plain data
    told : called with an alert that was told as an alarm, now or before, the number of its state in
        the log, and how long after its commit, s
    failed : called with an alert that could not be told, and why
    """

    def __init__(
        self,
        name: str,
        reads: ChannelLog,
        sender: Sends,
        history: History,
        *,
        wanted: Callable[[Alert], bool],
        worded: Callable[[Pending | None, str], Awaitable[PushMessage]],
        saved: Callable[[dict[str, Any]], Awaitable[None]],
        told: Callable[[Alert, int, float], None],
        failed: Callable[[Alert, str], None],
        clocks: Clocks,
    ) -> None:
        self.name = name
        self.health = Health()
        self.idle = True  # no entry of the log is being told, under its number
        self._log = reads
        self._sender = sender
        self._history = history
        self._wanted, self._worded, self._saved = wanted, worded, saved
        self._told, self._failed = told, failed
        self._clocks = clocks
        self._more = asyncio.Event()
        self._born_s: dict[tuple[int, str], float] = {}  # when entries were committed
        self._unlogged: deque[Entry] = deque(maxlen=READ_MOST)
        self._missed: set[str] = set()  # alerts that `missed` counts, as far as this process knows
        self._tries: dict[str, int] = {}  # of alerts that wait, by id: how often telling failed

    def wake(self, entries: Sequence[Entry]) -> None:
        """Take notice of alerts that were just committed."""
        now_s = self._clocks.mono_s()
        for entry in entries:
            self._born_s[(entry.n, entry.subject)] = now_s
        self._more.set()

    def tell(self, entries: Sequence[Entry]) -> None:
        """Take alerts that the disk refused, so that no log has them."""
        self._unlogged.extend(entries)
        self.wake(entries)

    async def run(self) -> None:
        """Tell what is due, until cancelled."""
        while True:
            self._more.clear()
            wait_s = PASS_S
            try:
                self.idle = False
                if not await self._round():
                    continue
            except PushError as error:
                wait_s = self._note_failure(str(error))
                await self._clocks.wait(asyncio.Event(), wait_s)
                continue
            except SpasmwatchError as error:  # of the log: read again soon
                log.warning("the log cannot be read for %s: %s", self.name, error)
                wait_s = BACKOFF_S[-1]
            finally:
                self.idle = True
            await self._clocks.wait(self._more, wait_s)

    async def _round(self) -> bool:
        """Tell what is due in the oldest entries; return whether that were all there are.

        Raises
        ------
        PushError
            The service failed; all that was told before is acknowledged.
        SpasmwatchError
            The log cannot be read or written.
        """
        await self._sender.prepare()
        most = READ_MOST if self.health.failing_since_s is None else READ_BEHIND
        unread: SpasmwatchError | None = None
        entries: Sequence[Entry] = ()
        try:
            entries = await self._log.read(most)
        except SpasmwatchError as error:  # what no log has is told all the same
            unread = error
        passed: list[Entry] = []
        try:
            await self._tell_these([*self._unlogged, *entries], passed)
        finally:  # one write for all of them
            for entry in passed:
                with suppress(ValueError):  # it is in the log
                    self._unlogged.remove(entry)
            if numbers := [entry.n for entry in passed if entry.n]:
                await self._log.acknowledge(numbers)
        if unread is not None:
            raise unread
        if len(entries) < most:
            await self._tell_missed()
        return len(entries) < most

    async def _tell_these(self, entries: Sequence[Entry], passed: list[Entry]) -> None:
        """Tell what is due in entries; add those that ask for nothing more to `passed`.

        The alert that failed least often is tried first: a service may refuse one message and take
        another. States of one alert keep their order.
        """
        states = [(entry, _alert_of(entry)) for entry in entries]
        passed += [entry for entry, alert in states if alert is None]
        alerts = [(entry, alert) for entry, alert in states if alert is not None]
        waiting: dict[str, deque[Alert]] = defaultdict(deque)
        for _, alert in alerts:
            waiting[alert.id].append(alert)
        self._tries = {id_: n for id_, n in self._tries.items() if id_ in waiting}
        for entry, alert in sorted(alerts, key=lambda each: self._tries.get(each[1].id, 0)):
            waiting[alert.id].popleft()
            pending = self._pending(entry, alert, waiting[alert.id])
            if pending.due is Due.KNOWN:
                self._told(alert, entry.n, self._age_s(entry))
            elif pending.due is not Due.NOTHING:
                await self._tell(pending)
            passed.append(entry)

    def _pending(self, entry: Entry, alert: Alert, later: Iterable[Alert]) -> Pending:
        """Return what a state of an alert asks for now.

        Parameters
        ----------
        later : states of the same alert that followed, as far as they are known
        """
        due = self._history.due(alert, self._clocks.mono_s(), wanted=self._wanted(alert))
        age_s = self._age_s(entry)
        if due in {Due.ALARM, Due.MORE}:
            overtaken = any(other.state not in ALARMING for other in later)
            if overtaken or age_s > STALE_S:
                if self.health.failing_since_s is not None or not overtaken:
                    self._note_missed(alert.id)
                due = Due.NOTHING
        elif due is Due.NEWS and age_s > NEWS_STALE_S:
            due = Due.NOTHING
        return Pending(entry, alert, due)

    async def _tell(self, pending: Pending) -> None:
        alert = pending.alert
        times = self._history.times(alert.id) + (pending.due is Due.ALARM)
        about = sha256(alert.id.encode()).hexdigest()[:16] + (f"-{times}" if times > 1 else "")
        message = await self._worded(pending, about)
        try:
            await self._send(message)
        except PushError as error:
            self._tries[alert.id] = self._tries.get(alert.id, 0) + 1
            if pending.due is not Due.NEWS:
                self._failed(alert, str(error))
            raise
        self._tries.pop(alert.id, None)
        self._history.done(alert, pending.due, self._clocks.mono_s())
        await self._save()  # which makes it known: the entry is acknowledged with the others
        if pending.due is not Due.NEWS:
            self._told(alert, pending.entry.n, self._age_s(pending.entry))

    async def _tell_missed(self) -> None:
        """Tell that alarms were missed: that also finds out that the service works again."""
        if self._history.missed:
            await self._save()
            about = f"missed-{int(self._clocks.utc_now().timestamp())}"
            await self._send(await self._worded(None, about))
            self._history.missed = 0
            self._missed.clear()
            await self._save()

    async def _send(self, message: PushMessage) -> None:
        """Send, and note how it went; PushError where nobody was told."""
        try:
            await self._sender.send(message)
        except PartlyTakenError as error:  # somebody was told: the next alarm need not wait
            self._note_failure(str(error))
        else:
            self.health = Health()

    @property
    def missed(self) -> int:
        """Alarms that came too late for this contact."""
        return self._history.missed

    def _note_missed(self, alert_id: str) -> None:
        """Count an alert as missed, once for all of its states."""
        if alert_id not in self._missed and len(self._missed) < BORN_MOST:
            self._missed.add(alert_id)
            self._history.missed += 1

    async def _save(self) -> None:
        """Save what was told; a disk that refuses it may have it told twice, and nothing else."""
        utc_s = self._clocks.utc_now().timestamp()
        try:
            await self._saved(self._history.save(self._clocks.mono_s(), utc_s))
        except SpasmwatchError as error:
            log.warning("what %s was told cannot be saved: %s", self.name, error)

    def _age_s(self, entry: Entry) -> float:
        """Return how long ago an entry was committed; by the wall clock in an earlier process."""
        now_s, key = self._clocks.mono_s(), (entry.n, entry.subject)
        if key not in self._born_s:
            old_s = (self._clocks.utc_now() - entry.at).total_seconds()
            self._born_s[key] = now_s - max(0.0, old_s)
            while len(self._born_s) > BORN_MOST:
                del self._born_s[next(iter(self._born_s))]
        return now_s - self._born_s[key]

    def _note_failure(self, why: str) -> float:
        """Note that the service failed; return how long to wait, s."""
        health = self.health
        if health.failing_since_s is None:
            health.failing_since_s = self._clocks.mono_s()
        health.why = why
        health.failures += 1
        return BACKOFF_S[min(health.failures, len(BACKOFF_S)) - 1]


def _alert_of(entry: Entry) -> Alert | None:
    """Return the state of an alert that an entry is; None where it is none, or cannot be read."""
    if entry.kind is not EntryKind.ALERT:
        return None
    try:
        return alert_values.from_json(entry.body)
    except ValueError as error:
        log.warning("entry %d of the log is no alert: %s", entry.n, error)
        return None
