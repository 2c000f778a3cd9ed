"""The whole virtual air: an ether, its sensors and the socket centrals come by."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from firmware_sim.radio import Ether, listening
from firmware_sim.sensors import Announce, SensorPlan, VirtualSensor


@dataclass(frozen=True, slots=True)
class AirPlan:
    """Who is on the air, and where centrals reach it (`unix:PATH` or `tcp:HOST:PORT`)."""

    listen: str
    sensors: tuple[SensorPlan, ...]

    def __post_init__(self) -> None:
        if len({sensor.serial for sensor in self.sensors}) < len(self.sensors):
            raise ValueError("two sensors have the same serial number")


async def serve(plan: AirPlan, announce: Announce) -> None:
    """Keep the air until every sensor has played its trace and switched itself off.

    Announces plain dictionaries, each with an `event`: once `ready` (`address`, `sensors`), then
    for each sensor `link` (`up`, `at_s`, `reason`), `streaming` (`fs`, `range_g`, `at_s`) and
    `finished` (`samples`, `samples_sent`, `frames_sent`, `values_clipped`). `at_s` is the
    sensor's own time since its stream first started.
    """
    ether = Ether()
    async with listening(ether, plan.listen) as address, asyncio.TaskGroup() as lives:
        sensors = [VirtualSensor(sensor, ether, announce) for sensor in plan.sensors]
        for sensor in sensors:
            lives.create_task(sensor.live())
        announce({"event": "ready", "address": address, "sensors": _described(plan)})


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
