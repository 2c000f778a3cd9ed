"""From scored recordings to figures: per kind, per context, each with its interval. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from detector.evaluation.intervals import Rate, Share, Spread, over_subjects, spread
from detector.evaluation.matching import (
    LOGGED,
    NO_CONTEXT,
    ContextOutcome,
    FoundOutcome,
    ScoredRecording,
    TruthOutcome,
)
from detector.evaluation.wearing import NOT_KNOWN
from detector.events import SPASM_FAMILY, Kind

BINS = 10
"""Bins of confidence, equally wide, as in the papers that made the measure known (see ECE)."""

RHYTHMIC = frozenset({Kind.CLONUS, Kind.TREMOR})

SHORTEST_REST_S = 1.0
"""Less than that without any label is what times rounded in a file leave over."""

RATIOS = ((0.0, 0.3), (0.3, 1.0), (1.0, 3.0), (3.0, None))
"""Background over clonus: below 0.3 is the bar's, above 1 the prototype lost half of them."""

DURATIONS_S = ((0.0, 1.2), (1.2, 3.0), (3.0, 10.0), (10.0, None))
"""The bar's shortest, and the SCATS grades."""

MISSED = "missed"
NOTHING = "nothing"
"""Row of the confusion table for events that overlap no truth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindScore:
    """Results for the truths of one kind.

    `named`: an overlapping event had the right kind; `seen`: one was of the spasm family, whatever
    its name (of a turn or a tremor that is the share that was wrongly so called). `latency` runs
    from the true onset to the first report of a likely spasm; the errors are absolute.
    """

    kind: Kind
    named: Share
    seen: Share
    latency_s: Spread
    onset_error_s: Spread
    offset_error_s: Spread
    rhythm_error_hz: Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextScore:
    """Results under one label.

    `flagged` stretches hold an alarm, `rhythmic` ones a clonus or a tremor; `by_kind` counts those
    that hold an event of a kind; `false` are alarms that overlap this label most.
    """

    label: str
    hours: float
    flagged: Share
    rhythmic: Share
    by_kind: Mapping[Kind, int]
    false: Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class BuriedScore:
    """Clonus put into real movement: background over clonus (rms), and length, each from ≤ x < to.

    None is without a limit.
    """

    ratio: tuple[float, float | None]
    duration_s: tuple[float, float | None]
    named: Share


@dataclass(frozen=True, slots=True)
class Bin:
    """Events of about the same confidence: its mean, and how many were right."""

    low: float
    high: float
    mean_confidence: float
    right: Share


@dataclass(frozen=True, slots=True)
class Calibration:
    """Whether a confidence of 0.8 is right in 8 of 10.

    `ece` is the expected calibration error, sum over bins of n_b / n * |right_b - confidence_b|
    (Naeini, Cooper & Hauskrecht 2015, AAAI; Guo et al. 2017, ICML).
    """

    n: int
    ece: float
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """All figures of one detector.

    Parameters
    ----------
    hours : monitored and scored
    named, seen : all truths of the scored kinds together, clonus too short for the bar left out
    short_clonus : the latter apart; None when there was none
    precision : truths with an alarm, of these and the false alarms together; a truth that several
        alarms lie on counts once, as in `timescoring` and SzCORE
    false, false_by_kind : alarms (clonus, spasm, tonic) that overlap no truth of the spasm family
    false_twitches : apart, as a bump and a twitch look alike
    false_by_context : alarms that began at rest, restless, up or where that is not known, by the
        time that was; empty of a detector that names no contexts
    buried : empty where no truth says how strong its background was
    confusion : true kind, or `nothing` → found kind, or `missed` → how many
    calibration : of likely spasms; None of a detector that gives no confidence
    """

    hours: float
    named: Share
    seen: Share
    kinds: tuple[KindScore, ...]
    short_clonus: KindScore | None
    precision: Share
    false: Rate
    false_by_kind: Mapping[Kind, Rate]
    false_twitches: Rate
    false_by_context: Mapping[str, Rate]
    contexts: tuple[ContextScore, ...]
    buried: tuple[BuriedScore, ...]
    confusion: Mapping[str, Mapping[str, int]]
    calibration: Calibration | None


def summarise(outcomes: Iterable[ScoredRecording], *, kinds: Iterable[Kind] | None = None) -> Score:
    """Return the figures of scored recordings, in any order.

    Parameters
    ----------
    kinds : score only truths and alarms of these; None for all
    """
    recordings = sorted(outcomes, key=lambda outcome: (outcome.subject, repr(outcome)))
    wanted = frozenset(Kind if kinds is None else kinds)
    alarms = LOGGED & wanted
    people = _People(recordings)
    bar = people.truths(lambda t: t.kind in wanted and t.kind.is_spasm_family and not t.short)
    present = {t.kind for r in recordings for t in r.truths}
    short = people.truths(lambda t: t.kind in wanted and t.short)
    return Score(
        hours=people.hours,
        named=people.share(bar, _named),
        seen=people.share(bar, _seen),
        kinds=tuple(
            _kind_score(people, kind, people.truths(_long_enough(kind)))
            for kind in Kind
            if kind in wanted & present
        ),
        short_clonus=_kind_score(people, Kind.CLONUS, short) if any(short) else None,
        precision=_precision(people, alarms),
        false=people.rate(_false(alarms)),
        false_by_kind={kind: people.rate(_false({kind})) for kind in Kind if kind in alarms},
        false_twitches=people.rate(_false({Kind.TWITCH})),
        false_by_context=_false_by_context(recordings, alarms),
        contexts=_contexts(recordings, alarms),
        buried=_buried(people) if Kind.CLONUS in wanted else (),
        confusion=_confusion(recordings),
        calibration=calibrate([pair for r in recordings for pair in r.judged]),
    )


def calibrate(judged: Sequence[tuple[float, bool]]) -> Calibration | None:
    """Return the reliability of confidences, 0 to 1, that turned out right or wrong."""
    if not judged:
        return None
    groups: dict[int, list[tuple[float, bool]]] = {}
    for confidence, right in sorted(judged):
        groups.setdefault(min(int(confidence * BINS), BINS - 1), []).append((confidence, right))
    bins = tuple(
        Bin(
            low=group / BINS,
            high=(group + 1) / BINS,
            mean_confidence=sum(confidence for confidence, _ in pairs) / len(pairs),
            right=Share(sum(right for _, right in pairs), len(pairs)),
        )
        for group, pairs in sorted(groups.items())
    )
    gaps = [b.right.of * abs(b.right.hits / b.right.of - b.mean_confidence) for b in bins]
    return Calibration(len(judged), sum(gaps) / len(judged), bins)


Truths = list[list[TruthOutcome]]


class _People:
    """Recordings by subject, so that every figure can be drawn again over subjects."""

    def __init__(self, recordings: Sequence[ScoredRecording]) -> None:
        names = sorted({recording.subject for recording in recordings})
        self._of = [[r for r in recordings if r.subject == name] for name in names]
        self._hours = [sum(r.monitored_s for r in mine) / 3600 for mine in self._of]
        self.hours = sum(self._hours)

    def truths(self, wanted: Callable[[TruthOutcome], bool]) -> Truths:
        """Return each subject's truths."""
        return [[t for r in mine for t in r.truths if wanted(t)] for mine in self._of]

    def events(self, wanted: Callable[[FoundOutcome], bool]) -> list[int]:
        """Count each subject's events."""
        return [sum(wanted(e) for r in mine for e in r.found) for mine in self._of]

    def share(self, truths: Truths, hit: Callable[[TruthOutcome], bool]) -> Share:
        return share_of([sum(map(hit, mine)) for mine in truths], [len(mine) for mine in truths])

    def rate(self, wanted: Callable[[FoundOutcome], bool]) -> Rate:
        counts = self.events(wanted)
        drawn = over_subjects(counts, [hours / 24 for hours in self._hours])
        return Rate(sum(counts), self.hours, drawn)


def share_of(hits: Sequence[int], sizes: Sequence[int]) -> Share:
    """Return the share of all subjects together, from each one's."""
    return Share(sum(hits), sum(sizes), over_subjects(hits, sizes))


def _long_enough(kind: Kind) -> Callable[[TruthOutcome], bool]:
    return lambda truth: truth.kind is kind and not truth.short


def _false(kinds: Collection[Kind]) -> Callable[[FoundOutcome], bool]:
    return lambda event: event.false and event.kind in kinds


def _named(truth: TruthOutcome) -> bool:
    return truth.named


def _seen(truth: TruthOutcome) -> bool:
    return bool(truth.as_kinds & SPASM_FAMILY)


def _kind_score(people: _People, kind: Kind, truths: Truths) -> KindScore:
    each = [truth for mine in truths for truth in mine]
    return KindScore(
        kind=kind,
        named=people.share(truths, _named),
        seen=people.share(truths, _seen),
        latency_s=spread([t.latency_s for t in each if t.latency_s is not None]),
        onset_error_s=_sizes(t.onset_error_s for t in each),
        offset_error_s=_sizes(t.offset_error_s for t in each),
        rhythm_error_hz=_sizes(t.rhythm_error_hz for t in each),
    )


def _sizes(errors: Iterable[float | None]) -> Spread:
    return spread([abs(error) for error in errors if error is not None])


def _precision(people: _People, alarms: frozenset[Kind]) -> Share:
    family = people.truths(lambda t: t.kind.is_spasm_family)
    hits = [sum(bool(t.as_kinds & alarms) for t in mine) for mine in family]
    false = people.events(_false(alarms))
    return share_of(hits, [a + b for a, b in zip(hits, false, strict=True)])


def _contexts(
    recordings: Sequence[ScoredRecording], alarms: frozenset[Kind]
) -> tuple[ContextScore, ...]:
    stretches = [stretch for r in recordings for stretch in r.stretches]
    seconds = Counter[str]()
    false = Counter[str]()
    for recording in recordings:
        seconds.update(recording.context_s)
        false.update(e.context for e in recording.found if e.false and e.kind in alarms)
    labels = sorted({stretch.label for stretch in stretches})
    if labels and (false[NO_CONTEXT] or seconds[NO_CONTEXT] >= SHORTEST_REST_S):
        labels.append(NO_CONTEXT)
    return tuple(
        ContextScore(
            label=label,
            hours=seconds[label] / 3600,
            flagged=_holding(mine, alarms),
            rhythmic=_holding(mine, RHYTHMIC),
            by_kind={k: n for k in Kind if (n := sum(k in s.as_kinds for s in mine))},
            false=Rate(false[label], seconds[label] / 3600),
        )
        for label in labels
        for mine in [[stretch for stretch in stretches if stretch.label == label]]
    )


def _false_by_context(
    recordings: Sequence[ScoredRecording], alarms: frozenset[Kind]
) -> dict[str, Rate]:
    if all(event.began is None for r in recordings for event in r.found):
        return {}
    seconds, false = Counter[str](), Counter[str]()
    for recording in recordings:
        seconds.update(recording.spent_s)
        false.update(
            NOT_KNOWN if e.began is None else e.began.value
            for e in recording.found
            if e.false and e.kind in alarms
        )
    return {name: Rate(false[name], seconds[name] / 3600) for name in sorted(seconds)}


def _buried(people: _People) -> tuple[BuriedScore, ...]:
    return tuple(
        BuriedScore(ratio=ratio, duration_s=duration_s, named=people.share(truths, _named))
        for ratio in RATIOS
        for duration_s in DURATIONS_S
        for truths in [people.truths(_buried_in(ratio, duration_s))]
        if any(truths)
    )


def _buried_in(
    ratio: tuple[float, float | None], duration_s: tuple[float, float | None]
) -> Callable[[TruthOutcome], bool]:
    def within(value: float, limits: tuple[float, float | None]) -> bool:
        return limits[0] <= value and (limits[1] is None or value < limits[1])

    def wanted(truth: TruthOutcome) -> bool:
        return (
            truth.kind is Kind.CLONUS
            and truth.background_ratio is not None
            and within(truth.background_ratio, ratio)
            and within(truth.duration_s, duration_s)
        )

    return wanted


def _holding(stretches: Sequence[ContextOutcome], kinds: frozenset[Kind]) -> Share:
    return Share(sum(bool(s.as_kinds & kinds) for s in stretches), len(stretches))


def _confusion(recordings: Sequence[ScoredRecording]) -> dict[str, dict[str, int]]:
    table: dict[str, Counter[str]] = {}
    for recording in recordings:
        for truth in recording.truths:
            column = MISSED if truth.best is None else truth.best.value
            table.setdefault(truth.kind.value, Counter())[column] += 1
        for event in recording.found:
            if event.lone:
                table.setdefault(NOTHING, Counter())[event.kind.value] += 1
    order = [*(kind.value for kind in Kind), MISSED, NOTHING]
    return {
        row: {column: table[row][column] for column in order if table[row][column]}
        for row in order
        if row in table
    }
