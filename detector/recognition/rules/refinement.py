"""A learned second opinion: how likely the rules' name is right, and what speaks against it.

One logistic regression per kind on physical numbers of a bout, each weight bound to the sign that
physics gives it. It calibrates the confidence and may take a name back; it never gives a name
that the rules did not. Sums are written out: no BLAS, so that one wearer and ten thousand agree.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from math import exp, isfinite, log, pi
from typing import Any, Final, Literal

from detector.errors import ModelError
from detector.events import Kind
from detector.recognition.bouts.beating import Rhythm
from detector.recognition.bouts.facts import Facts
from detector.recognition.rules.kinds import Case
from detector.recognition.rules.model_files import model_file
from detector.recognition.rules.thresholds import Rules, load_rules
from detector.recognition.rules.verdict import Finding

SCHEMA: Final = "refinement/1"

MOST_WORDS = 2
"""Of the numbers that speak against a name so many are said: more is not read at night."""

SURE = (0.01, 0.99)
"""Limits of a confidence: no training here is large enough to know one event in a hundred."""

LONGEST_REST_S = 60.0
"""More rest before a jerk than this says nothing further; a still night would outweigh all else."""


@dataclass(frozen=True, slots=True)
class Feature:
    """A physical number of a bout.

    Parameters
    ----------
    sign : of its weight: 1 where more of it speaks for the name, -1 where it speaks against
    unit, why : as the model file and its card give them
    measure : the number; None where the bout does not have it
    against : says it where it speaks against the name
    """

    sign: Literal[-1, 1]
    unit: str
    why: str
    measure: Callable[[Case], float | None]
    against: Callable[[Case], str]


def _of_rhythm(number: Callable[[Case, Rhythm], float]) -> Callable[[Case], float | None]:
    return lambda case: None if case.rhythm is None else number(case, case.rhythm)


def _in_words(words: Callable[[Case, Rhythm], str]) -> Callable[[Case], str]:
    return lambda case: "" if case.rhythm is None else words(case, case.rhythm)


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
    names = ("clonus",) if case.holds("rhythm") else ("twitch", "spasm")
    holding = [case.evidence[name].strength for name in names if case.holds(name)]
    return holding[0] if holding else 0.0


FEATURES: Final[Mapping[str, Feature]] = {
    "growth": Feature(
        -1,
        "log(beats + 0.5)",
        "clonus is there at once, tremor waxes",
        _of_rhythm(lambda case, rhythm: log(_growth(case, rhythm) + 0.5)),
        _in_words(lambda case, rhythm: f"it took {_growth(case, rhythm):.1f} beats to grow"),
    ),
    "abruptness": Feature(
        1,
        "log(1)",
        "a stretch reflex starts as steeply as it beats, or more so",
        _of_rhythm(lambda case, rhythm: log(_abruptness(case, rhythm))),
        _in_words(lambda case, rhythm: f"it began {_abruptness(case, rhythm):.1f} times its beat"),
    ),
    "waning": Feature(
        -1,
        "share",
        "clonus dies away for good, tremor wanes and comes back",
        _of_rhythm(lambda _case, rhythm: rhythm.waning),
        _in_words(lambda _case, rhythm: f"it waned by {rhythm.waning:.0%} and came back"),
    ),
    "regularity": Feature(
        1,
        "correlation",
        "one beat of clonus is like the next",
        _of_rhythm(lambda _case, rhythm: rhythm.regularity),
        _in_words(lambda _case, rhythm: f"its beats were only {rhythm.regularity:.0%} alike"),
    ),
    "clearest": Feature(
        1,
        "log(beats)",
        "more equal beats in a window: a ringing jerk has two",
        _of_rhythm(lambda _case, rhythm: log(max(rhythm.clearest_beats, 0.1))),
        _in_words(lambda _case, rhythm: f"no more than {rhythm.clearest_beats:.1f} equal beats"),
    ),
    "beating": Feature(
        1,
        "share",
        "clonus is all beat, fidgeting and gestures beat for a moment",
        _of_rhythm(_beating),
        _in_words(lambda case, rhythm: f"only {_beating(case, rhythm):.0%} of it was beating"),
    ),
    "stride": Feature(
        -1,
        "correlation",
        "a slower period under the beat is that of a gait or a gesture",
        _of_rhythm(lambda _case, rhythm: max(rhythm.stride, -0.5)),
        _in_words(lambda _case, _rhythm: "a slower rhythm lay under it"),
    ),
    "lead": Feature(
        -1,
        "share",
        "clonus starts out of calm or out of a spasm",
        _of_rhythm(lambda _case, rhythm: min(rhythm.lead_share, 2.0)),
        _in_words(lambda _case, rhythm: f"movement of {rhythm.lead_share:.0%} of it went before"),
    ),
    "margin": Feature(
        1,
        "evidence",
        "how far the weakest check of the rules lies above its bar",
        _margin,
        lambda case: f"the rules' own evidence was {_margin(case):.2f} of 1",
    ),
    "over": Feature(
        1,
        "0 or 1",
        "what is over was seen whole: a tremor may still wane",
        lambda case: float(case.facts.over),
        lambda _case: "it has only begun",
    ),
    "jerk": Feature(
        1,
        "log(g/s)",
        "a muscle that fires at once moves a limb more steeply than a will",
        lambda case: log(max(case.facts.jerk_g_s, 0.05)),
        lambda case: f"a start of {case.facts.jerk_g_s:.1f} g/s",
    ),
    "slope": Feature(
        -1,
        "log(s)",
        "... at any size: the peak over the derivative",
        lambda case: log(max(case.facts.slope_s, 0.005)),
        lambda case: f"its steepest part would take {1000 * case.facts.slope_s:.0f} ms to the peak",
    ),
    "rise": Feature(
        -1,
        "s",
        "spasms rotate a limb in 120-450 ms",
        lambda case: case.facts.rise_s,
        lambda case: f"{case.facts.rise_s:.2f} s to its peak",
    ),
    "peak": Feature(
        1,
        "log(g)",
        "bumps through a mattress are weak",
        lambda case: log(max(case.facts.peak_g, 0.001)),
        lambda case: f"a peak of {case.facts.peak_g:.2f} g",
    ),
    "rest": Feature(
        1,
        "log(s + 1)",
        "a voluntary flick looks the same: only what comes out of rest is likely a spasm",
        lambda case: log(min(max(case.facts.rest_s, 0.0), LONGEST_REST_S) + 1),
        lambda case: f"only {case.facts.rest_s:.1f} s of rest before it",
    ),
    "busy": Feature(
        -1,
        "share of a minute",
        "a limb in use is not at rest between two acts",
        lambda case: case.facts.busy,
        lambda case: f"{case.facts.busy:.0%} of the minute before it was movement",
    ),
    "early": Feature(
        1,
        "share",
        "a spasm jerks first and holds then, fidgeting works itself up",
        lambda case: case.facts.early_share,
        lambda case: f"its start had {case.facts.early_share:.0%} of its later strength",
    ),
    "turned": Feature(
        1,
        "log(degrees + 0.5)",
        "a spasm turns the limb, a knock does not",
        lambda case: log(case.facts.turned_deg + 0.5),
        lambda case: f"it turned by {case.facts.turned_deg:.1f} degrees",
    ),
    "kept": Feature(
        -1,
        "share",
        "a spasm sinks back at least in part, who lies down anew stays",
        lambda case: _kept(case.facts),
        lambda case: f"{_kept(case.facts) or 0.0:.0%} of the turn stayed",
    ),
    "length": Feature(
        -1,
        "log(s)",
        "the longer it goes on, the more likely it is somebody's will",
        lambda case: log(max(case.facts.duration_s, 0.1)),
        lambda case: f"it lasted {case.facts.duration_s:.1f} s",
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
"""Which of them tell about which kind."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """How likely the rules' name for one kind of event is right.

    Parameters
    ----------
    weights, typical : per feature; `typical` is its median among those named right
    slope, offset : of the calibration, on the log odds
    threshold : below this probability the name is taken back
    """

    bias: float
    weights: Mapping[str, float]
    typical: Mapping[str, float]
    slope: float
    offset: float
    threshold: float

    def probability(self, values: Mapping[str, float]) -> float:
        """Return the calibrated probability that the name is right."""
        total = self.bias
        for name, weight in self.weights.items():
            total += weight * values[name]
        odds = min(max(self.slope * total + self.offset, -30.0), 30.0)
        return 1 / (1 + exp(-odds))

    def against(self, values: Mapping[str, float]) -> list[str]:
        """Return the features that speak against the name, the strongest first."""
        share = {n: w * (values[n] - self.typical[n]) for n, w in self.weights.items()}
        return sorted((n for n in share if share[n] < 0), key=lambda n: (share[n], n))


@dataclass(frozen=True, slots=True)
class Refinement:
    """A model file's opinions. Call it with a case and what the rules found."""

    name: str
    opinions: Mapping[Kind, Opinion]

    def __call__(self, case: Case, finding: Finding) -> Finding:
        """Return the finding with a calibrated confidence, or under a lesser name.

        What the model does not know (a kind, a missing number, a jerk that is not over yet) stays
        as the rules have it.
        """
        opinion = self.opinions.get(finding.kind)
        values = features_of(case, finding)
        if opinion is None or values is None:
            return finding
        likely = opinion.probability(values)
        if likely >= opinion.threshold:
            return replace(finding, confidence=_limited(likely))
        kind = lesser_kind(case, finding)
        words = [FEATURES[n].against(case) for n in opinion.against(values)[:MOST_WORDS]]
        because = f": {', '.join(words)}" if words else ""
        reason = f"{kind.value} rather than {finding.kind.value} ({likely:.0%} likely){because}"
        return replace(
            finding, kind=kind, confidence=_limited(1 - likely), parts=None, reason=reason
        )


def features_of(case: Case, finding: Finding) -> dict[str, float] | None:
    """Return the numbers that tell about a finding; None where the rules must do alone.

    A jerk is weighed once it is over (before that half of its numbers are not there yet), a
    clonus at any moment, and a clonus out of a spasm not at all: it starts like the spasm.
    """
    if finding.kind not in USED or finding.parts is not None:
        return None
    if finding.kind is not Kind.CLONUS and not case.facts.over:
        return None
    values: dict[str, float] = {}
    for name in USED[finding.kind]:
        value = FEATURES[name].measure(case)
        if value is None or not isfinite(value):
            return None
        values[name] = value
    return values


def lesser_kind(case: Case, finding: Finding) -> Kind:
    """Return what is left of a name taken back: the most specific kind outside the spasm family."""
    if finding.kind is Kind.CLONUS:
        return Kind.TREMOR
    for name in ("turn", "shaken"):
        if case.facts.over and case.holds(name):
            return case.evidence[name].kind
    return Kind.MOVEMENT


@cache
def load_model(name: str, *, site: str = "ankle") -> tuple[Rules, Refinement | None]:
    """Read a model of `models/`: rules alone, or a refinement with the rules it refines.

    Raises
    ------
    ModelError
        The file is missing, damaged or of another version.
    """
    try:
        data = json.loads(model_file(name))
        if data["kind"] == "rules":
            return load_rules(name, site=site), None
        return load_rules(data["refines"], site=site), parse_refinement(data)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"model {name!r} cannot be read: {error}. Reinstall spasmwatch") from error


def parse_refinement(data: Mapping[str, Any]) -> Refinement:
    """Return the refinement that a model file describes.

    Raises
    ------
    ModelError
        It knows other features, or a weight has the sign that physics forbids.
    """
    if data.get("schema") != SCHEMA:
        raise ModelError(f"model {data.get('name')!r} is no {SCHEMA}: retrain it")
    opinions = {Kind(kind): _parse_opinion(kind, said) for kind, said in data["kinds"].items()}
    return Refinement(data["name"], opinions)


def _parse_opinion(kind: str, said: Mapping[str, Any]) -> Opinion:
    features: Mapping[str, Mapping[str, Any]] = said["features"]
    if tuple(features) != USED.get(Kind(kind)):
        raise ModelError(f"{kind}: features {', '.join(features)} are of another version; retrain")
    weights = {name: float(entry["weight"]) for name, entry in features.items()}
    for name, weight in weights.items():
        if not isfinite(weight) or weight * FEATURES[name].sign < 0:
            raise ModelError(f"{kind}.{name}: weight {weight} must not go against its sign")
    calibration = said["calibration"]
    if calibration["slope"] < 0:
        raise ModelError(f"{kind}: a calibration of slope {calibration['slope']} turns odds round")
    return Opinion(
        bias=float(said["bias"]),
        weights=weights,
        typical={name: float(entry["typical"]) for name, entry in features.items()},
        slope=float(calibration["slope"]),
        offset=float(calibration["offset"]),
        threshold=float(said["threshold"]),
    )


def _limited(probability: float) -> float:
    return min(max(probability, SURE[0]), SURE[1])
