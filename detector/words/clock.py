"""Sentences about the computer's clock: set, implausible, or asleep."""

from __future__ import annotations

from datetime import datetime

from detector.words.phrases import length

MINUTE_S, DAY_S = 60, 86_400


def stepped_words(step_s: float) -> str:
    """Return by how much the clock was set, and what to do."""
    way = "ahead" if step_s > 0 else "back"
    return (
        f"This computer's clock was set {way} by {_size(abs(step_s))}: events before keep the "
        "old time, later ones have the new. Alerts are not affected. Have it kept right: "
        "`sudo timedatectl set-ntp true`."
    )


def implausible_words(now: datetime) -> str:
    """Return that the clock cannot be right, and what to do."""
    return (
        f"This computer's clock says {now:%Y-%m-%d}, which cannot be: all is dated wrongly "
        "until it is set. Alerts are not affected. Connect it to a network, whose "
        "time it takes, or set it: `sudo date -s '2026-12-31 22:00'`, with today's date and time."
    )


def slept_words(slept_s: float) -> str:
    """Return for how long the computer slept, and what to do."""
    return (
        f"This computer slept for {_size(slept_s)}: nothing was watched. Keep it awake: "
        "`sudo systemctl mask sleep.target suspend.target hibernate.target`."
    )


def _size(seconds: float) -> str:
    """Return a length of time of any size: 3 s, 1 h, 365 days."""
    if seconds < 2 * DAY_S:
        return length(round(seconds) if seconds >= MINUTE_S else seconds)
    return f"{round(seconds / DAY_S)} days"
