"""The way that alarms take is tested each evening, and a person must have heard it each week."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.alerts.self_test import (
    ANSWERED_WITHIN_S,
    CATCH_UP,
    CONFIRMED_FOR,
    OVERDUE_AFTER,
    SETTLED_S,
    SelfTest,
    StepKind,
    TrialStep,
)

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
EVENING = time(21, 30)
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass
class House:
    """Receivers that are there or not, a log, and two clocks that advance together."""

    utc: datetime = NOON
    at: time | None = EVENING
    zone: tzinfo | None = UTC
    here: bool = False
    paused: bool = False
    mono_s: float = 1000.0
    present: set[str] = field(default_factory=set)
    deaf: set[str] = field(default_factory=set)  # there, but what is logged does not come
    steps: list[tuple[datetime, TrialStep]] = field(default_factory=list)
    n: int = 0
    seen: dict[str, datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.begin()

    def begin(self, saved: object = None) -> None:
        self.tests = SelfTest(
            self.at,
            self.zone,
            wearer="k3vq7m2xta",
            here=self.here,
            known=self.seen,
            utc=self.utc,
            mono_s=self.mono_s,
        )
        if saved is not None:
            self.tests.load(saved)

    def restart(self) -> None:
        saved = json.loads(json.dumps(self.tests.save()))
        self.mono_s = 5.0  # the computer was started again
        self.begin(saved)

    def watch(self, length: timedelta, *, every: timedelta = timedelta(seconds=5)) -> None:
        until = self.utc + length
        while self.utc < until:
            self.utc += every
            self.mono_s += every.total_seconds()
            for step in self.tests.advance(self.mono_s, self.utc, paused=self.paused):
                self.steps.append((self.utc, step))
                self.n += 1
                if step.kind is StepKind.BEGUN:
                    self.tests.logged(step.id, self.n)
            for name in self.present:
                self.seen[name] = self.utc
                upto = 0 if name in self.deaf else self.n
                self.tests.seen(name, upto, mono_s=self.mono_s, utc=self.utc)

    @property
    def begun(self) -> list[datetime]:
        return [at for at, step in self.steps if step.kind is StepKind.BEGUN]

    @property
    def last(self) -> TrialStep:
        return self.steps[-1][1]


def test_each_evening_one_test_reaches_everybody_who_is_there() -> None:
    house = House(present={"anna", "bert"})
    house.watch(3 * DAY, every=timedelta(seconds=10))
    assert [f"{at:%d %H:%M}" for at in house.begun] == ["21 21:30", "22 21:30", "23 21:30"]
    ends = [step for _, step in house.steps if step.kind is StepKind.ENDED]
    assert [end.reached for end in ends] == [("anna", "bert")] * 3
    assert house.tests.missing == ()
    assert not house.tests.overdue(house.mono_s, house.utc)


def test_the_evenings_test_waits_for_the_end_of_a_pause_but_a_person_may_ask_for_one() -> None:
    house = House(present={"anna"}, paused=True)
    house.watch(timedelta(hours=10))
    assert house.begun == []
    house.tests.ask("anna", mono_s=house.mono_s, utc=house.utc)
    house.watch(timedelta(minutes=2))
    assert len(house.begun) == 1
    house = House(present={"anna"}, paused=True)
    house.watch(timedelta(hours=10))
    house.paused = False
    house.watch(timedelta(minutes=2))
    assert len(house.begun) == 1


@pytest.mark.parametrize("at", [time(0, 0), time(2, 1), time(2, 30), time(3, 0), EVENING])
@pytest.mark.parametrize("noon", [datetime(2026, 3, 28, 12), datetime(2026, 10, 24, 12)])
def test_one_test_a_day_at_the_time_of_the_wall_when_clocks_change(
    noon: datetime, at: time
) -> None:
    utc = noon.replace(tzinfo=AMSTERDAM).astimezone(UTC)
    house = House(utc=utc, at=at, zone=AMSTERDAM, present={"anna"})
    house.watch(2 * DAY, every=timedelta(seconds=20))
    shown = {f"{begun.astimezone(AMSTERDAM):%H:%M}" for begun in house.begun}
    assert len(house.begun) == 2
    assert shown <= {f"{at:%H:%M}", f"{at.hour + 1:02}:{at.minute:02}"}  # there was no 02:01


@given(st.floats(0, 20))
def test_a_test_waits_until_somebody_is_there_but_not_until_people_sleep(late_h: float) -> None:
    house = House()
    house.watch(9 * HOUR + timedelta(hours=late_h), every=timedelta(seconds=15))
    house.present = {"anna"}
    came = house.utc
    house.watch(HOUR / 4, every=timedelta(seconds=15))
    due = NOON + timedelta(hours=9.5)
    if came < due - HOUR / 4:
        assert house.begun == []
    elif due < came < due + CATCH_UP - timedelta(minutes=1):
        assert came <= house.begun[0] <= came + timedelta(seconds=30)
    elif came > due + CATCH_UP:
        assert house.begun == []


def test_who_does_not_acknowledge_within_60_s_is_named_until_it_does() -> None:
    house = House(present={"anna", "bert"}, deaf={"bert"})
    house.watch(timedelta(hours=9, minutes=40))
    begun, ended = house.steps
    assert ended[1] == TrialStep(StepKind.ENDED, begun[1].id, begun[0], ("anna",), ("bert",))
    assert ANSWERED_WITHIN_S <= (ended[0] - begun[0]).total_seconds() <= ANSWERED_WITHIN_S + 5
    assert house.tests.missing == ("bert",)
    house.restart()
    assert house.tests.missing == ("bert",)
    house.deaf = set()
    house.watch(timedelta(seconds=10))
    assert house.tests.missing == ()


def test_only_a_person_confirms_and_only_a_test_of_the_last_hour() -> None:
    house = House(present={"anna"})
    assert not house.tests.heard("anna", "x", mono_s=house.mono_s)
    house.watch(timedelta(hours=9, minutes=31))
    id_ = house.last.id
    assert not house.tests.heard("anna", "forged", mono_s=house.mono_s)
    assert not house.tests.heard("eve", id_, mono_s=house.mono_s)
    assert not house.tests.heard("anna", id_, mono_s=house.mono_s + 3601)
    assert house.tests.heard("anna", id_, mono_s=house.mono_s)
    house.watch(timedelta(seconds=5))
    assert (house.last.kind, house.last.reached) == (StepKind.HEARD, ("anna",))


def test_a_path_that_no_person_confirmed_for_a_week_is_named_from_its_first_night_on() -> None:
    house = House(present={"anna"})
    house.watch(CONFIRMED_FOR - HOUR, every=timedelta(seconds=20))
    assert house.tests.unconfirmed(house.utc) == ()
    house.restart()
    house.watch(2 * HOUR)
    assert house.tests.unconfirmed(house.utc) == ("anna",)
    house.tests.ask("anna", mono_s=house.mono_s, utc=house.utc)
    house.watch(timedelta(seconds=30))
    assert house.tests.heard("anna", house.last.id, mono_s=house.mono_s)
    house.watch(timedelta(seconds=5))
    assert house.tests.unconfirmed(house.utc) == ()
    house.restart()
    assert house.tests.unconfirmed(house.utc + CONFIRMED_FOR - HOUR) == ()
    house.present = set()
    house.watch(CONFIRMED_FOR + HOUR, every=timedelta(minutes=1))
    assert house.tests.unconfirmed(house.utc) == (), "nobody is there any more"
    assert house.tests.unknown(house.utc)


def test_that_nothing_was_tested_for_a_day_is_known_where_somebody_was_there() -> None:
    house = House(present={"anna"}, at=EVENING)
    house.watch(timedelta(hours=9))
    house.present = set()  # each evening; she listens in the morning
    for _ in range(2):
        house.watch(14 * HOUR, every=timedelta(minutes=1))
        house.present = {"anna"}
        house.watch(10 * HOUR - HOUR, every=timedelta(seconds=15))
        house.present = set()
        house.watch(HOUR, every=timedelta(minutes=1))
    assert house.begun == []
    assert house.tests.overdue(house.mono_s, house.utc)
    house.present = {"anna"}
    house.tests.ask("anna", mono_s=house.mono_s, utc=house.utc)
    house.watch(timedelta(minutes=1))
    assert not house.tests.overdue(house.mono_s, house.utc)


def test_a_newcomer_is_alarmed_by_nothing_and_who_wants_no_test_gets_none() -> None:
    for house in (House(), House(at=None, present={"anna"}, here=True)):
        house.watch(6 * DAY, every=timedelta(minutes=1))
        assert house.steps == []
        assert not house.tests.overdue(house.mono_s, house.utc)
        assert house.tests.unconfirmed(house.utc) == ()
        assert not house.tests.unknown(house.utc)


def test_where_nothing_is_published_the_test_sounds_here() -> None:
    house = House(here=True)
    house.watch(2 * DAY, every=timedelta(seconds=30))
    assert len(house.begun) == 2
    assert not house.tests.overdue(house.mono_s, house.utc)


def test_a_night_that_begins_late_in_the_evening_makes_up_for_its_test() -> None:
    house = House(present={"anna"})
    house.watch(HOUR)
    house.utc = NOON + timedelta(hours=11)
    house.restart()
    began_s = house.mono_s
    house.watch(timedelta(minutes=2), every=timedelta(seconds=1))
    assert len(house.begun) == 1
    assert (house.begun[0] - NOON - timedelta(hours=11)).total_seconds() >= SETTLED_S
    assert began_s < house.mono_s


def test_a_test_that_a_kill_interrupted_is_ended_by_the_next_process() -> None:
    house = House(present={"anna"}, deaf={"anna"})
    house.watch(timedelta(hours=9, minutes=30, seconds=10))
    assert house.last.kind is StepKind.BEGUN
    id_ = house.last.id
    house.restart()
    house.watch(timedelta(seconds=5))
    assert (house.last.kind, house.last.id) == (StepKind.ENDED, id_)
    assert len(house.begun) == 1


steps = st.lists(
    st.tuples(
        st.sampled_from(["hour", "year", "1970", "restart", "come", "go", "deaf", "ask", "hear"]),
        st.sampled_from([-1, 1]),
        st.floats(0.01, 30),
    ),
    max_size=12,
)


@settings(max_examples=40)
@given(steps)
def test_no_step_of_the_clock_keeps_a_test_away_for_longer_than_a_day(
    steps: list[tuple[str, int, float]],
) -> None:
    house = House()
    for what, sign, hours in steps:
        match what:
            case "hour" | "year":
                house.utc += sign * (HOUR if what == "hour" else 365 * DAY)
            case "1970":
                house.utc = datetime(1970, 1, 2, tzinfo=UTC)
            case "restart":
                house.restart()
            case "come":
                house.present = {"anna"}
            case "go":
                house.present = set()
            case "deaf":
                house.deaf = {"anna"} - house.deaf
            case "ask":
                house.tests.ask("anna", mono_s=house.mono_s, utc=house.utc)
            case "hear":
                house.tests.heard("anna", house.last.id if house.steps else "", mono_s=1.0)
        house.watch(timedelta(hours=hours), every=timedelta(minutes=1))
        assert len(json.dumps(house.tests.save())) < 2000
    house.present, house.deaf = {"anna"}, set()
    house.steps.clear()
    house.watch(2 * DAY + 2 * HOUR, every=timedelta(seconds=15))
    assert 1 <= len(house.begun) <= 3
    assert not house.tests.overdue(house.mono_s, house.utc)
    assert house.tests.missing == ()
    assert OVERDUE_AFTER > DAY


@pytest.mark.parametrize(
    "saved", [None, {}, [], {"schema": "self-test/2"}, {"schema": "self-test/1"}]
)
def test_what_was_not_saved_by_a_test_is_refused_and_changes_nothing(saved: object) -> None:
    house = House()
    before = house.tests.save()
    with pytest.raises(ValueError, match="saved tests"):
        house.tests.load(saved)
    assert house.tests.save() == before


@pytest.mark.parametrize("name", ["begun", "tested", "passed", "since", "heard", "n", "open"])
def test_saved_dates_that_cannot_be_compared_are_refused_at_once(name: str) -> None:
    house = House()
    house.tests.seen("anna", 1, mono_s=house.mono_s, utc=house.utc)
    before = house.tests.save()
    saved = json.loads(json.dumps(before))
    wrong: object = "2026-11-20T21:30:00.000"
    if name in ("since", "heard"):
        saved["paths"]["anna"][name] = wrong
    else:
        saved[name] = {"n": float("inf"), "open": ["id", wrong]}.get(name, wrong)
    with pytest.raises(ValueError, match="saved tests"):
        house.tests.load(saved)
    assert house.tests.save() == before
