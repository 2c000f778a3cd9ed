"""The page of the first settings, on sensors that tests choose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from detector.doctor.check import CheckResult, fail, ok
from detector.errors import LinkError
from detector.people.people_file import PeopleFile
from detector.sources.nearby import NearbyDevice
from detector.web.no_night.first_page import FirstPage, Work, admit
from detector.web.no_night.first_settings import FirstSettings

SENSOR = NearbyDevice(
    "Polar Sense 3F2A1C2A", "C0:5E:3F:2A:1C:2A", -58, "polar-verity-sense", "Polar Verity Sense"
)
OTHER = NearbyDevice("WT901", "AA:BB:CC:00:11:22", -71, "witmotion", "WitMotion WT901 (tried)")
BAND = NearbyDevice("Band 7", "AA:BB:CC:00:11:33", -80, None, "it sends no raw samples", True)
GOOD = (ok("Sensor", "Polar Sense 3F2A1C2A streams"), ok("Battery", "86 %"))
BAD = (fail("Sample rate", "31 samples/s (want 52)", "spasmwatch doctor"),)


@dataclass
class FirstSteps:
    """What is in reach, and what came of it."""

    folder: Path
    found: Sequence[NearbyDevice] = (SENSOR, OTHER, BAND)
    checks: Sequence[CheckResult] = GOOD
    no_adapter: str = ""
    written: list[FirstSettings] = field(default_factory=list)
    page: FirstPage | None = None

    def make(self) -> FirstPage:
        people = PeopleFile(self.folder)

        async def find() -> Sequence[NearbyDevice]:
            if self.no_adapter:
                raise LinkError(self.no_adapter)
            return self.found

        async def look(_sensor: NearbyDevice) -> Sequence[CheckResult]:
            return self.checks

        def write(chosen: FirstSettings) -> tuple[str, str]:
            self.written.append(chosen)
            text = (
                f'# /home/anna/.config/spasmwatch/config.toml\n[wearer]\nlabel = "{chosen.label}"'
            )
            text += f'\n\n[sensor]\ndevice = "{chosen.sensor.address}"\nplacement = "calf"'
            return text, "rm /home/anna/.config/spasmwatch/config.toml"

        work = Work(find, look, write, lambda c, t: admit(people, c, t, datetime.now(UTC)))
        self.page = FirstPage(people, work)
        return self.page

    @property
    def key(self) -> str:
        assert self.page is not None
        return self.page.key
