"""What the page needs to have devices told of alerts by its own notifications."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from detector.config import ContactSettings, Settings
from detector.config.contacts import person_of_page
from detector.errors import ConfigError, StorageError
from detector.push.links import links_of
from detector.push.trial import try_contacts
from detector.push.vapid import VapidKey
from detector.web.told_devices import ToldByPage

log = logging.getLogger(__name__)


def page_notices(settings: Settings) -> ToldByPage | None:
    """Return whom the page notifies, by the settings; None where its key cannot be kept."""
    folder = settings.data_dir
    try:
        key = VapidKey(folder).public
    except StorageError as error:
        log.warning("the page sends no notifications: %s", error)
        return None
    contacts = _by_person(settings)

    async def test(person: str) -> str | None:
        return await asyncio.to_thread(_tried, settings, contacts[person])

    return ToldByPage(key, frozenset(contacts), settings.web.push_hosts, test)


def _by_person(settings: Settings) -> dict[str, ContactSettings]:
    found: dict[str, ContactSettings] = {}
    for contact in settings.contact:
        with suppress(ConfigError, ValueError):  # who cannot be told is an alarm of its own
            person = person_of_page(contact.address())
            if person is not None:
                found.setdefault(person, contact)
    return found


def _tried(settings: Settings, contact: ContactSettings) -> str | None:
    """Return why a test was not taken or cannot be confirmed; blocks for seconds."""
    folder, label = settings.data_dir, settings.wearer.label
    try:
        links = links_of(settings.web, folder)
        [trial] = asyncio.run(try_contacts([contact], folder, label=label, links=links))
    except StorageError as error:
        log.warning("a test of %s: %s", contact.name, error)
        return f"this computer cannot remember a test: {error}"
    return trial.why
