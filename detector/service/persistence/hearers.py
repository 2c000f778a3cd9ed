"""Those that are told of entries once they are committed: checks, and screens that come and go."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from detector.channels import Entry

Hearer = Callable[[Sequence[Entry]], None]
"""Takes entries that were committed together; must return at once."""


class Hearers:
    """Hearers in the order in which they were added."""

    def __init__(self, *first: Hearer) -> None:
        self._hearers = list(first)

    def add(self, hearer: Hearer) -> None:
        """Tell one more from now on."""
        self._hearers.append(hearer)

    def remove(self, hearer: Hearer) -> None:
        """Tell one no more."""
        self._hearers.remove(hearer)

    def tell(self, entries: Sequence[Entry]) -> None:
        """Tell all."""
        for hear in self._hearers:
            hear(entries)
