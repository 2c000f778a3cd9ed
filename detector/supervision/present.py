"""Whether a service with this data folder runs on this computer, by its heartbeat."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from detector.boot import host_boot_id
from detector.events import Origin
from detector.supervision.heartbeat import LATE_S, Heartbeat, HeartbeatSearch, heartbeat_places


@dataclass(frozen=True, slots=True)
class Present:
    """What the heartbeat says of a service.

    beat : the latest; None where there was none since the computer started
    age_s : of that, s
    """

    beat: Heartbeat | None
    age_s: float

    @property
    def makes_progress(self) -> bool:
        """Whether it runs and the detector turns."""
        return self.runs and self.age_s < LATE_S

    @property
    def hangs(self) -> bool:
        """Whether its process is there, and makes no progress."""
        return self.runs and self.age_s >= LATE_S

    @property
    def runs(self) -> bool:
        """Whether its process is there."""
        return self.beat is not None and not self.beat.ended and _exists(self.beat.pid)


def present(data_dir: Path, environ: Mapping[str, str]) -> Present:
    """Return what is known of the service with this data folder, or one below it."""
    folders = [data_dir, *(data_dir / origin.value for origin in Origin)]
    places = [place for folder in folders for place in heartbeat_places(folder, environ)]
    beat = HeartbeatSearch(places, host_boot_id() or "").newest()
    return Present(beat, 0.0 if beat is None else time.monotonic() - beat.mono_s)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True
