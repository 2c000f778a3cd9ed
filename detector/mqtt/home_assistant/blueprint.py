"""The blueprint of an automation that wakes people by Home Assistant."""

from __future__ import annotations

from importlib import resources


def text() -> str:
    """Return the YAML that Home Assistant imports."""
    return resources.files(__package__).joinpath("blueprint.yaml").read_text(encoding="utf-8")
