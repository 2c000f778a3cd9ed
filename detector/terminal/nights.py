"""Nights as people name them: the date of their evening, or the last one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from detector.errors import RecordingNotFoundError
from detector.events import Origin
from detector.terminal.invocation import UsageError, program_name
from detector.words.phrases import counted

if TYPE_CHECKING:
    from detector.config import Settings
    from detector.service.persistence.kept_nights import KeptNight, KeptNights

LAST = "last"
NIGHT_HELP = "Date of the evening, as 2026-11-20, or last."

SimulatedOption = Annotated[
    bool,
    typer.Option("--simulated", help="Nights of simulated sensors, which are kept apart."),
]

_DAYS = re.compile(r"(\d{1,5}) ?d(?:ays?)?")


def kept_nights(settings: Settings, *, simulated: bool) -> KeptNights:
    """Return the nights in the data folder."""
    from detector.service.persistence.kept_nights import KeptNights
    from detector.service.persistence.places import DataFolder

    origin = Origin.SIMULATED if simulated else Origin.LIVE
    return KeptNights(DataFolder.of(settings.data_dir, origin), settings.wearer.zone)


def evenings_named(texts: Sequence[str], nights: KeptNights) -> list[date]:
    """Return the evenings that words name, each once, in their order; of no word the last one.

    Raises
    ------
    UsageError
        A word is no date.
    RecordingNotFoundError
        No night is kept at all, and the last is asked for.
    """
    return list(dict.fromkeys(_evening(text, nights) for text in texts or [LAST]))


def first_evening(text: str, now: datetime, option: str = "--since") -> date:
    """Return the evening from which on nights are meant: a date, or so many days back (7d).

    Raises
    ------
    UsageError
        It is neither.
    """
    days = _DAYS.fullmatch(text.strip().lower())
    if days:
        return now.date() - timedelta(days=int(days[1]))
    return _date(text, option, "or days back, as 7d")


def damage_words(night: KeptNight) -> str:
    """Return that rows of the state could not be read, and what mends it."""
    return (
        f"{night.evening}: {counted(night.damaged, 'row')} of the state cannot be read: left out "
        "here, and set aside by the next `spasmwatch run`."
    )


def _evening(text: str, nights: KeptNights) -> date:
    if text.strip().lower() != LAST:
        return _date(text, "NIGHT", f"or {LAST}")
    known = nights.evenings()
    if not known:
        raise RecordingNotFoundError(
            f"No night is kept in {nights.folder} yet. To watch one: {program_name()} run"
        )
    return known[-1]


def _date(text: str, where: str, otherwise: str) -> date:
    """Return a date of a calendar that can be counted with."""
    try:
        found = date.fromisoformat(text.strip())
    except ValueError:
        found = date.min
    if not 1970 <= found.year < 9999:
        raise UsageError(
            f"{text[:40]!r} names no night: give the date of its evening, as 2026-11-20, "
            f"{otherwise}",
            param_hint=where,
        )
    return found
