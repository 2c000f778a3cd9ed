"""The first settings as a form: what was typed, and what of it cannot be used. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from detector.alerts.commands import PERSON
from detector.config.contacts import LONGEST_ADDRESS, check_address, whole_address
from detector.config.values import LONGEST_TEXT
from detector.config.worn import SIDES, WornAnswer, parse_worn
from detector.people.people import Role
from detector.sites import SITES
from detector.sources.nearby import NearbyDevice
from detector.words.phrases import sentence

MOST_SENSORS = 20  # on one screen; the nearest come first
MOST_REFUSED = 8
ROLES = (Role.CAREGIVER, Role.WEARER)


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the form's fields."""

    device: str = ""
    place: str = "ankle"
    side: str = ""
    label: str = "bedroom"
    person: str = ""
    role: str = Role.CAREGIVER.value
    told: str = ""
    address: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class FirstSettings:
    """What a person chose.

    label : of the wearer
    person, role : who may use the page on this browser
    told, address : whose phone alerts are pushed to, and where; "" for nobody
    """

    sensor: NearbyDevice
    worn: WornAnswer
    label: str
    person: str
    role: Role
    told: str = ""
    address: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Form:
    """The form: its fields, and by field what is wrong."""

    typed: Typed
    wrong: Mapping[str, str] = field(default_factory=dict)


def typed_of(said: Mapping[str, Any]) -> Typed:
    """Return what a form sent, each field of bounded length."""
    names = ("device", "place", "side", "label", "person", "role", "told")
    fields = {name: str(said.get(name, "")).strip()[: 2 * LONGEST_TEXT] for name in names}
    small = {name: fields[name].lower() for name in ("person", "told")}
    address = str(said.get("address", "")).strip()[:LONGEST_ADDRESS]
    return Typed(**{**fields, **small, "address": whole_address(address, small["told"])})


def usable(found: Sequence[NearbyDevice]) -> list[NearbyDevice]:
    """Return the sensors that can be chosen, nearest first."""
    return [one for one in found if one.driver is not None][:MOST_SENSORS]


def refused(found: Sequence[NearbyDevice]) -> list[NearbyDevice]:
    """Return known devices that cannot be used, with the reason in `because`."""
    return [one for one in found if one.refused][:MOST_REFUSED]


def settings_of(typed: Typed, found: Sequence[NearbyDevice]) -> FirstSettings | Form:
    """Return what was chosen, or the form with what is wrong."""
    wrong: dict[str, str] = {}
    sensor = next((one for one in usable(found) if one.address == typed.device), None)
    if sensor is None:
        wrong["device"] = "Choose your sensor."
    if typed.place not in SITES:
        wrong["place"] = "Choose where it is worn."
    if typed.side not in ("", *SIDES):
        wrong["side"] = "Choose a side, or none."
    if not 0 < len(typed.label) <= LONGEST_TEXT or not typed.label.isprintable():
        wrong["label"] = f"Type 1 to {LONGEST_TEXT} characters, such as bedroom."
    if not PERSON.fullmatch(typed.person):
        wrong["person"] = "Type up to 32 of a-z, 0-9, _ and -, such as anna."
    roles = {role.value: role for role in ROLES}
    if typed.role not in roles:
        wrong["role"] = "Choose one of them."
    wrong |= _wrong_contact(typed)
    if wrong or sensor is None:
        return Form(typed, wrong)
    worn = parse_worn(f"{typed.side} {typed.place}")
    return FirstSettings(
        sensor, worn, typed.label, typed.person, roles[typed.role], typed.told, typed.address
    )


def _wrong_contact(typed: Typed) -> dict[str, str]:
    """Return what is wrong with whom to tell; nothing where both fields are empty."""
    if not typed.told and not typed.address:
        return {}
    wrong = {} if PERSON.fullmatch(typed.told) else {"told": "Type a name such as anna."}
    try:
        check_address(typed.address, insecure=False)
    except ValueError as error:
        wrong["address"] = sentence(str(error))
    return wrong
