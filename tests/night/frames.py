"""What a sensor says that feels a motion, frame by frame."""

from __future__ import annotations

import numpy as np

from detector.devices.profile import Chunk
from detector.devices.stream import LinkUp, Packet, Reading
from firmware_sim.motion.scenarios import scenario

FS, FRAME = 52.0, 36
START_UTC_NS = 1_763_679_600_000_000_000


def readings(name: str, seed: int = 3, duration_s: float = 120.0) -> list[Reading]:
    """What a sensor that feels this scenario says, frame by frame."""
    return saying(np.round(scenario(name, seed=seed, fs=FS, duration_s=duration_s).samples, 3))


def saying(samples: np.ndarray, frame_samples: int = FRAME, true_hz: float = FS) -> list[Reading]:
    """What a sensor says that measures this."""
    said = [Reading(LinkUp(1, "polar-verity-sense", "C0:5E", "Polar", 0, START_UTC_NS))]
    for first in range(0, len(samples), frame_samples):
        frame = samples[first : first + frame_samples]
        now_ns = round((first + len(frame)) / true_hz * 1e9)
        packet = Packet(1, "fb005c82", b"", now_ns + 50_000_000, START_UTC_NS + now_ns)
        said.append(Reading(packet, (Chunk(frame, FS, now_ns),)))
    return said
