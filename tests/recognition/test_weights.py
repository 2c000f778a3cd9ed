"""What labels make of an event's probability: nothing without them, and never the opposite."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.events import Kind
from detector.recognition.personal.weights import WEIGHED, numbers_of, weighed

from .labelled import NAN, event

some = st.builds(
    event,
    kind=st.just(Kind.CLONUS),
    confidence=st.floats(0.01, 0.99),
    rms_g=st.floats(0.003, 0.5),
    turn_deg=st.floats(0, 90),
    rhythm_hz=st.none() | st.floats(3, 8),
)
labelled = st.lists(st.tuples(some, st.booleans()), max_size=30)


def likely(labels, asked, kind=Kind.CLONUS) -> float:
    return weighed(kind, [e for e, _ in labels], [real for _, real in labels]).likely(asked)


@pytest.mark.parametrize("kind", WEIGHED)
@pytest.mark.parametrize("confidence", [0.02, 0.3, 0.97])
def test_without_labels_the_model_is_believed(kind, confidence):
    asked = event(kind=kind, confidence=confidence, rms_g=0.2, turn_deg=60.0)

    assert likely([], asked, kind) == pytest.approx(confidence)


@settings(max_examples=40, deadline=None)
@given(labelled, some, st.booleans())
def test_a_label_makes_its_own_event_no_less_what_it_says(labels, asked, real):
    before, after = likely(labels, asked), likely([*labels, (asked, real)], asked)

    assert after >= before - 1e-3 if real else after <= before + 1e-3


@settings(max_examples=30, deadline=None)
@given(labelled, some, st.randoms(use_true_random=False))
def test_the_order_of_labels_means_nothing(labels, asked, random):
    assert likely(labels, asked) == likely(random.sample(labels, len(labels)), asked)


def test_a_habit_that_the_model_does_not_know_is_learned():
    """Strong ones are false and weak ones real, whatever the model says of either."""
    rng = np.random.default_rng(3)
    labels = [
        (event(rms_g=float(rms_g), confidence=0.5, turn_deg=10.0), bool(rms_g < 0.1))
        for rms_g in rng.uniform(0.02, 0.3, 24)
    ]
    weak, strong = (event(rms_g=g, confidence=0.5, turn_deg=10.0) for g in (0.03, 0.25))

    assert likely(labels, strong, Kind.SPASM) < 0.2 < 0.8 < likely(labels, weak, Kind.SPASM)


@pytest.mark.parametrize("unknown", [None, NAN, -1.0])
def test_a_number_that_is_not_known_is_taken_for_a_typical_one(unknown):
    known = event(rms_g=0.06, turn_deg=10.0)

    assert numbers_of(replace(known, rms_g=unknown)) == pytest.approx(numbers_of(known))
