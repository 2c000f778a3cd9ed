"""What runs over a whole night: a copy, our pipeline, the rules of others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import Any

import numpy as np
from scipy.signal import butter, sosfilt

from detector.block import Block, Samples
from detector.dsp import rhythm
from detector.dsp.frames import FRAME, Floor, Framer
from detector.dsp.grid import Grid
from detector.dsp.holds import Holds
from detector.evaluation.peers import (
    BAND_HOP_S,
    BAND_WINDOW_S,
    OSD_BLOCK,
    band_positive,
    osd_positive,
    osd_states,
    resampled,
)
from detector.events import Event
from detector.recognition import pipeline
from detector.recognition.bouts.tracker import Tracker
from detector.recognition.events.sequence import Sequence
from detector.recognition.pipeline import Watcher

FS = 50.0
EQUAL_HOP = 6  # samples at 25 Hz, 0.24 s: OpenSeizureDetector's block as often as our frame
AT_ONCE = 10_000  # windows, so that its spectra stay below 20 MB
HOUR = int(3600 * FS)

STAGES: dict[str, tuple[tuple[object, str], ...]] = {
    "grid": (
        (Holds, "split"), (Grid, "process"), (Grid, "finish"), (Framer, "process"),
    ),
    "frames and gate": ((pipeline, "measure_frames"), (Floor, "follow")),
    "rhythm of active frames": ((rhythm, "measure"),),
    "bouts and their onsets": ((Tracker, "follow"), (Tracker, "finish")),
    "rules": ((pipeline, "worth_asking"), (pipeline, "examine"), (pipeline, "decide")),
    "sequence": ((Sequence, "admit"), (Sequence, "finish")),
}  # fmt: skip
"""Where the time of a night goes: public parts of the pipeline, none inside another."""


@dataclass(slots=True)
class Shares:
    """Time in one run and in each stage of it, ms, and how many frames were active in it."""

    ms: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    active_frames: int = 0
    total_ms: float = 0.0


def contestants(samples: Samples) -> dict[str, Callable[[], object]]:
    """Return everything that is timed on a night, (n, 3), g, at 50 Hz, by name."""
    block = Block(samples, 0, FS)
    single, kept = samples.astype(np.float32), np.empty_like(samples)
    kept_single = np.empty_like(single)
    band = butter(4, (2.5, 15.0), "bandpass", fs=FS, output="sos")
    return {
        "copy": lambda: np.copyto(kept, samples),
        "copy, new memory": samples.copy,
        "copy, float32": lambda: np.copyto(kept_single, single),
        "spasmwatch": lambda: whole(block),
        "OSD's rule": lambda: osd(samples),
        "OSD's rule, block by block": lambda: osd_one_by_one(samples),
        "OSD's rule every 0.24 s": lambda: osd_at_our_hop(samples),
        "band-power rule": lambda: band_power(samples),
        "sosfilt 2.5-15 Hz": lambda: sosfilt(band, samples, axis=0),
    }


def whole(block: Block) -> list[Event]:
    """Samples in, final events out."""
    watcher = Watcher()
    return watcher.process(block) + watcher.finish()


def by_stage(block: Block) -> Shares:
    """Run the whole once more with a clock in front of every stage."""
    shares = Shares()
    with clocked(shares):
        began_ns = perf_counter_ns()
        whole(block)
        shares.total_ms = (perf_counter_ns() - began_ns) / 1e6
    return shares


@contextmanager
def clocked(shares: Shares) -> Iterator[None]:
    """Put clocks in front of the stages, and take them away again."""
    real = [(stage, at, name, getattr(at, name)) for stage, of in STAGES.items() for at, name in of]

    def timed(stage: str, run: Callable[..., Any]) -> Callable[..., Any]:
        def running(*words: Any, **named: Any) -> Any:
            began_ns = perf_counter_ns()
            try:
                return run(*words, **named)
            finally:
                shares.ms[stage] += (perf_counter_ns() - began_ns) / 1e6
                if run is real_measure:
                    shares.active_frames += len(words[0])

        return running

    real_measure = rhythm.measure
    try:
        for stage, at, name, run in real:
            setattr(at, name, timed(stage, run))
        yield
    finally:
        for _, at, name, run in real:
            setattr(at, name, run)


def osd(samples: Samples) -> np.ndarray:
    """Run OpenSeizureDetector's rule on its own grid, all blocks of the night in one call."""
    return osd_states(osd_positive(_magnitude_mg(samples)))


def osd_one_by_one(samples: Samples) -> np.ndarray:
    """Run it one 5 s block at a time, as a watch sends them."""
    magnitude = _magnitude_mg(samples)
    blocks = magnitude[: len(magnitude) // OSD_BLOCK * OSD_BLOCK].reshape(-1, OSD_BLOCK)
    return osd_states(np.array([osd_positive(block)[0] for block in blocks], dtype=bool))


def osd_at_our_hop(samples: Samples) -> list[np.ndarray]:
    """Run its spectra as often as we look."""
    magnitude = _magnitude_mg(samples)
    windows = np.lib.stride_tricks.sliding_window_view(magnitude, OSD_BLOCK)[::EQUAL_HOP]
    return [
        osd_positive(windows[first : first + AT_ONCE].reshape(-1))
        for first in range(0, len(windows), AT_ONCE)
    ]


def band_power(samples: Samples) -> list[np.ndarray]:
    """Run the band-power rule, an hour at a time."""
    overlap = round((BAND_WINDOW_S - BAND_HOP_S) * FS)
    return [
        band_positive(samples[first : first + HOUR + overlap], FS)
        for first in range(0, len(samples), HOUR)
    ]


def frames_of(samples: Samples) -> int:
    """Count whole frames."""
    return len(samples) // FRAME


def _magnitude_mg(samples: Samples) -> np.ndarray:
    slow = resampled(samples, FS)
    magnitude: np.ndarray = 1000 * np.sqrt((slow * slow).sum(axis=1))
    return magnitude
