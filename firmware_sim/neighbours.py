"""Other devices on the virtual radio: advertisers that are not sensors, and clones of sensors."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from bumble import hci

from firmware_sim.attributes import advertisements
from firmware_sim.ether import AirController, Ether
from firmware_sim.faults import Clone
from firmware_sim.playback import Trace
from firmware_sim.sensors import SensorPlan

ADVERTISING_MS = 1000.0
"""Between phones (up to 250 ms) and the tags and lamps of a house (1 to 10 s)."""

STRONGEST_DBM, WEAKEST_DBM = -60, -95
_NAMES = ("", "", "TV", "LE-Headphones", "Bulb", "Scale", "Band", "Tag")  # most have none
_CLONE_BIT = 0x8000_0000  # tells a clone's address from its sensor's


@contextmanager
def idle_neighbours(ether: Ether, count: int, seed: int = 0) -> Iterator[None]:
    """Run this number of advertisers while the context lasts; they answer no connection."""
    loop = asyncio.get_running_loop()
    chance = np.random.default_rng(seed)
    found = [_neighbour(ether, number, chance) for number in range(count)]
    timers = [
        loop.call_later(float(wait_ms) / 1e3, each.le_legacy_advertiser.start)
        for each, wait_ms in zip(found, chance.uniform(0, ADVERTISING_MS, count), strict=True)
    ]
    try:
        yield
    finally:
        for timer in timers:
            timer.cancel()
        for each in found:
            ether.remove_controller(each)


def clones_of(plan: SensorPlan) -> list[SensorPlan]:
    """Return the clones of a sensor."""
    reversed_motion = Trace(plan.trace.samples[::-1], plan.trace.fs)
    return [
        replace(
            plan,
            called=plan.name,
            serial=plan.serial ^ _CLONE_BIT,
            trace=reversed_motion,
            drops=(),
            faults=(),
            rssi_dbm=plan.rssi_dbm + fault.stronger_db,
            silent=fault.sends == "nothing",
        )
        for fault in plan.faults
        if isinstance(fault, Clone)
    ]


def _neighbour(ether: Ether, number: int, chance: np.random.Generator) -> AirController:
    made = AirController(f"neighbour {number}", link=ether)
    made.rssi_dbm = int(chance.integers(WEAKEST_DBM, STRONGEST_DBM))
    octets = bytes((0xC0 | int(chance.integers(64)), *chance.bytes(5)))
    text = ":".join(f"{octet:02X}" for octet in octets)
    made.random_address = hci.Address(text, hci.Address.RANDOM_DEVICE_ADDRESS)
    advertiser = made.le_legacy_advertiser
    advertiser.own_address_type = hci.Address.RANDOM_DEVICE_ADDRESS
    advertiser.advertising_interval_min = round(ADVERTISING_MS * chance.uniform(0.8, 1.2))
    name = str(chance.choice(_NAMES))
    advertiser.advertising_data, _ = advertisements(name and f"{name} {number}", ())
    return made
