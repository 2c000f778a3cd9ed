"""A wearer's labels change a minimum only by a proposal that can be checked, shown and undone."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from detector.events import Kind, Phase
from detector.recognition.personal import minimums as plain
from detector.recognition.personal.minimums import (
    MEASURED,
    QUANTITIES,
    Minimum,
    Personal,
    apply,
)
from detector.recognition.personal.tuning import (
    Doubt,
    NoProposal,
    Proposal,
    ReviewedEvent,
    accepted,
    propose,
)
from detector.words.tuning import no_proposal_words, proposal_sentence

from .labelled import (
    FALSE,
    INF,
    NAN,
    OWN,
    REAL,
    SPASM,
    UNSURE,
    event,
    label,
    minimums,
    personals,
)


def weeks(real=18, false=9, nights=9, kind=Kind.SPASM) -> list[ReviewedEvent]:
    """Return strong real ones and weak false ones, spread over nights."""
    rng = np.random.default_rng(1)
    peaks_g = np.round([*rng.uniform(0.12, 0.6, real), *rng.uniform(0.04, 0.11, false)], 3)
    return labelled(peaks_g.tolist(), real, nights, kind)


def labelled(peaks_g, real, nights, kind) -> list[ReviewedEvent]:
    return [
        label(REAL if i < real else FALSE, i, f"night-{i % nights}", peak_g=peak_g, kind=kind)
        for i, peak_g in enumerate(peaks_g)
    ]


def told(some: list[ReviewedEvent], own: Personal) -> list[ReviewedEvent]:
    return [replace(each, event=apply(each.event, own)) for each in some]


def held_back(some: list[ReviewedEvent], own: Personal) -> set[str]:
    return {each.event.id for each in some if apply(each.event, own) is not each.event}


def only(answers):
    (answer,) = answers
    return answer


UNEVEN = replace(SPASM, at_least=0.125)  # between the steps: nobody proposed it


@st.composite
def reviews(draw) -> list[ReviewedEvent]:
    """Return labels that tell real from false more or less well, on a few nights."""
    lift_g = draw(st.sampled_from([0.0, 0.3, 0.6]))
    kinds = st.sampled_from([Kind.SPASM] * 8 + [Kind.TWITCH, Kind.MOVEMENT])
    verdicts = st.sampled_from([REAL] * 6 + [FALSE] * 3 + [UNSURE])
    row = st.tuples(verdicts, kinds, st.integers(0, 60), st.integers(1, 40), st.integers(0, 5))
    return [
        label(
            verdict, i, f"night-{night}",
            kind=kind, peak_g=g / 100 + lift_g * (verdict is REAL), duration_s=s / 5,
        )
        for i, (verdict, kind, g, s, night) in enumerate(draw(st.lists(row, max_size=70)))
    ]  # fmt: skip


@given(personals, st.none() | minimums, st.sampled_from(sorted(MEASURED)))
def test_a_change_survives_its_json_and_can_be_undone(own, minimum, kind):
    changed = own.changed(kind if minimum is None else minimum.kind, minimum)
    undone = changed.reverted()

    text = json.dumps(plain.to_dict(changed), allow_nan=False)
    assert changed == plain.from_dict(json.loads(text))
    assert [own.minimums, changed.minimums] == [undone.minimums, undone.reverted().minimums]
    assert [0, 1, 2] == [own.version, changed.version, undone.version]
    with pytest.raises(ValueError, match="nothing to go back to"):
        own.reverted()


def test_a_proposal_reads_as_a_person_needs_it():
    proposal = only(propose(weeks(), Personal()))

    assert (None, Minimum(Kind.SPASM, "peak_g", 0.11, 2.0)) == (proposal.before, proposal.after)
    assert proposal_sentence(proposal) == (
        "For spasm ask for 0.11 g (now no minimum): of 27 events reviewed (nights: 9) it removes "
        "9 of 9 false ones (now 0) and keeps 18 of 18 real ones (now 18); at most 22 % of all real "
        "ones are held back (95 % sure)."
    )


@settings(max_examples=60)
@given(reviews(), personals, st.sampled_from([0.0, 0.1]))
@example(weeks(), Personal(), 0.0)
@example(labelled([0.121, 0.127], 0, 2, Kind.SPASM), Personal(minimums=(UNEVEN,)), 0.0)
def test_counts_are_what_applying_does_and_no_more_is_lost_than_was_allowed(some, own, share):
    for proposal in propose(told(some, own), own, may_lose=share):
        if isinstance(proposal, NoProposal):
            continue
        mine = [each for each in some if each.event.kind is proposal.kind]
        real = {each.event.id for each in mine if each.verdict is REAL}
        false = {each.event.id for each in mine if each.verdict is FALSE}
        for own_then, tally in ((own, proposal.now), (accepted(own, proposal), proposal.then)):
            held = held_back(mine, own_then)
            assert (real - held, real & held) == (set(tally.kept), set(tally.lost))
            assert (false & held, false - held) == (set(tally.removed), set(tally.left))
        assert len(proposal.then.lost) <= share * len(real)
        if not held_back(mine, accepted(own, proposal)) <= held_back(mine, own):
            assert len(real | false) >= 20
            assert len({each.night for each in mine if each.verdict is REAL}) >= 3
            assert proposal.lost_at_most <= 0.25


@settings(max_examples=60)
@given(reviews(), personals, st.randoms(use_true_random=False))
def test_the_order_of_labels_does_not_matter(some, own, random):
    mixed = random.sample(some, len(some))

    assert propose(some, own) == propose(mixed, own)


@settings(max_examples=60)
@given(reviews())
def test_unsure_earlier_and_other_wearers_labels_change_nothing(some):
    own = Personal(wearer="w")
    mine = [replace(each, event=replace(each.event, wearer="w")) for each in some]
    others = [replace(each, event=replace(each.event, id="v" + each.event.id)) for each in some]
    sure = [each for each in mine if each.verdict is not UNSURE]
    earlier = [replace(each, verdict=FALSE) for each in mine]
    plain_movement = label(FALSE, 1, "n", kind=Kind.MOVEMENT, wearer="w")

    assert propose(sure, own) == propose([*others, *earlier, *mine, plain_movement], own)


def test_who_said_yes_is_not_asked_again_and_cannot_say_it_twice():
    proposal = only(propose(weeks(), Personal()))
    own = accepted(Personal(), proposal)

    assert (1, (proposal.after,), ()) == (own.version, own.minimums, own.previous)
    assert isinstance(only(propose(told(weeks(), own), own)), NoProposal)
    with pytest.raises(ValueError, match="changed meanwhile"):
        accepted(own, proposal)


BAD_NIGHT = [label(FALSE, 100 + i, "bad", peak_g=0.05) for i in range(9)]
FAINT_NIGHT = [
    *(label(REAL, 100 + i, "faint", peak_g=0.041) for i in range(3)),
    *(label(FALSE, 200 + i, f"night-{i}", peak_g=0.03) for i in range(6)),
]


@pytest.mark.parametrize(
    ("some", "why"),
    [
        (weeks(real=12, false=6), "18 reviewed events are too few, a stricter minimum needs 20"),
        (weeks(nights=1), "real ones on 1 of the nights are too few, they must be on 3"),
        (weeks(real=10, false=20), "10 real ones are too few: up to 36 % of all"),
        (weeks(real=0, false=30), "real ones on 0 of the nights are too few"),
        (weeks(real=30, false=0), "no other minimum removes more"),
        (weeks(false=0) + BAD_NIGHT, "by chance only: on nights left out 0 false ones go"),
        (weeks() + FAINT_NIGHT, "by chance only: on nights left out 3 of 21 real ones go too"),
        ([label(REAL, 1, "n", kind=Kind.MOVEMENT)], "the detector took for movement: 1. No min"),
    ],
)
def test_what_labels_do_not_carry_is_refused_with_the_reason(some, why):
    assert why in no_proposal_words(only(propose(some, Personal())))


@pytest.mark.parametrize("false", [[], [label(FALSE, 1, "monday", peak_g=0.15)]])
def test_a_minimum_that_no_label_speaks_against_stays(false):
    answer = only(propose([*false, label(REAL, 2, "tuesday", peak_g=0.3)], OWN))

    assert answer.doubt is Doubt.FEW_EVENTS
    assert answer.numbers["needed"] == 20


MILDER = [(0.1, replace(SPASM, at_least=0.07, up_to_s=2.0)), (0.02, None)]


@pytest.mark.parametrize(("missed_g", "after"), MILDER)
def test_one_missed_spasm_is_enough_to_lower_or_end_what_held_it_back(missed_g, after):
    some = [label(FALSE, 1, "monday", peak_g=0.06), label(REAL, 2, "tuesday", peak_g=missed_g)]

    proposal = only(propose(told(some, OWN), OWN))
    asked = "no minimum" if after is None else f"{after.at_least:.2f} g"

    assert (SPASM, after) == (proposal.before, proposal.after)
    assert (("tuesday/002",), ()) == (proposal.now.lost, proposal.then.lost)
    assert f"ask for {asked} (now 0.12 g): " in proposal_sentence(proposal)


def test_a_stated_share_may_be_lost_and_is_named():
    some = [*weeks(real=59, false=20), label(REAL, 900, "night-3", peak_g=0.045)]

    proposal = only(propose(some, Personal(), may_lose=0.02))

    assert (("night-3/900",), 20) == (proposal.then.lost, len(proposal.then.removed))
    assert "keeps 59 of 60 real ones" in proposal_sentence(proposal)


def test_the_bound_holds_for_the_events_that_come_later():
    """The strength of real ones is uniform from 0 to 1 g: `at_least` is the share that is lost."""
    rng = np.random.default_rng(5)
    broken = proposed = 0
    for _ in range(200):
        peaks_g = [*rng.uniform(0, 1, 16), *rng.uniform(0, 0.2, 10)]
        answer = only(propose(labelled(peaks_g, 16, 4, Kind.TWITCH), Personal()))
        if isinstance(answer, Proposal):
            proposed += 1
            broken += answer.after.at_least > answer.lost_at_most
    assert proposed > 50
    assert broken <= 0.05 * proposed


@pytest.mark.parametrize(
    ("bad", "share", "why"),
    [
        ({"phase": Phase.UPDATE}, 0.0, "'a' is not over"),
        ({"peak_g": NAN}, 0.0, "'a': peak_g must be a number"),
        ({"duration_s": INF}, 0.0, "'a': duration_s must be a number"),
        ({"onset_s": -1.0}, 0.0, "'a': onset_s must be a number"),
        *(({}, share, "may_lose must be a share") for share in (-0.01, 0.25, NAN)),
    ],
)
def test_what_cannot_be_weighed_is_refused(bad, share, why):
    with pytest.raises(ValueError, match=why):
        propose([ReviewedEvent(event(**bad), REAL, "monday")], Personal(), may_lose=share)


@given(st.sampled_from(sorted(QUANTITIES)), st.floats(0, 45))
def test_a_round_minimum_above_a_value_holds_it_back(name, value):
    known = QUANTITIES[name]
    assume(value < known.most)

    assert value < known.above(value) <= min(known.most, value + known.step * 1.001)
