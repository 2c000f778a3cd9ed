"""Simulated recordings as files: a scenario, or movements added to a real recording, with truth."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from detector.block import Samples
from detector.errors import RecordingError
from detector.files import replacement
from detector.store.formats.reader import load, open_recording
from firmware_sim import torque
from firmware_sim.motion.backgrounds import inject_every
from firmware_sim.motion.clonus import Engine
from firmware_sim.motion.repertoire import REPERTOIRES
from firmware_sim.motion.scenarios import SCENARIOS, scenario
from firmware_sim.motion.truth import Trace, Truth, write_events
from firmware_sim.playback import load_trace

VERITY_HZ = 52.0  # rate of a real Verity Sense, so that nothing is resampled


class ScenarioError(ValueError):
    """There is no such scenario, or not of that length, rate or size; the message says which."""


def checked(path: Path) -> Path:
    """Return the path if a virtual sensor can play it.

    Raises
    ------
    RecordingError
        It cannot be played; the message says why.
    """
    load_trace(path)
    return path


def scenarios() -> list[dict[str, Any]]:
    """Return what can be simulated: name, description, usual length in s, fit for `put_into`."""
    return [
        {
            "scenario": name,
            "about": each.about,
            "usual_s": each.usual_s,
            "shortest_s": each.shortest_s,
            "into": name in REPERTOIRES,
        }
        for name, each in SCENARIOS.items()
    ] + [
        {
            "scenario": torque.PREFIX + name,
            "about": about,
            "usual_s": usual_s,
            "shortest_s": torque.SHORTEST_S,
            "into": False,
        }
        for name, about, usual_s in (
            *((name, each.about, 300.0) for name, each in torque.SCENES.items()),
            *((name, about, None) for name, (about, *_) in torque.NIGHTS.items()),
        )
    ]


def make_trace(
    name: str,
    *,
    seed: int,
    duration_s: float | None = None,
    fs: float = VERITY_HZ,
    site: str = "ankle",
    engine: Engine = "both",
) -> Trace:
    """Return a simulated recording with its truth.

    Raises
    ------
    ScenarioError
        There is no such scenario, or not of that length or rate.
    """
    try:
        if name.startswith(torque.PREFIX):
            if engine != "both":
                raise ScenarioError(f"{name} has clonus engines of its own: leave out --engine")
            return _on_a_mattress(
                name.removeprefix(torque.PREFIX), seed=seed, duration_s=duration_s, fs=fs, site=site
            )
        return scenario(name, seed=seed, duration_s=duration_s, fs=fs, site=site, engine=engine)
    except ValueError as error:
        raise ScenarioError(str(error)) from None


def _on_a_mattress(
    name: str, *, seed: int, duration_s: float | None, fs: float, site: str
) -> Trace:
    if name in torque.NIGHTS:
        _, spastic, severe = torque.NIGHTS[name]
        return torque.night(
            seed=seed, duration_s=duration_s, fs=fs, site=site, spastic=spastic, severe=severe
        )
    return torque.scene(name, seed=seed, duration_s=duration_s or 300.0, fs=fs, site=site)


def save_trace(trace: Trace, path: Path) -> None:
    """Write a simulated trace as .npz, with its truth beside it as BIDS events; see `save`."""
    meta = {"scenario": trace.scenario, "seed": trace.seed, "true_fs": trace.true_fs}
    meta |= {"loose_strap": True} if trace.loose_strap else {}
    save(
        path,
        trace.samples,
        trace.fs,
        trace.truth,
        placement=trace.site,
        source="simulated",
        meta=meta,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Movements to add to a recording: which, how often, how large.

    Parameters
    ----------
    background_ratio : rms of the recording over rms of a movement
    site : None takes the recording's, or else the ankle
    fs, unit : of a recording that does not state them
    """

    scenario: str
    background_ratio: float
    every_s: float
    seed: int
    site: str | None = None
    engine: Engine = "both"
    fs: float | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class PutIn:
    """Outcome: length of the recording, movements added, movements left out for lack of room."""

    duration_s: float
    put_in: int
    left_out: int


def put_into(recording: Path, wanted: Wanted, target: Path) -> PutIn:
    """Write a copy of a real recording with simulated movements in it, and their truth beside it.

    Raises
    ------
    RecordingError
        It cannot be read, does not have three axes, or has no room for a movement.
    ScenarioError
        There is no such movement, or not at this size or interval.
    """
    with open_recording(recording, fs=wanted.fs, unit=wanted.unit) as reader:
        site = wanted.site or reader.site or "ankle"
    if target.exists() and target.samefile(recording):
        raise ScenarioError(f"{target} is the recording itself: write to another file")
    loaded = load(recording, fs=wanted.fs, unit=wanted.unit)
    if not np.nan_to_num(loaded.samples[:, :2]).any():
        raise RecordingError(
            f"{loaded.name} holds only the magnitude: a movement needs a recording of three axes"
        )
    try:
        made = inject_every(
            loaded.samples,
            loaded.fs,
            wanted.scenario,
            every_s=wanted.every_s,
            background_ratio=wanted.background_ratio,
            seed=wanted.seed,
            site=site,
            engine=wanted.engine,
        )
    except ValueError as error:
        raise ScenarioError(str(error)) from None
    if not made.truth:
        raise RecordingError(
            f"{loaded.name}: there is no room for {wanted.scenario}: the recording is too short, "
            "has too many gaps, or moves more than a limb can. Try a smaller --every or a larger "
            "--ratio"
        )
    meta = {
        "into": loaded.name,
        "scenario": wanted.scenario,
        "seed": wanted.seed,
        "background_ratio": wanted.background_ratio,
        "every_s": wanted.every_s,
    }
    source = f"simulated movements in {loaded.name}"
    save(target, made.samples, loaded.fs, made.truth, placement=site, source=source, meta=meta)
    return PutIn(len(loaded.samples) / loaded.fs, len(made.truth), made.left_out)


def save(
    path: Path,
    samples: Samples,
    fs: float,
    truth: Sequence[Truth],
    *,
    placement: str,
    source: str,
    meta: dict[str, Any],
) -> None:
    """Write .npz and, beside it, BIDS events: both whole or neither.

    `evaluate` needs only the .npz, which holds the truth as well.

    Raises
    ------
    OSError
        The folder does not exist or cannot be written.
    """
    labels = [[t.onset_s, t.end_s, t.kind.value] for t in truth]
    fields: dict[str, Any] = {
        "acc": samples.astype(np.float32),
        "fs": fs,
        "labels": json.dumps(labels),
        "placement": placement,
        "source": source,
        "recording": path.stem,
        "meta": json.dumps(meta),
    }
    beside = path.with_name(f"{path.stem}_events.tsv")
    with replacement(path, synced=False) as trace, replacement(beside, synced=False) as table:
        with trace.open("wb") as file:
            np.savez_compressed(file, **fields)
        write_events(table, tuple(truth), seed=meta["seed"])
