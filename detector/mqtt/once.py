"""One message at a broker, without a night."""

from __future__ import annotations

import asyncio
import os

from detector.errors import LinkError
from detector.mqtt.contract import Message
from detector.mqtt.endpoint import Endpoint
from detector.mqtt.link import Link
from detector.mqtt.session import Ack


async def publish_once(endpoint: Endpoint, message: Message, *, within_s: float) -> Ack:
    """Connect, publish and disconnect; return the broker's answer, which may be a refusal.

    Raises
    ------
    LinkError
        There was none in this time; one sentence says why.
    """
    link = Link(endpoint, f"spasmwatch-once-{os.getpid()}")
    running = asyncio.create_task(link.run())
    try:
        async with asyncio.timeout(within_s):
            await link.connected()
            return await link.publish(message)
    except TimeoutError:
        why = link.state.last_error or f"{endpoint} did not answer within {within_s:g} s"
        raise LinkError(why) from None
    finally:
        running.cancel()
        await asyncio.wait({running})
