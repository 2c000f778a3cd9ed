"""Movement around an event and its spectrum, as numbers for pictures, and in words. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import welch

from detector.report.movement import SeenMovement, busiest, cut

WIDTH, HEIGHT = 1000, 200  # units of a picture
TRACE_S, BEFORE_S = 30.0, 5.0
BINS = 500  # of a trace: lowest and highest value of each are drawn, so that no peak is left out
LEAST_G = 0.05  # a trace is drawn no larger than this: noise must not look like movement
HIGHEST_HZ = 15.0
SEGMENT_S = 4.0  # of a spectrum: a quarter of a hertz can be told apart
SHORTEST_S = 1.0  # of an event that has a spectrum
LOWEST_HZ = 0.5  # below is the limb's turning against gravity
EACH_S, EACH_HZ = 5, 3  # between two numbers at the foot of a picture

Floats = NDArray[np.float64]


def trace(
    seen: SeenMovement, onset: datetime, duration_s: float, zone: tzinfo | None
) -> dict[str, Any]:
    """Return the axis that moved most during an event, from 5 s before it for 30 s."""
    axis = busiest(seen, duration_s)
    shown = [
        (begin_s, fs, values[:, axis] - np.median(values[:, axis]))
        for begin_s, fs, values in (
            cut(*piece, -BEFORE_S, TRACE_S - BEFORE_S) for piece in seen.pieces
        )
        if len(values)
    ]
    most_g = max([LEAST_G, *(float(np.abs(values).max()) for _, _, values in shown)])
    begin = onset - timedelta(seconds=BEFORE_S)
    runs = [(begin_s, begin_s + len(values) / fs) for begin_s, fs, values in shown]
    end_s = min(duration_s, TRACE_S - BEFORE_S)
    return {
        "lines": [_line(*piece, most_g) for piece in shown],
        "holes": _holes(runs),
        "event": {"x": _x(0.0), "width": round(_x(end_s) - _x(0.0), 1)},
        "scale": f"{most_g:.2f} g",
        "ticks": [
            {"percent": each / TRACE_S * 100, "words": f"{begin + timedelta(seconds=each):%S} s"}
            for each in range(EACH_S, round(TRACE_S), EACH_S)
        ],
        "words": _trace_words(shown, end_s, duration_s, begin.astimezone(zone)),
    }


def spectrum(
    seen: SeenMovement, duration_s: float, band_hz: tuple[float, float]
) -> dict[str, Any] | None:
    """Return how strong each rhythm was in an event; None where it was too short or not seen.

    Power spectral density of all three axes together, by Welch's method.
    """
    parts = [cut(*piece, 0.0, duration_s) for piece in seen.pieces]
    _, fs, values = max(parts, key=lambda part: len(part[2]) / part[1], default=(0.0, 1.0, _NONE))
    if len(values) < SHORTEST_S * fs:
        return None
    whole = len(values)
    hz, power = welch(
        values, fs, nperseg=min(whole, round(SEGMENT_S * fs)), detrend="constant", axis=0
    )
    inside = (hz >= LOWEST_HZ) & (hz <= HIGHEST_HZ)
    hz, power = hz[inside], power.sum(axis=1)[inside]
    if len(hz) < 2 or not power.sum() > 0:
        return None
    strength = np.sqrt(power / power.max())
    peak_hz, share = float(hz[power.argmax()]), _share(hz, power, *band_hz)
    low_hz, high_hz = band_hz
    return {
        "line": " ".join(f"{_at(f)},{_y(s)}" for f, s in zip(hz, strength, strict=True)),
        "band": {"x": _at(low_hz), "width": round(_at(high_hz) - _at(low_hz), 1)},
        "peak": _at(peak_hz),
        "ticks": [
            {"percent": f / HIGHEST_HZ * 100, "words": f"{f} Hz"}
            for f in range(EACH_HZ, round(HIGHEST_HZ), EACH_HZ)
        ],
        "words": (
            f"Strongest at {peak_hz:.1f} Hz, that is {peak_hz:.1f} times a second. {share:.0%} of "
            f"the movement lies between {low_hz:g} and {high_hz:g} Hz, where clonus beats."
        ),
        "rows": [
            {
                "band": f"{f} to {f + EACH_HZ} Hz",
                "share": f"{_share(hz, power, f, f + EACH_HZ):.0%}",
            }
            for f in range(0, round(HIGHEST_HZ), EACH_HZ)
        ],
    }


_NONE: Floats = np.empty((0, 3))


def _line(begin_s: float, fs: float, values: Floats, most_g: float) -> str:
    """Return a polyline through the lowest and highest value of each bin."""
    bins = ((begin_s + np.arange(len(values)) / fs + BEFORE_S) / TRACE_S * BINS).astype(np.int64)
    begins = np.flatnonzero(np.diff(bins, prepend=bins[0] - 1))
    low, high = np.minimum.reduceat(values, begins), np.maximum.reduceat(values, begins)
    points = []
    for number, (a, b) in enumerate(zip(low, high, strict=True)):
        x = round(float(bins[begins[number]]) / BINS * WIDTH, 1)
        points += [f"{x},{_height(v, most_g)}" for v in ((a, b) if number % 2 else (b, a))]
    return " ".join(points)


def _height(value_g: float, most_g: float) -> float:
    return round(HEIGHT / 2 * (1 - 0.95 * float(value_g) / most_g), 1)


def _holes(runs: Sequence[tuple[float, float]]) -> list[dict[str, float]]:
    """Return where nothing was received, longer than a quarter of a second."""
    edges = [(-BEFORE_S, -BEFORE_S), *runs, (TRACE_S - BEFORE_S, TRACE_S - BEFORE_S)]
    return [
        {"x": _x(stop), "width": round(_x(start) - _x(stop), 1)}
        for (_, stop), (start, _) in pairwise(edges)
        if start - stop > 0.25
    ]


def _x(second: float) -> float:
    return round((second + BEFORE_S) / TRACE_S * WIDTH, 1)


def _at(hz: float) -> float:
    return round(float(hz) / HIGHEST_HZ * WIDTH, 1)


def _y(strength: float) -> float:
    return round(HEIGHT * (1 - 0.95 * float(strength)), 1)


def _share(hz: Floats, power: Floats, low_hz: float, high_hz: float) -> float:
    return float(power[(hz >= low_hz) & (hz < high_hz)].sum() / power.sum())


def _trace_words(
    shown: Sequence[tuple[float, float, Floats]], end_s: float, duration_s: float, begin: datetime
) -> str:
    within = [_moved(*piece, 0.0, end_s) for piece in shown]
    outside = [_moved(*piece, -BEFORE_S, 0.0) for piece in shown]
    more = ", and goes on beyond the picture" if duration_s > end_s + 0.5 else ""
    inside_g, before_g = max(within, default=0.0), max(outside, default=0.0)
    return (
        f"Movement from {begin:%H:%M:%S} on, for {TRACE_S:.0f} s: up to {inside_g:.2f} g in the "
        f"event, which is shaded{more}; up to {before_g:.2f} g just before it."
    )


def _moved(begin_s: float, fs: float, values: Floats, since_s: float, until_s: float) -> float:
    first, stop = (max(0, round((at - begin_s) * fs)) for at in (since_s, until_s))
    return float(np.abs(values[first:stop]).max()) if stop > first and len(values) > first else 0.0
