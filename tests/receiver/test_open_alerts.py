"""A receiver that starts sounds what is open; what is over is quiet, what is told again sounds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.alert import Alert, AlertState, Level, to_dict
from detector.audible.alarm import JUST_S, AudibleAlarm
from detector.mqtt import payloads
from detector.mqtt.contract import HEALTH_EXPIRES_S, Leaf
from detector.mqtt.payloads import Stamp
from detector.receiver.news import News, ReceivedEntry
from detector.receiver.open_alerts import OpenAlerts, OpenChanges, OpenNow, Sounds, Telling
from detector.receiver.receiver import Receiver
from detector.receiver.sound import Sound
from detector.receiver.sounding import Sounding
from detector.repetition import AGAIN_S, FIRST_AGAIN_S
from detector.status import Snapshot, StateWord, Status
from detector.terminal.output import Output
from detector.terminal.received import ReceivedScreen

from ..kit.waiting import until
from .kept_sounds import KeptSounds
from .open_alert import NIGHT, raised, snapshot

HOUR = timedelta(hours=1)


def over(alert: Alert, at: datetime) -> Alert:
    return replace(alert, state=AlertState.RESOLVED, at=at)


def state(boot_id: str, alerts: Sequence[Alert], sent: datetime) -> bytes:
    now = Snapshot(status=Status(StateWord.WATCHING), open_alerts=tuple(alerts))
    return payloads.state(Stamp(boot_id, 1, sent), now).encode()


def beat(boot_id: str, seq: int = 1, last_n: int = 0) -> bytes:
    said = {
        "boot_id": boot_id,
        "seq": seq,
        "state": "watching",
        "epoch": "e1",
        "last_n": last_n,
        "expires_in_s": HEALTH_EXPIRES_S,
    }
    return json.dumps(said).encode()


def opened(news: Sequence[News]) -> list[list[str]]:
    return [[each["id"] for each in now.alerts] for now in news if isinstance(now, OpenAlerts)]


def test_a_snapshot_counts_once_a_heartbeat_of_the_same_run_has_come() -> None:
    receiver = Receiver("anna", mono_s=0.0)
    kept = state("dead", [raised(1)], NIGHT)
    assert receiver.feed(Leaf.STATE, kept, retained=True, mono_s=0.0) == []
    assert opened(receiver.feed(Leaf.HEALTH, beat("alive"), retained=False, mono_s=1.0)) == []
    now = state("alive", [raised(2)], NIGHT)
    assert opened(receiver.feed(Leaf.STATE, now, retained=True, mono_s=1.0)) == [[raised(2).id]]
    restarted = Receiver("anna", mono_s=0.0)
    assert restarted.feed(Leaf.STATE, now, retained=True, mono_s=0.0) == []
    news = restarted.feed(Leaf.HEALTH, beat("alive"), retained=False, mono_s=1.0)
    assert opened(news) == [[raised(2).id]]


@given(st.binary(max_size=200) | st.dictionaries(st.sampled_from(
    ["boot_id", "open_alerts", "open_alerts_total", "sent"]),
    st.none() | st.text() | st.lists(st.integers() | st.dictionaries(st.text(), st.text())),
).map(lambda said: json.dumps(said).encode()))  # fmt: skip
def test_no_snapshot_whatever_it_holds_ends_a_receiver(payload: bytes) -> None:
    receiver, now = Receiver("anna", mono_s=0.0), OpenNow()
    receiver.feed(Leaf.HEALTH, beat(""), retained=False, mono_s=0.0)
    for news in receiver.feed(Leaf.STATE, payload, retained=True, mono_s=0.0):
        assert isinstance(news, OpenAlerts)
        now.snapshot(news)


NOTHING = OpenChanges([], [], [])


def test_what_a_snapshot_told_is_not_told_again_by_its_entry() -> None:
    now, alert = OpenNow(), raised(1)
    assert now.snapshot(snapshot([alert], NIGHT + HOUR)) == OpenChanges([alert], [], [])
    assert now.entry(alert, late=True) == Telling(shown=False, sounds=Sounds.HELD)
    assert now.snapshot(snapshot([alert], NIGHT + HOUR)) == NOTHING


def test_alerts_that_came_and_went_while_nobody_listened_do_not_sound() -> None:
    now, gone, still = OpenNow(), raised(1), raised(2)
    now.snapshot(snapshot([still], NIGHT + HOUR))
    for alert in (gone, over(gone, NIGHT + HOUR / 2)):
        assert now.entry(alert, late=True).sounds is Sounds.NOTHING
    assert now.entry(still, late=True).sounds is Sounds.HELD


def test_an_alert_younger_than_the_snapshot_or_that_it_had_no_room_for_sounds() -> None:
    now = OpenNow()
    now.snapshot(snapshot([], NIGHT))
    assert now.entry(raised(1, NIGHT - timedelta(seconds=59)), late=False).sounds is Sounds.AGAIN
    now.snapshot(snapshot([], NIGHT + HOUR, complete=False))
    assert now.entry(raised(2, NIGHT), late=False).sounds is Sounds.AGAIN


def test_what_its_end_never_told_is_over_once_a_snapshot_lacks_it() -> None:
    now, alert = OpenNow(), raised(1)
    now.entry(alert, late=False)
    assert now.snapshot(snapshot([], NIGHT + timedelta(seconds=30))) == NOTHING
    assert now.snapshot(snapshot([], NIGHT + HOUR, complete=False)) == NOTHING
    assert now.snapshot(snapshot([], NIGHT + HOUR)) == OpenChanges([], [], [alert.id])


def test_an_alert_that_is_told_again_sounds_again_and_a_test_sounds_once() -> None:
    now = OpenNow()
    for minute in range(3):
        told = AlertState.REPEATED if minute else AlertState.RAISED
        again = replace(raised(1), state=told, at=NIGHT + timedelta(minutes=minute))
        assert now.entry(again, late=False) == Telling(shown=True, sounds=Sounds.AGAIN)
    test = raised(2, level=Level.TEST)
    assert now.entry(test, late=False).sounds is Sounds.ONCE
    assert now.entry(over(test, NIGHT), late=False).sounds is Sounds.NOTHING
    assert now.entry(test, late=True).sounds is Sounds.NOTHING, "an old one tests nothing"


@given(st.lists(st.tuples(st.booleans(), st.floats(0.1, 400)), max_size=50))
def test_told_again_it_sounds_unless_it_just_did_and_never_waits_longer_than_before(
    steps: list[tuple[bool, float]],
) -> None:
    alarm, now_s = AudibleAlarm(), 0.0
    alarm.hold("x", now_s)
    assert alarm.due(now_s)
    last_s = now_s
    for again, step_s in steps:
        now_s += step_s
        if again:
            alarm.again("x", now_s)
        sounds = alarm.due(now_s)
        assert sounds or not again or now_s - last_s < JUST_S
        assert sounds or now_s - last_s < AGAIN_S
        last_s = now_s if sounds else last_s
    assert FIRST_AGAIN_S < AGAIN_S


def test_a_listener_that_is_restarted_sounds_an_open_alert_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    sounds = KeptSounds()
    still, gone = raised(1, NIGHT - HOUR), raised(2, NIGHT - HOUR)
    receiver = Receiver("anna", mono_s=0.0)
    receiver.feed(Leaf.HEALTH, beat("b"), retained=False, mono_s=0.0)
    saved = receiver.save()

    receiver = Receiver("anna", mono_s=0.0, saved=saved)  # three entries later
    screen = ReceivedScreen(Output(), UTC, sounds)
    news = receiver.feed(Leaf.STATE, state("b", [still], NIGHT), retained=True, mono_s=0.0)
    news += receiver.feed(Leaf.HEALTH, beat("b", 2, 3), retained=False, mono_s=1.0)
    entries = (still, gone, over(gone, NIGHT - HOUR / 2))
    bodies = [json.dumps(to_dict(each) | {"n": n}) for n, each in enumerate(entries, 1)]
    reply: dict[str, Any] = {"epoch": "e1", "from": 1, "upto": 3, "last_n": 3}
    reply["entries"] = [{"leaf": "alert", "body": body} for body in bodies]
    news += receiver.feed("reply", json.dumps(reply).encode(), retained=False, mono_s=1.0)
    assert len([each for each in news if isinstance(each, ReceivedEntry)]) == 3
    assert receiver.upto == 3
    for each in news:
        screen.show(each)
    assert sounds.asked == [("hold", still.id), ("hold", still.id)], "which sounds once"
    said = capsys.readouterr().out
    assert said.count("ALERT still open since 01:00:00: Clonus") == 1
    assert said.count("ALERT") == 2, "and that the other one was, and is over"
    assert said.count("(received late)") == 2


@pytest.mark.parametrize(
    ("follows", "ago", "said"),
    [
        (True, timedelta(seconds=3), "ALERT: "),
        (True, HOUR, "ALERT still"),
        (False, timedelta(seconds=3), "ALERT still"),
    ],
)
def test_an_alert_is_called_new_when_its_snapshot_overtakes_its_entry(
    follows: bool, ago: timedelta, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sounding = Sounding(None, mono_s=lambda: 0.0, failed=print)
    shown = ReceivedScreen(Output(), UTC, sounding)
    alert = raised(1, NIGHT - ago)
    if follows:
        shown.show(snapshot([], NIGHT - HOUR))
    shown.show(snapshot([alert], NIGHT))
    shown.show(ReceivedEntry(Leaf.ALERT, 1, to_dict(alert), late=False))
    [line] = capsys.readouterr().out.splitlines()
    assert said in line
    assert line.startswith("01:59:57  ALERT: ") == (said == "ALERT: "), "one time, when it began"


def test_what_is_over_before_its_beginning_comes_makes_no_sound(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The beginning was lost on its way and comes by a replay, after the end."""
    sounds = KeptSounds()
    begun = raised(1)
    ended = over(begun, NIGHT + HOUR)
    receiver = Receiver("anna", mono_s=0.0)
    screen = ReceivedScreen(Output(), UTC, sounds)
    bodies = {n: json.dumps(to_dict(each) | {"n": n}) for n, each in ((1, begun), (2, ended))}
    news = receiver.feed(Leaf.HEALTH, beat("b"), retained=False, mono_s=0.0)
    news += receiver.feed(Leaf.ALERT, bodies[2].encode(), retained=False, mono_s=1.0)
    news += receiver.feed(Leaf.HEALTH, beat("b", 2, 2), retained=False, mono_s=2.0)
    reply = {"epoch": "e1", "from": 1, "upto": 2, "last_n": 2}
    entries = [{"leaf": "alert", "body": body} for body in bodies.values()]
    news += receiver.feed(
        "reply", json.dumps(reply | {"entries": entries}).encode(), retained=False, mono_s=3.0
    )
    for each in news:
        screen.show(each)

    told = [each for each in news if isinstance(each, ReceivedEntry)]
    assert [(each.n, each.superseded) for each in told] == [(2, False), (1, True)]
    assert sounds.asked == []
    assert capsys.readouterr().out.count("ALERT") == 1, "that it was is shown"


def test_a_test_makes_one_sound_though_no_reason_is_held(tmp_path: Path) -> None:
    played = tmp_path / "played"

    async def check() -> None:
        with Sound(f"sh -c 'echo x >> {played}'") as sound:
            sounding = Sounding(sound, mono_s=lambda: 0.0, failed=print)
            running = asyncio.create_task(sounding.run())
            sounding.once()
            await until(played.exists, 10)
            await asyncio.sleep(0.05)
            running.cancel()
        assert played.read_text() == "x\n"

    asyncio.run(check())
