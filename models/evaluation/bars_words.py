"""The bars of first words, and of announcements that were taken back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bar import WHERE, Bar, Results
from cells import share, share_of

SOONEST_S = {"sudden": 0.7, "ramped": 3.0}
"""Longest wait of nine in ten, by how a spasm starts."""

BACK = 0.25
"""Most of the announcements that may be taken back."""


def _first_words(results: Results) -> Iterator[Bar]:
    for name, result in _measured(results):
        for manner, most_s in SOONEST_S.items():
            each = result["waits"].get(manner)
            if each is not None and each["p90"] is not None:
                yield Bar(
                    f"first word of a {manner} spasm ≤ {most_s:g} s (p90)",
                    WHERE[name],
                    f"{each['p90']:.2f} s, {each['n']} of {each['of']} with a word",
                    each["p90"] <= most_s,
                    "words",
                )


def _taken_back(results: Results) -> Iterator[Bar]:
    for name, result in _measured(results):
        count = result["announced"]
        if count["begun"]:
            back = share_of(count["taken_back"], count["begun"])
            yield Bar(
                "at most 1 announcement in 4 is taken back",
                WHERE[name],
                f"{share(back)}, {back['hits']} of {back['of']}",
                back["value"] <= BACK,
                "words",
            )


def _measured(results: Results) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name in WHERE:
        if name.startswith("words/") and name in results:
            yield name, results[name]


WORDS = (_first_words, _taken_back)
"""What makes these bars, in order."""
