"""Learning nights: the first nights only log what they find. Pure.

People see how many alerts there would be before one wakes anybody. Neither technical alarms nor
calls for help wait for them.
"""

from __future__ import annotations

from typing import Any

COUNTS_S = 3600.0
"""A night that was watched for less is no night to learn from: a try in the afternoon."""


class LearningNights:
    """Which of the first nights tonight is.

    Parameters
    ----------
    most : how many nights are for learning; 0 for none
    tonight : date of the present night
    saved : what `save` returned before

    Attributes
    ----------
    most : as it was given
    number : of tonight among the learning nights, from 1; None where these are over
    """

    def __init__(self, most: int, tonight: str, saved: Any = None) -> None:
        self.most, self._tonight = most, tonight
        known = saved if isinstance(saved, list) else []
        self._dates = tuple(date for date in known if isinstance(date, str))[:most]
        before = len(set(self._dates) - {tonight})
        self.number = before + 1 if before < most else None

    def save(self, monitored_s: float) -> list[str]:
        """Return the dates that count, tonight's among them once it was watched for `COUNTS_S`."""
        counts = monitored_s >= COUNTS_S and self._tonight not in self._dates
        if counts and len(self._dates) < self.most:
            self._dates = (*self._dates, self._tonight)
        return list(self._dates)
