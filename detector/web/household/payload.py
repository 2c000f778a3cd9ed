"""What the page of everybody is sent, as types: the only description of this form."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from detector.alert import AlertState, Level
from detector.fields import Count, Items, Name, Positive
from detector.status import StateWord
from detector.web.tonight.payload import Clock, Percent

MOST_ALERTS = 8  # of one wearer; a service names 16


class CardAlert(TypedDict):
    """An open alert of a wearer."""

    id: str
    title: str
    shape: Name
    where: str
    reason: str
    since: str
    level: Level
    state: AlertState
    answer: str
    answered: bool
    count: int
    clinical: bool


class WearerCard(TypedDict):
    """A wearer; `answers` is whether something can be said to them from here."""

    wearer: Name
    label: str
    state: StateWord
    words: Name
    shape: Name
    detail: str
    data_age_s: Positive | None
    battery_percent: Percent | None
    counts: str
    alerts: Annotated[list[CardAlert], Items(most=MOST_ALERTS)]
    more: bool
    answers: bool
    note: str


class HouseholdView(TypedDict):
    """What the page of everybody shows: a card for each wearer, the own one first."""

    schema: Literal["household/1"]
    n: Count
    made_ms: Count
    at: Clock
    lost: Name
    cards: Annotated[list[WearerCard], Items(least=1)]
    summary: str
