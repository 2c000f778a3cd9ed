"""The live source: finds a sensor, keeps it streaming all night, and yields what it says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from detector.devices.interpreter import Interpreter
from detector.devices.profile import Advertisement, Driver
from detector.devices.refused import refusal_of
from detector.devices.registry import Registry, installed
from detector.devices.stream import Item, LinkDown, Reading
from detector.errors import LinkError
from detector.sources.clock import Clock
from detector.sources.radio import Adapter, ClientBackend, Heard, ScannerBackend, listen, look_round
from detector.sources.session import Inbox, Session
from detector.sources.source import LinkState, LinkStatus

# A sensor that was heard but could not be used: pauses before the next attempts. They begin anew
# only once samples came, since attempts in quick succession have crashed BlueZ.
_BACKOFF_S = (1.0, 2.0, 4.0, 8.0, 16.0)
# A link that had carried samples: BlueZ needs a moment to clean up, the night should not wait.
_AFTER_LOSS_S = 0.25
# A sensor that is not heard: scan in rounds, so that BlueZ forgets what it saw and other sources
# on the adapter get their turn. Together short enough to stream again 5 s after it returns.
_SCAN_ROUND_S, _BETWEEN_ROUNDS_S = 8.0, 0.5
# Sensors advertise at least once a second; after the first, a nearer one may still be heard.
_SETTLE_S = 1.0
# Goodbye, disconnecting and the end of a scan are bounded one by one; this is for all of them.
_CLOSE_S = 20.0


class BleSource:
    """One sensor, for ever: lost links are made anew until `close`.

    Parameters
    ----------
    device : address or advertised name; None takes the nearest sensor that a driver recognises.
        Whichever it was, once it has streamed its address is stayed with: a stronger sensor of the
        same name is somebody else's
    driver : device name of the contract, where it should not be recognised
    clock : stamps what arrives; waiting is done by the event loop's clock
    scanner_backend, client_backend : bleak backends; None is this machine's adapter
    adapter : to be shared by all sources on one adapter
    """

    def __init__(
        self,
        *,
        device: str | None,
        driver: str | None = None,
        clock: Clock,
        scanner_backend: ScannerBackend | None = None,
        client_backend: ClientBackend | None = None,
        adapter: Adapter | None = None,
        registry: Registry | None = None,
    ) -> None:
        self._registry = installed() if registry is None else registry
        self._driver = None if driver is None else self._registry.named(driver)
        # Addresses and names to take, in lower case; empty is any that a driver recognises.
        self._targets = frozenset() if device is None else _called(device)
        self._clock = clock
        self._scanner_backend = scanner_backend
        self._client_backend = client_backend
        self._adapter = Adapter() if adapter is None else adapter
        self._interpreter = Interpreter(self._registry)
        self._inbox = Inbox()
        self._task: asyncio.Task[None] | None = None
        self._session: Session | None = None
        self._sessions = 0
        self._worn = ""  # name of the sensor that has streamed
        self._failed: str | None = None  # address that was last chosen in vain
        self._state, self._since_s, self._why = LinkState.SCAN, 0.0, ""
        self._last_data_s: float | None = None

    async def readings(self) -> AsyncIterator[Reading]:
        """Yield every item with what the driver made of it, until `close`. Read by one reader.

        Raises
        ------
        LinkError
            There is no adapter when it begins. Later the source waits for one to return.
        """
        inbox = self._inbox
        self._task = asyncio.create_task(self._keep_linked(), name="ble source")
        self._task.add_done_callback(lambda _: inbox.arrived.set())
        try:
            while True:
                while inbox.items:
                    yield self._digest(inbox.items.popleft())
                if self._task.done():
                    break
                inbox.arrived.clear()
                await inbox.arrived.wait()
            if not self._task.cancelled():
                self._task.result()
        finally:
            await self.close()

    async def close(self) -> None:
        """Tell the sensor to stop and hang up, within a bounded time."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=_CLOSE_S)

    @property
    def status(self) -> LinkStatus:
        """How the link does; to be asked on the event loop that reads."""
        now_s = asyncio.get_running_loop().time()
        return LinkStatus(
            state=self._state,
            in_state_s=now_s - self._since_s,
            data_age_s=None if self._last_data_s is None else now_s - self._last_data_s,
            why=self._why,
            address=None if self._session is None else self._session.address,
            sessions=self._sessions,
            dropped=self._inbox.dropped,
            late=self._inbox.late,
            protocol_errors=self._interpreter.protocol_errors,
        )

    def _digest(self, item: Item) -> Reading:
        reading = self._interpreter.feed(item)
        session = self._session
        if session is not None and item.session == session.number:
            session.take(reading)
            if session.last_data_s is not None:
                self._last_data_s = session.last_data_s
                self._targets, self._worn = _called(session.address), session.name
                if self._state is LinkState.SETUP:
                    self._enter(LinkState.STREAM)
        return reading

    async def _keep_linked(self) -> None:
        failures = 0
        adapter_seen = False
        while True:
            session: Session | None = None
            try:
                async with self._adapter.connecting:
                    self._enter(LinkState.SCAN, self._why)
                    found = await self._find()
                    adapter_seen = True
                    if found is not None:
                        self._enter(LinkState.CONNECT, self._why)
                        session = self._new_session(*found)
                        await session.connect()
                if session is None:
                    await asyncio.sleep(_BETWEEN_ROUNDS_S)
                    continue
                self._enter(LinkState.SETUP, self._why)
                await self._serve(session)
            except LinkError as error:
                if not adapter_seen:
                    raise
                self._why = str(error)
            streamed = session is not None and session.last_data_s is not None
            if session is not None and streamed and not session.refused:
                failures, pause_s = 0, _AFTER_LOSS_S
            else:
                self._failed = None if session is None else session.address
                pause_s = _BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)]
                failures += 1
            self._enter(LinkState.BACKOFF, self._why)
            await asyncio.sleep(pause_s)

    async def _serve(self, session: Session) -> None:
        reason = "closed"
        try:
            await session.serve()
        except LinkError as error:
            reason = str(error)
            raise
        finally:
            now = self._clock.mono_ns(), self._clock.utc_ns()
            self._inbox.put(LinkDown(session.number, reason, *now))

    def _new_session(self, heard: Heard, driver: Driver) -> Session:
        self._sessions += 1
        self._session = Session(
            self._sessions,
            heard,
            driver,
            inbox=self._inbox,
            interpreter=self._interpreter,
            clock=self._clock,
            adapter=self._adapter,
            backend=self._client_backend,
        )
        return self._session

    async def _find(self) -> tuple[Heard, Driver] | None:
        """Listen for one round; LinkError when there is no adapter to listen with."""
        candidates: dict[str, tuple[Heard, Driver]] = {}
        others: dict[str, str] = {}  # why somebody who is heard is not taken, by name

        def collect(heard: Heard) -> None:
            ad = heard.advertisement
            wanted = not self._targets.isdisjoint(_called(ad.address, ad.name))
            if self._targets and not wanted:
                if self._worn and ad.name == self._worn:
                    others[ad.name] = "is heard, but as another sensor, not the one that was worn"
                return
            driver, refusal = self._driver_for(ad), refusal_of(ad)
            if driver is not None:
                candidates[ad.address] = heard, driver
            elif refusal is not None:
                others[ad.name] = f"cannot be used: {refusal.because}"
            elif wanted:
                others[ad.name] = "is heard, but no driver knows it. Name one (driver)"

        if self._targets and not self._sessions:
            # One of them may be connected by a process that was killed, and silent for that.
            await look_round(collect, self._scanner_backend, self._adapter.linked)
        if not candidates:
            await listen(
                collect, _SCAN_ROUND_S, self._scanner_backend, enough=lambda: bool(candidates)
            )
            if candidates and not self._targets:
                await listen(collect, _SETTLE_S, self._scanner_backend)
        if not candidates:
            await look_round(collect, self._scanner_backend, self._adapter.linked)
        if candidates:
            return min(candidates.values(), key=self._rank)
        if others:
            name, reason = others.popitem()
            self._why = f"{name!r} {reason}."
        else:
            self._why = "The sensor is not heard. Is it on, near, and not connected to a phone?"
        return None

    def _driver_for(self, ad: Advertisement) -> Driver | None:
        if self._driver is None:
            return self._registry.recognise(ad)
        return self._driver if self._targets or self._driver.recognises(ad) else None

    def _rank(self, candidate: tuple[Heard, Driver]) -> tuple[bool, int]:
        """Nearest first, but last what failed last: it may be an impostor."""
        ad = candidate[0].advertisement
        return ad.address == self._failed, -(-999 if ad.rssi_dbm is None else ad.rssi_dbm)

    def _enter(self, state: LinkState, why: str = "") -> None:
        if state is not self._state:
            self._since_s = asyncio.get_running_loop().time()
        self._state, self._why = state, why


def _called(*names: str) -> frozenset[str]:
    return frozenset(name.casefold() for name in names if name)
