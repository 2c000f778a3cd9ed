"""A night's report in words and tables: what text, page and paper show alike. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from typing import Any

from detector.events import Event, EventContext, Kind
from detector.recognition.counts.error_rates import Counted
from detector.recognition.counts.night_counts import SHORTEST_H
from detector.report.coverage import Unwatched
from detector.report.known_errors import ErrorSpread, KnownErrors
from detector.report.night import NightReport
from detector.report.said import AlertTold, SaidNote
from detector.report.spasms import is_flexor, onset_of
from detector.words.nights import (
    CONTEXT_NAMES,
    GRADE_RULE,
    MEDICINE_RULE,
    MERGE_RULE,
    NOTICE_LONG,
    PERIODIC_RULE,
    SCALES,
    SIMULATED_ERRORS,
    UNSEEN,
    NoInterval,
    answered_words,
    burden_words,
    errors_words,
    gaps_words,
    invented_words,
    missed_words,
    night_title,
    standing_words,
    truth_words,
    usual_words,
    watched_words,
)
from detector.words.phrases import (
    COUNTED,
    TITLES,
    context_words,
    count_words,
    counted,
    length,
    one_line,
    sentence,
)
from detector.words.screens import alert_title, origin_words, place_words

COUNT_NAMES = {
    Counted.LIKELY: "Likely spasms",
    Counted.CLONUS: "of these, clonus",
    Counted.SPASM_OR_TONIC: "of these, other spasms",
    Counted.TWITCH: "Twitches, counted apart",
}
SHAPES = {Kind.CLONUS: "◆", Kind.SPASM: "▲", Kind.TONIC: "■", Kind.TWITCH: "·"}
"""Mark of each kind, which goes with its word and its colour."""

GRADES = ("1", "2", "3")
MOST_ROWS = 200  # of a table: a night has fewer


def report_view(night: NightReport) -> dict[str, Any]:
    """Return what is shown of a night."""
    zone = night.zone
    return {
        "title": night_title(night.evening),
        "evening": night.evening.isoformat(),
        "origin": origin_words(night.origin),
        "whose": one_line(place_words(night.label)),
        "headline": headline(night),
        "usual": _usual(night),
        "coverage": coverage_lines(night),
        "gap_rows": [_gap(gap, zone) for gap in night.coverage.gaps[:MOST_ROWS]],
        "more_gaps": max(0, len(night.coverage.gaps) - MOST_ROWS),
        "counts": count_rows(night),
        "has_truth": no_interval(night) is None,
        "counts_note": _counts_note(night),
        "contexts": _contexts(night),
        "burden": burden_words(night.burden_s, night.burden_share),
        "episodes": _episodes(night),
        "merge_rule": MERGE_RULE,
        "grade_rule": GRADE_RULE,
        "grades": [
            {"name": "Clonus", "bins": list(night.grades.clonus)},
            {"name": "Other spasms, by length", "bins": list(night.grades.extensor)},
            {"name": "Drawn up and held, by angle", "bins": list(night.grades.flexor)},
        ],
        "graded": any(map(sum, (night.grades.clonus, night.grades.extensor, night.grades.flexor))),
        "hours": [
            {
                "name": hour.name,
                "clonus": hour.clonus,
                "other": hour.other_likely,
                "twitches": hour.twitches,
                "watched": f"{hour.watched_s / 60:.0f} min" if hour.watched_s else "not",
            }
            for hour in night.hours
        ],
        "longest": [_longest(event, zone) for event in night.longest],
        "notes": [_note(note, zone) for note in night.notes[:MOST_ROWS]],
        "answers": [
            {"name": SCALES[each.scale], "value": str(each.value), "by": each.by}
            for each in night.answers
        ],
        "medicine": [
            {
                "hours": f"{each.hour} to {each.hour + 1} h",
                "likely": str(each.likely),
                "watched": length(each.watched_s),
            }
            for each in night.after_medicine
        ],
        "medicine_rule": MEDICINE_RULE,
        "periodic": _periodic(night),
        "periodic_found": night.periodic is not None and night.periodic.count > 0,
        "periodic_rule": PERIODIC_RULE,
        "alerts": [_alert(each, zone) for each in night.alerts[:MOST_ROWS]],
        "sensors": sensor_rows(night),
        "quality": quality_rows(night),
        "remarks": [one_line(remark) for remark in night.quality.remarks],
        "unseen": UNSEEN,
        "notice": NOTICE_LONG,
    }


def headline(night: NightReport) -> str:
    """Return the night in a sentence."""
    coverage = night.coverage
    if not coverage.states and not night.events:
        return "Nothing was watched in this night."
    standing = None if night.standing is None else night.standing.value
    kinds = {kind: night.kinds[kind] for kind in COUNTED}
    true = night.counts.of(Counted.LIKELY).true
    text = count_words(kinds, None, true)
    why = no_interval(night)
    if why is not None:
        text = f"{text.removesuffix('.')} (no interval for the true number: {why.value})."
    words = standing_words(standing)
    return words + (text[:1].lower() + text[1:] if words else text)


def no_interval(night: NightReport) -> NoInterval | None:
    """Return why there is no interval for the true counts; None where there is one."""
    if night.counts.of(Counted.LIKELY).true is not None:
        return None
    if not night.errors:
        return NoInterval.NO_RATES
    if night.counts.hours <= 0:
        return NoInterval.NOTHING_WATCHED
    if night.counts.hours < SHORTEST_H:
        return NoInterval.SHORT
    several = len(night.sensors) > 1 or any("+" in (e.sensor or "") for e in night.events)
    return NoInterval.SEVERAL if several else NoInterval.ELSEWHERE


def coverage_lines(night: NightReport) -> list[str]:
    """Return what was watched, and what was not, in sentences."""
    coverage = night.coverage
    begin, end = coverage.begin, coverage.end
    if begin is None or end is None:
        if night.events:
            return [
                "How long it was watched is no longer known: the log goes back 30 days at most."
            ]
        return ["Not watched."]
    lines = [
        watched_words(coverage.watched_s, begin, end, night.zone, is_over=coverage.is_over),
        gaps_words(len(coverage.gaps), sum(gap.seconds for gap in coverage.gaps)),
    ]
    if coverage.paused_s:
        lines.append(f"Alerts were paused for {length(coverage.paused_s)} of it.")
    return lines


def count_rows(night: NightReport) -> list[dict[str, str]]:
    """Return each count with the interval of the true one, and what it misses and invents."""
    errors: dict[Counted, KnownErrors] = {each.counted: each for each in night.errors}
    rows: list[dict[str, str]] = []
    for each in Counted:
        count, known = night.counts.of(each), errors.get(each)
        true = count.true
        rows.append(
            {
                "name": COUNT_NAMES[each],
                "found": str(count.found),
                "truth": "not known" if true is None else truth_words(true.low, true.high),
                "errors": "not known"
                if known is None
                else errors_words(_three(known.found), _three(known.false_per_h)),
                "misses": "" if known is None else missed_words(_three(known.found)),
                "invents": "" if known is None else invented_words(_three(known.false_per_h)),
            }
        )
    return rows


def sensor_rows(night: NightReport) -> list[dict[str, str]]:
    """Return sensors side by side."""
    rows: list[dict[str, str]] = []
    for each in night.sensors:
        # An event that names no sensor is of a recording by another program: of its only one.
        seen = [e for e in night.events if e.sensor is None or each.sensor in _names(e)]
        likely = sum(event.kind in COUNTED for event in seen)
        lost = (
            f"{counted(each.gap_count, 'gap')}, {length(each.gap_s)}"
            if each.gap_count
            else ("none")
        )
        rows.append(
            {
                "sensor": one_line(place_words(each.sensor)),
                "site": each.site or "not known",
                "likely": str(likely),
                "rate": "not known" if each.rate_hz is None else f"{each.rate_hz:.4g} a second",
                "lost": lost,
            }
        )
    return rows


def quality_rows(night: NightReport) -> list[dict[str, str]]:
    """Return what is to be known of the data, as names and values."""
    quality = night.quality
    likely = night.counts.of(Counted.LIKELY).found
    detectors = ", ".join(f"{each.version}, {each.model}" for each in quality.detectors)
    rows = [
        ("Looked at by a person", f"{quality.reviewed} of {likely} likely spasms"),
        ("of these, said to be none", str(quality.not_spasms)),
        ("Cut short by a gap", str(quality.cut_short)),
        ("Held back by personal minimums", str(quality.held_back)),
        ("Technical alerts", str(len(quality.technical))),
        ("Detector", detectors or "not known"),
    ]
    if not quality.whole:
        rows.append(("More is kept of this night", "than is counted here"))
    return [{"name": name, "value": value} for name, value in rows]


def _usual(night: NightReport) -> str:
    usual, per_h = night.usual, night.as_trend().likely_per_h
    if usual is None or per_h is None:
        return ""
    return usual_words(usual.low, usual.high, usual.nights, per_h)


def _gap(gap: Unwatched, zone: tzinfo | None) -> dict[str, str]:
    return {
        "begin": _clock(gap.begin, zone),
        "end": _clock(gap.end, zone),
        "length": length(gap.seconds),
        "why": "no signal" if gap.heard else "not known",
    }


def _counts_note(night: NightReport) -> str:
    why = no_interval(night)
    truth = (
        "The true number lies in the interval in nine nights of ten."
        if why is None
        else f"There is no interval for the true numbers: {why.value}."
    )
    return f"{truth} {SIMULATED_ERRORS}"


def _contexts(night: NightReport) -> str:
    contexts = Counter(event.context for event in night.events if event.kind in COUNTED)
    began = context_words(contexts)
    if not night.counts.hours:
        return sentence(began) if began else ""
    hours = ", ".join(
        f"{length(night.hours_watched[context] * 3600)} {CONTEXT_NAMES[context]}"
        for context in EventContext
        if night.hours_watched.get(context, 0.0) > 0
    )
    lay = f"Watched: {hours}."
    return f"Likely spasms began: {began}. {lay}" if began else lay


def _episodes(night: NightReport) -> str:
    likely = night.counts.of(Counted.LIKELY).found
    if not likely:
        return ""
    same = "" if night.spasms == likely else f" ({night.spasms} without those joined)"
    return f"{counted(likely, 'likely spasm')}{same} in {counted(len(night.episodes), 'episode')}."


def _longest(event: Event, zone: tzinfo | None) -> dict[str, Any]:
    grade = "" if event.grade is None else f"SCATS grade {event.grade}"
    return {
        "id": event.id,
        "kind": str(event.kind),
        "shape": SHAPES[event.kind],
        "title": f"Likely {TITLES[event.kind].lower()}",
        "at": _seconds(onset_of(event), zone),
        "length": length(event.duration_s),
        "where": one_line(place_words(event.sensor or "")),
        "grade": f"{grade}, by its angle" if grade and is_flexor(event) else grade,
        "why": sentence(one_line(event.reason)) if event.reason else "No reason was kept.",
        "cut": "It was cut short by a gap." if event.cut_short else "",
    }


def _note(note: SaidNote, zone: tzinfo | None) -> dict[str, str]:
    kind = "a spasm marked" if note.kind is None else str(note.kind)
    return {
        "time": _clock(note.at, zone),
        "by": note.by,
        "kind": kind,
        "text": one_line(note.text),
    }


def _periodic(night: NightReport) -> str:
    periodic = night.periodic
    if periodic is None:
        return ""
    if not periodic.count:
        return "No regular repeated movements."
    return (
        f"{counted(periodic.count, 'regular repeated movement')}, {periodic.per_h:.1f} an hour "
        "watched lying."
    )


def _alert(each: AlertTold, zone: tzinfo | None) -> dict[str, str]:
    after = (
        None if each.answered_at is None else (each.answered_at - each.raised_at).total_seconds()
    )
    over = each.resolved_at
    return {
        "time": _clock(each.raised_at, zone),
        "what": one_line(alert_title(each.alert)),
        "about": "the monitoring" if each.is_technical else "the wearer",
        "answered": one_line(answered_words(each.answered_by, after)),
        "over": "still open" if over is None else _clock(over, zone),
    }


def _three(spread: ErrorSpread) -> tuple[float, float, float]:
    return spread.mean, spread.low, spread.high


def _names(event: Event) -> Iterable[str]:
    """Return the sensors that an event is of: several are joined by a plus."""
    name = event.sensor or ""
    return [name, *split_names(name)]


def split_names(fused: str) -> Sequence[str]:
    r"""Return the names in a fused one, as `recognition.events.movement.fused_name` joins them."""
    names, escaped = [""], False
    for character in fused:
        if escaped or character not in "+\\":
            names[-1] += character
            escaped = False
        elif character == "\\":
            escaped = True
        else:
            names.append("")
    return names


def _clock(moment: datetime, zone: tzinfo | None) -> str:
    return f"{moment.astimezone(zone):%H:%M}"


def _seconds(moment: datetime, zone: tzinfo | None) -> str:
    return f"{moment.astimezone(zone):%H:%M:%S}"
