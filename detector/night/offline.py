"""A whole recording at once: the live pipeline given one big block."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from detector.block import AXES, Block, Samples
from detector.events import Event, final_forms
from detector.recognition.pipeline import Watcher
from detector.recognition.rules.opinions import DEFAULT_MODEL
from detector.store.formats.checks import FASTEST_HZ, LARGEST_G, SLOWEST_HZ
from detector.words.reasons import worded


def detect(
    samples: ArrayLike, fs: float, *, site: str = "ankle", model: str = DEFAULT_MODEL
) -> list[Event]:
    """Find the events of a recording.

    Parameters
    ----------
    samples : (n, 3), g; rows that are not numbers are a gap, as `load` gives them
    fs : sampling rate, Hz
    site : foot, ankle, calf, thigh, wrist or trunk
    model : a folder of `models/`

    Returns
    -------
    Every event once, in its final form, in order of onset.

    Raises
    ------
    ValueError
        `samples` have another shape, or one is beyond any acceleration; `fs` is no rate at which a
        clonus can be told. As files are refused.
    """
    array = np.asarray(samples, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != AXES:
        raise ValueError(f"samples must have shape (n, {AXES}), got {array.shape}")
    if not SLOWEST_HZ <= fs <= FASTEST_HZ:
        raise ValueError(f"fs must be {SLOWEST_HZ:g} to {FASTEST_HZ:g} Hz, got {fs}")
    largest_g = float(np.abs(array[np.isfinite(array)]).max(initial=0.0))
    if largest_g > LARGEST_G:
        raise ValueError(f"{largest_g:.3g} g is no acceleration: samples must be in g")
    watcher = Watcher(site=site, model=model)
    said: list[Event] = []
    for first, stop in _whole_stretches(array):
        said += watcher.process(Block(array[first:stop], first, fs))
    return [worded(event) for event in final_forms(said + watcher.finish())]


def _whole_stretches(samples: Samples) -> list[tuple[int, int]]:
    """First index and end of every stretch in which all numbers are finite."""
    whole = np.isfinite(samples).all(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], whole, [False]))))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
