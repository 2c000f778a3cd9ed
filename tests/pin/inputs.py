"""Inputs whose words are pinned: scenarios, every sensor, gaps, several sensors, real traces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from detector.block import Samples
from detector.devices.registry import BUILT_IN
from detector.devices.stream import Item, LinkDown, LinkUp, Packet
from detector.sites import SITES
from firmware_sim.motion.scenarios import SCENARIOS, scenario
from firmware_sim.wearables.catalogue import WEARABLES
from tests.devices.pure_link import PureLink, felt, frames

from ..kit.traces import TRACES

S = 1_000_000_000
START_UTC_NS = 1_763_679_600 * S
RATES = (16.0, 25.0, 26.0, 31.25, 52.0, 100.0, 200.0)
REAL = (
    ("daphnet", 12, None),
    ("stanford_fog", 8, "ankle"),
    ("mobgap_lowback", 3, "trunk"),
    ("paradigma_wrist", 2, "wrist"),
    ("pdkit_cloudupdrs", 4, "wrist"),
    ("skdh_gait", 3, "trunk"),
    ("osd_seizures", 6, "wrist"),
    ("seglearn_watch", 3, "wrist"),
    ("hmp_wrist_adl", 4, "wrist"),
    ("actigraph_day", 1, "wrist"),
)
"""Folder, how many of its files (evenly spread), where they were worn."""


@dataclass(frozen=True, slots=True, eq=False)
class Samples3:
    """A recording as an array: (n, 3) g, NaN rows where there is a gap."""

    name: str
    acc: Samples
    fs: float
    site: str = "ankle"


@dataclass(frozen=True, slots=True, eq=False)
class Packets:
    """What one sensor sent, link losses included."""

    name: str
    driver: str
    items: tuple[Item, ...]


def recordings() -> Iterator[Samples3]:
    """Yield simulated recordings, then those of `TRACES` where they are."""
    for name, about in SCENARIOS.items():
        length_s = about.usual_s or max(about.shortest_s, 1800.0)
        for seed in (11, 12):
            made = scenario(name, seed=seed, duration_s=length_s)
            yield Samples3(f"{name}-{seed}", made.samples, made.fs)
    for number, site in enumerate(SITES):
        made = scenario("mixed", seed=21 + number, site=site)
        yield Samples3(f"mixed-at-{site}", made.samples, made.fs, site)
    for fs in RATES:
        made = scenario("clonus", seed=31, fs=fs)
        yield Samples3(f"clonus-{fs:g}-hz", made.samples, fs)
    for seed in range(4):
        made = scenario("demo", seed=41 + seed)
        yield Samples3(f"demo-with-gaps-{seed}", _with_gaps(made.samples, seed), made.fs)
    yield from _real()


def sensors() -> Iterator[Packets]:
    """Yield what each family of sensors sends of a motion, a link lost in the midst of it."""
    for number, driver in enumerate(BUILT_IN):
        for name in ("spasms", "mixed"):
            yield _sent(f"{driver.name}-{name}", driver.name, name, seed=51 + number)


def pairs() -> Iterator[tuple[str, tuple[Packets, Packets]]]:
    """Yield two sensors of one wearer: both legs alike, and each its own."""
    for label, second in (("alike", 61), ("apart", 62)):
        left = _sent("left", "polar-verity-sense", "mixed", seed=61)
        right = _sent("right", "polar-verity-sense", "mixed", seed=second)
        yield f"two-legs-{label}", (left, right)


def _with_gaps(acc: Samples, seed: int) -> Samples:
    rng = np.random.default_rng(seed)
    holed = acc.copy()
    for first in rng.integers(0, len(acc), 5):
        holed[first : first + int(rng.integers(1, 500))] = np.nan
    return holed


def _real() -> Iterator[Samples3]:
    for folder, count, site in REAL:
        files = sorted((TRACES / folder).glob("*.npz"))
        picked = files[:: max(1, len(files) // count)][:count]
        for file in picked:
            with np.load(file, allow_pickle=False) as trace:
                if "acc" not in trace:
                    continue  # magnitude only
                acc = np.asarray(trace["acc"], dtype=np.float64)
                fs = float(trace["fs"])
            worn = site or file.stem.rsplit("_", 1)[-1]
            yield Samples3(f"{folder}/{file.stem}", acc, fs, worn)


def _sent(name: str, driver_name: str, motion: str, *, seed: int) -> Packets:
    driver = next(each for each in BUILT_IN if each.name == driver_name)
    fs = int(driver.sheet.fs)
    made = scenario(motion, seed=seed, fs=float(fs), duration_s=180.0).samples
    half = len(made) // 2
    items: list[Item] = []
    at_ns = 0
    for session, motion_g in ((1, made[:half]), (2, made[half:])):
        up_ns = at_ns
        stamps = up_ns, START_UTC_NS + up_ns
        items.append(LinkUp(session, driver_name, "C0:5E:00:00:00:01", "Sensor", *stamps))
        link = _Indication(driver, WEARABLES[driver_name].make(fs))
        link.connect()
        measuring = link.firmware.measuring
        assert measuring is not None
        begun = len(link.packets)
        counts = felt(motion_g, measuring)
        sizes = [link.firmware.frame_samples] * len(counts)
        for say in frames(link.firmware, counts, measuring.fs, sizes):
            link.hear([say])
        sent = link.packets
        for place, (channel, data) in enumerate(sent):
            share = max(0, place - begun + 1) / (len(sent) - begun)
            now_ns = up_ns + S + round(share * len(counts) / measuring.fs * S)
            items.append(Packet(session, channel, data, now_ns, START_UTC_NS + now_ns))
        at_ns = now_ns + S
        items.append(LinkDown(session, "out of range", at_ns, START_UTC_NS + at_ns))
        at_ns += 20 * S
    return Packets(name, driver_name, tuple(items))


class _Indication(PureLink):
    """A link that keeps every notification as received."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.packets: list[tuple[str, bytes]] = []

    def hear(self, said) -> None:  # type: ignore[no-untyped-def]
        for say in said:
            self.packets.append((say.channel, bytes(say.data)))
            super().hear([say])
