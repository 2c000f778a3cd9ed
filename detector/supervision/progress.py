"""Whether the detector makes progress, and when its manager is to be told. Pure."""

from __future__ import annotations


class Progress:
    """Judge what a service shows of itself once a second. Time is an argument, monotonic s.

    Progress is that samples were taken in; or that the lack of them was declared, and the night is
    still looked at. A loop that turns, or a link that is up, is none.

    Parameters
    ----------
    watchdog_s : the manager ends the service when it was not told for so long; None: never
    """

    def __init__(self, samples: int, ticks: int, watchdog_s: float | None) -> None:
        self._samples, self._ticks = samples, ticks
        self._every_s = None if watchdog_s is None else watchdog_s / 2  # as sd_watchdog_enabled(3)
        self._untold = False  # progress that the manager was not told of
        self._told_s = -float("inf")

    def made(self, samples: int, ticks: int, *, lost: bool) -> bool:
        """Return whether there was progress since this was last asked.

        Parameters
        ----------
        samples : of the whole night so far
        ticks : how often the night was looked at
        lost : that no samples come is declared
        """
        progress = samples > self._samples or (lost and ticks > self._ticks)
        self._samples, self._ticks = samples, ticks
        self._untold |= progress
        return progress

    def due(self, mono_s: float) -> bool:
        """Return whether to tell the manager now; asked again at once, it is not due again."""
        due = self._every_s is not None and self._untold and mono_s - self._told_s >= self._every_s
        if due:
            self._told_s, self._untold = mono_s, False
        return due
