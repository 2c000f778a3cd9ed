"""Change who is let in, from a request."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

from aiohttp import web

from detector.errors import ConfigError, StorageError
from detector.people.people import People
from detector.people.people_file import PeopleFile

T = TypeVar("T")

UNREADABLE = (
    "Who has access cannot be read or written now, so that nobody can be let in. On the computer "
    "that watches, spasmwatch pair --list says why."
)

log = logging.getLogger(__name__)


async def people_changed(people: PeopleFile, change: Callable[[People], tuple[People, T]]) -> T:
    """Change the file in a thread: a slow disk delays no sample.

    Raises
    ------
    HTTPServiceUnavailable
        It cannot be changed. Anybody may ask: why, the log says.
    """
    try:
        return await asyncio.to_thread(people.change, change)
    except (ConfigError, StorageError) as error:
        log.warning("access to the page cannot be changed: %s", error)
        raise web.HTTPServiceUnavailable(text=UNREADABLE) from None
