"""The checks of every rule: a rule is as strong as its weakest check."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from math import log, pi
from typing import Final, Protocol

from detector.events import Kind
from detector.recognition.bouts.beating import Rhythm, find_rhythm
from detector.recognition.bouts.bout import Bout
from detector.recognition.bouts.facts import Facts, FirstLook, facts_of
from detector.recognition.rules.evidence import (
    Check,
    CheckName,
    Evidence,
    RuleName,
    all_hold,
    ramp,
)
from detector.recognition.rules.thresholds import Rules

INSIDE_SHARE = 0.85
"""A rhythm that is less of its bout is judged as one inside other movement."""

IN_USE_S, IN_USE_SHARE = 20.0, 0.3
"""A limb is in use that moves for so long, or did for so much of the minute before."""

ABRUPTNESS = (0.2, 8.0)  # softer or steeper adds no evidence
ABRUPT_BEATS = 2.0
"""Over the beats a rhythm takes to grow: its abruptness where something else began the bout."""

LINE, STRENGTH = (0.75, 0.95), (0.2, 3.3)
"""Bounds of the share along one line and of the strength: a clonus can be elliptical and
a tremor strong, and a simulator makes both too neatly (a large weight on polarisation took
sensitivity on another generator from 1.00 to 0.05)."""

ODDS = (-2.0, 2.0)  # log odds: a clonus at 12 % is no evidence, at 88 % full evidence

CLEAR_BEATS = (3.0, 8.0)
"""So many equal beats count as beating throughout, however little of the bout they fill."""

STRIDED_S = (3.8, 2.2)
"""So long may a stride be the best rhythm of a limb that is held and trembles, seconds. Of 131
simulated pulls none did for more than 2.4 s; walks of people with Parkinson's that the rules took
for pulls did for 5.8 s and more, at a leg."""

IMPACTS = (0.4, 0.32)
"""How alike its strength may be one stride later. Of the same pulls none was by more than 0.32; of
stiff and slow simulated walks, whose stride is too long for the rhythm track, at a leg none by less
than 0.38."""

UNSETTLED_DEG = 180.0  # as far away as can be: a limb that still moves has not come back

STEADY, ALL_BEAT = 0.85, 0.95  # more regularity or beating adds no evidence

LEAST_LEAD_S, LEAST_LEAD_DEG = 0.5, 2.0  # movement before a rhythm that is a turn of the limb


class Evidences(Mapping[RuleName, Evidence]):
    """Evidence by the rule's name, each weighed when it is first asked for."""

    __slots__ = ("_found", "_weigh")

    def __init__(self, weigh: Mapping[RuleName, Callable[[], Evidence]]) -> None:
        self._weigh = weigh
        self._found: dict[RuleName, Evidence] = {}

    def __getitem__(self, name: RuleName) -> Evidence:
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = self._weigh[name]()
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._weigh

    def __iter__(self) -> Iterator[RuleName]:
        return iter(self._weigh)

    def __len__(self) -> int:
        return len(self._weigh)


@dataclass(frozen=True, slots=True)
class Case:
    """A bout, its numbers, its rhythm if it has one, and the evidence for every kind."""

    bout: Bout
    facts: Facts
    rhythm: Rhythm | None
    evidence: Mapping[RuleName, Evidence]

    def holds(self, name: RuleName) -> bool:
        """Whether there is that evidence and it holds."""
        return name in self.evidence and self.evidence[name].holds


class SpasmNumbers(Protocol):
    """What a spasm is known by: of `Facts`, or of a `FirstLook` that measures no more than asked.

    The order of the checks below is that of the work they need.
    """

    @property
    def rest_s(self) -> float: ...  # noqa: D102
    @property
    def jerk_g_s(self) -> float: ...  # noqa: D102
    @property
    def rise_s(self) -> float: ...  # noqa: D102
    @property
    def slope_s(self) -> float: ...  # noqa: D102
    @property
    def busy(self) -> float: ...  # noqa: D102
    @property
    def early_share(self) -> float: ...  # noqa: D102
    @property
    def peak_g(self) -> float: ...  # noqa: D102
    @property
    def settled_deg(self) -> float | None: ...  # noqa: D102
    @property
    def turned_deg(self) -> float: ...  # noqa: D102
    @property
    def duration_s(self) -> float: ...  # noqa: D102


def examine(bout: Bout, rules: Rules) -> Case:
    """Weigh a bout against every kind that can be said at its moment: most only once it is over."""
    facts = facts_of(bout, stride=rules.beat.stride[0], tremble_hz=rules.tonic.tremble_hz)
    weigh = {name: partial(rule, facts, rules) for name, rule in _JERKS[facts.over].items()}
    rhythm = find_rhythm(bout, rules, sudden=all_hold(_spasm_start(facts, rules)))
    if rhythm is not None:
        weigh[RuleName.RHYTHM] = partial(_rhythm, rhythm, rules)
        weigh[RuleName.CLONUS] = partial(_clonus, bout, facts, rhythm, rules)
        if facts.over:
            weigh[RuleName.BUZZ] = partial(_buzz, facts, rhythm, rules)
        weigh[RuleName.HAND] = partial(_hand, rhythm, rules)
    return Case(bout, facts, rhythm, Evidences(weigh))


def may_start(bout: Bout, rules: Rules) -> bool:
    """Return whether a look at a bout that goes on starts steeply out of rest, as a spasm does."""
    return all_hold(_out_of_rest(FirstLook(bout), rules))


def may_be_spasm(bout: Bout, rules: Rules) -> bool:
    """Return whether a first look would name a spasm, or could name a clonus.

    By the checks of `_spasm`, no further than the first that fails. What starts steeply out of
    rest and beats may be a clonus.
    """
    if not may_start(bout, rules):
        return False
    beats = bool(bout.score.max() >= rules.rhythm.on)
    return beats or all_hold(_spasm_checks(FirstLook(bout), rules))


def walks(bout: Bout, rules: Rules) -> bool:
    """Return whether a bout, or a part of one, is walking by the rule for it."""
    facts = facts_of(bout, stride=rules.beat.stride[0], tremble_hz=rules.tonic.tremble_hz)
    return _walk(facts, rules).holds


def _out_of_rest(numbers: SpasmNumbers, rules: Rules) -> Iterator[Check]:
    yield Check(CheckName.REST, numbers.rest_s, *rules.spasm.rest_s, "s")
    yield Check(CheckName.START, numbers.jerk_g_s, *rules.spasm.jerk_g_s, "g/s")


def _sudden(numbers: SpasmNumbers, rules: Rules) -> Iterator[Check]:
    """Ask for a steep flank out of rest: how a spasm begins, alone or with clonus behind it."""
    yield from _out_of_rest(numbers, rules)
    yield Check(CheckName.RISE, numbers.rise_s, *rules.spasm.rise_s, "s")
    yield Check(CheckName.SLOPE, numbers.slope_s, *rules.spasm.slope_s, "s")
    yield Check(CheckName.BUSY, numbers.busy, *rules.spasm.busy)


def _spasm_start(numbers: SpasmNumbers, rules: Rules) -> Iterator[Check]:
    """Ask for a sudden start that stays the strongest, and is steeper where the limb stayed."""
    yield from _sudden(numbers, rules)
    yield Check(CheckName.EARLY, numbers.early_share, *rules.spasm.early_share)
    settled_deg, least_share = numbers.settled_deg or 0.0, sum(rules.stayed.share) / 2
    if settled_deg < rules.stayed.least_deg or settled_deg / numbers.turned_deg < least_share:
        return
    stayed = {"settled_deg": settled_deg}
    least_g, clear_g = (times * rules.spasm.peak_g[1] for times in rules.stayed.times_peak)
    steep = rules.stayed.jerk_g_s
    yield Check(CheckName.STAYED_START, numbers.jerk_g_s, *steep, "g/s", stayed)
    yield Check(CheckName.STAYED_PEAK, numbers.peak_g, least_g, clear_g, "g", stayed)


def _spasm_checks(numbers: SpasmNumbers, rules: Rules) -> Iterator[Check]:
    yield from _spasm_start(numbers, rules)
    yield Check(CheckName.PEAK, numbers.peak_g, *rules.spasm.peak_g, "g")
    yield Check(CheckName.TURNED, numbers.turned_deg, *rules.spasm.turn_deg, "degrees")
    yield Check(CheckName.SETTLED, numbers.settled_deg or 0.0, *rules.spasm.rolled_deg, "degrees")
    yield Check(CheckName.LENGTH, numbers.duration_s, *rules.spasm.length_s, "s")


def _twitch(facts: Facts, rules: Rules) -> Evidence:
    settled_deg = UNSETTLED_DEG if facts.settled_deg is None else facts.settled_deg
    checks = (
        *_sudden(facts, rules),
        Check(CheckName.PEAK, facts.peak_g, *rules.twitch.peak_g, "g"),
        Check(CheckName.LENGTH, facts.duration_s, *rules.twitch.length_s, "s"),
        Check(CheckName.SETTLED, settled_deg, *rules.twitch.return_deg, "degrees"),
        Check(CheckName.BUSY, facts.busy, *rules.twitch.busy),
    )
    return Evidence(RuleName.TWITCH, Kind.TWITCH, checks)


def _start(facts: Facts, rules: Rules) -> Evidence:
    return Evidence(RuleName.SPASM_START, Kind.SPASM, tuple(_spasm_start(facts, rules)))


def _spasm(facts: Facts, rules: Rules) -> Evidence:
    return Evidence(RuleName.SPASM, Kind.SPASM, tuple(_spasm_checks(facts, rules)))


def _tonic(facts: Facts, rules: Rules) -> Evidence:
    checks = (
        Check(CheckName.REST, facts.rest_s, *rules.spasm.rest_s, "s"),
        Check(CheckName.BUSY, facts.busy, *rules.twitch.busy),
        Check(CheckName.LENGTH, facts.duration_s, *rules.tonic.length_s, "s"),
        Check(CheckName.HELD, facts.held_deg, *rules.tonic.held_deg, "degrees"),
        Check(CheckName.TREMBLING, facts.trembling, *rules.tonic.trembling),
        Check(CheckName.DRIFT, facts.drift_deg, *rules.tonic.drift_deg, "degrees"),
        Check(CheckName.STRIDED, facts.strided_s, *STRIDED_S, "s"),
        Check(CheckName.IMPACTS, facts.impacts, *IMPACTS),
    )
    return Evidence(RuleName.TONIC, Kind.TONIC, checks)


def _turn(facts: Facts, rules: Rules) -> Evidence:
    settled_deg = 0.0 if facts.settled_deg is None else facts.settled_deg
    checks = (
        Check(CheckName.ELSEWHERE, settled_deg, *rules.turn.settled_deg, "degrees"),
        Check(CheckName.LENGTH, facts.duration_s, *rules.turn.length_s, "s"),
    )
    return Evidence(RuleName.TURN, Kind.TURN, checks)


def _shaken(facts: Facts, rules: Rules) -> Evidence:
    settled_deg = UNSETTLED_DEG if facts.settled_deg is None else facts.settled_deg
    checks = (
        Check(CheckName.TURNED, facts.turned_deg, *rules.shaken.turn_deg, "degrees"),
        Check(CheckName.SETTLED, settled_deg, *rules.twitch.return_deg, "degrees"),
        Check(CheckName.LENGTH, facts.duration_s, *rules.shaken.length_s, "s"),
    )
    return Evidence(RuleName.SHAKEN, Kind.VIBRATION, checks)


def _walk(facts: Facts, rules: Rules) -> Evidence:
    checks = (
        Check(CheckName.LENGTH, facts.duration_s, *rules.walk.length_s, "s"),
        Check(CheckName.STRIDING, facts.striding, *rules.walk.striding),
    )
    return Evidence(RuleName.WALK, Kind.MOVEMENT, checks)


_JERKS: Final[Mapping[bool, Mapping[RuleName, Callable[[Facts, Rules], Evidence]]]] = {
    False: {RuleName.SPASM_START: _start, RuleName.SPASM: _spasm, RuleName.WALK: _walk},
    True: {
        RuleName.SPASM_START: _start,
        RuleName.TWITCH: _twitch,
        RuleName.SPASM: _spasm,
        RuleName.TONIC: _tonic,
        RuleName.TURN: _turn,
        RuleName.SHAKEN: _shaken,
        RuleName.WALK: _walk,
    },
}
"""Rules that need no rhythm, by whether a bout is over."""


def _rhythm(rhythm: Rhythm, rules: Rules) -> Evidence:
    """Ask what every rhythm must show to be one."""
    checks = (
        Check(CheckName.REGULARITY, rhythm.regularity, *rules.beat.regularity),
        Check(CheckName.BEATS, rhythm.beats, *rules.rhythm.beats),
        Check(CheckName.STRIDE, rhythm.stride, *rules.beat.stride),
        Check(CheckName.PULSING, rhythm.pulsing, *rules.rhythm.pulsing),
    )
    return Evidence(RuleName.RHYTHM, Kind.TREMOR, checks)


def _clonus(bout: Bout, facts: Facts, rhythm: Rhythm, rules: Rules) -> Evidence:
    """Weigh clonus against tremor: it is there at once and dies away, tremor waxes and wanes."""
    if _is_inside(bout, facts, rhythm):
        return _clonus_in_movement(rhythm, rules)
    clear = ramp(rhythm.clearest_beats, *CLEAR_BEATS)
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
    seen = {
        "abruptness": abruptness,
        "waning": rhythm.waning,
        "line": rhythm.line,
        "beating": beating,
    }
    checks = (
        Check(CheckName.ODDS, odds, *ODDS, details=seen),
        Check(CheckName.LEAD, rhythm.lead_share, *rules.clonus.calm_share),
        Check(CheckName.STRENGTH, rhythm.full_g, *rules.clonus.rms_g, "g"),
        Check(CheckName.RATE, rhythm.rate_hz, *rules.clonus.rate_hz, "Hz"),
    )
    return Evidence(RuleName.CLONUS, Kind.CLONUS, checks)


def _within(value: float, bounds: tuple[float, float]) -> float:
    return min(max(value, bounds[0]), bounds[1])


def _is_inside(bout: Bout, facts: Facts, rhythm: Rhythm) -> bool:
    """Whether a rhythm lies in a limb's other movement, whose start is not its own.

    A few seconds of fidgeting out of rest are no such movement: there its own start was seen.
    """
    if bout.duration_s < IN_USE_S and facts.busy < IN_USE_SHARE:
        return False
    turned_first = rhythm.lead_s > LEAST_LEAD_S and facts.turned_deg > LEAST_LEAD_DEG
    share = rhythm.beating_s / bout.duration_s
    return rhythm.late or turned_first or not bout.onset.was_seen or share < INSIDE_SHARE


def _clonus_in_movement(rhythm: Rhythm, rules: Rules) -> Evidence:
    """Weigh clonus where it begins in the midst of other movement, which hides how it began."""
    beats = rhythm.clearest_beats
    drowned = Check(CheckName.LEAD, rhythm.lead_share, *rules.clonus.drowning_share)
    undeniable = Check(CheckName.EQUAL_BEATS, beats, *rules.clonus.undeniable_beats)
    checks = (
        undeniable if undeniable.strength > drowned.strength else drowned,
        Check(CheckName.EQUAL_BEATS, beats, *rules.clonus.clear_beats),
        Check(CheckName.STRENGTH, rhythm.full_g, *rules.clonus.rms_g, "g"),
    )
    return Evidence(RuleName.CLONUS, Kind.CLONUS, checks)


def _buzz(facts: Facts, rhythm: Rhythm, rules: Rules) -> Evidence:
    """Ask for a motor's hum, folded into the band of clonus by a slow sensor."""
    checks = (
        Check(CheckName.BEATING, rhythm.beating_s, *rules.buzz.length_s, "s"),
        Check(CheckName.STRENGTH, rhythm.full_g, *rules.buzz.rms_g, "g"),
        Check(CheckName.SLOPE, facts.slope_s, *rules.buzz.slope_s, "s"),
        Check(CheckName.TURNED, facts.turned_deg, *rules.buzz.turn_deg, "degrees"),
    )
    return Evidence(RuleName.BUZZ, Kind.VIBRATION, checks)


def _hand(rhythm: Rhythm, rules: Rules) -> Evidence:
    """Ask for the strokes of a hand at work: strong, quick and broken off again and again."""
    checks = (
        Check(CheckName.RATE, rhythm.rate_hz, *rules.hand.rate_hz, "Hz"),
        Check(CheckName.STRENGTH, rhythm.full_g, *rules.hand.rms_g, "g"),
        Check(CheckName.WANING, rhythm.waning, *rules.hand.waning),
    )
    return Evidence(RuleName.HAND, Kind.MOVEMENT, checks)
