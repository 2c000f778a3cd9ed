"""What goes wrong with a virtual link, and when, in the sensor's own time."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class LinkDrop:
    """The sensor is out of reach from `at_s` for `for_s` seconds.

    Both count the sensor's own time since the stream first started. What it would have sent
    while away is lost; the other side sees a supervision timeout (0x08) at once, without the
    seconds of silence that a real radio needs to notice.
    """

    at_s: float
    for_s: float

    def __post_init__(self) -> None:
        if not (0 < self.at_s < math.inf and 0 < self.for_s < math.inf):
            raise ValueError(f"a drop needs two positive numbers of seconds, got {self}")

    @property
    def end_s(self) -> float:
        """When the sensor is within reach again."""
        return self.at_s + self.for_s


def parse_drop(text: str) -> LinkDrop:
    """Read `AT:FOR` in seconds, such as `30:10`."""
    at, _, duration = text.partition(":")
    try:
        return LinkDrop(float(at), float(duration))
    except ValueError as error:
        raise ValueError(
            f"a drop is written AT:FOR in seconds, like 30:10, not {text!r}"
        ) from error


def in_order(drops: Iterable[LinkDrop]) -> tuple[LinkDrop, ...]:
    """Give the drops by time.

    Raises
    ------
    ValueError
        Two of them overlap.
    """
    ordered = tuple(sorted(drops, key=lambda drop: drop.at_s))
    for one, other in pairwise(ordered):
        if other.at_s < one.end_s:
            raise ValueError(f"{one} and {other} overlap: leave time between them")
    return ordered
