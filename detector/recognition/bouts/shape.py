"""The course of a bout: how the limb was turned, held and let go, and how its strength went.

A flexor spasm pulls the limb away from its posture, holds it there and lets it sink back; a new
position stays; what rings only dies away. All of it is read from frames of 0.24 s.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, takewhile
from math import sqrt

import numpy as np

from detector.dsp.frames import FRAME, FRAME_S, Floats
from detector.dsp.ranks import middle, total
from detector.dsp.rhythm import SUBFRAME, SUBFRAME_S
from detector.recognition.bouts.bout import Bout
from detector.recognition.bouts.frame_table import COLUMN

AWAY_SHARE = 0.7
"""From this share of its largest angle on the limb is away: where it is held it trembles."""

FADED_SHARE = 0.1  # of its strongest: below, an envelope is noise

BEATS = 0.5  # score from which a frame's rate is one

_RMS_G, _PACE_HZ = COLUMN["rms_g"], COLUMN["pace_hz"]
_REGULARITY, _BEATS, _STRIDE = COLUMN["regularity"], COLUMN["beats"], COLUMN["stride"]
_FREQUENCY_HZ, _LINE, _SCORE = COLUMN["frequency_hz"], COLUMN["line"], COLUMN["score"]
_ENVELOPE_G2 = slice(COLUMN["envelope_g2"], COLUMN["envelope_g2"] + FRAME // SUBFRAME)

_sum = np.add.reduce  # what `sum` of an array does, without its detour through Python


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How a bout went, by its frames; shares are of the bout's own largest value."""

    pull_s: float  # from its first frame until the limb is away
    away_s: float  # how long it was away, first to last
    release_s: float  # from the last frame away to the end
    back_share: float  # angle at the end over the largest
    held_level: float  # strength while away, median over strongest
    pull_level: float  # strongest until away
    release_level: float  # strongest from the last frame away on
    strongest_at: float  # where its strongest frame lies, 0 to 1
    level_first: float  # mean strength of its first third
    level_middle: float
    level_last: float
    level_median: float
    pace_first_hz: float  # median mean frequency of its thirds
    pace_middle_hz: float
    pace_last_hz: float
    pace_spread_hz: float
    crest: float  # peak over rms
    active: float  # share of its frames that move
    decay_per_s: float  # of the logarithm of its strength, from the strongest moment on
    decay_even: float  # how well a straight line describes that, 0 to 1
    decays_after_s: float  # from its first frame to the strongest moment
    line: float  # median share of the energy along one line
    regular: float  # mean and largest correlation with itself a beat later
    most_regular: float
    most_beats: float
    stride: float  # median and largest of the correlation at a stride over that at a beat
    most_stride: float
    rate_spread: float  # of its rate where it beats, over the mean


def shape_of(bout: Bout) -> Shape:
    """Measure the course of a bout."""
    rms_g, pace_hz, moving = bout.numbers[_RMS_G], bout.numbers[_PACE_HZ], bout.moving
    count, moves = len(rms_g), len(moving[_RMS_G])
    most_g = max(rms_g)
    level = [rms / most_g for rms in rms_g]
    angles, _ = bout.angles_deg
    most_deg = max(angles)
    least_deg = AWAY_SHARE * most_deg
    away = [frame for frame, angle in enumerate(angles) if angle >= least_deg]
    first_away, last_away = away[0], away[-1]
    third = max(count // 3, 1)
    begins = 0, (count - third) // 2, count - third
    thirds = [slice(begin, begin + third) for begin in begins]
    levels = [total(level[part]) / third for part in thirds]
    paces = [middle(pace_hz[part]) for part in thirds]
    regularity, stride = moving[_REGULARITY], moving[_STRIDE]
    beating = zip(moving[_FREQUENCY_HZ], moving[_SCORE], strict=True)
    decay_per_s, decay_even, decays_after_s = _decay(bout)
    return Shape(
        pull_s=first_away * FRAME_S,
        away_s=(last_away - first_away + 1) * FRAME_S,
        release_s=(count - 1 - last_away) * FRAME_S,
        back_share=angles[-1] / max(most_deg, 0.1),
        held_level=middle(level[first_away : last_away + 1]),
        pull_level=max(level[: first_away + 1]),
        release_level=max(level[last_away:]),
        strongest_at=rms_g.index(most_g) / max(count - 1, 1),
        level_first=levels[0],
        level_middle=levels[1],
        level_last=levels[2],
        level_median=middle(level),
        pace_first_hz=paces[0],
        pace_middle_hz=paces[1],
        pace_last_hz=paces[2],
        pace_spread_hz=_deviation(moving[_PACE_HZ]),
        crest=bout.most_g / sqrt(total([rms * rms for rms in rms_g]) / count),
        active=moves / count,
        decay_per_s=decay_per_s,
        decay_even=decay_even,
        decays_after_s=decays_after_s,
        line=middle(moving[_LINE]),
        regular=total(regularity) / moves,
        most_regular=max(regularity),
        most_beats=max(moving[_BEATS]),
        stride=middle(stride),
        most_stride=max(stride),
        rate_spread=_rate_spread([rate_hz for rate_hz, score in beating if score >= BEATS]),
    )


def _deviation(values: list[float]) -> float:
    """Return the standard deviation of n >= 1 numbers."""
    mean = total(values) / len(values)
    return sqrt(total([(value - mean) * (value - mean) for value in values]) / len(values))


def _rate_spread(rates_hz: list[float]) -> float:
    if len(rates_hz) < 2:
        return 0.0
    return _deviation(rates_hz) * len(rates_hz) / total(rates_hz)


def _decay(bout: Bout) -> tuple[float, float, float]:
    """Fit a line to the logarithm of the envelope behind its strongest value.

    Returns
    -------
    loss per s, share of the variance that the line explains, s to the strongest value
    """
    square = list(chain.from_iterable(zip(*bout.numbers[_ENVELOPE_G2], strict=True)))
    padded = zip([0.0, *square], square, [*square[1:], 0.0], strict=False)
    smooth = [(before + 2 * value + after) / 4 for before, value, after in padded]
    most = max(smooth)
    top = smooth.index(most)
    faded = FADED_SHARE**2 * most
    tail = list(takewhile(faded.__le__, smooth[top:]))
    if len(tail) < 3 or most <= 0:
        return 0.0, 0.0, top * SUBFRAME_S
    log_g = 0.5 * np.log(tail)
    time_s, times_s2 = _times(len(tail))
    log_g -= _sum(log_g) / len(tail)
    slope = float(_sum(time_s * log_g)) / times_s2
    spread = float(_sum(log_g * log_g))
    even = slope**2 * times_s2 / spread if spread > 1e-12 else 0.0
    return -slope, even, top * SUBFRAME_S


@lru_cache(maxsize=64)
def _times(count: int) -> tuple[Floats, float]:
    """Return the times of so many values about their middle, s, and the sum of their squares."""
    time_s: Floats = np.arange(count, dtype=np.float64) * SUBFRAME_S
    time_s -= (count - 1) / 2 * SUBFRAME_S
    return time_s, float(_sum(time_s * time_s))
