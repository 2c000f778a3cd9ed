"""A report as one HTML file: nothing is loaded from elsewhere, and nothing runs in it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from detector.events import Event
from detector.report.movement import Traced
from detector.report.night import NightReport
from detector.report.reported import ReportedNight
from detector.report.trial_view import trend_row, trial_view
from detector.report.view import SHAPES, report_view
from detector.words.nights import night_title
from detector.words.phrases import TITLES, counted, harmless, length


def report_html(nights: Sequence[ReportedNight]) -> str:
    """Return nights as one HTML page."""
    views = [page_view(each) for each in nights]
    title = views[0]["title"] if len(views) == 1 else f"{counted(len(views), 'night')}"
    return _environment().get_template("report.html").render(title=title, nights=views)


def page_view(reported: ReportedNight) -> dict[str, Any]:
    """Return what the page shows of a night, pictures included; text that controls nothing."""
    from detector.report import pictures  # noqa: PLC0415 - half a second, for pictures alone

    night = reported.night
    view = report_view(night)
    for each, event in zip(view["longest"], night.longest, strict=True):
        traced = reported.trace(event)
        each["rows"] = _event_rows(event)
        each["picture"] = (
            "" if traced is None else pictures.event_picture(traced, event, night.evening)
        )
        each["alt"] = _trace_words(event, traced)
    view |= {
        "strip": pictures.strip(night),
        "strip_alt": strip_words(night),
        "marks": _mark_rows(night),
        "bars": pictures.hour_bars(night),
        "trend_picture": pictures.trend_picture(night),
        "trend": [trend_row(*each) for each in night.trend],
        "trend_known": sum(each is not None for _, each in night.trend),
        "trial": None,
    }
    if reported.trial is not None:
        trial = trial_view(reported.trial)
        trial["picture"] = pictures.trial_picture(reported.trial, night.evening)
        view["trial"] = trial
    shown = _harmless(view, kept={"strip", "bars", "trend_picture", "picture"})
    assert isinstance(shown, dict)  # noqa: S101 - it was one
    return shown


def _mark_rows(night: NightReport) -> list[dict[str, str]]:
    """Return every likely spasm and twitch as a row of the table beside the night's picture."""
    return [
        {
            "time": f"{event.onset.astimezone(night.zone):%H:%M:%S}",
            "shape": SHAPES[event.kind],
            "kind": str(event.kind),
            "what": TITLES[event.kind],
            "length": length(event.duration_s),
        }
        for event in night.events
        if event.kind.is_spasm_family and event.onset is not None
    ]


def _event_rows(event: Event) -> list[dict[str, str]]:
    rows = [("Length", length(event.duration_s))]
    if event.rhythm_hz:
        rows.append(("Rhythm", f"{event.rhythm_hz:.1f} beats a second"))
    if event.peak_g is not None:
        rows.append(("Strongest movement", f"{event.peak_g:.2f} g"))
    if event.turn_deg is not None:
        rows.append(("The sensor turned by", f"{event.turn_deg:.0f} degrees"))
    rows.append(("Confidence", f"{event.confidence:.0%}".replace("%", " %")))
    return [{"name": name, "value": value} for name, value in rows]


def strip_words(night: NightReport) -> str:
    """Return what the picture of a night shows, in words."""
    gaps = len(night.coverage.gaps)
    hatched = f" and {counted(gaps, 'gap')} hatched" if gaps else ""
    return (
        f"{night_title(night.evening)}: movement from begin to end, with a mark for each of "
        f"{counted(night.counts.counts[0].found, 'likely spasm')}"
        f"{hatched}. "
        "The table below has the same."
    )


def _trace_words(event: Event, traced: Traced | None) -> str:
    if traced is None:
        return ""
    what = "movement in g and, below it, how strong each rhythm from 0 to 15 a second was"
    return f"{TITLES[event.kind]} of {length(event.duration_s)}: {what}."


def _harmless(value: Any, kept: frozenset[str] | set[str], name: str = "") -> Any:
    """Return text without what controls a screen; pictures, which are ours, as they are."""
    if isinstance(value, str):
        return value if name in kept else harmless(value)
    if isinstance(value, dict):
        return {key: _harmless(each, kept, key) for key, each in value.items()}
    if isinstance(value, list):
        return [_harmless(each, kept) for each in value]
    return value


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("detector.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
