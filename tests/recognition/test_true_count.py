"""Laws of a night's count: its interval holds the true one as often as it says, whoever's night."""

from __future__ import annotations

import json
from math import exp, factorial, gamma

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from detector.errors import ModelError
from detector.events import Event, EventContext, Kind, Phase
from detector.recognition.counts.error_rates import (
    SCHEMA,
    Counted,
    ErrorRates,
    error_rates,
    parse_error_rates,
)
from detector.recognition.counts.night_counts import (
    SHORTEST_H,
    counts_of_night,
    to_dict,
)
from detector.recognition.counts.true_count import LEVEL, Part, TrueCount, true_count
from detector.recognition.rules.model_files import MODEL_FILES

HOURS = 8.0
LEAST_COVERED = 0.85
TINY = 1e-6  # probability of what is left out of a sum

shares = st.floats(0.3, 1.0)
rates_per_h = st.floats(0.0, 4.0)


def one(sensitivity: float, false_per_h: float) -> ErrorRates:
    """Rates that are known exactly."""
    return ErrorRates(sensitivity=(sensitivity,), false_per_h=(false_per_h,))


def poisson(mean: float) -> np.ndarray:
    """Probability of 0, 1, 2 … true ones in a night of a Poisson process."""
    return stats.poisson.pmf(np.arange(int(stats.poisson.ppf(1 - TINY, mean)) + 1), mean)


def covered(nights: np.ndarray, known: ErrorRates, sensitivity: float, false_per_h: float) -> float:
    """Share of nights, of each true count so many, whose interval holds it.

    An exact sum over how many there are and how many are found; no night is drawn.
    """
    said: dict[int, TrueCount] = {}
    held = total = 0.0
    false = poisson(false_per_h * HOURS)
    for true, share in enumerate(nights):
        hits = stats.binom.pmf(np.arange(true + 1), true, sensitivity)
        for found, chance in enumerate(np.convolve(hits, false) * share):
            if chance > TINY / 100:
                interval = said.setdefault(found, true_count([Part(found, HOURS)], known))
                total += chance
                held += chance * (interval.low <= true <= interval.high)
    return held / total


@settings(max_examples=8)
@given(mean=st.floats(0.2, 30.0), sensitivity=shares, false_per_h=rates_per_h)
def test_the_interval_holds_the_true_count_where_the_rates_are_known(
    mean, sensitivity, false_per_h
):
    known = one(sensitivity, false_per_h)
    assert covered(poisson(mean), known, sensitivity, false_per_h) >= LEAST_COVERED


@settings(max_examples=3)
@given(most=st.integers(8, 25), data=st.data())
def test_it_holds_it_for_wearers_of_whom_only_the_range_is_known(most, data):
    """Of all of them together, and of nights with few and with many true ones, few more often.

    Of a single one it need not: who has more false events than all others has more of them taken
    for true ones.
    """
    several = ErrorRates(
        sensitivity=tuple(data.draw(st.lists(shares, min_size=2, max_size=3))),
        false_per_h=tuple(data.draw(st.lists(rates_per_h, min_size=2, max_size=3))),
    )
    nights = np.arange(1.0, most + 2) ** -0.5
    nights /= nights.sum()
    each = [
        covered(nights, several, sensitivity, false_per_h)
        for sensitivity in several.sensitivity
        for false_per_h in several.false_per_h
    ]
    assert np.mean(each) >= LEAST_COVERED


def slow_twin(found: int, hours: float, rates: ErrorRates, most: int) -> np.ndarray:
    """Probability of each true count up to `most`, by the sums of the textbook."""
    chances = np.zeros(most + 1)
    for per_h in rates.false_per_h:
        for p in rates.sensitivity:
            for hits in range(found + 1):
                false = found - hits
                mean = per_h * hours
                weight = exp(-mean) * mean**false / factorial(false)
                weight *= gamma(hits + 0.5) / factorial(hits)
                for true in range(hits, most + 1):
                    ways = gamma(true + 0.5) / gamma(hits + 0.5) / factorial(true - hits)
                    chances[true] += weight * ways * p ** (hits + 0.5) * (1 - p) ** (true - hits)
    return chances / chances.sum()


@settings(max_examples=40)
@given(
    found=st.integers(0, 12),
    hours=st.floats(1.0, 10.0),
    sensitivity=st.lists(st.floats(0.5, 1.0), min_size=1, max_size=3),
    false_per_h=st.lists(st.floats(0.01, 2.0), min_size=1, max_size=3),
)
def test_it_ends_where_the_sums_of_the_textbook_say(found, hours, sensitivity, false_per_h):
    rates = ErrorRates(sensitivity=tuple(sensitivity), false_per_h=tuple(false_per_h))
    below = slow_twin(found, hours, rates, most=120).cumsum()
    said = true_count([Part(found, hours)], rates)

    def is_quantile(count: int, probability: float) -> bool:
        before = below[count - 1] if count else 0.0
        return before - 1e-6 <= probability <= below[count] + 1e-6

    def width(low: int, level: float) -> float:
        """Width of the shortest interval from there that holds so much."""
        after = (below[low - 1] if low else 0.0) + level
        return float(np.searchsorted(below, after)) - low if after < below[-1] else np.inf

    assert is_quantile(said.middle, 0.5)
    assert is_quantile(said.high, (1 + LEVEL) / 2)
    assert said.low <= said.middle <= said.high
    # Tails are tried in steps of 1 %: none that holds 2 % more is shorter.
    assert width(said.low, LEVEL - 1e-6) <= min(width(low, LEVEL + 0.02) for low in range(60))


@given(found=st.integers(0, 300), hours=st.floats(1.0, 24.0))
def test_a_detector_that_never_errs_counts_the_truth(found, hours):
    assert true_count([Part(found, hours)], one(1.0, 0.0)) == TrueCount(found, found, found)


@given(found=st.integers(0, 80), sensitivity=shares, false_per_h=rates_per_h)
def test_the_more_is_missed_the_more_there_are_and_the_more_is_false_the_fewer(
    found, sensitivity, false_per_h
):
    night = [Part(found, HOURS)]
    middle = true_count(night, one(sensitivity, false_per_h)).middle

    assert middle <= true_count(night, one(sensitivity / 2, false_per_h)).middle
    assert middle >= true_count(night, one(sensitivity, 2 * false_per_h + 0.1)).middle
    assert middle <= true_count([Part(found + 1, HOURS)], one(sensitivity, false_per_h)).middle


@given(found=st.integers(1, 60), sensitivity=st.floats(0.4, 0.8))
def test_what_is_less_known_gets_a_wider_interval(found, sensitivity):
    narrow = true_count([Part(found, HOURS)], one(sensitivity, 0.1))
    spread = ErrorRates(
        sensitivity=(sensitivity / 2, sensitivity, (1 + sensitivity) / 2),
        false_per_h=(0.01, 0.1, 1.0),
    )
    wide = true_count([Part(found, HOURS)], spread)

    assert wide.high - wide.low >= narrow.high - narrow.low


def slow_twin_of_two(parts: list[Part], rates: ErrorRates, most: int) -> np.ndarray:
    """Probability of each true count of a night of two parts, by the sums of the textbook."""
    hours = sum(part.hours for part in parts)
    chances = np.zeros(most + 1)
    for per_h in rates.false_per_h:
        for p in rates.sensitivity:
            each = []
            for part in parts:
                shape = part.hours / hours / 2
                mean = per_h * part.times_false * part.hours
                ways = np.zeros(most + 1)
                for hits in range(part.found + 1):
                    false = part.found - hits
                    weight = exp(-mean) * mean**false / factorial(false) / factorial(hits)
                    for true in range(hits, most + 1):
                        missed = p ** (hits + shape) * (1 - p) ** (true - hits)
                        ways[true] += weight * missed * gamma(true + shape) / factorial(true - hits)
                each.append(ways)
            chances += np.convolve(*each)[: most + 1]
    return chances / chances.sum()


@settings(max_examples=15)
@given(
    found=st.tuples(st.integers(0, 6), st.integers(0, 6)),
    hours=st.tuples(st.floats(0.5, 6.0), st.floats(0.5, 6.0)),
    times=st.tuples(st.floats(0.2, 4.0), st.floats(0.2, 4.0)),
    sensitivity=st.lists(st.floats(0.5, 1.0), min_size=1, max_size=2),
    false_per_h=st.lists(st.floats(0.01, 2.0), min_size=1, max_size=2),
)
def test_a_night_of_two_parts_ends_where_the_sums_of_the_textbook_say(
    found, hours, times, sensitivity, false_per_h
):
    rates = ErrorRates(sensitivity=tuple(sensitivity), false_per_h=tuple(false_per_h))
    parts = [Part(*each) for each in zip(found, hours, times, strict=True)]
    below = slow_twin_of_two(parts, rates, most=90).cumsum()
    said = true_count(parts, rates)

    for count, probability in ((said.middle, 0.5), (said.high, (1 + LEVEL) / 2)):
        before = below[count - 1] if count else 0.0
        assert before - 1e-6 <= probability <= below[count] + 1e-6


@settings(max_examples=3)
@given(
    means=st.tuples(st.floats(0.2, 6.0), st.floats(0.2, 6.0)),
    hours=st.floats(1.0, 7.0),
    sensitivity=shares,
    per_h=st.tuples(st.floats(0.0, 0.5), st.floats(0.5, 2.0)),
)
def test_the_interval_of_a_night_of_two_parts_holds_its_true_count(
    means, hours, sensitivity, per_h
):
    """An exact sum over what is true and what is found in a calm and in a restless part."""
    known = one(sensitivity, 1.0)
    lengths = (hours, HOURS - hours)
    joint = []  # of each part: probability of so many true (rows) and found (columns)
    for mean, length_h, false_per_h in zip(means, lengths, per_h, strict=True):
        false = poisson(false_per_h * length_h)
        rows = [
            np.convolve(stats.binom.pmf(np.arange(true + 1), true, sensitivity), false) * share
            for true, share in enumerate(poisson(mean))
        ]
        table = np.zeros((len(rows), max(map(len, rows))))
        for true, row in enumerate(rows):
            table[true, : len(row)] = row
        joint.append(table[:, np.flatnonzero(table.sum(axis=0) > TINY * 100)])
    held = total = 0.0
    for calm in range(joint[0].shape[1]):
        for restless in range(joint[1].shape[1]):
            parts = [
                Part(found, length_h, max(each, 1e-9))
                for found, length_h, each in zip((calm, restless), lengths, per_h, strict=True)
            ]
            said = true_count(parts, known)
            chances = np.convolve(joint[0][:, calm], joint[1][:, restless])
            total += chances.sum()
            held += chances[said.low : said.high + 1].sum()
    assert held / total >= LEAST_COVERED


@given(found=st.integers(1, 40), sensitivity=shares, times=st.floats(1.5, 10.0))
def test_what_is_found_where_more_is_invented_stands_for_fewer(found, sensitivity, times):
    rates = one(sensitivity, 1.0)
    calm, busy = (0.0, 1.0), (1.0, 0.0)
    middles = [
        true_count(
            [Part(round(found * a), 4.0, 1 / times), Part(round(found * b), 4.0, times)], rates
        ).middle
        for a, b in (calm, busy)
    ]
    assert middles[0] <= middles[1]


def event(kind: Kind, number: int, context: EventContext | None = None) -> Event:
    return Event(
        id=f"{number}", kind=kind, phase=Phase.END, onset_s=float(number), duration_s=1.0,
        confidence=0.9, context=context,
    )  # fmt: skip


def spent(hours: float) -> dict[EventContext, float]:
    """Hours of a night of which a quarter is restless."""
    return {
        EventContext.RESTING: 0.75 * hours,
        EventContext.RESTLESS: 0.25 * hours,
        EventContext.UP: 0.0,
    }


@given(st.lists(st.tuples(st.sampled_from(Kind), st.sampled_from(EventContext) | st.none())))
def test_every_event_is_counted_in_one_context(begun):
    events = [event(kind, number, began) for number, (kind, began) in enumerate(begun)]
    night = counts_of_night(events, spent(HOURS), model="rules-v1", site="ankle")
    not_known = sum(began is None and kind is Kind.CLONUS for kind, began in begun)

    for counted in Counted:
        each = [night.of(counted, context).found for context in EventContext]
        assert sum(each) == night.of(counted).found
    at_rest = sum(k is Kind.CLONUS and c is EventContext.RESTING for k, c in begun)
    assert night.of(Counted.CLONUS, EventContext.RESTING).found == at_rest + not_known
    assert night.of(Counted.CLONUS, EventContext.UP).true is None  # no hour of it was seen


@given(st.lists(st.sampled_from(Kind), max_size=40))
def test_each_event_is_counted_where_its_kind_belongs(kinds):
    events = [event(kind, number) for number, kind in enumerate(kinds)]
    night = counts_of_night(events, spent(HOURS), model="rules-v1", site="ankle")
    found = {each.counted: each.found for each in night.counts if each.context is None}

    assert found.keys() == set(Counted)
    assert found[Counted.LIKELY] == found[Counted.CLONUS] + found[Counted.SPASM_OR_TONIC]
    assert found[Counted.LIKELY] + found[Counted.TWITCH] == sum(k.is_spasm_family for k in kinds)
    for each in night.counts:
        assert (each.true is None) == (each.context is EventContext.UP)
        assert night.of(each.counted, each.context) is each


@pytest.mark.parametrize(
    ("hours", "site", "sensors", "model"),
    [
        (0.9 * SHORTEST_H, "ankle", 1, "rules-v1"),
        (HOURS, "wrist", 1, "rules-v1"),
        (HOURS, "ankle", 2, "rules-v1"),
        (HOURS, "ankle", 1, "of-nobody-v1"),
    ],
)
def test_where_the_rates_say_nothing_only_what_was_found_is_told(hours, site, sensors, model):
    events = [event(Kind.CLONUS, 1)]
    night = counts_of_night(events, spent(hours), model=model, site=site, sensors=sensors)

    assert {each.true for each in night.counts} == {None}
    likely = to_dict(night)["counts"][0]
    assert likely == {
        "counted": "likely", "context": None, "found": 1, "low": None, "middle": None,
        "high": None,
    }  # fmt: skip


TIMES = {"resting": 0.5, "restless": 1.2, "up": 2.0}


def entry(**changes: object) -> dict[str, object]:
    known = {"counted": "likely", "sensitivity": [0.8, 0.9], "false_per_h": [0.1, 0.2]}
    return known | {"times_false": TIMES} | changes


def file(**changes: object) -> bytes:
    whole = {
        "schema": SCHEMA,
        "model": {"name": "tried-v1"},
        "sites": ["ankle"],
        "generators": {"own": []},
        "rates": [entry()],
    }
    return json.dumps(whole | changes).encode()


def test_rates_are_known_by_kind_and_context():
    rates = parse_error_rates("tried-v1", file())

    assert rates.of[Counted.LIKELY].times_false == TIMES
    assert rates.of.keys() == {Counted.LIKELY}
    assert rates.generators == ("own",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (file(schema="error-rates/1"), "schema must be"),
        (file(model={"name": "other-v1"}), "these are the rates of 'other-v1'"),
        (file(sites=["knee"]), "sites are"),
        (file(sites=[]), "sites are"),
        (file(rates=[entry(sensitivity=[0.0])]), "bounds"),
        (file(rates=[entry(sensitivity=[1.2])]), "1.2"),
        (file(rates=[entry(sensitivity=[])]), "1 to"),
        (file(rates=[entry(false_per_h=[-1])]), "-1.0"),
        (file(rates=[entry(times_false=TIMES | {"up": 0})]), "0.0"),
        (file(rates=[entry(times_false={"resting": 1.0})]), "times_false must have"),
        (file(rates=[entry(times_false=TIMES | {"asleep": 1.0})]), "asleep"),
        (file(rates=[entry(counted="sneezes")]), "sneezes"),
        (file(rates=[{"counted": "likely"}]), "sensitivity"),
        (b"[]", "cannot be read"),
        (b"{", "cannot be read"),
    ],
)
def test_a_damaged_file_of_rates_is_named(text, words):
    with pytest.raises(ModelError, match="tried-v1") as error:
        parse_error_rates("tried-v1", text)
    assert words in str(error.value)


@pytest.mark.parametrize("model", sorted(MODEL_FILES))
def test_every_model_has_measured_rates(model):
    rates = error_rates(model)

    assert rates is not None
    assert "ankle" in rates.sites
    assert rates.of.keys() == set(Counted)
