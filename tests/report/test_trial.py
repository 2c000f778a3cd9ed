"""A comparison of nights says what they can show: right as often as it says, and no cause."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from detector.evenings import DAY
from detector.report.lines import trial_lines
from detector.report.trend import TrendNight
from detector.report.trial import Compared, TrialSide, bootstrapped, trial_of

FIRST = date(2026, 11, 10)


def night(evening: date, likely: int, watched_h: float = 8.0) -> TrendNight:
    return TrendNight(
        evening=evening,
        likely=likely,
        clonus=0,
        twitches=0,
        burden_s=likely * 5.0,
        watched_h=watched_h,
        lying_h=watched_h,
    )


def nights(before: list[int | None], after: list[int | None]) -> dict[date, TrendNight]:
    evenings = [FIRST - DAY * (len(before) - n) for n in range(len(before))]
    evenings += [FIRST + DAY * n for n in range(len(after))]
    counts = [*before, *after]
    return {
        evening: night(evening, count)
        for evening, count in zip(evenings, counts, strict=True)
        if count is not None
    }


LATEST = FIRST + DAY * 6
QUIET = [8, 9, 7, 8, 10, 8, 9]
BUSY = [30, 28, 33, 31, 29, 30, 32]


def test_the_same_nights_give_the_same_words() -> None:
    known = nights(BUSY, QUIET)
    said = [trial_lines(trial_of(known, FIRST, LATEST), width=60) for _ in range(2)]
    assert said[0] == said[1]
    assert max(map(len, said[0])) <= 60


def test_a_clear_change_is_shown_with_its_sign_and_no_cause() -> None:
    fewer, more = (
        trial_of(nights(*sides), FIRST, LATEST).changes[0]
        for sides in ((BUSY, QUIET), (QUIET, BUSY))
    )
    assert fewer.measure is Compared.LIKELY_PER_H
    assert fewer.high < 0 < more.low
    assert fewer.is_beyond_chance
    assert fewer.low <= fewer.difference <= fewer.high
    lines = trial_lines(trial_of(nights(BUSY, QUIET), FIRST, LATEST), width=100)
    words = " ".join(" ".join(lines).split())
    assert "cannot show that it works" in words
    for claim in ("improve", "better", "worse", "effective"):
        assert claim not in words


@pytest.mark.parametrize("lacking", range(8))
def test_five_of_seven_nights_must_count_on_each_side(lacking: int) -> None:
    before: list[int | None] = [*[None] * lacking, *QUIET[lacking:]]
    for sides in ((before, QUIET), (QUIET, before)):
        trial = trial_of(nights(*sides), FIRST, LATEST)
        assert bool(trial.changes) == (lacking <= 2)
        assert sum(trial.missing.values()) == max(0, lacking - 2)
        assert sum(each is not None for _, each in trial.nights[TrialSide.BEFORE]) == 7 - (
            lacking if sides[0] is before else 0
        )


def test_a_night_of_less_than_four_hours_lying_does_not_count() -> None:
    known = nights(QUIET, QUIET)
    for evening in list(known)[:3]:
        known[evening] = replace(known[evening], lying_h=3.99)
    assert trial_of(known, FIRST, LATEST).missing == {TrialSide.BEFORE: 1, TrialSide.AFTER: 0}


def test_the_interval_holds_the_true_change_about_as_often_as_it_says() -> None:
    """Nights of a wearer whose rate varies by a gamma distribution, as counts of spasms do."""
    generator = np.random.default_rng(7)
    held, tries = 0, 400
    for _ in range(tries):
        before, after = (generator.gamma(4.0, mean / 4.0, 7) for mean in (2.0, 1.2))
        low, high = np.quantile(bootstrapped(before, after), (0.025, 0.975))
        held += low <= 1.2 - 2.0 <= high
    assert 0.91 <= held / tries <= 0.985


def test_what_is_called_the_smallest_change_is_shown_four_times_out_of_five() -> None:
    generator = np.random.default_rng(8)
    spread, shown, tries = 0.8, 0, 200
    first = [generator.normal(4.0, spread, (2, 7)) for _ in range(tries)]
    needed = np.mean([_smallest(*each) for each in first])
    for before, after in first:
        drawn = bootstrapped(before, after - needed)
        shown += np.quantile(drawn, 0.975) < 0
    assert 0.7 <= shown / tries <= 0.93


def _smallest(before: np.ndarray, after: np.ndarray) -> float:
    return float((1.959964 + 0.841621) * bootstrapped(before, after).std())
