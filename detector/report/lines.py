"""A night's report as lines of text: the sentence first, then the picture, numbers last. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from textwrap import wrap
from typing import Any

from detector.events import Event, Kind
from detector.report.coverage import HOUR
from detector.report.night import HourFigures, NightReport
from detector.report.spasms import onset_of
from detector.report.trial import NightTrial
from detector.report.trial_view import trial_view
from detector.report.view import SHAPES, report_view
from detector.words.phrases import NOTICE, harmless

NARROWEST, WIDEST = 40, 100
SLOTS = 3  # of an hour in the picture: twenty minutes each
MOST_SLOTS = 54  # that stand beside each other in 60 columns
KEY = "▲ spasm  ■ tonic spasm  ◆ clonus  · watched  / not watched"
MOST_LISTED = 12  # of a list on a terminal; the page has them all


def report_lines(
    night: NightReport, *, width: int, plain: bool = False, question: str = ""
) -> list[str]:
    """Return a night as lines of at most `width` columns.

    Parameters
    ----------
    plain : leave the picture out, for a screen reader
    question : to be asked where no stiffness was noted
    """
    view = report_view(night)
    width = min(max(width, NARROWEST), WIDEST)
    lines = [view["title"], "", *_wrapped([view["headline"]], width)]
    lines += _wrapped([view["origin"], *view["coverage"], view["usual"]], width)
    if not plain and night.hours:
        lines += ["", *picture(night), *_wrapped([KEY], width)]
    lines += _section("The longest", _longest(view, plain=plain), width)
    said = _said(view)
    asked = [question] if question and not night.answers else []
    lines += _section("Notes", [*said, *asked], width)
    lines += _section("Alerts", _alerts(view), width)
    lines += _section("Numbers", _numbers(view, night.hours), width)
    lines += _section("Data", _data(view), width)
    lines += ["", *wrap(NOTICE, width)]
    return [harmless(line) for line in lines]


def trial_lines(trial: NightTrial, *, width: int) -> list[str]:
    """Return a comparison of nights as lines of at most `width` columns."""
    view = trial_view(trial)
    width = min(max(width, NARROWEST), WIDEST)
    texts = [view["counted"], *view["lines"], view["note"]]
    return _section(view["title"], texts, width)


def picture(night: NightReport) -> list[str]:
    """Return the night as two lines of characters: hours, and what was in each twenty minutes."""
    hours = night.hours
    slots = SLOTS if len(hours) * SLOTS <= MOST_SLOTS else 2
    each = HOUR / slots
    names = "".join(
        hour.name[:2].ljust(slots) if slots == SLOTS or number % 2 == 0 else "  "
        for number, hour in enumerate(hours)
    )
    marks = "".join(_slot(night, hour, n, each) for hour in hours for n in range(slots))
    return [f"  {names.rstrip()}", f"  {marks.rstrip()}"]


def _slot(night: NightReport, hour: HourFigures, number: int, each: timedelta) -> str:
    begin = hour.begin + number * each
    end = begin + each
    inside = {event.kind for event in _likely(night.events) if begin <= onset_of(event) < end}
    for kind in (Kind.CLONUS, Kind.SPASM, Kind.TONIC):
        if kind in inside:
            return SHAPES[kind]
    first, last = night.coverage.begin, night.coverage.end
    if first is None or last is None or end <= first or begin >= last:
        return " "
    watched_s = night.coverage.between(begin, end)
    whole_s = (min(end, last) - max(begin, first)).total_seconds()
    return "·" if watched_s * 2 >= whole_s else "/"


def _likely(events: Iterable[Event]) -> list[Event]:
    return [event for event in events if event.kind.is_spasm_family]


def _longest(view: dict[str, Any], *, plain: bool) -> list[str]:
    found: list[str] = []
    for each in view["longest"]:
        shape = "" if plain else f"{each['shape']} "
        cut = f" {each['cut']}" if each["cut"] else ""
        found.append(f"{each['at']}  {shape}{each['title']}, {each['length']}. {each['why']}{cut}")
    return found


def _said(view: dict[str, Any]) -> list[str]:
    lines = [
        f"{each['time']}  {each['kind']}{': ' if each['text'] else ''}{each['text']} ({each['by']})"
        for each in view["notes"][:MOST_LISTED]
    ]
    lines += _more(view["notes"])
    lines += [f"{each['name']}: {each['value']} ({each['by']})" for each in view["answers"]]
    if view["medicine"]:
        hours = ", ".join(f"{each['hours']} {each['likely']}" for each in view["medicine"])
        lines.append(f"{view['medicine_rule']} Likely spasms: {hours}.")
    return lines


def _alerts(view: dict[str, Any]) -> list[str]:
    lines = [
        f"{each['time']}  {each['what']}: {each['answered']}; "
        + ("still open" if each["over"] == "still open" else f"over at {each['over']}")
        for each in view["alerts"][:MOST_LISTED]
    ]
    return lines + _more(view["alerts"])


def _numbers(view: dict[str, Any], hours: Sequence[HourFigures]) -> list[str]:
    lines = [
        f"{row['name']}: {row['found']} found"
        + (f", {row['truth']} in truth" if view["has_truth"] else "")
        + ("" if row["errors"] == "not known" else f"; {row['errors']}")
        for row in view["counts"]
    ]
    lines += [view["counts_note"], view["burden"], view["contexts"], view["episodes"]]
    lines += [view["merge_rule"]] if view["episodes"] else []
    if view["graded"]:
        shown = [
            f"{row['name'].lower()} {' / '.join(map(str, row['bins']))}"
            for row in view["grades"]
            if any(row["bins"])
        ]
        lines.append(f"Grades 1 / 2 / 3: {'; '.join(shown)}. {view['grade_rule']}")
    if view["periodic"]:
        rule = f" {view['periodic_rule']}" if view["periodic_found"] else ""
        lines.append(view["periodic"] + rule)
    busy = [hour for hour in hours if hour.clonus + hour.other_likely + hour.twitches]
    if busy and len(hours) > 1:
        told = ", ".join(f"{hour.name} {hour.clonus + hour.other_likely}" for hour in busy)
        lines.append(f"Likely spasms by the hour: {told}; none in the others.")
    return [line for line in lines if line]


def _data(view: dict[str, Any]) -> list[str]:
    lines = [
        f"{each['sensor']} ({each['site']}): {each['likely']} likely spasms, {each['rate']}, "
        f"lost: {each['lost']}"
        for each in view["sensors"]
    ]
    lines.append("; ".join(f"{row['name']}: {row['value']}" for row in view["quality"]) + ".")
    return [*lines, *view["remarks"], view["unseen"]]


def _more(rows: Sequence[Any]) -> list[str]:
    more = len(rows) - MOST_LISTED
    return [f"and {more} more"] if more > 0 else []


def _section(title: str, texts: Sequence[str], width: int) -> list[str]:
    return ["", title, *_wrapped(texts, width, indent="  ")] if texts else []


def _wrapped(texts: Iterable[str], width: int, indent: str = "") -> list[str]:
    lines: list[str] = []
    for text in texts:
        lines += wrap(
            text, width, initial_indent=indent, subsequent_indent=indent + ("  " if indent else "")
        )
    return lines
