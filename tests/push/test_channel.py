"""Laws of the push channel, with a real log and servers on loopback."""

from __future__ import annotations

import asyncio
from datetime import time, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from detector.events import Event, Kind, Phase
from detector.push.channel import REFUSING_S, UNREACHED_S
from detector.push.recipients import Contact
from detector.push.tokens import PushAnswer, verify_token
from detector.push.worker import STALE_S
from detector.store.state import State

from ..kit.waiting import until
from .alerts import NIGHT, alert, technical
from .house import LINKS, HandClock, house
from .servers import FakeNtfy, Mood, closed_port, ntfy

ANNA, BEN, CARL = Contact("anna"), Contact("ben"), Contact("carl")


def topic(server: FakeNtfy, name: str) -> str:
    return server.address.replace("bedroom", name)


def titles(server: FakeNtfy, name: str) -> list[str]:
    return [each["title"] for each in server.on(name)]


def clonus(duration_s: float = 65.0) -> Event:
    return Event(
        id="c1",
        kind=Kind.CLONUS,
        phase=Phase.UPDATE,
        onset_s=10.0,
        duration_s=duration_s,
        onset=NIGHT - timedelta(seconds=duration_s),
        confidence=0.9,
        episode="e",
        sensor="left-leg",
        wearer="k3vq7m2xta",
    )


def test_the_first_contact_is_told_which_limb_and_gets_a_button_the_second_is_not(
    tmp_path: Path,
) -> None:
    async def night() -> None:
        people = {ANNA: topic(server, "anna"), BEN: topic(server, "ben")}
        async with house(tmp_path, people, links=LINKS) as here:
            await here.commit(alert(), events=(clonus(),))
            await until(lambda: server.taken)
            await here.idle("anna", "ben")
            [(told, name, took_s)] = here.reached
            assert (told, name) == (alert().id, "anna")
            assert took_s == 0.0, "no time passed"

    with ntfy() as server:
        asyncio.run(night())
    [told] = server.taken
    assert told["topic"] == "anna"
    assert told["title"] == "Movement alert"
    assert told["message"] == "bedroom, left leg, 65 s, since 02:14."
    token = told["actions"][0]["url"].rpartition("/")[2]
    answer = verify_token(LINKS.key, token, NIGHT.timestamp() + 60)
    assert answer == PushAnswer(alert().id, "anna")


def test_those_who_were_woken_hear_what_became_of_it_in_its_place_and_once(tmp_path: Path) -> None:
    async def night() -> None:
        people = {c: topic(server, c.name) for c in (ANNA, BEN, CARL)}
        async with house(tmp_path, people) as here:
            await here.commit(alert(), alert("escalated", tier=2))
            await here.idle("anna", "ben", "carl")
            answered = alert("acknowledged", tier=2, by="ben")
            await here.commit(answered, alert("resolved", tier=2, by="ben"))
            await here.idle("anna", "ben", "carl")

    with ntfy() as server:
        asyncio.run(night())
    for name in ("anna", "ben"):
        assert titles(server, name) == ["Movement alert", "Ben is on it", "All clear"]
        assert len({each["sequence_id"] for each in server.on(name)}) == 1
        assert [each["priority"] for each in server.on(name)] == [5, 2, 2]
    assert server.on("carl") == []


def test_a_new_contact_is_not_told_of_the_past(tmp_path: Path) -> None:
    async def night() -> None:
        async with house(tmp_path, {ANNA: topic(server, "anna")}) as here:
            await here.commit(alert(about="before"))
            await here.idle("anna")
        async with house(tmp_path, {BEN: topic(server, "ben")}) as here:
            await here.commit(alert(about="after"))
            await here.idle("ben")

    with ntfy() as server:
        asyncio.run(night())
    assert len(server.on("ben")) == 1


def test_a_dead_server_delays_nobody_and_is_named_with_its_cause(tmp_path: Path) -> None:
    async def night() -> None:
        people = {ANNA: f"ntfy://127.0.0.1:{dead}/x", BEN: topic(server, "ben")}
        async with house(tmp_path, people) as here:
            await here.commit(alert())
            await until(lambda: here.failed)
            assert not here.channel.unreachable(alert().id)
            await here.passes(UNREACHED_S)
            assert here.channel.unreachable(alert().id), "nobody of its tier could be told"
            await here.commit(alert("escalated", tier=3))
            await until(lambda: server.on("ben"))
            await here.idle("ben")
            assert not here.channel.unreachable(alert().id)
            assert here.channel.refusing() == {}
            await here.passes(REFUSING_S + 16)
            assert here.channel.refusing() == {"anna": "its server does not answer"}

            with ntfy(port=dead) as back:
                await here.passes(20)
                await until(lambda: back.taken)
                await here.idle("anna")
                assert [each["title"] for each in back.taken] == ["Movement alert"]
                assert here.channel.refusing() == {}

    dead = closed_port()
    with ntfy() as server:
        asyncio.run(night())


def test_a_server_that_never_answers_and_one_that_refuses_delay_nobody(tmp_path: Path) -> None:
    async def night() -> None:
        with ntfy(Mood.SILENT) as silent, ntfy(Mood.REFUSES) as refusing:
            people = {ANNA: silent.address, BEN: refusing.address, CARL: topic(server, "carl")}
            async with house(tmp_path, people) as here:
                await here.commit(alert(tier=3))
                await until(lambda: server.on("carl"))
                await until(lambda: len({name for _, name, _ in here.failed}) == 2)
                whys = {name: why for _, name, why in here.failed}
                assert "403" in whys["ben"]
                assert "not answer" in whys["anna"]

    with ntfy() as server:
        asyncio.run(night())


def test_after_an_outage_what_is_open_is_told_late_and_what_is_over_as_missed(
    tmp_path: Path,
) -> None:
    async def night() -> None:
        async with house(tmp_path, {ANNA: f"ntfy://127.0.0.1:{dead}/x"}) as here:
            await here.commit(alert(about="a"), alert(about="b"), alert(about="c", kind="button"))
            await until(lambda: here.failed)
            await here.commit(*(alert("escalated", "a", tier=tier) for tier in (2, 3)))
            await here.commit(alert("acknowledged", "a", by="ben"), alert("resolved", "b"))
            await here.commit(alert("escalated", about="c", kind="button", tier=2))
            await here.passes(3601, step_s=30)
            with ntfy(port=dead) as back:
                await here.passes(20)
                await until(lambda: len(back.taken) == 3)
                await here.idle("anna")
                await here.passes(60)
                call, again, missed = back.taken
                assert call["title"] == again["title"] == "Call for help"
                assert call["priority"] == 5
                assert missed["title"] == "Missed alerts"
                assert missed["message"].startswith("bedroom. 2 alerts could not be told")
                assert missed["priority"] == 2

    dead = closed_port()
    asyncio.run(night())


def test_an_alarm_of_another_night_wakes_nobody(tmp_path: Path) -> None:
    async def night() -> None:
        async with house(tmp_path, {ANNA: f"ntfy://127.0.0.1:{dead}/x"}) as here:
            await here.commit(alert())
            await until(lambda: here.failed)
            await here.passes(STALE_S + 1, step_s=600)
            with ntfy(port=dead) as back:
                await here.passes(20)
                await until(lambda: back.taken)
                await here.idle("anna")
                assert [each["title"] for each in back.taken] == ["Missed alerts"]

    dead = closed_port()
    asyncio.run(night())


@pytest.mark.parametrize("by_disk", [False, True], ids=["logged", "refused by the disk"])
@pytest.mark.parametrize("bad", [{0}, {1}, {0, 1, 2}, {0, 2, 4}, {5}])
def test_a_message_that_a_server_refuses_delays_no_other(
    tmp_path: Path, bad: set[int], by_disk: bool
) -> None:
    async def night() -> None:
        async with house(tmp_path, {ANNA: server.address}) as here:
            alarms = [alert(about=f"e{n}", rule=f"clonus >= {60 + n}s") for n in range(6)]
            refused = {sha256(alarms[n].id.encode()).hexdigest()[:16] for n in bad}
            server.refuses = lambda message: message["sequence_id"] in refused
            if by_disk:
                here.refused_by_disk(*(alarms[n] for n in sorted(bad)))
            await here.commit(*alarms)
            await here.passes(30)
            await until(lambda: len(server.taken) == len(alarms) - len(bad))
            assert not refused & {each["sequence_id"] for each in server.taken}
            await here.passes(REFUSING_S + 60)
            assert here.channel.refusing(), "what is refused for so long is named"

            server.refuses = lambda _: False
            await here.passes(60)
            await here.idle("anna")
            assert len({each["sequence_id"] for each in server.taken}) == len(alarms)
            assert len(server.taken) == len(alarms), "none twice"

    with ntfy() as server:
        asyncio.run(night())


def test_a_clock_that_is_set_makes_no_alarm_old(tmp_path: Path) -> None:
    async def night() -> None:
        clock = HandClock()
        async with house(tmp_path, {ANNA: server.address}, clock) as here:
            entries = await here.archive.commit(
                at=clock.utc, events=(), alerts=[alert()], entries=(), saved={}
            )
            clock.utc += timedelta(days=20_000)
            here.channel.committed(entries)
            await until(lambda: server.taken)

    with ntfy() as server:
        asyncio.run(night())


def test_one_who_sleeps_is_passed_over_and_told_with_everybody(tmp_path: Path) -> None:
    async def night() -> None:
        asleep = Contact("anna", quiet=(time(22), time(7)))
        people = {c: topic(server, c.name) for c in (asleep, BEN, CARL)}
        async with house(tmp_path, people) as here:
            await here.commit(alert())
            await here.idle("anna", "ben", "carl")
            assert {each["topic"] for each in server.taken} == {"ben"}
            await here.commit(alert("escalated", tier=3))
            await here.idle("anna", "ben", "carl")
            assert sorted(each["topic"] for each in server.taken) == ["anna", "ben", "carl"]

    with ntfy() as server:
        asyncio.run(night())


def test_what_the_disk_refuses_is_told_all_the_same_and_not_again_once_it_is_logged(
    tmp_path: Path,
) -> None:
    async def night() -> None:
        async with house(tmp_path, {ANNA: server.address}) as here:
            here.refused_by_disk(alert())
            await until(lambda: server.taken)
            await here.commit(alert())
            await here.idle("anna")

    with ntfy() as server:
        asyncio.run(night())
    assert len(server.taken) == 1


def test_a_hundred_events_are_passed_without_a_word(tmp_path: Path) -> None:
    async def night() -> None:
        async with house(tmp_path, {ANNA: server.address}) as here:
            for n in range(150):
                event = clonus(60.0 + n)
                await here.archive.commit(at=NIGHT, events=[event], alerts=(), entries=(), saved={})
            await here.commit(alert())
            await until(lambda: server.taken)
            await here.idle("anna")

    with ntfy() as server:
        asyncio.run(night())
    assert [each["message"] for each in server.taken] == [
        "bedroom, left leg, 3 min 29 s, since 02:14."
    ]


def test_a_storm_is_capped_and_says_so_and_counts_as_told(tmp_path: Path) -> None:
    async def night() -> None:
        async with house(tmp_path, {ANNA: server.address}) as here:
            await here.commit(*(technical(about=f"flap-{n}") for n in range(20)))
            await here.commit(*(alert(about=f"e{n}") for n in range(20)), alert(kind="button"))
            await here.idle("anna")
            await here.passes(UNREACHED_S)
            assert not here.channel.unreachable(alert(about="e19").id)

    with ntfy() as server:
        asyncio.run(night())
    many = ["Many alerts"]
    told = ["No signal"] * 4 + many + ["Movement alert"] * 12 + many + ["Call for help"]
    assert [each["title"] for each in server.taken] == told


def test_a_contact_that_is_gone_keeps_nothing_in_the_log(tmp_path: Path) -> None:
    def cursors(state: State) -> set[Any]:
        return {row[0] for row in state._db.execute("SELECT channel FROM cursor")}

    with State.open(tmp_path / "state.sqlite") as state:
        for name in ("mqtt", "push:anna", "push:ben"):
            state.open_channel(name, from_start=True)
        state.commit(at=NIGHT, alerts=[alert()])
        state.refuse("push:ben", {1: "so"}, at=NIGHT)
        state.close_channels("push:", ["push:anna"])
        assert cursors(state) == {"mqtt", "push:anna"}
        assert state._db.execute("SELECT count(*) FROM refusal").fetchone() == (0,)
