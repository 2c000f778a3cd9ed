"""The data for training and validation: simulated movement, and recordings of people.

Never `firmware_sim.sealed`: what a model finds on that generator is only ever measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Final, TypeAlias
from zlib import crc32

import numpy as np
from variation import Moved, varied

from detector.block import Samples
from detector.evaluation.matching import Truth
from detector.evaluation.runner import site_of
from detector.events import Kind
from detector.store.formats.labels import Labels, find_labels
from detector.store.formats.reader import open_recording
from firmware_sim import torque
from firmware_sim.motion import inject_every, scenario
from firmware_sim.motion.truth import Trace
from firmware_sim.motion.truth import Truth as SimulatedTruth


class Origin(StrEnum):
    """Where a recording is from: what a model is tried without, as it may know its habits."""

    OWN = "own"  # firmware_sim.motion: drawn movements
    TORQUE = "torque"  # firmware_sim.torque: forward dynamics
    REAL = "real"  # people, also with simulated movements in them


TRAINED_ON: Final = (
    "daphnet", "hmp_wrist_adl", "mobgap_lowback", "osd_seizures", "paradigma_wrist",
    "pdkit_cloudupdrs", "seglearn_watch", "skdh_gait", "stanford_fog", "uji_watch_tug",
)  # fmt: skip
"""Recordings of people whose licences allow training; none holds a likely spasm."""

LOOKED_AT: Final = ("actigraph_day", "uea_epilepsy")
"""Recordings of people whose licences allow evaluation only."""

UNLABELLED = {"daphnet": ("not_experiment",)}
"""Unlabelled stretches (sensors were put on and off there)."""

SEIZING = ("Seizure/",)
"""Stretches of seizures that are not negatives: their jerks are not voluntary. Auras are.
Labels are exact to `SEIZURE_MARGIN_S`."""
AURA = "Seizure/Aura"
SEIZURE_MARGIN_S = 5.0

TREMOR_TASKS = ("rest_tremor", "postural_tremor", "kinetic_tremor")
"""Tasks in which a rhythm is a tremor: what pdkit's test persons were asked to show."""

GROUND = ("daphnet", "osd_seizures", "seglearn_watch", "stanford_fog")
"""Long enough for simulated movements in them, so that "real" does not come to mean "no spasm"."""
GROUND_RATIOS = (0.1, 0.3)
"""Background over movement: beyond 0.3 the movement is hardly to be seen (research, finding 4)."""
GROUND_REPERTOIRES = ("clonus", "spasms", "twitch")
SLOT_S = 25.0

Spans: TypeAlias = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Recording:
    """Samples with their labels; `left_out` are (start, end) s without any."""

    source: Source
    site: str
    fs: float
    samples: Samples
    truths: tuple[Truth, ...]
    left_out: Spans = ()

    @property
    def hours(self) -> float:
        """Return the length on the sample clock."""
        return len(self.samples) / self.fs / 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A recording by its name, before it is simulated or read.

    Parameters
    ----------
    group : what it is weighed with and counted as: `Origin.OWN`, "soft" nights, a data set
    scene : the scenario, of a generator; the file, of people
    scene_s : length
    number : of a real recording with simulated movements in it, in its data set; else None
    varied : whether another limb wears it (`variation`)
    """

    origin: Origin
    group: str
    scene: str
    seed: int = 0
    scene_s: float = 0.0
    site: str = ""
    fs: float = 0.0
    number: int | None = None
    varied: bool = False

    @property
    def name(self) -> str:
        """Return the name, which no other has."""
        if self.origin is Origin.REAL:
            return f"{self.group} {self.scene}" + ("" if self.number is None else " grounded")
        name = f"{self.origin} {self.scene} {self.seed} {self.scene_s:g} {self.site} {self.fs:g}"
        return name + (" varied" if self.varied else "")

    def recording(self, traces: Path) -> Recording:
        """Simulate it, or read it from the folder of real recordings."""
        if self.origin is Origin.REAL:
            found = _read(self, traces)
            return found if self.number is None else _grounded(found, self.number)
        plain = _simulated(replace(self, varied=False))
        if not self.varied:
            return plain
        other = varied(Moved(plain.samples, plain.fs, plain.truths), self.seed)
        return replace(plain, source=self, **other._asdict())


@lru_cache(maxsize=1)  # a varied recording comes behind the one that it is made from
def _simulated(source: Source) -> Recording:
    seed, site, fs, length_s = source.seed, source.site, source.fs, source.scene_s
    if source.origin is Origin.OWN:
        trace = scenario(
            source.scene, seed=seed, duration_s=length_s, fs=fs, site=site, engine="both"
        )
    elif source.scene in TORQUE_NIGHTS:
        trace = torque.night(
            seed=seed,
            duration_s=length_s,
            spastic=source.scene != FREE,
            severe=source.scene == TORQUE_SEVERE,
            site=site,
            fs=fs,
        )
    else:
        trace = torque.scene(source.scene, seed=seed, duration_s=length_s, site=site, fs=fs)
    return of_trace(trace, source)


def of_trace(trace: Trace, source: Source) -> Recording:
    """Return a simulated trace as a recording."""
    return Recording(
        source=source,
        site=trace.site,
        fs=trace.fs,
        samples=trace.samples,
        truths=tuple(_truth(truth) for truth in trace.truth),
    )


def people(traces: Path, group: str) -> Iterator[Source]:
    """Return the recordings of a data set by name, each also with movements put into it."""
    for number, path in enumerate(sorted((traces / group).glob("*.npz"))):
        source = Source(origin=Origin.REAL, group=group, scene=path.stem)
        yield source
        if group in GROUND:
            yield replace(source, number=number)


def _read(source: Source, traces: Path) -> Recording:
    path = traces / source.group / f"{source.scene}.npz"
    labels = find_labels(path)
    assert labels is not None  # noqa: S101 - every file of the folder carries its own
    with open_recording(path) as reader:
        fs = reader.timebase.fs
        assert reader.total is not None  # noqa: S101 - an .npz says how long it is
        samples = np.full((reader.total, 3), np.nan)
        for block in reader.blocks():
            samples[block.start : block.stop] = block.samples
    return Recording(
        source=source,
        site=site_of(labels.placement) or "wrist",  # a hand has no thresholds of its own
        fs=fs,
        samples=samples,
        truths=_tremors(labels),
        left_out=_left_out(source.group, labels),
    )


def _tremors(labels: Labels) -> tuple[Truth, ...]:
    tasks = (label for label in labels.items if label.text.startswith(TREMOR_TASKS))
    return tuple(Truth(onset_s=t.onset_s, end_s=t.end_s, kind=Kind.TREMOR) for t in tasks)


def _grounded(recording: Recording, number: int) -> Recording:
    """Return a real recording with simulated movements in it, of one repertoire in turn."""
    repertoire = GROUND_REPERTOIRES[number % len(GROUND_REPERTOIRES)]
    seed = crc32(f"{recording.source.group}/{recording.source.scene}".encode())
    injected = inject_every(
        recording.samples,
        recording.fs,
        repertoire,
        every_s=SLOT_S,
        background_ratio=GROUND_RATIOS[seed % len(GROUND_RATIOS)],
        seed=seed,
        site=recording.site,
    )
    truths = tuple(_truth(truth) for truth in injected.truth)
    return replace(recording, samples=injected.samples, truths=recording.truths + truths)


def _left_out(group: str, labels: Labels) -> Spans:
    """Return stretches in which an event is neither right nor wrong."""
    spans = []
    for label in labels.items:
        if label.text in UNLABELLED.get(group, ()):
            spans.append((label.onset_s, label.end_s))
        if label.text.startswith(SEIZING) and label.text != AURA:
            spans.append((label.onset_s - SEIZURE_MARGIN_S, label.end_s + SEIZURE_MARGIN_S))
    return tuple(spans)


def _truth(truth: SimulatedTruth) -> Truth:
    return Truth(
        onset_s=truth.onset_s,
        end_s=truth.end_s,
        kind=truth.kind,
        parts=truth.parts or (),
        rhythm_hz=truth.rhythm_hz,
        manner=truth.manner,
        background_ratio=truth.background_ratio,
    )


# What is simulated. A scene is one of `firmware_sim.motion` or `firmware_sim.torque`.

FREE, SPASTIC, TORQUE_SEVERE = "free", "spastic", "severe"
TORQUE_NIGHTS = (FREE, SPASTIC, TORQUE_SEVERE)
HARD, HARD_FREE, SEVERE = "hard-night", "hard-night-without-spasms", "severe-night"
SOFT = ("night", "night-without-spasms")

WITHOUT_SPASMS = frozenset({FREE, HARD_FREE, "night-without-spasms"})
"""Nights on which every likely spasm is false."""
HARDEST = frozenset({FREE, HARD_FREE})
"""... those of both generators by which thresholds are set."""
ANNOUNCED = frozenset({HARD, SPASTIC})
"""Nights by which announcements are judged: some spasms, and much that looks like one. On a severe
night nearly everything is one."""

OWN_SCENES = (
    "clonus", "mixed", "spasms", "twitch", "tonic", "tremor", "abrupt-tremor", "turning", "plm",
    "knocks", "scratching", "restless", "walk-to-bathroom", "ramped", "stretching", "jiggling",
    "rubbing", "rings", "pet", "loose-strap", "hemiparetic",
)  # fmt: skip
TORQUE_SCENES = tuple(torque.SCENES)

WORN = (
    ("ankle", 50.0), ("calf", 52.0), ("ankle", 50.0), ("foot", 100.0), ("ankle", 104.0),
    ("thigh", 50.0), ("ankle", 26.0),
)  # fmt: skip
"""Sites and rates in turn; more than half of them the ankle, as we ask people to wear it."""
FASTEST_TORQUE_HZ = 100.0


Nights: TypeAlias = tuple[str, int, int]
"""Scene, how many nights of it, and the seed of the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The nights of each generator, and how often every scene is played, from which seed on."""

    own: tuple[Nights, ...]
    torque: tuple[Nights, ...]
    night_s: float = 28_800.0
    own_rounds: tuple[int, int] = (0, 0)
    torque_rounds: tuple[int, int] = (0, 0)
    own_scene_s: float = 600.0
    torque_scene_s: float = 900.0
    own_scenes: tuple[str, ...] = OWN_SCENES
    varied: bool = False  # each recording also as another limb would wear it
    torque_scenes: tuple[str, ...] = TORQUE_SCENES


FIT = Plan(
    own=(
        (HARD_FREE, 24, 4000),
        (HARD, 24, 4100),
        (SOFT[0], 8, 4300),
        (SOFT[1], 8, 4400),
        (SEVERE, 8, 4500),
    ),
    torque=((FREE, 32, 5000), (SPASTIC, 32, 5100), (TORQUE_SEVERE, 8, 5200)),
    own_rounds=(4, 4600),
    torque_rounds=(3, 5300),
    varied=True,
)
CALIBRATE = Plan(
    own=((HARD_FREE, 16, 6000), (HARD, 16, 6100), (SEVERE, 6, 6200)),
    torque=((FREE, 16, 6300), (SPASTIC, 12, 6400), (TORQUE_SEVERE, 4, 6500)),
)
CHECK = Plan(
    own=(
        (HARD_FREE, 8, 8000),
        (HARD, 8, 8100),
        (SEVERE, 4, 8200),
        (SOFT[0], 4, 8300),
        (SOFT[1], 4, 8400),
    ),
    torque=((FREE, 8, 8500), (SPASTIC, 8, 8600), (TORQUE_SEVERE, 4, 8700)),
)
"""No seed of one plan is in another."""


def simulated(plan: Plan) -> Iterator[Source]:
    """Return a plan's recordings by name, a varied one behind the one that it is made from."""
    for source in _plain(plan):
        yield source
        if plan.varied:
            yield replace(source, varied=True)


def _plain(plan: Plan) -> Iterator[Source]:
    for origin, nights in ((Origin.OWN, plan.own), (Origin.TORQUE, plan.torque)):
        for scene, many, first in nights:
            for number in range(many):
                yield _source(origin, scene, number, first, plan.night_s)
    for origin, (rounds, first), scenes, scene_s in (
        (Origin.OWN, plan.own_rounds, plan.own_scenes, plan.own_scene_s),
        (Origin.TORQUE, plan.torque_rounds, plan.torque_scenes, plan.torque_scene_s),
    ):
        for number in range(rounds):
            for scene in scenes:
                yield _source(origin, scene, number, first, scene_s)


def _source(origin: Origin, scene: str, number: int, first_seed: int, scene_s: float) -> Source:
    site, fs = WORN[number % len(WORN)]
    return Source(
        origin=origin,
        group="soft" if origin is Origin.OWN and scene in SOFT else origin.value,
        scene=scene,
        seed=first_seed + number,
        scene_s=scene_s,
        site=site,
        fs=fs if origin is Origin.OWN else min(fs, FASTEST_TORQUE_HZ),
    )
