"""Bars that figures must meet: their names, and a sentence for each that is missed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from detector.evaluation.scoring import Score
from detector.events import Kind

MORE_IS_BETTER = ("sensitivity", "seen", "precision")
LESS_IS_BETTER = (
    "false_per_24h",
    "twitches_per_24h",
    "latency_p90_s",
    "onset_error_p90_s",
    "offset_error_p90_s",
    "rhythm_error_p90_hz",
    "ece",
)
NOT_SHARES = ("_per_24h", "_s", "_hz")  # ends of the names of measures that may exceed 1


def measures(score: Score) -> dict[str, float | None]:
    """Return every figure that a bar can be set for, by name; None where it cannot be computed."""
    named: dict[str, float | None] = {
        "sensitivity": score.named.value,
        "seen": score.seen.value,
        "precision": score.precision.value,
        "false_per_24h": score.false.per_24h,
        "twitches_per_24h": score.false_twitches.per_24h,
        "ece": score.calibration.ece if score.calibration else None,
    }
    for kind in Kind:
        own = next((each for each in score.kinds if each.kind is kind), None)
        rate = score.false_by_kind.get(kind)
        named |= {
            f"sensitivity.{kind}": own.named.value if own else None,
            f"seen.{kind}": own.seen.value if own else None,
            f"false_per_24h.{kind}": rate.per_24h if rate else None,
            f"latency_p90_s.{kind}": own.latency_s.p90 if own else None,
            f"onset_error_p90_s.{kind}": own.onset_error_s.p90 if own else None,
            f"offset_error_p90_s.{kind}": own.offset_error_s.p90 if own else None,
            f"rhythm_error_p90_hz.{kind}": own.rhythm_error_hz.p90 if own else None,
        }
    return named


def bar_names(stems: Sequence[str]) -> list[str]:
    """Return the names of all measures that begin with one of these."""
    whole = ("sensitivity", "seen", "precision", "false_per_24h", "twitches_per_24h", "ece")
    apart = set(whole) - {"sensitivity", "seen", "false_per_24h"}
    names = [stem for stem in stems if stem in whole]
    return names + [f"{stem}.{kind}" for stem in stems if stem not in apart for kind in Kind]


def is_share(name: str) -> bool:
    """Return whether a measure lies between 0 and 1."""
    return not name.partition(".")[0].endswith(NOT_SHARES)


def missed_bars(
    score: Score, *, under: Mapping[str, float], over: Mapping[str, float]
) -> list[str]:
    """Return a sentence for each missed bar; a figure that cannot be computed misses its bar."""
    found = measures(score)
    said = []
    for name, bar in [*under.items(), *over.items()]:
        value, low = found[name], name in under
        if value is None:
            said.append(f"{name} cannot be computed from these recordings; the bar is {bar:g}")
        elif (value < bar) if low else (value > bar):
            said.append(f"{name} is {value:.4g}, {'below' if low else 'above'} the bar of {bar:g}")
    return said
