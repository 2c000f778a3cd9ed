"""Figures for people and programs: tables as text or Markdown, and JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from textwrap import wrap
from typing import Any

from detector.evaluation.intervals import Rate, Share, Spread
from detector.evaluation.runner import OURS, Evaluation
from detector.evaluation.scoring import MISSED, NOTHING, KindScore, Score
from detector.events import SPASM_FAMILY, Kind

SCHEMA = "evaluation/1"
NONE = "-"
WIDTH = 100  # characters of a line of a legend
SHORT_CLONUS = "clonus, short"


def to_dict(evaluation: Evaluation) -> dict[str, Any]:
    """Return the `evaluation/1` object: figures with their intervals, unknown ones None."""
    return {
        "schema": SCHEMA,
        "notice": "Not a medical device.",
        "detector": {"name": OURS, "version": evaluation.version, "model": evaluation.model},
        "hours": evaluation.hours,
        "subjects": len({recorded.subject for recorded in evaluation.recordings} - {None}),
        "truths": sum(recorded.truths for recorded in evaluation.recordings),
        "simulated_truths": sum(recorded.simulated for recorded in evaluation.recordings),
        "latency_streamed": evaluation.streamed,
        "matching": _plain(evaluation.matching),
        "kinds": _plain(evaluation.kinds),
        "skipped": _plain(evaluation.skipped),
        "scores": _plain(evaluation.scores),
        "recordings": _plain(evaluation.recordings),
    }


@dataclass(frozen=True, slots=True)
class Table:
    """A table to be read: first column words, the others figures; `legend` explains the header."""

    title: str
    legend: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def as_text(evaluation: Evaluation) -> list[str]:
    """Return lines for a terminal."""
    lines = facts(evaluation)
    for table in tables(evaluation):
        widths = [max(map(len, column)) for column in zip(table.header, *table.rows, strict=True)]
        lines += ["", table.title, *wrap(table.legend, WIDTH)]
        lines += [
            "  ".join(
                cell.ljust(width) if place == 0 else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in (table.header, *table.rows)
        ]
    return lines


def as_markdown(evaluation: Evaluation) -> str:
    """Return a Markdown section; untrusted labels cannot break its tables."""
    lines = ["# How well spasmwatch finds what happened", ""]
    lines += [f"- {_escaped(fact)}" for fact in facts(evaluation)]
    for table in tables(evaluation):
        lines += ["", f"## {_escaped(table.title)}", "", _escaped(table.legend), ""]
        lines += [_markdown_row(table.header), "|---|" + "--:|" * (len(table.header) - 1)]
        lines += [_markdown_row(row) for row in table.rows]
    return "\n".join(lines) + "\n"


def facts(evaluation: Evaluation) -> list[str]:
    """Return what the figures are based on, one sentence each."""
    recordings = evaluation.recordings
    people = {recorded.subject for recorded in recordings} - {None}
    of_whom = f"{_count(len(people), 'subject')} named" if people else "no subject named"
    truths = sum(recorded.truths for recorded in recordings)
    simulated = sum(recorded.simulated for recorded in recordings)
    unlabelled = sum(recorded.labels is None for recorded in recordings)
    rule = evaluation.matching
    said = [
        f"{_count(len(recordings), 'recording')}, {evaluation.hours:.2f} h monitored, {of_whom}.",
        f"{_count(truths, 'labelled movement')}, {simulated} of them simulated.",
        (
            f"Found by {OURS} {evaluation.version}, model {evaluation.model}. An event counts from "
            f"{rule.early_s:g} s before a movement to {rule.late_s:g} s after it, and events less "
            f"than {rule.merge_s:g} s apart count as one. In brackets: 95 % intervals."
        ),
    ]
    if simulated:
        said.append(
            "Figures on simulated movements say how well the simulator's are found, not people's."
        )
    if unlabelled:
        said.append(
            f"{_count(unlabelled, 'recording')} without labels: "
            + ("every alarm there is false." if evaluation.spasm_free else "left out.")
        )
    if evaluation.kinds is not None:
        said.append(f"Only these kinds are scored: {', '.join(evaluation.kinds)}.")
    if evaluation.skipped:
        said.append(f"Not scored under: {', '.join(evaluation.skipped)}.")
    if not evaluation.streamed:
        said.append(f"The latency of {OURS} was not measured: add --latency.")
    return [*said, "Not a medical device."]


def tables(evaluation: Evaluation) -> list[Table]:
    """Return the tables that are not empty."""
    scores, ours = evaluation.scores, evaluation.scores[OURS]
    made = [
        _sensitivity(scores),
        _exactness(scores),
        _alarms(scores),
        _by_context(ours),
        _contexts(scores),
        _buried(ours),
        _confusion(ours),
        _calibration(ours),
    ]
    return [table for table in made if table.rows]


def _sensitivity(scores: Mapping[str, Score]) -> Table:
    ours = scores[OURS]
    peers = [name for name in scores if name != OURS]

    def row(title: str, each: Mapping[str, KindScore | Score]) -> tuple[str, ...]:
        mine = each[OURS]
        seen = (_share(each[name].seen) for name in peers)
        return title, str(mine.named.of), _share(mine.named), _share(mine.seen), *seen

    rows = [
        row(score.kind.value, {name: scores[name].kinds[place] for name in scores})
        for place, score in enumerate(ours.kinds)
    ]
    short = {name: score.short_clonus for name, score in scores.items() if score.short_clonus}
    if short:
        rows.append(row(SHORT_CLONUS, short))
    if sum(score.kind in SPASM_FAMILY for score in ours.kinds) > 1:
        rows.append(row("all likely spasms", scores))
    return Table(
        "Found (seen: as any likely spasm)",
        "of: how many there were. named right: found under that name. In brackets: 95 % intervals.",
        ("movement", "of", "named right", "seen", *(f"{name}: seen" for name in peers)),
        tuple(rows),
    )


def _exactness(scores: Mapping[str, Score]) -> Table:
    rows = []
    for name, score in scores.items():
        for kind in score.kinds:
            spreads = (
                kind.latency_s,
                kind.onset_error_s,
                kind.offset_error_s,
                kind.rhythm_error_hz,
            )
            if kind.kind in SPASM_FAMILY and any(each.n for each in spreads):
                rows.append((f"{name}: {kind.kind}", *map(_spread, spreads)))
    header = ("", "first word, s", "onset error, s", "offset error, s", "rhythm error, Hz")
    return Table(
        "How soon and how exactly (p50 / p90)",
        "Half of the movements stay within the first figure, nine in ten within the second. "
        "first word: from the onset to the first report.",
        header,
        tuple(rows),
    )


def _alarms(scores: Mapping[str, Score]) -> Table:
    kinds = list(scores[OURS].false_by_kind)
    return Table(
        f"False alarms in {scores[OURS].hours:.2f} h",
        "precision: share of the alarms that were right. false: alarms without a spasm; then how "
        "many in 24 h, and of which kind. twitches: false ones in 24 h; they are no alarms.",
        ("", "precision", "false", "per 24 h", *(kind.value for kind in kinds), "twitches, apart"),
        tuple(
            (
                name,
                _share(score.precision),
                str(score.false.count),
                _rate(score.false),
                *(str(score.false_by_kind[kind].count) for kind in kinds),
                _rate(score.false_twitches),
            )
            for name, score in scores.items()
        ),
    )


def _by_context(ours: Score) -> Table:
    return Table(
        "False alarms by what the wearer did when they began",
        "resting: five minutes without movement that is not of likely spasms. up: upright or "
        "walking. hours: so long the wearer did so. per 24 h: of that time.",
        ("", "hours", "false", "per 24 h"),
        tuple(
            (name, f"{rate.hours:.2f}", str(rate.count), _rate(rate))
            for name, rate in ours.false_by_context.items()
        ),
    )


def _contexts(scores: Mapping[str, Score]) -> Table:
    rows = {context.label: context for context in scores[OURS].contexts}
    others = {
        name: {context.label: context for context in score.contexts}
        for name, score in scores.items()
        if name != OURS
    }
    return Table(
        "Meanwhile: stretches with an alarm, with a clonus or tremor; peers: alarm / false",
        "stretches: how many have that label. alarm, rhythmic: how many of them hold an alarm, a "
        "clonus or tremor. false: false alarms in them.",
        ("label", "hours", "stretches", "alarm", "rhythmic", "false", *others),
        tuple(
            (
                label,
                f"{own.hours:.2f}",
                str(own.flagged.of),
                _share(own.flagged),
                _share(own.rhythmic),
                str(own.false.count),
                *(
                    f"{_percent(each[label].flagged)} / {each[label].false.count}"
                    if label in each
                    else NONE
                    for each in others.values()
                ),
            )
            for label, own in rows.items()
        ),
    )


def _buried(ours: Score) -> Table:
    return Table(
        "Clonus put into real movement (background over clonus, rms)",
        "of: how many there were. named right: found as clonus.",
        ("background", "length, s", "of", "named right"),
        tuple(
            (_range(each.ratio), _range(each.duration_s), str(each.named.of), _share(each.named))
            for each in ours.buried
        ),
    )


def _confusion(ours: Score) -> Table:
    used = {column for row in ours.confusion.values() for column in row}
    columns = [name for name in (*(kind.value for kind in Kind), MISSED) if name in used]
    return Table(
        "True kind (rows) and what it was called",
        "Each figure counts movements.",
        ("", *columns),
        tuple(
            (
                "no labelled movement" if name == NOTHING else name,
                *(str(row.get(column, 0)) for column in columns),
            )
            for name, row in ours.confusion.items()
        ),
    )


def _calibration(ours: Score) -> Table:
    found = ours.calibration if ours.seen.of else None  # without positives it means nothing
    return Table(
        f"Confidence (expected calibration error {found.ece:.3f})" if found else "",
        "said: confidence of the events in a row. right: share of them that were right.",
        ("said", "events", "mean said", "right"),
        tuple(
            (
                f"{each.low:.1f}-{each.high:.1f}",
                str(each.right.of),
                f"{each.mean_confidence:.2f}",
                _share(each.right),
            )
            for each in (found.bins if found else ())
        ),
    )


def _share(share: Share) -> str:
    if share.value is None or share.interval is None:
        return NONE
    low, high = share.interval
    return f"{_percent(share)} ({100 * low:.0f}-{100 * high:.0f})"


def _percent(share: Share) -> str:
    return NONE if share.value is None else f"{100 * share.value:.1f} %"


def _rate(rate: Rate) -> str:
    if rate.per_24h is None or rate.interval is None:
        return NONE
    low, high = rate.interval
    return f"{rate.per_24h:.1f} ({low:.1f}-{high:.1f})"


def _spread(each: Spread) -> str:
    if each.p50 is None or each.p90 is None:
        return NONE
    return f"{each.p50:.2f} / {each.p90:.2f}"


def _range(limits: tuple[float, float | None]) -> str:
    low, high = limits
    if high is None:
        return f"≥ {low:g}"
    return f"< {high:g}" if low == 0 else f"{low:g}-{high:g}"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _markdown_row(row: Sequence[str]) -> str:
    return "| " + " | ".join(_escaped(cell) for cell in row) + " |"


def _escaped(text: str) -> str:
    """Return untrusted text with the characters that control Markdown or HTML escaped."""
    for mark in "\\|`*_[]<>":
        text = text.replace(mark, "\\" + mark)
    return " ".join(text.split())


def _plain(value: object) -> Any:
    if isinstance(value, Share | Rate):
        whole = {
            "value" if isinstance(value, Share) else "per_24h": (
                value.value if isinstance(value, Share) else value.per_24h
            ),
            "interval": value.interval,
        }
        return {f.name: getattr(value, f.name) for f in fields(value)} | whole
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
