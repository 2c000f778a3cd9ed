"""Checks for every format: possible rate and unit, and rows that hold a measurement."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

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
HIGHEST_REST_G = 4.0  # beyond it nothing rests, nor moves for half of the time


@dataclass(frozen=True, slots=True)
class Unit:
    """What the numbers in a file count: `g`, `m/s2`, `mg`, or counts as in `8192/g`.

    g : one of it, in g
    """

    name: str
    g: float
    G: ClassVar[Unit]
    M_S2: ClassVar[Unit]
    MG: ClassVar[Unit]

    @classmethod
    def of(cls, text: str) -> Unit:
        """Return the unit of a name.

        Raises
        ------
        ValueError
            It is none.
        """
        for known in PHYSICAL:
            if text == known.name:
                return known
        counts = _COUNTS.fullmatch(text)
        if counts is None or not float(counts["per_g"]):
            raise ValueError(f"{text!r} is no unit")
        return cls(text, 1 / float(counts["per_g"]))

    @property
    def symbol(self) -> str:
        """Symbol of the unit."""
        return self.name.replace("2", "²") if self in PHYSICAL else f"counts, {self.name}"

    def __str__(self) -> str:
        return self.name


_COUNTS = re.compile(r"(?P<per_g>\d{1,6}(?:\.\d{1,6})?)/g")
Unit.G, Unit.M_S2, Unit.MG = Unit("g", 1.0), Unit("m/s2", 1 / 9.80665), Unit("mg", 1e-3)
PHYSICAL = (Unit.G, Unit.M_S2, Unit.MG)
COUNTS_PER_G = tuple(2**bits for bits in range(6, 16))
"""Of the usual sensors: 8 bit at 2 g is 64, 16 bit at 2 g 16,384."""
NEAR_COUNTS = 0.15  # of a count at rest: sensors are off by less, powers of two by far more


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
    name: str, samples: Samples, *, stated: Unit | None, given: Unit | None, linear: bool = False
) -> tuple[Unit, list[str]]:
    """Return the unit of samples, checked against gravity, and warnings.

    A limb rests most of the time, so the median of |a| is 1 g in the right unit. Where nobody says
    the unit, gravity does; `linear` samples have none.

    Raises
    ------
    RecordingError
        The unit is not known, or gravity contradicts it.
    """
    rest = _at_rest(name, samples)
    at_rest = f"|a| at rest is {rest:.3g}"
    unit = given or stated
    fits = [known for known in PHYSICAL if _is_gravity(rest * known.g)]
    if unit is None and fits and not linear:
        notes = [f"{name} is read as {fits[0].symbol} ({at_rest})"] if fits[0] != Unit.G else []
        return fits[0], notes
    counts = [per_g for per_g in COUNTS_PER_G if abs(rest / per_g - 1) < NEAR_COUNTS]
    if unit is None and counts and not linear:
        raise RecordingError(
            f"{name} looks like counts, {counts[0]} to a g ({at_rest}): add --unit {counts[0]}/g"
        )
    if unit is None:
        raise RecordingError(f"{name} does not say its unit ({at_rest}): add --unit g, m/s2 or mg")
    if _is_gravity(rest * unit.g) and not linear:
        return unit, []
    if fits and not linear:
        remedy = f"add --unit {fits[0]}" if given is None else f"not like --unit {given}"
        raise RecordingError(f"{name} looks like {fits[0].symbol} ({at_rest}): {remedy}")
    if rest * unit.g > (REST_G[1] if counts else HIGHEST_REST_G):
        remedy = f"it looks like counts, --unit {counts[0]}/g" if counts else "check the unit"
        raise RecordingError(
            f"{name} would rest at {rest * unit.g:.3g} g in {unit.symbol}, and nothing does: "
            f"{remedy}"
        )
    return unit, [f"{name} holds no gravity ({at_rest} {unit.symbol}): posture means nothing"]


def holds_gravity(samples: Samples) -> bool:
    """Return whether samples, g, rest at 1 g, so that rows of exact zeros are no measurement."""
    lengths = _lengths(samples)
    return bool(len(lengths)) and _is_gravity(float(np.median(lengths)))


def _at_rest(name: str, samples: Samples) -> float:
    lengths = _lengths(samples)
    if not len(lengths):
        raise RecordingError(f"{name} holds no measurement")
    return float(np.median(lengths))


def _lengths(samples: Samples) -> NDArray[np.float64]:
    """Return |a| of rows that hold a measurement: not of fillers, all of them 0."""
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.sqrt(np.square(samples).sum(axis=1))
    return np.asarray(lengths[np.isfinite(lengths) & (lengths > 0)])


def _is_gravity(length_g: float) -> bool:
    return REST_G[0] <= length_g <= REST_G[1]


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
