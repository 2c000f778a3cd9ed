"""Personal tuning: proposes minimums from a wearer's own labels, and applies none.

A minimum is on how likely an event is real by these labels (`weights`). What it costs is judged on
nights left out: each night by weights from the others, as if it were still to come.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import floor, inf

from scipy.special import betaincinv

from detector.events import Event, Kind, Phase
from detector.recognition.personal.minimums import (
    MEASURED,
    OWN,
    QUANTITIES,
    Minimum,
    Personal,
    kind_found,
)
from detector.recognition.personal.weights import weighed

LEAST_LABELS = 20  # of all kinds, real or false: fewer are an anecdote (research/experience.md)
LEAST_NIGHTS = 3  # reviewed: leaving one out must still leave more than one
MOST_LOST = 0.2
"""Share of a kind's real events that may be expected to go. Chosen on wearers of the own generator
and of forward dynamics: there the points of sensitivity that are lost in truth are one or two (the
counts of a few nights expect too much), and with a smaller share fewer false alarms go."""
SURE = 0.95  # that no more are lost than the bound says


class WearerVerdict(StrEnum):
    """What the wearer says an event was, whatever it was published as.

    `REAL` on something published as movement is a spasm that was missed.
    """

    REAL = "real"
    FALSE = "false"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class ReviewedEvent:
    """A verdict on an ended event, in its published form, and the night it belongs to."""

    event: Event
    verdict: WearerVerdict
    night: str

    @property
    def is_real(self) -> bool:
        """Whether it was a spasm."""
        return self.verdict is WearerVerdict.REAL


@dataclass(frozen=True, slots=True)
class Tally:
    """What a minimum does to labelled events: ids in order of night and onset."""

    kept: tuple[str, ...]  # real, and published
    lost: tuple[str, ...]  # real, and held back
    removed: tuple[str, ...]  # false, and held back
    left: tuple[str, ...]  # false, and published


@dataclass(frozen=True, slots=True)
class Lost:
    """Share of real events, later ones too, that a minimum holds back: 95 % sure at `most`."""

    expected: float
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One change for one kind, with everything a person needs to say yes or no.

    Attributes
    ----------
    now, then : what the minimums `before` and `after` do to the labelled events
    left_out : what `after` does to them, each night judged by weights from the other nights; of a
        minimum that is only lowered the same as `then`
    nights : those reviewed
    lost : what `after` is expected to cost; None where it is only lowered
    """

    kind: Kind
    before: Minimum | None
    after: Minimum | None
    now: Tally
    then: Tally
    left_out: Tally
    nights: tuple[str, ...]
    lost: Lost | None


class Doubt(StrEnum):
    """Why there is nothing to propose for a kind."""

    NOT_FOUND = "not-found"  # real ones that were told as this kind: no minimum brings them back
    NOTHING_BETTER = "nothing-better"  # no minimum removes false ones of nights left out
    FEW_EVENTS = "few-events"
    FEW_NIGHTS = "few-nights"


@dataclass(frozen=True, slots=True)
class NoProposal:
    """Why there is nothing to propose for a kind, with its numbers."""

    kind: Kind
    doubt: Doubt
    numbers: Mapping[str, int]


def propose(labels: Iterable[ReviewedEvent], personal: Personal) -> list[Proposal | NoProposal]:
    """Return one answer for each kind that was labelled, in order of kind.

    Only labels that `personal` concerns count; a later label of an event replaces an earlier one,
    else their order means nothing.

    Raises
    ------
    ValueError
        An event is not over, or has an impossible number.
    """
    latest = {label.event.id: label for label in labels if personal.concerns(label.event)}
    found: dict[Kind, list[ReviewedEvent]] = {}
    for label in latest.values():
        _check(label.event)
        if label.verdict is not WearerVerdict.UNSURE:
            event = replace(label.event, kind=kind_found(label.event))
            found.setdefault(event.kind, []).append(replace(label, event=event))
    few = _few([case for kind, cases in found.items() if kind in MEASURED for case in cases])
    answers = [_answer(found[kind], personal.minimum(kind), few) for kind in sorted(found)]
    return [answer for answer in answers if answer is not None]


def accepted(personal: Personal, proposal: Proposal) -> Personal:
    """Return the next version, with the proposal that somebody said yes to.

    Raises
    ------
    ValueError
        The minimum is no longer the one that the proposal would replace.
    """
    if personal.minimum(proposal.kind) != proposal.before:
        raise ValueError(f"the minimum for {proposal.kind} has changed meanwhile: propose again")
    return personal.changed(proposal.kind, proposal.after)


def _check(event: Event) -> None:
    if event.phase is not Phase.END:
        raise ValueError(f"event {event.id!r} is not over: label it when it is")
    for name in ("onset_s", *QUANTITIES):
        value = None if name == OWN else getattr(event, name)
        if value is not None and not 0 <= value < inf:
            raise ValueError(f"event {event.id!r}: {name} must be a number from 0, got {value}")


def _few(cases: Sequence[ReviewedEvent]) -> NoProposal | None:
    """Return why all labels together carry no stricter minimum; None if they do."""
    nights = len({case.night for case in cases})
    if len(cases) < LEAST_LABELS:
        numbers = {"events": len(cases), "needed": LEAST_LABELS}
        return NoProposal(cases[0].event.kind, Doubt.FEW_EVENTS, numbers) if cases else None
    if nights < LEAST_NIGHTS:
        numbers = {"nights": nights, "needed": LEAST_NIGHTS}
        return NoProposal(cases[0].event.kind, Doubt.FEW_NIGHTS, numbers)
    return None


def _answer(
    cases: list[ReviewedEvent], before: Minimum | None, few: NoProposal | None
) -> Proposal | NoProposal | None:
    """Weigh the labels of one kind; of movement that nobody missed there is nothing to say."""
    cases = sorted(cases, key=lambda case: (case.night, case.event.onset_s, case.event.id))
    kind = cases[0].event.kind
    if kind not in MEASURED:
        real = sum(case.is_real for case in cases)
        return NoProposal(kind, Doubt.NOT_FOUND, {"real": real}) if real else None
    if few is not None:
        after = _lowered(cases, before)
        if after == before:
            return replace(few, kind=kind)
        then = _tally(cases, _held(cases, after))
        return _proposal(cases, before, after, then, None)
    return _learned(cases, before)


def _learned(cases: list[ReviewedEvent], before: Minimum | None) -> Proposal | NoProposal:
    """Propose the highest minimum that may be asked for, if it removes more than `before` does."""
    kind = cases[0].event.kind
    unseen = _unseen(cases)
    at_least, lost = _highest(cases, unseen)
    left_out = _tally(cases, [likely < at_least for likely in unseen])
    after = None
    if left_out.removed:
        weights = weighed(kind, [case.event for case in cases], [case.is_real for case in cases])
        longest_s = max(case.event.duration_s for case in cases if not case.is_real)
        after = Minimum(kind, OWN, at_least, longest_s, weights)
    else:
        lost, left_out = Lost(0.0, 0.0), _tally(cases, [False] * len(cases))
    now, then = (_tally(cases, _held(cases, each)) for each in (before, after))
    if len(then.removed) <= len(now.removed) and len(then.lost) >= len(now.lost):
        return NoProposal(kind, Doubt.NOTHING_BETTER, {})
    return _proposal(cases, before, after, left_out, lost)


def _proposal(
    cases: list[ReviewedEvent],
    before: Minimum | None,
    after: Minimum | None,
    left_out: Tally,
    lost: Lost | None,
) -> Proposal:
    return Proposal(
        kind=cases[0].event.kind,
        before=before,
        after=after,
        now=_tally(cases, _held(cases, before)),
        then=_tally(cases, _held(cases, after)),
        left_out=left_out,
        nights=tuple(sorted({case.night for case in cases})),
        lost=lost,
    )


def _unseen(cases: Sequence[ReviewedEvent]) -> list[float]:
    """Return how likely each event is real, by weights from the labels of the other nights."""
    kind, found = cases[0].event.kind, {}
    for night in {case.night for case in cases}:
        others = [case for case in cases if case.night != night]
        found[night] = weighed(kind, [c.event for c in others], [c.is_real for c in others])
    return [found[case.night].likely(case.event) for case in cases]


def _highest(cases: Sequence[ReviewedEvent], unseen: Sequence[float]) -> tuple[float, Lost]:
    """Return the highest minimum that is expected to cost no more than may be lost, and its cost.

    How many real ones lie beneath is counted by the labels of a night, and expected by those of the
    other nights. Together they are the counts of a beta distribution, as if
    from a prior as heavy as the labels are (the share beneath a level is beta distributed for a
    Dirichlet process: T. S. Ferguson 1973, Ann Statist 1:209).
    """
    step, most = QUANTITIES[OWN].step, QUANTITIES[OWN].most
    best = 0.0, Lost(0.0, 0.0)
    whole = sum(unseen) + sum(case.is_real for case in cases)
    for likely in sorted({each for each in unseen if each < most}):
        at_least = min(round((floor(likely / step) + 1) * step, 6), most)
        beneath = sum(
            each + case.is_real for each, case in zip(unseen, cases, strict=True) if each < at_least
        )
        if beneath > MOST_LOST * whole:
            break
        bound = float(betaincinv(beneath, max(whole - beneath, 1e-9), SURE))
        best = at_least, Lost(beneath / whole, bound)
    return best


def _lowered(cases: Sequence[ReviewedEvent], before: Minimum | None) -> Minimum | None:
    """Return a minimum that holds back no labelled real event, and nothing that is not held now.

    One missed spasm is enough for that; what no label speaks against stays.
    """
    if before is None:
        return None
    held = [case for case in cases if before.holds_back(case.event)]
    lowest = min((_value(before, case) for case in held if case.is_real), default=None)
    if lowest is None:
        return before
    above = QUANTITIES[before.quantity].above
    levels = [above(_value(before, case)) for case in held if not case.is_real]
    at_least = max((level for level in levels if level <= lowest), default=None)
    if at_least is None:
        return None
    low = replace(before, at_least=at_least)
    longest_s = max(case.event.duration_s for case in held if not case.is_real)
    return replace(low, up_to_s=min(longest_s, before.up_to_s))


def _value(minimum: Minimum, case: ReviewedEvent) -> float:
    value = minimum.value_of(case.event)
    return inf if value is None else value


def _held(cases: Sequence[ReviewedEvent], minimum: Minimum | None) -> list[bool]:
    return [minimum is not None and minimum.holds_back(case.event) for case in cases]


def _tally(cases: Sequence[ReviewedEvent], held: Sequence[bool]) -> Tally:
    """Sort the cases by whether they are real and held back."""
    ids: dict[tuple[bool, bool], list[str]] = {}
    for case, is_held in zip(cases, held, strict=True):
        ids.setdefault((case.is_real, is_held), []).append(case.event.id)
    sorts = ((True, False), (True, True), (False, True), (False, False))
    return Tally(*(tuple(ids.get(sort, ())) for sort in sorts))
