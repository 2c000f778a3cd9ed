"""Faults in every part of a live house, at chosen moments of the night, one part at a time."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from detector.alerts.policy import Policy
from detector.devices.polar import PolarConversation
from detector.mqtt.publisher import Publisher
from detector.recognition.events.fusion import Fusion
from detector.recognition.pipeline import Watcher
from detector.service.persistence.archive import Archive
from detector.service.persistence.committer import Committer
from detector.service.service import Service
from detector.store.recording_writer import RecordingWriter
from detector.timing.sample_clock import SampleClock

PARTS: dict[str, tuple[type[Any], str]] = {
    "clock": (SampleClock, "take"),
    "pipeline": (Watcher, "follow"),
    "fusion": (Fusion, "process"),
    "policy": (Policy, "tick"),
    "recorder": (RecordingWriter, "write"),
    "committer": (Committer, "_commit_waiting"),
    "archive": (Archive, "commit"),
    "publisher": (Publisher, "_send_some"),
    "tick": (Service, "_tick"),
}
"""Where each part is made to raise; the decoder's class is found from its driver."""


class InjectedError(RuntimeError):
    """What no code of ours expects."""


@dataclass
class Faults:
    """Raise at the first call after each moment of the night, in seconds from its start."""

    moments_s: Sequence[float]
    raised: int = 0
    _reached_s: Callable[[], float] | None = None
    _due: list[float] = field(default_factory=list)

    def begin(self, reached_s: Callable[[], float]) -> None:
        """Begin; `reached_s` says how much of the night was watched."""
        self._reached_s = reached_s
        self._due = sorted(self.moments_s, reverse=True)

    def check(self) -> None:
        if self._reached_s is None or not self._due or self._reached_s() < self._due[-1]:
            return
        self._due.pop()
        self.raised += 1
        raise InjectedError


@contextmanager
def injected(part: str, faults: Faults) -> Iterator[None]:
    """Have a part raise at those moments for as long as the block lasts."""
    if part == "decoder":
        owner, name = PolarConversation, "feed"
    else:
        owner, name = PARTS[part]
    original: Callable[..., Any] = getattr(owner, name)

    async def raising_async(*args: Any, **kwargs: Any) -> Any:
        faults.check()
        return await original(*args, **kwargs)

    def raising(*args: Any, **kwargs: Any) -> Any:
        faults.check()
        return original(*args, **kwargs)

    setattr(owner, name, raising_async if inspect.iscoroutinefunction(original) else raising)
    try:
        yield
    finally:
        setattr(owner, name, original)


def moments(count: int, length_s: float, seed: int, *, apart_s: float) -> list[float]:
    """Draw moments of a night, none at its very ends or closer to another than `apart_s`."""
    rng = random.Random(seed)
    room_s = length_s - 20.0 - apart_s * count
    if room_s < 0:
        raise ValueError(f"{count} faults need {20 + apart_s * count:.0f} s")
    offsets = sorted(rng.uniform(0, room_s) for _ in range(count))
    return [10.0 + offset + place * apart_s for place, offset in enumerate(offsets)]
