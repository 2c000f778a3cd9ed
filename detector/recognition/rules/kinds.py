"""What speaks for each kind: every rule is a list of checks, and holds as well as its weakest."""

from __future__ import annotations

from dataclasses import dataclass
from math import log, pi

from detector.events import Kind
from detector.recognition.bouts.beating import Rhythm, find_rhythm
from detector.recognition.bouts.bout import Bout
from detector.recognition.bouts.facts import Facts, facts_of, turned_deg
from detector.recognition.rules.evidence import Check, Evidence, ramp
from detector.recognition.rules.thresholds import Rules

INSIDE_SHARE = 0.85
"""A rhythm that is less of its bout is judged as one inside other movement."""

IN_USE_S, IN_USE_SHARE = 20.0, 0.3
"""A limb is in use that moves for so long, or did for so much of the minute before."""

ABRUPTNESS = (0.2, 8.0)  # far softer or steeper says no more
ABRUPT_BEATS = 2.0
"""Over the beats a rhythm takes to grow: its abruptness where something else began the bout."""

LINE, STRENGTH = (0.75, 0.95), (0.2, 3.3)
"""Bounds of what the share along one line and the strength may say: a clonus can be elliptical and
a tremor strong, and a simulator makes both too neatly (a large weight on polarisation took
sensitivity on another generator from 1.00 to 0.05)."""

STEADY, ALL_BEAT = 0.85, 0.95  # regularity and share of beating that cannot say more

LEAST_LEAD_S, LEAST_LEAD_DEG = 0.5, 2.0  # ... and one that a turn of the limb precedes


@dataclass(frozen=True, slots=True)
class Case:
    """A bout, its numbers, its rhythm if it has one, and the evidence for every kind."""

    bout: Bout
    facts: Facts
    rhythm: Rhythm | None
    evidence: dict[str, Evidence]

    def holds(self, name: str) -> bool:
        """Whether there is that evidence and it holds."""
        return name in self.evidence and self.evidence[name].holds


def examine(bout: Bout, rules: Rules) -> Case:
    """Weigh a bout against every kind that can be said at its moment: most only once it is over."""
    facts = facts_of(bout, stride=rules.beat.stride[0], tremble_hz=rules.tonic.tremble_hz)
    start = Evidence("spasm start", Kind.SPASM, _spasm_start(facts, rules))
    early, late = (_spasm, _walk), (_twitch, _spasm, _tonic, _turn, _shaken, _walk)
    evidence = [start, *(rule(facts, rules) for rule in (late if facts.over else early))]
    rhythm = find_rhythm(bout, rules, sudden=start.holds)
    if rhythm is not None:
        evidence += [_rhythm(rhythm, rules), _clonus(bout, facts, rhythm, rules)]
        if facts.over:
            evidence += [_buzz(facts, rhythm, rules)]
        evidence += [_hand(rhythm, rules)]
    return Case(bout, facts, rhythm, {e.name: e for e in evidence})


def may_be_spasm(bout: Bout, rules: Rules) -> bool:
    """Whether a first look is worth its work: a soft start, or one without rest, never is.

    What beats may be clonus; without a beat only a spasm is told at a first look.
    """
    onset = bout.onset
    steep = ramp(onset.jerk_g_s, *rules.spasm.jerk_g_s)
    if steep < 0.5 or ramp(bout.rest_s, *rules.spasm.rest_s) < 0.5:
        return False
    if bout.score.max() >= rules.rhythm.on:
        return True
    strong, quick = ramp(onset.peak_g, *rules.spasm.peak_g), ramp(onset.rise_s, *rules.spasm.rise_s)
    calm, sharp = ramp(bout.busy, *rules.spasm.busy), ramp(onset.slope_s, *rules.spasm.slope_s)
    if min(strong, quick, calm, sharp) < 0.5:
        return False
    return ramp(turned_deg(bout), *rules.spasm.turn_deg) >= 0.5


def _sudden(facts: Facts, rules: Rules) -> tuple[Check, ...]:
    """Ask for a steep flank out of rest: how a spasm begins, alone or with clonus behind it."""
    return (
        Check("rest before it", facts.rest_s, *rules.spasm.rest_s, "s"),
        Check("start", facts.jerk_g_s, *rules.spasm.jerk_g_s, "g/s"),
        Check("time to its peak", facts.rise_s, *rules.spasm.rise_s, "s"),
        Check("slope", facts.slope_s, *rules.spasm.slope_s, "s"),
        Check("share of movement in the minute before", facts.busy, *rules.spasm.busy),
    )


def _spasm_start(facts: Facts, rules: Rules) -> tuple[Check, ...]:
    """Ask for a sudden start that stays the strongest, and is steeper where the limb stayed."""
    checks = (
        *_sudden(facts, rules),
        Check("strength of its start over its whole", facts.early_share, *rules.spasm.early_share),
    )
    settled_deg = facts.settled_deg or 0.0
    if (
        settled_deg < rules.stayed.least_deg
        or settled_deg / facts.turned_deg < sum(rules.stayed.share) / 2
    ):
        return checks
    stayed = f", for a limb that stayed {settled_deg:.0f} degrees away,"
    least_g, clear_g = (times * rules.spasm.peak_g[1] for times in rules.stayed.times_peak)
    return (
        *checks,
        Check(f"start{stayed}", facts.jerk_g_s, *rules.stayed.jerk_g_s, "g/s"),
        Check(f"peak{stayed}", facts.peak_g, least_g, clear_g, "g"),
    )


def _twitch(facts: Facts, rules: Rules) -> Evidence:
    settled_deg = 180.0 if facts.settled_deg is None else facts.settled_deg
    checks = (
        *_sudden(facts, rules),
        Check("peak", facts.peak_g, *rules.twitch.peak_g, "g"),
        Check("length", facts.duration_s, *rules.twitch.length_s, "s"),
        Check("angle it stayed away", settled_deg, *rules.twitch.return_deg, "degrees"),
        Check("share of movement in the minute before", facts.busy, *rules.twitch.busy),
    )
    return Evidence("twitch", Kind.TWITCH, checks)


def _spasm(facts: Facts, rules: Rules) -> Evidence:
    checks = (
        *_spasm_start(facts, rules),
        Check("peak", facts.peak_g, *rules.spasm.peak_g, "g"),
        Check("angle it turned", facts.turned_deg, *rules.spasm.turn_deg, "degrees"),
        Check("angle it stayed away", facts.settled_deg or 0.0, *rules.spasm.rolled_deg, "degrees"),
        Check("length", facts.duration_s, *rules.spasm.length_s, "s"),
    )
    return Evidence("spasm", Kind.SPASM, checks)


def _tonic(facts: Facts, rules: Rules) -> Evidence:
    checks = (
        Check("rest before it", facts.rest_s, *rules.spasm.rest_s, "s"),
        Check("share of movement in the minute before", facts.busy, *rules.twitch.busy),
        Check("length", facts.duration_s, *rules.tonic.length_s, "s"),
        Check("angle it held", facts.held_deg, *rules.tonic.held_deg, "degrees"),
        Check("share of fast trembling", facts.trembling, *rules.tonic.trembling),
        Check("drift while it held", facts.drift_deg, *rules.tonic.drift_deg, "degrees"),
    )
    return Evidence("tonic", Kind.TONIC, checks)


def _turn(facts: Facts, rules: Rules) -> Evidence:
    settled_deg = 0.0 if facts.settled_deg is None else facts.settled_deg
    checks = (
        Check("angle it came to lie elsewhere", settled_deg, *rules.turn.settled_deg, "degrees"),
        Check("length", facts.duration_s, *rules.turn.length_s, "s"),
    )
    return Evidence("turn", Kind.TURN, checks)


def _shaken(facts: Facts, rules: Rules) -> Evidence:
    settled_deg = 180.0 if facts.settled_deg is None else facts.settled_deg
    checks = (
        Check("angle it turned", facts.turned_deg, *rules.shaken.turn_deg, "degrees"),
        Check("angle it stayed away", settled_deg, *rules.twitch.return_deg, "degrees"),
        Check("length", facts.duration_s, *rules.shaken.length_s, "s"),
    )
    return Evidence("shaken", Kind.VIBRATION, checks)


def _walk(facts: Facts, rules: Rules) -> Evidence:
    checks = (
        Check("length", facts.duration_s, *rules.walk.length_s, "s"),
        Check("share that strides", facts.striding, *rules.walk.striding),
    )
    return Evidence("walk", Kind.MOVEMENT, checks)


def _rhythm(rhythm: Rhythm, rules: Rules) -> Evidence:
    """Ask what every rhythm must show to be one."""
    checks = (
        Check("regularity", rhythm.regularity, *rules.beat.regularity),
        Check("beats", rhythm.beats, *rules.rhythm.beats),
        Check("stride under it", rhythm.stride, *rules.beat.stride),
        Check("share of pauses in it", rhythm.pulsing, *rules.rhythm.pulsing),
    )
    return Evidence("rhythm", Kind.TREMOR, checks)


def _clonus(bout: Bout, facts: Facts, rhythm: Rhythm, rules: Rules) -> Evidence:
    """Weigh clonus against tremor: it is there at once and dies away, tremor waxes and wanes."""
    if _is_inside(bout, facts, rhythm):
        return _clonus_in_movement(rhythm, rules)
    clear = (rhythm.clearest_beats - 3.0) / 5.0
    beating = min(max(rhythm.beating_s / bout.duration_s, clear), 1.0)
    abruptness = facts.jerk_g_s / (2 * pi * rhythm.rate_hz * rhythm.full_g)
    if rhythm.lead_s > LEAST_LEAD_S:  # something else began the bout
        abruptness = max(abruptness, ABRUPT_BEATS / (rhythm.growth_beats + 0.5))
    speaks = (
        log(_within(abruptness, ABRUPTNESS)),
        rhythm.waning,
        _within(rhythm.line, LINE) - sum(LINE) / 2,
        log(_within(rhythm.full_g / rules.clonus.rms_g[1], STRENGTH)),
        min(rhythm.regularity, STEADY) - STEADY,
        min(beating, ALL_BEAT) - ALL_BEAT,
    )
    bias, *weights = rules.clonus.odds
    odds = bias + sum(weight * said for weight, said in zip(weights, speaks, strict=True))
    seen = (
        f"log odds of clonus against tremor (start {abruptness:.1f} times its own beat, waned by "
        f"{rhythm.waning:.0%}, {rhythm.line:.0%} along one line, {beating:.0%} of it beating)"
    )
    checks = (
        Check(seen, odds, -2.0, 2.0),
        Check("movement before it", rhythm.lead_share, *rules.clonus.calm_share),
        Check("strength", rhythm.full_g, *rules.clonus.rms_g, "g"),
        Check("rate", rhythm.rate_hz, *rules.clonus.rate_hz, "Hz"),
    )
    return Evidence("clonus", Kind.CLONUS, checks)


def _within(value: float, bounds: tuple[float, float]) -> float:
    return min(max(value, bounds[0]), bounds[1])


def _is_inside(bout: Bout, facts: Facts, rhythm: Rhythm) -> bool:
    """Whether a rhythm lies in a limb's other movement, whose start says nothing of its own.

    A few seconds of fidgeting out of rest are no such movement: there its start does say something.
    """
    if bout.duration_s < IN_USE_S and facts.busy < IN_USE_SHARE:
        return False
    turned_first = rhythm.lead_s > LEAST_LEAD_S and facts.turned_deg > LEAST_LEAD_DEG
    share = rhythm.beating_s / bout.duration_s
    return rhythm.late or turned_first or not bout.onset.was_seen or share < INSIDE_SHARE


def _clonus_in_movement(rhythm: Rhythm, rules: Rules) -> Evidence:
    """Weigh clonus where it begins in the midst of other movement, which hides how it began."""
    beats = rhythm.clearest_beats
    drowned = Check("movement before it", rhythm.lead_share, *rules.clonus.drowning_share)
    undeniable = Check("equal beats", beats, *rules.clonus.undeniable_beats)
    checks = (
        undeniable if undeniable.strength > drowned.strength else drowned,
        Check("equal beats", beats, *rules.clonus.clear_beats),
        Check("strength", rhythm.full_g, *rules.clonus.rms_g, "g"),
    )
    return Evidence("clonus", Kind.CLONUS, checks)


def _buzz(facts: Facts, rhythm: Rhythm, rules: Rules) -> Evidence:
    """Ask for a motor's hum, folded into the band of clonus by a slow sensor."""
    checks = (
        Check("beating", rhythm.beating_s, *rules.buzz.length_s, "s"),
        Check("strength", rhythm.full_g, *rules.buzz.rms_g, "g"),
        Check("slope", facts.slope_s, *rules.buzz.slope_s, "s"),
        Check("angle it turned", facts.turned_deg, *rules.buzz.turn_deg, "degrees"),
    )
    return Evidence("buzz", Kind.VIBRATION, checks)


def _hand(rhythm: Rhythm, rules: Rules) -> Evidence:
    """Ask for the strokes of a hand at work: strong, quick and broken off again and again."""
    checks = (
        Check("rate", rhythm.rate_hz, *rules.hand.rate_hz, "Hz"),
        Check("strength", rhythm.full_g, *rules.hand.rms_g, "g"),
        Check("share it wanes by", rhythm.waning, *rules.hand.waning),
    )
    return Evidence("hand", Kind.MOVEMENT, checks)
