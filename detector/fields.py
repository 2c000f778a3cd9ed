"""What a field of a public JSON form may hold beyond its type; schemas are generated from it.

Metadata for `typing.Annotated`; nothing is checked by it when a value is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any


@dataclass(frozen=True, slots=True)
class Within:
    """A number from `least` up to and including `most`."""

    least: float | None = None
    most: float | None = None

    def keywords(self) -> dict[str, Any]:
        """Return the keywords of JSON Schema."""
        limits = {"minimum": self.least, "maximum": self.most}
        return {name: at for name, at in limits.items() if at is not None}


@dataclass(frozen=True, slots=True)
class Text:
    """Text that matches a pattern wholly, or of so many characters."""

    pattern: str | None = None
    least: int | None = None
    most: int | None = None

    def keywords(self) -> dict[str, Any]:
        """Return the keywords of JSON Schema."""
        whole = None if self.pattern is None else f"^{self.pattern}$"
        limits = {"pattern": whole, "minLength": self.least, "maxLength": self.most}
        return {name: at for name, at in limits.items() if at is not None}


@dataclass(frozen=True, slots=True)
class Items:
    """A list of at least or at most so many."""

    least: int | None = None
    most: int | None = None

    def keywords(self) -> dict[str, Any]:
        """Return the keywords of JSON Schema."""
        limits = {"minItems": self.least, "maxItems": self.most}
        return {name: at for name, at in limits.items() if at is not None}


@dataclass(frozen=True, slots=True)
class Keys:
    """An object of numbers that has exactly these keys."""

    names: Sequence[str]

    def keywords(self) -> dict[str, Any]:
        """Return the keywords of JSON Schema."""
        numbers = {name: {"type": "integer", "minimum": 0} for name in self.names}
        return {
            "properties": numbers,
            "required": list(numbers),
            "additionalProperties": False,
        }


@dataclass(frozen=True, slots=True)
class UtcText:
    """Text of a moment: RFC 3339, UTC, with milliseconds."""

    def keywords(self) -> dict[str, Any]:
        """Return the keywords of JSON Schema."""
        pattern = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"
        return {"format": "date-time", "pattern": pattern}


@dataclass(frozen=True, slots=True)
class FormOf:
    """The JSON form of a dataclass, whose first field names its schema."""

    kind: type
    schema: str


@dataclass(frozen=True, slots=True)
class JsonName:
    """Its name in JSON, where Python has reserved that word."""

    name: str


Count = Annotated[int, Within(0)]
Name = Annotated[str, Text(least=1)]
Positive = Annotated[float, Within(0)]
Time = Annotated[str, UtcText()]
Share = Annotated[float, Within(0, 1)]
