"""A Bluetooth adapter on the virtual radio: the central's end of the HCI socket."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar, cast

from bleak.exc import BleakError, BleakGATTProtocolError
from bumble import att, core, hci
from bumble.device import Device
from bumble.transport.common import StreamPacketSink, Transport
from bumble.transport.tcp_client import open_tcp_client_transport
from bumble.transport.unix import open_unix_client_transport

from firmware_sim.cancellation import cancellable
from firmware_sim.host import QuietHost
from firmware_sim.radio import Cable, plug_in

T = TypeVar("T")


class Central:
    """One open adapter. `lost` is done once the socket is closed, from either side."""

    def __init__(self, transport: Transport) -> None:
        self._sink = cast(StreamPacketSink | Cable, transport.sink)  # all three ways in
        self.lost: asyncio.Future[None] = transport.source.terminated
        host = QuietHost(transport.source, transport.sink)
        self.device = Device("central", hci.Address.ANY_RANDOM, host=host)

    async def close(self) -> None:
        """Close the socket, which removes the adapter from the virtual radio."""
        self.hang_up()
        await asyncio.wait({self.lost})

    def hang_up(self) -> None:
        """Begin to close, for callers that cannot await `close`."""
        if not self.lost.done():
            self._sink.close()


async def open_central(address: str) -> Central:
    """Return an adapter that is switched on, at `unix:PATH`, `tcp:HOST:PORT` or `here:NAME`.

    Raises
    ------
    BleakError
        There is no virtual radio at this address.
    """
    kind, _, place = address.partition(":")
    try:
        if kind == "unix":
            transport = await open_unix_client_transport(place)
        elif kind == "here":
            transport = plug_in(place)
        else:
            transport = await open_tcp_client_transport(place)
    except (OSError, ValueError) as error:
        # Not bleak's "no adapter" error: its remedy would not help here.
        reason = getattr(error, "strerror", None) or error
        raise BleakError(
            f"no virtual radio at {address} ({reason}): start the simulator: spasmwatch simulate"
        ) from error
    central = Central(transport)
    try:
        await unless(central.lost, central.device.power_on())
    except BaseException:
        await central.close()
        raise
    return central


async def unless(gone: asyncio.Future[Any], work: Coroutine[Any, Any, T]) -> T:
    """Await one of bumble's requests, but no longer than the link lasts.

    bumble's requests do not fail with their link: they wait for ATT's 30 s, or are cancelled as
    if their caller had been.

    Raises
    ------
    BleakError
        The link was lost, or the other side refused.
    """
    try:
        return await cancellable(work, gone)
    except asyncio.CancelledError:
        caller = asyncio.current_task()
        if caller is not None and caller.cancelling():
            raise
        raise BleakError("disconnected") from None
    except att.ATT_Error as error:
        raise BleakGATTProtocolError(error.error_code) from error
    except (core.BaseBumbleError, hci.HCI_Error) as error:
        raise BleakError(str(error)) from error
