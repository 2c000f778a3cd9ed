"""The simulator: a virtual radio, its sensors, and the address where centrals connect."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from firmware_sim.ether import Ether
from firmware_sim.faults import Neighbours
from firmware_sim.neighbours import clones_of, idle_neighbours
from firmware_sim.radio import listening
from firmware_sim.sensors import Announce, SensorPlan, VirtualSensor


@dataclass(frozen=True, slots=True)
class AirPlan:
    """The simulated devices, and the address where centrals connect (see `radio.listening`)."""

    listen: str
    sensors: tuple[SensorPlan, ...]
    neighbours: Neighbours | None = None

    def __post_init__(self) -> None:
        everybody = [*self.sensors, *self.clones]
        if len({sensor.serial for sensor in everybody}) < len(everybody):
            raise ValueError("two sensors have the same serial number")

    @property
    def clones(self) -> list[SensorPlan]:
        """Return the clones of all sensors."""
        return [clone for sensor in self.sensors for clone in clones_of(sensor)]


async def serve(plan: AirPlan, announce: Announce) -> None:
    """Run until every sensor has played its trace and switched itself off.

    Announces plain dictionaries, each with an `event`: once `ready` (`address`, `sensors`), then
    for each sensor `link` (`up`, `at_s`, `reason`), `streaming` (`fs`, `range_g`, `at_s`), `fault`
    (`kind`, `at_s`, `on`) and `finished` (`samples`, `samples_sent`, `frames_sent`,
    `values_clipped`). `at_s` is the sensor's own time since its stream first started.
    """
    ether = Ether()
    count = plan.neighbours.count if plan.neighbours else 0
    async with listening(ether, plan.listen) as address, asyncio.TaskGroup() as everybody:
        clones = [VirtualSensor(clone, ether, _say_nothing) for clone in plan.clones]
        with idle_neighbours(ether, count):
            pretending = [everybody.create_task(clone.live()) for clone in clones]
            async with asyncio.TaskGroup() as lives:
                sensors = [VirtualSensor(sensor, ether, announce) for sensor in plan.sensors]
                for sensor in sensors:
                    lives.create_task(sensor.live())
                announce({"event": "ready", "address": address, "sensors": _described(plan)})
            for clone in pretending:
                clone.cancel()


def _say_nothing(_event: dict[str, Any]) -> None:
    """Ignore an event of a clone: only the planned sensors are announced."""


def _described(plan: AirPlan) -> list[dict[str, str | int | float]]:
    return [
        {
            "name": sensor.name,
            "address": sensor.address,
            "model": sensor.model.name,
            "fs": sensor.trace.fs,
            "duration_s": sensor.trace.duration_s,
        }
        for sensor in plan.sensors
    ]
