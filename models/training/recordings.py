"""The data for training and validation: simulated movement, and recordings of people.

Never `firmware_sim.sealed`: that generator is used once, for the final score.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias
from zlib import crc32

import numpy as np

from detector.block import Samples
from detector.evaluation.matching import Truth
from detector.evaluation.runner import site_of
from detector.store.formats.labels import Labels, find_labels
from detector.store.formats.reader import open_recording
from firmware_sim.motion import inject_every, scenario
from firmware_sim.motion.clonus import Engine
from firmware_sim.motion.truth import Trace
from firmware_sim.motion.truth import Truth as SimulatedTruth

SIMULATED = "simulated"

TRAINED_ON = (
    "daphnet", "hmp_wrist_adl", "osd_seizures", "seglearn_watch", "stanford_fog", "uji_watch_tug",
)  # fmt: skip
"""Real negatives whose licences allow training."""

LOOKED_AT = ("actigraph_day", "uea_epilepsy")
"""Real recordings whose licences allow evaluation only."""

UNLABELLED = {"daphnet": ("not_experiment",)}
"""Unlabelled stretches (sensors were put on and off there)."""

SEIZING = ("Seizure/",)
"""Stretches of seizures that are not negatives: their jerks are not voluntary. The margins and the
auras are; boundaries are +- 5 s."""
AURA = "Seizure/Aura"
SEIZURE_MARGIN_S = 5.0

GROUND = ("daphnet", "osd_seizures", "seglearn_watch", "stanford_fog")
"""Long enough for simulated movements in them, so that "real" does not come to mean "no spasm"."""
GROUND_RATIOS = (0.1, 0.3)
"""Background over movement: beyond 0.3 the rules miss movements too (research, finding 4)."""
GROUND_REPERTOIRES = ("clonus", "spasms", "twitch")
SLOT_S = 25.0

Spans: TypeAlias = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Recording:
    """Samples with their labels.

    Parameters
    ----------
    group : the data set, or `simulated`
    engines : clonus engine of each truth, if any
    left_out : (start, end) s without labels
    """

    name: str
    group: str
    subject: str
    site: str
    fs: float
    samples: Samples
    truths: tuple[Truth, ...]
    engines: tuple[str | None, ...] = ()
    left_out: Spans = ()

    @property
    def seconds(self) -> float:
        """Return the length on the sample clock, s."""
        return len(self.samples) / self.fs


SCENES = (
    "clonus", "mixed", "spasms", "twitch", "tonic", "tremor", "abrupt-tremor", "turning", "plm",
    "knocks", "scratching", "restless", "walk-to-bathroom",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Numbers of simulated recordings: nights of each kind, and rounds of every scenario."""

    nights: int
    still_nights: int
    night_s: float
    rounds: int
    scene_s: float
    first_seed: int
    scenes: tuple[str, ...] = SCENES


FIT = Plan(nights=10, still_nights=6, night_s=18_000.0, rounds=10, scene_s=600.0, first_seed=1_000)
CALIBRATE = Plan(
    nights=18, still_nights=6, night_s=18_000.0, rounds=0, scene_s=600.0, first_seed=2_000
)
CHECK = Plan(nights=6, still_nights=6, night_s=25_200.0, rounds=8, scene_s=600.0, first_seed=3_000)
SMALL_FIT = Plan(
    nights=0,
    still_nights=0,
    night_s=3_600.0,
    rounds=1,
    scene_s=480.0,
    first_seed=1_000,
    scenes=("clonus", "abrupt-tremor"),
)
SMALL_CALIBRATE = replace(SMALL_FIT, first_seed=2_000)
"""Enough to test in seconds that training is reproducible."""

WORN = (
    ("ankle", 50.0), ("calf", 52.0), ("ankle", 25.0), ("foot", 100.0), ("ankle", 104.0),
    ("thigh", 50.0),
)  # fmt: skip
"""Sites and rates in turn; half of them the ankle, as we ask people to wear it."""
ENGINES: tuple[Engine, ...] = ("reflex", "pulse")


def simulated(plan: Plan) -> Iterator[Recording]:
    """Return a plan's recordings, one at a time."""
    nights = ["night"] * plan.nights + ["night-without-spasms"] * plan.still_nights
    for number, name in enumerate(nights):
        site, fs = WORN[number % len(WORN)]
        seed = plan.first_seed + number
        yield of_trace(
            scenario(name, seed=seed, duration_s=plan.night_s, fs=fs, site=site, engine="both")
        )
    for number in range(plan.rounds):
        site, fs = WORN[number % len(WORN)]
        seed = plan.first_seed + 500 + number
        for name in plan.scenes:
            engines: Sequence[Engine] = ENGINES if name in {"clonus", "mixed"} else ("both",)
            for engine in engines:
                trace = scenario(
                    name, seed=seed, duration_s=plan.scene_s, fs=fs, site=site, engine=engine
                )
                yield of_trace(trace, note=engine)


def of_trace(trace: Trace, note: str = "both", group: str = SIMULATED) -> Recording:
    """Return a simulated trace as a recording."""
    return Recording(
        name=f"{trace.scenario} {trace.seed} {note} {trace.site} {trace.fs:g}",
        group=group,
        subject=f"{group} {trace.seed}",
        site=trace.site,
        fs=trace.fs,
        samples=trace.samples,
        truths=tuple(_truth(truth) for truth in trace.truth),
        engines=tuple(truth.engine for truth in trace.truth),
    )


def real(traces: Path, group: str) -> Iterator[Recording]:
    """Return the recordings of a data set in order of name."""
    for path in sorted((traces / group).glob("*.npz")):
        labels = find_labels(path)
        assert labels is not None  # noqa: S101 - every file of the folder carries its own
        with open_recording(path) as reader:
            fs = reader.timebase.fs
            assert reader.total is not None  # noqa: S101 - an .npz says how long it is
            samples = np.full((reader.total, 3), np.nan)
            for block in reader.blocks():
                samples[block.start : block.stop] = block.samples
        yield Recording(
            name=f"{group}/{path.stem}",
            group=group,
            subject=f"{group} {labels.subject}",
            site=site_of(labels.placement) or "ankle",
            fs=fs,
            samples=samples,
            truths=(),
            left_out=_left_out(group, labels),
        )


def grounded(recording: Recording, number: int) -> Recording:
    """Return a real recording with simulated movements in it, of one repertoire in turn."""
    repertoire = GROUND_REPERTOIRES[number % len(GROUND_REPERTOIRES)]
    seed = crc32(recording.name.encode())
    injected = inject_every(
        recording.samples,
        recording.fs,
        repertoire,
        every_s=SLOT_S,
        background_ratio=GROUND_RATIOS[seed % len(GROUND_RATIOS)],
        seed=seed,
        site=recording.site,
    )
    return replace(
        recording,
        name=f"{recording.name} with {repertoire}",
        samples=injected.samples,
        truths=tuple(_truth(truth) for truth in injected.truth),
        engines=tuple(truth.engine for truth in injected.truth),
    )


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
