"""Laws of the supervisor: what raises comes back, and nobody is left uninformed."""

from __future__ import annotations

import asyncio
import logging
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.service.supervisor import (
    BACKOFF_S,
    MOST_FAILURES,
    SETTLED_S,
    PartLostError,
    Supervisor,
)


class Time:
    """A clock that moves when somebody waits."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def supervised() -> tuple[Supervisor, Time, list[tuple[str, str]]]:
    time, told = Time(), list[tuple[str, str]]()
    return (
        Supervisor(
            mono_s=time, sleep=time.sleep, announce=lambda name, why: told.append((name, why))
        ),
        time,
        told,
    )


@given(st.integers(1, MOST_FAILURES))
def test_a_part_that_raises_runs_again_and_each_failure_is_announced(failures: int) -> None:
    supervisor, time, told = supervised()
    runs = 0

    async def work() -> None:
        nonlocal runs
        runs += 1
        if runs <= failures:
            raise ZeroDivisionError

    asyncio.run(supervisor.keep("reader", work))

    assert runs == failures + 1
    assert [name for name, _ in told] == ["reader"] * failures
    assert time.now_s == sum(BACKOFF_S[min(n, len(BACKOFF_S) - 1)] for n in range(failures))


def test_a_part_that_always_raises_ends_the_process_instead_of_trying_for_ever() -> None:
    supervisor, _, told = supervised()

    async def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(PartLostError, match="reader failed 41 times in a row"):
        asyncio.run(supervisor.keep("reader", work))
    assert len(told) == MOST_FAILURES


def test_a_call_that_raised_is_not_made_again_before_its_pause_is_over() -> None:
    supervisor, time, _ = supervised()
    made: list[float] = []

    def work() -> None:
        made.append(time.now_s)
        raise ZeroDivisionError

    for tenth in range(40):
        time.now_s = tenth / 10
        supervisor.call("detector", work)

    pauses = [round(b - a, 6) for a, b in pairwise(made)]
    assert pauses == [0.1, 0.3, 0.5, 1.0, 2.0]


def test_a_part_that_worked_for_a_while_is_sound_again() -> None:
    supervisor, time, told = supervised()

    def fail() -> None:
        raise ZeroDivisionError

    for _ in range(3 * MOST_FAILURES):
        supervisor.call("detector", fail)
        assert supervisor.call("detector", lambda: "alive") == "alive", "a first failure: no pause"
        time.now_s += SETTLED_S + 1
    assert len(told) == 3 * MOST_FAILURES
    assert supervisor.call("detector", lambda: "alive") == "alive"


def test_what_raised_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    supervisor, _, _ = supervised()

    def culprit() -> None:
        raise ZeroDivisionError

    with caplog.at_level(logging.ERROR):
        supervisor.call("detector", culprit)

    assert "part detector failed" in caplog.text
    assert "in culprit" in caplog.text


def test_being_cancelled_is_no_failure() -> None:
    supervisor, _, told = supervised()

    async def night() -> None:
        part = asyncio.create_task(supervisor.keep("tick", asyncio.Event().wait))
        await asyncio.sleep(0)
        part.cancel()
        with pytest.raises(asyncio.CancelledError):
            await part

    asyncio.run(night())

    assert told == []
