"""Sensors that are received and cannot be used, each with the reason."""

from __future__ import annotations

from dataclasses import dataclass

from detector.devices.profile import Advertisement


@dataclass(frozen=True, slots=True)
class Refusal:
    """A family that no driver can help; `because` is a sentence with a remedy."""

    title: str
    names: tuple[str, ...]  # how the advertised name begins
    services: frozenset[str]
    because: str

    def concerns(self, advertisement: Advertisement) -> bool:
        """Whether an advertisement is of this family."""
        named = bool(self.names) and advertisement.name.startswith(self.names)
        return named or not self.services.isdisjoint(advertisement.services)


PINETIME = Refusal(
    title="PineTime (InfiniTime)",
    names=("InfiniTime", "PineTimeSD"),
    services=frozenset(),  # it advertises only that of a firmware update, as others do
    because="its firmware sends 10 samples a second (SystemTask, every 100 ms): clonus beats at 3 "
    "to 8 a second, and what is faster than 5 cannot be seen; OpenSeizureDetector's firmware for "
    "it cannot be told from the maker's, and its rate is off by up to 16 %. Use another sensor",
)

REFUSED: tuple[Refusal, ...] = (PINETIME,)


def refusal_of(advertisement: Advertisement) -> Refusal | None:
    """Return the family that an advertisement is of, if it is one that cannot be used."""
    return next((refusal for refusal in REFUSED if refusal.concerns(advertisement)), None)
