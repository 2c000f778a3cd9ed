"""From which probability on a name is given: so many false ones on nights that were not seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from examples import Examples
from numpy.typing import NDArray
from questions import EVERY_KIND, Asked
from recordings import ANNOUNCED, HARDEST, Origin

from detector.dsp.frames import Bools, Floats
from detector.recognition.bouts.bout import Moment
from detector.recognition.rules.opinions import Opinion, Question

GIVEN_PER_24H: Final = {Question.PULL: 5.0, Question.CLONUS: 1.5, Question.TWITCH: 4.0}
"""False events among bouts that the rules call something else, on the hardest nights without
spasms, mean of both generators. A twitch wakes nobody: it is only counted."""

LEFT_PER_24H: Final = {Question.PULL: 7.0, Question.CLONUS: 14.0, Question.TWITCH: 14.0}
"""... and among those that the rules call so already."""

PRECISE = 0.75
"""Of the announcements on nights of many spasms so many are right at least: what is announced may
sound before its end says more."""

LEVELS = np.linspace(0.5, 1, 501)
"""Quantiles of all probabilities that are tried: more than half of all movements is no spasm."""

EVEN = 0.5  # tremor is told as a share, not by its name: which is likelier
DIGITS = 4

Numbers: TypeAlias = NDArray[np.float32]


class Levels(NamedTuple):
    """From where on a name is given to what the rules call something else, and left to what not."""

    give: float
    leave: float

    def reached(self, named: Bools, likely: Floats) -> Bools:
        """Return where that is enough, (n,); `named` is what the rules call so."""
        return np.asarray(likely >= np.where(named, self.leave, self.give), bool)


def chosen(question: Question, how: Asked, opinion: Opinion, nights: Examples) -> Levels:
    """Return the levels of a calibrated opinion, from nights of seeds not trained on."""
    if question is Question.TREMOR:
        return Levels(EVEN, EVEN)
    if question is Question.BEGUN:
        precise = _rounded(_precise(how, opinion, nights))
        return Levels(precise, precise)
    hardest = nights.among(scenes=HARDEST)
    rows = over(how, hardest)
    likely = each_row(opinion.likely, hardest.numbers[rows])
    levels = allowed_levels(question, hardest, rows, likely)
    return Levels(_rounded(levels.give), _rounded(levels.leave))


def allowed_levels(question: Question, hardest: Examples, rows: Bools, likely: Floats) -> Levels:
    """Return the lowest levels at which no more events are false than `GIVEN_PER_24H` and so on.

    Parameters
    ----------
    hardest : n examples, nights of both generators
    rows : (n,) which of them are judged
    likely : probabilities, or odds, of these, one for each
    """
    named = hardest.named(question)[rows]
    levels = []
    for mine, per_24h in ((~named, GIVEN_PER_24H), (named, LEFT_PER_24H)):
        among = rows.copy()
        among[rows] = mine
        levels.append(allowed(hardest, among, likely[mine], per_24h[question]))
    give, leave = levels
    return Levels(max(give, leave), leave)  # the opinion alone never needs less than with the rules


def over(how: Asked, examples: Examples) -> Bools:
    """Return which of n examples ask the question of a bout that is over, (n,)."""
    return how.rows(examples) & examples.at(Moment.OVER)


def allowed(hardest: Examples, rows: Bools, likely: Floats, per_24h: float) -> float:
    """Return the lowest probability, or odds, at which no more events are false.

    An event is a bout that is over; false where it overlaps no truth of the spasm family.

    Parameters
    ----------
    hardest : n examples, nights of both generators, of which each weighs the same
    rows : (n,) which of them are judged, and `likely` what is said of these
    """
    false = ~hardest.truly(*EVERY_KIND)[rows]
    hours = {origin: hardest.among(origins=[origin]).hours for origin in Origin}
    there = [origin for origin, each in hours.items() if each > 0]
    each = np.zeros(len(false))
    for origin in there:
        each[hardest.origin[rows] == origin] = 24 / hours[origin] / len(there)
    return _level(likely[false], each[false], per_24h)


def _level(likely: Floats, weight: Floats, most: float) -> float:
    """Return the lowest of the probabilities from which on the weights sum up to `most`."""
    order = np.argsort(-likely, kind="stable")
    total = np.cumsum(weight[order])
    beyond = np.flatnonzero(total > most + 1e-9)
    if not len(beyond):
        return float(likely.min()) if len(likely) else EVEN
    return float(np.nextafter(likely[order][beyond[0]], 2.0))


def _precise(how: Asked, opinion: Opinion, nights: Examples) -> float:
    """Return the lowest probability at which announcements are precise enough.

    A bout counts once, by its first announcement.
    """
    busy = nights.among(origins=[Origin.OWN, Origin.TORQUE], scenes=ANNOUNCED)
    rows = how.rows(busy)
    likely = each_row(opinion.likely, busy.numbers[rows])
    right = how.right(busy)[rows]
    bout = _bouts(busy, rows)
    for level in np.unique(np.quantile(likely, LEVELS) if len(likely) else []):
        told = np.flatnonzero(likely >= level)
        _, first = np.unique(bout[told], return_index=True)
        if len(first) and right[told[first]].mean() >= PRECISE:
            return float(level)
    return EVEN


def _bouts(examples: Examples, rows: Bools) -> NDArray[np.int64]:
    """Return a number for the bout of each row; moments of a bout follow each other."""
    bout = np.stack([examples.recording[rows], examples.first[rows]])
    _, which = np.unique(bout, axis=1, return_inverse=True)
    return np.asarray(which.ravel(), np.int64)


def each_row(answer: Callable[[Floats], float], numbers: Numbers) -> Floats:
    """Return the answer to each row: (n, features) -> (n,)."""
    return np.array([answer(row) for row in numbers.astype(np.float64)], np.float64)


def _rounded(likely: float) -> float:
    """Return it rounded up, so that no more events are false."""
    step = 10.0**-DIGITS
    return round(float(np.ceil(likely / step) * step), DIGITS)
