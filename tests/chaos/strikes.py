"""Strikes from outside: how each happens to a house, and how it is undone."""

from __future__ import annotations

import resource
import signal

from .house import House
from .plan import Strike, What
from .program import SERVICE
from .proxy import Network


async def strike_at(house: House, strike: Strike, began_s: float) -> None:
    """Have a strike happen, and undo it at its end."""
    await house.sleep(began_s + strike.at_s - house.now_s)
    service, program = house.programs[SERVICE], house.programs.get(strike.whom)
    match strike.what:
        case What.KILL_SERVICE:
            service.kill()
            await house.sleep(strike.for_s)
            service.start()
        case What.FREEZE_SERVICE:
            service.send(signal.SIGSTOP)
            service.dark()
            await house.sleep(strike.for_s)
            await _thaw(house)
        case What.KILL_RECEIVER if program is not None:
            program.kill()
            await house.sleep(strike.for_s)
            program.start()
        case What.KILL_BROKER:
            house.kill_broker()
            await house.sleep(strike.for_s)
            house.start_broker()
        case What.FREEZE_BROKER if house.broker is not None:
            house.broker.send_signal(signal.SIGSTOP)
            await house.sleep(strike.for_s)
            house.broker.send_signal(signal.SIGCONT)
        case What.NETWORK:
            house.proxies[strike.whom].network = strike.network
            await house.sleep(strike.for_s)
            house.proxies[strike.whom].network = Network.WORKS
        case What.CLOCK:
            house.clocks.step(round(strike.step_s * 1e9))
        case What.DISK_FULL | What.DISK_REFUSES:
            largest = 0
            if strike.what is What.DISK_FULL:
                files = [p for p in house.data_of(SERVICE).rglob("*") if p.is_file()]
                largest = max((path.stat().st_size for path in files), default=0)
            _limit_files(house, largest)
            await house.sleep(strike.for_s)
            _limit_files(house, resource.RLIM_INFINITY)


async def _thaw(house: House) -> None:
    """Let a frozen service go on; it has 2 s before its screen counts again."""
    service = house.programs[SERVICE]
    process = service.process
    service.send(signal.SIGCONT)
    await house.sleep(2.0)
    if service.process is process and process is not None and process.poll() is None:
        service.light()


def _limit_files(house: House, size: int) -> None:
    """Limit how long a file of the service may be: the disk is full, or refuses every write.

    It holds for a service that is started meanwhile, too.
    """
    house.programs[SERVICE].limit_files(size)


def heal(house: House) -> None:
    """End every strike."""
    for proxy in house.proxies.values():
        proxy.network = Network.WORKS
    assert house.broker is not None
    house.broker.send_signal(signal.SIGCONT)
    if house.broker.poll() is not None:
        house.start_broker()
    for program in house.programs.values():
        program.send(signal.SIGCONT)
        if not program.wanted:
            program.start()
    _limit_files(house, resource.RLIM_INFINITY)
