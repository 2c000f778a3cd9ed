"""A press of a virtual sensor's button reaches the production source over real GATT."""

from __future__ import annotations

import pytest

from detector.devices.profile import ButtonPressed
from firmware_sim.faults import ButtonPress, LinkDrop
from firmware_sim.sensors import SensorPlan
from firmware_sim.wearables.microbit import BUTTON_A, MICROBIT, MicrobitFirmware
from firmware_sim.wearables.open_frame import BUTTON, OPEN_FRAME, OpenFrameFirmware
from firmware_sim.wearables.polar import VERITY_SENSE

from .hearing import SPEED, hear, walk


@pytest.mark.parametrize("model", [MICROBIT, OPEN_FRAME])
def test_each_press_is_heard_and_what_follows_at_once_belongs_to_it(model, tmp_path):
    presses = (ButtonPress(5), ButtonPress(6), ButtonPress(10))
    plan = SensorPlan(model=model, trace=walk(50, 15), speed=SPEED, faults=presses)
    heard = hear(plan, tmp_path)

    assert heard.errors == []
    assert heard.of(ButtonPressed) == [ButtonPressed()] * 2
    assert heard.clock.gap_count == 0


@pytest.mark.parametrize(("model", "told"), [(MICROBIT, 0), (OPEN_FRAME, 1)])
def test_a_press_without_a_link_is_told_with_the_next_by_an_open_frame_alone(model, told, tmp_path):
    drop = LinkDrop(5, 5)
    plan = SensorPlan(
        model=model, trace=walk(50, 25), speed=5, faults=(ButtonPress(7),), drops=(drop,)
    )

    assert len(hear(plan, tmp_path).of(ButtonPressed)) == told


def test_a_sensor_without_a_button_ignores_it(tmp_path):
    trace = walk(52, 8)
    plan = SensorPlan(model=VERITY_SENSE, trace=trace, speed=SPEED, faults=(ButtonPress(3),))
    heard = hear(plan, tmp_path)

    assert heard.of(ButtonPressed) == []
    assert len(heard.samples) == len(trace.samples)


def test_a_micro_bit_keeps_what_it_said_last():
    firmware = MicrobitFirmware(50)
    firmware.press(down=True)
    assert firmware.read(BUTTON_A) == b"\0", "nobody had subscribed"
    firmware.listened(BUTTON_A, on=True)
    [say] = firmware.press(down=True)
    firmware.link_lost()
    assert firmware.press(down=False) == []
    assert firmware.read(BUTTON_A) == say.data == b"\1"


def test_an_open_frame_tells_a_press_once():
    firmware = OpenFrameFirmware(50)
    firmware.press(down=True)
    firmware.press(down=False)
    assert [firmware.read(BUTTON), firmware.read(BUTTON)] == [b"\1", b"\0"]
