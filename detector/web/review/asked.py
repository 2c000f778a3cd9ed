"""What the page asks for a review, and of whom: the service answers."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import date
from typing import Any, Protocol


class Reviews(Protocol):
    """Nights to review and minimums to decide on, each answer a view for a template.

    Every one of them may raise `BusyError` or `LostError` of the history.
    """

    def night(self, evening: date, by: str) -> Awaitable[dict[str, Any]]:
        """Return what is asked of a night, and what a person said last of it."""

    def offer(self) -> Awaitable[dict[str, Any]]:
        """Return what labels propose, and what holds now."""

    def use(self, digest: str, by: str) -> Awaitable[str]:
        """Say yes to an offer; return what holds then, in words; CommandError why not."""

    def undo(self, by: str) -> Awaitable[str]:
        """Go back to what held before; return that in words; CommandError why not."""
