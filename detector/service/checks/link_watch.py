"""Why sensors are not heard, where waiting does not end it, such as an adapter that is off."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from detector.alerts.conditions import Condition
from detector.sources.source import Source

PATIENCE_S = 10.0  # an adapter comes up within seconds of its computer's start


class LinkWatch:
    """Judge on each tick what the sources cannot get over, on the event loop's clock."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = tuple(sources)
        self._since_s: dict[Condition, float] = {}

    def troubles(self) -> dict[Condition, str | None]:
        """Return each condition with why it holds, or None where it does not."""
        now_s = asyncio.get_running_loop().time()
        having: dict[Condition, str | None] = dict.fromkeys(
            (Condition.BLUETOOTH, Condition.OTHER_ADDRESS)
        )
        for source in self._sources:
            if (trouble := source.status.trouble) is not None:
                having[trouble[0]] = trouble[1]
        for name, why in having.items():
            if why is None:
                self._since_s.pop(name, None)
            elif now_s - self._since_s.setdefault(name, now_s) < PATIENCE_S:
                having[name] = None
        return having
