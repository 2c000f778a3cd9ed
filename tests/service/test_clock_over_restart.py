"""A night's time never goes back over a restart, however far a fast clock had come."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from detector.block import utc_of
from detector.night.night import Night
from detector.service.persistence.resumption import ENDED, NIGHT, ROWS
from detector.sources.clock import ScaledClock
from tests.pin.inputs import sensors

from .left_behind import RULES, House, S, hear, worn

CUT = 150  # items until the kill
AN_HOUR_S = 3600


@pytest.mark.parametrize("ahead_s", [-600, 0, 100, 10 * AN_HOUR_S])
@pytest.mark.parametrize("behind", [0, 100])
def test_a_sped_up_night_goes_on_no_earlier_than_it_was(
    tmp_path: Path, ahead_s: int, behind: int
) -> None:
    """Its last items, which were saved or only recorded, are ahead of the computer's clock."""
    clock = ScaledClock(10.0)
    items = next(each.items for each in sensors() if each.name == "polar-verity-sense-spasms")
    by_ns = clock.utc_ns() - items[CUT].utc_ns + ahead_s * S
    moved = [replace(item, utc_ns=item.utc_ns + by_ns) for item in items[: CUT + 1]]
    before = Night(worn(), rules=RULES)
    hear(before, moved[: CUT - behind + 1])
    left = House(tmp_path, {NIGHT: before.save(), ROWS: [CUT - behind + 1], ENDED: False})
    left.record(worn()[0], moved)

    def now(reached_utc_ns: int) -> tuple[int, int]:
        clock.go_on_from(reached_utc_ns)
        return clock.mono_ns(), clock.utc_ns()

    begun, notes = left.begin(worn(), now)
    alerts = [alert for told in begun.told for alert in told.alerts if alert.at is not None]

    assert notes == []
    assert begun.night.samples > 0, "it is gone on with"
    assert moved[-1].utc_ns <= begun.night.host_ns[1] <= clock.utc_ns()
    assert all(alert.at <= utc_of(clock.utc_ns()) for alert in alerts if alert.at)


def test_a_clock_that_is_ahead_is_not_set_back() -> None:
    clock = ScaledClock(10.0)
    mono_ns, utc_ns = clock.mono_ns(), clock.utc_ns()
    clock.go_on_from(utc_ns - AN_HOUR_S * S)

    assert (clock.mono_ns() >= mono_ns, clock.utc_ns() >= utc_ns) == (True, True)
    clock.go_on_from(utc_ns + AN_HOUR_S * S)
    assert clock.utc_ns() >= utc_ns + AN_HOUR_S * S
    assert clock.mono_ns() >= mono_ns + AN_HOUR_S * S
