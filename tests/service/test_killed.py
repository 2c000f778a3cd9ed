"""Kill the service whenever you like: nothing that was said is lost, nothing is said twice.

python -m tests.service.test_killed --kills 120     a soak of ten minutes
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

from detector.events import Event, Phase, final_forms
from detector.mqtt.contract import RETAINED_EXPIRES_S

from ..kit.brokers import needs_mosquitto
from ..kit.traces import eventful, save
from .killed import Killed, When, live_through

FS = 52.0
TOUCHES_S = 3.0
"""Of a gap: what begins or ends closer to it may have been cut by the kill."""

PHASES = list(Phase)


def check_nothing_is_lost(outcome: Killed) -> None:
    """Every entry of the log was told, under its own number."""
    assert outcome.entries
    assert [entry.n for entry in outcome.entries] == list(range(1, len(outcome.entries) + 1))
    heard = {*outcome.bodies("event"), *outcome.bodies("alert")}
    assert lost(outcome) == []
    assert heard == {e.body for e in outcome.entries if e.kind in ("event", "alert")}
    assert outcome.unsent == 0


def lost(outcome: Killed) -> list[str]:
    """Return what was committed and never heard."""
    heard = {*outcome.bodies("event"), *outcome.bodies("alert")}
    told = [e.body for e in outcome.entries if e.kind in ("event", "alert")]
    return [body for body in told if body not in heard]


def forms(outcome: Killed) -> dict[str, list[Event]]:
    """Return the forms of each event in the order of the log."""
    of: dict[str, list[Event]] = defaultdict(list)
    for event in outcome.told:
        of[event.id].append(event)
    return of


def doubled(outcome: Killed) -> list[str]:
    """Return the words that are said twice, or take back a later one, after de-duplication."""
    wrong = []
    for said in forms(outcome).values():
        keys = [(e.revision, PHASES.index(e.phase), e.duration_s) for e in said]
        wrong += [f"{one} before {other}" for one, other in pairwise(keys) if one >= other]
    return wrong


def check_nothing_contradicts(outcome: Killed) -> None:
    """Each event is told from its beginning to its end, once."""
    assert doubled(outcome) == []
    left_open = [said[-1] for said in forms(outcome).values() if said[-1].phase is not Phase.END]
    assert left_open == []
    alerts = [json.loads(e.body) for e in outcome.entries if e.kind == "alert"]
    steps: dict[str, list[str]] = defaultdict(list)
    for alert in alerts:
        steps[alert["id"]].append(alert["state"])
    assert [s for s in steps.values() if len(s) != len(set(s)) or s[0] != "raised"] == []


def touches(event: Event, gaps_s: list[tuple[float, float]]) -> bool:
    """Whether a gap may have cut this event."""
    return any(
        event.onset_s < stop + TOUCHES_S and event.end_s > start - TOUCHES_S
        for start, stop in gaps_s
    )


def differing(outcome: Killed) -> tuple[list[Event], list[Event]]:
    """Return the events that no run on the recording says, or says otherwise: cut, and others."""

    def key(event: Event) -> tuple[object, ...]:
        return event.id, event.kind, event.onset_s, event.duration_s

    told, found = final_forms(outcome.told), outcome.detected
    both = {key(e) for e in told} & {key(e) for e in found}
    other = [event for event in (*told, *found) if key(event) not in both]
    gaps_s = outcome.gaps_s
    return [e for e in other if touches(e, gaps_s)], [e for e in other if not touches(e, gaps_s)]


def check_events_equal_those_of_an_undisturbed_run(outcome: Killed) -> None:
    """But for those that a gap cuts."""
    assert outcome.detected
    assert differing(outcome)[1] == []


def check_one_night(outcome: Killed) -> None:
    """It stays the same wearer's, in the same recording, and every connection has its number."""
    assert [path.suffix for path in outcome.recordings] == [".sqlite"]
    (path,) = outcome.recordings
    assert {e.recording.name for e in outcome.told if e.recording} == {path.stem}
    assert outcome.sessions == sorted(set(outcome.sessions))
    assert len(outcome.wearers) == 1
    assert outcome.leftovers == []
    assert "TROUBLE" not in outcome.words
    assert "Traceback" not in outcome.words


def check_availability(outcome: Killed) -> None:
    """Nobody reads `stopped` of a night that goes on, nor `watching` of a dead service for long."""
    said = outcome.bodies("availability")
    assert "stopped" not in said[:-1]
    assert said[-1] == "stopped"
    retained = [r for r in outcome.received if r.topic.endswith(("/state", "/availability"))]
    assert {r.expiry_s for r in retained} == {RETAINED_EXPIRES_S}
    assert json.loads(outcome.bodies("state")[-1])["state"] == "no_signal"
    assert outcome.exit_code == 0


CHECKS = (
    check_nothing_is_lost,
    check_nothing_contradicts,
    check_events_equal_those_of_an_undisturbed_run,
    check_one_night,
    check_availability,
)


def trace_of(folder: Path, length_s: float) -> Path:
    """Make a trace on which something happens every few seconds."""
    made = eventful(length_s, FS, first=1, turn=1, scenario_s=240.0)
    return save(folder / "trace.npz", made[: round(length_s * FS)], FS)


def moments(kills: int, seed: int) -> list[When]:
    """Draw when to kill; of any six, two while it starts and one or two as it told something."""
    rng, drawn = random.Random(seed), list[When]()
    while len(drawn) < kills:
        six = [When.STARTING] * 2 + [When.TOLD] * 2 + [When.ANY] * 2
        rng.shuffle(six)
        drawn += six
    return drawn[:kills]


def figures(outcome: Killed) -> str:
    """Say in one line what became of it."""
    cut, other = differing(outcome)
    lost_s = sum(stop - start for start, stop in outcome.gaps_s)
    same = len(final_forms(outcome.told)) - len({e.id for e in (*cut, *other)})
    return (
        f"{len(outcome.kills)} kills, {len(outcome.entries)} entries, {len(lost(outcome))} lost, "
        f"{len(doubled(outcome))} doubled, {len(outcome.gaps_s)} gaps, "
        f"{lost_s / len(outcome.kills):.2f} s of samples lost by each kill, "
        f"{same} events equal, {len({e.id for e in cut})} cut otherwise, "
        f"{len({e.id for e in other})} differ, {outcome.took_s:.0f} s"
    )


@needs_mosquitto
def test_a_service_that_is_killed_again_and_again_says_what_it_would_have_said(
    config_home: Path,
) -> None:
    trace = trace_of(config_home, 120.0)
    whens = [When.ANY, When.TOLD, When.STARTING, When.ANY, When.TOLD, When.STARTING]

    outcome = asyncio.run(live_through(trace, config_home, whens, seed=4, most_s=6.0))
    print(figures(outcome))

    for check in CHECKS:
        check(outcome)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.service.test_killed")
    parser.add_argument("--kills", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for what it leaves")
    asked = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as name:
        folder = asked.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        trace = trace_of(folder, 12.0 * asked.kills + 90.0)
        whens = moments(asked.kills, asked.seed)
        outcome = asyncio.run(live_through(trace, folder, whens, seed=asked.seed, most_s=12.0))
        print(figures(outcome))
        for when in When:
            print(f"{outcome.kills.count(when):5} {when}")
        for check in CHECKS:
            try:
                check(outcome)
            except AssertionError as error:
                failed = True
                print(f"FAILS: {check.__doc__} {str(error)[:1500]}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
