"""A recording, and a night to be recorded."""

from __future__ import annotations

from datetime import UTC, datetime

from detector.devices.stream import LinkUp, Packet
from detector.events import Origin
from detector.store.recording import RecordingHeader
from detector.store.recording_writer import RecordingWriter

HEADER = RecordingHeader(
    name="2026-11-20",
    wearer="k3vq7m2xta",
    sensor="left-calf",
    site="calf",
    driver="polar-verity-sense",
    origin=Origin.SIMULATED,
    created=datetime(2026, 11, 20, 22, 30, 0, 5000, UTC),
    version="0.1.0",
    time_zone="Europe/Amsterdam",
)

PMD = "fb005c82-02e7-f387-1cad-8acd2d8df0c8"


def record(path, sequence, header=HEADER, every=3, close=True):
    writer = RecordingWriter.create(path, header)
    for n, item in enumerate(sequence):
        writer.write(item)
        if n % every == 0:
            writer.commit()
    if close:
        writer.close()
    return writer


def night(rows):
    yield LinkUp(1, "polar-verity-sense", "A0:9E:1A:00:00:01", "Polar Sense 0001", 0, 10**18)
    for n in range(1, rows):
        ns = n * 692_307_692  # 36 samples at 52 Hz
        yield Packet(1, PMD, n.to_bytes(4, "little") * 30, ns, 10**18 + ns)
