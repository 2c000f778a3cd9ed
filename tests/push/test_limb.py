"""Laws of what a notification says of the movement that raised its alert."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from detector.alerts.rules import KINDS_OF
from detector.events import Event, Kind, Phase
from detector.push.limb import moved_in
from detector.store.log import of_event

from .alerts import NIGHT, alert

forms = st.builds(
    lambda number, kind, duration_s, episode, over: Event(
        id=f"m{number}",
        kind=kind,
        phase=Phase.END if over else Phase.START,
        onset_s=10.0 * number,
        duration_s=duration_s if over else 0.0,
        onset=NIGHT,
        end=NIGHT + timedelta(seconds=duration_s) if over else None,
        confidence=0.9,
        episode=episode,
        sensor="left-leg",
    ),
    st.integers(0, 5),
    st.sampled_from([Kind.CLONUS, Kind.SPASM, Kind.TWITCH, Kind.TONIC]),
    st.floats(0.1, 600),
    st.sampled_from(["e", "other"]),
    st.booleans(),
)


def entries(told):
    return [of_event(event).entry(n + 1, NIGHT) for n, event in enumerate(told)]


@given(st.lists(forms, max_size=20), st.sampled_from([*KINDS_OF]))
def test_the_duration_is_that_of_the_longest_movement_of_the_kind_that_is_named(told, kind):
    newest = {event.id: event for event in told if event.episode == "e"}
    fitting = [event.duration_s for event in newest.values() if event.kind in KINDS_OF[kind]]
    found = moved_in(entries(told), alert(kind=kind))
    assert found.duration_s == max(fitting, default=None)


@given(st.lists(forms, max_size=20), st.floats(1, 600))
def test_what_begins_later_makes_nothing_of_what_raised_the_alert_shorter(told, lasted_s):
    clonus = Event(
        id="clonus",
        kind=Kind.CLONUS,
        phase=Phase.END,
        onset_s=0.0,
        duration_s=lasted_s,
        onset=NIGHT,
        end=NIGHT + timedelta(seconds=lasted_s),
        confidence=0.9,
        episode="e",
        sensor="left-leg",
    )
    assert (moved_in(entries([clonus, *told]), alert()).duration_s or 0.0) >= lasted_s
    elsewhere = replace(clonus, id="elsewhere", sensor="right-leg")
    assert moved_in(entries([clonus, *told, elsewhere]), alert()).limb is None
