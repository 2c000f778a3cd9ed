"""Another wearer as a card of the page: what is heard of them, from whoever says so. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from detector.alert import Alert, AlertClass
from detector.events import Kind
from detector.receiver.follower import Followed
from detector.receiver.news import Absence
from detector.status import StateWord, Status
from detector.web.household.payload import MOST_ALERTS, CardAlert, HouseholdView, WearerCard
from detector.web.tonight.payload import AlertShown, PageView, percent, tenths
from detector.web.tonight.view import (
    alert_shape,
    answer_words,
    in_order,
    is_answered,
    reason_words,
    roughly,
)
from detector.words.phrases import count_words, one_line, sentence
from detector.words.screens import alert_title
from detector.words.states import mark_of

LONGEST = 240  # characters of what another service says
OWN = "own"
"""The own wearer's place in addresses; no wearer's id has three characters."""

NO_KEY = (
    "this page cannot answer for them, as it has no key of theirs: do so on their own page or phone"
)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another wearer.

    trouble : why nothing can be known of them, for a person; None where it can
    by : under which name answers from here are told there; None where there is no key for that
    """

    wearer: str
    label: str
    followed: Followed
    trouble: str | None = None
    by: str | None = None

    @property
    def why_mute(self) -> str:
        """Why nothing can be said to them from here."""
        return self.trouble or NO_KEY


def household_view(own: PageView, others: Sequence[WearerCard]) -> HouseholdView:
    """Return what the page of everybody shows: a card for each, the own one first.

    Parameters
    ----------
    own : the own wearer's view
    others : as `card_of` makes them
    """
    cards = [_own_card(own), *others]
    return {
        "schema": "household/1",
        "n": own["n"],
        "made_ms": own["made_ms"],
        "at": own["at"],
        "lost": own["lost"],
        "cards": cards,
        "summary": _summary(cards),
    }


def lasting(view: HouseholdView) -> list[dict[str, object]]:
    """Return a view without what changes by itself: where two are equal, there is no news."""
    return [
        {name: each for name, each in card.items() if name not in {"data_age_s", "detail"}}
        for card in view["cards"]
    ]


def others_words(others: Sequence[WearerCard]) -> str:
    """Return in a line which others need somebody, for the page of the own wearer."""
    said = []
    for card in others:
        waiting = [alert for alert in card["alerts"] if not alert["answered"]]
        if waiting or card["state"] is StateWord.NO_SIGNAL:
            what = waiting[0]["title"] if waiting else card["words"]
            said.append(sentence(f"{card['label']}: {what}"))
    return " ".join(said)


def card_of(neighbour: Neighbour, at: datetime, zone: tzinfo | None) -> WearerCard:
    """Return the card of another wearer."""
    followed = neighbour.followed
    status = _status(neighbour, zone)
    alerts = in_order(followed.alerts)
    return {
        "wearer": neighbour.wearer,
        "label": one_line(neighbour.label),
        "state": status.watch,
        "words": status.words,
        "shape": mark_of(status),
        "detail": _detail(status),
        "data_age_s": tenths(followed.data_age_s),
        "battery_percent": percent(followed.battery_percent),
        "counts": count_words(followed.counts) if followed.monitored_s is not None else "",
        "alerts": [_alert(each, at, zone) for each in alerts[:MOST_ALERTS]],
        "more": followed.more_alerts or len(alerts) > MOST_ALERTS,
        "answers": neighbour.by is not None and neighbour.trouble is None,
        "note": _note(neighbour),
    }


def _own_card(own: PageView) -> WearerCard:
    return {
        "wearer": OWN,
        "label": own["label"],
        "state": own["state"],
        "words": own["words"],
        "shape": own["shape"],
        "detail": own["detail"],
        "data_age_s": own["data_age_s"],
        "battery_percent": own["battery_percent"],
        "counts": own["counts"],
        "alerts": [_own_alert(alert) for alert in own["alerts"][:MOST_ALERTS]],
        "more": len(own["alerts"]) > MOST_ALERTS or own["more_alerts"] > 0,
        "answers": True,
        "note": "",
    }


def _own_alert(alert: AlertShown) -> CardAlert:
    return {
        "id": alert["id"],
        "title": alert["title"],
        "shape": alert["shape"],
        "where": alert["where"],
        "reason": alert["reason"],
        "since": f"since {alert['since']}, {alert['ago']}" if alert["since"] else "",
        "level": alert["level"],
        "state": alert["state"],
        "answer": alert["answer"],
        "answered": alert["answered"],
        "count": alert["count"],
        "clinical": alert["clinical"],
    }


def _status(neighbour: Neighbour, zone: tzinfo | None) -> Status:
    state = neighbour.followed.state
    why = None if state.why is None else state.why[:LONGEST]
    if neighbour.trouble is not None:
        return Status(StateWord.NO_SIGNAL, why=neighbour.trouble)
    if isinstance(state.word, Absence):
        return Status(StateWord.NO_SIGNAL, why=why or "nothing is heard")
    if state.word is StateWord.PAUSED:
        if state.until is None:
            return Status(StateWord.NO_SIGNAL, why="a pause without an end was told")
        return Status(StateWord.PAUSED, why=why, until=state.until.astimezone(zone))
    if state.word is StateWord.NO_SIGNAL:
        return Status(StateWord.NO_SIGNAL, why=why or "no reason was told")
    clonus = state.word is StateWord.SPASM and neighbour.followed.clonus
    return Status(state.word, why=why, kind=Kind.CLONUS if clonus else None)


def _detail(status: Status) -> str:
    why = sentence(one_line(status.why)) if status.why else ""
    match status.watch:
        case StateWord.WATCHING:
            return why or "All quiet, as far as this page is told."
        case StateWord.SPASM:
            return f"This is going on now, and is likely, not certain. {why}".strip()
        case StateWord.PAUSED:
            return f"Until then no alert wakes anybody. {why}".strip()
        case StateWord.NO_SIGNAL:
            return why


def _note(neighbour: Neighbour) -> str:
    if neighbour.trouble is not None:
        return ""
    if neighbour.by is None:
        return f"Not proven to be from their computer. {sentence(NO_KEY)}"
    return f"Answers from here are told there as {neighbour.by}."


def _alert(alert: Alert, at: datetime, zone: tzinfo | None) -> CardAlert:
    short = replace(
        alert,
        kind=alert.kind[:LONGEST],
        reason=alert.reason[:LONGEST],
        by=None if alert.by is None else alert.by[:LONGEST],
    )
    since = alert.raised_at
    ago_s = None if since is None else max(0.0, (at - since).total_seconds())
    begun = "" if since is None else f"since {since.astimezone(zone):%H:%M}"
    return {
        "id": alert.id[:LONGEST],
        "title": one_line(alert_title(short)),
        "shape": alert_shape(short),
        "where": "",
        "reason": reason_words(short),
        "since": begun if ago_s is None else f"{begun}, {roughly(ago_s)} ago",
        "level": alert.level,
        "state": alert.state,
        "answer": one_line(answer_words(short, zone)),
        "answered": is_answered(alert),
        "count": alert.count,
        "clinical": alert.alert_class is AlertClass.CLINICAL,
    }


def _summary(cards: Sequence[WearerCard]) -> str:
    open_alerts = sum(not alert["answered"] for card in cards for alert in card["alerts"])
    blind = sum(card["state"] is StateWord.NO_SIGNAL for card in cards)
    said = [f"{open_alerts} without an answer" if open_alerts else "No alert waits for an answer"]
    if blind:
        said.append(f"{blind} of {len(cards)} not watched")
    return sentence(", ".join(said))
