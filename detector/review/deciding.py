"""Say yes to an offer, or go back: the only two ways in which minimums change."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from detector.errors import ConfigError
from detector.recognition.personal.minimums import Personal
from detector.review.minimums_file import MinimumsChange, MinimumsHistory, change_minimums
from detector.review.offer import TuneOffer, scoped
from detector.words.tuning import proposal_sentence

CHANGED = "Own minimums were changed meanwhile: nothing was done. Ask for a proposal again."


def said_yes(folder: Path, offer: TuneOffer, *, by: str, at: datetime) -> Personal:
    """Apply what was proposed; return what holds then.

    Raises
    ------
    ConfigError, StorageError
        The minimums are no longer those that it was proposed for; the file cannot be used.
    """
    why = tuple(proposal_sentence(each) for each in offer.proposals)

    def change(known: MinimumsHistory) -> MinimumsHistory:
        now, own = offer.now, known.personal
        if scoped(own, now.wearer, now.sensor, now.model or "") != now:
            raise ConfigError(CHANGED)
        return known.then(MinimumsChange(at, by, why, offer.then))

    return change_minimums(folder, change).personal


def undone(folder: Path, *, by: str, at: datetime) -> Personal:
    """Go back to the minimums before the last change; return what holds then.

    Raises
    ------
    ValueError
        Nothing was changed yet.
    ConfigError, StorageError
        The file cannot be used or written.
    """

    def change(known: MinimumsHistory) -> MinimumsHistory:
        before = known.personal.reverted()
        day = f"{known.changes[-1].at:%Y-%m-%d}"
        why = f"What {known.changes[-1].by} changed on {day} is undone."
        return known.then(MinimumsChange(at, by, (why,), before))

    return change_minimums(folder, change).personal
