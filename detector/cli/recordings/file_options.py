"""Options about files of other programs, the same for every command that reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from detector.store.formats.table.reader import Where


def _unit(text: str | None) -> str | None:
    if text is not None:
        from detector.store.formats.checks import Unit

        try:
            Unit.of(text)
        except ValueError:
            raise typer.BadParameter(
                f"{text!r} is none of g, m/s2, mg, or counts as in 8192/g"
            ) from None
    return text


def _where(text: str | None) -> str | None:
    if text is not None and not all(text.partition("=")):
        raise typer.BadParameter("must name a column and its content, as in sensor=left")
    return text


def rows_wanted(text: str | None) -> Where | None:
    """Return the column and content of `--where`."""
    if text is None:
        return None
    column, _, content = text.partition("=")
    return column, content


UnitName = Annotated[
    str | None,
    typer.Option(
        metavar="g|m/s2|mg|N/g",
        callback=_unit,
        help="Unit, where the file does not say it; 8192/g: counts, 8192 to a g.",
    ),
]
RowsWanted = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN=CONTENT",
        callback=_where,
        help="Rows of a table to read, where it holds those of several sensors.",
    ),
]
