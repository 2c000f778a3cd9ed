"""The physical numbers of a bout by which a refinement judges a name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import log, pi
from typing import Final, Literal

from detector.events import Kind
from detector.recognition.bouts.beating import Rhythm
from detector.recognition.bouts.facts import Facts
from detector.recognition.rules.evidence import RuleName
from detector.recognition.rules.kinds import Case

LONGEST_REST_S = 60.0
"""More rest before a jerk adds no evidence; a still night would outweigh everything else."""


@dataclass(frozen=True, slots=True)
class Feature:
    """A physical number of a bout.

    Parameters
    ----------
    sign : of its weight: 1 where more of it raises the probability, -1 where it lowers it
    unit, why : as the model file and its card give them
    number : as measured; None where the bout does not have it
    scaled : the number as the model weighs it
    """

    sign: Literal[-1, 1]
    unit: str
    why: str
    number: Callable[[Case], float | None]
    scaled: Callable[[float], float]

    def measure(self, case: Case) -> float | None:
        """Return what the model weighs; None where the bout does not have it."""
        number = self.number(case)
        return None if number is None else self.scaled(number)


def _of_rhythm(number: Callable[[Case, Rhythm], float]) -> Callable[[Case], float | None]:
    return lambda case: None if case.rhythm is None else number(case, case.rhythm)


def _as_it_is(number: float) -> float:
    return number


def _growth(case: Case, rhythm: Rhythm) -> float:
    """Beats until it was there; a piece of a bout that was cut for length did not begin."""
    return 0.0 if case.bout.joins and rhythm.lead_s <= 0 else rhythm.growth_beats


def _abruptness(case: Case, rhythm: Rhythm) -> float:
    """Steepest start over the steepest part of a beat of full strength: 2 pi f times its rms."""
    beat_g_s = 2 * pi * rhythm.rate_hz * max(rhythm.full_g, 1e-9)
    return max(case.facts.jerk_g_s / beat_g_s, 0.05)


def _beating(case: Case, rhythm: Rhythm) -> float:
    return min(rhythm.beating_s / case.bout.duration_s, 1.0)


def _kept(facts: Facts) -> float | None:
    """Share of the turn that stayed, of a bout that is over."""
    if facts.settled_deg is None:
        return None
    return min(facts.settled_deg / max(facts.turned_deg, 1.0), 1.0)


def _margin(case: Case) -> float:
    """Evidence of the rule that named the bout: the strongest that holds of a rhythm or a jerk."""
    jerks = (RuleName.TWITCH, RuleName.SPASM)
    names = (RuleName.CLONUS,) if case.holds(RuleName.RHYTHM) else jerks
    holding = [case.evidence[name].strength for name in names if case.holds(name)]
    return holding[0] if holding else 0.0


FEATURES: Final[Mapping[str, Feature]] = {
    "growth": Feature(
        -1,
        "log(beats + 0.5)",
        "clonus is there at once, tremor waxes",
        _of_rhythm(_growth),
        lambda beats: log(beats + 0.5),
    ),
    "abruptness": Feature(
        1,
        "log(1)",
        "a stretch reflex starts as steeply as it beats, or more so",
        _of_rhythm(_abruptness),
        log,
    ),
    "waning": Feature(
        -1,
        "share",
        "clonus dies away for good, tremor wanes and comes back",
        _of_rhythm(lambda _case, rhythm: rhythm.waning),
        _as_it_is,
    ),
    "regularity": Feature(
        1,
        "correlation",
        "one beat of clonus is like the next",
        _of_rhythm(lambda _case, rhythm: rhythm.regularity),
        _as_it_is,
    ),
    "clearest": Feature(
        1,
        "log(beats)",
        "more equal beats in a window: a ringing jerk has two",
        _of_rhythm(lambda _case, rhythm: rhythm.clearest_beats),
        lambda beats: log(max(beats, 0.1)),
    ),
    "beating": Feature(
        1,
        "share",
        "clonus is all beat, fidgeting and gestures beat for a moment",
        _of_rhythm(_beating),
        _as_it_is,
    ),
    "stride": Feature(
        -1,
        "correlation",
        "a slower period under the beat is that of a gait or a gesture",
        _of_rhythm(lambda _case, rhythm: rhythm.stride),
        lambda stride: max(stride, -0.5),
    ),
    "lead": Feature(
        -1,
        "share",
        "clonus starts out of calm or out of a spasm",
        _of_rhythm(lambda _case, rhythm: rhythm.lead_share),
        lambda share: min(share, 2.0),
    ),
    "margin": Feature(
        1,
        "evidence",
        "how far the weakest check of the rules lies above its bar",
        _margin,
        _as_it_is,
    ),
    "over": Feature(
        1,
        "0 or 1",
        "what is over was seen whole: a tremor may still wane",
        lambda case: float(case.facts.over),
        _as_it_is,
    ),
    "jerk": Feature(
        1,
        "log(g/s)",
        "a muscle that fires at once moves a limb more steeply than a will",
        lambda case: case.facts.jerk_g_s,
        lambda jerk_g_s: log(max(jerk_g_s, 0.05)),
    ),
    "slope": Feature(
        -1,
        "log(s)",
        "... at any size: the peak over the derivative",
        lambda case: case.facts.slope_s,
        lambda slope_s: log(max(slope_s, 0.005)),
    ),
    "rise": Feature(
        -1,
        "s",
        "spasms rotate a limb in 120-450 ms",
        lambda case: case.facts.rise_s,
        _as_it_is,
    ),
    "peak": Feature(
        1,
        "log(g)",
        "bumps through a mattress are weak",
        lambda case: case.facts.peak_g,
        lambda peak_g: log(max(peak_g, 0.001)),
    ),
    "rest": Feature(
        1,
        "log(s + 1)",
        "a voluntary flick looks the same: only what comes out of rest is likely a spasm",
        lambda case: case.facts.rest_s,
        lambda rest_s: log(min(max(rest_s, 0.0), LONGEST_REST_S) + 1),
    ),
    "busy": Feature(
        -1,
        "share of a minute",
        "a limb in use is not at rest between two acts",
        lambda case: case.facts.busy,
        _as_it_is,
    ),
    "early": Feature(
        1,
        "share",
        "a spasm jerks first and holds then, fidgeting works itself up",
        lambda case: case.facts.early_share,
        _as_it_is,
    ),
    "turned": Feature(
        1,
        "log(degrees + 0.5)",
        "a spasm turns the limb, a knock does not",
        lambda case: case.facts.turned_deg,
        lambda turned_deg: log(turned_deg + 0.5),
    ),
    "kept": Feature(
        -1,
        "share",
        "a spasm sinks back at least in part, who lies down anew stays",
        lambda case: _kept(case.facts),
        _as_it_is,
    ),
    "length": Feature(
        -1,
        "log(s)",
        "the longer it goes on, the more likely it is somebody's will",
        lambda case: case.facts.duration_s,
        lambda duration_s: log(max(duration_s, 0.1)),
    ),
}
"""What a refinement may look at. Not among them: polarisation, frequency, and the strength of a
rhythm, by which a simulator is known and a clonus is not (research: a weight of 9.0 on
polarisation took sensitivity on another generator from 1.00 to 0.05)."""

USED: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.CLONUS: (
        "growth", "abruptness", "waning", "regularity", "clearest", "beating", "stride", "lead",
        "margin", "over",
    ),
    Kind.SPASM: (
        "jerk", "slope", "rise", "peak", "rest", "busy", "early", "turned", "kept", "length",
        "margin",
    ),
    Kind.TWITCH: ("jerk", "slope", "rise", "peak", "rest", "busy", "kept", "length", "margin"),
}  # fmt: skip
"""Those that are weighed for each kind."""
