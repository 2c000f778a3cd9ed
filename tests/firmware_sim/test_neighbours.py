"""Others on the air, alike or not, keep nobody from the sensor; both ends in virtual time."""

from __future__ import annotations

import pytest

from firmware_sim.faults import Clone, LinkDrop, Neighbours


def test_two_hundred_neighbours_do_not_hide_the_sensor(watched):
    heard = watched(neighbours=Neighbours(200), duration_s=20)

    heard.assert_nothing_lost()
    assert heard.up[0][0] < 3


@pytest.mark.parametrize("sends", ["nothing", "other motion"])
def test_a_stronger_clone_is_ignored_when_the_sensor_is_pinned_by_its_address(watched, sends):
    heard = watched(Clone(20, sends), LinkDrop(20, 5), device="address")

    assert {address for _, address in heard.up} == {"C0:5E:3F:2A:1C:29"}
    assert heard.status.sessions == 2
    heard.assert_placed_truly()


def test_a_silent_clone_costs_time_and_not_the_night(watched):
    heard = watched(Clone(20, "nothing"))

    assert [address for _, address in heard.up] == ["C0:5E:BF:2A:1C:29", "C0:5E:3F:2A:1C:29"]
    assert heard.began_s < 30
    heard.assert_placed_truly()


def test_a_sensor_that_has_streamed_is_not_left_for_its_clone(watched):
    heard = watched(Clone(-20, "other motion"), LinkDrop(20, 20))

    assert {address for _, address in heard.up} == {"C0:5E:3F:2A:1C:29"}
    heard.assert_placed_truly()
