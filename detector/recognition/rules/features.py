"""The physical numbers of a bout by which learned opinions weigh it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import nan, pi
from typing import Final

import numpy as np

from detector.dsp.frames import Floats
from detector.recognition.bouts.beating import Rhythm
from detector.recognition.bouts.facts import Facts
from detector.recognition.bouts.shape import Shape, shape_of
from detector.recognition.rules.kinds import Case
from detector.recognition.rules.thresholds import Rules

LONGEST_REST_S = 300.0
"""More rest before a movement adds nothing: after five minutes a limb is at rest."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A bout with all that its numbers are read from."""

    case: Case
    shape: Shape
    rules: Rules


@dataclass(frozen=True, slots=True)
class Feature:
    """A physical number of a bout.

    Parameters
    ----------
    unit : of the number; "" for a ratio
    why : what it can tell a likely spasm by
    number : NaN where a bout does not have it
    """

    unit: str
    why: str
    number: Callable[[Measured], float]


def numbers_of(case: Case, rules: Rules) -> Floats:
    """Return the numbers of `FEATURES` in their order, (features,); NaN where the bout lacks one.

    In single precision, as they are measured, so that training and detection compare the same.
    """
    measured = Measured(case, shape_of(case.bout), rules)
    numbers = [feature.number(measured) for feature in FEATURES.values()]
    return np.array(numbers, np.float32).astype(np.float64)


def _of_facts(number: Callable[[Facts], float | None]) -> Callable[[Measured], float]:
    def measured(seen: Measured) -> float:
        value = number(seen.case.facts)
        return nan if value is None else value

    return measured


def _of_shape(number: Callable[[Shape], float]) -> Callable[[Measured], float]:
    return lambda seen: number(seen.shape)


def _of_rhythm(number: Callable[[Rhythm], float]) -> Callable[[Measured], float]:
    return lambda seen: nan if seen.case.rhythm is None else number(seen.case.rhythm)


def _abruptness(seen: Measured) -> float:
    """Steepest start over the steepest part of a beat of full strength: 2 pi f times its rms."""
    rhythm = seen.case.rhythm
    if rhythm is None:
        return nan
    return seen.case.facts.jerk_g_s / (2 * pi * rhythm.rate_hz * max(rhythm.full_g, 1e-9))


def _kept(facts: Facts) -> float | None:
    if facts.settled_deg is None:
        return None
    return min(facts.settled_deg / max(facts.turned_deg, 1.0), 1.0)


def _strength(seen: Measured) -> float:
    rhythm = seen.case.rhythm
    return nan if rhythm is None else rhythm.full_g / seen.rules.clonus.rms_g[1]


def _beating(seen: Measured) -> float:
    rhythm = seen.case.rhythm
    return nan if rhythm is None else min(rhythm.beating_s / seen.case.bout.duration_s, 1.0)


def _peak(seen: Measured) -> float:
    return float(seen.case.bout.frames["peak_g"].max()) / seen.rules.spasm.peak_g[1]


FEATURES: Final[Mapping[str, Feature]] = {
    # Before it: a spasm comes out of rest, what a person does comes while he is about.
    "rest": Feature(
        "s",
        "a voluntary flick looks the same: what comes out of rest is likelier a spasm",
        lambda seen: min(seen.case.facts.rest_s, LONGEST_REST_S),
    ),
    "joins": Feature(
        "0 or 1",
        "a minute's movement that goes on has begun long before",
        lambda seen: float(seen.case.bout.joins),
    ),
    # Its start: a muscle that fires at once is steep.
    "jerk": Feature(
        "of a sure spasm's",
        "a muscle that fires at once moves a limb more steeply than a will",
        lambda seen: seen.case.facts.jerk_g_s / seen.rules.spasm.jerk_g_s[1],
    ),
    "slope": Feature(
        "s",
        "... at any size: peak over derivative",
        _of_facts(lambda f: f.slope_s),
    ),
    "rise": Feature(
        "s",
        "sudden spasms turn a limb in 120 to 450 ms",
        _of_facts(lambda f: f.rise_s),
    ),
    "early_peak": Feature(
        "of a sure spasm's",
        "bumps through a mattress are weak",
        lambda seen: seen.case.facts.peak_g / seen.rules.spasm.peak_g[1],
    ),
    "early": Feature(
        "share of its strongest",
        "a sudden spasm jerks first, a flexor spasm is strongest when it lets go",
        _of_facts(lambda f: f.early_share),
    ),
    # Its size and length.
    "peak": Feature("of a sure spasm's", "bumps and small shifts are weak", _peak),
    "duration": Feature("s", "a spasm lasts seconds", _of_facts(lambda f: f.duration_s)),
    "crest": Feature("", "a thump has one peak, a tremble many", _of_shape(lambda s: s.crest)),
    # Where the limb went: pulled away, held and let go, against laid elsewhere.
    "turned": Feature(
        "degrees",
        "a spasm turns the limb, a knock does not",
        _of_facts(lambda f: f.turned_deg),
    ),
    "settled": Feature(
        "degrees",
        "who turns over or shifts lies elsewhere afterwards",
        _of_facts(lambda f: f.settled_deg),
    ),
    "kept": Feature(
        "share of the turn",
        "a spasm sinks back at least in part, a new position stays",
        _of_facts(_kept),
    ),
    "back": Feature(
        "share of the turn",
        "... which shows in its last moment too",
        _of_shape(lambda s: s.back_share),
    ),
    "pull": Feature("s", "a ramped spasm rises in 0.3 to 3 s", _of_shape(lambda s: s.pull_s)),
    "away": Feature("s", "a spasm holds for seconds", _of_shape(lambda s: s.away_s)),
    "release": Feature("s", "a heel drops, a leg is laid down", _of_shape(lambda s: s.release_s)),
    "held": Feature(
        "degrees",
        "the posture of a hold is one",
        _of_facts(lambda f: f.held_deg),
    ),
    "drift": Feature("degrees", "... and stays one", _of_facts(lambda f: f.drift_deg)),
    "trembling": Feature(
        "share of the hold",
        "a straining muscle trembles at 7 to 13 Hz",
        _of_facts(lambda f: f.trembling),
    ),
    # How its strength went.
    "held_level": Feature(
        "share of its strongest",
        "a held limb is quieter than its pull and its release",
        _of_shape(lambda s: s.held_level),
    ),
    "pull_level": Feature(
        "share of its strongest", "the pull jerks", _of_shape(lambda s: s.pull_level)
    ),
    "release_level": Feature(
        "share of its strongest", "the release drops the limb", _of_shape(lambda s: s.release_level)
    ),
    "strongest_at": Feature(
        "share of its length",
        "fidgeting works itself up, a spasm begins or ends strongest",
        _of_shape(lambda s: s.strongest_at),
    ),
    "level_first": Feature(
        "share of its strongest", "of its first third", _of_shape(lambda s: s.level_first)
    ),
    "level_middle": Feature(
        "share of its strongest", "of its middle third", _of_shape(lambda s: s.level_middle)
    ),
    "level_last": Feature(
        "share of its strongest", "of its last third", _of_shape(lambda s: s.level_last)
    ),
    "level_median": Feature(
        "share of its strongest",
        "a jerk is over at once, work goes on",
        _of_shape(lambda s: s.level_median),
    ),
    "decay": Feature(
        "1/s",
        "a mattress or a strap rings out evenly from its first beat",
        _of_shape(lambda s: s.decay_per_s),
    ),
    "decay_even": Feature("", "... along a straight line", _of_shape(lambda s: s.decay_even)),
    "decays_after": Feature("s", "... and at once", _of_shape(lambda s: s.decays_after_s)),
    "active": Feature("share", "an act pauses, a spasm does not", _of_shape(lambda s: s.active)),
    # How fast it shook.
    "pace_first": Feature(
        "Hz", "a ring and a straining muscle are fast", _of_shape(lambda s: s.pace_first_hz)
    ),
    "pace_middle": Feature(
        "Hz", "... in the midst of the hold", _of_shape(lambda s: s.pace_middle_hz)
    ),
    "pace_last": Feature("Hz", "... and at its end", _of_shape(lambda s: s.pace_last_hz)),
    "pace_spread": Feature(
        "Hz", "a pull, a hold and a release differ", _of_shape(lambda s: s.pace_spread_hz)
    ),
    # Whether it beat.
    "line": Feature("share", "a joint is a hinge, a hand is not", _of_shape(lambda s: s.line)),
    "regular": Feature(
        "correlation", "what is done again and again is alike", _of_shape(lambda s: s.regular)
    ),
    "most_regular": Feature(
        "correlation", "... at its clearest", _of_shape(lambda s: s.most_regular)
    ),
    "most_beats": Feature(
        "beats", "a jerk that rings has few equal ones", _of_shape(lambda s: s.most_beats)
    ),
    "stride": Feature("correlation", "a slow period is a gait's", _of_shape(lambda s: s.stride)),
    "most_stride": Feature(
        "correlation", "... at its clearest", _of_shape(lambda s: s.most_stride)
    ),
    "striding": Feature("share", "... and how often", _of_facts(lambda f: f.striding)),
    "rate_spread": Feature(
        "share", "a reflex keeps its rate, a hand does not", _of_shape(lambda s: s.rate_spread)
    ),
    "rate": Feature("Hz", "clonus beats at 3 to 8 Hz", _of_rhythm(lambda r: r.rate_hz)),
    "regularity": Feature(
        "correlation", "one beat of clonus is like the next", _of_rhythm(lambda r: r.regularity)
    ),
    "rhythm_stride": Feature(
        "correlation", "a slower period under the beat", _of_rhythm(lambda r: r.stride)
    ),
    "rhythm_line": Feature("share", "the foot beats about one axis", _of_rhythm(lambda r: r.line)),
    "clearest": Feature(
        "beats", "more equal beats in a window", _of_rhythm(lambda r: r.clearest_beats)
    ),
    "lead": Feature("s", "movement before the rhythm", _of_rhythm(lambda r: r.lead_s)),
    "growth": Feature(
        "beats", "a reflex is there at once, tremor waxes", _of_rhythm(lambda r: r.growth_beats)
    ),
    "waning": Feature(
        "share", "clonus dies away for good, tremor comes back", _of_rhythm(lambda r: r.waning)
    ),
    "strength": Feature("of a sure clonus'", "a weak beat may be a tremor", _strength),
    "beating": Feature("share", "clonus is all beat", _beating),
    "abruptness": Feature("", "a stretch reflex starts as steeply as it beats", _abruptness),
}
"""What an opinion may look at; sizes are over those of a sure spasm at the site.

Not among them: how much the limb moved in the minutes before and how far its posture wandered, by
which a model knows the simulator it was trained on, and what the rules make of the bout: left out,
as many spasms are found on a simulator that was not trained on (the card, "Feature groups")."""
