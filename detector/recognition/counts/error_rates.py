"""How often a model misses and invents likely spasms, as it was measured on simulated nights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from math import isfinite
from types import MappingProxyType
from typing import Any

from detector.errors import ModelError
from detector.events import EventContext, Kind
from detector.plain_json import parsed
from detector.recognition.rules.model_files import rates_file
from detector.sites import SITES

SCHEMA = "error-rates/2"

MOST_VALUES = 256
"""Values of a distribution; ours have 64, of which the 5 % quantile of a night rests on three."""


class Counted(StrEnum):
    """What is counted of a night; those of the whole family but twitches are counted as one too."""

    LIKELY = "likely"
    CLONUS = "clonus"
    SPASM_OR_TONIC = "spasm_or_tonic"
    TWITCH = "twitch"

    @property
    def kinds(self) -> frozenset[Kind]:
        """Return the kinds of event that it counts."""
        return _KINDS[self]


_KINDS: Mapping[Counted, frozenset[Kind]] = MappingProxyType(
    {
        Counted.LIKELY: frozenset({Kind.CLONUS, Kind.SPASM, Kind.TONIC}),
        Counted.CLONUS: frozenset({Kind.CLONUS}),
        Counted.SPASM_OR_TONIC: frozenset({Kind.SPASM, Kind.TONIC}),
        Counted.TWITCH: frozenset({Kind.TWITCH}),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRates:
    """Two distributions over nights of wearers whom nobody measured, each as equally likely values.

    Parameters
    ----------
    sensitivity : share of true ones that are found, 0 < p <= 1
    false_per_h : events found in a monitored hour that are none of these
    times_false : by context, `false_per_h` of an hour spent in it over that of any hour, > 0
    """

    sensitivity: tuple[float, ...]
    false_per_h: tuple[float, ...]
    times_false: Mapping[EventContext, float] = field(
        default_factory=lambda: dict.fromkeys(EventContext, 1.0), hash=False
    )

    def __post_init__(self) -> None:
        """Refuse what no interval can be computed from.

        Raises
        ------
        ValueError
            A distribution is empty, too long, or holds what is no share or no rate.
        """
        for name, values, most in (
            ("sensitivity", self.sensitivity, 1.0),
            ("false_per_h", self.false_per_h, float("inf")),
        ):
            if not 1 <= len(values) <= MOST_VALUES:
                raise ValueError(f"{name} must have 1 to {MOST_VALUES} values, has {len(values)}")
            odd = next((v for v in values if not (isfinite(v) and 0 <= v <= most)), None)
            if odd is not None:
                raise ValueError(f"{name} holds {odd!r}")
        if min(self.sensitivity) <= 0:
            raise ValueError("sensitivity holds 0: then nothing bounds what was missed")
        if self.times_false.keys() != set(EventContext):
            raise ValueError(f"times_false must have {', '.join(EventContext)}")
        if not all(isfinite(times) and times > 0 for times in self.times_false.values()):
            raise ValueError(f"times_false holds {list(self.times_false.values())!r:.80}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRates:
    """All error rates of a model.

    Parameters
    ----------
    generators : the simulators whose nights they were measured on
    sites : where the sensor was worn in those nights; elsewhere nothing is known
    of : by what is counted
    """

    model: str
    generators: tuple[str, ...]
    sites: frozenset[str]
    of: Mapping[Counted, ErrorRates]


@cache
def error_rates(model: str) -> ModelRates | None:
    """Return the error rates of a model of this installation, None where none were measured.

    Raises
    ------
    ModelError
        Its file is damaged or of another version.
    """
    text = rates_file(model)
    return None if text is None else parse_error_rates(model, text)


def parse_error_rates(model: str, text: bytes) -> ModelRates:
    """Return what a `rates.json` holds; errors as `error_rates`."""
    try:
        data = parsed(text)
        if data["schema"] != SCHEMA:
            raise ValueError(f"schema must be {SCHEMA!r}, is {data['schema']!r:.40}")
        if data["model"]["name"] != model:
            raise ValueError(f"these are the rates of {data['model']['name']!r:.40}")
        sites = frozenset(data["sites"])
        if not sites or not sites <= set(SITES):
            raise ValueError(f"sites are {sorted(sites)!r:.80}, not of {', '.join(SITES)}")
        return ModelRates(
            model=model,
            generators=tuple(str(each) for each in data["generators"]),
            sites=sites,
            of=MappingProxyType(dict(_entry(each) for each in data["rates"])),
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ModelError(
            f"the error rates of model {model!r} cannot be read: {str(error)[:200]}. Reinstall "
            "spasmwatch"
        ) from error


def _entry(said: Mapping[str, Any]) -> tuple[Counted, ErrorRates]:
    rates = ErrorRates(
        sensitivity=tuple(float(value) for value in said["sensitivity"]),
        false_per_h=tuple(float(value) for value in said["false_per_h"]),
        times_false={
            EventContext(name): float(times) for name, times in said["times_false"].items()
        },
    )
    return Counted(said["counted"]), rates
