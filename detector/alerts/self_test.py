"""The evening test of the way that alarms take: whom it reached, and who confirmed a sound.

Pure; time is an argument, monotonic for what is waited for, UTC for what outlives a restart. A
test is due once an evening, as soon as a receiver is there; each that is must acknowledge it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Any

from detector.alert import alert_id
from detector.alerts.conditions import Condition

SCHEMA = "self-test/1"

ANSWERED_WITHIN_S = 60.0
"""A receiver that is there acknowledges within the second; so long a broker's restart may take."""

PRESENT_S = 20.0
"""A receiver acknowledges each heartbeat, every 5 s; after four without, it is away."""

SETTLED_S = 60.0
"""A test waits so long after the start: receivers connect again in turn."""

CATCH_UP = timedelta(hours=4)
"""A test whose time has passed is made up for until then: later, people sleep."""

OVERDUE_AFTER = timedelta(hours=26)
"""A test that came late one evening and early the next is not overdue."""

OVERDUE_SETTLED_S = 1800.0
"""A night that just began after days without any first gets the chance to be tested."""

CONFIRMED_FOR = timedelta(days=7)
"""A person must have heard a test within a week: what acknowledges is a program, which cannot
hear that its loudspeaker is off."""

CONFIRMABLE_S = 3600.0
"""So long after a test a person may say that they heard it."""

AHEAD = timedelta(hours=26)
"""What is dated further ahead of now was written by a wrong clock: it counts as now."""

PATHS_MOST = 64
"""Receivers remembered; as many as the state remembers."""


class StepKind(StrEnum):
    """What a step of a test is."""

    BEGUN = "begun"
    ENDED = "ended"
    HEARD = "heard"


@dataclass(frozen=True, slots=True)
class TrialStep:
    """A step in the life of a test.

    id : of the alert that stands for it
    reached : receivers that acknowledged it; of `HEARD`, the one whose user heard it
    missing : receivers that were there, and did not acknowledge it
    """

    kind: StepKind
    id: str
    begun: datetime
    reached: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(slots=True)
class _Path:
    """The way to one receiver."""

    since: datetime  # it is known
    seen: datetime  # it last acknowledged anything
    seen_s: float | None = None  # the same, monotonic; None in an earlier process
    upto: int = 0
    heard: datetime | None = None  # a person confirmed a test


@dataclass(slots=True)
class _Test:
    id: str
    begun: datetime
    begun_s: float
    expected: frozenset[str]
    over: bool = False


class SelfTest:
    """The tests of one wearer's alarm paths.

    Parameters
    ----------
    at : time of day; None where nobody wants a test
    zone : of that time; None is the computer's
    here : alerts are published nowhere, and sound on this computer only
    known : when each receiver was last there, as the state remembers
    """

    def __init__(
        self,
        at: time | None,
        zone: tzinfo | None,
        *,
        wearer: str,
        here: bool,
        known: Mapping[str, datetime],
        utc: datetime,
        mono_s: float,
    ) -> None:
        self._at = at
        self._zone = zone
        self._wearer = wearer
        self._here = here
        self._began_s = mono_s
        self._begun = utc  # the first night ever
        self._tested: datetime | None = None  # begun, whatever came of it
        self._passed: datetime | None = None
        self._missing: set[str] = set()  # of the latest test
        self._n: int | None = None  # its number in the log, once it is committed
        self._paths = {name: _Path(since=utc, seen=seen) for name, seen in known.items()}
        self._test: _Test | None = None  # the latest of this process
        self._interrupted: tuple[str, datetime] | None = None  # by the end of an earlier one
        self._asked = False
        self._heard: list[str] = []

    def seen(self, name: str, upto: int, *, mono_s: float, utc: datetime) -> None:
        """Record that a receiver has every entry up to a number."""
        path = self._path(name, utc)
        path.seen, path.seen_s, path.upto = utc, mono_s, upto
        over = self._test is None or self._test.over
        if over and name in self._missing and self._has(name):  # late, but it came
            self._missing.discard(name)
            self._passed = self._passed if self._missing else self._tested

    def heard(self, name: str, id_: str, *, mono_s: float) -> bool:
        """Record that a person heard a test at a receiver; return whether there was such a test."""
        test = self._test
        if test is None or test.id != id_ or mono_s - test.begun_s > CONFIRMABLE_S:
            return False
        if name not in self._paths:
            return False
        self._heard.append(name)
        return True

    def ask(self, name: str, *, mono_s: float, utc: datetime) -> None:
        """Record that a person wants a test now, at a receiver that is there."""
        self._path(name, utc).seen_s = mono_s
        self._asked = True

    def logged(self, id_: str, n: int) -> None:
        """Take the number of a test in the log."""
        if self._test is not None and self._test.id == id_ and self._n is None:
            self._n = n

    def advance(self, mono_s: float, utc: datetime, *, paused: bool = False) -> list[TrialStep]:
        """Advance time; return what happens.

        Parameters
        ----------
        paused : alerts wake nobody at present: the evening's test waits, one that is asked for not
        """
        self._mend_dates(utc)
        steps: list[TrialStep] = []
        if self._interrupted is not None:
            id_, begun = self._interrupted
            self._interrupted = None
            steps.append(TrialStep(StepKind.ENDED, id_, begun))
        if self._test is not None and not self._test.over:
            steps += self._ended(self._test, mono_s)
        elif self._asked or (not paused and self._is_due(mono_s, utc)):
            steps.append(self._begin(mono_s, utc))
        for name in self._heard:
            self._path(name, utc).heard = utc
            if self._test is not None:
                steps.append(TrialStep(StepKind.HEARD, self._test.id, self._test.begun, (name,)))
        self._heard.clear()
        return steps

    @property
    def missing(self) -> tuple[str, ...]:
        """Receivers that were there and have not acknowledged the latest test since."""
        return tuple(sorted(self._missing))

    def overdue(self, mono_s: float, utc: datetime) -> bool:
        """Whether no test has passed for too long while there was whom to test."""
        if self._at is None or mono_s - self._began_s < OVERDUE_SETTLED_S:
            return False
        known = self._here or any(utc - each.seen < OVERDUE_AFTER for each in self._paths.values())
        return known and utc - (self._passed or self._begun) > OVERDUE_AFTER

    def unconfirmed(self, utc: datetime) -> tuple[str, ...]:
        """Return the receivers at which nobody heard a test for a week, since they are known."""
        if self._at is None:
            return ()
        return tuple(
            sorted(
                name
                for name, path in self._paths.items()
                if utc - path.seen < CONFIRMED_FOR
                and utc - (path.heard or path.since) > CONFIRMED_FOR
            )
        )

    def unknown(self, utc: datetime) -> bool:
        """Whether for a week there was no receiver at which a person could have heard a test."""
        recent = any(utc - each.seen < CONFIRMED_FOR for each in self._paths.values())
        return self._at is not None and not recent and utc - self._begun > CONFIRMED_FOR

    def save(self) -> dict[str, Any]:
        """Return what must outlive a restart, as plain data."""
        test = self._test
        return {
            "schema": SCHEMA,
            "begun": _text(self._begun),
            "tested": _text(self._tested),
            "passed": _text(self._passed),
            "missing": sorted(self._missing),
            "n": self._n,
            "open": None if test is None or test.over else [test.id, _text(test.begun)],
            "paths": {
                name: {"since": _text(path.since), "heard": _text(path.heard)}
                for name, path in self._paths.items()
            },
        }

    def load(self, saved: Any) -> None:
        """Go on from what `save` returned.

        Raises
        ------
        ValueError
            It is not that. Nothing was changed.
        """
        try:
            if saved["schema"] != SCHEMA:
                raise ValueError(f"the saved tests are {str(saved['schema'])[:40]!a}")
            begun = _dated(saved["begun"])
            tested, passed = _moment(saved["tested"]), _moment(saved["passed"])
            missing = {str(name) for name in saved["missing"]}
            paths = {
                name: (_dated(each["since"]), _moment(each["heard"]))
                for name, each in saved["paths"].items()
            }
            left, n = saved["open"], saved["n"]
            interrupted = None if left is None else (str(left[0]), _dated(left[1]))
            number = None if n is None else int(n)
        except (TypeError, AttributeError, LookupError, OverflowError) as error:
            raise ValueError(f"the saved tests cannot be read: {error!r}") from error
        self._begun, self._tested, self._passed = begun, tested, passed
        self._interrupted, self._n = interrupted, number
        for name, (since, heard) in paths.items():
            if (path := self._paths.get(name)) is not None:  # else forgotten by the state as well
                path.since, path.heard = since, heard
        self._missing = missing & set(self._paths)

    def recall(self, saved: Any, known: Mapping[str, datetime]) -> None:
        """Add what an earlier night saved, which this one began without.

        Parameters
        ----------
        known : when each receiver was last there, as the state remembers

        Raises
        ------
        ValueError
            It is not what `save` returned. Nothing was changed.
        """
        before = SelfTest(
            None,
            None,
            wearer=self._wearer,
            here=self._here,
            known=known,
            utc=self._begun,
            mono_s=self._began_s,
        )
        before.load(saved)
        self._begun = min(self._begun, before._begun)
        self._tested = _later(self._tested, before._tested)
        self._passed = _later(self._passed, before._passed)
        self._interrupted = self._interrupted or before._interrupted
        for name, path in before._paths.items():
            mine = self._path(name, path.since)
            mine.since, mine.heard = min(mine.since, path.since), _later(mine.heard, path.heard)
            mine.seen = max(mine.seen, path.seen)

    def renumber(self, moved: Mapping[int, int]) -> None:
        """Go on in another log: the new number of each entry by its old one."""
        self._n = None if self._n is None else moved.get(self._n, self._n)
        for path in self._paths.values():
            path.upto = moved.get(path.upto, 0)

    def _is_due(self, mono_s: float, utc: datetime) -> bool:
        if self._at is None or mono_s - self._began_s < SETTLED_S:
            return False
        if not self._here and not self.present(mono_s):
            return False  # it waits for somebody whom it can reach
        local = utc.astimezone(self._zone)
        latest = _at(local, self._at)
        if latest > utc:
            latest = _at(local - timedelta(days=1), self._at)
        done = self._begun if self._tested is None else self._tested
        return done < latest and utc - latest < CATCH_UP

    def present(self, mono_s: float) -> frozenset[str]:
        """Return the receivers that are there."""
        return frozenset(
            name
            for name, path in self._paths.items()
            if path.seen_s is not None and mono_s - path.seen_s <= PRESENT_S
        )

    def _begin(self, mono_s: float, utc: datetime) -> TrialStep:
        self._asked, self._tested = False, utc
        id_ = alert_id(self._wearer, Condition.SELF_TEST, _text(utc))
        self._n = None
        self._test = _Test(id_, utc, mono_s, self.present(mono_s))
        return TrialStep(StepKind.BEGUN, id_, utc)

    def _ended(self, test: _Test, mono_s: float) -> list[TrialStep]:
        """Return the end of a test, once all have acknowledged it or the time for that is over."""
        reached = {name for name in test.expected if self._has(name)}
        missing = test.expected - reached
        waits = missing or (self._n is None and not self._here)
        if waits and mono_s - test.begun_s < ANSWERED_WITHIN_S:
            return []
        test.over, self._missing = True, set(missing)
        if not missing and (reached or self._here):
            self._passed = test.begun
        names = tuple(sorted(reached)), tuple(sorted(missing))
        return [TrialStep(StepKind.ENDED, test.id, test.begun, *names)]

    def _has(self, name: str) -> bool:
        """Whether a receiver has acknowledged the latest test."""
        path = self._paths.get(name)
        return path is not None and self._n is not None and path.upto >= self._n

    def _path(self, name: str, utc: datetime) -> _Path:
        if name not in self._paths:
            if len(self._paths) >= PATHS_MOST:
                del self._paths[min(self._paths, key=lambda each: self._paths[each].seen)]
            self._paths[name] = _Path(since=utc, seen=utc)
        return self._paths[name]

    def _mend_dates(self, utc: datetime) -> None:
        """Take what is dated ahead of now as dated now: the wall clock was wrong then."""
        latest = utc + AHEAD
        self._begun = utc if self._begun > latest else self._begun
        self._tested = None if self._tested is not None and self._tested > latest else self._tested
        self._passed = utc if self._passed is not None and self._passed > latest else self._passed
        for path in self._paths.values():
            path.since = utc if path.since > latest else path.since
            path.seen = utc if path.seen > latest else path.seen
            path.heard = utc if path.heard is not None and path.heard > latest else path.heard


def _at(day: datetime, at: time) -> datetime:
    """Return in UTC a time of this day; the first of two, where the clock is set back over it."""
    return day.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0, fold=0).astimezone(
        UTC
    )


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(one, other) if one is not None and other is not None else one or other


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="milliseconds")


def _moment(text: str | None) -> datetime | None:
    return None if text is None else _dated(text)


def _dated(text: str) -> datetime:
    """Return a moment that can be compared with others; ValueError where it has no zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"the saved tests hold {text[:40]!a}, without a time zone")
    return moment
