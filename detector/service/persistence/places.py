"""Where a night's files lie, and how its recordings are named."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from detector.config import SensorSettings, Settings
from detector.events import Origin
from detector.recognition.events.stamp import Provenance
from detector.release import RELEASED, VERSION
from detector.store.recording import NIGHT_NAME, RecordingHeader

NIGHTS = "nights"
RECORDING = NIGHT_NAME


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Folders of a night. Data that is not live has its own, so that it is never counted."""

    folder: Path

    @classmethod
    def of(cls, data_dir: Path, origin: Origin) -> DataFolder:
        """Return the folder for samples of this origin."""
        return cls(data_dir if origin is Origin.LIVE else data_dir / origin.value)

    @property
    def state(self) -> Path:
        """Events, alerts and the log."""
        return self.folder / "state.sqlite"

    @property
    def nights(self) -> Path:
        """The recordings."""
        return self.folder / NIGHTS

    def new_recording(self, evening: datetime) -> Path:
        """Return a file that does not exist yet, named after the evening the night began in.

        Where the clock cannot be right, after the latest evening that is there.
        """
        night = (evening - timedelta(hours=12)).date()
        if night < RELEASED:  # a clock that cannot be right must not make it the oldest
            night = max(self._evenings(), default=RELEASED)
        return unused(self.nights / f"{night}.sqlite")

    def _evenings(self) -> list[date]:
        """Return the evenings of the recordings that are there; one that is none has no name."""
        named = [RECORDING.fullmatch(path.name) for path in self.nights.glob("*.sqlite")]
        evenings: list[date] = []
        for match in named:
            with suppress(ValueError):
                evenings += [date.fromisoformat(match[1])] if match else []
        return evenings


def unused(path: Path) -> Path:
    """Return the path, or where that exists the first of `name-2`, `name-3`, … that does not."""
    free, again = path, 1
    while free.exists():
        again += 1
        free = path.with_stem(f"{path.stem}-{again}")
    return free


def header_of(
    settings: Settings, sensor: SensorSettings, provenance: Provenance, evening: datetime
) -> RecordingHeader:
    """Return the header of a recording of this sensor."""
    return RecordingHeader(
        name=provenance.recording or "",
        wearer=provenance.wearer or "",
        sensor=sensor.label,
        site=sensor.placement,
        driver=sensor.driver or "",
        origin=provenance.source,
        created=evening,
        version=VERSION,
        time_zone=settings.wearer.time_zone or "",
    )
