"""The rules: what a bout most likely was, how sure that is, and why, in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detector.dsp.frames import FRAME, FRAME_S, Bools
from detector.dsp.grid import GRID_HZ
from detector.dsp.posture import angle_deg
from detector.dsp.trigger import ramp
from detector.events import Kind
from detector.recognition.bouts import PAUSE_FRAMES, Bout, Moment, rhythmic_frames
from detector.recognition.model import Rules

BEATS_TO_SEE = 3.5
"""A rhythm is seen this many beats after it began: correlation needs a beat to compare with."""

WINDOW_MEMORY_S = 0.5  # ... and some of this after it ended, while the window still holds it
WALK_S = 3.0  # three strides: fewer have no rhythm to compare
SPASM_LEAD_S = 0.5  # movement before the rhythm that makes a jerk of its own
MOSTLY = 0.3  # of a bout's frames: a beat is seen late, so 0.3 is most of a short bout
GROWN_SHARE = 0.7  # of the median strength: clonus is that strong by its third beat
MIXED_S = 2.0  # clonus within 2 s of a spasm is one event (contract; Thomas 2014 "mixed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a bout was; samples on the grid, `end` exclusive."""

    kind: Kind
    confidence: float
    reason: str
    onset: int
    end: int
    peak_g: float
    rms_g: float
    turn_deg: float  # largest angle from the posture left behind
    jerk_g_s: float  # at the onset
    rhythm_hz: float | None = None
    beats: int | None = None
    parts: tuple[Kind, ...] | None = None
    cut_short: bool = False

    @property
    def duration_s(self) -> float:
        """Seconds from onset to end."""
        return (self.end - self.onset) / GRID_HZ


@dataclass(frozen=True, slots=True)
class _Rhythm:
    """The longest rhythmic stretch of a bout: frames `first` to `stop` (exclusive) of it."""

    first: int
    stop: int
    rate_hz: float
    regularity: float

    @property
    def duration_s(self) -> float:
        return (self.stop - self.first) * FRAME_S


@dataclass(frozen=True, slots=True)
class _Strength:
    peak_g: float
    rms_g: float


def judge(bout: Bout, rules: Rules) -> Finding:
    """Name a bout as it is known at its moment."""
    rhythm = _longest_rhythm(bout, rules)
    if rhythm is not None:
        return _rhythmic(bout, rhythm, rules)
    return _jerk(bout, rules)


def beside(bout: Bout, finding: Finding) -> list[Finding]:
    """Name what of a bout that is over its finding leaves out: movement before or after a rhythm.

    A second of it is worth a line; less is the blur of a window.
    """
    first, last = bout.first * FRAME, bout.end_sample
    stretches = [(first, finding.onset), (finding.end, last)]
    found = []
    for onset, end in stretches:
        if end - onset >= GRID_HZ:
            strength = _strength(bout, onset, end)
            found.append(
                Finding(
                    kind=Kind.MOVEMENT,
                    confidence=0.5,
                    reason=f"movement beside a rhythm of {finding.rhythm_hz or 0.0:.1f} a second",
                    onset=onset,
                    end=end,
                    peak_g=strength.peak_g,
                    rms_g=strength.rms_g,
                    turn_deg=finding.turn_deg,
                    jerk_g_s=finding.jerk_g_s,
                    cut_short=bout.cut_short,
                )
            )
    return found


def _longest_rhythm(bout: Bout, rules: Rules) -> _Rhythm | None:
    """Find the beating in a bout.

    Once it is over less is asked of a bout that does little else: three weak beats between two
    rests are a clonus, while in the midst of other movement they are nothing.
    """
    over = bout.moment is Moment.OVER
    least = rules.clonus_frames if over else rules.clonus_first_frames
    first, stop = _longest_run(rhythmic_frames(bout.score, rules.rhythm_on))
    if stop - first < least and over:
        first, stop = _longest_run(rhythmic_frames(bout.score, rules.rhythm_hindsight))
        if stop - first < MOSTLY * len(bout.frames):
            return None
    if stop - first < least:
        return None
    run = bout.frames[first:stop]
    rate_hz = float(np.median(run["frequency_hz"]))
    regularity = float(np.median(run["regularity"]))
    rhythm = _Rhythm(first, stop, rate_hz, regularity)
    onset, end = _rhythm_span(bout, rhythm, rules)
    if (end - onset) / GRID_HZ * rate_hz < rules.clonus_beats:
        return None
    return rhythm


def _longest_run(mask: Bools) -> tuple[int, int]:
    """First index and end of the longest stretch of True; (0, 0) if there is none."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False]))))
    if not len(edges):
        return 0, 0
    longest = int(np.argmax(edges[1::2] - edges[::2]))
    return int(edges[2 * longest]), int(edges[2 * longest + 1])


def _rhythm_span(bout: Bout, rhythm: _Rhythm, rules: Rules) -> tuple[int, int]:
    """Grid samples between which the event that holds the rhythm lasted.

    Close to the bout's own ends those are meant: the energy marks them better than a window of
    2.56 s can. A bout that began like a spasm is one event with the clonus in it. Inside other
    movement the run of rhythmic frames is all there is.
    """
    late = _lead_s(rhythm) > MIXED_S and _suddenness(bout, rules) < 0.5
    if late:
        onset = round((bout.first + rhythm.first) * FRAME - BEATS_TO_SEE / rhythm.rate_hz * GRID_HZ)
    else:
        onset = bout.onset.sample
    trailing_s = (len(bout.frames) - rhythm.stop) * FRAME_S
    if trailing_s <= MIXED_S or not late:
        end = bout.end_sample
    else:
        end = round((bout.first + rhythm.stop) * FRAME - WINDOW_MEMORY_S * GRID_HZ)
    return onset, max(end, onset + 1)


def _lead_s(rhythm: _Rhythm) -> float:
    """Movement in the bout before its rhythm began."""
    return rhythm.first * FRAME_S - BEATS_TO_SEE / rhythm.rate_hz


def _suddenness(bout: Bout, rules: Rules) -> float:
    """Evidence that the bout began like a spasm: a steep flank, out of rest."""
    onset = bout.onset
    return min(
        _ramp(onset.jerk_g_s, 0.6 * rules.spasm_jerk_g_s, 2 * rules.spasm_jerk_g_s),
        _ramp(onset.rise_s, 1.5 * rules.spasm_rise_s, 0.5 * rules.spasm_rise_s),
        _ramp(bout.rest_s, 0.5 * rules.rest_s, rules.rest_s),
    )


def _rhythmic(bout: Bout, rhythm: _Rhythm, rules: Rules) -> Finding:
    onset, end = _rhythm_span(bout, rhythm, rules)
    strength = _strength(bout, onset, end)
    beating_s = min((end - onset) / GRID_HZ, rhythm.duration_s + BEATS_TO_SEE / rhythm.rate_hz)
    beats = max(round(beating_s * rhythm.rate_hz), 1)
    stride = float(np.median(bout.frames["stride"][rhythm.first : rhythm.stop]))
    mixed = _lead_s(rhythm) > SPASM_LEAD_S and _suddenness(bout, rules) >= 0.5
    went_on = bout.joins and _lead_s(rhythm) <= 0
    abrupt = went_on or mixed or _is_abrupt(bout, rhythm, rules)
    evidence = min(
        _ramp(rhythm.regularity, *rules.regularity),
        _ramp(beats, rules.clonus_beats - 1.5, rules.clonus_beats + 2),
        _ramp(stride, *rules.stride),
    )
    kind = Kind.CLONUS if abrupt else Kind.TREMOR
    start = "a jerk first, then" if mixed else "abrupt start," if abrupt else "growing slowly,"
    return Finding(
        kind=kind,
        confidence=_confidence(evidence),
        reason=(
            f"{start} steady {rhythm.rate_hz:.1f} beats a second for {beating_s:.1f} s, "
            "no walking rhythm under it"
        ),
        onset=onset,
        end=end,
        rhythm_hz=rhythm.rate_hz,
        beats=beats,
        turn_deg=_excursion_deg(bout),
        jerk_g_s=bout.onset.jerk_g_s,
        parts=(Kind.SPASM, Kind.CLONUS) if mixed else None,
        cut_short=bout.cut_short,
        peak_g=strength.peak_g,
        rms_g=strength.rms_g,
    )


def _is_abrupt(bout: Bout, rhythm: _Rhythm, rules: Rules) -> bool:
    """Whether it beats at full strength within its first beats, out of something weaker."""
    rms = bout.frames["rms_g"]
    full = float(np.median(rms[rhythm.first : rhythm.stop]))
    lead = 0
    if _lead_s(rhythm) > MIXED_S:  # in the midst of other movement: that must have been weaker
        lead = round(_lead_s(rhythm) / FRAME_S)
        if float(np.median(rms[lead - PAUSE_FRAMES : lead])) > rules.calm_share * full:
            return False
    grown_s = float(np.argmax(rms[lead:] >= GROWN_SHARE * full)) * FRAME_S
    return grown_s <= rules.growth_beats / rhythm.rate_hz + FRAME_S


def _jerk(bout: Bout, rules: Rules) -> Finding:
    """Name a bout without a rhythm: spasm, twitch, turn or just movement."""
    onset = bout.onset
    strength = _strength(bout, bout.first * FRAME, bout.end_sample)
    duration_s = (bout.end_sample - onset.sample) / GRID_HZ
    excursion_deg = _excursion_deg(bout)
    net_deg = _net_turn_deg(bout)
    returned = net_deg is not None and net_deg <= rules.return_deg
    sudden = _suddenness(bout, rules)
    known = bout.moment is Moment.OVER
    peak_g = onset.peak_g
    if known and duration_s <= rules.twitch_s and returned:
        kind = Kind.TWITCH
        evidence = min(sudden, _ramp(peak_g, 0.5 * rules.twitch_peak_g, 3 * rules.twitch_peak_g))
        reason = f"one jerk of {peak_g:.2f} g in {duration_s:.1f} s, the limb came back"
    elif (
        net_deg is not None
        and duration_s > rules.turn_s
        and net_deg >= rules.turn_deg
        and sudden < 0.5
    ):
        kind, evidence = Kind.TURN, _ramp(net_deg, 0.5 * rules.turn_deg, 3 * rules.turn_deg)
        reason = f"slow start, the limb came to lie {net_deg:.0f} degrees elsewhere"
    else:
        kind = Kind.SPASM
        evidence = min(
            sudden,
            _ramp(peak_g, 0.5 * rules.spasm_peak_g, 3 * rules.spasm_peak_g),
            _ramp(duration_s, 2 * rules.long_s, rules.long_s),
        )
        came = ", and came back" if returned else ""
        reason = (
            f"sudden jerk out of rest, {peak_g:.2f} g within {onset.rise_s:.2f} s; "
            f"the limb turned {excursion_deg:.0f} degrees in {duration_s:.1f} s{came}"
        )
    striding = _striding(bout, rules)
    if striding > max(0.5, 0.0 if kind is Kind.SPASM else evidence):
        kind, evidence, reason = Kind.MOVEMENT, striding, "the even stride of walking"
    elif kind is not Kind.TURN and evidence < 0.5:
        kind, evidence = Kind.MOVEMENT, 1 - evidence
        reason = _why_ordinary(bout, rules)
    return Finding(
        kind=kind,
        confidence=_confidence(evidence),
        reason=reason,
        onset=onset.sample,
        end=max(bout.end_sample, onset.sample + 1),
        turn_deg=excursion_deg,
        jerk_g_s=onset.jerk_g_s,
        cut_short=bout.cut_short,
        peak_g=strength.peak_g,
        rms_g=strength.rms_g,
    )


def _striding(bout: Bout, rules: Rules) -> float:
    """Evidence that the limb walks: the share of frames in which a stride is the best rhythm."""
    if bout.duration_s < WALK_S:
        return 0.0
    active = bout.frames["active"]
    walking = active & (bout.frames["stride"] >= rules.stride[0])
    return _ramp(walking.sum() / active.sum(), 0.25, 0.75)


def _why_ordinary(bout: Bout, rules: Rules) -> str:
    """Name the first thing that a sudden spasm out of rest would have had."""
    onset = bout.onset
    if bout.rest_s < rules.rest_s:
        return f"no rest before it ({bout.rest_s:.1f} s), so it counts as ordinary movement"
    if onset.jerk_g_s < rules.spasm_jerk_g_s:
        return f"too soft a start for a spasm ({onset.jerk_g_s:.1f} g/s), no rhythm"
    if onset.rise_s > rules.spasm_rise_s:
        return f"too slow a start for a spasm ({onset.rise_s:.2f} s to its peak), no rhythm"
    if bout.duration_s > rules.long_s:
        return f"{bout.duration_s:.0f} s of movement without a steady rhythm"
    return f"too weak for a spasm ({onset.peak_g:.2f} g), no rhythm"


def _ramp(value: float, none: float, full: float) -> float:
    return float(ramp(value, none, full))


def _excursion_deg(bout: Bout) -> float:
    """Largest angle from the posture left behind, on half-second means: a beat averages out."""
    means = bout.frames["mean_g"].astype(np.float64)
    if bout.after_g is not None:
        means = np.concatenate((means, bout.after_g[np.newaxis], bout.after_g[np.newaxis]))
    smooth = (means[1:] + means[:-1]) / 2 if len(means) > 1 else means
    return float(angle_deg(np.broadcast_to(bout.before_g, smooth.shape), smooth).max())


def _net_turn_deg(bout: Bout) -> float | None:
    """Angle between the postures before and after; None while it is not over."""
    return None if bout.after_g is None else float(angle_deg(bout.before_g, bout.after_g))


def _strength(bout: Bout, onset: int, end: int) -> _Strength:
    """Peak and rms of the active frames between two grid samples."""
    first, stop = onset // FRAME - bout.first, -(-end // FRAME) - bout.first
    frames = bout.frames[max(first, 0) : max(stop, 1)]
    frames = frames[frames["active"]] if frames["active"].any() else bout.frames
    square = frames["rms_g"].astype(np.float64) ** 2
    return _Strength(float(frames["peak_g"].max()), float(np.sqrt(square.sum() / len(square))))


def _confidence(evidence: float) -> float:
    """From just a default label to nearly sure. Not yet calibrated against outcomes."""
    return 0.5 + 0.49 * evidence
