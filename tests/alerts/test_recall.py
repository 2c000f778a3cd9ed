"""A night that began without what earlier ones knew gets it later, and loses nothing of its own."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from detector.alerts.commands import Acknowledge, CallForHelp
from detector.alerts.learning import COUNTS_S, LearningNights
from detector.alerts.reception import Reception
from detector.alerts.response import AlertResponse
from detector.alerts.self_test import CONFIRMED_FOR, OVERDUE_SETTLED_S, SelfTest, StepKind

NOW = datetime(2026, 11, 21, 21, 0, tzinfo=UTC)
DAY, HOUR_NS = timedelta(days=1), 3_600_000_000_000


def self_test_at(utc: datetime, known: dict[str, datetime]) -> SelfTest:
    return SelfTest(
        time(21, 30), UTC, wearer="k3vq7m2xta", here=False, known=known, utc=utc, mono_s=0.0
    )


def test_a_night_that_knows_no_other_wakes_and_counts_as_none_to_learn_from() -> None:
    blind = LearningNights(3, "2026-11-21", None, known=False)
    assert blind.number is None
    assert blind.save(COUNTS_S) == []
    blind.recall(["2026-11-19", "2026-11-20"])
    assert blind.number is None
    assert blind.save(COUNTS_S) == ["2026-11-19", "2026-11-20"]
    assert LearningNights(3, "2026-11-22", blind.save(COUNTS_S)).number == 3


def test_a_call_for_help_that_nobody_answered_is_open_again_and_its_own_stay_as_they_are() -> None:
    before, now = AlertResponse(), AlertResponse()
    (old,) = before.obey(CallForHelp(by="bert"), HOUR_NS, NOW)
    (new,) = now.obey(CallForHelp(by="bert"), HOUR_NS, NOW + timedelta(seconds=1))
    now.obey(Acknowledge(by="anna", alert=new.id), HOUR_NS, NOW)
    later_ns = HOUR_NS + 200_000_000_000
    now.recall(before.save(), later_ns, same_boot=True)

    assert {alert.id: alert.by for alert in now.calls} == {old.id: "bert", new.id: "anna"}
    told = now.tick([], later_ns, NOW)
    assert [(each.id, each.state) for each in told if each.id == old.id] == [(old.id, "escalated")]
    now.recall("nonsense", later_ns, same_boot=True)
    assert len(now.calls) == 2


def test_what_was_tested_and_heard_before_counts_again() -> None:
    earlier = self_test_at(NOW - 30 * DAY, {"anna": NOW - DAY, "ben": NOW - DAY})
    earlier.ask("anna", mono_s=0.0, utc=NOW - DAY)
    (begun,) = earlier.advance(0.0, NOW - DAY)
    assert earlier.heard("anna", begun.id, mono_s=1.0)
    earlier.advance(1.0, NOW - DAY)

    later = self_test_at(NOW, {})
    later.seen("cleo", 1, mono_s=0.0, utc=NOW)
    assert later.unconfirmed(NOW + CONFIRMED_FOR / 2) == ()
    assert not later.overdue(OVERDUE_SETTLED_S, NOW)
    later.recall(earlier.save(), {"anna": NOW - DAY, "ben": NOW - DAY})
    assert later.unconfirmed(NOW) == ("ben",), "who heard it yesterday has, ben has not for a month"
    assert later.overdue(OVERDUE_SETTLED_S, NOW), "none passed for a month"
    assert [step.kind for step in later.advance(2.0, NOW)] == [StepKind.ENDED], "of the earlier one"


def test_numbers_of_another_log_stand_for_the_same_entries() -> None:
    tests, reception = self_test_at(NOW, {}), Reception()
    tests.seen("anna", 0, mono_s=0.0, utc=NOW)
    tests.ask("anna", mono_s=0.0, utc=NOW)
    (begun,) = tests.advance(0.0, NOW)
    tests.logged(begun.id, 2)
    for n in (1, 2, 3):
        reception.wait_for(n, 0.0)
    for moves in (tests, reception):
        moves.renumber({2: 12, 3: 13})

    assert reception.waiting == (12, 13)
    tests.seen("anna", 11, mono_s=1.0, utc=NOW)
    assert tests.advance(1.0, NOW) == []
    tests.seen("anna", 12, mono_s=2.0, utc=NOW)
    assert [step.reached for step in tests.advance(2.0, NOW)] == [("anna",)]
