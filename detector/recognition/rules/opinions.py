"""Learned opinions on a bout: how likely it is a spasm, a clonus or a twitch, and what follows.

Boosted trees weigh the physical numbers of `features`. They give or take back only the names of
the spasm family; what else a movement was, the rules say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from math import exp, isfinite
from typing import Any, Final

import numpy as np

from detector.dsp.frames import Floats
from detector.errors import ModelError
from detector.events import Kind
from detector.plain_json import parsed
from detector.recognition.bouts.bout import EARLY, Bout, Moment
from detector.recognition.rules.evidence import RuleName
from detector.recognition.rules.features import FEATURES, numbers_of
from detector.recognition.rules.kinds import Case, examine, may_start
from detector.recognition.rules.model_files import model_file
from detector.recognition.rules.reason import Reason, because
from detector.recognition.rules.thresholds import Rules, load_rules, parse_rules
from detector.recognition.rules.trees import Trees, parse_trees
from detector.recognition.rules.verdict import (
    Finding,
    SecondOpinion,
    as_clonus,
    as_pull,
    as_twitch,
    conclude,
    otherwise,
)
from detector.sites import LEGS

DEFAULT_MODEL: Final = "learned-v1"
SCHEMA: Final = "opinions/1"

MOST_OBJECTIONS = 2
"""Of the numbers against a name so many are kept: more is not read at night."""

SURE = (0.01, 0.99)
"""Limits of a confidence: no training here is large enough to know one event in a hundred."""

LARGEST_ODDS = 30.0  # an exponential of more is 1 to the last bit


class Question(StrEnum):
    """What is asked of a bout."""

    BEGUN = "begun"  # while it goes on: has a likely spasm begun
    PULL = "pull"  # over: a spasm, sudden or ramped, or a tonic one
    CLONUS = "clonus"  # at any moment of a rhythm
    TWITCH = "twitch"  # over
    TREMOR = "tremor"  # at any moment of a rhythm: what speaks for tremor


NAMES: Final[Mapping[Question, frozenset[Kind]]] = {
    Question.PULL: frozenset({Kind.SPASM, Kind.TONIC}),
    Question.CLONUS: frozenset({Kind.CLONUS}),
    Question.TWITCH: frozenset({Kind.TWITCH}),
    Question.TREMOR: frozenset({Kind.TREMOR}),
}
"""What the rules call it that a question asks for."""


@dataclass(frozen=True, slots=True, eq=False)
class Opinion:
    """The answer to one question.

    Parameters
    ----------
    slope, offset : of the calibration, on the log odds
    give, leave : from the first probability on the name is given to what the rules call something
        else, from the second on it is left where the rules gave it: together they need less
    typical : of every feature, the median among those named right
    """

    trees: Trees
    slope: float
    offset: float
    give: float
    leave: float
    typical: Floats

    def likely(self, numbers: Floats) -> float:
        """Return the calibrated probability: (features,) -> 0 to 1."""
        odds = self.slope * self.trees.odds(numbers) + self.offset
        return 1 / (1 + exp(-min(max(odds, -LARGEST_ODDS), LARGEST_ODDS)))

    def against(self, numbers: Floats) -> list[int]:
        """Return the features that lower the probability the most, by their number.

        Each is tried at its typical value, all others as they are.
        """
        odds, gains = self.trees.odds(numbers), []
        for index in np.flatnonzero(np.isfinite(numbers) & np.isfinite(self.typical)).tolist():
            tried = numbers.copy()
            tried[index] = self.typical[index]
            gains.append((self.trees.odds(tried) - odds, index))
        gains.sort(key=lambda gain: (-gain[0], gain[1]))
        return [index for gain, index in gains[:MOST_OBJECTIONS] if gain > 0]


@dataclass(frozen=True, slots=True)
class Opinions:
    """A model's answers for a sensor at one site. Call it with a case."""

    name: str
    rules: Rules
    answers: Mapping[Question, Opinion]
    gives: bool = True  # at a leg; elsewhere it only leaves names, and takes more of them back

    def __call__(self, case: Case) -> Finding:
        """Return what the bout most likely was, with a calibrated confidence."""
        if case.holds(RuleName.HAND):
            return conclude(case)
        numbers = numbers_of(case, self.rules)
        match case.bout.moment:
            case Moment.FIRST_LOOK | Moment.PULL_LOOK:
                return self._begun(case, numbers)
            case Moment.RHYTHM | Moment.UPDATE:
                return self._beating(case, numbers)
            case Moment.OVER:
                return self._over(case, conclude(case), numbers)

    def may_announce(self, bout: Bout) -> bool:
        """Return whether a bout that goes on could be named at all: false as soon as that is known.

        Where it is false the opinion is one that nobody is told. Most looks end here.
        """
        early = bout.moment in EARLY
        if early and not (self._may_pull(bout) or may_start(bout, self.rules)):
            return False
        case = examine(bout, self.rules)
        if case.holds(RuleName.HAND):
            return True  # by the rules
        if not (early or case.holds(RuleName.RHYTHM)):
            return False
        question = Question.BEGUN if early else Question.CLONUS
        likely = self._likely(question, numbers_of(case, self.rules))
        return likely >= self.answers[question].give

    def _likely(self, question: Question, numbers: Floats) -> float:
        return self.answers[question].likely(numbers)

    def _begun(self, case: Case, numbers: Floats) -> Finding:
        """Announce a spasm, or nothing: a first word needs as much as a name that is given."""
        likely = self._likely(Question.BEGUN, numbers)
        if likely >= self.answers[Question.BEGUN].give and self._may_announce(case):
            return as_pull(case, self.rules, likely=_limited(likely))
        return replace(otherwise(case), confidence=_limited(1 - likely))

    def _beating(self, case: Case, numbers: Floats) -> Finding:
        """Announce a clonus, or nothing."""
        if not case.holds(RuleName.RHYTHM):
            return otherwise(case)
        likely = self._likely(Question.CLONUS, numbers)
        sure = likely >= self.answers[Question.CLONUS].give
        if sure and (self._may_give(case.bout) or conclude(case).kind is Kind.CLONUS):
            return self._clonus(case, numbers, likely)
        return self._tremor(case, numbers, likely)

    def _over(self, case: Case, finding: Finding, numbers: Floats) -> Finding:
        likely = {Question.PULL: self._likely(Question.PULL, numbers)}
        if case.holds(RuleName.RHYTHM):
            likely[Question.CLONUS] = self._likely(Question.CLONUS, numbers)
        if may_be_twitch(case, self.rules):
            likely[Question.TWITCH] = self._likely(Question.TWITCH, numbers)
        held = {q: p for q, p in likely.items() if self._holds(q, p, case, finding)}
        likelier = held.get(Question.CLONUS, 0.0) >= held.get(Question.PULL, 0.0)
        if Question.CLONUS in held and (likelier or finding.parts is not None):
            return self._clonus(case, numbers, held[Question.CLONUS])
        if Question.TWITCH in held:
            return as_twitch(case, likely=_limited(held[Question.TWITCH]))
        if Question.PULL in held:
            return as_pull(case, self.rules, likely=_limited(held[Question.PULL]))
        return self._without(case, finding, numbers, likely)

    def _holds(self, question: Question, likely: float, case: Case, finding: Finding) -> bool:
        """Return whether a name is left where the rules gave it, or given.

        Away from the legs, where nothing was learned, a name is left only where it would be given.
        """
        opinion = self.answers[question]
        if finding.kind in NAMES[question]:
            return likely >= (opinion.leave if self.gives else opinion.give)
        if question is Question.TWITCH and case.facts.peak_g < sum(self.rules.twitch.peak_g) / 2:
            return False  # the smallest that is written down
        may = self._may_pull if question is Question.PULL else self._may_give
        return likely >= opinion.give and may(case.bout)

    def _may_announce(self, case: Case) -> bool:
        return self._may_pull(case.bout) or case.holds(RuleName.SPASM)

    def _may_pull(self, bout: Bout) -> bool:
        """Return whether a spasm may be given: below its least peak lie bumps and noise."""
        return self._may_give(bout) and bout.most_g >= self.rules.spasm.peak_g[0]

    def _may_give(self, bout: Bout) -> bool:
        """Return whether a name may be given that the rules do not give.

        What a model learned of legs in bed does not hold for a hand by day, nor for a limb in use
        or one whose rest was not seen.
        """
        spasm = self.rules.spasm
        rested = bout.rest_s >= sum(spasm.rest_s) / 2 and bout.busy < sum(spasm.busy) / 2
        return self.gives and rested

    def _clonus(self, case: Case, numbers: Floats, likely: float) -> Finding:
        return as_clonus(case, likely=_limited(likely), shares=self._shares(numbers, likely))

    def _shares(self, numbers: Floats, clonus: float) -> dict[str, float]:
        """Return what speaks for clonus, for tremor and for a voluntary movement; sum 1."""
        tremor = min(self._likely(Question.TREMOR, numbers), 1 - clonus)
        shares = {"clonus": clonus, "tremor": tremor, "voluntary": 1 - clonus - tremor}
        return {name: round(share, 2) for name, share in shares.items()}

    def _tremor(self, case: Case, numbers: Floats, clonus: float) -> Finding:
        """Return a rhythm that is not surely clonus, with what speaks for each."""
        other = replace(otherwise(case), confidence=_limited(1 - clonus))
        if other.rhythm_hz is None:  # a faint one, beside a turn
            return other
        return replace(other, shares=self._shares(numbers, clonus))

    def _without(
        self, case: Case, finding: Finding, numbers: Floats, likely: Mapping[Question, float]
    ) -> Finding:
        """Return what a bout that is over was if it was no likely spasm."""
        asked = next((q for q in likely if finding.kind in NAMES[q]), None)
        if Question.CLONUS in likely:
            other = self._tremor(case, numbers, likely[Question.CLONUS])
        else:
            other = replace(otherwise(case), confidence=_limited(1 - max(likely.values())))
        if asked is None:
            return other
        names = list(FEATURES)
        against = [
            {"feature": names[index], "value": float(numbers[index])}
            for index in self.answers[asked].against(numbers)
        ]
        why = because(
            Reason.SECOND_OPINION,
            kind=other.kind,
            rather_than=finding.kind,
            likely=likely[asked],
            against=against,
        )
        return replace(other, why=why)


def worth_asking(opinion: SecondOpinion | None, bout: Bout) -> bool:
    """Return whether an opinion on a bout could be one that is told."""
    if bout.moment in {Moment.UPDATE, Moment.OVER} or not isinstance(opinion, Opinions):
        return True  # of an update mostly more is wanted: asking first would ask twice
    return opinion.may_announce(bout)


def may_be_twitch(case: Case, rules: Rules) -> bool:
    """Whether a bout is over and as short as a twitch (contract: up to 0.5 s)."""
    return case.facts.over and case.facts.duration_s < sum(rules.twitch.length_s) / 2


@cache
def load_model(name: str, *, site: str = "ankle") -> tuple[Rules, Opinions | None]:
    """Read a model of `models/`: rules alone, or opinions with the rules they stand beside.

    Raises
    ------
    ModelError
        The file is missing, damaged or of another version.
    """
    return parse_model(name, model_file(name), site=site)


def parse_model(name: str, text: bytes, *, site: str) -> tuple[Rules, Opinions | None]:
    """Return what a model's JSON holds; errors as `load_model`."""
    try:
        data = parsed(text)
        if data["kind"] == "rules":
            return parse_rules(name, text, site=site), None
        rules = load_rules(str(data["rules"]), site=site)
        return rules, parse_opinions(data, rules, gives=site in LEGS)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ModelError(
            f"model {name!r} cannot be read: {str(error)[:200]}. Reinstall spasmwatch"
        ) from error


def parse_opinions(data: Mapping[str, Any], rules: Rules, *, gives: bool = True) -> Opinions:
    """Return the opinions that a model file holds; `gives` as in `Opinions`.

    Raises
    ------
    ModelError
        It knows other features or questions, or holds a number that is none.
    """
    if data.get("schema") != SCHEMA or data["features"] != list(FEATURES):
        raise ModelError(f"model {data.get('name')!r:.40} is of another version: retrain it")
    said = data["opinions"]
    return Opinions(
        data["name"], rules, {q: _parse_opinion(q, said[q.value]) for q in Question}, gives
    )


def _parse_opinion(question: Question, said: Mapping[str, Any]) -> Opinion:
    calibration = said["calibration"]
    slope, offset = float(calibration["slope"]), float(calibration["offset"])
    give, leave = float(said["give"]), float(said["leave"])
    if not all(map(isfinite, (slope, offset, give, leave))) or slope < 0:
        raise ModelError(f"{question}: its calibration is none; retrain")
    if not (0 <= give <= 1 and 0 <= leave <= 1):  # it would never, or always, be named so
        raise ModelError(f"{question}: its levels {give:g} and {leave:g} are no shares; retrain")
    typical = np.array([np.nan if t is None else float(t) for t in said["typical"]])
    if typical.shape != (len(FEATURES),):
        raise ModelError(f"{question}: its typical numbers are of another version; retrain")
    trees = parse_trees(said["trees"], features=len(FEATURES))
    return Opinion(trees, slope, offset, give, leave, typical)


def _limited(probability: float) -> float:
    return min(max(probability, SURE[0]), SURE[1])
