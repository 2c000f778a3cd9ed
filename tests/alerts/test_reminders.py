"""An open technical alert is told again after a minute, then every five, as long as it is open."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta

from hypothesis import given
from hypothesis import strategies as st

from detector.alert import AlertClass, AlertState, Level, from_json, to_json
from detector.alerts.reception import must_reach
from detector.alerts.reminders import Reminders
from detector.words.alerts import alert_line

from .open_alert import LOST, NOW

S = 1_000_000_000
SPASM = replace(LOST, id="1", episode="e", alert_class=AlertClass.CLINICAL, kind="spasm")


@given(
    st.lists(st.floats(0.1, 20.0), min_size=100, max_size=300),
    st.floats(-1e8, 1e8),
    st.integers(0, 10**15),
)
def test_it_repeats_after_60_s_then_every_5_min_and_never_stops(ticks_s, wall_s, begun_ns):
    """However often time passes, and whatever the wall clock says."""
    reminders, passed_s, told_s = Reminders(), 0.0, list[float]()
    for n, tick_s in enumerate([0.0, *ticks_s]):
        passed_s += tick_s
        utc = NOW + timedelta(seconds=wall_s * (n % 2))
        mono_ns = begun_ns + round(passed_s * S)
        for alert in reminders.due([LOST, SPASM], mono_ns, utc):
            assert (alert.id, alert.state, alert.raised_at) == ("0", AlertState.REPEATED, NOW)
            assert alert.level is LOST.level
            told_s.append(passed_s)
        assert reminders.due([LOST, SPASM], mono_ns, utc) == []
    waits_s = [b - a for a, b in zip([0.0, *told_s], told_s, strict=False)]

    assert 60 <= waits_s[0] < 80.1 if waits_s else passed_s < 80
    assert all(300 <= wait_s < 320.1 for wait_s in waits_s[1:])
    assert passed_s - (told_s[-1] if told_s else 0) < 320.1, "it never stops"


def test_what_is_over_is_told_no_more_and_anew_when_it_comes_again():
    reminders = Reminders()
    assert reminders.due([LOST], 0, NOW) == []
    assert len(reminders.due([LOST], 60 * S, NOW)) == 1
    assert reminders.due([], 70 * S, NOW) == []
    again = replace(LOST, id="2")
    assert reminders.due([again], 80 * S, NOW) == []
    assert [a.id for a in reminders.due([again], 140 * S, NOW)] == ["2"]


def test_what_is_absent_is_told_again_as_soon_as_it_is_back():
    """Told through a broker that has just come back, `no broker` would be wrong."""
    reminders = Reminders()
    assert reminders.due([LOST], 0, NOW) == []
    assert reminders.due([LOST], 70 * S, NOW, {"no-signal"}) == []
    assert len(reminders.due([LOST], 71 * S, NOW)) == 1
    assert reminders.begin_again([LOST], 80 * S, NOW, {"no-signal"}) == []
    assert len(reminders.due([LOST], 81 * S, NOW)) == 1


def test_a_repetition_must_reach_somebody_and_is_read_as_what_it_is():
    [told] = Reminders().begin_again([LOST], 0, NOW + timedelta(minutes=6))
    assert from_json(to_json(told)) == told
    assert must_reach(to_json(told))
    assert alert_line(told, UTC) == "22:06:00  STILL OPEN: No signal for 2 min: out of range."


def test_after_a_pause_every_urgent_alert_that_is_open_is_told():
    medium = replace(LOST, id="3", level=Level.MEDIUM)
    told = Reminders().begin_again([LOST, SPASM, medium], 0, NOW)
    assert [alert.id for alert in told] == ["0", "1"]
