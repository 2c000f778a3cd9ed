"""A night as FHIR R4 observations: how many likely spasms, of which kinds, in how many hours.

A bundle of plain JSON, by https://hl7.org/fhir/R4/observation.html. There is no code for what a
movement sensor takes for a spasm: codes are of a system of our own, and each says so in words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from detector.events import Event, Kind, format_utc
from detector.release import VERSION

CODES = "https://github.com/spasmwatch/spasmwatch/blob/main/docs/your-data.md#fhir"
UNITS = "http://unitsofmeasure.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
LIKELY = (Kind.CLONUS, Kind.SPASM, Kind.TONIC)


@dataclass(frozen=True, slots=True, kw_only=True)
class FhirNight:
    """What is told of a night.

    since, until : noon to noon
    watched_s : with samples; None where no recording says it
    true : least and most that the likely spasms were in truth; None where that is not known
    notice : what it must not be taken for
    """

    evening: date
    since: datetime
    until: datetime
    events: Sequence[Event]
    watched_s: float | None
    wearer: str | None
    true: tuple[int, int] | None
    notice: str


def bundle(nights: Iterable[FhirNight], at: datetime) -> dict[str, Any]:
    """Return a bundle of the observations of nights; the same nights always give the same ids."""
    found = [each for night in nights for each in _observations(night)]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": _instant(at),
        "entry": [{"fullUrl": f"urn:uuid:{each['id']}", "resource": each} for each in found],
    }


def _observations(night: FhirNight) -> list[dict[str, Any]]:
    likely = [event for event in night.events if event.kind in LIKELY]
    found = [_observation(night, "likely-spasms", "Likely spasms in a night", likely)]
    for kind in (*LIKELY, Kind.TWITCH):
        name = f"likely-{kind.value}"
        few = [event for event in night.events if event.kind is kind]
        found.append(_observation(night, name, f"Likely {kind.value} in a night", few))
    if night.true is not None:
        low, high = night.true
        words = "How many likely spasms there were in truth, by how often the detector errs"
        span = {"low": _quantity(low, "1", "{count}"), "high": _quantity(high, "1", "{count}")}
        found[0]["component"].append({"code": _code("true-count", words), "valueRange": span})
    return found


def _observation(
    night: FhirNight, name: str, words: str, events: Sequence[Event]
) -> dict[str, Any]:
    longest = max((event.duration_s for event in events), default=None)
    seconds = _quantity(round(sum(event.duration_s for event in events), 1), "s", "s")
    body: dict[str, Any] = {
        "resourceType": "Observation",
        "id": str(uuid5(NAMESPACE_URL, f"{CODES}/{night.wearer}/{night.evening}/{name}")),
        "status": "final",
        "category": [{"coding": [{"system": CATEGORY, "code": "activity", "display": "Activity"}]}],
        "code": _code(name, f"{words}, found by a movement sensor"),
        "effectivePeriod": {"start": _instant(night.since), "end": _instant(night.until)},
        "valueQuantity": _quantity(len(events), "1", "{count}"),
        "device": {"display": f"spasmwatch {VERSION}"},
        "note": [{"text": night.notice}],
        "component": [
            _component("watched", "Hours watched, with samples", _hours(night.watched_s)),
            _component("seconds", "Seconds of them in all", {"valueQuantity": seconds}),
        ],
    }
    if longest is not None:
        value = {"valueQuantity": _quantity(round(longest, 1), "s", "s")}
        body["component"].append(_component("longest", "The longest of them", value))
    if night.wearer is not None:
        system = f"{CODES}-wearer"
        body["subject"] = {
            "type": "Patient",
            "identifier": {"system": system, "value": night.wearer},
        }
    return body


def _component(name: str, words: str, value: Mapping[str, Any]) -> dict[str, Any]:
    return {"code": _code(name, words), **value}


def _hours(watched_s: float | None) -> dict[str, Any]:
    if watched_s is None:
        return {"dataAbsentReason": {"coding": [{"system": ABSENT, "code": "unknown"}]}}
    return {"valueQuantity": _quantity(round(watched_s / 3600, 2), "h", "h")}


def _code(name: str, words: str) -> dict[str, Any]:
    return {"coding": [{"system": CODES, "code": name, "display": words}], "text": words}


def _quantity(value: float, unit: str, code: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "system": UNITS, "code": code}


def _instant(at: datetime) -> str:
    text = format_utc(at)
    assert text is not None  # noqa: S101 - for mypy: a moment has a text
    return text
