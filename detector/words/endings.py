"""The last lines of a night: what was watched, missed, found and taken back, what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from shlex import quote

from detector import plain_json
from detector.alert import Alert
from detector.events import Event, EventContext, Kind, announced
from detector.words.alerts import open_words
from detector.words.phrases import (
    ContextCounts,
    count_words,
    counted,
    event_line,
    length,
    sentence,
)

SCHEMA = "night-end/1"

NAMED_MOST = 50  # events that were not kept; a night has fewer
SHORTEST_S = 0.05  # below it a length would be written as 0.0 s
LOSSES = {
    "refused": ("publication", " refused by the broker"),
    "too_long": ("message", " longer than is taken"),
    "commands_refused": ("command", " not obeyed"),
    "readings_dropped": ("notification", " of the sensor without room"),
    "commits_dropped": ("finding", " never stored"),
    "entries_dropped": ("message", " dropped before delivery"),
    "broker_restarts": ("restart", " of the broker"),
}
"""Words for what is counted, singular and what follows. What nobody was there for is not among it:
it is sent again, and what waits is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NightEnd:
    """Figures of a night that is over.

    contexts : likely spasms, twitches apart, by what the wearer did when they began
    waiting : messages that reached nobody
    not_kept : the data folder, where it could not be written
    unkept : events that are on no disk; `zone` is what their times are written in
    went_on : an earlier process began it; its alerts are not among `alerts`
    incomplete : the disk did not take part of what was recorded
    losses : what was refused or dropped, by the names of a heartbeat's counts
    last_refusal : why the latest command was not obeyed
    report : the command that shows its report
    """

    monitored_s: float
    samples: int
    gap_count: int
    longest_gap_s: float
    counts: Mapping[Kind, int]
    alerts: int
    recordings: Sequence[Path]
    open_alerts: Sequence[Alert] = ()
    waiting: int = 0
    not_kept: Path | None = None
    unkept: Sequence[Event] = ()
    zone: tzinfo | None = None
    contexts: ContextCounts = field(default_factory=dict)
    went_on: bool = False
    incomplete: bool = False
    losses: Mapping[str, int] = field(default_factory=dict)
    last_refusal: str | None = None
    report: str = ""


def ending_lines(night: NightEnd, program: str) -> list[str]:
    """Return the night in a few lines, the next command last; `program` is how that is called."""
    if not night.samples:
        nothing = "Night finished. Nothing was watched: the sensor was not heard."
        return [nothing, *_left_words(night)]
    lines = [f"Night finished: {length(night.monitored_s)} watched, {gap_words(night)}."]
    alerts = "Alerts since it went on" if night.went_on else "Alerts"
    lines.append(f"{count_words(night.counts, night.contexts)} {alerts}: {night.alerts}.")
    lines += _left_words(night)
    for path in night.recordings:
        lines.append(f"Recorded in {path}")
    if night.recordings:
        lines.append(f"To see it again: {program} detect {quote(str(night.recordings[0]))}")
    if night.report:
        lines.append(f"How the night went: {night.report}")
    return lines


def ending_json(night: NightEnd) -> str:
    """Return the night as one line of JSON."""
    return plain_json.line({
        "schema": SCHEMA,
        "monitored_s": round(night.monitored_s, 1),
        "samples": night.samples,
        "gaps": night.gap_count,
        "longest_gap_s": round(night.longest_gap_s, 3),
        "counts": {kind.value: count for kind, count in night.counts.items()},
        "contexts": {context.value: night.contexts.get(context, 0) for context in EventContext},
        "alerts": night.alerts,
        "open_alerts": [alert.id for alert in night.open_alerts],
        "messages_waiting": night.waiting,
        "kept": night.not_kept is None,
        "unkept": [event.id for event in night.unkept],
        "recording_incomplete": night.incomplete,
        "losses": dict(night.losses),
        "recordings": [str(path) for path in night.recordings],
    })  # fmt: skip


def _left_words(night: NightEnd) -> list[str]:
    """Return what the night leaves: open alerts, messages that wait, and whether it is kept."""
    lines = open_words(night.open_alerts)
    messages = counted(night.waiting, "message")
    have = "has" if night.waiting == 1 else "have"
    if night.waiting and night.not_kept is not None:
        lines.append(f"{messages} {have} reached nobody.")
    elif night.waiting:
        are = "it is" if night.waiting == 1 else "they are"
        lines.append(f"{messages} {have} reached nobody yet: {are} sent again by the next run.")
    if night.not_kept is not None:
        what = (
            "The events of this night were not" if night.recordings else "Nothing of this night was"
        )
        lines.append(f"{what} kept: {night.not_kept} could not be written.")
    if night.unkept:
        lines.append(f"{counted(len(night.unkept), 'event')} could not be kept on the disk:")
        lines += [f"  {event_line(event, night.zone)}" for event in night.unkept[:NAMED_MOST]]
        more = len(night.unkept) - NAMED_MOST
        lines += [f"  and {more} more"] if more > 0 else []
    if night.incomplete:
        lines.append("The recording is not whole: the disk did not take part of this night.")
    lost = [
        f"{counted(night.losses[name], one)}{more}"
        for name, (one, more) in LOSSES.items()
        if night.losses.get(name)
    ]
    if lost:
        lines.append(sentence(f"not taken or lost: {', '.join(lost)}"))
    if night.last_refusal is not None:
        lines.append(sentence(f"the latest command that was not obeyed: {night.last_refusal}"))
    return lines


def gap_words(night: NightEnd) -> str:
    """Return the number of gaps and the length of the longest."""
    if not night.gap_count:
        return "no gap"
    which = "" if night.gap_count == 1 else "longest "
    longest = "under 0.1 s" if night.longest_gap_s < SHORTEST_S else length(night.longest_gap_s)
    return f"{counted(night.gap_count, 'gap')} ({which}{longest})"


def announced_line(said: Iterable[Event]) -> str:
    """Return how many announcements ("begins …") were taken back, or became another kind of spasm.

    Parameters
    ----------
    said : every form of every event, as they were told
    """
    count = announced(said)
    changes = [
        f"{number} {'was' if number == 1 else 'were'} {what}."
        for number, what in ((count.taken_back, _TAKEN_BACK), (count.renamed, _RENAMED))
        if number
    ]
    if not count.begun:
        return "Announced as they began: none."
    became = " ".join(changes) if changes else "Later findings changed none of them."
    return f"Announced as they began: {count.begun}. {became}"


_TAKEN_BACK = "taken back: the whole movement was no likely spasm"
_RENAMED = "renamed: the whole movement was another kind of spasm"
