"""A night as one page of paper for a clinician: PDF/UA-1, set by typst from data alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from detector.errors import ConfigError
from detector.report.night import NightReport
from detector.report.page import strip_words
from detector.report.reported import ReportedNight
from detector.report.trial_view import trial_view
from detector.report.view import report_view
from detector.words.nights import night_title
from detector.words.phrases import harmless, length

STANDARD: Literal["ua-1"] = "ua-1"
MOST_NOTES, MOST_SENSORS = 5, 4  # that one page holds
MOST_TEXT = 110  # characters of a note, and of why an event was found
MOST_NAME = 40


def report_pdf(reported: ReportedNight) -> bytes:
    """Return a night as a PDF/UA-1 of one page; the same bytes for the same figures.

    Raises
    ------
    ConfigError
        typst is not installed: there is none for this kind of computer.
    """
    made = _compiled(reported, "pdf")
    assert isinstance(made, bytes)  # noqa: S101 - a PDF is one file
    return made


def report_pictures(reported: ReportedNight) -> list[bytes]:
    """Return the pages of the same as pictures, PNG: to be looked at; errors as `report_pdf`."""
    made = _compiled(reported, "png")
    return [each for each in made if each] if isinstance(made, list) else [made or b""]


def _compiled(reported: ReportedNight, kind: Literal["pdf", "png"]) -> bytes | list[bytes] | None:
    try:
        import typst  # noqa: PLC0415 - 0.3 s, for paper alone
    except ImportError:
        raise ConfigError(
            "typst, which sets the PDF, is not installed here: make an HTML page and print that"
        ) from None
    return typst.compile(
        (files("detector.report") / "templates" / "clinician.typ").read_bytes(),
        format=kind,
        sys_inputs={"data": json.dumps(paper_view(reported))},
        pdf_standards=[STANDARD] if kind == "pdf" else [],
        font_paths=typst.Fonts(
            include_system_fonts=False, include_embedded_fonts=False, font_paths=[_fonts()]
        ),
        timestamp=0,
    )


def paper_view(reported: ReportedNight) -> dict[str, Any]:
    """Return what the page shows, each text bounded, so that one page holds it."""
    from detector.report import pictures  # noqa: PLC0415 - half a second, for pictures alone

    night = reported.night
    view = report_view(night)
    shown = _harmless(
        {
            "title": night_title(night.evening),
            "whose": _short(
                " · ".join(each for each in (view["whose"], _worn(night)) if each), MOST_TEXT
            ),
            "origin": view["origin"],
            "headline": view["headline"],
            "coverage": " ".join(view["coverage"]),
            "usual": view["usual"],
            "strip": pictures.strip(night, pictures.PAPER_WIDE),
            "strip_alt": strip_words(night),
            "strip_key": "◆ clonus   ▲ spasm   ■ tonic spasm   hatched: not watched   dashed: notes"
            "   grey: movement",
            "count_head": ["What", "Found", "In truth", "Misses", "Invents an hour"],
            "counts": [
                [row["name"], row["found"], row["truth"], row["misses"], row["invents"]]
                for row in view["counts"]
            ],
            "counts_note": view["counts_note"],
            "burden": view["burden"],
            "episodes": view["episodes"],
            "merge_rule": view["merge_rule"],
            "grades": [[row["name"], *map(str, row["bins"])] for row in view["grades"]],
            "grade_rule": view["grade_rule"],
            "periodic": view["periodic"] or "Too little was watched for an index.",
            "periodic_rule": view["periodic_rule"],
            "answers": [[row["name"], row["value"]] for row in view["answers"]],
            "notes": [
                [row["time"], _short(f"{row['kind']}: {row['text']}", MOST_TEXT)]
                for row in view["notes"][:MOST_NOTES]
            ],
            "bars": pictures.hour_bars(night, pictures.PAPER_COLUMN),
            "bars_alt": "Likely spasms in each hour: "
            + ", ".join(f"{row['name']} {row['clonus'] + row['other']}" for row in view["hours"]),
            "bars_key": "Dotted: clonus. Plain: other likely spasms. Hatched: watched for less "
            "than half of the hour.",
            "nights": nights_words(night),
            "trend": pictures.trend_picture(night, pictures.PAPER_COLUMN),
            "trend_alt": "Likely spasms an hour and hours watched, in fourteen nights",
            "trial": _trial(reported),
            "longest": [
                {
                    "head": f"{row['at']} {row['title']}, {row['length']}.",
                    "why": _short(row["why"], MOST_TEXT),
                }
                for row in view["longest"]
            ],
            "sensors": [
                [
                    _short(row["sensor"], MOST_NAME), row["site"], row["likely"], row["rate"],
                    row["lost"],
                ]
                for row in view["sensors"][:MOST_SENSORS]
            ]
            or [["none recorded", "", "", "", ""]],
            "quality": "; ".join(f"{row['name']}: {row['value']}" for row in view["quality"]) + ".",
            "unseen": view["unseen"],
            "notice": view["notice"],
        }
    )  # fmt: skip
    return cast(dict[str, Any], shown)


def _trial(reported: ReportedNight) -> dict[str, Any] | None:
    from detector.report import pictures  # noqa: PLC0415 - as above

    if reported.trial is None:
        return None
    view = trial_view(reported.trial)
    drawn = pictures.trial_picture(reported.trial, reported.night.evening, pictures.PAPER_COLUMN)
    return {
        "title": view["title"],
        "lines": [view["counted"], *view["lines"]],
        "note": view["note"],
        "picture": drawn,
        "alt": "Likely spasms an hour, night by night, before and after",
    }


def nights_words(night: NightReport) -> str:
    """Return median and middle half of the nights that are known, in words."""
    known = [each for _, each in night.trend if each is not None]
    rates = [each.likely_per_h for each in known if each.likely_per_h is not None]
    if not rates:
        return "No other night is known."
    low, middle, high = np.quantile(rates, (0.25, 0.5, 0.75)).tolist()
    hours = sum(each.watched_h or 0.0 for each in known)
    clonus = [event for event in night.events if event.kind.value == "clonus"]
    rhythms = [event.rhythm_hz for event in clonus if event.rhythm_hz]
    rhythm = f" of {np.median(rhythms):.1f} a second (median)" if rhythms else ""
    lasted = length(sum(event.duration_s for event in clonus))
    return (
        f"{len(rates)} nights, {length(hours * 3600)} watched: {middle:.1f} likely spasms an hour "
        f"(median; middle half {low:.1f} to {high:.1f}). Clonus this night: {len(clonus)}, "
        f"{lasted} in all{rhythm if clonus else ''}."
    )


def _worn(night: NightReport) -> str:
    sites: Sequence[str] = sorted({each.site for each in night.sensors if each.site})
    return f"worn at {', '.join(sites)}" if sites else ""


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _harmless(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.startswith("<svg") else harmless(value)
    if isinstance(value, dict):
        return {key: _harmless(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_harmless(each) for each in value]
    return value


@cache
def _fonts() -> str:
    """Return the folder of the fonts that matplotlib brings: the same on every computer."""
    import matplotlib as mpl  # noqa: PLC0415 - as above

    return str(Path(mpl.get_data_path()) / "fonts" / "ttf")
