"""What a frame must show to beat like clonus or tremor: the one rule for a beat."""

from __future__ import annotations

from typing import Final

import numpy as np

from detector.dsp.frames import Bools, Floats
from detector.dsp.trigger import ramp
from detector.recognition.bouts.frame_table import FrameTable
from detector.recognition.rules.thresholds import Ramp, Rules

BEAT_FIELDS: Final = ("regularity", "beats", "stride")
"""Columns of a frame that are evidence for a beat, each by the ramp of the same name."""


def bars_of(rules: Rules) -> tuple[Ramp, ...]:
    """Return the ramps of `BEAT_FIELDS`."""
    return rules.beat.regularity, rules.beat.beats, rules.beat.stride


def in_band(frames: FrameTable, rules: Rules) -> Bools:
    """Return which frames repeat at a rate of clonus or tremor."""
    rate_hz = frames["frequency_hz"]
    inside: Bools = (rate_hz >= rules.beat.low_hz) & (rate_hz <= rules.beat.high_hz)
    return inside


def beat_evidence(frames: FrameTable, rules: Rules) -> list[Floats | Bools]:
    """Return evidence from 0 to 1 of everything that a beat must show, (n,) each."""
    bars = zip(BEAT_FIELDS, bars_of(rules), strict=True)
    return [*(ramp(frames[name], *bar) for name, bar in bars), in_band(frames, rules)]


def rhythm_score(frames: FrameTable, rules: Rules) -> Floats:
    """Return evidence for a beat, (n,): the weakest of what it must show; 0 where nothing moves."""
    weakest, *others = beat_evidence(frames, rules)
    for evidence in others:
        weakest = np.minimum(weakest, evidence)
    return np.where(frames["active"], weakest, 0.0)


def nearest_to_beating(frames: FrameTable, rules: Rules) -> int:
    """Return the index of the active frame that comes nearest to beating.

    The one with the strongest weakest evidence; of equals the one with most evidence in all.
    """
    evidence = np.stack(beat_evidence(frames, rules))
    merit = evidence.min(axis=0) + 1e-3 * evidence.sum(axis=0)
    return int(np.argmax(np.where(frames["active"], merit, -1.0)))
