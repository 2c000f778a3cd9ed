"""Installed drivers: the built-in ones, and those of other packages.

A package adds a driver by an entry point in the group `spasmwatch.drivers` whose name is the
device name and whose object is a `Driver`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from detector.devices import microbit, movesense, open_frame, openseizure, polar, witmotion
from detector.devices.profile import Advertisement, Driver
from detector.errors import ConfigError

ENTRY_POINTS = "spasmwatch.drivers"

BUILT_IN: tuple[Driver, ...] = (
    polar.VERITY_SENSE,
    polar.H10,
    movesense.MOVESENSE,
    openseizure.OPENSEIZURE,
    witmotion.WITMOTION,
    microbit.MICROBIT,
    open_frame.OPEN_FRAME,
)

_PARTS = (
    "name", "sheet", "read_first", "channels", "optional_channels", "recognises", "converse",
    "decode",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Registry:
    """Drivers by device name; `broken` says in a sentence why a named one cannot be used."""

    drivers: Mapping[str, Driver]
    broken: Mapping[str, str] = field(default_factory=dict)

    def named(self, name: str) -> Driver:
        """Return a driver by its device name.

        Raises
        ------
        ConfigError
            There is none of that name, or it could not be loaded.
        """
        if name in self.drivers:
            return self.drivers[name]
        if name in self.broken:
            raise ConfigError(self.broken[name])
        near = get_close_matches(name, self.drivers, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(self.drivers)}."
        raise ConfigError(f"There is no driver for {name!r}: {hint}")

    def recognise(self, advertisement: Advertisement) -> Driver | None:
        """Return the first driver that recognises an advertisement."""
        return next((d for d in self.drivers.values() if d.recognises(advertisement)), None)


@cache
def installed() -> Registry:
    """Return every driver on this machine, loaded once."""
    return load(entry_points(group=ENTRY_POINTS))


def load(points: Iterable[EntryPoint]) -> Registry:
    """Add drivers of other packages to the built-in ones, which they cannot replace."""
    drivers = {driver.name: driver for driver in BUILT_IN}
    broken: dict[str, str] = {}
    for point in points:
        try:
            driver = _loaded(point, drivers)
        except ConfigError as error:
            broken[point.name] = str(error)
        else:
            drivers[driver.name] = driver
    return Registry(drivers, broken)


def _loaded(point: EntryPoint, taken: Mapping[str, Driver]) -> Driver:
    culprit = f"The driver {point.name!r} ({point.value})"
    try:
        driver: Driver = point.load()
        missing = [part for part in _PARTS if not hasattr(driver, part)]
    except Exception as error:  # a foreign module may fail in any way while it is imported
        raise ConfigError(
            f"{culprit} cannot be loaded: {type(error).__name__}: {error}. "
            "Update or uninstall the package that brings it."
        ) from error
    if missing:
        raise ConfigError(f"{culprit} is no driver: it lacks {', '.join(missing)}.")
    if driver.name != point.name:
        raise ConfigError(f"{culprit} calls itself {driver.name!r}; both names must be the same.")
    if driver.name in taken:
        raise ConfigError(f"{culprit} takes a name that is in use; give it another.")
    return driver
