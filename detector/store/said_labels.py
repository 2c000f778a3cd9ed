"""What people said that events were, from entries of the log. Pure.

Labels stay apart from events: each is an entry of its own, with who said it and when, and one that
follows another or takes it back leaves it where it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from detector import plain_json
from detector.alert import Alert
from detector.alert import from_dict as alert_of
from detector.alerts.commands import CommandError, LabelEvent, SaidKind, from_dict
from detector.alerts.withdrawn import is_told, withdrawn
from detector.channels import Entry, EntryKind
from detector.events import Event
from detector.words.commands import KIND_WORDS


@dataclass(frozen=True, slots=True)
class SaidLabel:
    """What somebody said that an event was.

    said_at : when, as the log has it; "" where it does not say
    before : what was said of the event before, and holds again once this is taken back
    """

    by: str
    verdict: SaidKind
    said_at: str = ""
    before: SaidKind | None = None

    @property
    def words(self) -> str:
        """The label in words: not a spasm (anna)."""
        return f"{KIND_WORDS[self.verdict]} ({self.by})"


def labels_of(
    events: Iterable[Event], entries: Sequence[Entry], alerts: Iterable[Alert] = ()
) -> dict[str, SaidLabel]:
    """Return the latest label of each event, by id; one of an alert is of all its episode.

    One that was taken back is none.

    Parameters
    ----------
    entries : alerts and labels, in any order
    alerts : others that labels may be of
    """
    ids: set[str] = set()
    episodes: dict[str, list[str]] = defaultdict(list)
    for event in events:
        ids.add(event.id)
        episodes[event.episode or event.id].append(event.id)
    about = {alert.id: alert.episode for alert in alerts if alert.episode is not None}
    said: list[tuple[LabelEvent, str]] = []
    taken_back = withdrawn(entry.body for entry in entries if entry.kind is EntryKind.LABEL)
    for entry in sorted(entries, key=lambda entry: entry.n):
        try:
            body = plain_json.parsed(entry.body)
            if entry.kind is EntryKind.ALERT:
                alert = alert_of(body)
                about |= {} if alert.episode is None else {alert.id: alert.episode}
            elif entry.kind is EntryKind.LABEL and isinstance(told := from_dict(body), LabelEvent):
                at = body.get("said_at")
                if is_told(body, taken_back):
                    said.append((told, at if isinstance(at, str) else ""))
        except (CommandError, ValueError, TypeError):  # of another version
            continue
    labels: dict[str, SaidLabel] = {}
    for told, at in said:
        for name in told.named or episodes.get(about.get(told.alert or "", ""), ()):
            if name in ids:
                known = labels.get(name)
                before = None if known is None else known.verdict
                labels[name] = SaidLabel(told.by, told.verdict, at, before)
    return labels
