"""A learned refinement: how likely the rules' name is right, and which numbers are against it.

One logistic regression per kind on physical numbers of a bout, each weight bound to the sign that
physics gives it. It calibrates the confidence and may take a name back; it never gives a name
that the rules did not. Sums are written out: no BLAS, so that one wearer and ten thousand agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from math import exp, isfinite
from typing import Any, Final

from detector.errors import ModelError
from detector.events import Kind
from detector.plain_json import parsed
from detector.recognition.rules.evidence import RuleName
from detector.recognition.rules.features import FEATURES, USED
from detector.recognition.rules.kinds import Case
from detector.recognition.rules.model_files import model_file
from detector.recognition.rules.reason import Reason, because
from detector.recognition.rules.thresholds import Rules, load_rules, parse_rules
from detector.recognition.rules.verdict import Finding

SCHEMA: Final = "refinement/1"

LONGEST_SHOWN = 200  # characters of names in a message

MOST_OBJECTIONS = 2
"""Of the numbers against a name so many are kept: more is not read at night."""

SURE = (0.01, 0.99)
"""Limits of a confidence: no training here is large enough to know one event in a hundred."""


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
        """Return the features that lower the probability, the strongest first."""
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
        against = [
            {"feature": name, "value": FEATURES[name].number(case)}
            for name in opinion.against(values)[:MOST_OBJECTIONS]
        ]
        why = because(
            Reason.SECOND_OPINION,
            kind=kind,
            rather_than=finding.kind,
            likely=likely,
            against=against,
        )
        return replace(finding, kind=kind, confidence=_limited(1 - likely), parts=None, why=why)


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
    for name in (RuleName.TURN, RuleName.SHAKEN):
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
    return parse_model(name, model_file(name), site=site)


def parse_model(name: str, text: bytes, *, site: str) -> tuple[Rules, Refinement | None]:
    """Return what a model's JSON holds; errors as `load_model`."""
    try:
        data = parsed(text)
        if data["kind"] == "rules":
            return parse_rules(name, text, site=site), None
        return load_rules(str(data["refines"]), site=site), parse_refinement(data)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ModelError(
            f"model {name!r} cannot be read: {str(error)[:200]}. Reinstall spasmwatch"
        ) from error


def parse_refinement(data: Mapping[str, Any]) -> Refinement:
    """Return the refinement that a model file describes.

    Raises
    ------
    ModelError
        It knows other features, or a weight has the sign that physics forbids.
    """
    if data.get("schema") != SCHEMA:
        raise ModelError(f"model {data.get('name')!r:.40} is no {SCHEMA}: retrain it")
    opinions = {Kind(kind): _parse_opinion(kind, said) for kind, said in data["kinds"].items()}
    return Refinement(data["name"], opinions)


def _parse_opinion(kind: str, said: Mapping[str, Any]) -> Opinion:
    features: Mapping[str, Mapping[str, Any]] = said["features"]
    if tuple(features) != USED.get(Kind(kind)):
        odd = ", ".join(features)[:LONGEST_SHOWN]
        raise ModelError(f"{kind}: features {odd} are of another version; retrain")
    weights = {name: float(entry["weight"]) for name, entry in features.items()}
    for name, weight in weights.items():
        if not isfinite(weight) or weight * FEATURES[name].sign < 0:
            raise ModelError(f"{kind}.{name}: weight {weight} must not go against its sign")
    calibration = said["calibration"]
    numbers = {
        "bias": float(said["bias"]),
        "slope": float(calibration["slope"]),
        "offset": float(calibration["offset"]),
        "threshold": float(said["threshold"]),
    }
    typical = {name: float(entry["typical"]) for name, entry in features.items()}
    for what, value in (numbers | typical).items():
        if not isfinite(value):
            raise ModelError(f"{kind}: {what} is {value}, not a number; retrain")
    if calibration["slope"] < 0:
        raise ModelError(f"{kind}: a calibration of slope {calibration['slope']} turns odds round")
    return Opinion(weights=weights, typical=typical, **numbers)


def _limited(probability: float) -> float:
    return min(max(probability, SURE[0]), SURE[1])
