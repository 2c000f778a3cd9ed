"""A night that is over, in sentences: the same in text, on a page and on paper. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from enum import StrEnum

from detector.events import EventContext
from detector.words.phrases import counted, length

NOTICE_LONG = (
    "Not a medical device. spasmwatch records movement that looks like spasms. It has not been "
    "assessed by any regulator, misses some, is sometimes wrong, and cannot feel stiffness or "
    "pain. Do not rely on it to keep anyone safe, and do not start, stop or change medicine "
    "because of it. If spasms suddenly get worse, contact your MS team."
)

MERGE_RULE = (
    "Movements without a pause of 1 s between them are one spasm (Snow 1990). Likely spasms with "
    "less than 90 s between them are one episode."
)
GRADE_RULE = (
    "SCATS grades: clonus and other spasms by length (under 3 s, 3 to 10 s, over 10 s); a leg "
    "that was drawn up, held and let go by the angle of the sensor (under 10, 10 to 30, over 30 "
    "degrees)."
)
PERIODIC_RULE = (
    "Four or more alike in a row, each 0.5 to 10 s long, begun 10 to 90 s apart (WASM 2016), of a "
    "leg that lay. A third of people with MS have 15 an hour or more: worth mentioning to your "
    "team."
)
MEDICINE_RULE = "Hours since a medicine was noted. This cannot show whether a medicine works."
UNSEEN = "Stiffness without movement cannot be seen by a sensor."
SIMULATED_ERRORS = "Measured on simulated nights; a real leg may differ."
SCALES: Mapping[str, str] = {
    "stiffness": "Stiffness, 0 to 10",
    "sleep": "Sleep disturbed, 0 to 10",
    "pain": "Pain, 0 to 10",
    "penn": "Penn spasm frequency, 0 to 4",
    "snow": "Snow spasm frequency, 0 to 4",
}
"""What a person was asked and answered; nothing of it is computed."""

STIFFNESS_QUESTION = (
    "How stiff do you feel, 0 (not at all) to 10 (worst)? If you want to note it: {program} note "
    "stiffness 4"
)

CONTEXT_NAMES: Mapping[EventContext, str] = {
    EventContext.RESTING: "at rest",
    EventContext.RESTLESS: "restless",
    EventContext.UP: "up",
}


class NoInterval(StrEnum):
    """Why no interval is known for a count."""

    NOTHING_WATCHED = "nothing was watched"
    SHORT = "less than an hour was watched"
    SEVERAL = "several sensors were worn"
    ELSEWHERE = "the sensor was worn where nothing was measured"
    NO_RATES = "nothing was measured for this detector"


def night_title(evening: date) -> str:
    """Return a night's name: Night of Friday 20 November 2026.

    In English, whatever the computer's language: so is all the rest.
    """
    return f"Night of {DAYS[evening.weekday()]} {evening.day} {MONTHS[evening.month - 1]} " + str(
        evening.year
    )


DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


def day_name(evening: date) -> str:
    """Return a day, short: Fri 20 Nov."""
    return f"{DAYS[evening.weekday()][:3]} {evening.day} {MONTHS[evening.month - 1][:3]}"


def standing_words(standing: str | None) -> str:
    """Return how a night compares with what is usual, to go before its counts."""
    return {
        None: "",
        "quieter": "A quieter night than usual for you: ",
        "usual": "A usual night for you: ",
        "busier": "A busier night than usual for you: ",
    }[standing]


def usual_words(low: float, high: float, nights: int, tonight: float) -> str:
    """Return what is usual, in likely spasms per watched hour."""
    return (
        f"Your usual is {low:.1f} to {high:.1f} likely spasms per watched hour (the middle half "
        f"of {nights} nights); this night had {tonight:.1f}."
    )


def watched_words(
    seconds: float, begin: datetime, end: datetime, zone: tzinfo | None, *, is_over: bool
) -> str:
    """Return how long somebody was watched, and of how long."""
    whole_s = (end - begin).total_seconds()
    local = begin.astimezone(zone), end.astimezone(zone)
    until = f"to {local[1]:%H:%M}" if is_over else f"on; known up to {local[1]:%H:%M}"
    of = f" of {length(whole_s)}" if whole_s - seconds >= 1.0 else ""
    return f"Watched {length(seconds)}{of}, from {local[0]:%H:%M} {until}."


def gaps_words(count: int, seconds: float) -> str:
    """Return how much was not watched between begin and end."""
    return (
        f"Not watched: {counted(count, 'gap')}, {length(seconds)} in all."
        if count
        else ("No gap of the watching in between.")
    )


def burden_words(seconds: float, share: float | None) -> str:
    """Return how long likely spasms went on, and which share of the watched time that is."""
    of = "" if share is None else f", {share_words(share)} of the watched time"
    return f"Likely spasms went on for {length(seconds)} in all{of}."


def share_words(share: float) -> str:
    """Return a share in per cent, with as many digits as it needs."""
    percent = share * 100
    if percent == 0 or percent >= 9.95:
        return f"{percent:.0f} %"
    return f"{percent:.1f} %" if percent >= 0.1 else f"{percent:.2f} %"


def truth_words(low: int, high: int) -> str:
    """Return the interval of a true count."""
    if low == high:
        return str(low)
    return f"{low} to {high}" if low else f"at most {high}"


def errors_words(found: tuple[float, float, float], false_per_h: tuple[float, float, float]) -> str:
    """Return what a count is known to miss and to invent: means, with their 90 % ranges."""
    missed, most, least = (f"{1 - each:.0%}".removesuffix("%") for each in found)
    mean, low, high = false_per_h
    return (
        f"misses {missed} % ({least} to {most} % by night), invents {mean:.1f} an hour "
        f"({low:.1f} to {high:.1f})"
    )


def missed_words(found: tuple[float, float, float]) -> str:
    """Return which share is missed, for a narrow column."""
    missed, most, least = (f"{1 - each:.0%}".removesuffix("%") for each in found)
    return f"{missed} % ({least}\N{EN DASH}{most})"


def invented_words(false_per_h: tuple[float, float, float]) -> str:
    """Return how many are invented in an hour, for a narrow column."""
    mean, low, high = false_per_h
    return f"{mean:.1f} ({low:.1f}\N{EN DASH}{high:.1f})"


def answered_words(by: str | None, after_s: float | None) -> str:
    """Return who answered an alert, and how soon."""
    if by is None:
        return "nobody answered"
    return by if after_s is None else f"{by}, after {length(max(after_s, 0.0))}"
