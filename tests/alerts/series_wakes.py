"""How often a series of periodic movements wakes somebody, and how late a cluster of spasms does.

    python -m tests.alerts.series_wakes [--series 60] [--nights 16]

On simulated recordings, each judged twice by a rule that counts three spasms in ten minutes: as it
is, and without holding anything back (the events then carry no strength, by which it is decided).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from detector.alert import AlertState
from detector.alerts.moments import Now
from detector.alerts.policy import Policy
from detector.alerts.rules import parse_rules
from detector.block import Block
from detector.events import SPASM_FAMILY, Kind, Origin
from detector.recognition.pipeline import KnownEvent, Watcher
from firmware_sim.motion.scenarios import scenario
from firmware_sim.motion.truth import Trace, Truth

RULES = parse_rules(["3 spasms in 10min"])
NEAR_S = 3.0  # an event is about the movement that begins this close to it


@dataclass(frozen=True, slots=True)
class Wake:
    """An alert that was raised.

    known_s : when, s from the first sample
    truth : what really moved at the three spasms that set it off
    """

    episode: str
    known_s: float
    truth: frozenset[Kind]


def wakes(trace: Trace, words: Sequence[KnownEvent], *, held: bool) -> list[Wake]:
    """Return the alerts of a recording, with what truly caused them."""
    policy, found, onsets_s = Policy(RULES, source=Origin.SIMULATED), [], []
    for said in words:
        event = said.event if held else replace(said.event, peak_g=None)
        now = Now(mono_ns=round(said.known_s * 1e9), utc=None, event_s=said.known_s)
        told = policy.observe(event, now)
        if event.kind in {Kind.SPASM, Kind.CLONUS, Kind.TONIC} and event.onset_s not in onsets_s:
            onsets_s.append(event.onset_s)
        for alert in told:
            if alert.state is AlertState.RAISED:
                moved = [_truth(trace.truth, onset_s) for onset_s in onsets_s[-3:]]
                found.append(Wake(str(alert.episode), said.known_s, frozenset(filter(None, moved))))
    return found


def _truth(truth: Sequence[Truth], onset_s: float) -> Kind | None:
    near = (t.kind for t in truth if -NEAR_S <= onset_s - t.onset_s <= max(NEAR_S, t.duration_s))
    return next(near, None)


def main() -> int:
    """Run as a command; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.alerts.series_wakes")
    parser.add_argument("--series", type=int, default=60)
    parser.add_argument("--nights", type=int, default=16)
    asked = parser.parse_args()
    traces = [("plm", seed) for seed in range(asked.series)]
    traces += [("night", seed) for seed in range(asked.nights)]
    series: dict[bool, int] = {True: 0, False: 0}
    clusters: dict[bool, int] = {True: 0, False: 0}
    delays_s: list[float] = []
    for name, seed in traces:
        trace = scenario(name, seed=seed)
        watcher = Watcher()
        words = watcher.follow(Block(trace.samples, 0, trace.fs)) + watcher.close()
        real: dict[bool, dict[str, float]] = {}
        for held in (True, False):
            found = wakes(trace, words, held=held)
            series[held] += sum(wake.truth == {Kind.PLM} for wake in found)
            real[held] = {w.episode: w.known_s for w in found if w.truth & SPASM_FAMILY}
            clusters[held] += len(real[held])
        delays_s += [real[True][each] - at_s for each, at_s in real[False].items()]
    figures = {
        "simulated": True,
        "series": asked.series,
        "nights": asked.nights,
        "woken by a series": {"before": series[False], "now": series[True]},
        "woken by a cluster": {"before": clusters[False], "now": clusters[True]},
        "delay of a cluster, s": {"median": median(delays_s), "longest": max(delays_s)},
    }
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
