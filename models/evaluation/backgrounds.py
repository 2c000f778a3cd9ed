"""Simulated clonus inside real movement: sensitivity by size of the background."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from detector.block import Block, Samples
from detector.evaluation.matching import (
    Context,
    FoundEvent,
    ScoredRecording,
    Truth,
    score_recording,
)
from detector.evaluation.peers import PEERS, Peers
from detector.evaluation.runner import OURS
from detector.evaluation.scoring import RHYTHMIC
from detector.events import Kind
from detector.night.offline import detect
from detector.store.formats.labels import find_labels
from firmware_sim.motion import Truth as Simulated
from firmware_sim.motion import inject_many

WALKING, BESIDE = "walking", "beside"
SKIPPED = {WALKING: ("freeze", "not_experiment"), BESIDE: ("freeze", "no_freeze")}
"""Not scored: freezes may contain trembling. Walking includes turning and standing;
beside it is what Daphnet calls no experiment: people sit, stand, wait, and sensors are handled."""
FIRST_SEED = 1000


@dataclass(frozen=True, slots=True, eq=False)
class _Ground:
    name: str
    samples: Samples
    fs: float
    contexts: tuple[Context, ...]


def buried(
    files: Sequence[Path],
    *,
    engine: str,
    ratios: Sequence[float],
    seconds: Sequence[float],
    seeds: int,
) -> dict[str, Any]:
    """Score each cell of ratios and lengths over all backgrounds and seeds together."""
    cells: dict[tuple[float, float], _Scores] = {}
    left_out = 0
    for ground, seed in product(_grounds(files), range(FIRST_SEED, FIRST_SEED + seeds)):
        for cell in inject_many(
            ground.samples,
            ground.fs,
            background_ratios=ratios,
            seconds=seconds,
            seed=seed,
            engine=engine,  # type: ignore[arg-type] # checked by inject_many
        ):
            left_out += cell.injected.left_out
            found = _found(cell.injected.samples, ground.fs)
            scores = cells.setdefault((cell.background_ratio, cell.seconds), _Scores())
            scores.add(ground, cell.injected.truth, found)
    rows = [
        {"ratio": ratio, "seconds": lasting_s} | row
        for (ratio, lasting_s), scores in sorted(cells.items())
        for row in scores.rows()
    ]
    return {"engine": engine, "cells": rows, "left_out": left_out}


def chance(
    files: Sequence[Path], *, ratio: float, seconds: Sequence[float], seeds: int
) -> dict[str, Any]:
    """Score the unchanged recordings at the places where clonus would have been put."""
    cells: dict[float, _Scores] = {}
    for ground in _grounds(files):
        found = _found(ground.samples, ground.fs)
        for seed in range(FIRST_SEED, FIRST_SEED + seeds):
            for cell in inject_many(
                ground.samples, ground.fs, background_ratios=[ratio], seconds=seconds, seed=seed
            ):
                scores = cells.setdefault(cell.seconds, _Scores())
                scores.add(ground, cell.injected.truth, found)
    rows = [
        {"ratio": None, "seconds": lasting_s} | row
        for lasting_s, scores in sorted(cells.items())
        for row in scores.rows()
    ]
    return {"cells": rows, "left_out": 0}


class _Scores:
    """What was found of one cell, recording by recording, in walking and beside it."""

    def __init__(self) -> None:
        self._outcomes: dict[tuple[str, str], list[ScoredRecording]] = {}

    def add(
        self, ground: _Ground, truth: Sequence[Simulated], found: Mapping[str, Sequence[FoundEvent]]
    ) -> None:
        truths = [Truth(onset_s=t.onset_s, end_s=t.end_s, kind=Kind.CLONUS) for t in truth]
        for (where, skip), (who, events) in product(SKIPPED.items(), found.items()):
            outcome = score_recording(
                truths,
                events,
                ground.contexts,
                monitored=[(0.0, len(ground.samples) / ground.fs)],
                skip=skip,
                subject=ground.name,
            )
            self._outcomes.setdefault((where, who), []).append(outcome)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Return hits of all bouts, short ones too; `rhythmic` includes those called tremor."""
        for where in SKIPPED:
            of, hits = 0, {}
            for who in (OURS, *PEERS):
                each = [t for o in self._outcomes[where, who] for t in o.truths]
                of, hits[who] = len(each), sum(t.named for t in each)
            ours = [t for o in self._outcomes[where, OURS] for t in o.truths]
            rhythmic = sum(t.best in RHYTHMIC for t in ours)
            yield {"where": where, "of": of, "hits": hits, "rhythmic": rhythmic}


def _found(samples: Samples, fs: float) -> dict[str, Sequence[FoundEvent]]:
    """Return the findings of the detector and the peers in a recording."""
    events = detect(samples, fs, site="ankle")
    others = Peers()
    others.process(Block(samples, 0, fs))
    ours = [FoundEvent(onset_s=e.onset_s, end_s=e.end_s, kind=e.kind) for e in events]
    return {OURS: ours, **others.finish()}


def _grounds(files: Sequence[Path]) -> Iterator[_Ground]:
    for file in files:
        labels = find_labels(file)
        contexts = tuple(
            Context(onset_s=each.onset_s, end_s=each.end_s, label=each.text)
            for each in (labels.items if labels else ())
        )
        with np.load(file, allow_pickle=False) as held:
            yield _Ground(file.stem, held["acc"].astype(np.float64), float(held["fs"]), contexts)
