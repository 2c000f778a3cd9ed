"""A night of chaos in the suite; sixty are in `python -m tests.chaos`."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from pathlib import Path

from firmware_sim.script import Script

from ..kit.brokers import needs_mosquitto
from .history import check
from .night import live_through
from .plan import Plan, Strike, What, plan_of
from .proxy import Network

SEED = 189
"""Service, broker and a receiver are killed, a clock is set and a network stalls within 30 s."""


@needs_mosquitto
def test_a_night_of_chaos_keeps_the_five_laws(tmp_path: Path) -> None:
    plan = plan_of(SEED, 30.0)

    outcome = asyncio.run(live_through(plan, tmp_path, speed=6.0))

    print(*plan.lines(), *outcome.notes, sep="\n")
    assert check(outcome.history) == []
    assert outcome.history.log
    assert sum(1 for _ in outcome.history.of("samples")) > 20
    assert {fact.word for fact in outcome.history.of("shown", "anna")} >= {"watching", "stopped"}


@needs_mosquitto
def test_a_night_that_begins_in_memory_is_heard_with_what_its_disk_had(tmp_path: Path) -> None:
    """Nobody hears the first half; the service that starts again finds a disk that refuses."""
    strikes = (
        Strike(2.0, What.KILL_BROKER, 20.0),
        Strike(15.0, What.KILL_SERVICE, 2.0),
        Strike(16.0, What.DISK_REFUSES, 60.0),  # a busy machine takes long to start it
    )
    plan = Plan(60, 78.0, strikes, Script(()))

    outcome = asyncio.run(live_through(plan, tmp_path, speed=6.0))

    print(*outcome.notes, outcome.words, sep="\n")
    assert check(outcome.history) == []
    assert "memory" in {entry.fields["kind"] for entry in outcome.history.log}
    kinds = [entry.fields["kind"] for entry in outcome.history.log]
    assert kinds.index("memory") > 1, "behind what was there"


def test_the_same_seed_is_the_same_plan_and_other_seeds_are_others() -> None:
    plans = [plan_of(seed, 60.0) for seed in range(60)]

    assert plans == [plan_of(seed, 60.0) for seed in range(60)]
    assert len({tuple(plan.lines()) for plan in plans}) == 60


def test_sixty_seeds_try_everything() -> None:
    strikes = [strike for seed in range(1, 61) for strike in plan_of(seed, 60.0).strikes]
    kinds = Counter(strike.what for strike in strikes)
    networks = {strike.network for strike in strikes if strike.what is What.NETWORK}

    assert min(kinds[what] for what in What) >= 20
    assert networks == set(Network) - {Network.WORKS}
    assert {strike.step_s for strike in strikes} >= {3600.0, -3600.0, -31557600.0, 31557600.0}


def test_strikes_of_one_kind_do_not_overlap() -> None:
    for seed in range(60):
        strikes = plan_of(seed, 60.0).strikes
        for kind in {(strike.what, strike.whom) for strike in strikes}:
            same: list[Strike] = [s for s in strikes if (s.what, s.whom) == kind]
            for one, other in itertools.pairwise(same):
                assert other.at_s > one.at_s + one.for_s
