"""A night as `run` leaves it in its data folder: recordings, and what was found in them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from detector.block import EPOCH
from detector.devices.open_frame import ABOUT, FRAMES
from detector.devices.stream import Item, LinkUp, Packet
from detector.events import Event, Origin
from detector.night.observation import WornSensor
from detector.night.recorded import RecordedNight, RecordedSensor
from detector.recognition.events.stamp import Provenance
from detector.store.formats.reader import open_recording
from detector.store.recording import RecordingHeader
from detector.store.recording_writer import RecordingWriter
from detector.store.state import State
from firmware_sim.wearables.open_frame import RANGE_G, RATE_STEPS, encode_about, encode_frame

PIECE = 25
BEGAN = datetime(2026, 11, 20, 22, 30, 0, 250_000, tzinfo=UTC)
NS = 1_000_000_000

HEADER = RecordingHeader(
    name="2026-11-20",
    wearer="k3vq7m2xta",
    sensor="left-calf",
    site="calf",
    driver="open-frame",
    origin=Origin.LIVE,
    created=BEGAN,
    version="0.1.0",
    time_zone="Europe/Berlin",
)


def jerking(length_s: float, fs: float, bursts_s: Collection[float], seed: int = 0) -> np.ndarray:
    """Rest with 8 s of six jerks a second from each of these moments on, (n, 3), g."""
    n = round(length_s * fs)
    t = np.arange(n) / fs
    a = np.random.default_rng(seed).normal(0, 0.002, (n, 3)) + np.array([0.02, -0.1, 0.99])
    for onset_s in bursts_s:
        during = (t >= onset_s) & (t < onset_s + 8)
        a[during, 0] += 0.35 * np.sign(np.sin(2 * np.pi * 6 * (t[during] - onset_s)))
    return a


def packets(
    samples: np.ndarray,
    fs: int,
    *,
    began: datetime = BEGAN,
    lost: Collection[int] = (),
    pace: float = 1.0,
) -> list[Item]:
    """What an open frame sends of samples, g, in whole mg.

    lost : numbers of pieces that do not arrive; pace : true seconds of each of the sensor's
    """
    begin_ns = (began - EPOCH) // timedelta(microseconds=1) * 1000
    items: list[Item] = [LinkUp(1, "open-frame", "A0:9E:1A:00:00:01", "open frame", NS, begin_ns)]
    items.append(Packet(1, ABOUT, encode_about(fs * RATE_STEPS, RANGE_G, b"open"), NS, begin_ns))
    counts = np.round(samples * 1000)
    for number, first in enumerate(range(0, len(counts) - PIECE + 1, PIECE)):
        if number in lost:
            continue
        data = encode_frame(number, round(first / fs * 32768), counts[first : first + PIECE])
        later = round((first + PIECE) / fs * pace * 1e9)
        items.append(Packet(1, FRAMES, data, NS + later, begin_ns + later))
    return items


def record(folder: Path, items: Sequence[Item], header: RecordingHeader = HEADER) -> Path:
    """Write a recording, `nights/NAME.sqlite` in a data folder."""
    path = folder / "nights" / f"{header.name}.sqlite"
    writer = RecordingWriter.create(path, header)
    for item in items:
        writer.write(item)
    writer.close()
    return path


def events_in(*paths: Path, site: str | None = None) -> list[Event]:
    """Return what `detect` finds in recordings, as one night."""
    readers = [open_recording(path) for path in paths]
    worn = [
        WornSensor(
            Provenance(reader.wearer, reader.sensor, reader.recording),
            site or reader.site or "ankle",
        )
        for reader in readers
    ]
    if len(readers) > 1:
        worn = [replace(each, name=each.provenance.sensor, wearer=HEADER.wearer) for each in worn]
    recorded = RecordedNight([RecordedSensor(*each) for each in zip(readers, worn, strict=True)])
    for _ in recorded.steps():
        pass
    for reader in readers:
        reader.close()
    return recorded.events


def keep(folder: Path, events: Sequence[Event]) -> list[Event]:
    """Put events into the state as a live night's; return them as they are kept."""
    lived = [replace(event, source=Origin.LIVE) for event in events]
    with closing(State.open(folder / "state.sqlite", wearer=HEADER.wearer)) as state:
        state.commit(at=BEGAN, events=lived)
    return lived


@cache
def _found(length_s: float) -> tuple[tuple[Item, ...], tuple[Event, ...]]:
    items = packets(jerking(length_s, 50, (150.0, 300.0)), 50, lost=range(400, 420))
    with TemporaryDirectory() as folder:
        return tuple(items), tuple(events_in(record(Path(folder), items)))


def a_kept_night(folder: Path, *, length_s: float = 400.0) -> list[Event]:
    """Leave a night of one sensor in a data folder, with a gap; return its events."""
    items, events = _found(length_s)
    record(folder, items)
    return keep(folder, events)
