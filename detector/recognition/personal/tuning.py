"""Personal tuning: proposes minimums from a wearer's own labels, and applies none.

Raising a minimum needs evidence: enough real events to bound what would be lost, on several
nights, and a choice that holds on nights it has not seen. Lowering one needs a single real event
that it held back.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil, floor, inf

from scipy.special import betaincinv

from detector.events import Event, Kind, Phase
from detector.recognition.personal.minimums import (
    MEASURED,
    QUANTITIES,
    Minimum,
    Personal,
    kind_found,
)

LEAST_LABELS = 20  # of a kind, real or false: fewer are an anecdote (research/experience.md)
LEAST_NIGHTS = 3  # with real ones: leaving one out must still leave more than one
DOUBT = 0.05  # chance that more real ones are lost than the bound says
MOST_LOST = 0.25  # the bound may not allow more: one real one in four, at the very worst
LEFT_OUT_LOST = 0.1  # of real ones on nights left out, beyond what was allowed: a choice by chance


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
    """What minimums do to labelled events: ids in order of night and onset."""

    kept: tuple[str, ...]  # real, and published
    lost: tuple[str, ...]  # real, and held back
    removed: tuple[str, ...]  # false, and held back
    left: tuple[str, ...]  # false, and published


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One change for one kind, with everything a person needs to say yes or no.

    Attributes
    ----------
    now, then : what the minimums `before` and `after` do to the labelled events
    left_out : the same, each night judged by the minimum that the other nights would choose
    lost_at_most : 95 % upper bound of the share of real ones that `after` holds back
    """

    kind: Kind
    before: Minimum | None
    after: Minimum | None
    now: Tally
    then: Tally
    left_out: Tally
    nights: tuple[str, ...]
    lost_at_most: float


class Doubt(StrEnum):
    """Why there is nothing to propose for a kind."""

    NOT_FOUND = "not-found"  # real ones that were told as this kind: no minimum brings them back
    NOTHING_BETTER = "nothing-better"  # no minimum removes more false ones and keeps the real
    FEW_EVENTS = "few-events"
    FEW_NIGHTS = "few-nights"
    WIDE_BOUND = "wide-bound"  # so few real ones that too many could be lost
    LOST_ELSEWHERE = "lost-elsewhere"  # real ones of nights left out go too
    GAINED_LITTLE = "gained-little"  # on nights left out fewer false ones go


@dataclass(frozen=True, slots=True)
class NoProposal:
    """Why there is nothing to propose for a kind, with its numbers."""

    kind: Kind
    doubt: Doubt
    numbers: Mapping[str, int]


def propose(
    labels: Iterable[ReviewedEvent], personal: Personal, *, may_lose: float = 0.0
) -> list[Proposal | NoProposal]:
    """Return one answer for each kind that was labelled, in order of kind.

    The change is the one that removes most false events while it loses no real one, or at most
    the share `may_lose` of them. Only labels that `personal` concerns count; a later label of an
    event replaces an earlier one, else their order means nothing.

    Raises
    ------
    ValueError
        `may_lose` is no share below 0.25, or an event is not over, or has an impossible number.
    """
    if not 0 <= may_lose < MOST_LOST:
        raise ValueError(f"may_lose must be a share from 0 to below {MOST_LOST}, got {may_lose}")
    latest = {label.event.id: label for label in labels if personal.concerns(label.event)}
    found: dict[Kind, list[ReviewedEvent]] = {}
    for label in latest.values():
        _check(label.event)
        if label.verdict is not WearerVerdict.UNSURE:
            event = replace(label.event, kind=kind_found(label.event))
            found.setdefault(event.kind, []).append(replace(label, event=event))
    answers = [_answer(found[kind], personal.minimum(kind), may_lose) for kind in sorted(found)]
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
        value = getattr(event, name)
        if value is not None and not 0 <= value < inf:
            raise ValueError(f"event {event.id!r}: {name} must be a number from 0, got {value}")


def _answer(
    cases: list[ReviewedEvent], before: Minimum | None, may_lose: float
) -> Proposal | NoProposal | None:
    """Weigh the labels of one kind; of movement that nobody missed there is nothing to say."""
    cases = sorted(cases, key=lambda case: (case.night, case.event.onset_s, case.event.id))
    kind, real = cases[0].event.kind, sum(case.is_real for case in cases)
    if kind not in MEASURED:
        return NoProposal(kind, Doubt.NOT_FOUND, {"real": real}) if real else None
    longest_s = max(case.event.duration_s for case in cases)
    widest = [Minimum(kind, name, QUANTITIES[name].most, longest_s) for name in MEASURED[kind]]
    proposal = _weigh(cases, before, may_lose, widest)
    doubt = _doubt(kind, cases, proposal, may_lose)
    if doubt is not None:
        proposal = _weigh(cases, before, may_lose, [before] if before else [])
    if proposal.after == before:
        return doubt or NoProposal(kind, Doubt.NOTHING_BETTER, {})
    return proposal


def _weigh(
    cases: list[ReviewedEvent], before: Minimum | None, may_lose: float, limits: list[Minimum]
) -> Proposal:
    """Choose within the limits on all nights; and for each night, on all others."""
    kind, nights = cases[0].event.kind, tuple(sorted({case.night for case in cases}))
    after = _best(cases, before, may_lose, limits)
    others = {night: [case for case in cases if case.night != night] for night in nights}
    unseen = {night: _best(others[night], before, may_lose, limits) for night in nights}
    return Proposal(
        kind=kind,
        before=before,
        after=after,
        now=_tally(cases, [before] * len(cases)),
        then=_tally(cases, [after] * len(cases)),
        left_out=_tally(cases, [unseen[case.night] for case in cases]),
        nights=nights,
        lost_at_most=0.0 if after is None else _lost_at_most(cases, may_lose),
    )


def _best(
    cases: list[ReviewedEvent], before: Minimum | None, may_lose: float, limits: list[Minimum]
) -> Minimum | None:
    """Return the option that removes most; of equals the one that is, else the first."""
    allowed = floor(may_lose * sum(case.is_real for case in cases))
    options = [before, None, *(_highest(cases, limit, allowed) for limit in limits)]
    tallies = [(each, _tally(cases, [each] * len(cases))) for each in options]
    good = [(each, tally) for each, tally in tallies if len(tally.lost) <= allowed]
    return max(good, key=lambda pair: (len(pair[1].removed), -len(pair[1].lost)))[0]


def _highest(cases: list[ReviewedEvent], limit: Minimum, allowed: int) -> Minimum | None:
    """Return the highest round minimum within a limit that loses no more real ones than allowed.

    Each is placed just above a false event and reaches as far as the longest one below it, so
    that a higher one holds back all that a lower one does, and at least one false event more.
    """
    false = [case.event for case in cases if not case.is_real and limit.holds_back(case.event)]
    above = QUANTITIES[limit.quantity].above
    cuts = sorted({min(above(getattr(each, limit.quantity)), limit.at_least) for each in false})

    def minimum(cut: float) -> Minimum:
        low = replace(limit, at_least=cut)
        return replace(low, up_to_s=max(each.duration_s for each in false if low.holds_back(each)))

    def lost(cut: float) -> int:
        return len(_tally(cases, [minimum(cut)] * len(cases)).lost)

    good = bisect_right(cuts, allowed, key=lost)
    return minimum(cuts[good - 1]) if good else None


def _tally(cases: list[ReviewedEvent], minimums: list[Minimum | None]) -> Tally:
    """Sort the cases by what each one's minimum does to it."""
    ids: dict[tuple[bool, bool], list[str]] = {}
    for case, minimum in zip(cases, minimums, strict=True):
        held = minimum is not None and minimum.holds_back(case.event)
        ids.setdefault((case.is_real, held), []).append(case.event.id)
    sorts = ((True, False), (True, True), (False, True), (False, False))
    return Tally(*(tuple(ids.get(sort, ())) for sort in sorts))


def _lost_at_most(cases: list[ReviewedEvent], may_lose: float) -> float:
    """Bound the share of all real events that a chosen minimum holds back.

    The one-sided Clopper-Pearson bound when the `allowed` number of n are lost; with none lost
    and one quantity tried it is the rule of three, 3/n. It holds although these very events
    placed the minimum: the share of all values below the k-th smallest of n is distributed as
    Beta(k, n - k + 1), whatever the values are (Wilks 1941). Trying several quantities is paid
    for by sharing the doubt among them (Bonferroni). Events of one night are more alike than
    this supposes; `left_out` looks at that.
    """
    real = sum(case.is_real for case in cases)
    allowed, doubt = floor(may_lose * real), DOUBT / len(MEASURED[cases[0].event.kind])
    return float(betaincinv(allowed + 1, real - allowed, 1 - doubt)) if real else 1.0


def _doubt(
    kind: Kind, cases: list[ReviewedEvent], proposal: Proposal, may_lose: float
) -> NoProposal | None:
    """Return why the labels do not carry a stricter minimum; None if they do."""

    def no(doubt: Doubt, **numbers: int) -> NoProposal:
        return NoProposal(kind, doubt, numbers)

    now, then, left_out = proposal.now, proposal.then, proposal.left_out
    real, nights = len(then.kept + then.lost), len({case.night for case in cases if case.is_real})
    if len(cases) < LEAST_LABELS:
        return no(Doubt.FEW_EVENTS, events=len(cases), needed=LEAST_LABELS)
    if nights < LEAST_NIGHTS:
        return no(Doubt.FEW_NIGHTS, nights=nights, needed=LEAST_NIGHTS)
    if proposal.lost_at_most > MOST_LOST:
        return no(Doubt.WIDE_BOUND, real=real, percent=ceil(100 * proposal.lost_at_most))
    if len(left_out.lost) > (may_lose + LEFT_OUT_LOST) * real:
        return no(Doubt.LOST_ELSEWHERE, lost=len(left_out.lost), real=real)
    gained, claimed = (len(each.removed) - len(now.removed) for each in (left_out, then))
    if 2 * gained < claimed:
        return no(Doubt.GAINED_LITTLE, gained=gained, claimed=claimed)
    return None
