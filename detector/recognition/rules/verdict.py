"""The rules: what a bout most likely was, how sure that is, and which facts say so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from detector.dsp.frames import FRAME
from detector.dsp.grid import GRID_HZ
from detector.events import Kind
from detector.recognition.bouts.beating import Rhythm
from detector.recognition.bouts.bout import Bout
from detector.recognition.bouts.facts import Facts, strength
from detector.recognition.bouts.shape import Shape, shape_of
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
OPEN_SHARE = 0.7  # of clonus, tremor or voluntary movement: below, all are told
WAXING_BEATS = 3.0  # from so many on it grew; fewer are there at once (Hidler & Rymer 1999)
HELD_S = 1.0  # a limb away for as long is held, not thrown
BACK_SHARE = 0.6  # of the turn that is left at the end: at most so much, the limb was let go


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
    shares: Mapping[str, float] | None = None  # of a rhythm: what speaks for each, sum 1
    held: bool = False  # drawn away, held there and let go
    cut_short: bool = False

    @property
    def duration_s(self) -> float:
        """Seconds from onset to end."""
        return (self.end - self.onset) / GRID_HZ


SecondOpinion = Callable[[Case], Finding]
"""Names what was weighed, instead of `conclude`: see `opinions`."""


def judge(bout: Bout, rules: Rules, opinion: SecondOpinion | None = None) -> Finding:
    """Name a bout as it is known at its moment."""
    return decide(examine(bout, rules), opinion)


def decide(case: Case, opinion: SecondOpinion | None = None) -> Finding:
    """Name what was weighed, by the second opinion where there is one."""
    return conclude(case) if opinion is None else opinion(case)


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
    bout: Bout, finding: Finding, rules: Rules, opinion: SecondOpinion | None = None
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
            other = None if rest is None else judge(rest, rules, opinion)
            if rest is not None and other is not None and other.rhythm_hz is not None:
                found += [other, *beside(rest, other, rules, opinion)]
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


def as_clonus(case: Case, *, likely: float, shares: Mapping[str, float]) -> Finding:
    """Return a bout with a rhythm as a clonus."""
    assert case.rhythm is not None  # noqa: S101 - who asks has seen that its rule holds
    start = RhythmStart.ABRUPT if case.rhythm.growth_beats < WAXING_BEATS else RhythmStart.WAXING
    mixed = _is_mixed(case, case.rhythm)
    start = RhythmStart.JERK if mixed else start
    found = _of_rhythm(case, case.rhythm, Kind.CLONUS, start, shares)
    parts = (Kind.SPASM, Kind.CLONUS) if mixed else None
    return replace(found, confidence=likely, parts=parts)


def as_pull(case: Case, rules: Rules, *, likely: float) -> Finding:
    """Return a bout as a spasm, or as a tonic one where it is stiff more than it moves.

    What starts suddenly is a spasm, however long it is held.
    """
    facts = case.facts
    stiff = (
        facts.over
        and not case.holds(RuleName.SPASM_START)
        and facts.duration_s >= rules.tonic.least_s
        and facts.trembling >= rules.tonic.stiff_share
        and facts.turned_deg <= rules.tonic.most_deg
    )
    kind, name = (Kind.TONIC, RuleName.TONIC) if stiff else (Kind.SPASM, RuleName.SPASM)
    shape = shape_of(case.bout)
    held = facts.over and shape.away_s >= HELD_S and shape.back_share <= BACK_SHARE
    why = _pulled(facts, shape) if held or not case.holds(name) else _why(case, name)
    found = _as_a_whole(case.bout, facts, kind, 0.0, why)
    return replace(found, confidence=likely, held=held)


def as_twitch(case: Case, *, likely: float) -> Finding:
    """Return a bout that is over as a twitch."""
    why = _why(case, RuleName.TWITCH)
    return replace(_as_a_whole(case.bout, case.facts, Kind.TWITCH, 0.0, why), confidence=likely)


def otherwise(case: Case) -> Finding:
    """Return what a bout was if it was no likely spasm."""
    rhythm = case.rhythm
    if rhythm is None or not case.holds(RuleName.RHYTHM):
        return _jerk(case, _NO_SPASMS if case.facts.over else ())
    if rhythm.faint and (jerk := _jerk(case, _NO_SPASMS)).kind is not Kind.MOVEMENT:
        return jerk
    if case.facts.over and case.holds(RuleName.BUZZ):
        return _named(case, RuleName.BUZZ)
    start = RhythmStart.INSIDE if rhythm.faint else RhythmStart.WAXING
    return _of_rhythm(case, rhythm, Kind.TREMOR, start, None)


def _pulled(facts: Facts, shape: Shape) -> ReasonFacts:
    return because(
        Reason.PULL,
        turned_deg=facts.turned_deg,
        pull_s=shape.pull_s,
        away_s=shape.away_s if facts.over else None,
        let_go=facts.over and shape.back_share <= BACK_SHARE,
        duration_s=facts.duration_s,
    )


def _rhythmic(case: Case, rhythm: Rhythm) -> Finding:
    mixed = _is_mixed(case, rhythm)
    clonus = 1.0 if mixed else case.evidence[RuleName.CLONUS].strength
    if rhythm.faint:
        clonus = 0.0
    kind, share = (Kind.CLONUS, clonus) if clonus >= 0.5 else (Kind.TREMOR, 1 - clonus)
    start = RhythmStart.ABRUPT if clonus >= 0.5 else RhythmStart.WAXING
    start = RhythmStart.JERK if mixed else start
    start = RhythmStart.INSIDE if rhythm.faint else start
    shares = {"clonus": clonus, "tremor": 1 - clonus}
    found = _of_rhythm(case, rhythm, kind, start, shares)
    confidence = _confidence(case.evidence[RuleName.RHYTHM].strength) * max(share, 0.5)
    parts = (Kind.SPASM, Kind.CLONUS) if mixed else None
    return replace(found, confidence=confidence, parts=parts)


def _is_mixed(case: Case, rhythm: Rhythm) -> bool:
    """Whether the rhythm came out of a spasm."""
    apart = rhythm.lead_s > SPASM_LEAD_S and case.facts.turned_deg > LEAST_TURN_DEG
    turned = apart or case.facts.turned_deg > SPASM_TURN_DEG
    return turned and case.holds(RuleName.SPASM_START) and not rhythm.faint


def _of_rhythm(
    case: Case,
    rhythm: Rhythm,
    kind: Kind,
    start: RhythmStart,
    shares: Mapping[str, float] | None,
) -> Finding:
    """Return the stretch that beats under a kind; `shares` are told where they are open."""
    is_open = shares is not None and max(shares.values()) < OPEN_SHARE
    why = because(
        Reason.RHYTHM,
        start=start,
        rhythm_hz=rhythm.rate_hz,
        beating_s=rhythm.beating_s,
        shares=shares if is_open else None,
    )
    peak_g, rms_g = strength(case.bout, rhythm.onset, rhythm.end)
    return Finding(
        kind=kind,
        confidence=0.5,
        why=why,
        onset=rhythm.onset,
        end=rhythm.end,
        rhythm_hz=rhythm.rate_hz,
        beats=rhythm.beats,
        turn_deg=case.facts.turned_deg,
        jerk_g_s=case.facts.jerk_g_s,
        shares=shares,
        cut_short=case.bout.cut_short,
        peak_g=peak_g,
        rms_g=rms_g,
    )


def _jerk(case: Case, rules: Sequence[RuleName] | None = None) -> Finding:
    """Name a bout without a rhythm, by the first of these rules that holds."""
    if rules is None:
        rules = _JERKS if case.facts.over else _JERKS_AT_ONCE
    for name in rules:
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
_NO_SPASMS = (RuleName.WALK, RuleName.TURN, RuleName.SHAKEN)


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
    """Return how sure a rule is, 0.5 to 0.99: by its strength alone, not calibrated."""
    return 0.5 + 0.49 * evidence
