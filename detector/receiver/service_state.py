"""What a receiver knows of the service: one of the four states, or why none. Values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from detector.status import StateWord


class Absence(StrEnum):
    """Why a receiver knows of none of the four states: a person's wish, or nobody knows."""

    STOPPED = "stopped"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class ServiceState:
    """What the service does, or that nothing is heard from it; `why` for a person."""

    word: StateWord | Absence
    why: str | None = None
    until: datetime | None = None  # of a pause
