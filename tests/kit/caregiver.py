"""A receiver in this process, and all that it was told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from detector.mqtt.contract import Topics
from detector.mqtt.endpoint import Endpoint
from detector.receiver import Listener, ReceivedEntry, Receiver
from detector.receiver.news import News


class Caregiver:
    """A receiver that comes and goes; `news` and `saved` outlive its restarts."""

    def __init__(self, endpoint: Endpoint, topics: Topics, name: str = "anna") -> None:
        self.endpoint, self.topics, self.name = endpoint, topics, name
        self.ahead_s = 0.0  # of the event loop's clock
        self.news: list[News] = []
        self.saved: Any = None
        self.begin()

    def begin(self) -> Listener:
        """Start it again, from what it saved; return the listener, to be run."""
        loop = asyncio.get_running_loop()
        self.listener = Listener(
            self.endpoint,
            self.topics,
            Receiver(self.name, mono_s=loop.time(), saved=self.saved),
            tell=self.news.append,
            save=self._save,
            mono_s=lambda: loop.time() + self.ahead_s,
        )
        return self.listener

    def _save(self, saved: Any) -> None:
        self.saved = saved

    @property
    def told(self) -> list[Mapping[str, Any]]:
        """Return the fields of each entry that was told, in order."""
        return [each.fields for each in self.news if isinstance(each, ReceivedEntry)]

    @property
    def ids(self) -> list[str]:
        """Return whose each of them is."""
        return [str(fields["id"]) for fields in self.told]
