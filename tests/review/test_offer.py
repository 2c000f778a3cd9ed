"""An offer says what it would do, is of this wearer's labels alone, and holds only after a yes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.alerts.commands import SaidKind
from detector.errors import ConfigError
from detector.events import DetectorVersion, Event, Kind
from detector.recognition.personal.minimums import Minimum, Personal, apply, kind_found, to_dict
from detector.recognition.personal.tuning import LEAST_LABELS, LEAST_NIGHTS
from detector.recognition.rules.reason import Reason, because
from detector.review.deciding import said_yes, undone
from detector.review.gathering import ReviewedNights
from detector.review.minimums_file import NAME, read_minimums
from detector.review.offer import PREVIEWED, as_found, offer_json, offer_of, scoped
from detector.store.said_labels import SaidLabel
from detector.words.tuning import no_offer_words

from .made import MODEL, WEARER, spasm

AT = datetime(2026, 11, 30, 8, tzinfo=UTC)
OWN = Personal(wearer=WEARER, sensor="left-calf", model=MODEL.model)
FIRST = date(2026, 11, 10)


def known(nights: int = 9, each: int = 6, labelled: int = 5, **more: object) -> ReviewedNights:
    """Return weak real ones and strong false ones of some nights; the last of each unlabelled."""
    rng = np.random.default_rng(3)
    events: dict[date, tuple[Event, ...]] = {}
    labels: dict[str, SaidLabel] = {}
    for night in range(nights):
        some = []
        for n in range(each):
            real, name = n % 2 == 0, f"n{night}e{n}"
            rms_g = rng.uniform(0.02, 0.05) if real else rng.uniform(0.15, 0.4)
            at = 86400.0 * night + 60.0 * n
            some.append(spasm(name, at, rms_g=round(float(rms_g), 3), **more))
            if n < labelled:
                said = SaidKind.CLONUS if real and n else SaidKind.SPASM
                labels[name] = SaidLabel("anna", said if real else SaidKind.NOT_A_SPASM)
        events[FIRST + timedelta(days=night)] = tuple(some)
    return ReviewedNights(events, labels)


def published(some: ReviewedNights, own: Personal) -> ReviewedNights:
    """Return the nights as they are told and kept where these minimums held."""
    told = {day: tuple(apply(each, own) for each in events) for day, events in some.events.items()}
    return ReviewedNights(told, some.labels)


def test_the_preview_counts_what_the_minimums_do_to_the_last_nights():
    nights = known()
    offer = offer_of(nights, OWN)

    assert len(offer.proposals) == 1
    assert (offer.labels, offer.nights, offer.elsewhere) == (45, 9, 0)
    assert [each.evening for each in offer.preview] == [*nights.events][-PREVIEWED:]
    for each in offer.preview:
        events = nights.events[each.evening]
        assert each.now == len(events)
        assert each.then == sum(apply(one, offer.then).kind is Kind.SPASM for one in events)
        assert each.then < each.now
    json.dumps(offer_json(offer, applied=False), allow_nan=False)


def test_what_was_held_back_is_weighed_and_previewed_as_it_was_found():
    offer = offer_of(known(), OWN)
    again = offer_of(published(known(), offer.then), OWN)

    assert again.then == offer.then
    assert again.preview == offer.preview
    settled = offer_of(published(known(), offer.then), offer.then)
    assert settled.proposals == ()
    assert [each.now for each in settled.preview] == [each.then for each in offer.preview]


@given(
    st.sampled_from([Kind.SPASM, Kind.CLONUS, Kind.TURN]),
    st.floats(0.01, 1.0),
    st.booleans(),
)
def test_an_event_as_it_was_found_has_its_kind_and_facts_again(kind, peak_g, with_facts):
    facts = because(Reason.TURN, settled_deg=20.0) if with_facts else {}
    event = spasm("e1", kind=kind, peak_g=peak_g, facts=facts)
    minimums = (
        Minimum(Kind.CLONUS, "peak_g", 0.5, up_to_s=9.0),
        Minimum(Kind.SPASM, "peak_g", 0.5, up_to_s=9.0),
    )
    held = apply(event, Personal(minimums=minimums))
    found = as_found(held)

    assert (held.held_back is not None) == (kind is not Kind.TURN and peak_g < 0.5)
    assert (found.kind, found.held_back, found.facts) == (kind, None, facts)
    assert kind_found(held) is kind


@pytest.mark.parametrize(
    "more",
    [
        {"wearer": "another234"},
        {"sensor": "right-calf"},
        {"detector": DetectorVersion("spasmwatch", "0.1.0", "rules-v1")},
    ],
)
def test_labels_of_another_wearer_sensor_or_model_propose_nothing_and_are_counted(more):
    offer = offer_of(known(**more), OWN)

    assert (offer.proposals, offer.then) == ((), OWN)
    assert (offer.labels, offer.nights, offer.elsewhere) == (0, 0, 45)


@given(st.integers(0, 9), st.integers(0, 6))
def test_too_few_labels_or_nights_propose_nothing_and_say_how_many_are_missing(nights, labelled):
    offer = offer_of(known(nights, labelled=labelled), OWN)
    labels = nights * labelled
    reviewed = nights if labelled else 0

    assert offer.missing_labels == max(0, LEAST_LABELS - labels)
    assert offer.missing_nights == max(0, LEAST_NIGHTS - reviewed)
    missing = offer.missing_labels, offer.missing_nights
    if any(missing):
        assert offer.proposals == ()
        words = no_offer_words(offer.labels, offer.nights, missing, offer.others)
        for count in missing:
            assert not count or f" {count} " in words
        assert words.endswith("missing.")
        assert words.count(".") == 1, "one sentence"


def test_who_says_yes_gets_what_they_saw_and_undo_gives_back_every_byte_of_before(tmp_path):
    offer = offer_of(known(), OWN)
    assert not (tmp_path / NAME).exists()
    assert said_yes(tmp_path, offer, by="anna", at=AT) == offer.then
    kept = read_minimums(tmp_path)
    assert (kept.changes[-1].by, kept.changes[-1].at) == ("anna", AT)
    assert kept.changes[-1].why[0].startswith("For spasm ask for ")

    back = undone(tmp_path, by="ben", at=AT + timedelta(days=1))
    assert to_dict(back)["minimums"] == to_dict(OWN)["minimums"]
    assert read_minimums(tmp_path).changes[-1].why == (
        "What anna changed on 2026-11-30 is undone.",
    )
    forth = undone(tmp_path, by="ben", at=AT + timedelta(days=2))
    assert json.dumps(to_dict(forth)["minimums"]) == json.dumps(to_dict(offer.then)["minimums"])
    assert [each.personal.version for each in read_minimums(tmp_path).changes] == [1, 2, 3]


def test_a_yes_to_what_holds_no_longer_changes_nothing(tmp_path):
    offer = offer_of(known(), OWN)
    said_yes(tmp_path, offer, by="anna", at=AT)
    before = (tmp_path / NAME).read_bytes()

    with pytest.raises(ConfigError, match="were changed meanwhile"):
        said_yes(tmp_path, offer, by="ben", at=AT)
    assert (tmp_path / NAME).read_bytes() == before


def test_nobody_goes_back_to_before_the_first_change(tmp_path):
    with pytest.raises(ValueError, match="nothing to go back to"):
        undone(tmp_path, by="anna", at=AT)
    assert not (tmp_path / NAME).exists()


def test_another_sensor_begins_without_minimums_and_versions_go_on():
    then = offer_of(known(), OWN).then
    other = scoped(then, WEARER, "right-calf", MODEL.model)

    assert (other.minimums, other.previous, other.version) == ((), None, then.version)
    assert scoped(then, WEARER, "left-calf", MODEL.model) is then
    assert offer_of(known(), OWN).digest != offer_of(known(), replace(OWN, version=3)).digest
