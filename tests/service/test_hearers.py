"""Who hears alerts is said as it is: nobody is named who is not there, and whoever fails is."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, time
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from detector.alerts.commands import CallForHelp
from detector.events import Origin
from detector.mqtt.contract import Message
from detector.push.recipients import Contact
from detector.service.presentation.hearers import hearers_of
from detector.sources.clock import HostClock
from detector.words.hearers import Hearers, HomePresence, Phone, heard_words

from ..kit.any_values import moments
from ..kit.brokers import Ear, listening
from ..kit.caregiver import Caregiver
from ..kit.silent_night import watching
from ..kit.waiting import running, until
from ..push.servers import closed_port, ntfy

AT = datetime(2026, 11, 21, 2, 10, tzinfo=UTC)
BEN = Phone("ben", AT, "its server does not answer")
names = st.text("abcdefghij", min_size=3, max_size=8)
phones = st.lists(
    st.builds(Phone, names, st.none() | moments, st.text(max_size=20), st.booleans()), max_size=4
)


@given(
    st.builds(
        Hearers,
        receivers=st.lists(names, max_size=3).map(tuple),
        phones=phones.map(tuple),
        pages=st.integers(0, 9),
        home_assistant=st.none() | st.sampled_from(HomePresence),
        sounds=st.booleans(),
        published=st.booleans(),
        origin=st.sampled_from(Origin),
    )
)
def test_everybody_is_named_once_and_where_there_is_nobody_it_says_what_to_do(
    hearers: Hearers,
) -> None:
    said = heard_words(hearers, UTC)
    heard = said.split("; ")[0]
    assert heard.startswith("Heard by: " if hearers.anybody else "Heard by nobody")
    assert len(said.splitlines()) == 1
    for name in hearers.receivers:
        assert f"receiver {name}" in heard
    for phone in hearers.phones:
        assert f"phone of {phone.name}" in said
        if phone.since is not None:
            assert f"phone of {phone.name} is not told since {phone.since:%H:%M}" in said
    remedies = ("spasmwatch listen", "[[contact]]", "mend what", "a real sensor")
    assert any(each in said for each in remedies) == (not hearers.anybody)
    can = hearers.published and hearers.origin is not Origin.REPLAY
    assert can or "spasmwatch listen" not in said, "that could hear nothing"


def test_it_reads_as_a_person_says_it() -> None:
    anna = Phone("anna")
    assert heard_words(Hearers(receivers=("kitchen",), phones=(anna, BEN)), UTC) == (
        "Heard by: receiver kitchen, phone of anna; phone of ben is not told since 02:10 "
        "(its server does not answer)."
    )
    night = Hearers(
        phones=(anna, Phone("ben", quiet=True)), pages=2, home_assistant=HomePresence.AWAY
    )
    assert heard_words(night, UTC) == (
        "Heard by: phone of anna, phone of ben (quiet hours: told last). Home Assistant is away. "
        "2 pages are open."
    )
    assert heard_words(Hearers(phones=(Phone("ben", quiet=True),), sounds=True), UTC) == (
        "Heard by: phone of ben, this computer's sound (for what reaches nobody else)."
    )
    assert heard_words(Hearers(pages=1), UTC) == (
        "Heard by nobody. 1 page is open. Look after the wearer yourself, and start "
        "`spasmwatch listen` where somebody hears it, or name a [[contact]] in the settings."
    )
    assert heard_words(Hearers(phones=(BEN,), published=False), UTC).endswith(
        "does not answer). Look after the wearer yourself, and mend what is in brackets."
    )


def test_receivers_and_phones_of_a_real_night_come_and_go(tmp_path: Path) -> None:
    async def night() -> None:
        people = [
            {"name": "ben", "url": f"ntfy://127.0.0.1:{closed_port()}/x"},
            {"name": "anna", "url": server.address},
        ]
        contacts = [Contact("anna", quiet=(time(0), time(23, 59, 59))), Contact("ben")]
        flags = {"mqtt.broker": "embedded", "contact": people, "alerts.sound": False}
        async with watching(tmp_path, HostClock(), **flags) as made:

            def now() -> Hearers:
                return hearers_of(made, contacts, 0, datetime(2026, 11, 21, 2, tzinfo=UTC), UTC)

            assert now().receivers == ()
            kitchen = Caregiver(made.broker.endpoint, made.topics, name="kitchen")
            async with running(kitchen.listener.run()):
                await until(lambda: now().receivers == ("kitchen",), 30)
            made.service.obey(CallForHelp(by="wearer"))
            await until(lambda: len(now().told) == 1 and server.taken, 40)
            ben, anna = now().phones
            assert (anna.since, anna.quiet, ben.quiet) == (None, True, False)
            assert ben.why == "its server does not answer"
            assert ben.since is not None
            assert 0 <= (datetime(2026, 11, 21, 2, tzinfo=UTC) - ben.since).total_seconds() < 60

    with ntfy() as server:
        asyncio.run(night())


def test_home_assistant_is_there_once_it_says_so_and_until_it_goes(tmp_path: Path) -> None:
    async def night() -> None:
        flags = {"mqtt.broker": "embedded", "mqtt.home_assistant": True, "alerts.sound": False}
        async with watching(tmp_path, HostClock(), **flags) as made:

            def presence() -> HomePresence | None:
                return hearers_of(made, (), 0, AT, UTC).home_assistant

            async def say(ear: Ear, word: str) -> None:
                await ear.link.publish(Message("homeassistant/status", word))

            async with listening(made.broker.endpoint, "homeassistant/#") as ear:
                await until(lambda: presence() is HomePresence.UNKNOWN, 30)
                await until(lambda: ear.heard, 30)
                await say(ear, "online")
                await until(lambda: presence() is HomePresence.THERE, 10)
                await say(ear, "offline")
                await until(lambda: presence() is HomePresence.AWAY, 10)

    asyncio.run(night())
