"""Later forms of an event, as receivers tell them from earlier ones."""

from __future__ import annotations

from dataclasses import replace

from detector.events import Event, Kind, Phase, relabelled
from detector.recognition.rules.reason import Reason, because


def next_form(before: Event, event: Event) -> Event:
    """Return a form that receivers take for the later one.

    They order them by revision, phase and duration; so another kind, a form after the end,
    and a shorter duration are revisions.
    """
    if event.phase is Phase.START:
        event = replace(event, phase=Phase.UPDATE)
    going_on = replace(before, phase=Phase.UPDATE) if before.phase is Phase.START else before
    if replace(event, revision=before.revision) == going_on:
        return before
    turned = (
        event.kind is not before.kind
        or event.duration_s < before.duration_s
        or before.phase is Phase.END
    )
    return replace(event, revision=max(event.revision, before.revision + turned))


def taken_back(event: Event, heir: str) -> Event:
    """Return that a movement goes on under another id; without an end it is not counted."""
    moved = relabelled(event, Kind.MOVEMENT, because(Reason.SAME_MOVEMENT, event=heir))
    return replace(moved, phase=Phase.UPDATE, grade=None, parts=None, episode=None)
