"""An evening of two sensors on which everything happens that is remembered."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from heapq import merge

import numpy as np

from detector.alert import to_json as alert_json
from detector.alerts.rules import parse_rules
from detector.devices.profile import Battery, Chunk, Started
from detector.devices.stream import LinkDown, LinkUp, Packet, Reading
from detector.events import Origin, to_json
from detector.night.night import Night
from detector.night.observation import WornSensor
from detector.night.outcome import Outcome
from detector.recognition.events.stamp import Provenance
from firmware_sim.motion.scenarios import scenario

S = 1_000_000_000
FS = 50.0
UTC_NS = 1_763_679_600 * S
RULES = parse_rules(["clonus >= 5s", "2 spasms in 10min", "no-signal >= 20s"])
LABELS = ("left-calf", "right-calf")


@dataclass(frozen=True)
class Arrival:
    """One thing that happens: a reading of a sensor, or a tick of the night's clock."""

    mono_ns: int
    sensor: int
    reading: Reading | None = None

    @property
    def utc_ns(self) -> int:
        return UTC_NS + self.mono_ns


def worn(recording: str = "2026-11-20", sensors: int = 2) -> list[WornSensor]:
    return [
        WornSensor(Provenance("k3vq7m2xta", label, f"{recording}-{label}", Origin.LIVE), "calf")
        for label in LABELS[:sensors]
    ]


def night(recording: str = "2026-11-20", sensors: int = 2) -> Night:
    return Night(worn(recording, sensors), rules=RULES)


@cache
def motion(name: str, seed: int, length_s: float) -> np.ndarray:
    return np.round(scenario(name, seed=seed, fs=FS, duration_s=length_s).samples, 3)


def feels(seed: int) -> np.ndarray:
    """Spasms, a periodic series, a stuck sensor, movement beyond its range, clonus to the end."""
    t = np.arange(int(30 * FS)) / FS
    wild = np.clip(3 * np.sin(t)[:, np.newaxis] * [0.2, -0.3, 0.93], -2, 2)
    beating = np.array([0.1, 0.0, 0.99]) + np.random.default_rng(seed).normal(0, 1e-3, (1000, 3))
    beating[500:] += 0.3 * np.sin(2 * np.pi * 5.5 * np.arange(500) / FS)[:, np.newaxis]
    return np.concatenate((
        motion("mixed", seed, 100.0), motion("plm", seed, 150.0), wild,
        np.tile([0.1, 0.0, 0.99], (int(70 * FS), 1)), motion("clonus", seed, 60.0),
        np.round(beating, 3),
    ))  # fmt: skip


def said(
    sensor: int, samples: np.ndarray, *, ppm: float = 80.0, stamped: bool = True
) -> list[Arrival]:
    """What a sensor with a clock of its own sends, its link lost once and its battery waning."""
    rng, half = np.random.default_rng(sensor), len(samples) // 50 // 2 * 50
    arrivals, host_s = list[Arrival](), 1.0

    def came(item: LinkUp | Packet | LinkDown, *outputs: object) -> None:
        arrivals.append(Arrival(item.mono_ns, sensor, Reading(item, outputs)))  # type: ignore[arg-type]

    for session, first, stop, lost in ((1, 0, half, 0), (2, half + 1500, len(samples), 1500)):
        at = round((first / FS + 1.0) * S)
        came(
            LinkUp(session, "polar-verity-sense", "C0:5E", "Polar", at, UTC_NS + at),
            Started(FS, 2.0),
        )
        for start in range(first, stop, 50):
            frame = samples[start : start + 50]
            true_s = (start + len(frame)) / FS / (1 + ppm * 1e-6)
            host_s = max(host_s, true_s + 1.0 + rng.exponential(0.02))
            at, stamp_ns = round(host_s * S), 7 * S + round(true_s * S)
            chunk = Chunk(frame, FS, stamp_ns if stamped else None)
            packet = Packet(session, "fb005c82", b"", at, UTC_NS + at)
            battery = [Battery(60 - start // 1500)] if start % 1500 == 0 else []
            came(packet, chunk, *battery)
        if not lost:
            at = round((host_s + 0.1) * S)
            came(LinkDown(session, "out of range", at, UTC_NS + at))
    return arrivals


def evening(sensors: int = 2, *, stamped: bool = True, seed: int = 5) -> list[Arrival]:
    """Readings of all sensors and a tick every three seconds, in order of time."""
    streams = [
        said(number, feels(seed + number), ppm=80.0 - 150 * number, stamped=stamped)
        for number in range(sensors)
    ]
    last_ns = max(stream[-1].mono_ns for stream in streams)
    ticks = [Arrival(ns, -1) for ns in range(0, last_ns, 3 * S)]
    return list(merge(*streams, ticks, key=lambda each: each.mono_ns))


def hear(one: Night, arrival: Arrival) -> list[str]:
    """Every word that a night says about what happens."""
    if arrival.reading is None:
        return words(one.tick(arrival.mono_ns, arrival.utc_ns))
    return words(one.take(arrival.reading, sensor=arrival.sensor))


def words(told: Outcome) -> list[str]:
    return [to_json(e) for e in told.events] + [alert_json(a) for a in told.alerts]
