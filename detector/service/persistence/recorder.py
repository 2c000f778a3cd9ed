"""Record a sensor: from its first sample until the time is over, `stop`, or a write error."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from platform import platform, python_version

from detector.config import SensorSettings, Settings
from detector.devices.stream import LinkDown, LinkUp, Reading
from detector.events import Origin
from detector.recognition.events.stamp import Provenance
from detector.release import VERSION
from detector.service.persistence.places import DataFolder, header_of, unused
from detector.sources.ble import BleSource
from detector.sources.look import Look
from detector.sources.reach import Reach
from detector.store.capture import CaptureWriter
from detector.store.recording_writer import RecordingWriteError, RecordingWriter
from detector.store.state import State
from detector.store.state_file import wearer_in

FOLDER = "recordings"  # beside `nights`, so that no report counts a recording as a night
PATIENCE_S = 60.0  # a sensor may have to be found, switched on or taken from a phone first
OVERTIME_S = 2.0  # real seconds; the last packet may be on its way
COMMIT_S = 1.0  # most that a crash may lose


@dataclass(slots=True)
class Job:
    """What is to be recorded, and what came of it.

    Attributes
    ----------
    why : reason that nothing arrived; trouble : what the disk refused
    ended : duration, interrupted or disk
    """

    settings: Settings
    sensor: SensorSettings
    reach: Reach
    seconds: int
    look: Look = field(default_factory=Look)
    why: str = ""
    ended: str = "duration"
    trouble: str | None = None
    recorded_s: float = 0.0
    _source: BleSource | None = None
    _closing: asyncio.Task[None] | None = None

    def stop(self) -> None:
        """End the recording with what has arrived; call it in the event loop that records."""
        if self._source is not None and self._closing is None:
            self.ended = "interrupted"
            self._closing = asyncio.get_running_loop().create_task(self._source.close())

    async def run(self, sinks: Sinks, tell: Callable[[LinkUp | LinkDown | float], None]) -> None:
        """Write until the end; `tell` is called for each change of the link, and with seconds.

        A disk that refuses ends it and is reported in `trouble`; only LinkError is raised.
        """
        loop = asyncio.get_running_loop()
        sensor, clock = self.sensor, self.reach.clock()
        source = self.reach.source(sensor.device, clock, sensor.driver, sensor.name)
        self._source = source
        committed_s = loop.time()
        first_ns: int | None = None
        try:
            async with asyncio.timeout(PATIENCE_S) as patience:
                async for reading in source.readings():
                    sinks.write(reading)
                    self.look.take(reading)
                    if isinstance(reading.item, LinkUp | LinkDown):
                        tell(reading.item)
                    if first_ns is None and self.look.samples:
                        first_ns = reading.item.mono_ns
                        left_s = self.seconds / self.reach.speed + OVERTIME_S
                        patience.reschedule(loop.time() + left_s)
                    if loop.time() - committed_s >= COMMIT_S:
                        committed_s = loop.time()
                        sinks.commit()
                    if first_ns is not None:
                        elapsed_s = (reading.item.mono_ns - first_ns) / 1e9
                        self.recorded_s = min(elapsed_s, self.seconds)
                        tell(self.recorded_s)
                    if self.recorded_s >= self.seconds:
                        break
        except TimeoutError:
            self.why = source.status.why
        except (RecordingWriteError, OSError) as error:
            self.ended, self.trouble = "disk", str(error)
        finally:
            await source.close()
            if self._closing is not None:
                await self._closing
            self.why = self.why or source.status.why


@dataclass(frozen=True, slots=True)
class Sinks:
    """The files that are written."""

    recording: RecordingWriter
    capture: CaptureWriter | None

    def write(self, reading: Reading) -> None:
        """Write one reading to every file."""
        self.recording.write(reading.item)
        if self.capture is not None:
            self.capture.write(reading)

    def commit(self) -> None:
        """Make what was written safe from a crash."""
        self.recording.commit()
        if self.capture is not None:
            self.capture.flush()


@contextmanager
def sinks_of(job: Job, out_file: Path | None, capture: Path | None) -> Iterator[Sinks]:
    """Open the files of a job; a recording in which no sample arrived is removed again."""
    settings, origin = job.settings, Origin.SIMULATED if job.reach.is_virtual else Origin.LIVE
    place = DataFolder.of(settings.data_dir, origin)
    began = datetime.now().astimezone()
    path = out_file or unused(place.folder / FOLDER / f"{began:%Y-%m-%dT%H%M}.sqlite")
    provenance = Provenance(_wearer(place.state), job.sensor.label, path.stem, origin)
    header = header_of(settings, job.sensor, provenance, began)
    carried = {"bleak": version("bleak"), "Python": python_version(), "system": platform()}
    try:
        with ExitStack() as stack:
            recording = stack.enter_context(closing(RecordingWriter.create(path, header)))
            captured = None
            if capture is not None:
                captured = CaptureWriter(
                    capture,
                    placement=job.sensor.placement,
                    version=VERSION,
                    versions=carried,
                )
                stack.enter_context(closing(captured))
            yield Sinks(recording, captured)
    finally:
        if not job.look.samples:
            path.unlink(missing_ok=True)


def _wearer(state: Path) -> str:
    """Return the wearer's id of the nights, without disturbing a `run` that is under way."""
    if state.exists():
        return wearer_in(state) or "unknown"
    with closing(State.open(state)) as begun:
        return begun.wearer
