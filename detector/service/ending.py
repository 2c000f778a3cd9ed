"""End of a night: what it told comes to disk and broker, if they are there."""

from __future__ import annotations

import asyncio

from detector.mqtt.publisher import Publisher
from detector.service.persistence.archive import Archive
from detector.service.persistence.committer import Committer

MQTT = "mqtt"  # the publisher's channel of the log

FLUSH_S = 5.0  # at the end: what is not published by then is published at the next start
UNHEARD_S = 1.0  # the same, of a broker that has not answered all night


async def flushed(archive: Archive, committer: Committer, publisher: Publisher | None) -> None:
    """Wait a moment for disk and broker, so that the night's last entries arrive tonight."""
    loop = asyncio.get_running_loop()
    link = None if publisher is None else publisher.link.state
    until_s = loop.time() + (FLUSH_S if link is None or link.connections else UNHEARD_S)
    while loop.time() < until_s:
        posted = publisher is None or not await archive.log_of(MQTT).read(1)
        if posted and committer.idle:
            return
        committer.retry()
        await asyncio.sleep(0.02)
