"""What was found against what happened, one recording at a time, in exact interval arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from detector.evaluation.spans import Index, Measure, Spanned, Spans, in_order, length, without
from detector.evaluation.wearing import spent
from detector.events import EventContext, Kind

LOGGED = frozenset({Kind.CLONUS, Kind.SPASM, Kind.TONIC})
"""Kinds that count as an alarm. A twitch and a bump look alike from one sensor, so twitches are
counted apart (design, "Where the peers stand")."""

NO_CONTEXT = "(no label)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """What counts as the same movement; seconds.

    Parameters
    ----------
    early_s, late_s : how far beyond a truth's onset and end an event may lie: longer than the
        0.05 s between muscle and movement (Sensors 2022, 22:5151) and any smoothing, shorter
        than the pause between two spasms
    merge_s : a rapid series without a real pause is one spasm (Snow 1990; Thomas 2014: raters
        differ mostly in this), here one of the same kind with less than a second between
    shortest_clonus_s : shorter ones hold three beats at most and are scored apart
    """

    early_s: float = 0.5
    late_s: float = 1.0
    merge_s: float = 1.0
    shortest_clonus_s: float = 1.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """A movement that happened.

    `parts` of a mixed one; `manner` is what the kind leaves open, and becomes part of its name as
    a context; `background_ratio` is that of a movement put into a real recording.
    """

    onset_s: float
    end_s: float
    kind: Kind
    parts: tuple[Kind, ...] = ()
    rhythm_hz: float | None = None
    manner: str | None = None
    background_ratio: float | None = None

    def accepts(self, kind: Kind) -> bool:
        """Whether an event of that kind names it right: of a mixed one, any part will do."""
        return kind is self.kind or kind in self.parts


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundEvent:
    """An event as a detector left it.

    `said_s` is the sample clock at its first report, `began` what the wearer did at its onset.
    """

    onset_s: float
    end_s: float
    kind: Kind
    confidence: float | None = None
    rhythm_hz: float | None = None
    said_s: float | None = None
    began: EventContext | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """A labelled stretch in which something went on, such as walking."""

    onset_s: float
    end_s: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TruthOutcome:
    """What became of a truth.

    `as_kinds` are the kinds of all events that overlap it, `best` the one it is named by: a
    right one if there is any, else that of the event with the largest overlap, None if missed.
    Errors are found minus true and stand only where it was named right.
    """

    kind: Kind
    duration_s: float
    background_ratio: float | None
    short: bool
    named: bool
    as_kinds: frozenset[Kind]
    best: Kind | None
    latency_s: float | None
    onset_error_s: float | None
    offset_error_s: float | None
    rhythm_error_hz: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundOutcome:
    """What an event overlaps: `false` without a truth of the spasm family, `lone` without any.

    `context` is the label around it, `began` what the wearer did at its onset.
    """

    kind: Kind
    false: bool
    lone: bool
    context: str
    began: EventContext | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextOutcome:
    """One labelled stretch, how much of it was monitored, and the kinds of events in it."""

    label: str
    seconds: float
    as_kinds: frozenset[Kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredRecording:
    """One recording, scored; `judged` are (confidence, was the kind right) of likely spasms.

    `context_s` are monitored seconds per label, what is skipped left out, and `NO_CONTEXT` the
    rest; `spent_s` those at rest, restless, up and not known; `outside` truths lay where nothing
    was monitored, or in what was skipped.
    """

    subject: str
    monitored_s: float
    outside: int
    truths: tuple[TruthOutcome, ...]
    found: tuple[FoundOutcome, ...]
    stretches: tuple[ContextOutcome, ...]
    context_s: dict[str, float]
    spent_s: dict[str, float]
    judged: tuple[tuple[float, bool], ...]


def score_recording(
    truths: Iterable[Truth],
    found: Iterable[FoundEvent],
    contexts: Iterable[Context] = (),
    *,
    monitored: Spans,
    skip: Iterable[str] = (),
    subject: str = "",
    matching: Matching | None = None,
) -> ScoredRecording:
    """Score one recording; neither list need be in order.

    Parameters
    ----------
    contexts : stretches with their labels; truths that are no spasms count as such by themselves
    monitored : (start, end) in s of what was recorded without a gap
    skip : labels under which nothing is scored: truths, events and hours there do not count, but
        what was found in such a stretch is still listed
    """
    rule = matching or Matching()
    skipped = frozenset(skip)
    labelled, events = list(contexts), list(found)
    left_out = Index([c for c in labelled if c.label in skipped])
    recorded = Measure(monitored)
    scored = Measure(without(monitored, [(c.onset_s, c.end_s) for c in left_out.items]))
    happened = merged(truths, rule.merge_s, _join_truths)
    inside = [
        t
        for t in happened
        if recorded.meets(t.onset_s, t.end_s) and not left_out.overlapping(t.onset_s, t.end_s)
    ]
    told = in_order([e for e in events if not left_out.overlapping(e.onset_s, e.end_s)])
    bouts = merged(told, rule.merge_s, _join_found)
    others = [
        Context(onset_s=t.onset_s, end_s=t.end_s, label=_name(t))
        for t in inside
        if not t.kind.is_spasm_family
    ]
    background = Index([*(c for c in labelled if c.label not in skipped), *others])
    truth_index, bout_index, event_index = Index(inside), Index(bouts), Index(events)
    return ScoredRecording(
        subject=subject,
        monitored_s=scored.total,
        outside=len(happened) - len(inside),
        truths=tuple(_truth_outcome(t, bout_index, rule) for t in inside),
        found=tuple(_found_outcome(e, truth_index, background, rule) for e in bouts),
        stretches=tuple(
            _context_outcome(c, event_index, recorded) for c in in_order([*labelled, *others])
        ),
        context_s=_context_seconds(background.items, scored),
        spent_s={name: Measure(of).shared(scored) for name, of in spent(events, monitored).items()},
        judged=tuple(
            (e.confidence, any(t.accepts(e.kind) for t in _truths_of(e, truth_index, rule)))
            for e in told
            if e.confidence is not None and e.kind.is_spasm_family
        ),
    )


class _Kinded(Spanned, Protocol):
    @property
    def kind(self) -> Kind: ...


K = TypeVar("K", bound=_Kinded)


def merged(items: Iterable[K], gap_s: float, join: Callable[[K, K], K]) -> list[K]:
    """Join items of the same kind with less than `gap_s` between them; return them in order."""
    done: list[K] = []
    last: dict[Kind, int] = {}
    for item in in_order(list(items)):
        at = last.get(item.kind)
        if at is not None and item.onset_s - done[at].end_s < gap_s:
            done[at] = join(done[at], item)
        else:
            last[item.kind] = len(done)
            done.append(item)
    return done


def _join_truths(a: Truth, b: Truth) -> Truth:
    longer = a if length(a) >= length(b) else b
    return replace(
        a,
        end_s=max(a.end_s, b.end_s),
        parts=tuple(sorted({*a.parts, *b.parts})),
        rhythm_hz=longer.rhythm_hz,
    )


def _join_found(a: FoundEvent, b: FoundEvent) -> FoundEvent:
    longer = a if length(a) >= length(b) else b
    said = [moment for moment in (a.said_s, b.said_s) if moment is not None]
    return replace(
        a,
        end_s=max(a.end_s, b.end_s),
        confidence=longer.confidence,
        rhythm_hz=longer.rhythm_hz,
        said_s=min(said, default=None),
    )


def _truth_outcome(truth: Truth, events: Index[FoundEvent], rule: Matching) -> TruthOutcome:
    low, high = truth.onset_s - rule.early_s, truth.end_s + rule.late_s
    over = events.overlapping(low, high)
    right = [event for event in over if truth.accepts(event.kind)]

    def overlap(event: FoundEvent) -> tuple[float, float, str]:
        shared = min(high, event.end_s) - max(low, event.onset_s)
        return shared, -event.onset_s, event.kind.value

    best = max(right or over, key=overlap, default=None)
    named = max(right, key=overlap, default=None)
    said = [e.said_s for e in over if e.said_s is not None and e.kind.is_spasm_family]
    rhythm_error_hz = None
    if named and named.rhythm_hz is not None and truth.rhythm_hz is not None:
        rhythm_error_hz = named.rhythm_hz - truth.rhythm_hz
    return TruthOutcome(
        kind=truth.kind,
        duration_s=length(truth),
        background_ratio=truth.background_ratio,
        short=truth.kind is Kind.CLONUS and length(truth) < rule.shortest_clonus_s,
        named=named is not None,
        as_kinds=frozenset(event.kind for event in over),
        best=None if best is None else best.kind,
        latency_s=min(said) - truth.onset_s if said else None,
        onset_error_s=None if named is None else named.onset_s - truth.onset_s,
        offset_error_s=None if named is None else named.end_s - truth.end_s,
        rhythm_error_hz=rhythm_error_hz,
    )


def _name(truth: Truth) -> str:
    return f"{truth.kind.value} ({truth.manner})" if truth.manner else truth.kind.value


def _found_outcome(
    event: FoundEvent, truths: Index[Truth], background: Index[Context], rule: Matching
) -> FoundOutcome:
    stands_on = _truths_of(event, truths, rule)

    def overlap(context: Context) -> tuple[float, float, str]:
        shared = min(context.end_s, event.end_s) - max(context.onset_s, event.onset_s)
        return shared, -length(context), context.label  # of equals the most specific one

    around = background.overlapping(event.onset_s, event.end_s)
    return FoundOutcome(
        kind=event.kind,
        false=not any(truth.kind.is_spasm_family for truth in stands_on),
        lone=not stands_on,
        context=max(around, key=overlap).label if around else NO_CONTEXT,
        began=event.began,
    )


def _context_outcome(
    context: Context, events: Index[FoundEvent], recorded: Measure
) -> ContextOutcome:
    over = events.overlapping(context.onset_s, context.end_s)
    return ContextOutcome(
        label=context.label,
        seconds=recorded.between(context.onset_s, context.end_s),
        as_kinds=frozenset(event.kind for event in over),
    )


def _truths_of(event: FoundEvent, truths: Index[Truth], rule: Matching) -> list[Truth]:
    # The tolerance belongs to the truth; seen from the event it is turned round.
    return truths.overlapping(event.onset_s - rule.late_s, event.end_s + rule.early_s)


def _context_seconds(contexts: Sequence[Context], scored: Measure) -> dict[str, float]:
    seconds = {
        label: Measure([(c.onset_s, c.end_s) for c in contexts if c.label == label]).shared(scored)
        for label in sorted({c.label for c in contexts})
    }
    anything = Measure([(c.onset_s, c.end_s) for c in contexts])
    return seconds | {NO_CONTEXT: scored.total - anything.shared(scored)}
