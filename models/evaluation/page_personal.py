"""The page's section on what wearers learn from their own labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cells import NONE, counted, hours, share_of, table

from detector.evaluation.intervals import Rate, over_subjects

Results = Mapping[str, Mapping[str, Any]]
Figures = Mapping[str, Any]
Lines = list[str]

SIMULATORS = {
    "torque": "forward dynamics, by a model that never saw them",
    "sealed": "sealed",
    "torque-seen": "forward dynamics, by the shipped model, which saw them",
}
MOST_POINTS = 2.0
"""Of sensitivity, that halving false alarms may cost."""
ROWS = {"before": "as it is", "after": "own minimums", "others": "another wearer's"}


def personal_lines(results: Results) -> Lines:
    """Return false alarms and sensitivity of the later night, before and after learning."""
    rows, said = [], []
    for generator, title in SIMULATORS.items():
        found = results.get(f"personal/{generator}")
        if found is None:
            continue
        wearers = found["wearers"]
        for part, name in ROWS.items():
            left, points = "", ""
            if part != "before":
                left, points = (_text(each) for each in (ratio(wearers, part), lost(wearers, part)))
            rows.append(
                (f"{title}: {name}", _rate(wearers, part), left, _seen(wearers, part), points)
            )
        said += [_stated(title, wearers), ""]
    head = ("later night", "false in 24 h", "of those before", "seen", "points lost")
    return [*table(head, rows), *said]


def halved(found: Figures) -> tuple[str, bool | None]:
    """Return what was measured in words, and whether the bar is met; None without false alarms."""
    wearers = found["wearers"]
    false, points = ratio(wearers, "after"), lost(wearers, "after")
    words = (
        f"{_rate(wearers, 'before')} to {_rate(wearers, 'after')} in 24 h, {_text(false)} of them; "
        f"points lost {_text(points)} of {_seen(wearers, 'before')}"
    )
    if not any(w["before"]["false"] for w in wearers):
        return words, None
    return words, false[0] <= 0.5 and points[0] <= MOST_POINTS


Measured = tuple[float, tuple[float, float] | None]


def ratio(wearers: Sequence[Figures], part: str) -> Measured:
    """Return the share of false alarms that stays, with its bootstrap over wearers."""
    return _over([w[part]["false"] for w in wearers], [w["before"]["false"] for w in wearers], 1.0)


def lost(wearers: Sequence[Figures], part: str) -> Measured:
    """Return the points of sensitivity that are lost, with their bootstrap over wearers."""
    gone = [w["before"]["seen"] - w[part]["seen"] for w in wearers]
    return _over(gone, [w["before"]["truths"] for w in wearers], 100.0)


def _over(counts: Sequence[float], sizes: Sequence[float], scale: float) -> Measured:
    value = scale * sum(counts) / max(sum(sizes), 1)
    interval = over_subjects(counts, sizes)
    if interval is None:
        return value, None
    return value, (scale * interval[0], scale * interval[1])


def _text(measured: Measured) -> str:
    value, interval = measured
    within = "" if interval is None else f" ({interval[0]:.2f}-{interval[1]:.2f})"
    return f"{value:.2f}{within}"


def _rate(wearers: Sequence[Figures], part: str) -> str:
    rate = Rate(sum(w[part]["false"] for w in wearers), sum(w["hours"] for w in wearers))
    return NONE if rate.per_24h is None else f"{rate.per_24h:.1f}"


def _seen(wearers: Sequence[Figures], part: str) -> str:
    return counted(share_of(*(sum(w[part][of] for w in wearers) for of in ("seen", "truths"))))


def _stated(title: str, wearers: Sequence[Figures]) -> str:
    """Return a sentence: whether as many real events are held back as proposals say."""
    labels = sorted(w["labels"] for w in wearers)
    real, held = (sum(w[part] for w in wearers) for part in ("real", "held"))
    expected = sum(w["expected"] for w in wearers)
    own = sum(bool(w["minimums"]) for w in wearers)
    time = hours(sum(w["hours"] for w in wearers))
    return (
        f"{title.capitalize()}: {len(wearers)} wearers with {labels[0]} to {labels[-1]} labels "
        f"(median {labels[len(labels) // 2]}), {time} of later nights; "
        f"{own} of them were proposed a minimum. Of {real} real alarms there the proposals "
        f"expected to hold back {expected:.1f}; they held back {held}."
    )
