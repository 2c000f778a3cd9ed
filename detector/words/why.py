"""Why something was found at a moment, or not: the sentences, and numbers in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from detector.block import Timebase
from detector.events import Event, Kind
from detector.recognition.rules.evidence import CheckName, RuleName
from detector.recognition.why.explanation import (
    Coverage,
    Explanation,
    NamedBy,
    Presence,
    SeenBout,
    SeenFrame,
    Verdict,
)
from detector.recognition.why.margins import Margin, Weighed
from detector.words.checks import (
    check_name,
    figure_words,
    limit_words,
    shortfall_words,
)
from detector.words.phrases import MEANWHILE, TITLES, length, sentence
from detector.words.times import clock_words

RULES: Final[Mapping[RuleName, str]] = {
    RuleName.SPASM_START: "spasm's start",
    RuleName.TONIC: "tonic spasm",
    RuleName.RHYTHM: "tremor",
    RuleName.TURN: "turning over",
    RuleName.SHAKEN: "shaking",
    RuleName.WALK: "walking",
    RuleName.BUZZ: "phone's buzz",
    RuleName.HAND: "hand at work",
}
STEPS: Final[Mapping[NamedBy, str]] = {
    NamedBy.FIRST_WORD: "while it lasted",
    NamedBy.RULES: "by the rules",
    NamedBy.SECOND_OPINION: "by the learned second opinion",
    NamedBy.CONTEXT: "with what came before and after",
}


@dataclass(frozen=True, slots=True)
class RecordingPlace:
    """Clock of a recording, to show its seconds as times."""

    name: str
    sensor: str | None
    site: str
    timebase: Timebase
    zone: tzinfo | None

    def at(self, seconds: float, *, tenths: bool = True) -> str:
        """Return a moment as `detect` prints it."""
        return clock_words(seconds, self.timebase, self.zone, tenths=tenths)


def sentences(explanation: Explanation, where: RecordingPlace) -> list[str]:
    """Return two or three sentences: what it is, why, and what came nearest to a spasm."""
    event, bout, frame = explanation.event, explanation.bout, explanation.frame
    match explanation.verdict:
        case Verdict.UNKNOWN:
            said = [f"Not known: {_UNKNOWN[explanation.presence.state]}."]
            return [*said, _absence(explanation.presence, explanation.asked.at_s, where)]
        case Verdict.NOTHING if frame is not None:
            moved, gate = mg(frame.gate.value), mg(frame.gate.least or 0.0)
            still = f"Still: {moved}, below {gate}, where movement begins."
            return ["Nothing found: it lay still.", still]
        case Verdict.FOUND if event is not None:
            return [f"Likely {kind_name(event.kind)}, {length(event.duration_s)}.", _reason(event)]
    said = [] if event is None or event.kind is Kind.MOVEMENT else [_reason(event)]
    if bout is None:
        name = "movement" if event is None else kind_name(event.kind)
        return [f"No likely spasm: {name}.", *said]
    kind = bout.steps[-1].kind if event is None else event.kind
    duration_s = bout.duration_s if event is None else event.duration_s
    return [
        f"No likely spasm: {kind_name(kind)}, {length(duration_s)}.",
        *said,
        _nearest_miss(bout),
    ]


def _absence(presence: Presence, at_s: float, where: RecordingPlace) -> str:
    since_s, until_s = presence.since_s or 0.0, presence.until_s or 0.0
    span = f"from {where.at(since_s)} to {where.at(until_s)} ({length(until_s - since_s)})"
    match presence.state:
        case Coverage.GAP:
            return f"Nothing was received {span}."
        case Coverage.HELD:
            return f"It repeated one and the same value {span}."
        case Coverage.BEFORE:
            return f"It begins at {where.at(until_s)}, {length(until_s - at_s)} later."
        case Coverage.BEYOND:
            return f"It ends at {where.at(since_s)}, {length(at_s - since_s)} before."
    return "Less than a quarter of a second was received between two gaps."


_UNKNOWN = {
    Coverage.HELD: "the sensor slept",
    Coverage.GAP: "no samples came",
    Coverage.SCRAP: "too few samples came",
    Coverage.BEFORE: "the recording had not begun",
    Coverage.BEYOND: "the recording was over",
}


def _nearest_miss(bout: SeenBout) -> str:
    nearest = bout.nearest
    if nearest is None:
        held = next(rule for rule in bout.rules if rule.is_of_spasm_family)
        by = {step.by for step in bout.steps}
        by_itself = NamedBy.CONTEXT in by and NamedBy.SECOND_OPINION not in by
        why = "By itself it would be called" if by_itself else "The rules alone say"
        return f"{why} {rule_title(held)}."
    first, *others = nearest.failed
    more = f". {len(others)} more of its limits failed" if others else ""
    only = "" if others else " only"
    title = rule_title(nearest)
    return f"Nearest: {title}. It failed{only} because {against_bar(first)}{more}."


def _reason(event: Event) -> str:
    return sentence(event.reason)


def near_words(event: Event, at_s: float, where: RecordingPlace) -> str:
    """Return which event lies nearest, and how far off."""
    after = event.onset_s > at_s
    off_s = event.onset_s - at_s if after else max(at_s - event.end_s, 0.0)
    side = "later" if after else "earlier"
    name = TITLES[event.kind]
    return f"{name} at {where.at(event.onset_s, tenths=False)}, {length(off_s)} {side}"


def rhythm_words(frame: SeenFrame, bout: SeenBout | None) -> str:
    """Return the rhythm at the moment, and that of the bout it lies in."""
    failed = [reading for reading in frame.rhythm if not reading.passed]
    if not frame.rhythm:
        here = "not measured where the gate is closed"
    elif not frame.believed:
        here = f"not believed yet: only {length(frame.age_s)} of signal went before"
    elif failed:
        here = "none at this moment: " + "; ".join(against_bar(reading) for reading in failed)
    else:
        rate = next(reading for reading in frame.rhythm if reading.unit == "Hz")
        here = f"{rate.value:.1f} beats a second at this moment"
    if bout is None or bout.rhythm is None:
        return here
    whole = f"{bout.rhythm.rate_hz:.1f} beats a second for {length(bout.rhythm.beating_s)} of it"
    return f"{whole}; {here}" if failed else whole


def event_words(event: Event) -> str:
    """Return an event's numbers, those that it has."""
    parts = []
    if event.rhythm_hz is not None:
        parts.append(f"{event.rhythm_hz:.1f} beats a second")
    if event.beats is not None:
        parts.append(f"{event.beats} beats")
    if event.peak_g is not None and event.rms_g is not None:
        parts.append(f"peak {event.peak_g:.2f} g, rms {event.rms_g:.3f} g")
    if event.turn_deg is not None:
        parts.append(f"turned {event.turn_deg:.1f} degrees")
    if event.grade is not None:
        parts.append(f"grade {event.grade}")
    if event.context is not None:
        parts.append(f"began {MEANWHILE[event.context]}")
    return ", ".join([*parts, f"confidence {event.confidence:.2f}"])


def kind_name(kind: Kind) -> str:
    """Return a kind as it stands inside a sentence."""
    return TITLES[kind].lower()


def rule_title(rule: Weighed) -> str:
    """Return what a rule is called for a reader."""
    return RULES.get(rule.name, rule.name)


def against_bar(reading: Margin) -> str:
    """Return a number that failed, with its limit, as a clause."""
    return shortfall_words(
        reading.what,
        reading.value,
        least=reading.least,
        most=reading.most,
        unit=reading.unit,
        details=reading.details,
    )


def number_name(reading: Margin) -> str:
    """Return what a number is called."""
    return check_name(reading.what, reading.details)


def detail_words(reading: Margin) -> str | None:
    """Return the numbers that the clonus odds are made of; None of any other number."""
    if reading.what is not CheckName.ODDS:
        return None
    of = reading.details
    return (
        f"start {of['abruptness']:.1f} times its own beat, waned by {of['waning']:.0%}, "
        f"{of['line']:.0%} along one line, {of['beating']:.0%} of it beating"
    )


def measured(reading: Margin) -> str:
    """Return a number with its unit."""
    return figure_words(reading.what, reading.value, reading.unit)


def needed(reading: Margin) -> str:
    """Return the limit of a number in words, or why there is none."""
    if not reading.is_needed:
        return "not needed: a jerk began it"
    return limit_words(reading.what, reading.least, reading.most, reading.unit)


def mg(value_g: float) -> str:
    """Return an acceleration in mg."""
    return f"{1000 * value_g:.1f} mg"
