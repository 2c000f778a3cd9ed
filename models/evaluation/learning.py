"""What personal learning does for simulated wearers of a generator that was left out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from wearers import NIGHT_H, REVIEWED, SITE, counts, lived, nights_of

from detector.recognition.rules.opinions import Opinions, load_model, parse_opinions
from detector.recognition.rules.thresholds import load_rules

HERE = Path(__file__).resolve().parent


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


@cache
def opinion_of(model: str) -> Opinions:
    """Return the opinions of a model beside this file, which left something out, or of models/.

    Raises
    ------
    ValueError
        It is of rules alone.
    """
    beside = HERE / f"{model}.json"
    if beside.is_file():
        data = json.loads(beside.read_bytes())
        return parse_opinions(data, load_rules(data["rules"], site=SITE))
    _, opinions = load_model(model, site=SITE)
    if opinions is None:
        raise ValueError(f"{model} has no opinions, so that its confidence is no probability")
    return opinions
