"""Examples as a recording would give them, drawn instead of watched."""

from __future__ import annotations

from typing import Any

import numpy as np
from examples import KINDS, MOMENTS, ROW, TRUTH, Examples, Watched
from recordings import Origin, Source

from detector.events import Kind
from detector.recognition.bouts.bout import Moment
from detector.recognition.rules.features import FEATURES

JERK = list(FEATURES).index("jerk")


def watched(
    seed: int,
    count: int = 200,
    *,
    origin: Origin = Origin.OWN,
    scene: str = "hard-night",
    group: str | None = None,
    kind: Kind = Kind.SPASM,
    share: float = 0.3,
    moments: tuple[Moment, ...] = (Moment.FIRST_LOOK, Moment.OVER),
    calls: float = 0.0,
    hours: float = 8.0,
) -> Watched:
    """Return bouts of which those with a steep start are mostly of a kind, at each moment.

    `share` are of that kind, and `calls` of all have any name by the rules.
    """
    rng = np.random.default_rng(seed)
    rows = np.zeros(count * len(moments), ROW)
    rows["numbers"] = np.round(rng.normal(size=(len(rows), len(FEATURES))), 2)
    rows["numbers"][rng.random(rows["numbers"].shape) < 0.05] = np.nan
    rows["moment"] = np.tile([MOMENTS.index(moment) for moment in moments], count)
    rows["first"] = np.repeat(np.arange(count) * 100, len(moments))
    rows["onset_s"], rows["end_s"] = rows["first"] * 0.24, rows["first"] * 0.24 + 2.0
    rows["rhythm"], rows["short"] = True, True
    right = np.repeat(rng.random(count) < share, len(moments))
    rows["truly"][right, KINDS.index(kind)] = True
    rows["numbers"][:, JERK] = np.round(
        2.0 * right - 1.0 + rng.normal(scale=0.7, size=len(rows)), 2
    )
    rows["named"] = np.where(
        rng.random(len(rows)) < calls, rng.integers(0, len(KINDS), len(rows)), -1
    )
    source = Source(origin=origin, group=group or origin.value, scene=scene, seed=seed)
    return Watched(source, hours, rows, np.zeros(0, TRUTH))


NIGHTS = (
    (Origin.OWN, "hard-night", 0.4),
    (Origin.OWN, "hard-night-without-spasms", 0.0),
    (Origin.TORQUE, "spastic", 0.4),
    (Origin.TORQUE, "free", 0.0),
)


def nights(seed: int, **words: Any) -> Examples:
    """Return a night of each generator, with spasms and without."""
    return Examples(
        [
            watched(10 * seed + number, origin=origin, scene=scene, share=share, **words)
            for number, (origin, scene, share) in enumerate(NIGHTS)
        ]
    )
