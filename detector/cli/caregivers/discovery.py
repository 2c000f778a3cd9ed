"""Find out whose night there is to listen to at a broker."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from detector.events import Origin
from detector.mqtt.contract import HEALTH_EXPIRES_S, Availability
from detector.mqtt.link import Link
from detector.store import wearer_file
from detector.terminal.invocation import UsageError, program_name
from detector.words.phrases import sentence

if TYPE_CHECKING:
    from detector.mqtt.endpoint import Endpoint
    from detector.mqtt.properties import Received
    from detector.terminal.output import Output

DISCOVERY_S = 5.0  # a broker sends what is retained at once
SILENT_S = float(HEALTH_EXPIRES_S)  # as for one whose name is known
LOOK_S = 0.2
MOST = 32  # wearers remembered: more than a ward, and a stranger may publish any number
STATES = {
    Availability.ONLINE: "runs",
    Availability.OFFLINE: "gone",
    Availability.STOPPED: "stopped",
}

Wearers = dict[str, Availability]


async def discover(
    out: Output,
    endpoint: Endpoint,
    prefix: str,
    origin: Origin,
    *,
    ours: bool,
    silent: Callable[[str], None],
) -> str:
    """Return the wearer whose night runs, or was lost, at a broker; wait until there is one.

    Parameters
    ----------
    ours : no broker is configured, so that `run` on this computer brings it
    silent : called once with the reason when there was none for as long as a service may be silent;
        not where a person has stopped it

    Raises
    ------
    UsageError
        There are several.
    """
    found: Wearers = {}
    simulated: Wearers = {}
    link = Link(endpoint, f"spasmwatch-looking-{socket.gethostname()}"[:60])
    apart = "" if origin is Origin.LIVE else f"{origin}/"
    await link.subscribe(f"{prefix}/{apart}+/availability", lambda got: _note(found, got))
    if origin is Origin.LIVE:
        topics = f"{prefix}/{Origin.SIMULATED}/+/availability"
        await link.subscribe(topics, lambda got: _note(simulated, got))
    running = asyncio.create_task(link.run())
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    waits = hinted = told = False
    try:
        while Availability.ONLINE not in found.values():
            waited_s = loop.time() - began_s
            if waited_s >= DISCOVERY_S:
                if Availability.OFFLINE in found.values():
                    break  # its receiver alarms at once
                why = await _why(link, ours=ours, stopped=bool(found))
                if not waits:
                    out.say(f"{sentence(why)} Waiting …")
                waits = True
                if Availability.ONLINE in simulated.values() and not hinted:
                    hinted = True
                    out.say(f"A simulated night runs there: {program_name()} listen --simulated")
                if waited_s >= SILENT_S and not found and not told:
                    told = True
                    silent(why)
            await asyncio.sleep(LOOK_S)
        await asyncio.sleep(LOOK_S)  # the others, if there are any
    finally:
        running.cancel()
        await asyncio.wait({running})
    return the_one(found, str(endpoint))


def the_one(found: Wearers, where: str) -> str:
    """Return the only wearer whose night was not stopped.

    Raises
    ------
    UsageError
        There are several.
    """
    left = [each for each in sorted(found) if found[each] is not Availability.STOPPED]
    if len(left) == 1:
        return left[0]
    listed = ", ".join(f"{each} ({STATES[found[each]]})" for each in left)
    raise UsageError(f"There are several wearers at {where}: choose one by --wearer: {listed}")


def _note(found: Wearers, got: Received) -> None:
    """Remember whose topic this is, and what it says; nothing where it is nobody's."""
    whose = re.search(rf"/({wearer_file.ID.pattern})/availability$", got.topic)
    try:
        said = Availability(got.payload.decode())
    except ValueError:
        return
    if whose is not None and (whose[1] in found or len(found) < MOST):
        found[whose[1]] = said


async def _why(link: Link, *, ours: bool, stopped: bool) -> str:
    """Return why nobody was found yet."""
    if link.state.connected and stopped:
        return "a person has stopped it"
    if link.state.connected:
        return f"no spasmwatch is at {link.endpoint} yet: start `{program_name()} run` with it"
    if ours and await _nothing_listens(link.endpoint):
        return f"nothing runs on this computer yet: start `{program_name()} run`"
    return link.state.last_error or f"no answer from {link.endpoint}"


async def _nothing_listens(endpoint: Endpoint) -> bool:
    try:
        async with asyncio.timeout(DISCOVERY_S):
            _, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    writer.close()
    return False
