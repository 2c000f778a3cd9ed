"""The course of a bout: how the limb was turned, held and let go, and how its strength went.

A flexor spasm pulls the limb away from its posture, holds it there and lets it sink back; a new
position stays; what rings only dies away. All of it is read from frames of 0.24 s.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from detector.dsp.frames import FRAME_S, Floats
from detector.dsp.grid import GRID_HZ
from detector.dsp.posture import angle_deg
from detector.dsp.ranks import median
from detector.dsp.rhythm import SUBFRAME
from detector.recognition.bouts.bout import Bout

AWAY_SHARE = 0.7
"""From this share of its largest angle on the limb is away: where it is held it trembles."""

FADED_SHARE = 0.1  # of its strongest: below, an envelope is noise

BEATS = 0.5  # score from which a frame's rate is one

_NOTHING = np.zeros(1)
SUBFRAME_S = SUBFRAME / GRID_HZ


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
    frames, count = bout.frames, len(bout.frames)
    rms_g = frames["rms_g"].astype(np.float64)
    strongest = int(np.argmax(rms_g))
    most_g = float(rms_g[strongest])
    level = rms_g / most_g
    means_g = frames["mean_g"].astype(np.float64)
    angles = angle_deg(bout.before_g, means_g)
    away = np.flatnonzero(angles >= AWAY_SHARE * angles.max())
    first_away, last_away = int(away[0]), int(away[-1])
    held = level[first_away : last_away + 1]
    active = frames["active"]
    pace = frames["pace_hz"].astype(np.float64)
    third = max(count // 3, 1)
    begins = 0, (count - third) // 2, count - third
    thirds = [slice(begin, begin + third) for begin in begins]
    levels = [float(level[part].sum()) / third for part in thirds]
    paces = [median(pace[part]) for part in thirds]
    moving = frames[active]
    regularity = moving["regularity"].astype(np.float64)
    stride = moving["stride"].astype(np.float64)
    beating = moving["score"] >= BEATS
    rates_hz = moving["frequency_hz"][beating].astype(np.float64)
    decay_per_s, decay_even, decays_after_s = _decay(bout)
    return Shape(
        pull_s=first_away * FRAME_S,
        away_s=(last_away - first_away + 1) * FRAME_S,
        release_s=(count - 1 - last_away) * FRAME_S,
        back_share=float(angles[-1] / max(float(angles.max()), 0.1)),
        held_level=median(held),
        pull_level=float(level[: first_away + 1].max()),
        release_level=float(level[last_away:].max()),
        strongest_at=strongest / max(count - 1, 1),
        level_first=levels[0],
        level_middle=levels[1],
        level_last=levels[2],
        level_median=median(level),
        pace_first_hz=paces[0],
        pace_middle_hz=paces[1],
        pace_last_hz=paces[2],
        pace_spread_hz=_deviation(pace[active]),
        crest=float(frames["peak_g"].max()) / sqrt(float((rms_g**2).sum()) / count),
        active=len(moving) / count,
        decay_per_s=decay_per_s,
        decay_even=decay_even,
        decays_after_s=decays_after_s,
        line=median(moving["line"].astype(np.float64)),
        regular=float(regularity.sum()) / len(moving),
        most_regular=float(regularity.max()),
        most_beats=float(moving["beats"].max()),
        stride=median(stride),
        most_stride=float(stride.max()),
        rate_spread=_rate_spread(rates_hz),
    )


def _deviation(values: Floats) -> float:
    """Return the standard deviation of (n,), n >= 1."""
    off = values - values.sum() / len(values)
    return sqrt(float((off * off).sum()) / len(values))


def _rate_spread(rates_hz: Floats) -> float:
    if len(rates_hz) < 2:
        return 0.0
    return _deviation(rates_hz) * len(rates_hz) / float(rates_hz.sum())


def _decay(bout: Bout) -> tuple[float, float, float]:
    """Fit a line to the logarithm of the envelope behind its strongest value.

    Returns
    -------
    loss per s, share of the variance that the line explains, s to the strongest value
    """
    square = bout.frames["envelope_g2"].astype(np.float64).ravel()
    padded = np.concatenate((_NOTHING, square, _NOTHING))
    smooth = (padded[:-2] + 2 * square + padded[2:]) / 4
    top = int(np.argmax(smooth))
    tail = smooth[top:]
    faded = np.flatnonzero(tail < FADED_SHARE**2 * tail[0])
    tail = tail[: int(faded[0]) if len(faded) else len(tail)]
    if len(tail) < 3 or tail[0] <= 0:
        return 0.0, 0.0, top * SUBFRAME_S
    log_g = 0.5 * np.log(tail)
    time_s = np.arange(len(tail)) * SUBFRAME_S
    time_s -= (len(tail) - 1) / 2 * SUBFRAME_S
    log_g -= log_g.sum() / len(tail)
    slope = float((time_s * log_g).sum() / (time_s**2).sum())
    spread = float((log_g**2).sum())
    even = slope**2 * float((time_s**2).sum()) / spread if spread > 1e-12 else 0.0
    return -slope, even, top * SUBFRAME_S
