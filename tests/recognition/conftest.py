"""Recordings that hold something of everything, made small enough to be cut a thousand ways."""

from __future__ import annotations

import json

import numpy as np
import pytest

from detector.block import Block
from detector.events import Event, to_dict
from detector.recognition.pipeline import Watcher


def busy_recording(seed: int = 3, fs: float = 50.0, length_s: float = 150.0) -> np.ndarray:
    """Rest, a clonus, jerks in series and alone, a turn, a tremble in movement: (n, 3) g."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(length_s * fs)) / fs
    x = np.array([0.1, 0.0, 0.99]) + rng.normal(0, 1.5e-3, (len(t), 3))

    def add(onset_s: float, duration_s: float, wave: np.ndarray, axis: np.ndarray) -> None:
        inside = (t >= onset_s) & (t < onset_s + duration_s)
        x[inside] += wave[inside, None] * axis

    for onset_s, rate_hz in ((8.0, 5.5), (70.0, 6.5), (71.0, 3.2)):
        beat = 0.15 * np.sin(2 * np.pi * rate_hz * (t - onset_s))
        add(onset_s, 3.1, beat + 0.4 * beat**2, rng.normal(size=3))
    for onset_s in (20.0, 33.0, 47.0, 61.0, 110.0):
        flick = 0.3 * np.exp(-(((t - onset_s - 0.15) / 0.06) ** 2))
        way = rng.normal(size=3)
        add(onset_s, 1.0, flick, way)
        if onset_s < 70:  # a series: each falls back
            add(onset_s + 1.6, 1.0, np.roll(flick, round(1.6 * fs)), -0.5 * way)
    tilt = 0.4 / (1 + np.exp(-(t - 90) / 0.5))
    x[:, 0] += tilt
    noisy = (t > 120) & (t < 138)
    x[noisy] += rng.normal(0, 0.08, (noisy.sum(), 3))
    return np.round(x, 3)


def watch(watcher: Watcher, blocks: list[Block]) -> list[str]:
    """Every word a watcher says about blocks, as JSON lines."""
    said: list[Event] = []
    for block in blocks:
        said += watcher.process(block)
    return [line(event) for event in said + watcher.finish()]


def line(event: Event) -> str:
    """Write an event as recognition gives it, not yet in words."""
    return json.dumps(to_dict(event), allow_nan=False)


@pytest.fixture(scope="session")
def recording() -> np.ndarray:
    return busy_recording()


@pytest.fixture(scope="session")
def whole(recording: np.ndarray) -> list[str]:
    """What one big block says; it must say something of several kinds for the laws to mean much."""
    lines = watch(Watcher(), [Block(recording, 0, 50.0)])
    kinds = {line.split('"kind": "')[1].split('"')[0] for line in lines}
    assert {"clonus", "twitch", "turn"} <= kinds
    assert len(lines) > 8
    return lines
