"""What the page asks of the past, and of whom: the service answers."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import date
from typing import Any, Protocol


class BusyError(Exception):
    """Too many people look at earlier nights at once."""


class LostError(Exception):
    """The disk cannot be read now; one sentence."""


class Past(Protocol):
    """Earlier nights, each answer a view for a template.

    Every one of them may raise `BusyError` or `LostError`.
    """

    def nights(self, until: date | None) -> Awaitable[dict[str, Any]]:
        """Return a week of nights, up to that of an evening; None: the latest."""

    def night(self, evening: date) -> Awaitable[dict[str, Any] | None]:
        """Return one night; None where nothing is known of it."""

    def event(self, name: str) -> Awaitable[dict[str, Any] | None]:
        """Return why an event was found, by its id; None where there is none."""

    def report(self, evening: date) -> Awaitable[str | None]:
        """Return a night's report as a page of its own; None where nothing is known of it."""
