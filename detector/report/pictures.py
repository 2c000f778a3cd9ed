"""Pictures of a night as SVG, the same bytes for the same figures. Loads matplotlib.

Nothing outside this module and what writes HTML and PDF imports it: other commands start quickly.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from io import BytesIO
from itertools import pairwise
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from detector.events import Event, Kind
from detector.report.coverage import HOUR
from detector.report.movement import BIN_S, FLOOR_DB, HIGHEST_HZ, SensorMovement, Traced
from detector.report.night import NightReport
from detector.report.spasms import onset_of
from detector.report.trend import TrendNight
from detector.report.trial import Compared, NightTrial, TrialSide
from detector.report.view import split_names
from detector.store.known_night import WATCHED
from detector.words.nights import day_name
from detector.words.phrases import COUNTED, harmless, one_line
from detector.words.screens import place_words
from detector.words.states import ORANGE, VERMILION

INK, QUIET, SOFT = "#010203", "#040506", "#070809"
"""Stand for the colours of text, of lines beside it and of areas: light, dark or on paper."""


@dataclass(frozen=True, slots=True)
class Paint:
    """How pictures are drawn: `colours` stand for ink, quiet and soft, `low` is their height.

    width_in, text_pt : of a picture and the text in it
    """

    colours: tuple[str, str, str]
    width_in: float
    text_pt: float
    low: float = 1.0


PAGE = Paint(("var(--ink)", "var(--quiet)", "var(--soft)"), 5.0, 11.0)
"""360 pt: as wide as a small phone, so that text is read there; wider screens enlarge it."""

PAPER_WIDE = Paint(("#000000", "#595959", "#D9D9D9"), 7.1, 7.5, 0.66)
PAPER_COLUMN = Paint(PAPER_WIDE.colours, 3.3, 7.5, 0.62)

PURPLE = "#CC79A7"  # of Okabe and Ito's palette, as orange and vermilion are
COLOURS: Mapping[Kind, str] = {Kind.CLONUS: VERMILION, Kind.SPASM: ORANGE, Kind.TONIC: PURPLE}
MARKERS: Mapping[Kind, str] = {Kind.CLONUS: "D", Kind.SPASM: "^", Kind.TONIC: "s"}
MOST_TICKS = 6
LANES = (1.2, 1.5, 1.8)  # of marks, above the strip
STILL_G, STRONG_G = 0.003, 0.5  # a sensor's noise; a leg that is being shaken
BAND_HZ = (3.0, 8.0)  # in which clonus beats
_STYLE: Any = {
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "text.color": INK,
    "hatch.color": QUIET,
    "hatch.linewidth": 1.2,
    "image.composite_image": False,
    "text.parse_math": False,
}


def strip(night: NightReport, paint: Paint = PAGE) -> str:
    """Return the night from its begin to its end: movement, marks, notes, what was not watched."""
    begin, end = night.coverage.begin, night.coverage.end
    if begin is None or end is None:
        return ""
    hours = max((end - begin) / HOUR, 0.05)
    rows: Sequence[SensorMovement | None] = night.sensors or (None,)

    def place(moment: datetime) -> float:
        return (moment - begin) / HOUR

    def draw(figure: Figure) -> None:
        axes = figure.subplots(len(rows), 1, sharex=True, squeeze=False)[:, 0]
        for ax, sensor in zip(axes, rows, strict=True):
            _movement(ax, sensor, begin, end)
            for state, since, until in night.coverage.states:
                if state not in WATCHED and since < end:
                    ax.axvspan(
                        place(since), place(min(until, end)), facecolor="none", edgecolor=QUIET,
                        hatch="////", linewidth=0.8,
                    )  # fmt: skip
            for note in night.notes:
                if begin <= note.at <= end:
                    ax.axvline(place(note.at), color=INK, linewidth=1.0, linestyle=(0, (4, 3)))
            _marks(ax, _of(night.events, sensor), place)
            ax.set(xlim=(0, hours), ylim=(0, 1.95), yticks=[])
            ax.spines["left"].set_visible(False)
            if len(rows) > 1 and sensor is not None:
                ax.set_title(_label(sensor.sensor), loc="left", fontsize=paint.text_pt, pad=2)
        ticks = _hour_ticks(begin, end, night.zone)
        axes[-1].set_xticks([place(at) for at, _ in ticks], [words for _, words in ticks])

    return _svg(draw, 0.6 + 1.1 * len(rows), "night", night.evening, paint)


def hour_bars(night: NightReport, paint: Paint = PAGE) -> str:
    """Return likely spasms by the hour, with the number on each bar."""
    hours = night.hours
    if not hours:
        return ""

    def draw(figure: Figure) -> None:
        ax = figure.subplots()
        places = np.arange(len(hours))
        clonus = np.array([hour.clonus for hour in hours])
        others = np.array([hour.other_likely for hour in hours])
        most = max(int((clonus + others).max()), 3)
        for hour, at in zip(hours, places, strict=True):
            if hour.watched_s < 1800 and hour.watched_s < HOUR.total_seconds() / 2:
                ax.axvspan(at - 0.5, at + 0.5, facecolor="none", edgecolor=QUIET, hatch="////",
                           linewidth=0, alpha=0.5)  # fmt: skip
        if night.usual is not None:
            ax.axhspan(night.usual.low, night.usual.high, color=SOFT, zorder=0)
        ax.bar(places, clonus, 0.8, color=VERMILION, edgecolor=INK, linewidth=0.7, hatch="..")
        ax.bar(places, others, 0.8, bottom=clonus, color=ORANGE, edgecolor=INK, linewidth=0.7)
        for at, count in zip(places, clonus + others, strict=True):
            if count:
                ax.text(float(at), count + most * 0.03, str(count), ha="center", va="bottom")
        ax.set(ylim=(0, most * 1.2), xlim=(-0.6, len(hours) - 0.4), yticks=[])
        ax.spines["left"].set_visible(False)
        each = -(-len(hours) // (MOST_TICKS + 2))
        shown = places[::each]
        ax.set_xticks(shown, [hours[int(at)].name[:2] for at in shown])

    return _svg(draw, 2.0, "hours", night.evening, paint)


def event_picture(traced: Traced, event: Event, evening: date, paint: Paint = PAGE) -> str:
    """Return an event's trace, and below it how strong each rhythm was, cividis."""
    if not traced.pieces:
        return ""
    ends = traced.pieces[0][0][0], traced.pieces[-1][0][-1]

    def draw(figure: Figure) -> None:
        spectrum = traced.spectrum
        axes = figure.subplots(1 if spectrum is None else 2, 1, sharex=True, squeeze=False)[:, 0]
        ax = axes[0]
        ax.axvspan(0.0, min(event.duration_s, ends[1]), color=SOFT, zorder=0)
        for at_s, values in traced.pieces:
            shown = _thinned(at_s, values)
            ax.plot(*shown, color=INK, linewidth=0.8)
        for (one, _), (other, _) in pairwise(traced.pieces):
            ax.axvspan(one[-1], other[0], facecolor="none", edgecolor=QUIET, hatch="////",
                       linewidth=0)  # fmt: skip
        ax.set(xlim=ends, ylabel="g")
        if spectrum is not None:
            at_s, hz, decibels = spectrum
            step = float(at_s[1] - at_s[0]) if len(at_s) > 1 else 1.0
            axes[1].imshow(
                decibels, aspect="auto", origin="lower", cmap="cividis", vmin=FLOOR_DB, vmax=0,
                extent=(at_s[0] - step / 2, at_s[-1] + step / 2, hz[0], hz[-1]),
                interpolation="nearest",
            )  # fmt: skip
            for edge in BAND_HZ:
                axes[1].axhline(edge, color="#FFFFFF", linewidth=1.2, linestyle=":")
            axes[1].set(ylim=(0, HIGHEST_HZ), ylabel="Hz", yticks=[0, *BAND_HZ, HIGHEST_HZ])
        axes[-1].set_xlabel("seconds from its onset")
        figure.align_ylabels(axes)

    height = 1.7 if traced.spectrum is None else 3.2
    return _svg(draw, height, f"event-{event.id}", evening, paint)


def trend_picture(night: NightReport, paint: Paint = PAGE) -> str:
    """Return fourteen nights: a dot for each rate, a bar for what was watched; none is joined."""
    known = [(n, each) for n, (_, each) in enumerate(night.trend) if each is not None]
    if len(known) < 2:
        return ""

    def draw(figure: Figure) -> None:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        if night.usual is not None:
            above.axhspan(night.usual.low, night.usual.high, color=SOFT, zorder=0)
        rates = [(n, each.likely_per_h) for n, each in known if each.likely_per_h is not None]
        above.plot(*_columns(rates), "o", color=VERMILION, markeredgecolor=INK, markersize=7)
        above.set(ylim=(0, max([1.0, *(rate for _, rate in rates)]) * 1.25))
        above.set_title("likely spasms an hour", loc="left", fontsize=paint.text_pt, pad=2)
        watched = [(n, each.watched_h) for n, each in known if each.watched_h is not None]
        below.bar(*_columns(watched), 0.7, color=SOFT, edgecolor=QUIET, linewidth=0.7)
        below.set_title("hours watched", loc="left", fontsize=paint.text_pt, pad=2)
        below.set(xlim=(-0.7, len(night.trend) - 0.3), ylim=(0, 12.5), yticks=[0, 4, 8, 12])
        shown = range(len(night.trend) - 1, -1, -3)
        below.set_xticks(list(shown), [day_name(night.trend[n][0])[4:] for n in shown])

    return _svg(draw, 3.0, "trend", night.evening, paint)


def trial_picture(trial: NightTrial, evening: date, paint: Paint = PAGE) -> str:
    """Return the nights of both sides, with the mean of those that count."""
    measure = Compared.LIKELY_PER_H
    sides = [(side, list(trial.nights[side])) for side in TrialSide]
    if not any(night is not None for _, rows in sides for _, night in rows):
        return ""

    def draw(figure: Figure) -> None:
        ax = figure.subplots()
        names: list[str] = []
        most = 1.0
        for side, rows in sides:
            since = len(names)
            valid: list[float] = []
            for day, night in rows:
                rate = _value(night, measure)
                if rate is not None and night is not None:
                    ax.plot(
                        [len(names)], [rate], "o" if night.is_valid else "x", color=VERMILION,
                        markeredgecolor=INK, markersize=7,
                    )  # fmt: skip
                    valid += [rate] if night.is_valid else []
                    most = max(most, rate)
                names.append(day_name(day)[4:])
            if valid:
                ax.hlines(np.mean(valid), since - 0.4, len(names) - 0.6, color=INK, linewidth=1.5)
            if side is TrialSide.BEFORE:
                ax.axvline(len(names) - 0.5, color=INK, linewidth=1.0, linestyle=(0, (4, 3)))
        ax.set_title("likely spasms an hour", loc="left", fontsize=paint.text_pt, pad=2)
        ax.set(ylim=(0, most * 1.25), xlim=(-0.7, len(names) - 0.3))
        ax.set_xticks(list(range(0, len(names), 3)), names[::3])

    return _svg(draw, 2.2, "trial", evening, paint)


def _movement(ax: Axes, sensor: SensorMovement | None, begin: datetime, end: datetime) -> None:
    """Draw a sensor's movement minute by minute, logarithmic from its noise to a kick."""
    if sensor is None:
        return
    span = np.log(STRONG_G / STILL_G)
    first = max(0, int((begin - sensor.begin).total_seconds() // BIN_S))
    last = int((end - sensor.begin).total_seconds() // BIN_S) + 1
    strip = sensor.strip[first:last]
    heights = np.round(np.log(np.clip(strip, STILL_G, STRONG_G) / STILL_G) / span, 3)
    since = (sensor.begin - begin) / HOUR + first * (BIN_S / 3600)
    places = since + np.arange(len(heights) + 1) * (BIN_S / 3600)
    seen = np.isfinite(heights)
    heights, seen = np.append(heights, heights[-1:]), np.append(seen, seen[-1:])
    ax.fill_between(places[: len(heights)], 0, heights, where=seen, step="post", color=SOFT,
                    linewidth=0)  # fmt: skip


def _marks(ax: Axes, events: Sequence[Event], place: Any) -> None:
    """Draw each kind in a lane of its own: there they hide no other."""
    for lane, kind in enumerate(COUNTED):
        places = [place(onset_of(event)) for event in events if event.kind is kind]
        if places:
            ax.plot(
                places, [LANES[lane]] * len(places), MARKERS[kind], color=COLOURS[kind],
                markeredgecolor=INK, markeredgewidth=0.5, markersize=6.5, clip_on=False,
            )  # fmt: skip


def _of(events: Sequence[Event], sensor: SensorMovement | None) -> list[Event]:
    if sensor is None:
        return list(events)
    return [
        each
        for each in events
        if each.sensor is None or sensor.sensor in (each.sensor, *split_names(each.sensor))
    ]


def _hour_ticks(begin: datetime, end: datetime, zone: tzinfo | None) -> list[tuple[datetime, str]]:
    """Return full hours to be named, in the wearer's time."""
    local = begin.astimezone(zone)
    first = begin - timedelta(minutes=local.minute, seconds=local.second,
                              microseconds=local.microsecond)  # fmt: skip
    if end - begin < 2 * HOUR:
        each = timedelta(minutes=max(1, -(-round((end - begin).total_seconds() / 60) // 4)))
        found = [begin + n * each for n in range(5)]
        return [(at, f"{at.astimezone(zone):%H:%M}") for at in found if at <= end]
    hours = [first + n * HOUR for n in range(int((end - first) / HOUR) + 1)]
    step = -(-len(hours) // MOST_TICKS)
    shown = [hour for hour in hours if hour >= begin]
    return [(hour, f"{hour.astimezone(zone):%H:%M}") for hour in shown[::step]]


def _thinned(at_s: Any, values: Any, most: int = 900) -> tuple[Any, Any]:
    """Return the lowest and highest value of each bin: no peak is left out."""
    each = len(values) // (most // 2)
    if each < 2:
        return np.round(at_s, 3), np.round(values, 4)
    whole = len(values) // each * each
    rows = values[:whole].reshape(-1, each)
    both = np.stack([rows.min(axis=1), rows.max(axis=1)], axis=1).ravel()
    return np.repeat(np.round(at_s[:whole:each], 3), 2), np.round(both, 4)


def _columns(rows: Sequence[tuple[int, float]]) -> tuple[list[int], list[float]]:
    return [n for n, _ in rows], [value for _, value in rows]


def _value(night: TrendNight | None, measure: Compared) -> float | None:
    if night is None:
        return None
    value: float | None = getattr(night, measure.value)
    return value


def _label(name: str) -> str:
    """Return a sensor's name as a picture can hold it: one line, short."""
    return harmless(one_line(place_words(name)))[:40]


def _svg(draw: Any, height_in: float, name: str, evening: date, paint: Paint) -> str:
    """Return what `draw` makes of a figure, with ids that no other picture of a page has."""
    with mpl.rc_context(_STYLE | {"svg.hashsalt": name, "font.size": paint.text_pt}):
        figure = Figure(figsize=(paint.width_in, height_in * paint.low), layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure)
        written = BytesIO()
        none = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(written, format="svg", transparent=True, metadata=none)
    text = written.getvalue().decode()
    text = text[text.index("<svg") :].strip()
    prefix = re.sub(r"[^a-z0-9]+", "-", f"{evening} {name}".lower())
    text = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', text)
    text = re.sub(r'(url\(#|href="#)', rf"\g<1>{prefix}-", text)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*" height="[^"]*"', r"\1", text)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"([^>]*?) width="[^"]*"', r"\1\2", text)
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    for stands_for, colour in zip((INK, QUIET, SOFT), paint.colours, strict=True):
        text = text.replace(stands_for, colour)
    return text
