"""Why an event was found: the reason, numbers against their limits, and pictures. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from detector.alerts.commands import SaidKind
from detector.block import Block, Timebase
from detector.evenings import evening_of
from detector.events import Event, Kind
from detector.recognition.rules.opinions import DEFAULT_MODEL, load_model
from detector.recognition.why.explainer import Explainer
from detector.recognition.why.explanation import Asked, Explanation, Verdict
from detector.recognition.why.margins import RuleOutcome, Weighed
from detector.report.movement import seen_around
from detector.store.said_labels import SaidLabel
from detector.web.history.nights import title
from detector.web.history.pictures import spectrum, trace
from detector.words.phrases import TITLES, length, one_line, sentence
from detector.words.screens import place_words
from detector.words.why import event_words, measured, needed, number_name, rule_title

BEFORE = timedelta(seconds=90)
"""Samples that are read before an event: a sensor's own stillness is known after a minute."""

AFTER = timedelta(seconds=30)  # as far as a trace goes, and until the event is over
LONGEST = timedelta(minutes=3)  # of an event, that is judged again
FEW = 2  # misses shown of each other rule, the worst


@dataclass(frozen=True, slots=True, kw_only=True)
class EventEvidence:
    """What the recording says of an event: pictures, and numbers against limits."""

    trace: dict[str, Any]
    spectrum: dict[str, Any] | None
    rules: tuple[dict[str, Any], ...]
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedEvent:
    """An event with what is known about it.

    evidence : from the recording; None with `missing`, a sentence that says why there is none
    told : what alerts said of it and people answered, with the time
    """

    event: Event
    label: SaidLabel | None = None
    evidence: EventEvidence | None = None
    missing: str = ""
    told: tuple[tuple[datetime, str], ...] = ()


def needed_span(event: Event) -> tuple[datetime, datetime]:
    """Return from when to when samples are needed to judge an event again."""
    assert event.onset is not None  # noqa: S101 - an event without a time has no page
    lasted = min(timedelta(seconds=event.duration_s), LONGEST)
    return event.onset - BEFORE, event.onset + lasted + AFTER


def evidence_of(
    event: Event, blocks: Sequence[Block], timebase: Timebase, site: str, zone: tzinfo | None
) -> EventEvidence:
    """Judge an event again by the samples around it."""
    assert event.onset is not None  # noqa: S101 - as above
    first = timebase.at_s(0.0)
    onset_s = 0.0 if first is None else (event.onset - first).total_seconds()
    explainer = Explainer([Asked(max(onset_s, 0.0), width_s=event.duration_s)], site=site)
    for block in blocks:
        explainer.process(block)
    explainer.finish()
    (answer,) = explainer.explanations()
    seen = seen_around(blocks, timebase, event.onset)
    beat = load_model(DEFAULT_MODEL, site=site)[0].beat
    return EventEvidence(
        trace=trace(seen, event.onset, event.duration_s, zone),
        spectrum=spectrum(seen, event.duration_s, (beat.low_hz, beat.high_hz)),
        rules=tuple(_rules(answer)),
        remark=_remark(event, answer),
    )


def event_view(known: ExplainedEvent, zone: tzinfo | None) -> dict[str, Any]:
    """Return what the page shows of an event."""
    event, evidence = known.event, known.evidence
    assert event.onset is not None  # noqa: S101 - as above
    evening = evening_of(event.onset, zone)
    cut = " It was cut short by a gap." if event.cut_short else ""
    return {
        "id": event.id,
        "kind": str(event.kind),
        "title": _title(event.kind),
        "shape": "◆" if event.kind is Kind.CLONUS else "▲",
        "likely": event.kind.is_spasm_family,
        "at": f"{event.onset.astimezone(zone):%H:%M:%S}",
        "length": length(event.duration_s),
        "where": one_line(place_words(event.sensor or "")),
        "reason": (sentence(one_line(event.reason)) if event.reason else "No reason was kept.")
        + cut,
        "numbers": sentence(event_words(event)),
        "evening": evening.isoformat(),
        "night": title(evening),
        "label": "" if known.label is None else known.label.words,
        "yes": str(SaidKind.CLONUS if event.kind is Kind.CLONUS else SaidKind.SPASM),
        "told": [
            {"at": f"{at.astimezone(zone):%H:%M}", "words": words} for at, words in known.told
        ],
        "missing": known.missing,
        "remark": "" if evidence is None else evidence.remark,
        "rules": [] if evidence is None else list(evidence.rules),
        "trace": None if evidence is None else evidence.trace,
        "spectrum": None if evidence is None else evidence.spectrum,
    }


def _title(kind: Kind) -> str:
    return f"Likely {TITLES[kind].lower()}" if kind.is_spasm_family else TITLES[kind]


def _rules(answer: Explanation) -> list[dict[str, Any]]:
    """Return the numbers of the rule that gave the name, then what kept the others from it."""
    if answer.bout is None:
        return []
    named = [rule for rule in answer.bout.rules if rule.outcome is RuleOutcome.NAMED]
    others = [
        rule
        for rule in answer.bout.rules
        if rule.outcome is RuleOutcome.MISSED and rule.is_of_spasm_family
    ]
    found = [
        _rule(rule, f"{rule_title(rule)}: this gave the name", len(rule.readings)) for rule in named
    ]
    return found + [_rule(rule, f"Not {rule_title(rule)}", FEW, failed=True) for rule in others]


def _rule(rule: Weighed, name: str, most: int, *, failed: bool = False) -> dict[str, Any]:
    readings = rule.failed if failed else rule.readings
    return {
        "title": name[:1].upper() + name[1:],
        "rows": [
            {
                "what": number_name(reading),
                "measured": measured(reading),
                "needed": needed(reading),
                "passed": reading.passed,
            }
            for reading in readings[:most]
        ],
        "more": max(0, len(readings) - most),
    }


def _remark(event: Event, answer: Explanation) -> str:
    """Return where a second judgement, of these minutes alone, differs from the night's."""
    if answer.verdict is Verdict.UNKNOWN:
        return "The recording has no samples of this moment: they were not received."
    if answer.event is None:
        return "By these minutes alone it has no name: the night knew more of what went before."
    if answer.event.kind is not event.kind:
        name = TITLES[answer.event.kind].lower()
        return f"By these minutes alone it would be called {name}: the night knew more of it."
    return ""
