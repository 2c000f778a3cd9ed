"""What is found and what is left alone; run with -s to read the figures.

Clonus and spasms here are simulated, as no recording of real ones is public; walking and freezing
of gait are real (Daphnet, Stanford), and so are everyday acts at the wrist.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from detector.events import Event, Kind
from detector.recognition.offline import detect
from firmware_sim.motion.scenarios import scenario
from firmware_sim.motion.truth import Truth

TRACES = Path(os.environ.get("SPASMWATCH_TRACES", "../shared/traces"))
SHORTEST_CLONUS_S = 1.2  # the bar's; shorter ones have three beats at most
EARLY_S, LATE_S = 0.5, 1.0  # tolerances of the plan's scoring


def played(name: str, seeds: int, **how: str) -> Iterator[tuple[Truth, list[Event]]]:
    """Every simulated movement of a scenario with the events that overlap it."""
    for seed in range(seeds):
        trace = scenario(name, seed=seed, **how)
        events = detect(trace.samples, trace.fs)
        for truth in trace.truth:
            yield (
                truth,
                [
                    event
                    for event in events
                    if event.onset_s < truth.end_s + LATE_S
                    and event.end_s > truth.onset_s - EARLY_S
                ],
            )


def tell(what: str, hits: int, of: int) -> float:
    share = hits / of
    print(f"\n{what}: {hits} of {of} ({100 * share:.1f} %)")
    return share


@pytest.mark.parametrize("engine", ["reflex", "pulse"])
def test_simulated_clonus_is_found_and_named_whichever_engine_made_it(engine):
    bouts = [
        (truth, events)
        for truth, events in played("clonus", 20, engine=engine)
        if truth.duration_s >= SHORTEST_CLONUS_S
    ]
    named = [
        (truth, event)
        for truth, events in bouts
        for event in events[:1]
        if any(e.kind is Kind.CLONUS for e in events)
    ]
    onset_errors_s = [abs(event.onset_s - truth.onset_s) for truth, event in named]
    rhythm_errors_hz = [
        abs(event.rhythm_hz - truth.rhythm_hz)
        for truth, event in named
        if event.rhythm_hz is not None and truth.rhythm_hz is not None
    ]

    assert all(events for _, events in bouts), "a clonus was not seen at all"
    assert tell(f"simulated clonus ({engine}) named", len(named), len(bouts)) >= 0.97
    print(f"onset error p50 {np.median(onset_errors_s):.3f} s, p90 "
          f"{np.quantile(onset_errors_s, 0.9):.3f} s; rhythm error p90 "
          f"{np.quantile(rhythm_errors_hz, 0.9):.2f} Hz")  # fmt: skip
    assert np.median(onset_errors_s) <= 0.05
    assert np.median(rhythm_errors_hz) <= 0.1


def test_simulated_spasms_and_twitches_are_found():
    counts: dict[Kind, Counter[bool]] = {Kind.SPASM: Counter(), Kind.TWITCH: Counter()}
    for truth, events in played("spasms", 20):
        if truth.kind in counts:
            counts[truth.kind][any(event.kind is truth.kind for event in events)] += 1
    shares = {
        kind: tell(f"simulated {kind}s named", count[True], count.total())
        for kind, count in counts.items()
    }

    assert shares[Kind.SPASM] >= 0.85
    assert shares[Kind.TWITCH] >= 0.70


@pytest.mark.parametrize(
    ("name", "kind", "allowed"),
    [
        ("turning", Kind.TURN, 0.10),
        ("walk-to-bathroom", Kind.MOVEMENT, 0.0),
        ("plm", Kind.PLM, 0.12),
    ],
)
def test_simulated_ordinary_movement_is_not_called_a_spasm(name, kind, allowed):
    wrong = total = 0
    for truth, events in played(name, 10):
        if truth.kind is kind:
            total += 1
            wrong += any(event.kind in (Kind.CLONUS, Kind.SPASM, Kind.TONIC) for event in events)

    assert tell(f"simulated {kind} called a spasm", wrong, total) <= allowed


def test_stillness_holds_nothing():
    assert [] == [event for truth in (1, 2, 3) for event in _of_quiet(truth)]


def _of_quiet(seed: int) -> list[Event]:
    trace = scenario("quiet", seed=seed)
    return [e for e in detect(trace.samples, trace.fs) if e.kind.is_spasm_family]


@pytest.mark.parametrize("folder", ["daphnet", "stanford_fog"])
def test_no_clonus_is_called_in_real_walking(folder):
    files = sorted((TRACES / folder).glob("*ankle*.npz"))
    if not files:
        pytest.skip(f"no real recordings at {TRACES} (set SPASMWATCH_TRACES)")
    walked_s, called = 0.0, []
    for file in files:
        with np.load(file, allow_pickle=False) as trace:
            events = detect(trace["acc"], float(trace["fs"]))
            labels = json.loads(str(trace["labels"]))
        walking = [(start, stop) for start, stop, label in labels if label == "no_freeze"]
        walked_s += sum(stop - start for start, stop in walking)
        called += [
            (file.name, event.onset_s)
            for event in events
            if event.kind is Kind.CLONUS
            and any(event.onset_s < stop and event.end_s > start for start, stop in walking)
        ]
    print(f"\nreal walking at the ankle ({folder}): {walked_s / 3600:.2f} h, clonus {len(called)}")

    assert walked_s > 600
    assert called == []


def test_a_wrist_in_the_kitchen_has_no_clonus_but_for_the_toothbrush():
    files = sorted((TRACES / "hmp_wrist_adl").glob("*.npz"))
    if not files:
        pytest.skip(f"no real recordings at {TRACES} (set SPASMWATCH_TRACES)")
    files = [file for file in files if "brush_teeth" not in file.name]
    called = Counter()
    for file in files:
        with np.load(file, allow_pickle=False) as trace:
            events = detect(trace["acc"], float(trace["fs"]), site="wrist")
        called += Counter(event.kind for event in events)
    print(f"\nreal everyday acts at the wrist: {len(files)} clips, {dict(called)}")

    assert called[Kind.CLONUS] <= 1
