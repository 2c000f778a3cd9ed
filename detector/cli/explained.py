"""Answers to why and why not: two sentences for anybody, the numbers below for who wants them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import tzinfo
from textwrap import wrap
from typing import Any

from detector.block import Timebase
from detector.cli.moments import clock_words, elapsed_words
from detector.cli.output import Output
from detector.events import Event, Kind, format_utc
from detector.recognition.why.explanation import (
    Coverage,
    Explanation,
    Presence,
    SeenBout,
    SeenFrame,
    Verdict,
    explanation_dict,
)
from detector.recognition.why.margins import Margin, RuleOutcome, Weighed
from detector.words.phrases import TITLES, harmless, length, sentence

FEW = 2  # misses shown of each rule: the worst, and how many more there are
LABEL = 12  # width of the lines' first column
PLACES = {"first", "stop", "onset", "end"}  # of a rhythm: indices, which tell a reader nothing

RULES = {
    "spasm start": "spasm's start",
    "tonic": "tonic spasm",
    "rhythm": "tremor",
    "turn": "turning over",
    "shaken": "shaking",
    "walk": "walking",
    "buzz": "phone's buzz",
    "hand": "hand at work",
}
STEPS = {
    "first word": "while it lasted",
    "rules": "by the rules",
    "second opinion": "by the learned second opinion",
    "context": "with what came before and after",
}


@dataclass(frozen=True, slots=True)
class RecordingPlace:
    """Whose moment it is: what turns seconds into the times that people go by."""

    name: str
    sensor: str | None
    site: str
    timebase: Timebase
    zone: tzinfo | None

    def at(self, seconds: float, *, tenths: bool = True) -> str:
        """Write a moment as `detect` does."""
        return clock_words(seconds, self.timebase, self.zone, tenths=tenths)


def show(explanation: Explanation, where: RecordingPlace, asked: str, out: Output) -> None:
    """Print an answer: JSON, a table on a terminal, or plain lines."""
    if out.json:
        answer = explained_dict(explanation, where, asked)
        out.data(json.dumps(answer, ensure_ascii=False, allow_nan=False))
        return
    out.data("")
    for line in lines(explanation, where):
        out.data(line)
    if out.verbosity and explanation.bout is not None:
        for line in _number_lines(explanation.bout):
            out.data(line)
    rows = list(_rows(explanation, verbose=out.verbosity > 0))
    if not rows:
        return
    if out.plain or not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        for line in ("", *_aligned(rows)):
            out.data(line)
    else:
        _print_table(rows)


def explained_dict(explanation: Explanation, where: RecordingPlace, asked: str) -> dict[str, Any]:
    """Return the JSON object `explanation/1` with the question and the two sentences."""
    plain = explanation_dict(explanation)
    return {
        "schema": plain.pop("schema"),
        "asked": asked,
        "recording": where.name,
        "sensor": where.sensor,
        "site": where.site,
        "at": format_utc(where.timebase.at_s(explanation.asked.at_s)),
        "summary": sentences(explanation, where),
        **plain,
    }


def sentences(explanation: Explanation, where: RecordingPlace) -> list[str]:
    """Answer in two or three sentences: what it is, why, and what came nearest to a spasm."""
    event, bout, frame = explanation.event, explanation.bout, explanation.frame
    match explanation.verdict:
        case Verdict.UNKNOWN:
            said = [f"Not known: {_UNKNOWN[explanation.presence.state]}."]
            return [*said, _absence(explanation.presence, explanation.asked.at_s, where)]
        case Verdict.NOTHING if frame is not None:
            moved, gate = _mg(frame.gate.value), _mg(frame.gate.least or 0.0)
            still = f"Still: {moved}, below {gate}, where movement begins."
            return ["Nothing found: it lay still.", still]
        case Verdict.FOUND if event is not None:
            return [f"Likely {_name(event.kind)}, {length(event.duration_s)}.", _reason(event)]
    said = [] if event is None or event.kind is Kind.MOVEMENT else [_reason(event)]
    if bout is None:
        name = "movement" if event is None else _name(event.kind)
        return [f"No likely spasm: {name}.", *said]
    kind = bout.steps[-1].kind if event is None else event.kind
    duration_s = bout.duration_s if event is None else event.duration_s
    return [f"No likely spasm: {_name(kind)}, {length(duration_s)}.", *said, _nearest_miss(bout)]


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


def lines(explanation: Explanation, where: RecordingPlace) -> Iterator[str]:
    """Return the answer, and what was seen at the moment."""
    asked = explanation.asked
    at = where.at(asked.at_s, tenths=asked.width_s == 0)
    pad = " " * (len(at) + 2)
    elapsed = elapsed_words(asked.at_s) + " from the start"
    first, *others = sentences(explanation, where)
    yield f"{at}  {first}"
    for other in others:
        yield f"{pad}{other}"
    yield ""
    if where.timebase.epoch_ns is not None:
        yield _labelled("Moment", elapsed)
    if explanation.near is not None:
        yield _labelled("Nearest", _near_words(explanation.near, asked.at_s, where))
    if explanation.frame is not None and explanation.verdict is not Verdict.UNKNOWN:
        yield from _frame_lines(explanation.frame)
        yield _labelled("Rhythm", _rhythm_words(explanation.frame, explanation.bout))
    if explanation.bout is not None:
        yield from _bout_lines(explanation.bout, explanation.event, where)
    if explanation.event is not None:
        yield _labelled("Event", _event_words(explanation.event))


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
        why = (
            "By itself it would be called"
            if bout.steps[-1].by == "context"
            else "The rules alone say"
        )
        return f"{why} {_title(held)}."
    first, *others = nearest.failed
    rest = f"; and {len(others)} more" if others else ""
    only = "" if others else " only"
    return f"Nearest: {_title(nearest)}. It failed{only} by: {_against_bar(first)}{rest}."


def _reason(event: Event) -> str:
    return sentence(event.reason)


def _near_words(event: Event, at_s: float, where: RecordingPlace) -> str:
    after = event.onset_s > at_s
    off_s = event.onset_s - at_s if after else max(at_s - event.end_s, 0.0)
    side = "later" if after else "earlier"
    name = TITLES[event.kind]
    return f"{name} at {where.at(event.onset_s, tenths=False)}, {length(off_s)} {side}"


def _frame_lines(frame: SeenFrame) -> Iterator[str]:
    gate = frame.gate
    side = "above" if gate.passed else "below"
    yield _labelled("Movement", f"{_mg(gate.value)}, {side} the gate of {_mg(gate.least or 0.0)}")
    whose = "typical of a sensor, until a minute is known" if frame.floor_assumed else "its own"
    times = f"{frame.floor_times:g} times that is {_mg(frame.floor_times * frame.floor_g)}"
    yield _labelled("Stillness", f"{_mg(frame.floor_g)} ({whose}); {times}")


def _rhythm_words(frame: SeenFrame, bout: SeenBout | None) -> str:
    failed = [reading for reading in frame.rhythm if not reading.passed]
    if not frame.rhythm:
        here = "not measured where the gate is closed"
    elif not frame.believed:
        here = f"not believed yet: only {length(frame.age_s)} of signal went before"
    elif failed:
        here = "none at this moment: " + "; ".join(_against_bar(reading) for reading in failed)
    else:
        rate = next(reading for reading in frame.rhythm if reading.unit == "Hz")
        here = f"{rate.value:.1f} beats a second at this moment"
    if bout is None or bout.rhythm is None:
        return here
    whole = f"{bout.rhythm.rate_hz:.1f} beats a second for {length(bout.rhythm.beating_s)} of it"
    return f"{whole}; {here}" if failed else whole


def _bout_lines(bout: SeenBout, event: Event | None, where: RecordingPlace) -> Iterator[str]:
    text = f"{length(bout.duration_s)} from {where.at(bout.onset_s)} on"
    if bout.is_piece:
        text += ", a piece of a longer movement"
    if bout.cut_short:
        text += ", cut short by a gap or the end"
    yield _labelled("Lies in", text)
    if len(bout.steps) > 1:
        named = [f"{_name(step.kind)} ({STEPS.get(step.by, step.by)})" for step in bout.steps]
        revised = f"; revision {event.revision}" if event is not None and event.revision else ""
        yield _labelled("Named", ", then ".join(named) + revised)


def _event_words(event: Event) -> str:
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
    return ", ".join([*parts, f"confidence {event.confidence:.2f}"])


def _number_lines(bout: SeenBout) -> Iterator[str]:
    """Every number of the bout under the name that the JSON has."""
    numbers = asdict(bout.facts)
    if bout.rhythm is not None:
        rhythm = asdict(bout.rhythm)
        numbers |= {f"rhythm.{name}": rhythm[name] for name in rhythm if name not in PLACES}
    words = [
        f"{name} {_number(value) if isinstance(value, float) else value}"
        for name, value in numbers.items()
    ]
    for number, line in enumerate(wrap(", ".join(words), width=100 - LABEL)):
        yield _labelled("" if number else "Numbers", line)


@dataclass(frozen=True, slots=True)
class _Row:
    rule: str
    what: str
    measured: str
    needed: str


HEADER = _Row("", "what", "measured", "needed")


def _rows(explanation: Explanation, *, verbose: bool) -> Iterator[_Row]:
    """Return what speaks for the name that was given, or against each likely spasm."""
    bout = explanation.bout
    if bout is None:
        return
    named = [rule for rule in bout.rules if rule.outcome is RuleOutcome.NAMED]
    if verbose:
        for rule in bout.rules:
            yield from _rule_rows(rule, rule.readings, verbose=True)
    elif explanation.verdict is Verdict.FOUND and named:
        for rule in named:
            yield from _rule_rows(rule, rule.readings)
    else:
        for rule in bout.rules:
            if rule.is_of_spasm_family and not rule.failed:
                yield _Row(_title(rule), "held", "", "")
            elif rule.is_of_spasm_family:
                yield from _rule_rows(rule, rule.failed[:FEW], more=len(rule.failed) - FEW)


def _rule_rows(
    rule: Weighed, readings: Sequence[Margin], *, more: int = 0, verbose: bool = False
) -> Iterator[_Row]:
    word = "not " if rule.outcome is RuleOutcome.MISSED else ""
    title = f"{word}{_title(rule)}"
    for reading in readings:
        what, _, detail = reading.what.partition(" (")
        mark = "  missed" if verbose and not reading.passed else ""
        yield _Row(title, what, _measured(reading), _needed(reading) + mark)
        if verbose and detail:
            yield _Row("", f"  {detail.rstrip(')')}", "", "")
        title = ""
    if more > 0:
        yield _Row("", f"and {more} more", "", "")


def _aligned(rows: Sequence[_Row]) -> Iterator[str]:
    table = [(r.rule, r.what, r.measured, r.needed) for r in (HEADER, *rows)]
    widths = [max(len(row[i]) for row in table if row[2] or not i) for i in range(3)]
    for row in table:
        cells = [f"{cell:<{width}}" for cell, width in zip(row[:3], widths, strict=True)]
        yield ("  " + "  ".join([*cells, row[3]])).rstrip()


def _print_table(rows: Sequence[_Row]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in (HEADER.rule, HEADER.what, HEADER.measured, HEADER.needed):
        table.add_column(name)
    for row in rows:
        cells = (row.rule, row.what, row.measured, row.needed)
        table.add_row(*(Text(harmless(cell)) for cell in cells))
    Console().print(table)


def _name(kind: Kind) -> str:
    return TITLES[kind].lower()


def _title(rule: Weighed) -> str:
    return RULES.get(rule.name, rule.name)


def _labelled(label: str, text: str) -> str:
    return f"  {label:<{LABEL}}{text}"


def _against_bar(reading: Margin) -> str:
    what = reading.what.partition(" (")[0]
    return f"{what} {_measured(reading)}, {_needed(reading)}"


def _measured(reading: Margin) -> str:
    return f"{_number(reading.value)} {reading.unit}".rstrip()


def _needed(reading: Margin) -> str:
    least, most = reading.least, reading.most
    if least is not None and most is not None:
        return f"{_number(least)} to {_number(most)}"
    if least is not None:
        return f"at least {_number(least)}"
    return f"at most {_number(most or 0.0)}"


def _number(value: float) -> str:
    """Three digits, and no exponent a reader would have to know."""
    if abs(value) < 0.0005:
        return "0"
    if abs(value) < 0.01:
        return f"{value:.3f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def _mg(value_g: float) -> str:
    return f"{1000 * value_g:.1f} mg"
