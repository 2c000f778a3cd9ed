"""Recording a sensor: from the first sample until the time is over, or somebody says stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from platform import platform, python_version

from detector.checkup.sensor import Look
from detector.cli.output import Advance, Output
from detector.cli.reach import Reach
from detector.cli.scan import short
from detector.config import SensorSettings, Settings
from detector.devices.stream import LinkDown, LinkUp, Reading
from detector.events import Origin
from detector.recognition.events.stamp import Provenance
from detector.release import VERSION
from detector.service.places import DataFolder, header_of
from detector.store.capture import CaptureWriter
from detector.store.recording import RecordingWriteError, RecordingWriter
from detector.store.state import State
from detector.store.state_file import wearer_in
from detector.words.phrases import length, sentence

FOLDER = "recordings"  # beside `nights`: no report shall count one
PATIENCE_S = 60.0  # a sensor may have to be found, switched on or taken from a phone first
OVERTIME_S = 2.0  # real seconds; the last packet may be on its way
COMMIT_S = 1.0  # what a crash may cost


@dataclass(slots=True)
class Job:
    """What is to be recorded, and what became of it.

    Attributes
    ----------
    why : nothing came; trouble : the disk refused something
    ended : duration, interrupted or disk
    """

    out: Output
    settings: Settings
    sensor: SensorSettings
    reach: Reach
    seconds: int
    look: Look = field(default_factory=Look)
    why: str = ""
    ended: str = "duration"
    trouble: str | None = None
    recorded_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Sinks:
    """Where it goes."""

    recording: RecordingWriter
    capture: CaptureWriter | None


@contextmanager
def sinks_of(job: Job, out_file: Path | None, capture: Path | None) -> Iterator[Sinks]:
    """Have files to write to; a recording of nothing is none."""
    settings, origin = job.settings, Origin.LIVE if job.reach.radio is None else Origin.SIMULATED
    place = DataFolder.of(settings.data_dir, origin)
    began = datetime.now().astimezone()
    path = out_file or _new_file(place.folder / FOLDER, began)
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


async def keep_recording(job: Job, sinks: Sinks) -> None:
    """Write until the time is over, somebody says stop, or the disk refuses."""
    loop = asyncio.get_running_loop()
    source = job.reach.source(job.sensor.device, job.reach.clock(), job.sensor.driver)
    closing_: list[asyncio.Task[None]] = []

    def stop() -> None:
        if not closing_:
            job.ended = "interrupted"
            closing_.append(loop.create_task(source.close()))

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    job.out.say(f"Looking for the sensor, then {length(job.seconds)} of it. Ctrl-C ends it sooner.")
    committed_s = loop.time()
    first_ns: int | None = None
    try:
        with job.out.progress("Recording", job.seconds) as advance:
            async with asyncio.timeout(PATIENCE_S) as patience:
                async for reading in source.readings():
                    _keep(job, sinks, reading)
                    if first_ns is None and job.look.samples:
                        first_ns = reading.item.mono_ns
                        left_s = job.seconds / job.reach.speed + OVERTIME_S
                        patience.reschedule(loop.time() + left_s)
                    if loop.time() - committed_s >= COMMIT_S:
                        committed_s = loop.time()
                        _commit(sinks)
                    if first_ns is not None:
                        _advance(job, (reading.item.mono_ns - first_ns) / 1e9, advance)
                    if job.recorded_s >= job.seconds:
                        break
    except TimeoutError:
        job.why = source.status.why
    except (RecordingWriteError, OSError) as error:
        job.ended, job.trouble = "disk", str(error)
    finally:
        await source.close()
        await asyncio.gather(*closing_)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        job.why = job.why or source.status.why


def _keep(job: Job, sinks: Sinks, reading: Reading) -> None:
    sinks.recording.write(reading.item)
    if sinks.capture is not None:
        sinks.capture.write(reading)
    job.look.take(reading)
    match reading.item:
        case LinkUp() as link:
            job.out.say(f"Connected to {short(link.name)} ({link.driver}).")
        case LinkDown() as lost:
            job.out.say(f"Link lost: {sentence(lost.reason)}")


def _commit(sinks: Sinks) -> None:
    sinks.recording.commit()
    if sinks.capture is not None:
        sinks.capture.flush()


def _advance(job: Job, elapsed_s: float, advance: Advance) -> None:
    before = int(job.recorded_s)
    job.recorded_s = min(elapsed_s, job.seconds)
    if int(job.recorded_s) > before:
        advance(int(job.recorded_s) - before)


def _new_file(folder: Path, began: datetime) -> Path:
    path, again = folder / f"{began:%Y-%m-%dT%H%M}.sqlite", 1
    while path.exists():
        again += 1
        path = path.with_name(f"{began:%Y-%m-%dT%H%M}-{again}.sqlite")
    return path


def _wearer(state: Path) -> str:
    """Name whose it is, as the nights do; a `run` that is under way is not disturbed."""
    if state.exists():
        return wearer_in(state) or "unknown"
    with closing(State.open(state)) as begun:
        return begun.wearer
