"""A wearer's labels change a minimum only by a proposal that can be checked, shown and undone."""

from __future__ import annotations

import json
from dataclasses import replace
from math import ceil

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from detector.events import DetectorVersion, Kind, Phase
from detector.recognition.personal import minimums as plain
from detector.recognition.personal.minimums import (
    MEASURED,
    OWN,
    QUANTITIES,
    Personal,
    apply,
)
from detector.recognition.personal.tuning import (
    MOST_LOST,
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
    PERSONAL,
    REAL,
    SPASM,
    UNSURE,
    event,
    label,
    minimums,
    personals,
)


def weeks(real=18, false=9, nights=9, kind=Kind.SPASM) -> list[ReviewedEvent]:
    """Return weak real ones and strong false ones, alike to the model, spread over nights."""
    rng = np.random.default_rng(1)
    rms_g = np.round([*rng.uniform(0.02, 0.05, real), *rng.uniform(0.15, 0.4, false)], 3)
    return labelled(rms_g.tolist(), real, nights, kind)


def labelled(rms_g, real, nights, kind) -> list[ReviewedEvent]:
    return [
        label(
            REAL if i < real else FALSE, i, f"night-{i % nights}",
            rms_g=each, kind=kind, confidence=0.4, turn_deg=10.0,
        )
        for i, each in enumerate(rms_g)
    ]  # fmt: skip


def told(some: list[ReviewedEvent], own: Personal) -> list[ReviewedEvent]:
    return [replace(each, event=apply(each.event, own)) for each in some]


def held_back(some: list[ReviewedEvent], own: Personal) -> set[str]:
    return {each.event.id for each in some if apply(each.event, own) is not each.event}


def only(answers):
    (answer,) = answers
    return answer


@st.composite
def reviews(draw) -> list[ReviewedEvent]:
    """Return labels that tell real from false more or less well, on a few nights."""
    lift = draw(st.sampled_from([0.0, 0.2, 0.4]))
    kinds = st.sampled_from([Kind.SPASM] * 8 + [Kind.TWITCH, Kind.MOVEMENT])
    verdicts = st.sampled_from([REAL] * 6 + [FALSE] * 3 + [UNSURE])
    row = st.tuples(verdicts, kinds, *[st.integers(1, 40)] * 3, st.integers(0, 5))
    return [
        label(
            verdict, i, f"night-{night}", kind=kind, duration_s=s / 5, rms_g=g / 100,
            confidence=c / 100 + lift * (verdict is REAL), peak_g=g / 50, turn_deg=float(s),
        )
        for i, (verdict, kind, g, s, c, night) in enumerate(draw(st.lists(row, max_size=60)))
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
    after = proposal.after

    assert (None, OWN, 2.0) == (proposal.before, after.quantity, after.up_to_s)
    assert proposal_sentence(proposal) == (
        f"For spasm ask for {after.at_least:.1%} likely by their own labels (now no minimum): of "
        "27 events reviewed (nights: 9) it removes 9 of 9 false ones (now 0) and keeps 18 of 18 "
        "real ones (now 18); judged by the other nights' labels alone, it removes 9 and keeps 18. "
        f"Of later real ones {ceil(100 * proposal.lost.expected)} % are expected to be held back, "
        f"at most {ceil(100 * proposal.lost.most)} % (95 % sure)."
    )


@settings(max_examples=40, deadline=None)
@given(reviews(), personals)
@example(weeks(), Personal())
def test_counts_are_what_applying_does_and_no_more_is_lost_than_is_said(some, own):
    for proposal in propose(told(some, own), own):
        if isinstance(proposal, NoProposal):
            continue
        mine = [each for each in some if each.event.kind is proposal.kind]
        real = {each.event.id for each in mine if each.verdict is REAL}
        false = {each.event.id for each in mine if each.verdict is FALSE}
        for own_then, tally in ((own, proposal.now), (accepted(own, proposal), proposal.then)):
            held = held_back(mine, own_then)
            assert (real - held, real & held) == (set(tally.kept), set(tally.lost))
            assert (false & held, false - held) == (set(tally.removed), set(tally.left))
        if proposal.lost is None:
            assert held_back(mine, accepted(own, proposal)) <= held_back(mine, own)
            continue
        counted = [each for each in some if each.event.kind in MEASURED]
        counted = [each for each in counted if each.verdict is not UNSURE]
        assert len(counted) >= 20
        assert len({each.night for each in counted}) >= 3
        assert proposal.lost.expected <= min(MOST_LOST, proposal.lost.most)
        if proposal.after is not None:
            assert proposal.left_out.removed


@settings(max_examples=30, deadline=None)
@given(reviews(), personals, st.randoms(use_true_random=False))
def test_the_order_of_labels_does_not_matter(some, own, random):
    mixed = random.sample(some, len(some))

    assert propose(some, own) == propose(mixed, own)


@settings(max_examples=30, deadline=None)
@given(reviews())
def test_unsure_earlier_labels_and_those_of_another_wearer_sensor_or_model_change_nothing(some):
    by = DetectorVersion("x", "1", "m")
    own = Personal(wearer="w", sensor="s", model="m")
    scope = {"wearer": "w", "sensor": "s", "detector": by}
    mine = [replace(each, event=replace(each.event, **scope)) for each in some]
    strange = ({"wearer": "v"}, {"sensor": "t"}, {"detector": replace(by, model="n")})
    others = [
        replace(each, event=replace(each.event, id=f"{n}{each.event.id}", **(scope | other)))
        for n, other in enumerate(strange)
        for each in some
    ]
    sure = [each for each in mine if each.verdict is not UNSURE]
    earlier = [replace(each, verdict=FALSE) for each in mine]
    plain_movement = label(FALSE, 1, "n", kind=Kind.MOVEMENT, **scope)

    assert propose(sure, own) == propose([*others, *earlier, *mine, plain_movement], own)


def test_who_said_yes_is_not_asked_again_and_cannot_say_it_twice():
    proposal = only(propose(weeks(), Personal()))
    own = accepted(Personal(), proposal)

    assert (1, (proposal.after,), ()) == (own.version, own.minimums, own.previous)
    assert isinstance(only(propose(told(weeks(), own), own)), NoProposal)
    with pytest.raises(ValueError, match="changed meanwhile"):
        accepted(own, proposal)


BAD_NIGHT = [
    label(FALSE, 100 + i, "bad", rms_g=0.3, confidence=0.9, turn_deg=10.0) for i in range(9)
]


@pytest.mark.parametrize(
    ("some", "why"),
    [
        (weeks(real=12, false=6), "18 reviewed events are too few, a stricter minimum needs 20"),
        (weeks(nights=2), "2 reviewed nights are too few, a stricter minimum needs 3"),
        (weeks(real=30, false=0), "no other minimum removes more"),
        (weeks(false=0) + BAD_NIGHT, "false ones of nights that it did not see"),
        ([label(REAL, 1, "n", kind=Kind.MOVEMENT)], "the detector took for movement: 1. No min"),
    ],
)
def test_what_labels_do_not_carry_is_refused_with_the_reason(some, why):
    assert why in no_proposal_words(only(propose(some, Personal())))


def test_labels_of_all_kinds_count_together():
    some = [*weeks(real=8, false=4), *weeks(real=8, false=0, kind=Kind.TONIC)]
    some = [
        replace(each, event=replace(each.event, id=f"{each.event.kind}/{each.event.id}"))
        for each in some
    ]
    spasm, tonic = propose(some, Personal())

    assert isinstance(spasm, Proposal)
    assert tonic.doubt is Doubt.NOTHING_BETTER


@pytest.mark.parametrize("false", [[], [label(FALSE, 1, "monday", peak_g=0.15)]])
def test_a_minimum_that_no_label_speaks_against_stays(false):
    answer = only(propose([*false, label(REAL, 2, "tuesday", peak_g=0.3)], PERSONAL))

    assert answer.doubt is Doubt.FEW_EVENTS
    assert answer.numbers["needed"] == 20


MILDER = [(0.1, replace(SPASM, at_least=0.07, up_to_s=2.0)), (0.02, None)]


@pytest.mark.parametrize(("missed_g", "after"), MILDER)
def test_one_missed_spasm_is_enough_to_lower_or_end_what_held_it_back(missed_g, after):
    some = [label(FALSE, 1, "monday", peak_g=0.06), label(REAL, 2, "tuesday", peak_g=missed_g)]

    proposal = only(propose(told(some, PERSONAL), PERSONAL))
    asked = "no minimum" if after is None else f"{after.at_least:.2f} g"

    assert (SPASM, after) == (proposal.before, proposal.after)
    assert (("tuesday/002",), ()) == (proposal.now.lost, proposal.then.lost)
    assert f"ask for {asked} (now 0.12 g): " in proposal_sentence(proposal)


def test_what_is_said_to_be_lost_at_most_holds_for_the_events_that_come_later():
    """Real and false ones overlap in strength, as does what the model says of them."""
    rng = np.random.default_rng(5)
    broken = proposed = 0

    def drawn(count, real, night) -> list[ReviewedEvent]:
        middle = -3.2 if real else -2.4
        return [
            label(
                REAL if real else FALSE, i, f"{night}{'real' if real else 'false'}-{i % 3}",
                rms_g=float(np.exp(rng.normal(middle, 0.5))), turn_deg=10.0,
                confidence=float(np.clip(rng.normal(0.45 if real else 0.3, 0.15), 0.02, 0.98)),
            )
            for i in range(count)
        ]  # fmt: skip

    later = drawn(400, True, "later")
    for _ in range(60):
        answer = only(propose([*drawn(16, True, ""), *drawn(14, False, "")], Personal()))
        if isinstance(answer, Proposal):
            proposed += 1
            lost = len(held_back(later, accepted(Personal(), answer))) / len(later)
            broken += lost > answer.lost.most
    assert proposed > 40
    assert broken <= 0.05 * proposed


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ({"phase": Phase.UPDATE}, "'a' is not over"),
        ({"peak_g": NAN}, "'a': peak_g must be a number"),
        ({"duration_s": INF}, "'a': duration_s must be a number"),
        ({"onset_s": -1.0}, "'a': onset_s must be a number"),
    ],
)
def test_what_cannot_be_weighed_is_refused(bad, why):
    with pytest.raises(ValueError, match=why):
        propose([ReviewedEvent(event(**bad), REAL, "monday")], Personal())


@given(st.sampled_from(sorted(QUANTITIES)), st.floats(0, 45))
def test_a_round_minimum_above_a_value_holds_it_back(name, value):
    known = QUANTITIES[name]
    assume(value < known.most)

    assert value < known.above(value) <= min(known.most, value + known.step * 1.001)
