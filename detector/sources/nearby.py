"""List the devices in reach, and which of them can be used."""

from __future__ import annotations

from dataclasses import dataclass

from detector.devices.profile import Advertisement, Driver
from detector.devices.refused import refusal_of
from detector.devices.registry import Registry, installed
from detector.sources.radio import Advertiser, ScannerBackend, listen


@dataclass(frozen=True, slots=True)
class NearbyDevice:
    """A row of `spasmwatch scan`; `driver` is None for a device without one.

    `because` says in a few words why it works or not; `refused` is a known device that cannot.
    """

    name: str  # hostile text
    address: str
    rssi_dbm: int | None
    driver: str | None
    because: str
    refused: bool = False


async def scan(
    duration_s: float,
    *,
    scanner_backend: ScannerBackend | None = None,
    registry: Registry | None = None,
) -> list[NearbyDevice]:
    """Return the devices heard within `duration_s`: known sensors first, then by strength.

    Raises
    ------
    LinkError
        There is no usable adapter.
    """
    known = installed() if registry is None else registry
    heard: dict[str, Advertisement] = {}

    def note(one: Advertiser) -> None:
        heard[one.advertisement.address] = one.advertisement

    await listen(note, duration_s, scanner_backend)
    found = [_found(ad, known.recognise(ad)) for ad in heard.values()]
    return sorted(found, key=lambda f: (f.driver is None, -(f.rssi_dbm or -999), f.address))


def _found(ad: Advertisement, driver: Driver | None) -> NearbyDevice:
    refusal = refusal_of(ad)
    if driver is not None:
        because = f"{driver.sheet.title} ({driver.sheet.support})"
    elif refusal is not None:
        because = f"{refusal.title}: {refusal.because}"
    else:
        because = "no driver knows it"
    name = None if driver is None else driver.name
    refused = driver is None and refusal is not None
    return NearbyDevice(ad.name, ad.address, ad.rssi_dbm, name, because, refused)
