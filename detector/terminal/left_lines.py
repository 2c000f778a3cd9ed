"""What the last night left, as lines of a terminal. Pure."""

from __future__ import annotations

from datetime import datetime, tzinfo

from detector import plain_json
from detector.channels import Entry
from detector.service.persistence.last_night import LastNight
from detector.words.phrases import counted, harmless, one_line, summary
from detector.words.screens import alert_title, happened_words

OPEN_MOST = 3  # open alerts that are named; the others are counted


def left_lines(left: LastNight, zone: tzinfo | None = None) -> list[str]:
    """Return its counts, the alerts that nobody ended, and what was logged last."""
    lines: list[str] = []
    if left.evening is not None:
        lines.append(f"The last night, {left.evening}: {summary(left.events)}")
    for alert in left.open_alerts[:OPEN_MOST]:
        since = "" if alert.raised_at is None else f" since {_moment(alert.raised_at, zone)}"
        lines.append(f"Left open{since}: {alert_title(alert)}")
    if len(left.open_alerts) > OPEN_MOST:
        lines.append(f"and {counted(len(left.open_alerts) - OPEN_MOST, 'more open alert')}")
    if left.last is not None:
        lines.append(f"Last entry, {_moment(left.last.at, zone)}: {_words(left.last, zone)}")
    return [harmless(one_line(line)) for line in lines]


def _words(entry: Entry, zone: tzinfo | None) -> str:
    try:
        body = plain_json.parsed(entry.body)
    except ValueError:
        body = None
    words = happened_words(entry.kind, body, zone) if isinstance(body, dict) else ""
    return words or f"{entry.kind}, number {entry.n}"


def _moment(at: datetime, zone: tzinfo | None) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"
