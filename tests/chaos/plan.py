"""What one seed has happen to a house: motions, strikes from outside, and the sensor's faults."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from firmware_sim.chaos import chaos
from firmware_sim.script import Entry, Script

from .proxy import Network

RECEIVERS = ("anna", "ben")
HOUR_S, YEAR_S = 3600.0, 365.25 * 86_400
START = datetime(2026, 3, 29, 0, 59, 0, tzinfo=UTC)
"""A minute before Europe's clocks go forward: every night of 60 s crosses the change."""


class What(StrEnum):
    """Kind of a strike."""

    KILL_SERVICE = "kill-service"
    FREEZE_SERVICE = "freeze-service"
    KILL_BROKER = "kill-broker"
    FREEZE_BROKER = "freeze-broker"
    KILL_RECEIVER = "kill-receiver"
    NETWORK = "network"
    CLOCK = "clock"
    DISK_FULL = "disk-full"  # no file may grow
    DISK_REFUSES = "disk-refuses"  # every write


@dataclass(frozen=True, slots=True)
class Strike:
    """One thing that happens from `at_s` on, in a house's seconds, for `for_s`."""

    at_s: float
    what: What
    for_s: float = 0.0
    whom: str = ""  # the service or a receiver, for networks and receivers
    network: Network = Network.WORKS
    step_s: float = 0.0

    def __str__(self) -> str:
        more = [self.whom, self.network.value if self.what is What.NETWORK else ""]
        more.append(f"{self.step_s:+.0f} s" if self.step_s else "")
        more.append(f"for {self.for_s:.1f} s" if self.for_s else "")
        return " ".join([f"{self.at_s:5.1f} s", self.what, *filter(None, more)])


@dataclass(frozen=True, slots=True)
class Plan:
    """All that one seed decides."""

    seed: int
    seconds: float
    strikes: tuple[Strike, ...]
    script: Script

    def lines(self) -> list[str]:
        """Return what happens, a line each, in order."""
        faults = [
            f"{each.fault.at_s:5.1f} s sensor {each.fault.kind}" for each in self.script.entries
        ]
        return sorted([*map(str, self.strikes), *faults])


def plan_of(seed: int, seconds: float) -> Plan:
    """Return a seed's plan; strikes of one kind never overlap, those of several may."""
    rng = random.Random(seed)
    strikes: list[Strike] = []
    busy_until_s: dict[tuple[What, str], float] = {}
    at_s = 0.0
    while (at_s := at_s + rng.expovariate(1 / 7.0)) < seconds:
        strike = _draw(rng, at_s, seconds)
        key = (strike.what, strike.whom)
        if busy_until_s.get(key, -1.0) < at_s:
            busy_until_s[key] = at_s + strike.for_s + 1.0
            strikes.append(strike)
    # Its own faults begin after 20 s of quiet; a third of them in a night that is longer.
    faults = chaos(seed, seconds) if rng.random() < 0.7 else ()
    script = Script(tuple(Entry(fault) for fault in faults), seed=seed)
    return Plan(seed, seconds, tuple(strikes), script)


def _draw(rng: random.Random, at_s: float, seconds: float) -> Strike:
    what = rng.choice(list(What))
    for_s = round(min(rng.choice((rng.uniform(1, 6), rng.uniform(6, 40))), seconds), 1)
    whom, network, step_s = "", Network.WORKS, 0.0
    match what:
        case What.NETWORK:
            whom = rng.choice(("service", *RECEIVERS))
            network = rng.choice([each for each in Network if each is not Network.WORKS])
        case What.KILL_RECEIVER:
            whom = rng.choice(RECEIVERS)
        case What.CLOCK:
            for_s = 0.0
            to_1970_s = -START.timestamp()
            step_s = rng.choice((HOUR_S, -HOUR_S, YEAR_S, -YEAR_S, to_1970_s))
        case What.FREEZE_SERVICE:
            for_s = min(for_s, 30.0)
    return Strike(round(at_s, 1), what, for_s, whom, network, step_s)
