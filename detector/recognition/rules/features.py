"""The physical numbers of a bout by which learned opinions weigh it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import nan, pi
from operator import attrgetter
from typing import Final

import numpy as np

from detector.dsp.frames import Floats
from detector.recognition.bouts.beating import Rhythm
from detector.recognition.bouts.bout import Bout
from detector.recognition.bouts.facts import Facts
from detector.recognition.bouts.shape import Shape, shape_of
from detector.recognition.rules.kinds import Case
from detector.recognition.rules.thresholds import Rules

LONGEST_REST_S = 300.0
"""More rest before a movement adds nothing: after five minutes a limb is at rest."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A bout with all that its numbers are read from."""

    bout: Bout
    facts: Facts
    shape: Shape
    rhythm: Rhythm
    rules: Rules


@dataclass(frozen=True, slots=True)
class Feature:
    """A physical number of a bout.

    Parameters
    ----------
    unit : of the number; "" for a ratio
    why : what it can tell a likely spasm by
    number : None or NaN where a bout does not have it
    """

    unit: str
    why: str
    number: Callable[[Measured], float | None]


def numbers_of(case: Case, rules: Rules) -> Floats:
    """Return the numbers of `FEATURES` in their order, (features,); NaN where the bout lacks one.

    In single precision, as they are measured, so that training and detection compare the same.
    """
    bout, rhythm = case.bout, case.rhythm or _NO_RHYTHM
    measured = Measured(bout, case.facts, shape_of(bout), rhythm, rules)
    # numpy makes NaN of None.
    return np.array([number(measured) for number in _NUMBERS], np.float32).astype(np.float64)


_of = attrgetter  # a number as it stands

_NO_RHYTHM: Final = Rhythm(
    first=0,
    stop=0,
    onset=0,
    end=0,
    rate_hz=nan,
    regularity=nan,
    stride=nan,
    line=nan,
    clearest_beats=nan,
    lead_s=nan,
    growth_beats=nan,
    fade_beats=None,
    lead_share=nan,
    waning=nan,
    full_g=nan,
    late=False,
    faint=False,
    pulsing=nan,
)
"""Of a bout without one: what is made of its numbers is NaN too."""


def _abruptness(seen: Measured) -> float:
    """Steepest start over the steepest part of a beat of full strength: 2 pi f times its rms."""
    return seen.facts.jerk_g_s / (2 * pi * seen.rhythm.rate_hz * max(seen.rhythm.full_g, 1e-9))


def _kept(seen: Measured) -> float | None:
    settled_deg = seen.facts.settled_deg
    if settled_deg is None:
        return None
    return min(settled_deg / max(seen.facts.turned_deg, 1.0), 1.0)


def _strength(seen: Measured) -> float:
    return seen.rhythm.full_g / seen.rules.clonus.rms_g[1]


def _beating(seen: Measured) -> float:
    share = nan if seen.rhythm is _NO_RHYTHM else seen.rhythm.beating_s / seen.bout.duration_s
    return min(share, 1.0)


def _peak(seen: Measured) -> float:
    return seen.bout.most_g / seen.rules.spasm.peak_g[1]


FEATURES: Final[Mapping[str, Feature]] = {
    # Before it: a spasm comes out of rest, what a person does comes while he is about.
    "rest": Feature(
        "s",
        "a voluntary flick looks the same: what comes out of rest is likelier a spasm",
        lambda seen: min(seen.facts.rest_s, LONGEST_REST_S),
    ),
    "joins": Feature(
        "0 or 1",
        "a minute's movement that goes on has begun long before",
        lambda seen: float(seen.bout.joins),
    ),
    # Its start: a muscle that fires at once is steep.
    "jerk": Feature(
        "of a sure spasm's",
        "a muscle that fires at once moves a limb more steeply than a will",
        lambda seen: seen.facts.jerk_g_s / seen.rules.spasm.jerk_g_s[1],
    ),
    "slope": Feature(
        "s",
        "... at any size: peak over derivative",
        _of("facts.slope_s"),
    ),
    "rise": Feature(
        "s",
        "sudden spasms turn a limb in 120 to 450 ms",
        _of("facts.rise_s"),
    ),
    "early_peak": Feature(
        "of a sure spasm's",
        "bumps through a mattress are weak",
        lambda seen: seen.facts.peak_g / seen.rules.spasm.peak_g[1],
    ),
    "early": Feature(
        "share of its strongest",
        "a sudden spasm jerks first, a flexor spasm is strongest when it lets go",
        _of("facts.early_share"),
    ),
    # Its size and length.
    "peak": Feature("of a sure spasm's", "bumps and small shifts are weak", _peak),
    "duration": Feature("s", "a spasm lasts seconds", _of("facts.duration_s")),
    "crest": Feature("", "a thump has one peak, a tremble many", _of("shape.crest")),
    # Where the limb went: pulled away, held and let go, against laid elsewhere.
    "turned": Feature(
        "degrees",
        "a spasm turns the limb, a knock does not",
        _of("facts.turned_deg"),
    ),
    "settled": Feature(
        "degrees",
        "who turns over or shifts lies elsewhere afterwards",
        _of("facts.settled_deg"),
    ),
    "kept": Feature(
        "share of the turn",
        "a spasm sinks back at least in part, a new position stays",
        _kept,
    ),
    "back": Feature(
        "share of the turn",
        "... which shows in its last moment too",
        _of("shape.back_share"),
    ),
    "pull": Feature("s", "a ramped spasm rises in 0.3 to 3 s", _of("shape.pull_s")),
    "away": Feature("s", "a spasm holds for seconds", _of("shape.away_s")),
    "release": Feature("s", "a heel drops, a leg is laid down", _of("shape.release_s")),
    "held": Feature(
        "degrees",
        "the posture of a hold is one",
        _of("facts.held_deg"),
    ),
    "drift": Feature("degrees", "... and stays one", _of("facts.drift_deg")),
    "trembling": Feature(
        "share of the hold",
        "a straining muscle trembles at 7 to 13 Hz",
        _of("facts.trembling"),
    ),
    # How its strength went.
    "held_level": Feature(
        "share of its strongest",
        "a held limb is quieter than its pull and its release",
        _of("shape.held_level"),
    ),
    "pull_level": Feature("share of its strongest", "the pull jerks", _of("shape.pull_level")),
    "release_level": Feature(
        "share of its strongest", "the release drops the limb", _of("shape.release_level")
    ),
    "strongest_at": Feature(
        "share of its length",
        "fidgeting works itself up, a spasm begins or ends strongest",
        _of("shape.strongest_at"),
    ),
    "level_first": Feature(
        "share of its strongest", "of its first third", _of("shape.level_first")
    ),
    "level_middle": Feature(
        "share of its strongest", "of its middle third", _of("shape.level_middle")
    ),
    "level_last": Feature("share of its strongest", "of its last third", _of("shape.level_last")),
    "level_median": Feature(
        "share of its strongest",
        "a jerk is over at once, work goes on",
        _of("shape.level_median"),
    ),
    "decay": Feature(
        "1/s",
        "a mattress or a strap rings out evenly from its first beat",
        _of("shape.decay_per_s"),
    ),
    "decay_even": Feature("", "... along a straight line", _of("shape.decay_even")),
    "decays_after": Feature("s", "... and at once", _of("shape.decays_after_s")),
    "active": Feature("share", "an act pauses, a spasm does not", _of("shape.active")),
    # How fast it shook.
    "pace_first": Feature(
        "Hz", "a ring and a straining muscle are fast", _of("shape.pace_first_hz")
    ),
    "pace_middle": Feature("Hz", "... in the midst of the hold", _of("shape.pace_middle_hz")),
    "pace_last": Feature("Hz", "... and at its end", _of("shape.pace_last_hz")),
    "pace_spread": Feature(
        "Hz", "a pull, a hold and a release differ", _of("shape.pace_spread_hz")
    ),
    # Whether it beat.
    "line": Feature("share", "a joint is a hinge, a hand is not", _of("shape.line")),
    "regular": Feature(
        "correlation", "what is done again and again is alike", _of("shape.regular")
    ),
    "most_regular": Feature("correlation", "... at its clearest", _of("shape.most_regular")),
    "most_beats": Feature("beats", "a jerk that rings has few equal ones", _of("shape.most_beats")),
    "stride": Feature("correlation", "a slow period is a gait's", _of("shape.stride")),
    "most_stride": Feature("correlation", "... at its clearest", _of("shape.most_stride")),
    "striding": Feature("share", "... and how often", _of("facts.striding")),
    "rate_spread": Feature(
        "share", "a reflex keeps its rate, a hand does not", _of("shape.rate_spread")
    ),
    "rate": Feature("Hz", "clonus beats at 3 to 8 Hz", _of("rhythm.rate_hz")),
    "regularity": Feature(
        "correlation", "one beat of clonus is like the next", _of("rhythm.regularity")
    ),
    "rhythm_stride": Feature("correlation", "a slower period under the beat", _of("rhythm.stride")),
    "rhythm_line": Feature("share", "the foot beats about one axis", _of("rhythm.line")),
    "clearest": Feature("beats", "more equal beats in a window", _of("rhythm.clearest_beats")),
    "lead": Feature("s", "movement before the rhythm", _of("rhythm.lead_s")),
    "growth": Feature(
        "beats", "a reflex is there at once, tremor waxes", _of("rhythm.growth_beats")
    ),
    "waning": Feature(
        "share", "clonus dies away for good, tremor comes back", _of("rhythm.waning")
    ),
    "strength": Feature("of a sure clonus'", "a weak beat may be a tremor", _strength),
    "beating": Feature("share", "clonus is all beat", _beating),
    "abruptness": Feature("", "a stretch reflex starts as steeply as it beats", _abruptness),
}
"""What an opinion may look at; sizes are over those of a sure spasm at the site.

Not among them: how much the limb moved in the minutes before and how far its posture wandered, by
which a model knows the simulator it was trained on, and what the rules make of the bout: left out,
as many spasms are found on a simulator that was not trained on (the card, "Feature groups")."""

_NUMBERS: Final = tuple(feature.number for feature in FEATURES.values())
