"""What of a night was watched, and what was not: before any count. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise

from detector.store.known_night import (
    WATCHED,
    KnownNight,
    SpanState,
    WatchState,
    watch_states,
    watched_s,
)

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Unwatched:
    """A time in which nobody was watched, between two in which somebody was.

    `heard` : whether the log says that there was no signal; else nothing is known of it
    """

    begin: datetime
    end: datetime
    heard: bool

    @property
    def seconds(self) -> float:
        """How long it was, s."""
        return (self.end - self.begin).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class NightCoverage:
    """What of a night was watched; all moments are UTC.

    states : what each time was, in order, from the first that was watched to the last
    is_known : whether that is known: the log goes back 30 days at most
    is_over : whether nobody is watched any more
    """

    states: tuple[WatchState, ...]
    is_known: bool = True
    is_over: bool = True

    @property
    def begin(self) -> datetime | None:
        """When watching began; None where nobody was watched."""
        return self.states[0][1] if self.states else None

    @property
    def end(self) -> datetime | None:
        """When it ended, or until when it is known to have gone on."""
        ends = [end for state, _, end in self.states if state in WATCHED]
        return max(ends, default=None)

    @property
    def watched_s(self) -> float:
        """How long somebody was watched, s."""
        return watched_s(self.states)

    @property
    def gaps(self) -> tuple[Unwatched, ...]:
        """Return what was not watched between begin and end."""
        end = self.end
        return tuple(
            Unwatched(begin, stop, state is SpanState.NO_SIGNAL)
            for state, begin, stop in self.states
            if state not in WATCHED and end is not None and begin < end
        )

    @property
    def paused_s(self) -> float:
        """How long alerts were paused, s: that time was watched."""
        paused = [end - begin for state, begin, end in self.states if state is SpanState.PAUSED]
        return sum(paused, timedelta(0)).total_seconds()

    def between(self, begin: datetime, end: datetime) -> float:
        """Return how long somebody was watched between two moments, s."""
        shares = [
            min(stop, end) - max(start, begin)
            for state, start, stop in self.states
            if state in WATCHED
        ]
        none = timedelta(0)
        return sum((share for share in shares if share > none), none).total_seconds()

    def seconds_from(self, origin: datetime) -> list[tuple[float, float]]:
        """Return the stretches that were watched, in seconds from a moment."""
        spans = [
            ((begin - origin).total_seconds(), (end - origin).total_seconds())
            for state, begin, end in self.states
            if state in WATCHED
        ]
        joined: list[tuple[float, float]] = []
        for begin_s, end_s in spans:
            if joined and joined[-1][1] == begin_s:
                joined[-1] = (joined[-1][0], end_s)
            else:
                joined.append((begin_s, end_s))
        return joined


def coverage_of(known: KnownNight, *, is_over: bool = True) -> NightCoverage:
    """Return what the log says of a night's coverage.

    Parameters
    ----------
    is_over : whether nobody is watched any more
    """
    states = tuple(
        (state, begin.astimezone(UTC), end.astimezone(UTC))
        for state, begin, end in watch_states(known)
    )
    going_on = not is_over and known.after is None
    return NightCoverage(states=states, is_known=bool(states), is_over=not going_on)


def clock_hours(begin: datetime, end: datetime, zone: tzinfo | None) -> list[datetime]:
    """Return the full hours of the wearer's clock from the one before `begin` to `end`, as UTC.

    An hour that clocks repeat is there twice, one that they skip is not.
    """
    local = begin.astimezone(zone)
    past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    hours = [begin.astimezone(UTC) - past]
    while hours[-1] + HOUR < end:
        hours.append(hours[-1] + HOUR)
    return hours


def hour_names(hours: Sequence[datetime], zone: tzinfo | None) -> list[str]:
    """Return what the clock showed at each hour; with the offset where it showed that twice."""
    local = [hour.astimezone(zone) for hour in hours]
    plain = [f"{each:%H:%M}" for each in local]
    twice = {a for a, b in pairwise(plain) if a == b}
    return [
        f"{name} (UTC{each:%z})" if name in twice else name
        for name, each in zip(plain, local, strict=True)
    ]
