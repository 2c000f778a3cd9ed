"""A night's review and an offer of minimums, as the page shows them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

from detector.alerts.commands import LABELLED_MOST, SaidKind
from detector.events import format_utc
from detector.recognition.personal.minimums import Personal
from detector.review.answers import labels_for, last_label
from detector.review.episodes import ReviewEpisode
from detector.review.gathering import KnownReview
from detector.review.offer import TuneOffer
from detector.web.history.nights import title
from detector.words.phrases import length, moment, one_line, sentence
from detector.words.review import OTHER, YES, asked_count, asked_words, others_line
from detector.words.screens import place_words
from detector.words.tuning import (
    elsewhere_words,
    minimums_line,
    no_offer_words,
    preview_words,
    proposal_sentence,
)


def review_view(known: KnownReview, by: str, zone: tzinfo | None) -> dict[str, Any]:
    """Return what the page asks of a night.

    Parameters
    ----------
    by : who looks, and may take back what they said last of it
    """
    night, left = known.night, known.night.unreviewed
    names = {event.id for each in night.episodes for event in each.events}
    undo = last_label(known.entries, by, names)
    rest = labels_for(left, SaidKind.NOT_A_SPASM, by=by)[:1]
    covered = rest[0].named if rest else ()
    return {
        "evening": night.evening.isoformat(),
        "title": title(night.evening),
        "counted": asked_count(len(night.asked), len(left), len(night.episodes)),
        "asked": [_asked(each, zone) for each in night.asked],
        "reviewed": [_reviewed(each, zone) for each in night.episodes if each.label],
        "left": len(left),
        "rest": ",".join(covered),
        "rest_events": len(covered),
        "in_parts": len(covered) == LABELLED_MOST,
        "undo": None if undo is None else format_utc(undo.said),
    }


def offer_view(offer: TuneOffer, own: Personal) -> dict[str, Any]:
    """Return what the page shows of an offer.

    Parameters
    ----------
    own : what holds now, of whichever sensor
    """
    now, then = (sum(getattr(each, when) for each in offer.preview) for when in ("now", "then"))
    missing = offer.missing_labels, offer.missing_nights
    return {
        "digest": offer.digest,
        "proposals": [proposal_sentence(each) for each in offer.proposals],
        "nothing": ""
        if offer.proposals
        else no_offer_words(offer.labels, offer.nights, missing, offer.others),
        "elsewhere": elsewhere_words(offer.elsewhere, offer.now.sensor) if offer.elsewhere else "",
        "preview": [
            {"title": title(each.evening), "now": each.now, "then": each.then}
            for each in offer.preview
        ],
        "previewed": preview_words(now, then, len(offer.preview)) if offer.preview else "",
        "holds": minimums_line(own),
        "may_undo": own.previous is not None,
    }


def _asked(each: ReviewEpisode, zone: tzinfo | None) -> dict[str, Any]:
    other, words = OTHER[each.as_named]
    return {
        **_named(each, zone),
        "question": asked_words(each.kind),
        "facts": _facts(each),
        "others": others_line(len(each.events)),
        "reason": sentence(one_line(each.chief.reason)) if each.chief.reason else "",
        "events": ",".join(each.to_label[:LABELLED_MOST]),
        "answers": [
            {"verdict": str(each.as_named), "words": YES[each.as_named], "key": "y"},
            {"verdict": str(SaidKind.NOT_A_SPASM), "words": "Not a spasm", "key": "n"},
            {"verdict": str(other), "words": words, "key": str(other)[0]},
            {"verdict": str(SaidKind.NOT_SURE), "words": "Not sure", "key": "u"},
        ],
    }


def _reviewed(each: ReviewEpisode, zone: tzinfo | None) -> dict[str, Any]:
    label = each.label
    return {**_named(each, zone), "label": "" if label is None else label.words}


def _named(each: ReviewEpisode, zone: tzinfo | None) -> dict[str, Any]:
    return {
        "id": each.chief.id,
        "kind": str(each.kind),
        "at": moment(each.chief, zone),
        "what": asked_words(each.kind).removesuffix("?"),
        "length": length(each.chief.duration_s),
    }


def _facts(each: ReviewEpisode) -> str:
    chief = each.chief
    facts: Sequence[str] = (
        length(chief.duration_s),
        f"{chief.rhythm_hz:.1f} a second" if chief.rhythm_hz else "",
        one_line(place_words(chief.sensor or "")),
        "held back by your own minimum" if chief.held_back else "",
    )
    return ", ".join(fact for fact in facts if fact)
