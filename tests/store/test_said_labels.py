"""Labels stand apart from events: the latest holds, one that is taken back leaves no trace."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from detector.alert import Alert, AlertClass, AlertState, Level
from detector.alerts.commands import Command, LabelEvent, SaidKind, Taken, Withdraw
from detector.alerts.withdrawn import apart
from detector.channels import Entry
from detector.events import Origin, format_utc
from detector.store.log import of_command
from detector.store.said_labels import labels_of

from ..alerts.made import MIDNIGHT, make_event

EVENTS = [
    make_event("e1", "spasm", 60.0, 2.0, episode="e1"),
    make_event("e2", "clonus", 120.0, 9.0, episode="e1"),
    make_event("e3", "spasm", 900.0, 1.0),
]
ALERT = Alert(
    id="a1", episode="e1", state=AlertState.RAISED, alert_class=AlertClass.CLINICAL,
    level=Level.HIGH, kind="clonus", reason="long", rule="clonus >= 60s",
    raised_at=MIDNIGHT, at=MIDNIGHT,
)  # fmt: skip
ABOUT = st.sampled_from(
    [("e1",), ("e2",), ("e3",), ("e1", "e2"), ("e3", "e1", "strange"), ("strange",), "a1"]
)
SAID = st.tuples(st.sampled_from(["anna", "ben"]), ABOUT, st.sampled_from(list(SaidKind)))


def logged(commands: Sequence[Command]) -> list[Entry]:
    """The log of what was said, a second apart."""
    return [
        of_command(each, at=at, whose=None, source=Origin.LIVE).entry(n, at)
        for n, each in enumerate(commands, 1)
        for at in [MIDNIGHT + timedelta(hours=8, seconds=n)]
    ]


def said(by: str, about: str | tuple[str, ...], verdict: SaidKind) -> LabelEvent:
    if isinstance(about, str):
        return LabelEvent(by=by, verdict=verdict, alert=about)
    if len(about) == 1:
        return LabelEvent(by=by, verdict=verdict, event=about[0])
    return LabelEvent(by=by, verdict=verdict, events=about)


@given(st.lists(SAID, max_size=12), st.data())
def test_the_latest_that_was_not_taken_back_holds_and_the_one_before_is_known(some, data) -> None:
    commands: list[Command] = [said(*each) for each in some]
    gone = data.draw(st.sets(st.sampled_from(range(len(some))))) if some else set()
    moments = [format_utc(each.at) for each in logged(commands)]
    taken = [
        Withdraw(by=some[n][0], what=Taken.LABEL, said=MIDNIGHT + timedelta(hours=8, seconds=n + 1))
        for n in sorted(gone)
    ]
    found = labels_of(EVENTS, logged([*commands, *taken]), [ALERT])

    expected: dict[str, list[tuple[str, SaidKind, str | None]]] = {}
    for n, (by, about, verdict) in enumerate(some):
        for name in ("e1", "e2") if about == "a1" else about:
            if n not in gone and name != "strange":
                expected.setdefault(name, []).append((by, verdict, moments[n]))
    assert {name: (each.by, each.verdict, each.said_at) for name, each in found.items()} == {
        name: each[-1] for name, each in expected.items()
    }
    for name, each in expected.items():
        assert found[name].before == (each[-2][1] if len(each) > 1 else None)


@given(st.lists(SAID, max_size=8), SAID)
def test_taking_back_what_was_said_last_leaves_labels_as_they_were(some, last) -> None:
    commands: list[Command] = [said(*each) for each in some]
    undo = Withdraw(
        by=last[0], what=Taken.LABEL, said=MIDNIGHT + timedelta(hours=8, seconds=len(some) + 1)
    )
    before = labels_of(EVENTS, logged(commands), [ALERT])

    assert repr(labels_of(EVENTS, logged([*commands, said(*last), undo]), [ALERT])) == repr(before)


@given(st.lists(st.integers(0, 3), max_size=30))
def test_no_two_sayings_have_one_time_and_none_is_late(waits_ms) -> None:
    at, before = MIDNIGHT, MIDNIGHT - timedelta(days=1)
    for wait_ms in waits_ms:
        at += timedelta(milliseconds=wait_ms, microseconds=300)
        said_at = apart(at, before)
        assert said_at > before
        assert said_at - at <= max(before - at, timedelta(0)) + timedelta(milliseconds=1)
        before = said_at
    assert apart(MIDNIGHT - timedelta(hours=1), before) == MIDNIGHT - timedelta(hours=1)


def test_nobody_takes_back_the_label_of_another() -> None:
    label = said("anna", ("e1", "e2"), SaidKind.SPASM)
    undo = Withdraw(by="ben", what=Taken.LABEL, said=MIDNIGHT + timedelta(hours=8, seconds=1))

    found = labels_of(EVENTS, logged([label, undo]))

    assert {name: each.by for name, each in found.items()} == {"e1": "anna", "e2": "anna"}
