"""One rule joins what follows close; burden counts no moment twice; grades are the events' own."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from detector.events import Event, Kind
from detector.report.spasms import (
    burden_s,
    end_of,
    grades,
    is_flexor,
    likely_of,
    longest,
    onset_of,
    together,
)

from .made import event

BEGIN = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)


@st.composite
def nights(draw: st.DrawFn) -> list[Event]:
    """Events of any kind in an hour, in tenths of a second."""
    spans = draw(st.lists(st.tuples(st.integers(0, 36_000), st.integers(1, 900)), max_size=30))
    return [
        event(
            draw(st.sampled_from(Kind)),
            BEGIN + timedelta(seconds=onset / 10),
            length / 10,
            id=f"e{number}",
        )
        for number, (onset, length) in enumerate(spans)
    ]


@given(nights(), st.sampled_from([1.0, 90.0]))
def test_groups_keep_every_spasm_once_and_are_cut_at_every_pause(
    events: list[Event], pause_s: float
) -> None:
    likely = likely_of(events)
    groups = together(likely, pause_s)
    assert [each for group in groups for each in group.events] == likely
    for one, other in itertools.pairwise(groups):
        assert (other.begin - one.end).total_seconds() >= pause_s
    for group in groups:
        over = end_of(group.events[0])
        for each in group.events[1:]:
            assert (onset_of(each) - over).total_seconds() < pause_s
            over = max(over, end_of(each))


@given(nights())
def test_burden_is_the_number_of_tenths_in_which_a_spasm_goes_on(events: list[Event]) -> None:
    likely = likely_of(events)
    tenths: set[int] = set()
    for each in likely:
        first = round((onset_of(each) - BEGIN).total_seconds() * 10)
        tenths |= set(range(first, first + round(each.duration_s * 10)))
    assert abs(burden_s(likely) * 10 - len(tenths)) < 1e-3


@given(nights())
def test_the_longest_are_no_shorter_than_any_other(events: list[Event]) -> None:
    found = longest(events)
    others = [each for each in likely_of(events) if each not in found]
    assert len(found) == min(3, len(found) + len(others))
    assert all(a.duration_s >= b.duration_s for a, b in itertools.pairwise(found))
    assert all(each.duration_s <= found[-1].duration_s for each in others)


def test_a_leg_that_was_drawn_up_and_held_is_graded_by_its_angle() -> None:
    pulled = {"reason": "pull", "turned_deg": 24.0, "away_s": 4.0, "let_go": True}
    flexor = event(Kind.SPASM, BEGIN, 20.0, grade=2, facts=pulled)
    brief = event(Kind.SPASM, BEGIN, 2.0, facts={**pulled, "away_s": 0.4})
    laid = event(Kind.SPASM, BEGIN, 5.0, facts={**pulled, "let_go": False})
    clonus = event(Kind.CLONUS, BEGIN, 30.0)
    assert [is_flexor(each) for each in (flexor, brief, laid, clonus)] == [True, *[False] * 3]
    counted = grades([flexor, brief, laid, clonus, event(Kind.TONIC, BEGIN)])
    assert (counted.flexor, counted.extensor, counted.clonus) == ((0, 1, 0), (1, 1, 0), (0, 0, 1))
