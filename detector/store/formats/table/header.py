"""Where the rows of a table begin, and what the lines above them say."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from detector.errors import RecordingError
from detector.store.formats.checks import FASTEST_HZ, SLOWEST_HZ
from detector.store.formats.table.columns import (
    DELIMITERS,
    EXPECTED,
    TIME_UNITS_S,
    UNITS,
    Columns,
    TimeColumn,
    find_columns,
    number_of,
    split,
)
from detector.store.formats.table.moments import Order, form_of
from detector.store.formats.table.text import Piece

MOST_ABOVE = 200  # lines above the header: GENEActiv writes 100


@dataclass(frozen=True, slots=True)
class Layout:
    """How a table is laid out.

    header : the header line as written; None where there is none
    first : how many lines of the head lie above the first row
    stated_hz : rate that lines above the header say; None where none does
    order : of day and month, where they say it
    """

    columns: Columns
    header: str | None
    first: int
    stated_hz: float | None
    order: Order | None
    notes: tuple[str, ...] = ()


def find_layout(head: Piece, name: str) -> Layout:
    """Return the layout of a table by its first lines.

    The header is the first line that names three axes. Without one, a comment that does so stands
    for it, else the content of the first row.

    Raises
    ------
    RecordingError
        No line names three axes, and the rows do not say by themselves what they are.
    """
    lines, refused = head.lines[:MOST_ABOVE], None
    for at, line in enumerate(lines):
        columns, error = _header(line, name)
        if columns is not None:
            above = [*head.comments, *lines[:at]]
            layout = Layout(columns, line, at + 1, _rate(above), _order(above))
            return _with_units(layout, lines[at + 1 : at + 2])
        if (delimiter := _row_delimiter(line)) is not None:
            if refused is not None and at and _as_wide(lines[at - 1], line, delimiter):
                raise refused
            return _headless(head, at, delimiter, name)
        refused = error
    raise refused or RecordingError(f"{name}: no line is a header. {EXPECTED}")


def _header(line: str, name: str) -> tuple[Columns | None, RecordingError | None]:
    """Return the columns that a line names; else why it is no header."""
    refused: RecordingError | None = None
    for delimiter in DELIMITERS:
        if delimiter not in line:
            continue
        try:
            return find_columns(line, delimiter, name), None
        except RecordingError as error:
            refused = refused or error
    if refused is None:
        try:
            find_columns(line, ",", name)
        except RecordingError as error:
            refused = error
    return None, refused


def _row_delimiter(line: str) -> str | None:
    """Return what divides a line of at least three numbers; None where it is none."""
    for delimiter in DELIMITERS:
        if delimiter not in line:
            continue
        try:
            fields = split(line, delimiter)
        except csv.Error:
            continue
        if sum(map(_is_number, fields)) >= 3 and all(
            _is_number(field) or _is_moment(field) for field in fields[:4]
        ):
            return delimiter
    return None


def _as_wide(above: str, row: str, delimiter: str) -> bool:
    """Return whether the line above a row has as many fields, and so must be its header."""
    try:
        return len(split(above, delimiter)) == len(split(row, delimiter))
    except csv.Error:
        return False


def _headless(head: Piece, at: int, delimiter: str, name: str) -> Layout:
    """Return the layout of rows without a header: a clock if there is one, then x, y and z."""
    above = [*head.comments, *head.lines[:at]]
    fields = split(head.lines[at], delimiter)
    for comment in reversed(head.comments):
        columns, _ = _header(comment, name)
        if columns is not None and len(split(comment, columns.delimiter)) == len(fields):
            return Layout(
                replace(columns, delimiter=delimiter), None, at, _rate(above), _order(above)
            )
    rows = [split(line, delimiter) for line in head.lines[at:] if line.count('"') % 2 == 0]
    clock = next((i for i in range(len(fields)) if _is_clock(i, rows)), None)
    numbers = [i for i, field in enumerate(fields) if i != clock and _is_number(field)]
    first = 0 if clock is None else next((k for k, i in enumerate(numbers) if i > clock), 0)
    axes = numbers[first : first + 3]
    if len(axes) < 3 or (clock is None and len(numbers) != 3):
        raise RecordingError(f"{name} has no header line. {EXPECTED}")
    names = tuple(f"column {i + 1}" for i in range(len(fields)))
    x, y, z = axes
    times = () if clock is None else (TimeColumn(clock, None),)
    said = f"columns {x + 1}, {y + 1} and {z + 1} are read as x, y and z"
    time = "" if clock is None else f", column {clock + 1} as the time"
    return Layout(
        Columns(names, delimiter, (x, y, z), times, None),
        None, at, _rate(above), _order(above), (f"{name} has no header: {said}{time}",),
    )  # fmt: skip


def _is_clock(column: int, rows: Sequence[Sequence[str]]) -> bool:
    """Return whether a column only ever grows, or holds dates."""
    texts = [row[column] for row in rows if column < len(row)]
    if texts and _is_moment(texts[0]):
        return True
    if not all(map(_is_number, texts)) or len(texts) < 3:
        return False
    values = [number_of(text) for text in texts]
    grows = sum(later >= earlier for earlier, later in pairwise(values))
    return grows >= 0.99 * (len(values) - 1) and values[-1] > values[0]


def _with_units(layout: Layout, below: Sequence[str]) -> Layout:
    """Return the layout with the units that a line of their own below the header says."""
    columns = layout.columns
    try:
        fields = [text.strip("[]() ").casefold() for text in split(below[0], columns.delimiter)]
    except (IndexError, csv.Error):
        return layout
    if len(fields) != len(columns.names) or any(map(_is_number, filter(None, fields))):
        return layout
    units = {fields[i] for i in columns.axes}
    if not units <= UNITS.keys() or len(units) > 1:
        return layout
    times = tuple(
        replace(each, unit_s=TIME_UNITS_S.get(fields[each.index], each.unit_s))
        for each in columns.times
    )
    found = replace(columns, unit=UNITS[units.pop()], times=times)
    return replace(layout, columns=found, first=layout.first + 1)


def _rate(lines: Sequence[str]) -> float | None:
    """Return the one rate that lines above the header say, Hz; None where they say none or two."""
    found = set()
    for line in lines:
        for match in (*_HERTZ.finditer(line), *_NAMED_RATE.finditer(line)):
            value = float(match["hz"].replace(",", "."))
            if SLOWEST_HZ <= value <= FASTEST_HZ:
                found.add(value)
    return found.pop() if len(found) == 1 else None


def _order(lines: Sequence[str]) -> Order | None:
    """Return the order of day and month in dates, where lines above the header say it."""
    for line in lines:
        if (match := _DATE_FORMAT.search(line)) is not None:
            return Order.DAY if match["first"].casefold().startswith("d") else Order.MONTH
    return None


def _is_number(text: str) -> bool:
    try:
        number_of(text)
    except ValueError:
        return False
    return bool(text)


def _is_moment(text: str) -> bool:
    try:
        form_of([text])
    except ValueError:
        return False
    return True


_HERTZ = re.compile(r"(?<![\d.,])(?P<hz>\d{1,5}(?:[.,]\d{1,6})?)\s*hz\b", re.IGNORECASE)
_NAMED_RATE = re.compile(
    r"\b(?:fs|odr|sampl\w*[ _]?(?:rate|freq\w*)|frequency|rate)\b[^\d\n]{0,80}?"
    r"(?P<hz>\d{1,5}(?:[.,]\d{1,6})?)\s*(?:hz\b|[\"',;\s]*$)",
    re.IGNORECASE,
)
_DATE_FORMAT = re.compile(
    r"\b(?P<first>d{1,2}|m{1,2})[-/.](?:d{1,2}|m{1,2})[-/.]y{2,4}\b", re.IGNORECASE
)
