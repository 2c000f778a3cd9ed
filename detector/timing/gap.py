"""A gap: samples that never came."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class GapCause(StrEnum):
    """How a gap was noticed, and so how exact its length is."""

    LOSS = "loss"  # the sensor's stamps jumped: to the sample
    SILENCE = "silence"  # the sensor sends no stamps and nothing came: to a frame or so
    RESET = "reset"  # the sensor's clock was set anew: by the host's clock, to a frame or so


@dataclass(frozen=True, slots=True)
class Gap:
    """`missing` samples never came; the next one that did has the index `stop`."""

    stop: int
    missing: int
    cause: GapCause
