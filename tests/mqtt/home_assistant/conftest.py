"""A broker of somebody's house."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from detector.mqtt.endpoint import Endpoint

from .house import Broker

Mosquitto = Callable[..., AbstractAsyncContextManager[int]]


@pytest.fixture
def broker(mosquitto_with: Mosquitto) -> Broker:
    """A broker of somebody's house."""

    @asynccontextmanager
    async def start() -> AsyncIterator[Endpoint]:
        async with mosquitto_with("allow_anonymous true") as port:
            yield Endpoint(port=port, username="spasmwatch", password="s")  # noqa: S106

    return start()
