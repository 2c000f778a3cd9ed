"""A wearer's minimums drop nothing: what lies beneath one is a movement that says what it was."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.events import DetectorVersion, Event, Kind, Phase
from detector.recognition.personal import minimums as plain
from detector.recognition.personal.minimums import OWN, Minimum, Personal, apply, kind_found
from detector.recognition.personal.weights import Weights
from detector.words.reasons import worded

from .labelled import INF, NAN, PERSONAL, SPASM, event, events, minimums, personals


@st.composite
def growing(draw) -> list[Event]:
    """Return the words of one event: it lasts, its numbers waver, a spasm turns out a clonus."""
    waver = draw(st.lists(st.tuples(st.floats(0, 1), st.floats(0.5, 1)), min_size=2, max_size=8))
    phases = [Phase.START, *[Phase.UPDATE] * (len(waver) - 2), Phase.END]
    turn = draw(st.integers(0, len(waver)))
    return [
        replace(
            event(Kind.SPASM, phase, duration_s=i + 1.0, peak_g=peak_g, confidence=confidence),
            **({"kind": Kind.CLONUS, "revision": 2} if i >= turn else {}),
        )
        for i, (phase, (peak_g, confidence)) in enumerate(zip(phases, waver, strict=True))
    ]


def tell(found: list[Event], own: Personal) -> list[Event]:
    """Say an event as it grows, as the night does: knowing what was said of it before."""
    return list(accumulate([None, *found], lambda told, word: apply(word, own, told)))[1:]


def test_an_event_beneath_its_minimum_is_movement_that_says_what_it_was():
    weak = event(peak_g=0.09, episode="e", grade=1)
    why = (
        "below this wearer's own minimum of 0.12 g; without it, it would be spasm "
        "(it started slowly, and the limb settled 20 degrees from where it was)"
    )
    said = apply(weak, PERSONAL)
    held = {"kind": Kind.MOVEMENT, "held_back": Kind.SPASM, "revision": 1, "facts": said.facts}

    assert replace(weak, episode=None, grade=None, **held) == said
    assert worded(said).reason == why


@given(events, personals)
def test_nothing_is_dropped_no_number_changes_and_the_kind_can_be_read_back(found, own):
    said = apply(found, own)
    names = [field.name for field in fields(Event)]
    changed = {name for name in names if getattr(said, name) is not getattr(found, name)}
    assert said is found or (said.kind is Kind.MOVEMENT and found.kind.is_spasm_family)
    assert changed <= {"kind", "held_back", "reason", "facts", "revision", "episode", "grade"}
    assert found.kind is kind_found(said)


@given(events, personals, st.none() | events)
def test_applying_twice_is_applying_once(found, own, said_before):
    once = apply(found, own, said_before)

    assert repr(once) == repr(apply(once, own, said_before))  # repr: NaN is not NaN


@given(growing(), minimums, st.floats(0.01, 1))
def test_a_higher_minimum_adds_no_word(found, minimum, share):
    lower = replace(minimum, at_least=minimum.at_least * share, up_to_s=minimum.up_to_s * share)
    strict = [word.kind.is_spasm_family for word in tell(found, Personal(minimums=(minimum,)))]
    loose = [word.kind.is_spasm_family for word in tell(found, Personal(minimums=(lower,)))]

    assert all(much >= little for little, much in zip(strict, loose, strict=True))


def test_where_nothing_was_confirmed_nothing_is_touched():
    mine = event(peak_g=0.01, wearer="w", sensor="s", detector=DetectorVersion("x", "1", "m"))
    own = Personal(wearer="w", sensor="s", model="m", minimums=(SPASM,))
    others = [replace(mine, wearer="v"), replace(mine, sensor="t"), replace(mine, detector=None)]
    assert Kind.MOVEMENT is apply(mine, own).kind
    assert all(apply(other, own) is other for other in others)
    assert apply(mine, Personal()) is mine


MET = [{"peak_g": 0.12}, {"peak_g": None}, {"peak_g": NAN}, {"peak_g": 0.01, "duration_s": 4.01}]


@pytest.mark.parametrize("met", MET)
def test_what_meets_a_minimum_or_is_unknown_or_lasts_beyond_experience_counts(met):
    found = event(**met)

    assert apply(found, PERSONAL) is found


def test_a_clonus_that_grows_past_its_minimum_rises_to_its_kind_as_a_new_revision():
    found = [event(Kind.CLONUS, Phase.UPDATE, duration_s=d) for d in (1.5, 2.5, 3.5, 70.0)]
    said = [(word.kind, word.revision) for word in tell(found, PERSONAL)]

    assert [(Kind.MOVEMENT, 1)] * 2 + [(Kind.CLONUS, 2)] * 2 == said


def test_a_wavering_number_takes_nothing_back_until_the_end_decides():
    own = Personal(minimums=(Minimum(Kind.SPASM, "confidence", 0.7, up_to_s=9.0),))
    found = [event(phase=p, confidence=c) for p, c in zip(Phase, (0.8, 0.6, 0.6), strict=True)]
    said = [(word.kind, word.revision) for word in tell(found, own)]

    assert [(Kind.SPASM, 0), (Kind.SPASM, 0), (Kind.MOVEMENT, 1)] == said


@given(growing(), personals)
def test_whoever_keeps_the_highest_revision_has_the_latest_word(found, own):
    said = tell(found, own)
    phases = list(Phase)
    ranks = [(word.revision, phases.index(word.phase), word.duration_s) for word in said]
    assert ranks == sorted(ranks)
    assert all(word.revision >= its.revision for word, its in zip(said, found, strict=True))
    assert all(b.revision > a.revision for a, b in pairwise(said) if a.kind is not b.kind)
    with pytest.raises(ValueError, match="told must be of event 'a'"):
        apply(found[0], own, replace(found[0], id="b"))


GOOD = plain.to_dict(PERSONAL)
FOREIGN = [None, [], {}, {"schema": "personal/2"}, GOOD | {"schema": "personal/3"}]
BAD_FIELDS = [
    *({"version": -1}, {"version": True}, {"version": 1.5}, {"wearer": 3}, {"silent": True}),
    *({"minimums": [1]}, {"minimums": {"spasm": 0.1}}, {"minimums": {"cramp": {}}}),
    *({"previous": "spasm"}, {"minimums": {"movement": GOOD["minimums"]["spasm"]}}),
]

BAD_MINIMUMS = [
    *({"at_least": bad} for bad in (100.0, NAN, INF, 0, -0.1, "0.1", True, None)),
    *({"up_to_s": bad} for bad in (INF, NAN, -1.0, "3")),
    *({"weights": {"offset": 0.0}}, {"quantity": "own_confidence"}),
    *({"more": 1}, {"quantity": "beats"}, {"quantity": "reason"}, {"quantity": ["peak_g"]}),
]


@pytest.mark.parametrize(
    "hostile",
    FOREIGN
    + [GOOD | bad for bad in BAD_FIELDS]
    + [GOOD | {"minimums": {"spasm": GOOD["minimums"]["spasm"] | bad}} for bad in BAD_MINIMUMS],
)
def test_what_no_proposal_would_ask_for_is_refused_in_one_sentence(hostile):
    with pytest.raises(ValueError, match=r"^not a personal/2 object: .+$"):
        plain.from_dict(hostile)


def test_a_file_of_the_first_version_asks_for_what_it_asked_for():
    first = plain.to_dict(PERSONAL) | {"schema": "personal/1"}
    for each in first["minimums"].values():
        del each["weights"]

    assert plain.from_dict(first) == PERSONAL


WEIGHED = Minimum(Kind.SPASM, OWN, 0.2, up_to_s=4.0, weights=Weights(-1.0, (1.0, -2.0, 0.5)))
BAD_WEIGHTS = [
    None,
    {"offset": 0.0},
    {"offset": 0.0, "confidence": 1.0, "rms_g": NAN, "turn_deg": 0.0},
    {"offset": 0.0, "confidence": 1.0, "rms_g": 31.0, "turn_deg": 0.0},
    {"offset": 0.0, "confidence": 1.0, "rms_g": "0", "turn_deg": 0.0},
    {"offset": 0.0, "confidence": 1.0, "rms_g": 0.0, "rhythm_hz": 0.0},
]


@pytest.mark.parametrize("bad", BAD_WEIGHTS)
def test_weights_are_those_of_the_kind_and_within_reason(bad):
    good = plain.to_dict(Personal(minimums=(WEIGHED,)))
    assert plain.from_dict(good).minimums == (WEIGHED,)

    spasm = good["minimums"]["spasm"] | {"weights": bad}
    with pytest.raises(ValueError, match=r"weights|number"):
        plain.from_dict(good | {"minimums": {"spasm": spasm}})


def test_what_labels_say_of_an_event_is_said_in_words():
    own = Personal(minimums=(WEIGHED,))
    strong = event(rms_g=0.3, confidence=0.4)

    assert "own minimum of 20.0% likely by their own labels" in worded(apply(strong, own)).reason
    assert apply(event(rms_g=0.02, confidence=0.4), own).kind is Kind.SPASM
