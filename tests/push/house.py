"""A log, contacts and their servers; time passes when the test says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from detector.alert import Alert
from detector.channels import ChannelLog
from detector.events import Event
from detector.push.channel import CHANNEL, PushChannel
from detector.push.links import AnswerLinks
from detector.push.recipients import Contact
from detector.push.sender import Sender, Sends
from detector.push.worker import Clocks
from detector.service.persistence.archive import Archive
from detector.store.log import of_alert
from detector.store.state import State

from ..kit.waiting import running
from .alerts import NIGHT

LINKS = AnswerLinks("http://127.0.0.1:8377", b"k" * 32)


@dataclass
class HandClock:
    """Monotonic and wall clock, moved by hand."""

    now_s: float = 1000.0
    utc: datetime = NIGHT

    def advance(self, seconds: float) -> None:
        self.now_s += seconds
        self.utc += timedelta(seconds=seconds)

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        until_s = self.now_s + seconds
        while not event.is_set() and self.now_s < until_s:
            await asyncio.sleep(0.002)

    @property
    def clocks(self) -> Clocks:
        return Clocks(lambda: self.now_s, lambda: self.utc, self.wait)


@dataclass
class House:
    """A state and the channel of its contacts."""

    archive: Archive
    channel: PushChannel
    clock: HandClock
    reached: list[tuple[str, str, float]] = field(default_factory=list)
    failed: list[tuple[str, str, str]] = field(default_factory=list)

    async def commit(self, *alerts: Alert, events: tuple[Event, ...] = ()) -> None:
        """Commit states of alerts one after the other, as the service does."""
        for n, alert in enumerate(alerts):
            entries = await self.archive.commit(
                at=self.clock.utc,
                events=events if n == 0 else (),
                alerts=[alert],
                entries=(),
                saved={},
            )
            self.channel.committed(entries)

    def refused_by_disk(self, *alerts: Alert) -> None:
        self.channel.tell([of_alert(alert).entry(0, self.clock.utc) for alert in alerts])

    async def idle(self, *names: str) -> None:
        """Wait until these contacts have nothing left to be told."""
        for name in names:
            log = self.archive.log_of(CHANNEL + name)
            async with asyncio.timeout(20):
                while await log.read(1):
                    await asyncio.sleep(0.005)

    async def passes(self, seconds: float, *, step_s: float = 1.0) -> None:
        """Let time pass, so slowly that everybody takes notice."""
        for _ in range(round(seconds / step_s)):
            self.clock.advance(step_s)
            await asyncio.sleep(0.008)


@asynccontextmanager
async def house(
    folder: Path,
    contacts: Mapping[Contact, str],
    clock: HandClock | None = None,
    *,
    links: AnswerLinks | None = None,
    wrap_log: Any = lambda log: log,
    wrap_sender: Any = lambda sender: sender,
) -> AsyncIterator[House]:
    """Run the channel of contacts, each with the address of its server."""
    clock = clock or HandClock()
    with State.open(folder / "state.sqlite", wearer="k3vq7m2xta") as state:
        names = [contact.name for contact in contacts]
        state.close_channels(CHANNEL, [CHANNEL + name for name in names])
        for name in names:
            state.open_channel(CHANNEL + name, from_start=False)
        archive = Archive(state)

        async def save(name: str, data: Any) -> None:
            await archive.commit(at=clock.utc, events=(), alerts=(), entries=(), saved={name: data})

        logs: dict[str, ChannelLog] = {n: wrap_log(archive.log_of(CHANNEL + n)) for n in names}
        senders: dict[str, Sends] = {
            contact.name: wrap_sender(
                Sender(contact.name, lambda a=address: a, folder, answer_s=0.3)
            )
            for contact, address in contacts.items()
        }
        reached: list[tuple[str, str, float]] = []
        failed: list[tuple[str, str, str]] = []
        channel = PushChannel(
            list(contacts),
            logs=logs,
            senders=senders,
            saved={name: state.saved(CHANNEL + name) for name in names},
            save=save,
            label="bedroom",
            zone=UTC,
            links=links,
            reached=lambda *told: reached.append(told),
            failed=lambda *told: failed.append(told),
            clocks=clock.clocks,
        )
        try:
            async with running(*(worker.run() for worker in channel.workers)):
                yield House(archive, channel, clock, reached, failed)
        finally:
            archive.close()
