"""What the page shows, as one small JSON-able value: the same for script, HTML and tests. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

from detector.alert import Alert, AlertClass, AlertState, Level
from detector.alerts.response import NOT_A_SPASM
from detector.alerts.rules import BUTTON
from detector.alerts.withdrawn import saying_of
from detector.channels import EntryKind
from detector.events import Kind
from detector.status import WORDS, Snapshot, StateWord, Status, Vitals, to_dict
from detector.store.diary import Diary, Line
from detector.web.tonight.payload import (
    MOST_ALERTS,
    MOST_HAPPENED,
    MOST_MARKS,
    AlertShown,
    HappenedShown,
    HeardBy,
    PageView,
    percent,
    tenths,
)
from detector.web.tonight.timeline import timeline
from detector.words.hearers import Hearers, heard_words
from detector.words.phrases import count_words, length, one_line, sentence
from detector.words.screens import alert_title, happened_words, place_words
from detector.words.states import mark_of

WHOLE_MIN = 60.0

_BY_ITSELF = {
    "made_ms", "at", "data_age_s", "rate_hz", "watched", "sentence", "detail", "timeline",
}  # fmt: skip
"""Of a view, what changes by time alone: pages get it with the next view that is due anyway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What the service shows at a moment, beside its log.

    at : the moment
    made_ms : the same by a clock that is never set
    label : whose night it is, as the settings call the wearer
    sensors : labels
    hung : why the service itself cannot be believed, None where it can
    remark : what holds for all of the night, such as that it is a learning night
    others : which other wearers need somebody, in a line
    hearers : who hears alerts
    """

    at: datetime
    made_ms: int
    snapshot: Snapshot
    vitals: Vitals
    label: str
    sensors: tuple[str, ...]
    zone: tzinfo | None = None
    hung: str | None = None
    remark: str = ""
    others: str = ""
    hearers: Hearers = field(default_factory=Hearers)


def view_of(scene: Scene, diary: Diary) -> PageView:
    """Return what the page shows."""
    status = scene.snapshot.status
    if scene.hung is not None:
        status = Status(StateWord.NO_SIGNAL, why=scene.hung)
    events = diary.events(scene.at)
    alerts = in_order(scene.snapshot.open_alerts)
    detail = _detail(status, scene, diary)
    picture = timeline(diary.spans(scene.at), events[-MOST_MARKS:], scene.at, scene.zone)
    return {
        "schema": "page/1",
        **to_dict(status),
        "n": diary.n,
        "made_ms": scene.made_ms,
        "at": f"{scene.at.astimezone(scene.zone):%H:%M}",
        "label": one_line(scene.label),
        "sensors": [place_words(label) for label in scene.sensors],
        "shape": mark_of(status),
        "sentence": f"{sentence(status.words)} {detail}".strip(),
        "detail": detail,
        "lost": WORDS[StateWord.NO_SIGNAL],
        "data_age_s": tenths(scene.vitals.data_age_s),
        "battery_percent": percent(scene.vitals.battery_percent),
        "rate_hz": tenths(scene.vitals.rate_hz),
        "watched": _watched(scene.snapshot.monitored_s),
        "remark": scene.remark,
        "others": scene.others,
        "heard": _heard(scene.hearers, scene.zone),
        "counts": count_words(scene.snapshot.counts, scene.snapshot.contexts),
        "alerts": [_alert(alert, scene, diary) for alert in alerts[:MOST_ALERTS]],
        "more_alerts": max(0, len(alerts) - MOST_ALERTS),
        "timeline": picture,
        "happened": [_happened(line, scene) for line in diary.lines()[:MOST_HAPPENED]],
    }


def lasting(view: PageView) -> dict[str, object]:
    """Return a view without what changes by itself: where two are equal, there is no news."""
    return {name: value for name, value in view.items() if name not in _BY_ITSELF}


def _detail(status: Status, scene: Scene, diary: Diary) -> str:
    """Return what there is to say beside the state's own word."""
    why = sentence(one_line(status.why)) if status.why else ""
    match status.watch:
        case StateWord.WATCHING:
            return f"{_quiet(scene, diary)} {why}".strip()
        case StateWord.SPASM:
            return f"This is going on now, and is likely, not certain. {why}".strip()
        case StateWord.PAUSED:
            return f"Until then no alert wakes anybody. {why}".strip()
        case StateWord.NO_SIGNAL:
            return why


def _quiet(scene: Scene, diary: Diary) -> str:
    """Return how long ago the last likely spasm was."""
    ends = [
        event.end or (event.onset or scene.at) + timedelta(seconds=event.duration_s)
        for event in diary.events(scene.at)
    ]
    if ends:
        return f"Quiet for {roughly((scene.at - max(ends)).total_seconds())}."
    if scene.snapshot.monitored_s < WHOLE_MIN:
        return "The night has just begun."
    return "No likely spasm so far."


def roughly(seconds: float) -> str:
    """Return a length in whole minutes: on a screen that is watched, seconds only flicker."""
    if seconds < WHOLE_MIN:
        return "less than a minute"
    return length(seconds // WHOLE_MIN * WHOLE_MIN)


def _watched(seconds: float) -> str:
    return "less than a minute" if seconds < WHOLE_MIN else roughly(seconds)


def in_order(alerts: Sequence[Alert]) -> list[Alert]:
    """Return alerts with the most urgent first, what nobody has answered before the others."""
    order = list(Level)
    return sorted(
        alerts,
        key=lambda alert: (
            alert.state in _ANSWERED,
            order.index(alert.level),
            -alert.raised_at.timestamp() if alert.raised_at else 0.0,
        ),
    )


_ANSWERED = {AlertState.ACKNOWLEDGED, AlertState.SNOOZED}


def _alert(alert: Alert, scene: Scene, diary: Diary) -> AlertShown:
    event = diary.event_of(alert.episode)
    since = alert.raised_at
    ago_s = None if since is None else max(0.0, (scene.at - since).total_seconds())
    clinical = alert.alert_class is AlertClass.CLINICAL
    return {
        "id": alert.id,
        "kind": alert.kind,
        "title": alert_title(alert),
        "shape": alert_shape(alert),
        "where": "" if event is None else place_words(event.sensor or ""),
        "reason": reason_words(alert),
        "since": "" if since is None else f"{since.astimezone(scene.zone):%H:%M}",
        "ago": "" if ago_s is None else f"{roughly(ago_s)} ago",
        "level": alert.level,
        "state": alert.state,
        "answer": answer_words(alert, scene.zone),
        "answered": is_answered(alert),
        "count": alert.count,
        "clinical": clinical,
        "event": None if event is None else event.id,
        "movement": clinical and alert.kind != BUTTON and alert.reason != NOT_A_SPASM,
    }


def is_answered(alert: Alert) -> bool:
    """Return whether nobody needs to answer an alert any more."""
    return alert.state is AlertState.ACKNOWLEDGED or alert.level is Level.TEST


def reason_words(alert: Alert) -> str:
    """Return what an alert's reason says beside its title."""
    why = alert.reason.removeprefix(alert.rule or alert.kind).removeprefix(": ")
    return sentence(one_line(why)) if why else ""


def alert_shape(alert: Alert) -> str:
    """Return the mark of an alert."""
    if alert.alert_class is AlertClass.TECHNICAL:
        return "✕"
    return "◆" if alert.kind == Kind.CLONUS else "▲"


def answer_words(alert: Alert, zone: tzinfo | None) -> str:
    """Return who has answered an alert, and how."""
    by = alert.by or "somebody"
    match alert.state:
        case AlertState.ACKNOWLEDGED:
            return f"{by} is on it."
        case AlertState.SNOOZED:
            until = "" if alert.until is None else f" until {alert.until.astimezone(zone):%H:%M}"
            return f"Put off{until} by {by}."
        case AlertState.ESCALATED:
            return "Nobody has answered yet. More people are told."
        case _:
            return "Nobody has answered yet."


def _heard(hearers: Hearers, zone: tzinfo | None) -> HeardBy:
    return {
        "words": heard_words(hearers, zone),
        "anybody": hearers.anybody,
        "receivers": list(hearers.receivers),
        "phones": [
            {
                "name": phone.name,
                "told": phone.since is None,
                "since": None if phone.since is None else f"{phone.since.astimezone(zone):%H:%M}",
                "why": phone.why or None,
                "quiet": phone.quiet,
            }
            for phone in hearers.phones
        ],
        "pages": hearers.pages,
        "home_assistant": hearers.home_assistant,
        "sounds": hearers.sounds,
    }


def _happened(line: Line, scene: Scene) -> HappenedShown:
    by, said, said_at = saying_of(line.body) or (None, None, None)
    return {
        "n": line.n,
        "at": f"{line.at.astimezone(scene.zone):%H:%M}",
        "kind": line.kind,
        "event": line.body.get("id") if line.kind is EntryKind.EVENT else None,
        "words": one_line(happened_words(line.kind, line.body, scene.zone)),
        "by": by,
        "said": said,
        "said_at": said_at,
    }
