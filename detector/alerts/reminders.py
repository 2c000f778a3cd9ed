"""When an open technical alert is told again: after a minute, then every five, until it is over.

Pure; time is an argument. It is about telling, not about finding: a recording repeats nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

from detector.alert import Alert, AlertClass, AlertState, Level
from detector.repetition import AGAIN_S, FIRST_AGAIN_S

FIRST_AGAIN_NS = FIRST_AGAIN_S * 1_000_000_000
AGAIN_NS = AGAIN_S * 1_000_000_000


class Reminders:
    """The open alerts by id, and when each is due again, by the host's monotonic clock."""

    def __init__(self) -> None:
        self._due_ns: dict[str, int] = {}

    def due(
        self,
        open_alerts: Iterable[Alert],
        mono_ns: int,
        utc: datetime,
        absent: Collection[str] = (),
    ) -> list[Alert]:
        """Return what is to be told again now; asked again at once, it is not due again.

        Parameters
        ----------
        absent : kinds of open alerts whose cause is not there now: they may be over soon, and are
            told again only once it is there again
        """
        technical = [a for a in open_alerts if a.alert_class is AlertClass.TECHNICAL]
        known = self._due_ns
        self._due_ns = {a.id: known.get(a.id, mono_ns + FIRST_AGAIN_NS) for a in technical}
        ripe = [a for a in technical if mono_ns >= self._due_ns[a.id] and a.kind not in absent]
        self._due_ns |= {a.id: mono_ns + AGAIN_NS for a in ripe}
        return [again(a, utc) for a in ripe]

    def begin_again(
        self,
        open_alerts: Iterable[Alert],
        mono_ns: int,
        utc: datetime,
        absent: Collection[str] = (),
    ) -> list[Alert]:
        """Return every urgent alert that is open: a pause is over, in which it woke nobody.

        One of a kind that is `absent` is due as soon as its cause is there again.
        """
        urgent = [a for a in open_alerts if a.level is Level.HIGH]
        told = [a for a in urgent if a.kind not in absent]
        self._due_ns |= dict.fromkeys((a.id for a in urgent), mono_ns)
        self._due_ns |= {a.id: mono_ns + FIRST_AGAIN_NS for a in told}
        return [again(a, utc) for a in told]


def again(alert: Alert, utc: datetime) -> Alert:
    """Return an open alert as it is told once more."""
    return replace(alert, state=AlertState.REPEATED, at=utc)
