"""Where alerts leave by beside MQTT: push to the phones of contacts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec

from detector.alerts.conditions import Condition
from detector.alerts.reception import Reception
from detector.channels import Entry
from detector.config import Settings
from detector.config.contacts import usable_address
from detector.errors import StorageError
from detector.push.channel import CHANNEL, REAL_CLOCKS, PushChannel
from detector.push.links import AnswerLinks, links_of
from detector.push.recipients import Contact
from detector.push.sender import Sender
from detector.service.persistence.archive import Archive
from detector.service.persistence.opening import Beginning
from detector.service.supervisor import Supervisor
from detector.service.tasks import Tasks
from detector.store.state import State

P = ParamSpec("P")
Hearer = Callable[[Sequence[Entry]], None]
"""Is told of entries once they are committed; must return at once."""


@asynccontextmanager
async def pushed(
    settings: Settings,
    state: State,
    archive: Archive,
    folder: Path,
    *,
    live: bool,
    reception: Reception,
    begun: Beginning,
    announce: Callable[[str, str], None],
) -> AsyncIterator[PushChannel | None]:
    """Push alerts to the settings' contacts until the block ends; None where there are none.

    Parameters
    ----------
    folder : of the data, where the key of the answers is
    live : whether the night is; no other wakes anybody
    reception : is told which alerts a phone was told of
    announce : called with a part's name and one sentence whenever it failed; must not raise
    """
    contacts = settings.contact if live else ()
    names = [CHANNEL + contact.name for contact in contacts]
    state.close_channels(CHANNEL, names)
    for name in names:
        state.open_channel(name, from_start=False)
    if not contacts:
        yield None
        return

    async def save(name: str, data: Any) -> None:
        at = datetime.now(UTC)
        await archive.commit(at=at, events=(), alerts=(), entries=(), saved={name: data})

    channel = PushChannel(
        [Contact.of(contact) for contact in contacts],
        logs={contact.name: archive.log_of(CHANNEL + contact.name) for contact in contacts},
        senders={
            each.name: Sender(
                each.name, partial(usable_address, each, page=settings.web.enabled), folder
            )
            for each in contacts
        },
        saved={contact.name: state.saved(CHANNEL + contact.name) for contact in contacts},
        save=save,
        label=settings.wearer.label,
        zone=settings.wearer.zone,
        links=_links(settings, folder, begun),
        told=reception.told,
    )
    supervisor = Supervisor(mono_s=REAL_CLOCKS.mono_s, sleep=asyncio.sleep, announce=announce)
    async with Tasks() as tasks:
        for worker in channel.workers:
            tasks.start(supervisor.keep(f"push to {worker.name}", worker.run))
        yield channel


def each_of(hearers: Sequence[Callable[P, None]]) -> Callable[P, None]:
    """Return what tells each that hears of something, also those that come later."""

    def tell(*args: P.args, **kwargs: P.kwargs) -> None:
        for hear in hearers:
            hear(*args, **kwargs)

    return tell


def unreachable(
    reception: Reception, push: PushChannel | None, *, published: bool
) -> Callable[[str], bool]:
    """Return what tells whether an alert, by its id, reaches nobody: no phone, and no receiver.

    Parameters
    ----------
    published : whether alerts are published for receivers, too
    """

    def nobody(alert_id: str) -> bool:
        phone = push is not None and not push.unreachable(alert_id)
        receiver = published and not reception.unreached(REAL_CLOCKS.mono_s())
        return not phone and not receiver and (published or push is not None)

    return nobody


def _links(settings: Settings, folder: Path, begun: Beginning) -> AnswerLinks | None:
    """Return the addresses for answers; none, with a note, where their key cannot be had."""
    try:
        return links_of(settings.web, folder)
    except StorageError as error:
        begun.note(Condition.STATE, f"notifications have no button to answer with: {error}")
        return None
