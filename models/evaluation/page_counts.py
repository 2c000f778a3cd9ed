"""The page's section on a night's counts and their intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from cells import counted, share, share_of, table

Results = Mapping[str, Mapping[str, Any]]
Lines = list[str]

SIMULATORS = {"own": "own", "torque": "forward dynamics", "sealed": "sealed"}
GROUPS = {
    "likely": "likely spasms",
    "clonus": "clonus",
    "spasm_or_tonic": "spasms and tonic",
    "twitch": "twitches",
}


def counts_lines(results: Results) -> Lines:
    """Return how near a night's count comes, and how often its interval holds the true one."""
    rows = []
    for generator, title in SIMULATORS.items():
        result = results.get(f"counts/{generator}")
        if result is None:
            continue
        for group, each in result["counted"].items():
            nights = each["nights"]
            true, found, wide, pooled_wide = (
                float(np.median([value(night) for night in nights]))
                for value in (_true, _found, _width, _pooled_width)
            )
            rows.append(
                (
                    f"{title}: {GROUPS[group]}",
                    " and ".join(SIMULATORS[name] for name in result["rates"]),
                    str(len(nights)),
                    f"{true:g}",
                    f"{found:g}",
                    counted(share_of(each["near"], len(nights))),
                    share(share_of(each["covered"], len(nights))),
                    f"{wide:g}",
                    counted(share_of(each["covered_pooled"], len(nights))),
                    f"{pooled_wide:g}",
                )
            )
    return table(
        (
            "simulated nights",
            "rates from",
            "nights",
            "true, median",
            "found, median",
            "found within 25 %, or by one",
            "interval holds the true count",
            "its width, median",
            "without contexts: holds it",
            "width",
        ),
        rows,
    )


def _true(night: Mapping[str, Any]) -> int:
    return int(night["true"])


def _found(night: Mapping[str, Any]) -> int:
    return int(night["found"])


def _width(night: Mapping[str, Any]) -> int:
    return int(night["high"]) - int(night["low"])


def _pooled_width(night: Mapping[str, Any]) -> int:
    return _width(night["pooled"])
