"""List the devices in reach, and which of them can be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from detector.devices.identity import is_unique
from detector.devices.profile import Advertisement, Driver
from detector.devices.refused import refusal_of
from detector.devices.registry import Registry, installed
from detector.sources.radio import Advertiser, ScannerBackend, adapters_of, listen
from detector.words.sensors import elsewhere_words, held_words, moved_words


@dataclass(frozen=True, slots=True)
class NearbyDevice:
    """A row of `spasmwatch scan`; `driver` is None for a device without one.

    `because` says in a few words why it works or not; `refused` is a known device that cannot;
    `adapter` is the one that hears it best, where this computer has several.
    """

    name: str  # hostile text
    address: str
    rssi_dbm: int | None
    driver: str | None
    because: str
    refused: bool = False
    adapter: str | None = None


async def scan(
    duration_s: float,
    *,
    scanner_backend: ScannerBackend | None = None,
    hci: str | None = None,
    registry: Registry | None = None,
) -> list[NearbyDevice]:
    """Return the devices heard within `duration_s`: known sensors first, then by strength.

    Parameters
    ----------
    hci : name of this computer's adapter; None is all that are switched on

    Raises
    ------
    LinkError
        There is no usable adapter.
    """
    known = installed() if registry is None else registry
    heard: dict[tuple[str, str | None], Advertisement] = {}

    def note(one: Advertiser) -> None:
        heard[one.advertisement.address, one.adapter] = one.advertisement

    adapters = await adapters_of(scanner_backend, hci)
    await listen(note, duration_s, scanner_backend, adapters=adapters)
    best: dict[str, tuple[Advertisement, str | None]] = {}
    for (address, adapter), ad in sorted(heard.items(), key=lambda one: one[1].rssi_dbm or -999):
        best[address] = ad, adapter if len(adapters) > 1 else None
    found = [
        replace(_found(ad, known.recognise(ad)), adapter=adapter) for ad, adapter in best.values()
    ]
    return sorted(found, key=lambda f: (f.driver is None, -(f.rssi_dbm or -999), f.address))


def not_heard(device: str, name: str | None, found: Sequence[NearbyDevice]) -> str:
    """Return in sentences why a chosen sensor may not be among those found, and what to do.

    Parameters
    ----------
    name : what it advertised when it was chosen, if that is known
    found : without the other sensors of the same wearer
    """
    usable = [one for one in found if one.driver is not None]
    if not usable:
        return held_words(device)
    best = max(usable, key=lambda one: (one.name == name, one.rssi_dbm or -999))
    registry = installed()
    unique = best.name == name and is_unique(best.name, registry.named(best.driver or ""))
    if unique and [one.name for one in usable].count(best.name) == 1:
        return moved_words(best.name, best.address)
    return f"{held_words(device)}\n{elsewhere_words(best.name, best.address)}"


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
