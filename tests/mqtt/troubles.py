"""Why a link is down."""

from __future__ import annotations

import pytest

from detector.errors import LinkError
from detector.mqtt.contract import Message
from detector.mqtt.endpoint import Endpoint
from detector.mqtt.link import Link
from tests.kit.waiting import running, until


async def trouble_with(endpoint: Endpoint) -> str:
    link = Link(endpoint, "one")
    async with running(link.run()):
        await until(lambda: link.state.last_error != "not yet connected")
        with pytest.raises(LinkError, match="no broker"):
            await link.publish(Message("sw/v1/x", "hello"))
        return str(link.state.last_error)
