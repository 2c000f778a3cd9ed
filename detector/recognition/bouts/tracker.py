"""From frames to bouts: stretches of movement that no pause of a second divides.

A wearer's open bout is the only thing remembered here. It is looked at in moments that the data
decide (never the cutting of the stream): when its first frames are there, when a rhythm is
confirmed, every five seconds of it, and when it is over.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.block import Samples
from detector.dsp import onset
from detector.dsp.frames import FRAME, FRAME_S, Bools, Floats
from detector.dsp.posture import mean_posture
from detector.dsp.trigger import hysteresis
from detector.plain import from_plain, pack, to_plain, unpack
from detector.recognition.bouts.beat import rhythm_score
from detector.recognition.bouts.bout import MINUTE_FRAMES, Bout, Moment, OnsetFacts
from detector.recognition.bouts.frame_table import FRAME_DTYPE, FrameTable
from detector.recognition.rules.thresholds import Rules

PAUSE_FRAMES = 4
"""0.96 s: "a rapid series of spasms without significant pausing is one spasm" (Snow 1990)."""

LONGEST_FRAMES = 250
"""One minute: longer movement is cut into bouts that the sequence joins again, so that a
wearer's state stays bounded."""

BEFORE_FRAMES = 5  # of the onset window: four still ones and one the onset may lie in
LOOKS = (2, 3)
"""Frames after which a bout is first measured, 0.3 to 0.5 s and 0.5 to 0.7 s after its onset, to
announce a spasm. The first look places the onset, the last one says how sudden it was."""
PULL_LOOKS = (5, 8, 11)
"""... and at which a limb that is drawn up slowly is looked at: 1.2, 1.9 and 2.6 s, as a ramped
spasm rises in 0.3 to 3 s."""
ALL_LOOKS = (*LOOKS, *PULL_LOOKS)
RHYTHM_WORDS = 8  # looks at a new rhythm, one a frame, until it is clear enough to be announced
UPDATE_FRAMES = 21  # 5 s between two updates of a clonus that goes on: wake rules count its seconds

Onsets = dict[tuple[int, int], onset.Onset]
"""How bouts began, by their first frame and the look."""


class Tracker:
    """One wearer's open bout. Frames in, moments of bouts out."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self.reset()

    def reset(self) -> None:
        """Return to the state at the start of a recording or behind a gap."""
        self._frames: FrameTable = np.empty(0, FRAME_DTYPE)
        self._first = 0  # absolute index of the open bout's first frame
        self._onset: OnsetFacts | None = None
        self._before_g: Floats = np.zeros(3)
        self._told = 0  # frames the open bout had when its rhythm was last looked at
        self._words = 0  # ... and how often it was
        self._looks = 0  # how many first looks were taken at the open bout
        self._joins = False
        self._born = 0  # first frame of the segment
        self._past: list[tuple[int, int]] = []  # bouts of the last minute: first and end frame

    def begin(self, first: int) -> None:
        """Start a segment at this absolute frame: what was before it has not been seen."""
        self.reset()
        self._born = first

    @property
    def is_open(self) -> bool:
        """Whether a bout is under way."""
        return len(self._frames) > 0

    def follow(self, start: int, frames: FrameTable, samples: Samples, origin: int) -> list[Bout]:
        """Take consecutive frames from absolute index `start`.

        `samples` are grid samples from absolute index `origin`, which reaches at least
        `BEFORE_FRAMES` + `LOOKS[-1]` frames behind `start`.
        """
        base = self._first if self.is_open else start
        table = np.concatenate((self._frames, frames)) if self.is_open else frames
        end = base + len(table)
        stretches = _stretches(np.flatnonzero(table["active"]) + base)
        taken = LOOKS[: self._looks] if self.is_open else ()
        looks = [(first, look) for first, _, _ in stretches for look in LOOKS]
        looks = [(first, look) for first, look in looks[len(taken) :] if first + look <= end]
        onsets = _onsets(looks, samples, origin)
        moments: list[Bout] = []
        for place, (first, last, cut) in enumerate(stretches):
            over = cut or last + PAUSE_FRAMES + 1 < end
            self._first = first
            self._frames = table[first - base : (last + 1 if over else end) - base]
            moments += self._early_moments(onsets)
            if over:
                # Behind a cut there is no posture reached, and not always a next frame yet.
                pause = None if cut else table[last + 2 - base : last + PAUSE_FRAMES + 2 - base]
                # A cut is known by the first frame behind it, an end by the pause that follows.
                known = stretches[place + 1][0] + 1 if cut else last + PAUSE_FRAMES + 2
                moments.append(self._bout(Moment.OVER, known, after=pause, goes_on=cut))
                self._close(last + 1, goes_on=cut)
        self._frames = self._frames.copy()
        return moments

    def finish(self, samples: Samples, origin: int) -> list[Bout]:
        """Close the open bout where the recording breaks off."""
        if not self.is_open:
            return []
        seen = self._first + len(self._frames)
        self._frames = self._frames[: _last_active(self._frames) + 1]
        if self._onset is None:
            begin = (self._first - BEFORE_FRAMES) * FRAME - origin
            window = samples[begin : begin + (BEFORE_FRAMES + LOOKS[0]) * FRAME]
            self._learn(onset.measure(window[np.newaxis])[0], at=begin + origin)
        return [self._bout(Moment.OVER, seen, cut_short=True)]

    def save(self) -> dict[str, Any]:
        """Return the state as plain data."""
        frames = np.empty(len(self._frames), _SAVED_DTYPE)
        for name in _SAVED_DTYPE.names or ():
            frames[name] = self._frames[name]
        return {
            "frames": pack(frames),
            "before_g": pack(self._before_g),
            "onset": to_plain(self._onset),
            "past": [list(span) for span in self._past],
            **{name: getattr(self, name) for name in _NUMBERS},
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        for name in _NUMBERS:
            setattr(self, name, state[name])
        self._before_g = unpack(state["before_g"], np.float64)
        self._onset = from_plain(OnsetFacts | None, state["onset"])
        self._past = [(first, end) for first, end in state["past"]]
        frames = unpack(state["frames"], _SAVED_DTYPE)
        self._frames = np.zeros(len(frames), FRAME_DTYPE)
        for name in _SAVED_DTYPE.names or ():
            self._frames[name] = frames[name]
        self._frames["score"] = rhythm_score(self._frames, self._rules)

    def _close(self, end: int, *, goes_on: bool) -> None:
        self._frames = np.empty(0, FRAME_DTYPE)
        self._onset = None
        self._looks = self._told = self._words = 0
        self._joins = goes_on
        recent = [span for span in self._past if span[1] > end - 2 * MINUTE_FRAMES]
        self._past = [*recent, (self._first, end)]

    def _early_moments(self, onsets: Onsets) -> list[Bout]:
        """Moments of the open bout that have come with its frames and looks."""
        moments: list[Bout] = []
        # No moment inside a pause: it may be the end of the bout, whose moment then replaces it.
        reached = _last_active(self._frames) + 1
        while True:
            look = ALL_LOOKS[self._looks] if self._looks < len(ALL_LOOKS) else None
            beat = self._rhythm_due()
            if beat is not None and beat <= reached and (look is None or beat < look):
                moment = Moment.UPDATE if self._words >= RHYTHM_WORDS else Moment.RHYTHM
                # It is told with the next frame that moves.
                spoken = beat + int(np.argmax(self._frames["active"][beat - 1 :]))
                moments.append(self._bout(moment, self._first + spoken, count=beat))
                self._told, self._words = beat, self._words + 1
            elif look is not None and (self._first, look) in onsets:
                at = (self._first - BEFORE_FRAMES) * FRAME
                self._learn(onsets[self._first, look], at=at)
                self._looks += 1
                moments.append(self._bout(Moment.FIRST_LOOK, self._first + look, count=look))
            elif look in PULL_LOOKS and look <= reached:
                self._looks += 1
                moments.append(self._bout(Moment.PULL_LOOK, self._first + look, count=look))
            else:
                return moments

    def _rhythm_due(self) -> int | None:
        """Return the length in frames at which the rhythm is next looked at; None: not yet."""
        if self._told:
            return self._told + (1 if self._words < RHYTHM_WORDS else UPDATE_FRAMES)
        if not self._looks:
            return None
        score = self._frames["score"]
        if score.max() < self._rules.rhythm.hindsight:
            return None
        rhythmic = rhythmic_frames(score, self._rules.rhythm.hindsight)
        gathered = np.cumsum(np.where(rhythmic, score, 0.0))
        since = gathered - np.maximum.accumulate(np.where(rhythmic, 0.0, gathered))
        due = since >= self._rules.rhythm.announce_score
        return int(np.argmax(due)) + 1 if due.any() else None

    def _bout(
        self,
        moment: Moment,
        known: int,
        *,
        count: int | None = None,
        after: FrameTable | None = None,
        goes_on: bool = False,
        cut_short: bool = False,
    ) -> Bout:
        """Return the open bout's first `count` frames as they stand, less a trailing pause."""
        assert self._onset is not None  # noqa: S101 - every path measures it first
        frames = self._frames[:count]
        frames = frames[: _last_active(frames) + 1]
        reached = None if after is None or not len(after) else mean_posture(after["mean_g"])
        rest_from = self._past[-1][1] if self._past else self._born
        return Bout(
            moment=moment,
            first=self._first,
            frames=frames,
            before_g=self._before_g,
            after_g=reached,
            onset=self._onset,
            rest_s=(self._first - rest_from) * FRAME_S,
            busy=self._busy(),
            joins=self._joins,
            goes_on=goes_on,
            cut_short=cut_short,
            known=known,
        )

    def _busy(self) -> float:
        """Share of the minute before the open bout, or of what is known of it, that moved."""
        since = max(self._first - MINUTE_FRAMES, self._born)
        moved = sum(max(end - max(first, since), 0) for first, end in self._past)
        return moved / max(self._first - since, 1)

    def _learn(self, found: onset.Onset, *, at: int) -> None:
        """Take what was found in a window that begins `at` a grid sample."""
        self._before_g = found.before_g
        self._onset = OnsetFacts(
            sample=found.sample + at if self._onset is None else self._onset.sample,
            peak_g=found.peak_g,
            rise_s=found.rise_s,
            jerk_g_s=found.jerk_g_s,
        )


_SAVED_DTYPE = np.dtype([field for field in FRAME_DTYPE.descr if field[0] != "score"])
"""The rules give the score again."""

_NUMBERS = ("_first", "_looks", "_told", "_words", "_joins", "_born")


def _onsets(looks: list[tuple[int, int]], samples: Samples, origin: int) -> Onsets:
    """Measure how bouts began, all of a look at once."""
    found: Onsets = {}
    for look in LOOKS:
        firsts = [first for first, of in looks if of == look]
        if firsts:
            begins = (np.array(firsts) - BEFORE_FRAMES) * FRAME - origin
            windows = samples[begins[:, np.newaxis] + np.arange((BEFORE_FRAMES + look) * FRAME)]
            for first, measured in zip(firsts, onset.measure(windows), strict=True):
                found[first, look] = measured
    return found


def rhythmic_frames(score: Floats, on: float) -> Bools:
    """Frames that beat like clonus or tremor: from `on` upwards until below half of it."""
    return hysteresis(score, on=on, off=on / 2)


def _stretches(active: NDArray[np.int64]) -> list[tuple[int, int, bool]]:
    """First and last frame of every stretch without a pause, and whether it was cut for length."""
    found: list[tuple[int, int, bool]] = []
    if not len(active):
        return found
    pauses = np.flatnonzero(active[1:] - active[:-1] > PAUSE_FRAMES + 1) + 1
    for begin, stop in pairwise([0, *pauses.tolist(), len(active)]):
        rest = active[begin:stop]
        while rest[-1] - rest[0] >= LONGEST_FRAMES:
            inside = int(np.searchsorted(rest, rest[0] + LONGEST_FRAMES))
            found.append((int(rest[0]), int(rest[inside - 1]), True))
            rest = rest[inside:]
        found.append((int(rest[0]), int(rest[-1]), False))
    return found


def _last_active(frames: FrameTable) -> int:
    """Return the index of the last frame that moves; there is one."""
    return len(frames) - 1 - int(frames["active"][::-1].argmax())
