"""A follower shows what it hears of a night, and is never taken for somebody who was told."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.alert import Alert, AlertClass, AlertState, Level
from detector.alerts.commands import Acknowledge
from detector.events import Kind
from detector.mqtt import payloads
from detector.mqtt.contract import HEALTH_EXPIRES_S, Availability, Command, Leaf
from detector.mqtt.payloads import LogState, Stamp
from detector.mqtt.security.signing import Proof
from detector.receiver.follower import NightFollower
from detector.receiver.news import Absence
from detector.status import Snapshot, StateWord, Status, Vitals

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
ALERT = Alert(
    id="a1",
    state=AlertState.RAISED,
    alert_class=AlertClass.CLINICAL,
    level=Level.HIGH,
    kind="clonus",
    reason="steady",
    raised_at=NOW,
    at=NOW,
)


def health(seq: int, status: Status = Status(StateWord.WATCHING), last_n: int = 7) -> bytes:  # noqa: B008
    log = LogState(epoch="e1", last_n=last_n, depth=0)
    vitals = Vitals(data_age_s=0.5, battery_percent=40)
    return payloads.health(Stamp("b1", seq, NOW), status, vitals, log, {}).encode()


def snapshot(*alerts: Alert, seq: int = 1) -> bytes:
    now = Snapshot(
        status=Status(StateWord.WATCHING),
        open_alerts=alerts,
        since=NOW,
        counts={Kind.SPASM: 3},
        monitored_s=600.0,
    )
    return payloads.state(Stamp("b1", seq, NOW), now).encode()


def hears(
    follower: NightFollower, leaf: str, payload: bytes, at_s: float = 0.0, **more: Any
) -> None:
    follower.feed(leaf, payload, retained=False, mono_s=at_s, **more)


def test_it_shows_state_age_alerts_and_counts() -> None:
    follower = NightFollower("hall", mono_s=0.0)
    hears(follower, Leaf.HEALTH, health(1))
    hears(follower, Leaf.STATE, snapshot(ALERT), 1.0)
    shown = follower.followed(4.0)
    assert shown.state.word is StateWord.WATCHING
    assert shown.data_age_s == pytest.approx(4.5)
    assert shown.battery_percent == 40
    assert shown.alerts == (ALERT,)
    assert (shown.counts[Kind.SPASM], shown.monitored_s) == (3, 600.0)
    assert not shown.more_alerts
    hears(follower, Leaf.HEALTH, health(2, Status(StateWord.SPASM, kind=Kind.CLONUS)), 5.0)
    shown = follower.followed(5.0)
    assert (shown.state.word, shown.clonus, shown.data_age_s) == (StateWord.SPASM, True, 0.5)
    hears(follower, Leaf.STATE, snapshot(seq=3), 6.0)
    assert follower.followed(6.0).alerts == ()


def test_silence_is_shown_even_if_nobody_advances_its_time() -> None:
    follower = NightFollower("hall", mono_s=0.0)
    hears(follower, Leaf.HEALTH, health(1))
    assert follower.followed(HEALTH_EXPIRES_S - 0.1).state.word is StateWord.WATCHING
    silent = follower.followed(HEALTH_EXPIRES_S)
    assert silent.state.word is Absence.SILENT
    assert silent.data_age_s == pytest.approx(HEALTH_EXPIRES_S + 0.5)
    follower.tick(HEALTH_EXPIRES_S)
    assert follower.followed(HEALTH_EXPIRES_S).state.word is Absence.SILENT
    hears(follower, Leaf.AVAILABILITY, Availability.STOPPED.value.encode(), 20.0)
    assert follower.followed(20.0).state.word is Absence.STOPPED


def test_what_the_service_did_not_sign_changes_nothing() -> None:
    follower = NightFollower("hall", mono_s=0.0, needs_proof=True)
    hears(follower, Leaf.HEALTH, health(1))
    hears(follower, Leaf.STATE, snapshot(ALERT))
    shown = follower.followed(0.0)
    assert (shown.state.word, shown.alerts, shown.data_age_s) == (Absence.SILENT, (), None)
    hears(follower, Leaf.HEALTH, health(2), 1.0, proof=Proof(1, 1))
    hears(follower, Leaf.STATE, snapshot(ALERT), 1.0, proof=Proof(1, 2))
    assert follower.followed(1.0).alerts == (ALERT,)
    hears(follower, Leaf.HEALTH, health(3), 14.0, proof=Proof(1, 1))  # recorded before
    assert follower.followed(17.0).state.word is Absence.SILENT


@given(last=st.lists(st.integers(0, 2**40), min_size=1, max_size=20))
def test_it_acknowledges_nothing_and_asks_for_nothing_whatever_the_log_has(last: list[int]) -> None:
    follower = NightFollower("hall", mono_s=0.0)
    for seq, n in enumerate(last, 1):
        hears(follower, Leaf.HEALTH, health(seq, last_n=n), seq * 5.0)
        hears(follower, Leaf.EVENT, b'{"n": 5, "id": "x"}', seq * 5.0)
        follower.tick(seq * 5.0)
        assert follower.requests(seq * 5.0) == []
        assert follower.followed(seq * 5.0).state.word is StateWord.WATCHING
    follower.lost_connection()
    assert follower.requests(1e4) == []


def test_it_says_what_a_person_says() -> None:
    follower = NightFollower("hall", mono_s=0.0)
    hears(follower, Leaf.HEALTH, health(1))
    follower.say(Acknowledge(by="hall", alert="a1"), 0.0)
    (request,) = follower.requests(0.0)
    assert request.command is Command.ACK
    assert json.loads(request.payload) == {"by": "hall", "alert": "a1"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@given(
    said=st.fixed_dictionaries({}, optional=dict.fromkeys(
        ("boot_id", "seq", "state", "words", "why", "until", "data_age_s", "battery_percent",
         "open_alerts", "open_alerts_total", "tonight", "sent", "expires_in_s", "epoch", "last_n"),
        json_values,
    )),
    leaf=st.sampled_from([Leaf.HEALTH, Leaf.STATE, Leaf.AVAILABILITY]),
)  # fmt: skip
def test_nothing_that_is_sent_raises(said: dict[str, Any], leaf: Leaf) -> None:
    follower = NightFollower("hall", mono_s=0.0)
    hears(follower, Leaf.HEALTH, health(1))
    hears(follower, leaf, json.dumps({"boot_id": "b1", "seq": 2, **said}).encode(), 1.0)
    shown = follower.followed(2.0)
    assert shown.data_age_s is None or shown.data_age_s >= 0
    assert all(n >= 0 for n in shown.counts.values())
