"""Whether spasms may be the beginning of a series of periodic limb movements. Pure.

Recognition names such a series at its fourth movement (`recognition.events.periodic`) and takes
back the name of the first three. Here is only the doubt until then, from what events carry: short,
mild movements that resemble each other and come evenly. Whoever sets a rule that counts spasms does
not want to be woken for it; what is strong, long, uneven or a clonus is never doubted.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import log
from statistics import median

from detector.alerts.facts import ENDED, Fact
from detector.events import Kind

INTERVAL_S = (10.0, 90.0)
"""From onset to onset (WASM 2016), as recognition has them."""

LONGEST_S = 10.0  # of a leg movement (WASM 2016)

MILD_G = 0.6
"""Peak of a mild movement. On simulated series the first three stay below 0.55 g, and of 70
simulated clusters of spasms each has one above 0.85 g or breaks another rule
(`python -m tests.alerts.series_wakes`)."""

TURN_DEG = (0.6, 18.0)
"""Median and largest angle, as recognition has them: a limb moves, but does not turn over."""

SPREADS = {"peak": 0.6, "duration": 0.7, "turn": 0.5, "interval": 0.6}
"""Largest spread (sd of the logarithm, about the median) of a mild series, as recognition has them:
with two intervals, the longer is at most 3.3 times the other."""

KNOWN_BY = 6
"""Recognition knows a series by four movements where they are mild, and by six at the latest."""

_PERIODIC = frozenset({Kind.SPASM, Kind.TONIC})  # what a movement of a series is taken for at first
_LEAST = 1e-6


def may_be_periodic(movements: Sequence[Fact]) -> bool:
    """Whether movements, in order of onset, may be the beginning of a periodic series.

    One that still goes on must be mild so far, and is compared once it is over: recognition then
    says whether it belongs to a series. One movement is no beginning: it shows no interval.
    """
    over = [each for each in movements if each.phase == ENDED]
    if not 1 < len(over) < KNOWN_BY or not all(map(_is_mild, movements)):
        return False
    intervals_s = [later.onset_s - earlier.onset_s for earlier, later in pairwise(over)]
    if not all(INTERVAL_S[0] <= each <= INTERVAL_S[1] for each in intervals_s):
        return False
    turns_deg = [each.turn_deg or 0.0 for each in over]
    if median(turns_deg) < TURN_DEG[0]:
        return False
    compared = {
        "peak": [each.peak_g or 0.0 for each in over],
        "duration": [each.duration_s for each in over],
        "turn": [max(each, TURN_DEG[0] / 2) for each in turns_deg],  # below, the angle is noise
        "interval": intervals_s,
    }
    return all(_spread(values) <= SPREADS[name] for name, values in compared.items())


def _is_mild(fact: Fact) -> bool:
    known = fact.peak_g is not None and fact.turn_deg is not None
    return (
        known
        and fact.kind in _PERIODIC
        and fact.duration_s <= LONGEST_S
        and (fact.peak_g or 0.0) <= MILD_G
        and (fact.turn_deg or 0.0) <= TURN_DEG[1]
    )


def _spread(values: Sequence[float]) -> float:
    """Return the deviation of the logarithm from its median, the worst of more than three left out.

    As recognition does.
    """
    logs = [log(max(each, _LEAST)) for each in values]
    middle = median(logs)
    squares = sorted((each - middle) ** 2 for each in logs)[: max(len(logs) - 1, 3)]
    return float((sum(squares) / len(squares)) ** 0.5)
