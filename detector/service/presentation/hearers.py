"""Who hears alerts of the running night at this moment, asked of each channel."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo

from detector.alerts.conditions import Condition
from detector.push.recipients import Contact
from detector.service.assembly import Assembly
from detector.words.hearers import Hearers, HomePresence, Phone


def hearers_of(
    made: Assembly, contacts: Sequence[Contact], pages: int, at: datetime, zone: tzinfo | None
) -> Hearers:
    """Return who is there.

    Parameters
    ----------
    contacts : of the settings
    pages : that are open
    at : the moment
    zone : of the contacts' quiet hours
    """
    publisher = made.publisher
    connected = publisher is not None and publisher.link.state.connected
    home = None if publisher is None else publisher.home_assistant
    return Hearers(
        receivers=made.tests.present() if connected else (),
        phones=_phones(made, contacts, at, zone),
        pages=pages,
        home_assistant=None if home is None else _presence(home.listens if connected else False),
        sounds=made.sound is not None and made.sound.troubles()[Condition.SOUND] is None,
        published=publisher is not None,
        origin=made.topics.origin,
    )


def _presence(listens: bool | None) -> HomePresence:
    if listens is None:
        return HomePresence.UNKNOWN
    return HomePresence.THERE if listens else HomePresence.AWAY


def _phones(
    made: Assembly, contacts: Sequence[Contact], at: datetime, zone: tzinfo | None
) -> tuple[Phone, ...]:
    if made.push is None:
        return ()
    local, now_s = at.astimezone(zone).time(), time.monotonic()
    quiet = {contact.name for contact in contacts if contact.is_quiet(local)}
    phones = []
    for worker in made.push.workers:
        since_s = worker.health.failing_since_s
        since = None if since_s is None else at - timedelta(seconds=now_s - since_s)
        phones.append(Phone(worker.name, since, worker.health.why, worker.name in quiet))
    return tuple(phones)
