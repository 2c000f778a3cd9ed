"""The beating in a bout: where it is, how fast, and how it grew and faded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detector.dsp.frames import FRAME, FRAME_S, Bools, Floats
from detector.dsp.grid import GRID_HZ
from detector.dsp.ranks import median, quantile
from detector.dsp.rhythm import SUBFRAME, SUBFRAME_S
from detector.recognition.bouts.bout import Bout, Moment
from detector.recognition.bouts.frame_table import COLUMN, FrameTable
from detector.recognition.bouts.tracker import PAUSE_FRAMES, rhythmic_frames
from detector.recognition.rules.thresholds import Rules

_SCORE = COLUMN["score"]

BEATS_TO_SEE = 3.5
"""A rhythm is seen this many beats after it began: correlation needs a beat to compare with."""

WINDOW_MEMORY_S = 0.5  # ... and some of this after it ended, while the window still holds it
MOSTLY = 0.3  # of a bout's frames: a beat is seen late, so 0.3 is most of a short bout
MIXED_S = 2.0  # clonus within 2 s of a spasm is one event (contract; Thomas 2014 "mixed")
GROWN, BARE = 0.7, 0.15
"""Shares of the full strength between which growth is timed: noise stays below the lower one, a
beat that is 20 % weaker than the next above the upper."""
FULL = 0.75  # quantile of the envelope that is its full strength: half of it may be fading
STEADY = 12  # values of the envelope, 1 s: what wanes more quickly is one beat after another
BLUR_FRAMES = 11  # one window of 2.56 s: as long as one stray movement spoils what is seen
SAME_RATE = 0.1  # apart at most; clonus and tremor each keep their rate within this for a minute
LATEST_SEEN = 0.5
"""More than half of the strength at the first sight tells nothing of how it came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """The longest rhythmic stretch of a bout: frames `first` to `stop` (exclusive) of it.

    `onset` and `end` are the grid samples between which the event that holds it lasted.
    """

    first: int
    stop: int
    onset: int
    end: int
    rate_hz: float
    regularity: float
    stride: float
    line: float  # share of its energy along one line
    clearest_beats: float  # most equal beats that a window held
    lead_s: float  # movement in the bout before it
    growth_beats: float  # until it beats at most of its strength
    fade_beats: float | None  # ... and from there until it is gone, where that was seen
    lead_share: float  # strength of the second before it over its own; 0 where it begins the bout
    waning: float  # how far its strength falls before it rises again, 0 to 1
    full_g: float  # its full strength, rms over a beat
    late: bool  # begins in the midst of other movement
    faint: bool  # a moment of it inside other movement
    pulsing: float  # share of the beating that is as good as still: bursts with pauses

    @property
    def beating_s(self) -> float:
        """How long it beat."""
        seen_s = (self.stop - self.first) * FRAME_S + BEATS_TO_SEE / self.rate_hz
        return min((self.end - self.onset) / GRID_HZ, seen_s)

    @property
    def beats(self) -> int:
        """How many beats that makes."""
        return max(round(self.beating_s * self.rate_hz), 1)


def find_rhythm(bout: Bout, rules: Rules, *, sudden: bool) -> Rhythm | None:
    """Find the beating in a bout, if there is any; `sudden` says that a jerk began it.

    Once it is over less is asked of a bout that does little else: three weak beats between two
    rests are a clonus, while in the midst of other movement they are nothing.
    """
    over = bout.moment is Moment.OVER
    least = rules.rhythm.least_frames if over else 1
    score, levels = bout.score, [rules.rhythm.on]
    if over:
        levels += [rules.rhythm.hindsight, rules.rhythm.faint]
    if max(bout.numbers[_SCORE]) < min(levels):
        return None  # as most bouts: nothing that begins a run
    first, stop = _longest_run(bout, score, rules.rhythm.on)
    if stop - first < least and over:
        first, stop = _longest_run(bout, score, rules.rhythm.hindsight)
        if stop - first < MOSTLY * len(bout.frames):
            first = stop = 0
    faint = over and stop - first < least
    if faint:
        first, stop = _longest_run(bout, score, rules.rhythm.faint)
    if stop - first < least:
        return None
    run = bout.frames[first:stop]
    seen = run[score[first:stop] > 0]
    rate_hz = median(seen["frequency_hz"])
    lead_s = first * FRAME_S - BEATS_TO_SEE / rate_hz
    late = lead_s > MIXED_S and not sudden
    onset, end = _span(bout, first, stop, rate_hz, late=late)
    width = max(round(1 / rate_hz / SUBFRAME_S), 2)  # one beat
    envelope = _envelope(bout, width)
    full = quantile(envelope[len(envelope) * first // len(bout.frames) :], FULL)
    lead = round(lead_s / FRAME_S) if late else 0
    rise = envelope[lead * (FRAME // SUBFRAME) :]
    fade_beats = None
    if over and not bout.cut_short and not bout.goes_on:
        fade_beats = _growth_s(envelope[::-1], full, width) * rate_hz
    before = bout.frames["rms_g"][max(lead - PAUSE_FRAMES, 0) : lead]
    strength = median(seen["rms_g"])
    return Rhythm(
        first=first,
        stop=stop,
        onset=onset,
        end=max(end, onset + 1),
        rate_hz=rate_hz,
        regularity=median(seen["regularity"]),
        stride=median(seen["stride"]),
        line=median(seen["line"]),
        clearest_beats=float(run["beats"].max()),
        lead_s=lead_s,
        growth_beats=_growth_s(rise, full, width) * rate_hz,
        fade_beats=fade_beats,
        lead_share=median(before) / strength if len(before) else 0.0,
        waning=_waning(_envelope(bout, max(3 * width, STEADY))[lead * (FRAME // SUBFRAME) :]),
        full_g=full,
        late=late,
        faint=faint,
        pulsing=_pulsing(run["rms_g"] < BARE * strength),
    )


def _longest_run(bout: Bout, score: Floats, on: float) -> tuple[int, int]:
    """First index and end of the longest stretch that beats; (0, 0) if there is none.

    What goes on at the same rate after a moment of blur is the same stretch.
    """
    padded = np.zeros(len(score) + 2, dtype=np.bool_)
    padded[1:-1] = rhythmic_frames(score, on)
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    if not len(edges):
        return 0, 0
    frames = bout.frames
    runs: list[tuple[int, int]] = []
    for first, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if runs and _goes_on(
            frames[runs[-1][0] : runs[-1][1]], frames[runs[-1][1] : first], frames[first:stop]
        ):
            runs[-1] = runs[-1][0], stop
        else:
            runs.append((first, stop))
    return max(runs, key=lambda run: run[1] - run[0])


def _goes_on(earlier: FrameTable, blur: FrameTable, later: FrameTable) -> bool:
    """Whether two rhythmic stretches are one, with movement between them and no rest."""
    if len(blur) > BLUR_FRAMES or not blur["active"].all():
        return False
    before_hz, after_hz = median(earlier["frequency_hz"]), median(later["frequency_hz"])
    return abs(after_hz / before_hz - 1) <= SAME_RATE


def _span(bout: Bout, first: int, stop: int, rate_hz: float, *, late: bool) -> tuple[int, int]:
    """Grid samples between which the event that holds the rhythm lasted.

    Close to the bout's own ends those are meant: the energy marks them better than a window of
    2.56 s can. A bout that began like a spasm is one event with the clonus in it. Inside other
    movement the run of rhythmic frames is all there is.
    """
    onset = bout.onset.sample
    if late:
        onset = round((bout.first + first) * FRAME - BEATS_TO_SEE / rate_hz * GRID_HZ)
    trailing_s = (len(bout.frames) - stop) * FRAME_S
    if trailing_s <= MIXED_S or not (late or not bout.onset.was_seen):
        return onset, bout.end_sample
    return onset, round((bout.first + stop) * FRAME - WINDOW_MEMORY_S * GRID_HZ)


def _envelope(bout: Bout, width: int) -> Floats:
    """Root mean square over `width` values of 80 ms through the bout, one each, in g."""
    square = bout.frames["envelope_g2"].astype(np.float64).ravel()
    sums = np.cumsum(np.concatenate((np.zeros(width // 2 + 1), square, np.zeros(width))))
    return np.sqrt(np.maximum(sums[width : width + len(square)] - sums[: len(square)], 0) / width)


def _growth_s(envelope: Floats, full: float, width: int) -> float:
    """Time from next to nothing to most of the full strength.

    Where the gate opened late, with a good part of it there already, what was not seen is added
    as if it had grown evenly.
    """
    grown = int(np.argmax(envelope >= GROWN * full))
    bare = np.flatnonzero(envelope[:grown] <= BARE * full)
    start = int(bare[-1]) + 1 if len(bare) else 0
    unseen = 1.0
    if start <= width:
        seen_from = min(float(envelope[min(width // 2, grown)]) / full, LATEST_SEEN)
        unseen = (GROWN - BARE) / (GROWN - max(seen_from, BARE))
    return (grown - start) * SUBFRAME_S * unseen


def _waning(envelope: Floats) -> float:
    """How far its strength falls before it rises again, 0 to 1: a tremor waxes and wanes.

    A clonus that dies away falls for good, which counts for nothing.
    """
    before = np.maximum.accumulate(envelope)
    after = np.maximum.accumulate(envelope[::-1])[::-1]
    return float(1 - (envelope / np.maximum(np.minimum(before, after), 1e-9)).min())


def _pulsing(pauses: Bools) -> float:
    """Share of pauses between the beats; behind the last beat it is over, not pausing."""
    beating = np.flatnonzero(~pauses)
    within = pauses[: int(beating[-1]) + 1]
    return float(within.sum() / len(within))
