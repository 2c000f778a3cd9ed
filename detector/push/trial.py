"""Test alerts: through the same services and words as every alarm, with no running night."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from detector.config import ContactSettings
from detector.push.drills import (
    TEST_PREFIX,
    after_test,
    new_code,
    read_drills,
    write_drills,
)
from detector.push.links import AnswerLinks
from detector.push.message import PushError, PushMessage, Urgency
from detector.push.sender import Sender
from detector.words.push import drill_words


@dataclass(frozen=True, slots=True)
class PushTrial:
    """What became of the test of one contact.

    latency_s : until its service took it; None where it did not
    why : it was not taken; None where it was
    """

    name: str
    latency_s: float | None
    why: str | None = None


async def try_contacts(
    contacts: Sequence[ContactSettings],
    folder: Path,
    *,
    label: str,
    links: AnswerLinks | None = None,
    utc_now: Callable[[], datetime] = lambda: datetime.now(UTC),
    mono_s: Callable[[], float] = time.monotonic,
) -> list[PushTrial]:
    """Send a test to each contact at once, and remember in the data folder what became of it.

    Raises
    ------
    StorageError
        The tests were sent, and the disk does not remember them.
    """
    codes = {contact.name: new_code() for contact in contacts}
    at = utc_now()
    trials = await asyncio.gather(
        *(
            _try(
                contact, codes[contact.name], folder, label=label, links=links, at=at, mono_s=mono_s
            )
            for contact in contacts
        )
    )
    drills = read_drills(folder)
    for trial in trials:
        code, known = codes[trial.name], drills.get(trial.name)
        drills[trial.name] = after_test(known, at=at, latency_s=trial.latency_s, code=code)
    write_drills(folder, drills)
    return trials


async def _try(
    contact: ContactSettings,
    code: str,
    folder: Path,
    *,
    label: str,
    links: AnswerLinks | None,
    at: datetime,
    mono_s: Callable[[], float],
) -> PushTrial:
    answer = None if links is None else links.answer(TEST_PREFIX + code, contact.name, at)
    words = drill_words(code, label=label, answers=answer is not None)
    message = PushMessage(
        title=words.title,
        body=words.body,
        urgency=Urgency.TEST,
        about=f"{TEST_PREFIX}{int(at.timestamp())}",
        answer=answer,
        page=None if links is None else links.page,
    )
    sender = Sender(contact.name, contact.address, folder)
    try:
        await sender.prepare()
        began_s = mono_s()
        await sender.send(message)
    except PushError as error:
        return PushTrial(contact.name, None, str(error))
    return PushTrial(contact.name, mono_s() - began_s)
