"""A whole recording at once: the live pipeline given one big block."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from detector.block import Block
from detector.events import Event, final_forms
from detector.recognition.pipeline import Watcher


def detect(samples: ArrayLike, fs: float, *, site: str = "ankle") -> list[Event]:
    """Find the events of a recording.

    Parameters
    ----------
    samples : (n, 3), g
    fs : sampling rate, Hz
    site : foot, ankle, calf, thigh, wrist or trunk

    Returns
    -------
    Every event once, in its final form, in order of onset.
    """
    watcher = Watcher(site=site)
    block = Block(np.asarray(samples, dtype=np.float64), 0, fs)
    return final_forms(watcher.process(block) + watcher.finish())
