"""Which columns of a table are its clock, and how they are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, nan

import numpy as np

from detector.errors import RecordingError
from detector.store.formats.table.columns import Columns, TimeColumn, listed, number_of
from detector.store.formats.table.moments import Moments, Order, TimeForm, form_of, is_date
from detector.store.formats.table.times import Floats, epoch_ns, is_likely, unit_s

TELLING = 0.2  # share of rows that a column may leave empty
EVEN_STEPS = 0.05  # deviation of the steps of a clock that dates samples, of the middle step
DAY_S = 86_400.0
UNIT_WORDS = {
    1.0: "seconds", 1e-3: "milliseconds", 1e-6: "microseconds", 1e-9: "nanoseconds",
    DAY_S: "days",
}  # fmt: skip
REMEDY = "Write it as in 2026-03-14T02:10:00.000, or leave the column out and add --fs HZ"


@dataclass(frozen=True, slots=True)
class TableClock:
    """How the time of a row is read.

    columns : one, or two with the date in the first and the time of day in the second
    moments : reads text; None where the column holds numbers
    unit_s : what a number counts, s
    zoned : whether a text says how far it is from UTC
    of_day : whether times count from midnight
    start_s : UTC of the first row by another column, s since 1970; None where none says it
    """

    columns: tuple[int, ...]
    moments: Moments | None = None
    unit_s: float = 1.0
    zoned: bool = False
    of_day: bool = False
    start_s: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_local(self) -> bool:
        """Whether times are dates that do not say their zone."""
        return self.moments is not None and not self.zoned and not self.of_day

    def text(self, fields: Sequence[str]) -> str:
        """Return the time of a row as written."""
        return " ".join(fields[i].strip().strip('"').strip() for i in self.columns)

    def epoch_ns(self, first_s: float) -> int | None:
        """Return UTC of the first row, ns since 1970; None where the table does not say it."""
        if (self.moments is not None and not self.zoned) or self.unit_s == DAY_S:
            return (
                None  # a spreadsheet's days begin in 1900 or 1904, in a zone that it does not say
            )
        known = epoch_ns(first_s) if self.start_s is None else epoch_ns(self.start_s)
        return None if self.of_day else known


def find_clock(
    columns: Columns, rows: Sequence[Sequence[str]], name: str, hint: Order | None = None
) -> TableClock | None:
    """Return the clock of a table by its names and the fields of its first rows; None without one.

    Of several the one whose steps are most even is taken, the earliest of equals.

    Raises
    ------
    RecordingError
        A column is named as time and cannot be read as one.
    """
    named = [column for column in columns.times if not _is_empty(column.index, rows)]
    found: list[TableClock] = []
    errors: list[RecordingError] = []
    for column in named:
        try:
            clock = _of_column(columns, column, rows, name, hint)
        except RecordingError as error:
            errors.append(error)
            continue
        found += [] if clock is None else [clock]
    if not found and errors:
        raise errors[0]
    if not found:
        found = _by_content(columns, rows, hint)
    if not found:
        return None
    read = [(clock, _seconds(clock, rows)) for clock in found]
    best, times = min(read, key=lambda each: max(_unevenness(each[1]), EVEN_STEPS))
    return _dated(best, times, read)


def _of_column(
    columns: Columns,
    column: TimeColumn,
    rows: Sequence[Sequence[str]],
    name: str,
    hint: Order | None,
) -> TableClock | None:
    """Return the clock that one column is, with a date from another; None where it is a date."""
    texts = _texts((column.index,), rows)
    numbers = _numbers(texts)
    if numbers is not None:
        said, looks = column.unit_s, unit_s(numbers)
        if said is None or said == looks or is_likely(numbers, said):
            return TableClock((column.index,), unit_s=said or looks)
        header = listed(columns.names[column.index : column.index + 1])
        note = f"{name}, column {header}: read as {UNIT_WORDS[looks]}, which is what it counts"
        return TableClock((column.index,), unit_s=looks, notes=(note,))
    if all(map(is_date, texts)):
        return None
    at: tuple[int, ...] = (column.index,)
    try:
        form, texts = _form(texts, hint)
        if not form.dated:
            for other in columns.times:
                if other is not column and all(map(is_date, _texts((other.index,), rows))):
                    at = (other.index, column.index)
                    texts = _texts(at, rows)
                    form, texts = _form(texts, hint)
                    break
    except ValueError:
        raise _unreadable(columns, column.index, texts, name) from None
    notes: tuple[str, ...] = ()
    if form.guessed:
        notes = (f"{name} may write the day or the month first: read as the day",)
    return TableClock(at, Moments(form.order), zoned=form.zoned, of_day=not form.dated, notes=notes)


def _by_content(
    columns: Columns, rows: Sequence[Sequence[str]], hint: Order | None
) -> list[TableClock]:
    """Return clocks whose columns have other names: dates with a time of day, whole epochs."""
    found = []
    for i in set(range(len(columns.names))) - set(columns.axes):
        if _is_empty(i, rows):
            continue
        texts = _texts((i,), rows)
        numbers = _numbers(texts)
        if numbers is not None:
            unit = unit_s(numbers)
            if epoch_ns(float(numbers[0]) * unit) is not None and (np.diff(numbers) >= 0).all():
                found.append(TableClock((i,), unit_s=unit))
            continue
        try:
            form, texts = _form(texts, hint)
        except ValueError:
            continue
        if form.dated:
            found.append(TableClock((i,), Moments(form.order), zoned=form.zoned))
    return found


def _dated(
    best: TableClock, times: Floats, read: Sequence[tuple[TableClock, Floats]]
) -> TableClock:
    """Return a clock with the date of another, where it has none of its own."""
    if best.epoch_ns(float(times[0])) is not None:
        return best
    for other, others in read:
        known = other.epoch_ns(float(others[0]))
        if known is not None:
            return TableClock(best.columns, best.moments, best.unit_s, True, False, known / 1e9)
    return best


def _seconds(clock: TableClock, rows: Sequence[Sequence[str]]) -> Floats:
    texts = _texts(clock.columns, rows)
    if clock.moments is not None:
        return clock.moments.seconds([text for text in texts if _is_time(text)])
    numbers = _numbers(texts)
    return np.zeros(len(texts)) if numbers is None else numbers * clock.unit_s


def _unevenness(times: Floats) -> float:
    """Return the middle deviation of steps from the middle step, of that step."""
    steps = np.diff(times)
    middle = float(np.median(steps)) if len(steps) else 0.0
    if middle <= 0:
        return float("inf")
    return float(np.quantile(np.abs(steps - middle), 0.75)) / middle


def _numbers(texts: Sequence[str]) -> Floats | None:
    """Return the numbers that a column holds; None where it is text, but for a few wrong fields."""
    values = [value for value in map(_number, texts) if isfinite(value)]
    return np.array(values) if len(values) > (1 - TELLING) * len(texts) else None


def _number(text: str) -> float:
    try:
        return number_of(text)
    except ValueError:
        return nan


def _texts(columns: tuple[int, ...], rows: Sequence[Sequence[str]]) -> list[str]:
    kept = [row for row in rows if all(i < len(row) and row[i] for i in columns)]
    return [" ".join(row[i] for i in columns) for row in kept]


def _form(texts: Sequence[str], hint: Order | None) -> tuple[TimeForm, list[str]]:
    """Return how most of the texts write their time, and these.

    Raises
    ------
    ValueError
        They are no times.
    """
    kept = [text for text in texts if _is_time(text)]
    if len(kept) <= (1 - TELLING) * len(texts):
        raise ValueError("no times")
    return form_of(kept, hint), kept


def _is_empty(column: int, rows: Sequence[Sequence[str]]) -> bool:
    empty = sum(column >= len(row) or not row[column] for row in rows)
    return empty > TELLING * len(rows)


def _unreadable(columns: Columns, column: int, texts: Sequence[str], name: str) -> RecordingError:
    shown = next((text for text in texts if not _is_time(text)), texts[0])[:40]
    return RecordingError(
        f"{name}, column {listed(columns.names[column : column + 1])}: this form of time is not "
        f'known: "{shown}". {REMEDY}'
    )


def _is_time(text: str) -> bool:
    try:
        form_of([text])
    except ValueError:
        return False
    return True
