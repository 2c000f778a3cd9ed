"""Proposed personal minimums in words, for the person who decides."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Final

from detector.recognition.personal.minimums import Minimum
from detector.recognition.personal.tuning import Doubt, NoProposal, Proposal
from detector.words.reasons import minimum_words


def proposal_sentence(proposal: Proposal) -> str:
    """Return the proposed minimum, and its effect on the events that were reviewed."""
    now, then = proposal.now, proposal.then
    real, false = len(then.kept + then.lost), len(then.removed + then.left)
    return (
        f"For {proposal.kind} ask for {_minimum(proposal.after)} "
        f"(now {_minimum(proposal.before)}): of {real + false} events reviewed "
        f"(nights: {len(proposal.nights)}) it removes "
        f"{len(then.removed)} of {false} false ones (now {len(now.removed)}) and keeps "
        f"{len(then.kept)} of {real} real ones (now {len(now.kept)}); at most "
        f"{ceil(100 * proposal.lost_at_most)} % of all real ones are held back (95 % sure)."
    )


def no_proposal_words(answer: NoProposal) -> str:
    """Return why nothing is proposed, without a full stop."""
    return _DOUBTS[answer.doubt].format(kind=answer.kind, **answer.numbers)


def _minimum(minimum: Minimum | None) -> str:
    return "no minimum" if minimum is None else minimum_words(minimum.quantity, minimum.at_least)


_DOUBTS: Final[Mapping[Doubt, str]] = {
    Doubt.NOT_FOUND: (
        "real ones that the detector took for {kind}: {real}. No minimum brings them back"
    ),
    Doubt.NOTHING_BETTER: "no other minimum removes more false ones and keeps the real",
    Doubt.FEW_EVENTS: ("{events} reviewed events are too few, a stricter minimum needs {needed}"),
    Doubt.FEW_NIGHTS: "real ones on {nights} of the nights are too few, they must be on {needed}",
    Doubt.WIDE_BOUND: (
        "{real} real ones are too few: up to {percent} % of all real ones could be lost"
    ),
    Doubt.LOST_ELSEWHERE: ("by chance only: on nights left out {lost} of {real} real ones go too"),
    Doubt.GAINED_LITTLE: (
        "by chance only: on nights left out {gained} false ones go instead of {claimed}"
    ),
}
