"""A recorded stretch of a night, and what is found in it, for pages that look at it again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np

from detector.block import EPOCH
from detector.devices.open_frame import ABOUT, FRAMES
from detector.devices.stream import LinkUp, Packet
from detector.events import Event, Kind, Origin, RecordingSpan
from detector.night.offline import detect
from detector.store.recording import RecordingHeader
from detector.store.recording_writer import RecordingWriter
from firmware_sim.motion.scenarios import scenario
from firmware_sim.wearables.open_frame import RANGE_G, RATE_STEPS, encode_about, encode_frame

FS, PIECE = 50, 25
MADE_S = 600.0


@cache
def clonus() -> tuple[np.ndarray, tuple[Event, ...]]:
    """Ten minutes with clonus, and what is found in them."""
    made = scenario("clonus", seed=3, fs=FS, duration_s=MADE_S).samples
    return made, tuple(e for e in detect(made, FS) if e.kind is Kind.CLONUS)


def record(folder: Path, begin: datetime, samples: np.ndarray, *, wait_s: float = 0.0) -> str:
    """Record samples as an open frame's, from a moment on; return the recording's name.

    wait_s : a connection that sends nothing but heartbeats goes before
    """
    name = f"{(begin - timedelta(hours=12)).date()}"
    header = RecordingHeader(
        name=name,
        wearer="k3vq7m2xta",
        sensor="left-calf",
        site="ankle",
        driver="open-frame",
        origin=Origin.LIVE,
        created=begin,
        version="0.1.0",
        time_zone="UTC",
    )
    begin_ns = (begin - EPOCH) // timedelta(microseconds=1) * 1000
    writer = RecordingWriter.create(folder / f"{name}.sqlite", header)
    utc_ns = begin_ns - round(wait_s * 1e9)
    writer.write(LinkUp(1, "open-frame", "A0:9E:1A:00:00:01", "open", 10**9, utc_ns))
    about = encode_about(FS * RATE_STEPS, RANGE_G, b"open frame")
    writer.write(Packet(1, ABOUT, about, 10**9, utc_ns))
    counts = np.round(samples * 1000)
    for number, first in enumerate(range(0, len(counts) - PIECE + 1, PIECE)):
        tick = round((wait_s + first / FS) * 32768)
        data = encode_frame(number, tick, counts[first : first + PIECE])
        ns = round((first + PIECE) / FS * 1e9)
        writer.write(Packet(1, FRAMES, data, 10**9 + round(wait_s * 1e9) + ns, begin_ns + ns))
        if number % 100 == 0:
            writer.commit()
    writer.close()
    return name


def dated(event: Event, begin: datetime, recording: str | None) -> Event:
    """An event of `clonus` as a night has it that began at a moment."""
    onset = begin + timedelta(seconds=event.onset_s)
    first, last = round(event.onset_s * FS), round(event.end_s * FS)
    return replace(
        event,
        onset=onset,
        end=onset + timedelta(seconds=event.duration_s),
        sensor="left-calf",
        source=Origin.LIVE,
        recording=None if recording is None else RecordingSpan(recording, first, last),
    )
