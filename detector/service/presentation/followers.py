"""Other wearers for the page: what is heard of each, and what people say to them from here."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from detector.alerts.commands import Command, CommandError
from detector.alerts.conditions import Condition
from detector.config import FollowSettings
from detector.errors import ConfigError
from detector.mqtt.contract import Topics
from detector.mqtt.endpoint import Endpoint
from detector.mqtt.security.keys import CaregiverKey, read_caregiver_key
from detector.receiver import Answer, Listener
from detector.receiver.follower import LOOKED_AT, NightFollower
from detector.receiver.news import News
from detector.service.checks.troubles import NotedTroubles
from detector.service.supervisor import Supervisor
from detector.service.tasks import ended
from detector.web.household.neighbours import Neighbour

PART = "followed wearers"  # for the log and the alarm of a fault
MOST_WAITING = 8  # answers of one service: who says more at once meant it once


class FollowedWearer:
    """One other wearer.

    Parameters
    ----------
    options : of the settings
    endpoint : of the broker; None where there is none
    prefix : of the topics
    """

    def __init__(self, options: FollowSettings, endpoint: Endpoint | None, prefix: str) -> None:
        self.options = options
        self._waiting: list[tuple[Command, asyncio.Future[str | None]]] = []
        self.key, self.key_trouble = _key(options)
        self.follower = NightFollower(
            _name(self.key), mono_s=time.monotonic(), needs_proof=self.key is not None
        )
        self._listener = None
        if endpoint is not None and self.key_trouble is None:
            self._listener = Listener(
                endpoint,
                Topics(prefix=prefix, wearer=options.wearer),
                self.follower,
                tell=self._hear,
                key=self.key,
                leaves=LOOKED_AT,
                kind="page",
            )

    async def run(self) -> None:
        """Listen until cancelled."""
        if self._listener is not None:
            await self._listener.run()

    def neighbour(self) -> Neighbour:
        """Return what the page shows of it now."""
        trouble = self.key_trouble
        if trouble is None and self._listener is None:
            trouble = "this computer has no broker through which others could be followed"
        return Neighbour(
            wearer=self.options.wearer,
            label=self.options.shown,
            followed=self.follower.followed(time.monotonic()),
            trouble=trouble,
            by=None if self.key is None else self.key.by,
        )

    async def say(self, command: Command) -> None:
        """Say something to the other night, and wait for what came of it.

        Raises
        ------
        CommandError
            It was not obeyed, cannot be said from here, or nobody answered in time.
        """
        if self.key is None or self._listener is None:
            raise CommandError(self.neighbour().why_mute)
        if len(self._waiting) >= MOST_WAITING:
            raise CommandError("several answers are on their way already: wait for them")
        signed = replace(command, by=self.key.by)
        done: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._listener.say(signed)
        self._waiting.append((signed, done))
        try:
            why = await done
        finally:
            self._waiting = [each for each in self._waiting if each[1] is not done]
        if why is not None:
            raise CommandError(why)

    def _hear(self, news: News) -> None:
        if not isinstance(news, Answer):
            return
        for said, done in self._waiting:
            if said == news.command and not done.done():
                done.set_result(news.why)
                return


class FollowedWearers:
    """All other wearers that the settings name.

    Parameters
    ----------
    endpoint : of the broker; None where there is none
    prefix : of the topics
    """

    def __init__(
        self, options: Sequence[FollowSettings], endpoint: Endpoint | None, prefix: str
    ) -> None:
        self._followed = {each.wearer: FollowedWearer(each, endpoint, prefix) for each in options}

    def neighbours(self) -> list[Neighbour]:
        """Return what the page shows of each now, in the order of the settings."""
        return [each.neighbour() for each in self._followed.values()]

    async def say(self, wearer: str, command: Command) -> None:
        """Say something to one of them; CommandError as `FollowedWearer.say`."""
        followed = self._followed.get(wearer)
        if followed is None:
            raise CommandError("this page follows no such wearer")
        await followed.say(command)

    @asynccontextmanager
    async def heard(self, beside: NotedTroubles) -> AsyncIterator[None]:
        """Listen to all of them until the block ends; a fault in that costs the own night nothing.

        Parameters
        ----------
        beside : takes what has failed, for an alert of this service
        """
        supervisor = Supervisor(
            mono_s=time.monotonic,
            sleep=asyncio.sleep,
            announce=lambda _part, why: beside.note(Condition.INTERNAL_FAULT, why),
        )
        async with AsyncExitStack() as stack:
            for wearer, each in self._followed.items():
                kept = asyncio.ensure_future(supervisor.keep(f"{PART} {wearer}", each.run))
                stack.push_async_callback(ended, kept, PART)
            yield


def _key(options: FollowSettings) -> tuple[CaregiverKey | None, str | None]:
    """Return the key, and why it cannot be used: then nothing is shown that is not proven."""
    if options.key_file is None:
        return None, None
    try:
        return read_caregiver_key(options.key_file, None), None
    except ConfigError as error:
        return None, str(error)


def _name(key: CaregiverKey | None) -> str:
    if key is not None:
        return key.by
    host = re.sub(r"[^a-z0-9_-]+", "-", socket.gethostname().lower()).strip("-_")[:32]
    return host or "page"
