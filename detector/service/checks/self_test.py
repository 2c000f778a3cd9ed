"""The evening test of the alarm, as alerts through the log and as what does not work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from detector.alert import Alert, AlertClass, AlertState, Level
from detector.alerts.conditions import Condition
from detector.alerts.self_test import SelfTest, StepKind, TrialStep
from detector.block import utc_of
from detector.channels import Entry, EntryKind
from detector.config import Settings
from detector.events import Origin
from detector.service.persistence.opening import Beginning
from detector.sources.clock import Clock
from detector.store.state import State, StateError
from detector.words.delivery import (
    TEST,
    failed_test_words,
    overdue_test_words,
    reached_words,
    unconfirmed_words,
)

SELF_TEST = Condition.SELF_TEST.value
"""Kind of the alert that is a test, and name under which the tests are saved."""


class EveningTest:
    """Test the way that alarms take: through log, broker and receivers, as any alert goes.

    Parameters
    ----------
    sounds : whether this computer sounds what reaches nobody else, so that a path is expected
    here : alerts are published nowhere, and sound on this computer only
    mono_s : real time, by which receivers answer
    utc_now : the night's wall clock
    """

    def __init__(
        self,
        tests: SelfTest,
        *,
        wearer: str,
        source: Origin,
        sounds: bool,
        here: bool,
        mono_s: Callable[[], float],
        utc_now: Callable[[], datetime],
    ) -> None:
        self._tests = tests
        self._wearer = wearer
        self._source = source
        self._sounds = sounds and not here
        self._mono_s = mono_s
        self._utc_now = utc_now

    def seen(self, receiver: str, upto: int) -> None:
        """Record that a receiver has every entry up to a number."""
        self._tests.seen(receiver, upto, mono_s=self._mono_s(), utc=self._utc_now())

    def ask(self, receiver: str) -> None:
        """Record that a person wants a test now."""
        self._tests.ask(receiver, mono_s=self._mono_s(), utc=self._utc_now())

    def heard(self, receiver: str, alert: str) -> bool:
        """Record that a person heard a test; return whether there was such a one lately."""
        return self._tests.heard(receiver, alert, mono_s=self._mono_s())

    def present(self) -> tuple[str, ...]:
        """Return the receivers that are there, by name."""
        return tuple(sorted(self._tests.present(self._mono_s())))

    def committed(self, entries: Sequence[Entry]) -> None:
        """Take entries that were just committed: the test among them gets its number."""
        for entry in entries:
            if entry.kind is EntryKind.ALERT:
                self._tests.logged(entry.subject, entry.n)

    def recall(self, saved: Any, known: Mapping[str, datetime]) -> None:
        """Add what an earlier night saved; ValueError where that cannot be read."""
        self._tests.recall(saved, known)

    def renumber(self, moved: Mapping[int, int]) -> None:
        """Go on in another log: the new number of each entry by its old one."""
        self._tests.renumber(moved)

    def alerts(self, *, paused: bool) -> tuple[Alert, ...]:
        """Advance time; return the test that begins, or what became of it.

        Parameters
        ----------
        paused : alerts wake nobody at present
        """
        utc = self._utc_now()
        steps = self._tests.advance(self._mono_s(), utc, paused=paused)
        return tuple(self._alert(step, utc) for step in steps)

    def troubles(self) -> Mapping[Condition, str | None]:
        """Return each condition with why it holds, or None where it does not."""
        tests, utc = self._tests, self._utc_now()
        silent = tests.unconfirmed(utc)
        nobody = self._sounds and not silent and tests.unknown(utc)
        return {
            Condition.SELF_TEST_FAILED: failed_test_words(tests.missing) if tests.missing else None,
            Condition.SELF_TEST_OVERDUE: overdue_test_words()
            if tests.overdue(self._mono_s(), utc)
            else None,
            Condition.PATH_UNCONFIRMED: unconfirmed_words(silent) if silent or nobody else None,
        }

    def save(self) -> dict[str, Any]:
        """Return what must outlive a restart, as plain data."""
        return self._tests.save()

    def _alert(self, step: TrialStep, utc: datetime) -> Alert:
        begins = step.kind is StepKind.BEGUN
        reason, by = TEST, None
        if step.kind is StepKind.HEARD:
            by = step.reached[0]
            reason = f"{by} heard it"
        elif not begins:
            reason = reached_words(step.reached, step.missing)
        return Alert(
            id=step.id,
            state=AlertState.RAISED if begins else AlertState.RESOLVED,
            alert_class=AlertClass.TECHNICAL,
            level=Level.TEST,
            kind=SELF_TEST,
            reason=f"{SELF_TEST}: {reason}",
            raised_at=step.begun,
            at=step.begun if begins else utc,
            by=by,
            source=self._source,
            wearer=self._wearer,
        )


def open_tests(
    settings: Settings, state: State, origin: Origin, clock: Clock, begun: Beginning, *, here: bool
) -> EveningTest:
    """Return the tests of the alarm as an earlier night left them; evening tests only when live."""
    loop, now = asyncio.get_running_loop(), utc_of(clock.utc_ns())
    live = origin is Origin.LIVE
    known: dict[str, datetime] = {}
    saved = None
    with suppress(StateError):
        known = {each.name: each.at for each in state.receivers}
        saved = state.saved(SELF_TEST)
    tests = SelfTest(
        settings.alerts.self_test_at if live else None,
        settings.wearer.zone,
        wearer=state.wearer,
        here=here,
        known=known,
        utc=now,
        mono_s=loop.time(),
    )
    try:
        if saved is not None:
            tests.load(saved)
    except ValueError as error:
        begun.note(Condition.STATE, f"{error}: they begin anew")
    return EveningTest(
        tests,
        wearer=state.wearer,
        source=origin,
        sounds=settings.alerts.sound,
        here=here,
        mono_s=loop.time,
        utc_now=lambda: utc_of(clock.utc_ns()),
    )
