"""Six minutes of movement that were read wrongly once, each with what is right.

All of them are simulated, by generators that are not in this repository. One that is still read
wrongly is marked as an expected failure, strictly: the test turns red when it is mended, and the
mark goes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from detector.events import Event, Kind
from detector.night.offline import detect

from ..kit.traces import CASES

FOLDER = CASES / "detection"
EARLY_S, LATE_S = 0.5, 1.0  # tolerances of the plan's scoring
LIKELY = {Kind.CLONUS, Kind.SPASM, Kind.TONIC}


@dataclass(frozen=True)
class Movement:
    """What happened, as the case says, and the kinds of all events that overlap it."""

    name: str
    said: set[Kind]


def read(case: str) -> list[Movement]:
    path = FOLDER / f"{case}.npz"
    if not path.is_file():
        pytest.skip(f"no case at {path} (they are beside the folder in SPASMWATCH_TRACES)")
    told = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    with np.load(path, allow_pickle=False) as held:
        events = detect(held["acc"], float(held["fs"]), site=told["site"])

    def over(event: Event, onset_s: float, end_s: float) -> bool:
        return event.onset_s < end_s + LATE_S and event.end_s > onset_s - EARLY_S

    return [
        Movement(name, {event.kind for event in events if over(event, onset_s, end_s)})
        for onset_s, end_s, name, _ in told["truth"]
    ]


def has(*kinds: Kind) -> Callable[[set[Kind]], bool]:
    return lambda said: bool(said & set(kinds))


def has_none(*kinds: Kind) -> Callable[[set[Kind]], bool]:
    return lambda said: not said & set(kinds)


def still(reason: str) -> pytest.MarkDecorator:
    return pytest.mark.xfail(strict=True, raises=AssertionError, reason=reason)


@pytest.mark.parametrize(
    ("case", "name", "is_right"),
    [
        pytest.param(
            "1_clonus_called_vibration",
            "clonus",
            has(Kind.CLONUS),
            marks=still("a clonus of 70 mg that does not turn the shank is called vibration"),
        ),
        ("2_long_clonus_called_tremor", "clonus", has(Kind.CLONUS)),
        ("3_spasm_called_movement", "spasm", has(Kind.SPASM, Kind.TONIC)),
        ("4_scratching_called_clonus", "scratch", has_none(*LIKELY)),
        ("5_loose_strap_rings", "stretch", has_none(*LIKELY)),
        ("6_mattress_ring_clonus", "bump", has_none(Kind.CLONUS, Kind.SPASM)),
    ],
)
def test_what_was_read_wrongly_once_is_read_rightly(case, name, is_right):
    movements = [each for each in read(case) if each.name == name]

    assert movements
    for movement in movements:
        assert is_right(movement.said), f"{movement.name} is called {sorted(movement.said)}"
