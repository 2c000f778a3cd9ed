"""The rules: what a bout most likely was, how sure that is, and why, in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from detector.dsp.frames import FRAME
from detector.dsp.grid import GRID_HZ
from detector.events import Kind
from detector.recognition.bouts.beating import Rhythm
from detector.recognition.bouts.bout import Bout
from detector.recognition.bouts.facts import Facts, strength
from detector.recognition.rules.kinds import Case, examine
from detector.recognition.rules.thresholds import Rules

SPASM_LEAD_S = 0.5  # movement before the rhythm that makes a jerk of its own
LEAST_TURN_DEG = 2.0  # ... and what it turns at least
SPASM_TURN_DEG = 4.0  # ... or a turn that beating alone does not make
OPEN_SHARE = (0.3, 0.7)  # of clonus against tremor: in between both names are given


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


Refine = Callable[[Case, Finding], Finding]
"""A second opinion on what the rules found; it may think less of it, never more."""


def judge(bout: Bout, rules: Rules, refinement: Refine | None = None) -> Finding:
    """Name a bout as it is known at its moment."""
    return decide(examine(bout, rules), refinement)


def decide(case: Case, refinement: Refine | None = None) -> Finding:
    """Name what was weighed, with a second opinion where there is one."""
    finding = conclude(case)
    return finding if refinement is None else refinement(case, finding)


def conclude(case: Case) -> Finding:
    """Choose the kind whose evidence holds, the more specific before the more general."""
    rhythm = case.rhythm
    if rhythm is None or not case.holds("rhythm"):
        return _jerk(case)
    if rhythm.faint and (jerk := _jerk(case)).kind is not Kind.MOVEMENT:
        return jerk
    if case.facts.over and case.holds("buzz"):
        return _named(case, "buzz", _in_words(case, "buzz"))
    if case.holds("hand"):
        return _named(case, "hand", f"strokes of a hand, {rhythm.rate_hz:.1f} a second")
    return _rhythmic(case, rhythm)


def beside(
    bout: Bout, finding: Finding, rules: Rules, refinement: Refine | None = None
) -> list[Finding]:
    """Name what of a bout that is over its finding leaves out: movement before or after a rhythm.

    A second of it is worth a line; less is the blur of a window. Other rhythms in it are found as
    the first was.
    """
    first, last = bout.first * FRAME, bout.end_sample
    stretches = [(first, finding.onset), (finding.end, last)]
    found = []
    for onset, end in stretches:
        if end - onset >= GRID_HZ:
            rest = bout.part(onset // FRAME - bout.first, -(-end // FRAME) - bout.first)
            other = None if rest is None else judge(rest, rules, refinement)
            if rest is not None and other is not None and other.rhythm_hz is not None:
                found += [other, *beside(rest, other, rules, refinement)]
                continue
            peak_g, rms_g = strength(bout, onset, end)
            found.append(
                Finding(
                    kind=Kind.MOVEMENT,
                    confidence=0.5,
                    reason=f"movement beside a rhythm of {finding.rhythm_hz or 0.0:.1f} a second",
                    onset=onset,
                    end=end,
                    peak_g=peak_g,
                    rms_g=rms_g,
                    turn_deg=finding.turn_deg,
                    jerk_g_s=finding.jerk_g_s,
                    cut_short=bout.cut_short,
                )
            )
    return found


def _rhythmic(case: Case, rhythm: Rhythm) -> Finding:
    bout, facts = case.bout, case.facts
    apart = rhythm.lead_s > SPASM_LEAD_S and facts.turned_deg > LEAST_TURN_DEG
    mixed = (apart or facts.turned_deg > SPASM_TURN_DEG) and case.holds("spasm start")
    clonus = 1.0 if mixed else case.evidence["clonus"].strength
    if rhythm.faint:
        mixed, clonus = False, 0.0
    kind, share = (Kind.CLONUS, clonus) if clonus >= 0.5 else (Kind.TREMOR, 1 - clonus)
    start = "a jerk first, then" if mixed else "abrupt start," if clonus >= 0.5 else "waxing,"
    start = "in the midst of other movement" if rhythm.faint else start
    reason = (
        f"{start} steady {rhythm.rate_hz:.1f} beats a second for {rhythm.beating_s:.1f} s, "
        "no walking rhythm under it"
    )
    if OPEN_SHARE[0] < clonus < OPEN_SHARE[1]:
        percent = round(100 * clonus)
        reason += f"; clonus or tremor, {percent} to {100 - percent}"
    peak_g, rms_g = strength(bout, rhythm.onset, rhythm.end)
    return Finding(
        kind=kind,
        confidence=_confidence(case.evidence["rhythm"].strength) * max(share, 0.5),
        reason=reason,
        onset=rhythm.onset,
        end=rhythm.end,
        rhythm_hz=rhythm.rate_hz,
        beats=rhythm.beats,
        turn_deg=facts.turned_deg,
        jerk_g_s=facts.jerk_g_s,
        parts=(Kind.SPASM, Kind.CLONUS) if mixed else None,
        cut_short=bout.cut_short,
        peak_g=peak_g,
        rms_g=rms_g,
    )


def _jerk(case: Case) -> Finding:
    """Name a bout without a rhythm."""
    if case.holds("walk"):
        return _named(case, "walk", "the even stride of walking")
    names = ("twitch", "spasm", "tonic", "turn", "shaken") if case.facts.over else ("spasm",)
    for name in names:
        if case.holds(name):
            return _named(case, name, _in_words(case, name))
    spasm = case.evidence["spasm"]
    rhythm = case.evidence.get("rhythm")
    beating = "no rhythm" if rhythm is None else f"no clonus: {rhythm.weakest}"
    reason = f"no spasm: {spasm.weakest}; {beating}"
    return _as_a_whole(case.bout, case.facts, Kind.MOVEMENT, 1 - spasm.strength, reason)


def _named(case: Case, name: str, reason: str) -> Finding:
    evidence = case.evidence[name]
    return _as_a_whole(case.bout, case.facts, evidence.kind, evidence.strength, reason)


def _as_a_whole(bout: Bout, facts: Facts, kind: Kind, evidence: float, reason: str) -> Finding:
    peak_g, rms_g = strength(bout, bout.first * FRAME, bout.end_sample)
    return Finding(
        kind=kind,
        confidence=_confidence(evidence),
        reason=reason,
        onset=bout.onset.sample,
        end=max(bout.end_sample, bout.onset.sample + 1),
        turn_deg=facts.turned_deg,
        jerk_g_s=facts.jerk_g_s,
        cut_short=bout.cut_short,
        peak_g=peak_g,
        rms_g=rms_g,
    )


def _in_words(case: Case, name: str) -> str:
    facts = case.facts
    lasting = f"{facts.duration_s:.1f} s"
    match name:
        case "twitch":
            return f"one jerk of {facts.peak_g:.2f} g in {lasting}, the limb came back"
        case "spasm":
            return (
                f"sudden jerk out of rest, {facts.peak_g:.2f} g within {facts.rise_s:.2f} s; "
                f"the limb turned {facts.turned_deg:.0f} degrees in {lasting}"
            )
        case "tonic":
            return (
                f"pulled by {facts.held_deg:.0f} degrees and held trembling for {lasting}; "
                "stiffness without movement cannot be seen"
            )
        case "turn":
            settled_deg = facts.settled_deg or 0.0
            return f"slow start, the limb came to lie {settled_deg:.0f} degrees elsewhere"
        case "buzz":
            return f"a hum of {lasting} that was there at once and turned nothing: a phone's motor"
        case _:
            return f"shaken for {lasting} without turning: the bed, a phone or a vehicle"


def _confidence(evidence: float) -> float:
    """From just a default label to nearly sure. Not yet calibrated against outcomes."""
    return 0.5 + 0.49 * evidence
