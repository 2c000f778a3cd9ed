"""The rules: what a bout most likely was, how sure that is, and which facts say so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from detector.dsp.frames import FRAME
from detector.dsp.grid import GRID_HZ
from detector.events import Kind
from detector.recognition.bouts.beating import Rhythm
from detector.recognition.bouts.bout import Bout
from detector.recognition.bouts.facts import Facts, strength
from detector.recognition.rules.evidence import RuleName
from detector.recognition.rules.kinds import Case, examine
from detector.recognition.rules.reason import (
    Reason,
    ReasonFacts,
    RhythmStart,
    because,
    check_facts,
)
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
    why: ReasonFacts
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
"""A refinement of what the rules found: it may lower the kind, never raise it."""


def judge(bout: Bout, rules: Rules, refinement: Refine | None = None) -> Finding:
    """Name a bout as it is known at its moment."""
    return decide(examine(bout, rules), refinement)


def decide(case: Case, refinement: Refine | None = None) -> Finding:
    """Name what was weighed, corrected by the refinement where there is one."""
    finding = conclude(case)
    return finding if refinement is None else refinement(case, finding)


def conclude(case: Case) -> Finding:
    """Choose the kind whose evidence holds, the more specific before the more general."""
    rhythm = case.rhythm
    if rhythm is None or not case.holds(RuleName.RHYTHM):
        return _jerk(case)
    if rhythm.faint and (jerk := _jerk(case)).kind is not Kind.MOVEMENT:
        return jerk
    if case.facts.over and case.holds(RuleName.BUZZ):
        return _named(case, RuleName.BUZZ)
    if case.holds(RuleName.HAND):
        return _named(case, RuleName.HAND)
    return _rhythmic(case, rhythm)


def beside(
    bout: Bout, finding: Finding, rules: Rules, refinement: Refine | None = None
) -> list[Finding]:
    """Name what of a bout that is over its finding leaves out: movement before or after a rhythm.

    From a second on it is an event; less is the blur of a window. Other rhythms in it are found as
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
                    why=because(Reason.BESIDE_RHYTHM, rhythm_hz=finding.rhythm_hz or 0.0),
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
    mixed = (apart or facts.turned_deg > SPASM_TURN_DEG) and case.holds(RuleName.SPASM_START)
    clonus = 1.0 if mixed else case.evidence[RuleName.CLONUS].strength
    if rhythm.faint:
        mixed, clonus = False, 0.0
    kind, share = (Kind.CLONUS, clonus) if clonus >= 0.5 else (Kind.TREMOR, 1 - clonus)
    start = RhythmStart.ABRUPT if clonus >= 0.5 else RhythmStart.WAXING
    start = RhythmStart.JERK if mixed else start
    start = RhythmStart.INSIDE if rhythm.faint else start
    why = because(
        Reason.RHYTHM,
        start=start,
        rhythm_hz=rhythm.rate_hz,
        beating_s=rhythm.beating_s,
        clonus_share=clonus if OPEN_SHARE[0] < clonus < OPEN_SHARE[1] else None,
    )
    peak_g, rms_g = strength(bout, rhythm.onset, rhythm.end)
    return Finding(
        kind=kind,
        confidence=_confidence(case.evidence[RuleName.RHYTHM].strength) * max(share, 0.5),
        why=why,
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
    for name in _JERKS if case.facts.over else _JERKS_AT_ONCE:
        if case.holds(name):
            return _named(case, name)
    spasm, rhythm = case.evidence[RuleName.SPASM], case.evidence.get(RuleName.RHYTHM)
    why = because(
        Reason.NO_SPASM,
        spasm=check_facts(spasm.weakest),
        rhythm=None if rhythm is None else check_facts(rhythm.weakest),
    )
    return _as_a_whole(case.bout, case.facts, Kind.MOVEMENT, 1 - spasm.strength, why)


_JERKS_AT_ONCE = (RuleName.WALK, RuleName.SPASM)
_JERKS = (
    RuleName.WALK,
    RuleName.TWITCH,
    RuleName.SPASM,
    RuleName.TONIC,
    RuleName.TURN,
    RuleName.SHAKEN,
)
"""Rules for a bout without a rhythm, the more specific before the more general."""


def _named(case: Case, name: RuleName) -> Finding:
    evidence = case.evidence[name]
    why = _why(case, name)
    return _as_a_whole(case.bout, case.facts, evidence.kind, evidence.strength, why)


def _why(case: Case, name: RuleName) -> ReasonFacts:
    """Return the facts for which a rule held."""
    facts, rhythm = case.facts, case.rhythm
    lasting: dict[str, float | None] = {"duration_s": facts.duration_s}
    jerk: dict[str, float | None] = {"peak_g": facts.peak_g}
    known: dict[RuleName, tuple[Reason, dict[str, float | None]]] = {
        RuleName.WALK: (Reason.WALK, {}),
        RuleName.TWITCH: (Reason.TWITCH, {**jerk, **lasting}),
        RuleName.SPASM: (
            Reason.SPASM,
            {**jerk, "rise_s": facts.rise_s, "turned_deg": facts.turned_deg, **lasting},
        ),
        RuleName.TONIC: (Reason.TONIC, {"held_deg": facts.held_deg, **lasting}),
        RuleName.TURN: (Reason.TURN, {"settled_deg": facts.settled_deg or 0.0}),
        RuleName.SHAKEN: (Reason.SHAKEN, lasting),
        RuleName.BUZZ: (Reason.BUZZ, lasting),
        RuleName.HAND: (Reason.HAND, {"rhythm_hz": rhythm.rate_hz if rhythm else None}),
    }
    reason, numbers = known[name]
    return because(reason, **numbers)


def _as_a_whole(bout: Bout, facts: Facts, kind: Kind, evidence: float, why: ReasonFacts) -> Finding:
    peak_g, rms_g = strength(bout, bout.first * FRAME, bout.end_sample)
    return Finding(
        kind=kind,
        confidence=_confidence(evidence),
        why=why,
        onset=bout.onset.sample,
        end=max(bout.end_sample, bout.onset.sample + 1),
        turn_deg=facts.turned_deg,
        jerk_g_s=facts.jerk_g_s,
        cut_short=bout.cut_short,
        peak_g=peak_g,
        rms_g=rms_g,
    )


def _confidence(evidence: float) -> float:
    """From just a default label to nearly sure. Not yet calibrated against outcomes."""
    return 0.5 + 0.49 * evidence
