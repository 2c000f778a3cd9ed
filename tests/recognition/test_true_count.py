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
from detector.events import Event, Kind, Phase
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
from detector.recognition.counts.true_count import LEVEL, TrueCount, true_count
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
                interval = said.setdefault(found, true_count(found, HOURS, known))
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
    said = true_count(found, hours, rates)

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
    assert true_count(found, hours, one(1.0, 0.0)) == TrueCount(found, found, found)


@given(found=st.integers(0, 80), sensitivity=shares, false_per_h=rates_per_h)
def test_the_more_is_missed_the_more_there_are_and_the_more_is_false_the_fewer(
    found, sensitivity, false_per_h
):
    middle = true_count(found, HOURS, one(sensitivity, false_per_h)).middle

    assert middle <= true_count(found, HOURS, one(sensitivity / 2, false_per_h)).middle
    assert middle >= true_count(found, HOURS, one(sensitivity, 2 * false_per_h + 0.1)).middle
    assert middle <= true_count(found + 1, HOURS, one(sensitivity, false_per_h)).middle


@given(found=st.integers(1, 60), sensitivity=st.floats(0.4, 0.8))
def test_what_is_less_known_gets_a_wider_interval(found, sensitivity):
    narrow = true_count(found, HOURS, one(sensitivity, 0.1))
    spread = ErrorRates(
        sensitivity=(sensitivity / 2, sensitivity, (1 + sensitivity) / 2),
        false_per_h=(0.01, 0.1, 1.0),
    )
    wide = true_count(found, HOURS, spread)

    assert wide.high - wide.low >= narrow.high - narrow.low


def event(kind: Kind, number: int) -> Event:
    return Event(
        id=f"{number}", kind=kind, phase=Phase.END, onset_s=float(number), duration_s=1.0,
        confidence=0.9,
    )  # fmt: skip


@given(st.lists(st.sampled_from(Kind), max_size=40))
def test_each_event_is_counted_where_its_kind_belongs(kinds):
    events = [event(kind, number) for number, kind in enumerate(kinds)]
    night = counts_of_night(events, HOURS, model="rules-v1", site="ankle")
    found = {each.counted: each.found for each in night.counts if each.context is None}

    assert found.keys() == set(Counted)
    assert found[Counted.LIKELY] == found[Counted.CLONUS] + found[Counted.SPASM_OR_TONIC]
    assert found[Counted.LIKELY] + found[Counted.TWITCH] == sum(k.is_spasm_family for k in kinds)
    for each in night.counts:
        assert each.true is not None
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
    night = counts_of_night(events, hours, model=model, site=site, sensors=sensors)

    assert {each.true for each in night.counts} == {None}
    (likely,) = [c for c in to_dict(night)["counts"] if c["counted"] == "likely"]
    assert likely == {
        "counted": "likely", "context": None, "found": 1, "low": None, "middle": None,
        "high": None,
    }  # fmt: skip


def file(**changes: object) -> bytes:
    entry = {"counted": "likely", "sensitivity": [0.8, 0.9], "false_per_h": [0.1, 0.2]}
    whole = {
        "schema": SCHEMA,
        "model": {"name": "tried-v1"},
        "sites": ["ankle"],
        "generators": {"own": []},
        "rates": [entry, entry | {"context": "resting"}],
    }
    return json.dumps(whole | changes).encode()


def test_rates_may_be_known_by_context():
    rates = parse_error_rates("tried-v1", file())

    assert rates.of.keys() == {(Counted.LIKELY, None), (Counted.LIKELY, "resting")}
    assert rates.generators == ("own",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (file(schema="error-rates/9"), "schema must be"),
        (file(model={"name": "other-v1"}), "these are the rates of 'other-v1'"),
        (file(sites=["knee"]), "sites are"),
        (file(sites=[]), "sites are"),
        (file(rates=[{"counted": "likely", "sensitivity": [0.0], "false_per_h": [1]}]), "bounds"),
        (file(rates=[{"counted": "likely", "sensitivity": [1.2], "false_per_h": [1]}]), "1.2"),
        (file(rates=[{"counted": "likely", "sensitivity": [], "false_per_h": [1]}]), "1 to"),
        (file(rates=[{"counted": "likely", "sensitivity": [1], "false_per_h": [-1]}]), "-1.0"),
        (file(rates=[{"counted": "sneezes", "sensitivity": [1], "false_per_h": [1]}]), "sneezes"),
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
    assert (Counted.LIKELY, None) in rates.of
