"""The push channel of the log: alerts to the phones of those who are to be told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from datetime import time as time_of_day
from typing import Any

from detector import alert as alert_values
from detector.alert import Alert
from detector.channels import ChannelLog, Entry, EntryKind
from detector.push.history import Due, History, most_of
from detector.push.limb import moved_limb
from detector.push.links import AnswerLinks
from detector.push.message import PushMessage, Urgency
from detector.push.recipients import ALARMING, Contact, recipients
from detector.push.sender import Sends
from detector.push.worker import Clocks, ContactWorker, Pending
from detector.words.push import alarm_words, missed_words, more_words, news_words

CHANNEL = "push:"  # and the contact's name: of the log, and of what is saved

UNREACHED_S = 10.0
"""Who was not told of an alert for so long cannot be reached: the others are told at once."""

REFUSING_S = 60.0  # a service that fails for so long is a technical alert
REMEMBERED_MOST = 256  # alerts of which it is known whom they reached


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)


REAL_CLOCKS = Clocks(mono_s=time.monotonic, utc_now=lambda: datetime.now(UTC), wait=_wait)


class PushChannel:
    """Tells contacts of alerts while its workers run, each from a cursor of its own.

    Parameters
    ----------
    contacts : in the order in which they are told
    logs, senders, saved : of each contact, by name; saved is what its history was saved as
    save : keeps plain data under a name
    label, zone : whose alerts these are, and the zone of the contacts' times
    links : makes addresses of the page; None where no phone reaches it
    told : called with the number of each alarm in the log of which somebody's phone was told
    reached : called with an alert's id, a contact whose service took it, and after how long, s
    failed : called with an alert's id, a contact whose service did not, and why
    """

    def __init__(
        self,
        contacts: Sequence[Contact],
        *,
        logs: Mapping[str, ChannelLog],
        senders: Mapping[str, Sends],
        saved: Mapping[str, Any],
        save: Callable[[str, Any], Awaitable[None]],
        label: str,
        zone: tzinfo | None = None,
        links: AnswerLinks | None = None,
        told: Callable[[int], None] = lambda _n: None,
        reached: Callable[[str, str, float], None] = lambda _alert, _contact, _s: None,
        failed: Callable[[str, str, str], None] = lambda _alert, _contact, _why: None,
        clocks: Clocks = REAL_CLOCKS,
    ) -> None:
        self._contacts = tuple(contacts)
        self._logs = logs
        self._label, self._zone, self._links = label, zone, links
        self._tell_told = told
        self._tell_reached, self._tell_failed = reached, failed
        self._clocks = clocks
        self._latest: dict[str, Alert] = {}  # by id
        self._since_s: dict[tuple[str, str], float] = {}  # alert and contact: to be told since
        self._reached: set[tuple[str, str]] = set()
        self.workers = tuple(
            self._worker(contact, senders[contact.name], saved.get(contact.name), save)
            for contact in self._contacts
        )

    def committed(self, entries: Sequence[Entry]) -> None:
        """Take entries that were just committed, and have alerts told."""
        alerts = self._noted(entries)
        for worker in self.workers if alerts else ():
            worker.wake(alerts)

    def tell(self, entries: Sequence[Entry]) -> None:
        """Take entries that the disk refused, so that no log has them, and have alerts told."""
        alerts = self._noted(entries)
        for worker in self.workers if alerts else ():
            worker.tell(alerts)

    def unreachable(self, alert_id: str) -> bool:
        """Whether nobody who is to be told of an alert at its tier could be, for ten seconds."""
        alert = self._latest.get(alert_id)
        names = () if alert is None else self._recipients(alert)
        now_s = self._clocks.mono_s()
        return bool(names) and all(
            (alert_id, name) not in self._reached
            and now_s - self._since_s.get((alert_id, name), now_s) >= UNREACHED_S
            for name in names
        )

    @property
    def idle(self) -> bool:
        """Whether no entry of the log is being told, so that the log may get other numbers."""
        return all(worker.idle for worker in self.workers)

    def refusing(self) -> dict[str, str]:
        """Return the contacts whose service has failed for over a minute, each with the cause."""
        now_s = self._clocks.mono_s()
        return {
            worker.name: worker.health.why
            for worker in self.workers
            if worker.health.failing_since_s is not None
            and now_s - worker.health.failing_since_s >= REFUSING_S
        }

    def _worker(
        self,
        contact: Contact,
        sender: Sends,
        saved: Any,
        save: Callable[[str, Any], Awaitable[None]],
    ) -> ContactWorker:
        async def keep(data: dict[str, Any]) -> None:
            await save(CHANNEL + contact.name, data)

        async def worded(pending: Pending | None, about: str) -> PushMessage:
            return await self._worded(contact, pending, about)

        mono_s, utc_s = self._clocks.mono_s(), self._clocks.utc_now().timestamp()
        return ContactWorker(
            contact.name,
            self._logs[contact.name],
            sender,
            History() if saved is None else History.load(saved, mono_s, utc_s),
            wanted=lambda alert: contact.name in self._recipients(alert),
            worded=worded,
            saved=keep,
            told=lambda alert, n, took_s: self._note_told(alert.id, n, contact.name, took_s),
            failed=lambda alert, why: self._tell_failed(alert.id, contact.name, why),
            clocks=self._clocks,
        )

    def _noted(self, entries: Sequence[Entry]) -> list[Entry]:
        """Return the alerts among entries, and note since when who is to be told of them."""
        alerts = [entry for entry in entries if entry.kind is EntryKind.ALERT]
        now_s = self._clocks.mono_s()
        for entry in alerts:
            with suppress(ValueError):  # the worker reports it
                alert = alert_values.from_json(entry.body)
                self._latest.pop(alert.id, None)
                self._latest[alert.id] = alert
                for name in self._recipients(alert):
                    self._since_s.setdefault((alert.id, name), now_s)
        while len(self._latest) > REMEMBERED_MOST:
            gone = next(iter(self._latest))
            del self._latest[gone]
            self._reached = {each for each in self._reached if each[0] != gone}
            self._since_s = {k: at_s for k, at_s in self._since_s.items() if k[0] != gone}
        return alerts

    def _recipients(self, alert: Alert) -> tuple[str, ...]:
        return recipients(self._contacts, alert, self._local(alert))

    def _local(self, alert: Alert) -> time_of_day:
        """Return the local time of a state of an alert: the same whenever it is asked for."""
        return (alert.at or self._clocks.utc_now()).astimezone(self._zone).time()

    def _note_told(self, alert_id: str, n: int, contact: str, took_s: float) -> None:
        if n:
            self._tell_told(n)
        if (alert_id, contact) in self._reached:
            return
        if alert_id in self._latest:
            self._reached.add((alert_id, contact))
        self._tell_reached(alert_id, contact, took_s)

    async def _worded(self, contact: Contact, pending: Pending | None, about: str) -> PushMessage:
        """Return the message of a state of an alert; of what was missed where that is None."""
        page = None if self._links is None else self._links.page
        if pending is None:
            missed = next(w.missed for w in self.workers if w.name == contact.name)
            words = missed_words(missed, self._label, page)
            return PushMessage(
                title=words.title, body=words.body, urgency=Urgency.NEWS, about=about, page=page
            )
        alert, answer = pending.alert, None
        if pending.due is Due.MORE:
            words = more_words(alert, most_of(alert), page)
        elif alert.state in ALARMING:
            moved = await moved_limb(self._logs[contact.name], pending.entry, alert)
            words = alarm_words(
                alert, contact.wording, label=self._label, moved=moved, zone=self._zone
            )
            if self._links is not None:
                answer = self._links.answer(alert.id, contact.name, pending.entry.at)
        else:
            words = news_words(alert, contact.wording, label=self._label, zone=self._zone)
        return PushMessage(
            title=words.title,
            body=words.body,
            urgency=Urgency.NEWS if pending.due is Due.NEWS else Urgency.ALARM,
            about=about,
            answer=answer,
            page=page,
        )
