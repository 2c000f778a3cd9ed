"""What all sections of the settings have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A section: frozen, strict, and without unknown keys."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,  # a quoted number is reported as a mistake
        allow_inf_nan=False,
        hide_input_in_errors=True,  # inputs may be secrets
        use_attribute_docstrings=True,
    )
