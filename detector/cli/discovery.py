"""Find out whose night there is to listen to at a broker."""

from __future__ import annotations

import asyncio
import re
import socket
from typing import TYPE_CHECKING

from detector.events import Origin
from detector.mqtt.contract import Availability
from detector.mqtt.link import Link
from detector.terminal.invocation import UsageError, program_name
from detector.words.phrases import sentence

if TYPE_CHECKING:
    from detector.mqtt.endpoint import Endpoint
    from detector.mqtt.session import Received
    from detector.terminal.output import Output

DISCOVERY_S = 5.0  # a broker sends what is retained at once
MOST = 32  # wearers remembered: more than a ward, and a stranger may publish any number
STATES = {
    Availability.ONLINE: "runs",
    Availability.OFFLINE: "gone",
    Availability.STOPPED: "stopped",
}

Wearers = dict[str, Availability]


async def discover(
    out: Output, endpoint: Endpoint, prefix: str, origin: Origin, *, ours: bool
) -> str:
    """Return the wearer that a broker has something of; wait until there is one.

    Parameters
    ----------
    ours : no broker is configured, so that `run` on this computer brings it

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
    waits = hinted = False
    try:
        while not found:
            try:
                async with asyncio.timeout(DISCOVERY_S):
                    await link.connected()
                    while not found:
                        await asyncio.sleep(0.2)
            except TimeoutError:
                if not waits:
                    out.say(f"{sentence(await _why(link, ours=ours))} Waiting …")
                waits = True
                if Availability.ONLINE in simulated.values() and not hinted:
                    hinted = True
                    out.say(f"A simulated night runs there: {program_name()} listen --simulated")
        await asyncio.sleep(0.2)  # the others, if there are any
    finally:
        running.cancel()
        await asyncio.wait({running})
    return the_one(found, str(endpoint))


def the_one(found: Wearers, where: str) -> str:
    """Return the only wearer, or the only one whose night was not stopped.

    Raises
    ------
    UsageError
        There are several.
    """
    left = [each for each in sorted(found) if found[each] is not Availability.STOPPED]
    if len(left) == 1:
        return left[0]
    if len(found) == 1:
        return next(iter(found))
    listed = ", ".join(f"{each} ({STATES[found[each]]})" for each in left or sorted(found))
    raise UsageError(f"There are several wearers at {where}: choose one by --wearer: {listed}")


def _note(found: Wearers, got: Received) -> None:
    """Remember whose topic this is, and what it says; nothing where it is nobody's."""
    whose = re.search(r"/([a-z2-7]{10})/availability$", got.topic)
    try:
        said = Availability(got.payload.decode())
    except ValueError:
        return
    if whose is not None and (whose[1] in found or len(found) < MOST):
        found[whose[1]] = said


async def _why(link: Link, *, ours: bool) -> str:
    """Return why nobody was found yet."""
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
