"""What personal learning does for simulated wearers of a generator that was left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from left_out import opinion_of
from wearers import NIGHT_H, REVIEWED, counts, lived, nights_of


def personal(
    *, generator: str, name: str, seeds: Sequence[int], model: str, night_h: float = NIGHT_H
) -> dict[str, Any]:
    """Return each wearer's later night before and after learning from the reviewed ones.

    `others` is what the minimums of another wearer would have done there: the next one's, in turn.

    Parameters
    ----------
    model : which never saw the generator
    """
    opinion = opinion_of(model)
    nights = [nights_of((generator, name, seed), opinion, night_h=night_h) for seed in seeds]
    found = [lived(each) for each in nights]
    rows = []
    for number, (figures, _) in enumerate(found):
        _, theirs = found[(number + 1) % len(found)]
        rows.append(figures | {"others": counts(nights[number][REVIEWED:], theirs)})
    return {"opinions": model, "wearers": rows}
