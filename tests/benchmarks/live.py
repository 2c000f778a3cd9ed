"""What a live wearer costs: alone in chunks of 0.2 s, and among a thousand as rows."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter_ns

import numpy as np

from detector.block import Block, Samples
from detector.dsp.frames import FRAME, FRAME_S
from detector.events import Event, to_dict
from detector.recognition.pipeline import Bank, Watcher
from firmware_sim.motion import Trace, scenario

CHUNK_S = 0.2
WARM_S = 10.0  # not timed: what Python and numpy do once
AROUND_S = 3.0  # a bout stays open for a second behind its last movement, and is then judged
SAVED_EVERY = 10  # chunks between two looks at the size of the state

ACTIVE_SHARE = 0.05  # of the frames of a thousand wearers at any moment
POOL = 12  # recordings that wearers share, each at a moment of their own
POOL_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunks:
    """One live wearer: ms for each chunk in stillness and in movement, and what is remembered."""

    fs: float
    still_ms: tuple[float, float, float]
    moving_ms: tuple[float, float, float]
    of_still: int
    of_moving: int
    state_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Many live wearers as rows of one `Bank`, a frame of 0.24 s at a time."""

    wearers: int
    active_share: float
    step_ms: tuple[float, float, float]
    wearers_per_core: float
    events: int
    identical: bool


def one_wearer(fs: float, passes: int, length_s: float = 600.0) -> Chunks:
    """Time a wearer who lies still, spasms, walks and has a minute of clonus.

    Each chunk's time is the middle one of several passes; then p50, p99 and the largest of them.
    """
    trace = scenario("demo", seed=1, fs=fs)
    size = round(CHUNK_S * fs)
    chunks = [
        Block(trace.samples[first : first + size], first, fs)
        for first in range(0, int(length_s * fs) - size, size)
    ]
    taken, state_bytes = [], 0
    for number in range(passes):
        watcher, times = Watcher(), []
        for index, chunk in enumerate(chunks):
            began_ns = perf_counter_ns()
            watcher.process(chunk)
            times.append((perf_counter_ns() - began_ns) / 1e6)
            if number == 0 and index % SAVED_EVERY == 0:
                state_bytes = max(state_bytes, len(json.dumps(watcher.save())))
        taken.append(times)
    ms = np.median(np.array(taken), axis=0)
    moving = np.array([_moving(trace, chunk.start / fs) for chunk in chunks])
    warm = np.array([chunk.start / fs >= WARM_S for chunk in chunks])
    return Chunks(
        fs=fs,
        still_ms=_quantiles(ms[warm & ~moving]),
        moving_ms=_quantiles(ms[warm & moving]),
        of_still=int((warm & ~moving).sum()),
        of_moving=int((warm & moving).sum()),
        state_bytes=state_bytes,
    )


def many_wearers(count: int, steps: int, pool_s: float = POOL_S) -> Rows:
    """Time a bank of wearers, and compare every event with that of each wearer alone."""
    streams = _streams(count, steps, pool_s)
    together = Bank(["ankle"] * count)
    rows, times, events = list(range(count)), [], defaultdict[int, list[Event]](list)
    for step in range(steps):
        samples = np.ascontiguousarray(streams[:, step * FRAME : (step + 1) * FRAME])
        starts = [step * FRAME] * count
        began_ns = perf_counter_ns()
        said = together.process(rows, starts, samples)
        times.append((perf_counter_ns() - began_ns) / 1e6)
        for wearer, event in said:
            events[wearer].append(event)
    for wearer in rows:
        events[wearer] += together.finish(wearer)
    warm = np.array(times[len(times) // 10 :])
    return Rows(
        wearers=count,
        active_share=float(np.mean([_busy(stream) for stream in streams])),
        step_ms=_quantiles(warm),
        wearers_per_core=count * 1000 * FRAME_S / float(warm.mean()),
        events=sum(map(len, events.values())),
        identical=all(_lines(events[wearer]) == _alone(streams[wearer]) for wearer in rows),
    )


def _moving(trace: Trace, at_s: float) -> bool:
    return any(t.onset_s - CHUNK_S < at_s < t.end_s + AROUND_S for t in trace.truth)


def _quantiles(ms: np.ndarray) -> tuple[float, float, float]:
    p50, p99, most = np.quantile(ms, (0.5, 0.99, 1.0)).tolist()
    return p50, p99, most


def _streams(count: int, steps: int, pool_s: float) -> Samples:
    """Return (wearers, samples, 3): so many of them with movement that the share comes out."""
    rng = np.random.default_rng(1)
    seeds = range(min(POOL, count))
    pool = [scenario("mixed", seed=seed, duration_s=pool_s).samples for seed in seeds]
    still = [scenario("quiet", seed=seed, duration_s=pool_s).samples for seed in seeds]
    share = float(np.mean([_busy(samples) for samples in pool]))
    restless = rng.random(count) < ACTIVE_SHARE / share
    length = steps * FRAME
    streams = np.empty((count, length, 3))
    for wearer in range(count):
        source = (pool if restless[wearer] else still)[wearer % len(seeds)]
        first = int(rng.integers(0, len(source) - length + 1))
        streams[wearer] = source[first : first + length]
    return streams


def _busy(samples: Samples) -> float:
    """Share of frames whose energy would open a gate at 6 mg, the lowest there is."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME, 3)
    return float((np.sqrt(frames.var(axis=1).sum(axis=1)) > 6e-3).mean())


def _alone(stream: Samples) -> list[str]:
    bank = Bank(["ankle"])
    said = [told.event for _, told in bank.process([0], [0], stream[np.newaxis])]
    return _lines([*said, *(told.event for told in bank.finish(0))])


def _lines(events: Sequence[Event]) -> list[str]:
    return [json.dumps(to_dict(event)) for event in events]
