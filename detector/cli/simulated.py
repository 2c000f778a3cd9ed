"""A simulated sensor for the commands that can do without a real one: the only way to it."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from detector.block import Samples
from detector.errors import ConfigError, RecordingError
from detector.sources.ble import BleSource
from detector.sources.clock import Clock, HostClock, ScaledClock
from detector.sources.radio import Adapter
from detector.sources.simulated_time import SampleTimedSource
from detector.sources.source import Source

VERITY_HZ = 52.0  # what a real Verity Sense offers, so that nothing is resampled on the way

if TYPE_CHECKING:
    from firmware_sim.child import Air
    from firmware_sim.motion.clonus import Engine
    from firmware_sim.motion.truth import Trace, Truth


@dataclass(frozen=True, slots=True)
class SimulatedSensor:
    """A virtual sensor on a virtual radio, and what watches it."""

    air: Air
    source: Source
    clock: Clock


@asynccontextmanager
async def simulated_sensor(
    trace: Path, *, speed: float = 1.0, drops: Sequence[str] = (), device: str | None = None
) -> AsyncIterator[SimulatedSensor]:
    """Have a virtual sensor play a trace in a process of its own, and a source that finds it."""
    from firmware_sim.child import running_air

    arguments = [str(trace), "--speed", str(speed)]
    arguments += [word for drop in drops for word in ("--drop", drop)]
    async with running_air(*arguments) as air:
        clock: Clock = HostClock()
        source: Source
        if speed == 1:
            source = source_on(air.address, clock, device)
        else:
            clock = scaled = ScaledClock(speed)
            source = SampleTimedSource(source_on(air.address, scaled, device), scaled)
        yield SimulatedSensor(air, source, clock)


def source_on(
    radio: str, clock: Clock, device: str | None = None, adapter: Adapter | None = None
) -> BleSource:
    """Return a live source on a virtual radio: only bleak's backend differs from a real one."""
    from firmware_sim.backend import backends

    scanner, client = backends(radio)
    return BleSource(
        device=device,
        clock=clock,
        scanner_backend=scanner,
        client_backend=client,
        adapter=adapter,
    )


def checked(path: Path) -> Path:
    """Return the path back if a virtual sensor can play it; RecordingError says why not."""
    from firmware_sim.playback import load_trace

    load_trace(path)
    return path


def scenarios() -> list[dict[str, Any]]:
    """Say what can be simulated: name, a line about it, its length in s, and what --into takes."""
    from firmware_sim.motion.repertoire import REPERTOIRES
    from firmware_sim.motion.scenarios import SCENARIOS

    return [
        {
            "scenario": name,
            "about": each.about,
            "usual_s": each.usual_s,
            "shortest_s": each.shortest_s,
            "into": name in REPERTOIRES,
        }
        for name, each in SCENARIOS.items()
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
    """Simulate a scenario; ConfigError if there is none of that name, length or rate."""
    from firmware_sim.motion.scenarios import scenario

    try:
        return scenario(name, seed=seed, duration_s=duration_s, fs=fs, site=site, engine=engine)
    except ValueError as error:
        raise ConfigError(f"simulate: {error}") from None


def save_trace(trace: Trace, path: Path) -> None:
    """Write a simulated trace as .npz, with its truth beside it as BIDS events."""
    meta = {"scenario": trace.scenario, "seed": trace.seed, "true_fs": trace.true_fs}
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
    """Which movements shall go into a recording, where, and how large.

    Parameters
    ----------
    background_ratio : rms of the recording over rms of a movement
    site : None for what the recording says, or else the ankle
    fs, unit : of a recording that does not say them
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
    """What became of it: how much recording, how many movements, how many found no place."""

    duration_s: float
    put_in: int
    left_out: int


def put_into(recording: Path, wanted: Wanted, target: Path) -> PutIn:
    """Write a copy of a real recording with simulated movements in it, and their truth beside it.

    Raises
    ------
    RecordingError
        It cannot be read, has no three axes, or holds no place for a movement.
    ConfigError
        What is wanted cannot be simulated.
    """
    from detector.store.formats.reader import load, open_recording
    from firmware_sim.motion.backgrounds import inject_every

    with open_recording(recording, fs=wanted.fs, unit=wanted.unit) as reader:
        site = wanted.site or reader.site or "ankle"
    if target.exists() and target.samefile(recording):
        raise ConfigError(f"{target}: this is the recording itself: write to another --out")
    loaded = load(recording, fs=wanted.fs, unit=wanted.unit)
    if not np.nan_to_num(loaded.samples[:, :2]).any():
        raise RecordingError(
            f"{loaded.name} holds the magnitude only: a movement needs a recording of three axes"
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
        raise ConfigError(f"simulate: {error}") from None
    if not made.truth:
        raise RecordingError(
            f"{loaded.name}: {wanted.scenario} found no place: it is too short, full of gaps, or "
            f"livelier than a limb can outdo. Try a smaller --every or a larger --ratio"
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
    """Write .npz and BIDS events, both whole or neither; `evaluate` reads the one by itself.

    Raises
    ------
    RecordingError
        There is no such folder, or the name does not end in .npz.
    """
    from firmware_sim.motion.truth import write_events

    if path.suffix.lower() != ".npz":
        raise RecordingError(f"{path}: simulated recordings are written as .npz: name it so")
    if not path.absolute().parent.is_dir():
        raise RecordingError(f"{path}: there is no such folder: create {path.parent} first")
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
    drafts = [file.with_name(f".{file.name}.{os.getpid()}.part") for file in (path, beside)]
    try:
        with drafts[0].open("wb") as file:
            np.savez_compressed(file, **fields)
        write_events(drafts[1], tuple(truth), seed=meta["seed"])
        for draft, file_path in zip(drafts, (path, beside), strict=True):
            draft.replace(file_path)
    finally:
        for draft in drafts:
            draft.unlink(missing_ok=True)
