"""What page and `status` are sent of the present, as types: the only description of these forms.

mypy checks what is made against them, and `detector.web.schemas` publishes them.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal, TypedDict

from detector.alert import AlertState, Level
from detector.alerts.commands import Taken
from detector.channels import EntryKind
from detector.events import Kind
from detector.fields import Count, Items, Name, Positive, Text, Within
from detector.status import StatusFields
from detector.store.known_night import SpanState
from detector.words.hearers import HomePresence

WIDTH = 1000  # units of the picture from its begin to now

MOST_ALERTS = 20  # on one screen; the others are counted
MOST_HAPPENED = 12
MOST_MARKS = 400  # in a picture of 320 to 1000 pixels

Clock = Annotated[str, Text(r"\d\d:\d\d")]  # in the wearer's time
Place = Annotated[float, Within(0, WIDTH)]
Percent = Annotated[int, Within(0, 100)]


class SpanShown(TypedDict):
    """A span of the picture."""

    state: SpanState
    x: Place
    width: Place


class MarkWords(TypedDict):
    """When an event began, what and where it was, and for how long."""

    time: Annotated[str, Text(r"\d\d:\d\d:\d\d")]
    what: str
    length: str
    where: str


class MarkShown(TypedDict):
    """An event in the picture."""

    id: str
    kind: Kind
    x: Place
    words: MarkWords


class HourShown(TypedDict):
    """A full hour that is named below the picture."""

    x: Place
    words: Clock


class RowShown(TypedDict):
    """A time that was not watched, in words."""

    begin: Clock
    end: Clock
    what: str
    length: str


class TimelineShown(TypedDict):
    """The picture of the last hours as numbers, and the same in words."""

    begin: Clock
    spans: list[SpanShown]
    marks: Annotated[list[MarkShown], Items(most=MOST_MARKS)]
    hours: list[HourShown]
    rows: list[RowShown]


class AlertShown(TypedDict):
    """An open alert."""

    id: str
    kind: str
    title: str
    shape: Name
    where: str
    reason: str
    since: Annotated[str, Text(r"(\d\d:\d\d)?")]
    ago: str
    level: Level
    state: AlertState
    answer: str
    answered: bool
    count: int
    clinical: bool
    event: str | None
    movement: bool


class HappenedShown(TypedDict):
    """An entry of the log as a line.

    `by`, `said` and `said_at` name what can be taken back; they are null for everything else.
    """

    n: int
    at: Clock
    kind: EntryKind
    event: str | None
    words: str
    by: str | None
    said: Taken | None
    said_at: str | None


class PhoneShown(TypedDict):
    """A contact's phone: where it is not told, since when and why; `quiet` has quiet hours now."""

    name: Name
    told: bool
    since: Clock | None
    why: str | None
    quiet: bool


class HeardBy(TypedDict):
    """Who hears alerts.

    `home_assistant` is null where it is not to be told. `sounds` is whether this computer sounds
    what reaches nobody else. `pages` that are open do not count as `anybody`.
    """

    words: Name
    anybody: bool
    receivers: list[Name]
    phones: list[PhoneShown]
    pages: Count
    home_assistant: HomePresence | None
    sounds: bool


class PageView(StatusFields):
    """What the page shows of a night.

    `made_ms` is when it was made, by a clock that is never set: by how much a message is late, a
    page can tell from the others. `others` says which other wearers need somebody.
    """

    schema: Literal["page/1"]
    n: Count
    made_ms: Count
    at: Clock
    label: str
    sensors: list[str]
    shape: Name
    sentence: str
    detail: str
    lost: Name
    data_age_s: Positive | None
    battery_percent: Percent | None
    rate_hz: Positive | None
    watched: str
    remark: str
    others: str
    heard: HeardBy
    counts: str
    alerts: Annotated[list[AlertShown], Items(most=MOST_ALERTS)]
    more_alerts: Count
    timeline: TimelineShown
    happened: Annotated[list[HappenedShown], Items(most=MOST_HAPPENED)]


class PageNow(TypedDict):
    """What another command on this computer is answered."""

    view: PageView
    movement_g: list[float]


class NowPayload(TypedDict):
    """What `spasmwatch status --json` prints.

    `movement_g` is the movement of the last two minutes, as far as it is known.
    """

    schema: Literal["now/1"]
    running: bool
    watching: bool
    why: str | None
    view: PageView | None
    movement_g: list[float]


def tenths(value: float | None) -> float | None:
    """Return what a sensor reports in tenths; None where it is impossible."""
    return round(value, 1) if value is not None and 0 <= value < math.inf else None


def percent(value: float | None) -> int | None:
    """Return a share in whole per cent; None where it is impossible (a battery at 255 %)."""
    return round(value) if value is not None and 0 <= value <= 100 else None
