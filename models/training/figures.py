"""The opinions on data that they were not trained on: seeds, simulators and people left out.

Of bouts, not of events as the product tells them: these are in docs/evaluation.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from typing import Any, Final, TypeAlias

import numpy as np
from examples import KINDS, MATCHING, Examples
from fitting import (
    GENERATORS,
    Answer,
    Task,
    Tree,
    grow,
    pool,
    task,
    without_generator,
)
from questions import ASKED, EVERY_KIND, FEATURE_GROUPS, PULLS
from recordings import FREE, HARD, HARD_FREE, HARDEST, SPASTIC, WITHOUT_SPASMS, Origin
from thresholds import Levels, Numbers, allowed_levels, each_row, over

from detector.dsp.frames import Bools, Floats
from detector.events import Kind
from detector.recognition.bouts.bout import Moment
from detector.recognition.rules.features import FEATURES
from detector.recognition.rules.opinions import Opinion, Question
from detector.recognition.rules.trees import parse_trees

Figures: TypeAlias = dict[str, Any]
"""Plain data, as in `figures.json` and on the card."""

BUDGETS_PER_24H: Final = (40.0, 20.0, 8.0)
"""False events at which simulators are compared: there are too few of a model that never saw
one to compare at the thresholds themselves."""
COMPARED: Final = {Origin.OWN: (HARD, HARD_FREE), Origin.TORQUE: (SPASTIC, FREE)}

TRIED_TREES, TRIED_LEAVES = 120, 8
"""Size of the models that try feature groups: smaller, as there are sixty of them."""

BINS = 10
NAMED = (Question.PULL, Question.CLONUS, Question.TWITCH)


def measure(
    answers: Mapping[Question, Answer],
    *,
    examples: Examples,
    calibration: Examples,
    check: Examples,
    looked_at: Examples,
    processes: int = 1,
) -> Figures:
    """Return figures on data left out of training.

    Parameters
    ----------
    calibration, check : simulated nights of seeds that were not trained on; by `check` nothing
        was set either
    looked_at : recordings of people that may not be trained on
    """
    nights = Examples([*calibration.watched, *check.watched])
    return {
        "seeds": _seeds(answers, check),
        "reliability": {q.value: _reliability(q, a, check) for q, a in answers.items()},
        "generators": _generators(answers, nights),
        "groups": _groups(examples, nights, processes),
        "data_sets": _data_sets(examples, calibration, processes),
        "looked_at": _looked_at(answers, looked_at),
    }


# Seeds left out.


def _seeds(answers: Mapping[Question, Answer], check: Examples) -> Figures:
    """Return what is named on each kind of night."""
    found = {}
    kinds = dict.fromkeys((each.source.origin, each.source.scene) for each in check.watched)
    for origin, scene in kinds:
        nights = check.among(origins=[origin], scenes=[scene])
        names = named(nights, {q: answers[q].opinion for q in NAMED})
        false = ~nights.truly(*EVERY_KIND)
        found[f"{origin} {scene}"] = {
            "hours": round(nights.hours, 1),
            "found": {kind.value: _found(nights, names, kind) for kind in EVERY_KIND},
            "false": {q.value: int((names[q] & false).sum()) for q in NAMED},
        }
    return found


def named(examples: Examples, opinions: Mapping[Question, Opinion]) -> dict[Question, Bools]:
    """Return which of n examples, all of bouts that are over, have which name, (n,) each.

    By levels alone, a clonus before a twitch before a pull. `opinions.Opinions` names by the
    likelier of clonus and pull, and gives no name away from the legs, to a limb in use, or to one
    whose rest was not seen.
    """
    held = {}
    for question, opinion in opinions.items():
        asked = ASKED[question].rows(examples) & examples.at(Moment.OVER)
        held[question] = np.zeros(len(examples), bool)
        likely = each_row(opinion.likely, examples.numbers[asked])
        levels = Levels(opinion.give, opinion.leave)
        held[question][asked] = levels.reached(examples.named(question)[asked], likely)
    clonus = held[Question.CLONUS]
    twitch = held[Question.TWITCH] & ~clonus
    return {
        Question.CLONUS: clonus,
        Question.TWITCH: twitch,
        Question.PULL: held[Question.PULL] & ~clonus & ~twitch,
    }


def _found(nights: Examples, names: Mapping[Question, Bools], kind: Kind) -> list[int]:
    """Return how many truths of a kind have their name, and how many there are."""
    question = {Kind.CLONUS: Question.CLONUS, Kind.TWITCH: Question.TWITCH}.get(kind)
    mine = names[question or Question.PULL]
    if kind is Kind.CLONUS:  # of a spasm that goes over into clonus either name is right
        pulled = names[Question.PULL] & nights.truly(*PULLS)
        return _truths_found(nights, mine | pulled, [kind])
    return _truths_found(nights, mine, [kind])


def _truths_found(nights: Examples, told: Bools, kinds: Iterable[Kind]) -> list[int]:
    wanted = [KINDS.index(kind) for kind in kinds]
    hits = of = 0
    for number, each in enumerate(nights.watched):
        mine = told & (nights.recording == number)
        onset_s, end_s = nights.onset_s[mine], nights.end_s[mine]
        for truth in each.truths[np.isin(each.truths["kind"], wanted)]:
            if (
                truth["kind"] == KINDS.index(Kind.CLONUS)
                and truth["end_s"] - truth["onset_s"] < MATCHING.shortest_clonus_s
            ):
                continue
            begin = truth["onset_s"] - MATCHING.early_s
            of += 1
            hits += bool(((begin < end_s) & (onset_s < truth["end_s"] + MATCHING.late_s)).any())
    return [hits, of]


# How right a confidence is.


def _reliability(question: Question, answer: Answer, check: Examples) -> list[Figures]:
    """Return how likely was said and how often it was so, by tenths, on simulators left out."""
    opinion, how = answer.opinion, ASKED[question]
    pools = [pool(how, answer.never_saw[origin], check, origin) for origin in GENERATORS]
    odds = np.concatenate([each for each, _, _ in pools]) if pools else np.zeros(0)
    right = np.concatenate([each for _, each, _ in pools])
    weight = np.concatenate([each for _, _, each in pools])
    likely = 1 / (1 + np.exp(-np.clip(opinion.slope * odds + opinion.offset, -30, 30)))
    tenth = np.minimum((likely * BINS).astype(int), BINS - 1)
    lines = []
    for number in range(BINS):
        mine = tenth == number
        bouts = float(weight[mine].sum())
        if bouts >= 1:
            lines.append(
                {
                    "said": round(float((likely[mine] * weight[mine]).sum() / bouts), 3),
                    "was": round(float(weight[mine & right].sum() / bouts), 3),
                    "bouts": round(bouts),
                }
            )
    return lines


# A simulator left out.


def _generators(answers: Mapping[Question, Answer], nights: Examples) -> Figures:
    return {
        question.value: {
            origin.value: _transfer(question, answers[question].never_saw[origin], nights, origin)
            for origin in GENERATORS
        }
        for question in (Question.PULL, Question.CLONUS)
    }


def _transfer(
    question: Question, trees: Sequence[Tree], nights: Examples, origin: Origin
) -> Figures:
    """Return the share found on a simulator's nights by a model that never saw it."""
    mine = nights.among(origins=[origin], scenes=COMPARED[origin])
    rows = over(ASKED[question], mine)
    odds = each_row(parse_trees(trees, features=len(FEATURES)).odds, mine.numbers[rows])
    return _at_budgets(question, mine, rows, odds)


def _at_budgets(question: Question, nights: Examples, rows: Bools, odds: Floats) -> Figures:
    every = np.full(len(nights), -np.inf)
    every[rows] = odds
    still = rows & np.isin(nights.scene, sorted(WITHOUT_SPASMS)) & ~nights.truly(*EVERY_KIND)
    hours = nights.among(scenes=WITHOUT_SPASMS).hours
    false = np.sort(every[still])[::-1]
    kinds = PULLS if question is Question.PULL else (Kind.CLONUS,)
    found = {}
    for per_24h in BUDGETS_PER_24H:
        at = int(per_24h * hours / 24)
        level = false[at] if at < len(false) else -np.inf
        found[f"{per_24h:g}"] = _truths_found(nights, every > level, kinds)
    return found


# A feature group left out.


def _groups(examples: Examples, nights: Examples, processes: int) -> Figures:
    """Return the same with smaller models, each without a group of features."""
    tried = {"all": (), **FEATURE_GROUPS}
    work, keys = [], []
    for question in (Question.PULL, Question.CLONUS):
        for origin in GENERATORS:
            seen = without_generator(examples, origin)
            mine = nights.among(origins=[origin], scenes=COMPARED[origin])
            rows = over(ASKED[question], mine)
            for group, left_out in {**tried, "trained": ASKED[question].left_out}.items():
                how = replace(
                    ASKED[question], trees=TRIED_TREES, leaves=TRIED_LEAVES, left_out=left_out
                )
                work.append((task(how, seen), mine.numbers[rows]))
                keys.append((question, origin, group, mine, rows))
    found: Figures = {}
    for (question, origin, group, mine, rows), odds in zip(
        keys, _all_odds(work, processes), strict=True
    ):
        by_group = found.setdefault(question.value, {}).setdefault(origin.value, {})
        by_group[group] = _at_budgets(question, mine, rows, odds)
    return found


def _all_odds(work: Sequence[tuple[Task, Numbers]], processes: int) -> list[Floats]:
    if processes == 1:
        return [_odds(each) for each in work]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as workers:
        return list(workers.map(_odds, work))


def _odds(work: tuple[Task, Numbers]) -> Floats:
    """Grow trees, and return their odds of other rows."""
    wanted, numbers = work
    return each_row(parse_trees(grow(wanted), features=len(FEATURES)).odds, numbers)


# People left out.


def _data_sets(examples: Examples, calibration: Examples, processes: int) -> Figures:
    """Return the false names on each data set by models that never saw it.

    Their thresholds are set anew, as those of the model are.
    """
    hardest = calibration.among(scenes=HARDEST)
    groups = sorted({e.source.group for e in examples.watched if e.source.origin is Origin.REAL})
    work, keys = [], []
    for group in groups:
        people = _people(examples, group)
        for question in NAMED:
            how = ASKED[question]
            there, still = over(how, people), over(how, hardest)
            numbers = np.concatenate([people.numbers[there], hardest.numbers[still]])
            work.append((task(how, examples.without(group)), numbers))
            keys.append((group, question, people, there))
    found: Figures = {}
    for (group, question, people, there), odds in zip(
        keys, _all_odds(work, processes), strict=True
    ):
        still = over(ASKED[question], hardest)
        levels = allowed_levels(question, hardest, still, odds[int(there.sum()) :])
        false = ~people.truly(*EVERY_KIND)[there]
        line = found.setdefault(group, {"hours": round(people.hours, 2), "false": {}})
        told = levels.reached(people.named(question)[there], odds[: len(false)])
        line["false"][question.value] = int((false & told).sum())
    return found


def _people(examples: Examples, group: str) -> Examples:
    """Return a data set as it was recorded, without simulated movements."""
    return examples.only(
        np.array(
            [e.source.group == group and e.source.number is None for e in examples.watched], bool
        )
    )


def _looked_at(answers: Mapping[Question, Answer], looked_at: Examples) -> Figures:
    """Return the false names on recordings that may not be trained on."""
    found = {}
    for group in dict.fromkeys(each.source.group for each in looked_at.watched):
        people = _people(looked_at, group)
        names = named(people, {q: answers[q].opinion for q in NAMED})
        found[group] = {
            "hours": round(people.hours, 2),
            "false": {q.value: int(names[q].sum()) for q in NAMED},
        }
    return found
