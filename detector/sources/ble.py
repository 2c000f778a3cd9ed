"""The live source: finds a sensor, keeps it streaming all night, and yields its readings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from detector.alerts.conditions import Condition
from detector.devices.identity import canonical, is_address, is_unique
from detector.devices.interpreter import Interpreter
from detector.devices.profile import Advertisement, Driver
from detector.devices.refused import refusal_of
from detector.devices.registry import Registry, installed
from detector.devices.stream import LinkDown, Reading
from detector.errors import LinkError
from detector.sources import bluez
from detector.sources.bluez import BluetoothError
from detector.sources.clock import Clock
from detector.sources.inbox import Inbox
from detector.sources.radio import (
    Adapter,
    Advertiser,
    ClientBackend,
    ScannerBackend,
    adapters_of,
    listen,
    look_round,
)
from detector.sources.session import SensorSession
from detector.sources.source import LinkState, LinkStatus
from detector.words.bluetooth import using_words
from detector.words.sensors import NOT_HEARD, elsewhere_words, moved_words, taken_words

# A sensor that was heard but could not be used: pauses before the next attempts. They begin anew
# only once samples came, since attempts in quick succession have crashed BlueZ.
_BACKOFF_S = (1.0, 2.0, 4.0, 8.0, 16.0)
# A link that had carried samples: BlueZ needs a moment to clean up, and samples are being lost.
_AFTER_LOSS_S = 0.25
# A driver that fails again and again must not reconnect four times a second: only after streaming
# for longer than the longest pause is a fault treated like a lost link.
_STEADY_S = 30.0
# A sensor that is not heard: scan in rounds, so that BlueZ forgets what it saw and other sources
# on the adapter get their turn. Together short enough to stream again 5 s after it returns.
_SCAN_ROUND_S, _BETWEEN_ROUNDS_S = 8.0, 0.5
# Sensors advertise at least once a second; after the first, a nearer one may still be heard.
_SETTLE_S = 1.0
# Stopping the stream, disconnecting and ending a scan are bounded each; this bounds their sum.
_CLOSE_S = 20.0
_LONGEST_WHY = 200  # of an exception's own words in a sentence


class BleSource:
    """One sensor; its link is made anew until `close`, whether or not anybody reads.

    Parameters
    ----------
    device : address or advertised name; None takes the nearest sensor that a driver recognises.
        After the first samples only the same address is taken: a stronger sensor of the same name
        belongs to somebody else
    driver : device name of the contract, where it should not be recognised
    clock : stamps what arrives; waiting is done by the event loop's clock
    scanner_backend, client_backend : bleak backends; None is this machine's adapter
    adapter : to be shared by all sources of a night
    name : what the sensor advertised when its address was written down: where that holds a serial
        number, it is found again at a new address
    hci : name of this computer's adapter; None is all that are switched on
    switch_on : whether to switch on an adapter where all are off
    waits : whether to wait for an adapter from the first attempt on
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
        name: str | None = None,
        hci: str | None = None,
        switch_on: bool = False,
        waits: bool = False,
        registry: Registry | None = None,
    ) -> None:
        self._registry = installed() if registry is None else registry
        self._driver = None if driver is None else self._registry.named(driver)
        self._clock = clock
        self._scanner_backend = scanner_backend
        self._client_backend = client_backend
        self._adapter = Adapter() if adapter is None else adapter
        self._hci = hci
        self._switch_on = switch_on
        self._waits = waits
        # Addresses and names to take, canonical; empty is any that a driver recognises.
        self._targets: frozenset[str] = frozenset()
        if device is not None:
            self._look_for(device)
        self._interpreter = Interpreter(self._registry)
        self._inbox = Inbox()
        self._link: asyncio.Task[None] | None = None
        self._closed = False
        self._session: SensorSession | None = None
        self._sessions = 0  # never reset, so that no number is used twice
        self._earlier = 0  # sessions of an earlier process, numbered before ours
        self._failures = 0  # in succession
        self._adapter_seen = False
        self._worn = name or ""  # of the sensor that was chosen, or has streamed
        self._failed: tuple[str, str | None] | None = None  # the last choice that failed
        self._chosen: tuple[str, str | None] | None = None  # the last choice: address, adapter
        self._remark = ""
        self._trouble: tuple[Condition, str] | None = None
        self._state, self._why = LinkState.SCAN, ""
        self._last_data_s: float | None = None  # of the sessions before the present one

    async def readings(self) -> AsyncIterator[Reading]:
        """Yield every item with what the driver made of it, until `close`; for one consumer.

        The link does not depend on the iterator: after it was closed or has raised, call again, and
        continue with the next reading in order.

        Raises
        ------
        LinkError
            There is no adapter at the first attempt of a source that does not wait. Later any
            source waits for one to return.
        Exception
            Any other one is a fault in a driver. Its session has ended, and the next one begins
            after a pause.
        """
        if not self._closed and (self._link is None or self._link.done()):
            self._link = asyncio.create_task(self._keep_linked(), name="ble source")
            self._link.add_done_callback(lambda _: self._inbox.wake())
        while True:
            while self._inbox.waiting:
                yield self._inbox.take()
                # A consumer that never waits must not keep the session from running.
                await asyncio.sleep(0)
            if self._link is None or self._link.done():
                return
            await self._inbox.arrival()

    async def close(self) -> None:
        """Stop the stream and disconnect, within a bounded time; `readings` ends, for good."""
        self._closed = True
        if self._link is not None and not self._link.done():
            self._link.cancel()
            await asyncio.wait({self._link}, timeout=_CLOSE_S)

    def go_on(self, session: int, address: str | None) -> None:
        """Go on where another process was: a neighbour's sensor is not taken now either."""
        self._earlier = session
        if address is not None:
            self._look_for(address)

    @property
    def status(self) -> LinkStatus:
        """State of the link; only on the event loop of `readings`."""
        now_s = asyncio.get_running_loop().time()
        state, why, last_s = self._state, self._why, self._last_data_s
        session = self._session
        if session is not None and session.first_data_s is not None:
            last_s = session.last_data_s
            if state is LinkState.SETUP and session.trouble is not None:
                why = session.trouble[1]
            elif state is LinkState.SETUP:
                state, why = LinkState.STREAM, ""
        return LinkStatus(
            state=state,
            data_age_s=None if last_s is None else now_s - last_s,
            why=why,
            address=None if session is None else session.address,
            sessions=self._sessions,
            dropped=self._inbox.dropped,
            late=self._inbox.late,
            protocol_errors=self._interpreter.protocol_errors,
            remark=self._remark,
            trouble=self._trouble if session is None else session.trouble or self._trouble,
        )

    async def _keep_linked(self) -> None:
        """Make one link after the other; exceptions reach the consumer through the inbox."""
        me = asyncio.current_task()
        # A driver's fault in `close` replaces the cancellation by its exception.
        while me is None or not me.cancelling():
            sessions, fault = self._sessions, False
            try:
                await self._link_once()
                await asyncio.sleep(_BETWEEN_ROUNDS_S)
                continue
            except LinkError as error:
                if not self._adapter_seen and not self._waits:
                    self._inbox.put(error)
                    return
                self._adapter_seen = True
                self._why = str(error)
                if isinstance(error, BluetoothError):
                    self._why, self._trouble = error.told, (Condition.BLUETOOTH, error.told)
            except Exception as error:  # not handled here: `readings` raises it
                self._inbox.put(error)
                self._why, fault = _fault(error), True
            if me is None or not me.cancelling():
                session = self._session if self._sessions > sessions else None
                pause_s = self._pause_s(session, fault)
                self._enter(LinkState.BACKOFF, self._why)
                await asyncio.sleep(pause_s)

    async def _link_once(self) -> None:
        """Find the sensor, connect, and stream until the link ends; return if it is not heard.

        Raises
        ------
        LinkError
            Something failed, or the link ended.
        """
        await self._inbox.room()
        async with self._adapter.connecting:
            self._enter(LinkState.SCAN, self._why)
            found = await self._find()
            self._adapter_seen = True
            if found is None:
                return
            self._enter(LinkState.CONNECT, self._why)
            heard = found[0]
            self._chosen = heard.advertisement.address, heard.adapter
            session = self._new_session(*found)
            await session.connect()
        self._enter(LinkState.SETUP, self._why)
        reason = "closed"
        try:
            await session.serve()
        except LinkError as error:
            reason = str(error)
            raise
        except Exception as error:
            reason = _fault(error)
            raise
        finally:
            now = self._clock.mono_ns(), self._clock.utc_ns()
            self._inbox.put(self._interpreter.feed(LinkDown(session.number, reason, *now)))

    def _pause_s(self, session: SensorSession | None, fault: bool) -> float:
        """Note how a session ended; return the pause before the next."""
        streamed_s = 0.0
        if session is not None and session.first_data_s is not None:
            assert session.last_data_s is not None  # noqa: S101 - they are set together
            streamed_s = session.last_data_s - session.first_data_s
            self._last_data_s = session.last_data_s
            self._look_for(session.address)
            self._worn = session.name
            if not session.refused and (not fault or streamed_s >= _STEADY_S):
                self._failures = 0
                return _AFTER_LOSS_S
        self._failed = None if session is None else self._chosen
        self._failures += 1
        return _BACKOFF_S[min(self._failures, len(_BACKOFF_S)) - 1]

    def _new_session(self, heard: Advertiser, driver: Driver) -> SensorSession:
        self._sessions += 1
        self._session = SensorSession(
            self._earlier + self._sessions,
            heard,
            driver,
            inbox=self._inbox,
            interpreter=self._interpreter,
            clock=self._clock,
            adapter=self._adapter,
            backend=self._client_backend,
            pulse=bluez.owner if self._client_backend is None and bluez.is_here() else None,
        )
        return self._session

    async def _find(self) -> tuple[Advertiser, Driver] | None:
        """Scan for one round; return the sensor to connect to, LinkError without an adapter."""
        candidates: dict[tuple[str, str | None], tuple[Advertiser, Driver]] = {}
        others: dict[str, str] = {}  # why a device that is heard is not taken, by name
        elsewhere: dict[str, tuple[Advertiser, Driver]] = {}  # sensors no source looks for

        def collect(heard: Advertiser) -> None:
            ad = heard.advertisement
            wanted = not self._targets.isdisjoint(_called(ad.address, ad.name))
            if self._targets and not wanted:
                known = self._registry.recognise(ad)
                if known and self._adapter.claimed.isdisjoint(_called(ad.address, ad.name)):
                    elsewhere[ad.address] = heard, known
                return
            driver, refusal = self._driver_for(ad), refusal_of(ad)
            if driver is not None:
                candidates[ad.address, heard.adapter] = heard, driver
            elif refusal is not None:
                others[ad.name] = f"cannot be used: {refusal.because}"
            elif wanted:
                others[ad.name] = "is heard, but no driver knows it. Name one (driver)"

        backend = self._scanner_backend
        adapters = await adapters_of(backend, self._hci, switch_on=self._switch_on)
        if self._targets and not self._sessions:
            # A process that was killed may have left one connected, so that it does not advertise.
            await look_round(collect, backend, self._adapter.linked, adapters)
        if not candidates:
            await listen(
                collect,
                _SCAN_ROUND_S,
                backend,
                enough=lambda: bool(candidates),
                adapters=adapters,
            )
            if candidates and not any(map(is_address, self._targets)):
                await listen(collect, _SETTLE_S, backend, adapters=adapters)
        if not candidates:
            await look_round(collect, backend, self._adapter.linked, adapters)
        self._trouble = None
        found = min(candidates.values(), key=self._rank, default=None)
        if found is not None:
            self._remark = _remarks(found[0].advertisement, {address for address, _ in candidates})
        elif not others:
            found = self._moved(elsewhere)
        if found is not None:
            heard = found[0]
            if heard.adapter is not None and len(adapters) > 1:
                using = using_words(heard.adapter, [one for one in adapters if one is not None])
                self._remark = f"{self._remark} {using}".strip()
            return found
        if others:
            name, reason = others.popitem()
            self._why = f"{name!r} {reason}."
        elif elsewhere:
            # A name does not identify a sensor: only a person may decide.
            ads = [heard.advertisement for heard, _ in elsewhere.values()]
            ad = max(ads, key=lambda ad: (ad.name == self._worn, _strength_dbm(ad)))
            self._why = elsewhere_words(ad.name, ad.address)
            self._trouble = Condition.OTHER_ADDRESS, self._why
        else:
            self._why = NOT_HEARD
        return None

    def _moved(
        self, elsewhere: dict[str, tuple[Advertiser, Driver]]
    ) -> tuple[Advertiser, Driver] | None:
        """Return the sensor that was chosen, where a serial number identifies it.

        Only a sensor that is not heard at its address is looked for by its name, and none that has
        streamed: it has its address still, and whoever has its name now may be a clone.
        """
        if self._sessions:
            return None
        named = [each for each in elsewhere.values() if each[0].advertisement.name == self._worn]
        if len(named) != 1 or not is_unique(self._worn, named[0][1]):
            return None
        self._remark = moved_words(self._worn, named[0][0].advertisement.address)
        return named[0]

    def _driver_for(self, ad: Advertisement) -> Driver | None:
        if self._driver is None:
            return self._registry.recognise(ad)
        return self._driver if self._targets or self._driver.recognises(ad) else None

    def _rank(self, candidate: tuple[Advertiser, Driver]) -> tuple[bool, int]:
        """Sort key: nearest first, but the one that failed last comes last: it may be a clone."""
        heard = candidate[0]
        ad = heard.advertisement
        return (ad.address, heard.adapter) == self._failed, -_strength_dbm(ad)

    def _look_for(self, device: str) -> None:
        """Take only the sensor of this address or name from now on."""
        self._adapter.claimed -= self._targets
        self._targets = _called(device)
        self._adapter.claimed |= self._targets

    def _enter(self, state: LinkState, why: str = "") -> None:
        self._state, self._why = state, why


def _fault(error: Exception) -> str:
    return f"An internal fault ended the link: {error!r:.{_LONGEST_WHY}}."


def _strength_dbm(ad: Advertisement) -> int:
    return -999 if ad.rssi_dbm is None else ad.rssi_dbm


def _called(*names: str) -> frozenset[str]:
    return frozenset(canonical(name) for name in names if name)


def _remarks(taken: Advertisement, addresses: set[str]) -> str:
    """Return that others could have been taken as well; empty where none could."""
    others = len(addresses) - 1
    return taken_words(taken.name, taken.address, others) if others else ""
