"""Events and times in words a person reads at night: short, plain, no symbols."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from detector.events import Event, EventContext, Kind
from detector.words.times import elapsed_words

if TYPE_CHECKING:  # commands that count nothing need not load SciPy
    from detector.recognition.counts.true_count import TrueCount

NOTICE = "Not a medical device: it misses some spasms, is sometimes wrong, and cannot feel pain."

EVEN_SHARE = 0.25
"""Of clonus said with it, half were right: shares are calibrated on nights of a simulator that the
model never saw, and say too little in their middle (models/learned-v1/CARD.md, "How often it is
right": 0.24 was 0.45, 0.34 was 0.67)."""
STRAP_LOOSE = "The strap was loose at times: what is called clonus then may be the sensor ringing."

TITLES = {
    Kind.CLONUS: "Clonus",
    Kind.SPASM: "Spasm",
    Kind.TWITCH: "Twitch",
    Kind.TONIC: "Tonic spasm",
    Kind.TREMOR: "Tremor",
    Kind.PLM: "Regular repeated movement",
    Kind.TURN: "Turning over",
    Kind.MOVEMENT: "Movement",
    Kind.VIBRATION: "Vibration",
}
MEANWHILE: Mapping[EventContext | None, str] = {
    EventContext.RESTING: "at rest",
    EventContext.RESTLESS: "while restless",
    EventContext.UP: "while up",
    None: "where that is not known",
}
"""What the wearer did, as words behind *began*."""

ContextCounts = Mapping[EventContext | None, int]
"""How many events began in each context."""

COUNTED = (Kind.CLONUS, Kind.SPASM, Kind.TONIC)  # twitches are counted apart: too many look alike


def event_line(event: Event, zone: tzinfo | None = None, *, night_over: bool = False) -> str:
    """Return an event as one line; times in `zone`, or the computer's own.

    Parameters
    ----------
    night_over : whether one that was cut short was so because the night ended, not by a gap
    """
    rhythm = f" (about {event.rhythm_hz:.0f} a second)" if event.rhythm_hz else ""
    why = ": the night ended" if night_over else " by a gap"
    cut = f" Cut short{why}." if event.cut_short else ""
    head = f"{moment(event, zone)}  {TITLES[event.kind]}, {length(event.duration_s)}{rhythm}."
    return f"{head} {sentence(event.reason)}{cut}"


def counted(count: int, noun: str) -> str:
    """Return a number of things: 1 gap, 2 gaps, 2 twitches."""
    ending = "" if count == 1 else "es" if noun.endswith(("ch", "s")) else "s"
    return f"{count} {noun}{ending}"


def summary(events: Iterable[Event], true: TrueCount | None = None) -> str:
    """Return in short sentences what was found in a recording or a night.

    `true` is the interval for the true number of likely spasms, None where it is not known.
    """
    found = list(events)
    contexts = Counter(event.context for event in found if event.kind in COUNTED)
    unsure = sum(map(is_unsure_clonus, found))
    return count_words(Counter(event.kind for event in found), contexts, true, unsure=unsure)


def is_unsure_clonus(event: Event) -> bool:
    """Return whether a clonus was more likely none: it is named below even odds, to miss few."""
    return event.kind is Kind.CLONUS and bool(event.shares) and _share(event) < EVEN_SHARE


def _share(event: Event) -> float:
    return (event.shares or {}).get("clonus", 1.0)


def count_words(
    counts: Mapping[Kind, int],
    contexts: ContextCounts | None = None,
    true: TrueCount | None = None,
    *,
    unsure: int = 0,
) -> str:
    """Return in short sentences how many movements of each kind were found.

    Parameters
    ----------
    contexts : likely spasms by what the wearer did when they began
    true : the interval for their true number
    unsure : how many of the clonus were more likely none, see `is_unsure_clonus`
    """
    likely = sum(counts.get(kind, 0) for kind in COUNTED)
    text = counted(likely, "likely spasm") if likely else "No likely spasms"
    text += " found" if true is not None else ""
    text += of_them_clonus(counts, unsure=unsure)
    text += f" ({true_count_words(true)})." if true is not None else "."
    meanwhile = context_words(contexts or {}) if likely else ""
    text += f" {sentence(meanwhile)}" if meanwhile else ""
    twitches = counts.get(Kind.TWITCH, 0)
    others = sum(counts.values()) - likely - twitches
    if twitches:
        text += f" {counted(twitches, 'twitch')}."
    if others:
        text += f" {counted(others, 'other movement')}."
    return text


def of_them_clonus(counts: Mapping[Kind, int], *, unsure: int = 0) -> str:
    """Return how many of the likely spasms are clonus, behind their number; nothing of none."""
    clonus = counts.get(Kind.CLONUS, 0)
    likely = sum(counts.get(kind, 0) for kind in COUNTED)
    if not clonus:
        return ""
    if clonus < likely:
        text = f", {clonus} of them clonus"
    else:
        text = ", a clonus" if clonus == 1 else ", all of them clonus"
    if not unsure:
        return text
    return f"{text}, not sure" if clonus == 1 else f"{text}, {unsure} of these not sure"


def context_words(contexts: ContextCounts) -> str:
    """Return how many began at rest, restless and up; nothing where none is known of any."""
    if not any(contexts.get(context) for context in EventContext):
        return ""
    counts = {words: contexts.get(context, 0) for context, words in MEANWHILE.items()}
    return ", ".join(f"{count} {words}" for words, count in counts.items() if count)


def true_count_words(true: TrueCount) -> str:
    """Return between which numbers a true count lies, and what that rests on."""
    if true.high == 0:
        span = "none"
    elif true.low == 0:
        span = f"at most {true.high}"
    else:
        span = f"{true.low} to {true.high}" if true.low < true.high else f"{true.low}"
    return f"likely {span} in truth; figures from simulated nights"


def moment(event: Event, zone: tzinfo | None = None) -> str:
    """Return the time of day of an onset, or the time since the recording began."""
    if event.onset is not None:
        return event.onset.astimezone(zone).strftime("%H:%M:%S")
    return elapsed_words(event.onset_s)


def length(seconds: float) -> str:
    """Return a duration in words: 0.4 s, 13 s, 2 min 5 s, 7 h 52 min."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min"


def sentence(text: str) -> str:
    """Return a reason with a capital and a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def unwatched_words(since: datetime, until: datetime, zone: tzinfo | None = None) -> str | None:
    """Return that a night goes on, and when nobody watched; None where that was no time."""
    unwatched_s = (until - since).total_seconds()
    if unwatched_s < 1.0:
        return None
    begin, end = (f"{at.astimezone(zone):%H:%M:%S}" for at in (since, until))
    return f"The night goes on. Not watched from {begin} to {end} ({length(unwatched_s)})."


def harmless(text: str) -> str:
    """Return untrusted text without the characters that control a terminal."""
    return "".join(c if c.isprintable() or c == "\n" else "�" for c in text)


def one_line(text: str) -> str:
    """Return text on one line: the name of a sensor must not write lines of its own."""
    return " ".join(text.splitlines())
