"""What people said that events were, from entries of the log. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from detector import plain_json
from detector.alert import from_dict as alert_of
from detector.alerts.commands import CommandError, LabelEvent, SaidKind, from_dict
from detector.alerts.withdrawn import is_told, withdrawn
from detector.channels import Entry, EntryKind
from detector.events import Event
from detector.words.commands import KIND_WORDS


@dataclass(frozen=True, slots=True)
class SaidLabel:
    """What somebody said that an event was."""

    by: str
    verdict: SaidKind

    @property
    def words(self) -> str:
        """The label in words: not a spasm (anna)."""
        return f"{KIND_WORDS[self.verdict]} ({self.by})"


def labels_of(events: Iterable[Event], entries: Sequence[Entry]) -> dict[str, SaidLabel]:
    """Return the latest label of each event, by id; one of an alert is of all its episode.

    One that was taken back is none.

    Parameters
    ----------
    entries : alerts and labels, in any order
    """
    episodes: dict[str, list[str]] = defaultdict(list)
    for event in events:
        episodes[event.episode or event.id].append(event.id)
    about: dict[str, str] = {}  # episodes of alerts, by id
    said: list[LabelEvent] = []
    taken_back = withdrawn(entry.body for entry in entries if entry.kind is EntryKind.LABEL)
    for entry in sorted(entries, key=lambda entry: entry.n):
        try:
            body = plain_json.parsed(entry.body)
            if entry.kind is EntryKind.ALERT:
                alert = alert_of(body)
                about |= {} if alert.episode is None else {alert.id: alert.episode}
            elif entry.kind is EntryKind.LABEL and isinstance(told := from_dict(body), LabelEvent):
                said += [told] if is_told(body, taken_back) else []
        except (CommandError, ValueError, TypeError):  # of another version
            continue
    labels: dict[str, SaidLabel] = {}
    for told in said:
        named = [told.event] if told.event else episodes.get(about.get(told.alert or "", ""), [])
        labels |= {name: SaidLabel(told.by, told.verdict) for name in named}
    return labels
