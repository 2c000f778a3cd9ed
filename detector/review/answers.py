"""What a person answers in a review, as the commands that every screen says. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from detector import plain_json
from detector.alerts.commands import LABELLED_MOST, LabelEvent, SaidKind, Taken, Withdraw
from detector.alerts.withdrawn import is_told, saying_of, withdrawn
from detector.channels import Entry
from detector.events import parse_utc
from detector.review.episodes import ReviewEpisode


def labelled(names: Sequence[str], verdict: SaidKind, *, by: str) -> LabelEvent:
    """Return the label of one event, or of several as one."""
    if len(names) == 1:
        return LabelEvent(by=by, verdict=verdict, event=names[0])
    return LabelEvent(by=by, verdict=verdict, events=tuple(names))


def labels_for(
    episodes: Iterable[ReviewEpisode], verdict: SaidKind, *, by: str
) -> list[LabelEvent]:
    """Return the labels that say the same of episodes: one, but of a very long list."""
    names = [name for each in episodes for name in each.to_label]
    parts = range(0, len(names), LABELLED_MOST)
    return [labelled(names[first : first + LABELLED_MOST], verdict, by=by) for first in parts]


def last_label(
    entries: Iterable[Entry], by: str, about: Collection[str] | None = None
) -> Withdraw | None:
    """Return what takes back the last label of a person; None where they have said none.

    Parameters
    ----------
    entries : labels and what takes them back, in any order
    about : ids of events, one of which it must name; None: any
    """
    known = sorted(entries, key=lambda entry: entry.n, reverse=True)
    taken_back = withdrawn(entry.body for entry in known)
    for entry in known:
        try:
            body = plain_json.parsed(entry.body)
            if not isinstance(body, dict) or not is_told(body, taken_back):
                continue
            saying = saying_of(body)
            if saying is None or saying[0] != by or saying[1] is not Taken.LABEL:
                continue
            several = body.get("events")
            names = {body.get("event"), *(several if isinstance(several, list) else ())}
            moment = parse_utc(saying[2])
        except (ValueError, TypeError):  # a damaged row
            continue
        if moment is not None and (about is None or names & {*about}):
            return Withdraw(by=by, what=Taken.LABEL, said=moment)
    return None
