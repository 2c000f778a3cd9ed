"""Tables to read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Path]:
    """Write a table of the given columns; `fields` replaces single fields by (row, column)."""

    def write(
        columns: dict[str, object], *, sep: str = ",", name: str = "night.csv", fields=None
    ) -> Path:
        rows = [[str(v) for v in row] for row in zip(*columns.values(), strict=True)]
        for (row, column), text in (fields or {}).items():
            rows[row][column] = text
        text = "\n".join(sep.join(row) for row in [list(columns), *rows]) + "\n"
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        return file

    return write
