"""Print answers to why and why not: the sentences, below them the numbers."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from textwrap import wrap
from typing import Any

from detector.events import Event, format_utc
from detector.recognition.rules.evidence import CheckName
from detector.recognition.why.explanation import (
    Explanation,
    SeenBout,
    SeenFrame,
    Verdict,
    explanation_dict,
)
from detector.recognition.why.margins import Margin, RuleOutcome, Weighed
from detector.terminal.output import Output
from detector.words.checks import check_name, number_words
from detector.words.phrases import harmless, length
from detector.words.reasons import reason_of
from detector.words.times import elapsed_words
from detector.words.why import (
    STEPS,
    RecordingPlace,
    detail_words,
    event_words,
    kind_name,
    measured,
    mg,
    near_words,
    needed,
    number_name,
    rhythm_words,
    rule_title,
    sentences,
)

FEW = 2  # misses shown of each rule: the worst, and how many more there are
LABEL = 12  # width of the lines' first column
PLACES = {"first", "stop", "onset", "end"}  # of a rhythm: indices, which mean nothing to a reader


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
    _put_into_words(plain)
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


def _put_into_words(plain: dict[str, Any]) -> None:
    """Name numbers in words, and give each step the sentence of its facts."""
    frame, bout = plain["frame"], plain["bout"]
    readings = [] if frame is None else [frame["gate"], *frame["rhythm"]]
    if bout is not None:
        readings += [*bout["best"], *(each for rule in bout["rules"] for each in rule["readings"])]
        for step in bout["steps"]:
            step["reason"] = reason_of(step["why"]) if step["why"] else ""
    for reading in readings:
        reading["what"] = check_name(CheckName(reading["what"]), reading["details"])


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
        yield _labelled("Nearest", near_words(explanation.near, asked.at_s, where))
    if explanation.frame is not None and explanation.verdict is not Verdict.UNKNOWN:
        yield from _frame_lines(explanation.frame)
        yield _labelled("Rhythm", rhythm_words(explanation.frame, explanation.bout))
    if explanation.bout is not None:
        yield from _bout_lines(explanation.bout, explanation.event, where)
    if explanation.event is not None:
        yield _labelled("Event", event_words(explanation.event))


def _frame_lines(frame: SeenFrame) -> Iterator[str]:
    gate = frame.gate
    side = "above" if gate.passed else "below"
    yield _labelled("Movement", f"{mg(gate.value)}, {side} the gate of {mg(gate.least or 0.0)}")
    whose = "typical of a sensor, until a minute is known" if frame.floor_assumed else "its own"
    times = f"{frame.floor_times:g} times that is {mg(frame.floor_times * frame.floor_g)}"
    yield _labelled("Stillness", f"{mg(frame.floor_g)} ({whose}); {times}")


def _bout_lines(bout: SeenBout, event: Event | None, where: RecordingPlace) -> Iterator[str]:
    text = f"{length(bout.duration_s)} from {where.at(bout.onset_s)} on"
    if bout.is_piece:
        text += ", a piece of a longer movement"
    if bout.cut_short:
        text += ", cut short by a gap or the end"
    yield _labelled("Lies in", text)
    if len(bout.steps) > 1:
        named = [f"{kind_name(step.kind)} ({STEPS[step.by]})" for step in bout.steps]
        revised = f"; revision {event.revision}" if event is not None and event.revision else ""
        yield _labelled("Named", ", then ".join(named) + revised)


def _number_lines(bout: SeenBout) -> Iterator[str]:
    """Every number of the bout under the name that the JSON has."""
    numbers = asdict(bout.facts)
    if bout.rhythm is not None:
        rhythm = asdict(bout.rhythm)
        numbers |= {f"rhythm.{name}": rhythm[name] for name in rhythm if name not in PLACES}
    words = [
        f"{name} {number_words(value) if isinstance(value, float) else value}"
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
    """Return the evidence for the name that was given, or against each likely spasm."""
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
                yield _Row(rule_title(rule), "held", "", "")
            elif rule.is_of_spasm_family:
                yield from _rule_rows(rule, rule.failed[:FEW], more=len(rule.failed) - FEW)


def _rule_rows(
    rule: Weighed, readings: Sequence[Margin], *, more: int = 0, verbose: bool = False
) -> Iterator[_Row]:
    word = "not " if rule.outcome is RuleOutcome.MISSED else ""
    title = f"{word}{rule_title(rule)}"
    for reading in readings:
        mark = "  missed" if verbose and not reading.passed else ""
        yield _Row(title, number_name(reading), measured(reading), needed(reading) + mark)
        if verbose and (detail := detail_words(reading)):
            yield _Row("", f"  {detail}", "", "")
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


def _labelled(label: str, text: str) -> str:
    return f"  {label:<{LABEL}}{text}"
