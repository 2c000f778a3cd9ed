"""Laws of a receiver: it tells every entry once, acknowledges no more, and notices silence."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.channels import Entry, EntryKind
from detector.mqtt import commands
from detector.mqtt.commands import Replay, Seen
from detector.mqtt.contract import HEALTH_EXPIRES_S, REPLY, Command, Leaf, Topics
from detector.mqtt.payloads import ENTRIES_MOST
from detector.mqtt.requests import answer
from detector.receiver.news import UNANSWERED, Absence, ReceivedEntry, ServiceState
from detector.receiver.receiver import UNANSWERED_S, Receiver
from detector.status import StateWord

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
WEARER = "k3vq7m2xta"
HOME = Topics(wearer=WEARER)


@dataclass
class House:
    """A log whose entries may be lost on the way to the receiver, and a clock."""

    receiver: Receiver = field(default_factory=lambda: Receiver("anna", mono_s=0.0))
    epoch: str = "e1"
    entries: list[Entry] = field(default_factory=list)
    mono_s: float = 0.0
    beats: int = 0
    told: list[ReceivedEntry | ServiceState] = field(default_factory=list)
    acknowledged: int = 0

    def log(self, kind: EntryKind) -> Entry:
        n = len(self.entries) + 1
        body = json.dumps({"n": n, "wearer": WEARER, "source": "live", "in": self.epoch})
        self.entries.append(Entry(n, kind, "x", body, NOON, NOON, True))
        return self.entries[-1]

    def feed(self, leaf: str, payload: str, *, retained: bool = False) -> None:
        self.told += self.receiver.feed(
            leaf, payload.encode(), retained=retained, mono_s=self.mono_s
        )

    def publish(self, entry: Entry) -> None:
        if entry.kind in (EntryKind.EVENT, EntryKind.ALERT):
            self.feed(entry.kind.value, entry.body)

    def beat(self, **changes: Any) -> None:
        self.beats += 1
        said = {
            "boot_id": "b",
            "seq": self.beats,
            "state": "watching",
            "why": None,
            "epoch": self.epoch,
            "last_n": len(self.entries),
            "expires_in_s": HEALTH_EXPIRES_S,
        }
        self.feed(Leaf.HEALTH, json.dumps(said | changes))

    def serve(self, *, lose_asks: bool = False, lose_answers: bool = False) -> bool:
        """Serve what the receiver requests; return whether it requested anything."""
        requests = self.receiver.requests(self.mono_s)
        for asked in requests:
            request = commands.parse(asked.command, asked.payload.encode())
            if lose_asks:
                continue
            if isinstance(request, Seen):
                assert request.epoch == self.epoch
                if request.upto > len(self.entries):
                    continue  # the service refuses it, too
                self.acknowledged = max(self.acknowledged, request.upto)
                self.check_acknowledged()
            elif not lose_answers:
                self.answer(request)
        return any(asked.command is Command.REPLAY for asked in requests)

    def answer(self, request: Replay) -> None:
        rows = [entry for entry in self.entries if entry.n >= request.n][:ENTRIES_MOST]
        message = answer(request, rows, HOME, epoch=self.epoch, last_n=len(self.entries), now=NOON)
        assert message.topic == f"sw/v1/{WEARER}/reply/anna"
        self.feed(REPLY, message.payload)

    def received(self) -> list[int]:
        return [each.n or 0 for each in self.told if isinstance(each, ReceivedEntry)]

    def check_acknowledged(self) -> None:
        """Nothing is acknowledged that was not told."""
        told = set(self.received())
        due = {e.n for e in self.entries[: self.acknowledged] if e.kind in LEAVES}
        assert due - told <= self.before

    before: set[int] = field(default_factory=set)  # logged before the receiver came


LEAVES = (EntryKind.EVENT, EntryKind.ALERT)
kinds = st.sampled_from([EntryKind.EVENT, EntryKind.ALERT, EntryKind.STATUS])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("log"), kinds, st.booleans()),
        st.tuples(st.just("again"), st.integers(0, 50)),
        st.tuples(st.just("beat"), st.booleans()),
        st.tuples(st.just("serve"), st.booleans(), st.booleans()),
        st.tuples(st.just("restart")),
        st.tuples(st.just("time"), st.floats(0, 20)),
    ),
    max_size=60,
)


@given(st.integers(0, 5), steps)
def test_every_entry_is_told_once_whatever_is_lost_repeated_or_restarted(
    earlier: int, steps: Sequence[tuple[Any, ...]]
) -> None:
    house = House()
    house.before = {house.log(EntryKind.EVENT).n for _ in range(earlier)}
    house.beat()
    house.serve()
    for what, *how in steps:
        match what:
            case "log":
                entry = house.log(how[0])
                if how[1]:
                    house.publish(entry)
            case "again" if how[0] < len(house.entries) and house.entries[how[0]].n > earlier:
                house.publish(house.entries[how[0]])
            case "beat" if how[0]:
                house.beat()
            case "serve":
                house.serve(lose_asks=how[0], lose_answers=how[1])
            case "restart":
                saved = json.loads(json.dumps(house.receiver.save()))
                house.receiver = Receiver("anna", mono_s=house.mono_s, saved=saved)
            case "time":
                house.mono_s += how[0]
                house.told += house.receiver.tick(house.mono_s)
    for _ in range(3):
        house.mono_s += 5
        house.beat()
        while house.serve():
            pass
    house.serve()
    due = [entry.n for entry in house.entries[earlier:] if entry.kind in LEAVES]
    assert sorted(house.received()) == due
    assert house.receiver.upto == house.acknowledged == len(house.entries)


def test_a_backlog_longer_than_an_answer_is_asked_for_in_parts() -> None:
    house = House()
    house.beat()
    for _ in range(10 * ENTRIES_MOST + 7):
        house.log(EntryKind.EVENT)
    house.beat()
    rounds = 0
    while house.serve():
        rounds += 1
    assert 10 <= rounds <= 12
    assert len(house.received()) == 10 * ENTRIES_MOST + 7


def test_a_log_that_begins_anew_is_received_from_its_first_entry() -> None:
    house = House()
    house.before = {house.log(EntryKind.EVENT).n for _ in range(5)}
    house.beat()
    house.serve()
    house.epoch, house.entries, house.acknowledged = "e2", [], 0
    house.publish(house.log(EntryKind.ALERT))
    house.log(EntryKind.EVENT)  # lost
    house.beat()
    house.serve()
    assert sorted(house.received()) == [1, 2]
    assert house.receiver.upto == 2


def test_silence_is_told_once_within_the_deadline_and_ends_with_a_new_heartbeat() -> None:
    house = House()
    house.beat()
    assert [each.word for each in house.told] == [StateWord.WATCHING]
    for second in range(1, 60):
        house.mono_s = float(second)
        house.told += house.receiver.tick(house.mono_s)
        silent = house.told[-1]
        assert isinstance(silent, ServiceState)
        assert (silent.word is Absence.SILENT) == (second >= HEALTH_EXPIRES_S)
    assert len(house.told) == 2
    house.beats -= 1
    house.beat()  # the same one again proves nothing
    assert len(house.told) == 2
    house.beat()
    assert house.told[-1] == ServiceState(StateWord.WATCHING)


@given(st.lists(st.booleans(), min_size=40, max_size=40))
def test_what_is_named_but_never_comes_is_told_and_whatever_comes_is_hope(
    answered: Sequence[bool],
) -> None:
    """Each second one entry is logged and none is published; some requests are answered."""
    house = House()
    house.beat()
    house.serve()
    hope_s = 0.0  # since when it lacks what it lacks
    for second, answers in enumerate(answered, 1):
        house.log(EntryKind.ALERT)
        house.mono_s = float(second)
        house.beat()
        if house.receiver.upto == len(house.entries) - 1:
            hope_s = house.mono_s
        for news in (house.receiver.tick(house.mono_s),):
            house.told += news
        state = house.receiver.state
        assert (state.why == UNANSWERED) == (house.mono_s - hope_s >= UNANSWERED_S)
        assert (state.word is Absence.SILENT) == (state.why == UNANSWERED)
        before = house.receiver.upto
        house.serve(lose_answers=not answers)
        if house.receiver.upto != before:
            hope_s = house.mono_s


def test_a_service_never_heard_is_silent_too() -> None:
    receiver = Receiver("anna", mono_s=100.0)
    assert receiver.tick(114.9) == []
    assert [each.word for each in receiver.tick(115.0)] == [Absence.SILENT]


def test_a_stop_that_a_person_wished_expects_nothing_more() -> None:
    house = House()
    house.beat()
    house.feed(Leaf.AVAILABILITY, "stopped", retained=True)
    house.mono_s = 1000.0
    assert house.receiver.tick(house.mono_s) == []
    assert house.receiver.state.word is Absence.STOPPED


@given(
    st.sampled_from([*Leaf, REPLY]),
    st.binary(max_size=300)
    | st.recursive(
        st.none() | st.integers() | st.text() | st.floats(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "n",
                        "seq",
                        "state",
                        "boot_id",
                        "epoch",
                        "last_n",
                        "upto",
                        "from",
                        "entries",
                        "leaf",
                        "body",
                        "expires_in_s",
                    ]
                ),
                inner,
            )
        ),
    ).map(lambda value: json.dumps(value).encode()),
    st.booleans(),
)
def test_whatever_arrives_no_heartbeat_is_worth_more_than_a_minute(
    leaf: str, payload: bytes, retained: bool
) -> None:
    house = House()
    house.beat()
    house.receiver.feed(leaf, payload, retained=retained, mono_s=0.0)
    house.receiver.requests(0.0)
    house.receiver.tick(61.0)
    assert house.receiver.state.word in (Absence.SILENT, Absence.STOPPED)


@pytest.mark.parametrize("epoch", ["", "e" * 65, None, 1])
def test_a_heartbeat_of_no_log_changes_no_log_and_asks_for_nothing_unreadable(
    epoch: object,
) -> None:
    house = House()
    house.beat()
    said = {"boot_id": "x", "seq": 1, "state": "watching", "epoch": epoch, "last_n": 7}
    house.receiver.feed(Leaf.HEALTH, json.dumps(said).encode(), retained=False, mono_s=1.0)
    assert house.receiver.epoch == "e1"
    for asked in house.receiver.requests(1.0):
        commands.parse(asked.command, asked.payload.encode())


def test_a_first_start_gets_what_is_sent_again_from_before_it() -> None:
    house = House()
    missed = house.log(EntryKind.ALERT)
    house.before = {missed.n}
    house.beat()
    house.serve()
    house.publish(missed)  # it had reached nobody
    assert house.received() == [missed.n]
    house.publish(missed)
    house.beat()
    assert house.received() == [missed.n]


def test_forged_numbers_hide_no_entry_and_ask_for_nothing_forever() -> None:
    house = House()
    house.beat()
    house.feed(Leaf.EVENT, json.dumps({"n": 10**9, "id": "forged"}))
    house.feed(Leaf.EVENT, json.dumps({"n": 1, "id": "forged"}))
    real = house.log(EntryKind.EVENT)
    house.publish(real)
    forged = {"epoch": "e1", "from": 1, "upto": 10**9, "last_n": 10**9, "entries": []}
    house.feed(REPLY, json.dumps(forged))
    late = house.log(EntryKind.ALERT)
    house.publish(late)
    house.beat()
    house.serve()
    house.beat()  # the log is still shorter than that answer claimed
    rounds = 0
    while house.serve() and rounds < 20:
        rounds += 1
    assert rounds < 5
    bodies = [each.fields.get("in") for each in house.told if isinstance(each, ReceivedEntry)]
    assert bodies.count("e1") == 2, "both real ones"


def test_a_state_file_put_back_from_a_copy_is_received_again() -> None:
    house = House()
    house.beat()
    for _ in range(5):
        house.publish(house.log(EntryKind.EVENT))
    house.beat()
    house.serve()
    house.entries, house.acknowledged = house.entries[:2], 0
    new = house.log(EntryKind.ALERT)
    again = json.loads(new.body) | {"in": "after the copy"}
    house.entries[-1] = replace(new, body=json.dumps(again))
    house.beat()
    while house.serve():
        pass
    last = house.told[-1]
    assert isinstance(last, ReceivedEntry)
    assert last.fields["in"] == "after the copy"


@pytest.mark.parametrize("name", ["", "a/b", "#", "+", "Anna", "a" * 33])
def test_a_name_that_would_change_a_topic_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a receiver's name"):
        Receiver(name, mono_s=0.0)


def test_what_came_of_a_new_log_is_told_though_its_service_dies_before_a_heartbeat() -> None:
    house = House()
    for _ in range(3):
        house.publish(house.log(EntryKind.EVENT))
    house.beat()
    house.serve()
    house.epoch, house.entries = "e2", []
    house.publish(house.log(EntryKind.ALERT))
    house.feed(Leaf.AVAILABILITY, "offline")
    entries = [each for each in house.told if isinstance(each, ReceivedEntry)]
    assert entries[-1].fields["in"] == "e2"


@pytest.mark.parametrize("restarts", [False, True])
def test_an_earlier_state_that_comes_by_a_replay_is_told_as_history(restarts: bool) -> None:
    """Raised after resolved, because it was missed at first, must not sound for ever."""
    house = House()
    house.beat()
    for n, state in enumerate(("raised", "resolved", "raised"), 1):
        fields = {"n": n, "id": "a1", "state": state, "wearer": WEARER, "source": "live"}
        house.entries.append(Entry(n, EntryKind.ALERT, "x", json.dumps(fields), NOON, NOON, True))
    house.publish(house.entries[1])  # the first was lost on its way
    if restarts:
        saved = json.loads(json.dumps(house.receiver.save()))
        house.receiver = Receiver("anna", mono_s=house.mono_s, saved=saved)
    house.beat()
    house.serve()
    house.publish(house.entries[2])

    told = [each for each in house.told if isinstance(each, ReceivedEntry)]
    assert {each.n: each.superseded for each in told} == {1: True, 2: False, 3: False}
