from __future__ import annotations

from collections.abc import Callable

import pytest

from detector.alerts.moments import Now
from detector.events import Event

from .made import make_event, make_now


@pytest.fixture
def event() -> Callable[..., Event]:
    """Events of one night; times in s from its first sample, which was at midnight."""
    return make_event


@pytest.fixture
def now() -> Callable[..., Now]:
    """The moment `stream_s` of that night; the host's clocks may be told otherwise."""
    return make_now
