"""Checks for every format: possible rate and unit, and rows that hold a measurement."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from detector.block import Samples
from detector.errors import RecordingError

Bools: TypeAlias = NDArray[np.bool_]

SLOWEST_HZ = 15.0  # below, half the rate lies inside the 3-8 Hz band of clonus
NARROW_HZ = 25.0  # below, harmonics of clonus are lost and the band ends early
FASTEST_HZ = 10_000.0  # no worn sensor is faster: a unit mixed up
LARGEST_G = 400.0  # high-g sensors end here: beyond, it is no acceleration
REST_G = (0.5, 2.0)  # median of |a| of any recording that holds gravity, generously


class Unit(StrEnum):
    """What the numbers in a file count."""

    G = "g"
    M_S2 = "m/s2"
    MG = "mg"

    @property
    def g(self) -> float:
        """One of it, in g."""
        return {"g": 1.0, "m/s2": 1 / 9.80665, "mg": 1e-3}[self.value]

    @property
    def symbol(self) -> str:
        """Symbol of the unit."""
        return self.value.replace("2", "²")


def checked_rate(name: str, stated_hz: float | None, given_hz: float | None) -> float:
    """Return the rate of a recording: the user's where the recording agrees, else its own.

    Raises
    ------
    RecordingError
        The rate is not given, contradicts the recording, or is of no use.
    """
    if stated_hz is None and given_hz is None:
        raise RecordingError(f"{name} does not say how fast it was sampled: add --fs HZ")
    if stated_hz and given_hz and abs(given_hz / stated_hz - 1) > 0.02:  # wider than any clock
        raise RecordingError(
            f"--fs {given_hz:g} contradicts {name}, which runs at {stated_hz:.4g} Hz: leave it out"
        )
    fs = given_hz or stated_hz or 0.0
    if not SLOWEST_HZ <= fs <= FASTEST_HZ:
        reason = (
            f"clonus beats 3 to 8 times a second and needs {SLOWEST_HZ:g} or more"
            if fs < SLOWEST_HZ
            else f"no worn sensor is faster than {FASTEST_HZ:g}"
        )
        raise RecordingError(f"{name} has {fs:.4g} samples a second: {reason}")
    return fs


def rate_warnings(name: str, fs: float) -> list[str]:
    """Return a warning about what a low rate misses."""
    if fs >= NARROW_HZ:
        return []
    return [f"{name} has {fs:.4g} samples a second: fast clonus may be missed below {NARROW_HZ:g}"]


def checked_unit(
    name: str, samples: Samples, *, stated: Unit | None, given: Unit | None
) -> tuple[Unit, list[str]]:
    """Return the unit of samples, checked against gravity, and warnings.

    A limb rests most of the time, so the median of |a| is 1 g in the right unit.

    Raises
    ------
    RecordingError
        The unit is not known, or gravity contradicts it.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.sqrt(np.square(samples).sum(axis=1))
    known = lengths[np.isfinite(lengths)]
    if not len(known):
        raise RecordingError(f"{name} holds no measurement")
    rest = float(np.median(known))
    looks = next((unit for unit in Unit if REST_G[0] <= rest * unit.g <= REST_G[1]), None)
    unit = given or stated
    at_rest = f"|a| at rest is {rest:.3g}"
    if unit is None and looks is Unit.G:
        return Unit.G, []
    if unit is None and looks is None:
        raise RecordingError(f"{name} does not say its unit ({at_rest}): add --unit g, m/s2 or mg")
    if looks not in {None, unit}:
        remedy = f"add --unit {looks}" if given is None else f"not like --unit {given}"
        raise RecordingError(f"{name} looks like {looks.symbol} ({at_rest}): {remedy}")
    assert unit is not None  # noqa: S101  (the two cases without a unit are behind us)
    if looks is None:
        return unit, [f"{name} holds no gravity ({at_rest} {unit.symbol}): posture means nothing"]
    return unit, []


def measured(samples: Samples, where: str, numbers: Sequence[int]) -> Bools:
    """Return which rows, g, hold a measurement; the others are gaps.

    `where` and a row's number say in a message which row is meant.

    Raises
    ------
    RecordingError
        A row holds what no sensor measures.
    """
    largest = np.abs(samples).max(axis=1)  # NaN where any axis is
    known: Bools = np.isfinite(largest)
    wild = np.flatnonzero(known & (largest > LARGEST_G))
    if len(wild):
        row = int(wild[0])
        raise RecordingError(
            f"{where} {numbers[row]}: {largest[row]:.3g} g is no acceleration. "
            "Check the unit, or remove it"
        )
    return known


def runs(good: Bools) -> list[tuple[int, int]]:
    """Return start and stop of every unbroken stretch of True."""
    edges = np.flatnonzero(np.diff(good, prepend=False, append=False)).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))
