"""What is told of the computer's clocks, and that no clock makes retention delete a night."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.alerts.conditions import Condition
from detector.release import RELEASED
from detector.service.checks.clock_check import ClockCheck
from detector.service.checks.troubles import CALM_S, Troubles
from detector.service.persistence.places import DataFolder
from detector.service.persistence.retention import expired

S = 1_000_000_000
HOUR, YEAR = 3600, 365 * 24 * 3600
NOW = datetime(2026, 11, 28, 22, tzinfo=UTC)
NOW_NS = round(NOW.timestamp()) * S
steps_s = st.sampled_from([HOUR, -HOUR, YEAR, 3, -3]) | st.integers(3, 10 * YEAR)


@dataclass
class SetClocks:
    """The clocks of a computer, as the test sets them."""

    mono: int = 1000 * S
    awake: int = 900 * S
    utc: int = NOW_NS

    def mono_ns(self) -> int:
        return self.mono

    def awake_ns(self) -> int:
        return self.awake

    def utc_ns(self) -> int:
        return self.utc

    def run(self, seconds: float, *, set_by_s: float = 0.0, slept_s: float = 0.0) -> None:
        self.mono += round((seconds + slept_s) * S)
        self.awake += round(seconds * S)
        self.utc += round((seconds + slept_s + set_by_s) * S)


def holding(check: ClockCheck) -> dict[str, str]:
    return {name: why for name, why in check.troubles().items() if why is not None}


@given(st.lists(st.floats(0.2, 600), max_size=50), st.floats(-0.002, 0.002))
def test_clocks_that_are_kept_and_corrected_slowly_are_no_trouble(ticks_s, drift):
    """NTP corrects by 0.05 % at most; ten minutes of it between two ticks are 0.3 s."""
    clocks = SetClocks()
    check = ClockCheck(clocks)
    for tick_s in ticks_s:
        clocks.run(tick_s, set_by_s=tick_s * drift)
        assert holding(check) == {}


@given(steps_s, st.floats(0, 86_400))
def test_a_step_is_told_once_with_its_size_and_calms_by_itself(step_s, tick_s):
    clocks, troubles = SetClocks(), Troubles()
    check = ClockCheck(clocks)
    clocks.run(tick_s, set_by_s=step_s)
    [(name, why)] = holding(check).items()
    changes = [troubles.note(name, why, clocks.mono)]
    for _ in range(round(CALM_S) + 1):
        clocks.run(1)
        changes.append(troubles.note(name, check.troubles()[name], clocks.mono))

    assert name == Condition.CLOCK_STEPPED
    assert ("set ahead by" if step_s > 0 else "set back by") in why
    assert changes.count(True) == 2, "it begins and is over"
    assert name not in troubles


@pytest.mark.parametrize(
    ("step_s", "size"),
    [(HOUR, "ahead by 1 h"), (-HOUR, "back by 1 h"), (YEAR, "ahead by 365 days"), (-3, "by 3.0 s")],
)
def test_the_size_of_a_step_is_one_a_person_reads(step_s, size):
    clocks = SetClocks()
    check = ClockCheck(clocks)
    clocks.run(1, set_by_s=step_s)
    assert size in holding(check)[Condition.CLOCK_STEPPED]


def test_a_computer_without_a_clock_of_its_own_is_told_until_the_time_comes():
    clocks = SetClocks(utc=60 * S)
    check = ClockCheck(clocks)
    assert list(holding(check)) == [Condition.CLOCK_IMPLAUSIBLE]
    assert "1970-01-01" in holding(check)[Condition.CLOCK_IMPLAUSIBLE]
    clocks.run(1, set_by_s=NOW_NS / S)
    assert list(holding(check)) == [Condition.CLOCK_STEPPED], (
        "from then on it is right, and was set"
    )
    clocks.run(1)
    assert holding(check) == {}


def test_a_sleep_is_told_with_its_length_and_is_no_step():
    clocks = SetClocks()
    check = ClockCheck(clocks)
    clocks.run(1, slept_s=3 * HOUR)
    [(name, why)] = holding(check).items()
    assert (name, "slept for 3 h 0 min: nothing was watched" in why) == (Condition.SLEPT, True)
    clocks.run(1)
    assert holding(check) == {}


@pytest.mark.parametrize("step_s", [HOUR, -HOUR, YEAR, -YEAR // 2])
def test_a_step_while_nobody_watched_is_told_at_the_start(step_s):
    clocks = SetClocks()
    before_ns = clocks.mono, clocks.utc
    clocks.run(120, set_by_s=step_s)
    assert Condition.CLOCK_STEPPED in holding(
        ClockCheck(clocks, before_ns=before_ns, same_boot=True)
    )
    clocks.mono = 5 * S  # started anew
    told = holding(ClockCheck(clocks, before_ns=before_ns, same_boot=False))
    assert (Condition.CLOCK_STEPPED in told) == (step_s < 0), (
        "ahead, it may have been off for so long"
    )


@given(
    nights=st.integers(1, 40),
    there=st.integers(1, 40),
    clock=st.sampled_from([0, YEAR, -YEAR, HOUR, -HOUR]) | st.just(-NOW_NS // S + 60),
)
def test_no_clock_makes_retention_delete_more_than_one_night_more(
    tmp_path_factory, nights: int, there: int, clock: int
):
    """However it is set, the newest nights stay, and so does the one that is watched."""
    place = DataFolder(tmp_path_factory.mktemp("data"))
    place.nights.mkdir()
    full = min(there, nights)
    for age in range(1, full + 1):
        (place.nights / f"{NOW.date() - timedelta(days=age)}.sqlite").touch()
    began = place.new_recording(NOW + timedelta(seconds=clock))
    began.touch()
    doomed = expired(place.nights, nights=nights, current=began.stem[:10])

    assert began not in doomed
    assert len(doomed) <= 1
    if doomed:
        assert doomed == [min(place.nights.iterdir(), key=lambda path: path.name)]


def test_a_night_that_begins_in_1970_is_not_the_first_to_be_deleted(tmp_path: Path):
    place = DataFolder(tmp_path)
    place.nights.mkdir()
    assert place.new_recording(datetime(1970, 1, 1, tzinfo=UTC)).stem == str(RELEASED)
    for age in (1, 2, 3):
        (place.nights / f"{NOW.date() - timedelta(days=age)}-left.sqlite").touch()
    lost = place.new_recording(datetime(1970, 1, 1, tzinfo=UTC))
    lost.touch()
    tonight = place.new_recording(NOW)
    doomed = expired(place.nights, nights=3, current=tonight.stem)

    assert lost.stem == str(date(2026, 11, 27))
    assert [path.name for path in doomed] == ["2026-11-25-left.sqlite"]
    assert tonight.stem == "2026-11-28"
