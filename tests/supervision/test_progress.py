"""Only progress of the detector feeds the watchdog: no link, no loop that turns."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from detector.supervision.progress import Progress

WATCHDOG_S = 15.0
TOLD_LATE_S = 11.0  # a sensor falls silent; so long it takes until that is declared


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1), st.booleans()), max_size=80))
def test_the_manager_is_told_of_progress_alone_and_at_most_twice_in_its_time(
    seconds: list[tuple[int, int, bool]],
) -> None:
    progress = Progress(0, 0, WATCHDOG_S)
    samples, ticks, made_s, told_s = 0, 0, list[int](), list[int]()
    for now_s, (more, looked, lost) in enumerate(seconds):
        samples, ticks = samples + more, ticks + looked
        if progress.made(samples, ticks, lost=lost):
            made_s.append(now_s)
        if progress.due(float(now_s)):
            told_s.append(now_s)
        assert (now_s in made_s) == bool(more or (lost and looked))
    for before, at in zip([-1, *told_s], told_s, strict=False):
        assert any(before < made <= at for made in made_s), "told without progress"
        assert before < 0 or at - before >= WATCHDOG_S / 2


@given(st.integers(0, 30), st.integers(0, int(TOLD_LATE_S)))
def test_a_sensor_that_falls_silent_at_any_moment_costs_no_restart(
    streamed_s: int, declared_s: int
) -> None:
    progress, told_s, samples = Progress(0, 0, WATCHDOG_S), [0.0], 0
    for now_s in range(streamed_s + declared_s + 40):
        samples += now_s < streamed_s
        progress.made(samples, now_s, lost=now_s >= streamed_s + declared_s)
        if progress.due(float(now_s)):
            told_s.append(float(now_s))
    told_s.append(float(now_s))
    assert all(b - a < WATCHDOG_S for a, b in pairwise(told_s))


def test_where_no_manager_asks_nothing_is_due() -> None:
    progress = Progress(0, 0, None)
    assert progress.made(5, 1, lost=False)
    assert not progress.due(100.0)
