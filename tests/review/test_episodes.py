"""A review asks of the longest and least sure, of ten a night at most, and of nobody else's."""

from __future__ import annotations

import random
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from detector.alerts.commands import LABELLED_MOST, SaidKind, Taken
from detector.events import Kind, Origin, Phase
from detector.recognition.personal.minimums import kind_found
from detector.review.answers import labels_for, last_label
from detector.review.episodes import MOST_ASKED, ReviewState, in_order, review_of
from detector.store.log import of_command
from detector.store.said_labels import SaidLabel, labels_of

from .made import EVENING, WEARER, nights, spasm

NIGHT = date(2026, 11, 20)
VERDICTS = st.sampled_from(list(SaidKind))
SAID = st.dictionaries(st.integers(0, 39).map(lambda n: f"e{n}"), VERDICTS, max_size=20)


def labelled(said) -> dict[str, SaidLabel]:
    return {name: SaidLabel("anna", verdict) for name, verdict in said.items()}


@given(nights(), SAID)
def test_ten_at_most_are_asked_each_over_dated_likely_and_this_wearers(events, said):
    night = review_of(NIGHT, events, labelled(said), WEARER)
    asked = [event for each in night.asked for event in each.events]

    assert len(night.asked) <= MOST_ASKED
    by_id = {event.id: event for event in events}
    for event in asked:
        assert by_id[event.id] is event
        assert (event.phase, event.wearer in {None, WEARER}) == (Phase.END, True)
        assert kind_found(event).is_spasm_family
    assert {each.state for each in night.asked} <= {ReviewState.UNREVIEWED}
    of_all = [event.id for each in night.episodes for event in each.events]
    assert len(of_all) == len({*of_all}), "an event is asked about once"
    ours = {
        event.id for event in events
        if event.phase is Phase.END and event.wearer in {None, WEARER}
        and kind_found(event).is_spasm_family
    }  # fmt: skip
    assert {*of_all} == ours, "none is left out of a night"


@given(nights(), st.randoms(use_true_random=False))
def test_what_is_longer_and_less_sure_comes_first_in_whatever_order_events_come(events, mix):
    night = review_of(NIGHT, events, {}, WEARER)
    ordered = in_order(night.episodes)

    for place, each in enumerate(ordered):
        for later in ordered[place + 1 :]:
            longer = later.chief.duration_s > each.chief.duration_s
            assert not (longer and later.doubt > each.doubt)
    assert review_of(NIGHT, mix.sample(events, len(events)), {}, WEARER) == night


@given(nights(), st.data())
def test_an_answer_asks_of_nothing_new_and_an_answered_one_is_not_asked_again(events, data):
    night = review_of(NIGHT, events, {}, WEARER)
    said: dict[str, SaidKind] = {}
    before = [each.id for each in night.asked]
    while night.asked:
        each = data.draw(st.sampled_from(night.asked))
        (label,) = labels_for([each], data.draw(VERDICTS), by="anna")
        said |= dict.fromkeys(label.named, label.verdict)
        night = review_of(NIGHT, events, labelled(said), WEARER)
        before.remove(each.id)
        assert [left.id for left in night.asked] == before
        assert str(night.find(each.id).state) == label.verdict


@given(nights(), SAID)
def test_the_rest_is_what_nobody_labelled_and_no_more(events, said):
    night = review_of(NIGHT, events, labelled(said), WEARER)
    rest = labels_for(night.unreviewed, SaidKind.NOT_A_SPASM, by="anna")
    named = [name for label in rest for name in label.named]

    assert not {*named} & {*said}
    assert len(named) == len({*named})
    then = said | dict.fromkeys(named, SaidKind.NOT_A_SPASM)
    assert review_of(NIGHT, events, labelled(then), WEARER).unreviewed == ()


def test_one_answer_for_an_episode_is_one_entry_and_one_undo():
    events = [spasm("e1", 60), spasm("e2", 90, episode="e1"), spasm("e3", 900)]
    night = review_of(NIGHT, events, {}, WEARER)
    (label,) = labels_for([night.find("e2")], SaidKind.SPASM, by="anna")
    at = EVENING + timedelta(hours=9)
    entry = of_command(label, at=at, whose=WEARER, source=Origin.LIVE).entry(1, at)
    undo = last_label([entry], "anna", ["e2"])

    assert label.named == ("e1", "e2")
    assert [*labels_of(events, [entry])] == ["e1", "e2"]
    assert (undo.by, undo.what, undo.said) == ("anna", Taken.LABEL, at)
    taken = of_command(undo, at=at, whose=WEARER, source=Origin.LIVE).entry(2, at)
    assert labels_of(events, [entry, taken]) == {}
    for other in (("ben", None), ("anna", ["e3"])):
        assert last_label([entry], *other) is None
    assert last_label([entry, taken], "anna") is None


def test_a_night_of_a_thousand_spasms_is_labelled_in_entries_that_are_taken():
    events = [spasm(f"e{n}", 20.0 * n, episode=None) for n in range(1000)]
    random.Random(1).shuffle(events)
    night = review_of(NIGHT, events, {}, WEARER)
    rest = labels_for(night.unreviewed, SaidKind.NOT_A_SPASM, by="anna")

    assert [len(label.named) for label in rest] == [LABELLED_MOST] * 5
    assert {name for label in rest for name in label.named} == {event.id for event in events}


def test_what_a_minimum_held_back_may_be_called_a_spasm():
    held = spasm("e1", kind=Kind.MOVEMENT, held_back=Kind.CLONUS, episode=None)
    (each,) = review_of(NIGHT, [held], {}, WEARER).asked

    assert (each.kind, each.as_named) == (Kind.CLONUS, SaidKind.CLONUS)
