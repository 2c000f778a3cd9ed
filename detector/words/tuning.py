"""Proposed personal minimums in words, for the person who decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Final

from detector.recognition.personal.minimums import Minimum, Personal
from detector.recognition.personal.tuning import Doubt, Lost, NoProposal, Proposal
from detector.words.phrases import counted, sentence
from detector.words.reasons import minimum_words
from detector.words.screens import place_words


def proposal_sentence(proposal: Proposal) -> str:
    """Return the proposed minimum, and its effect on the events that were reviewed."""
    now, then = proposal.now, proposal.then
    real, false = len(then.kept + then.lost), len(then.removed + then.left)
    return (
        f"For {proposal.kind} ask for {_minimum(proposal.after)} "
        f"(now {_minimum(proposal.before)}): of {real + false} events reviewed "
        f"(nights: {len(proposal.nights)}) it removes "
        f"{len(then.removed)} of {false} false ones (now {len(now.removed)}) and keeps "
        f"{len(then.kept)} of {real} real ones (now {len(now.kept)})"
        f"{_unseen(proposal)}{_lost(proposal.lost)}."
    )


def preview_words(now: int, then: int, nights: int) -> str:
    """Return what minimums would have done on the last nights."""
    which = f"On the last {nights} nights" if nights > 1 else "On the last night"
    if now == then:
        return f"{which} as many likely spasms would be told: {now}."
    return f"{which} {then} likely spasms would be told, not {now}."


def no_offer_words(
    labels: int, nights: int, missing: tuple[int, int], others: Sequence[NoProposal]
) -> str:
    """Return in a sentence why nothing is proposed, and how many labels and nights are missing."""
    lacking = [
        counted(count, noun)
        for count, noun in zip(missing, ("label", "reviewed night"), strict=True)
        if count
    ]
    if lacking:
        are = "is" if missing in {(1, 0), (0, 1)} else "are"
        said = f"{counted(labels, 'label')} of {counted(nights, 'night')}"
        return f"Nothing is proposed: there are {said}, and {' and '.join(lacking)} {are} missing."
    why = "; ".join(f"{each.kind}: {no_proposal_words(each)}" for each in others)
    return f"Nothing is proposed. {sentence(why)}" if why else "Nothing is proposed."


def elsewhere_words(labels: int, sensor: str | None) -> str:
    """Return that labels do not count which are of another sensor or model."""
    ours = "" if sensor is None else f" than {place_words(sensor)}"
    return f"{counted(labels, 'label')} more do not count: of another sensor{ours}, or model."


def minimums_line(personal: Personal) -> str:
    """Return which minimums of their own a wearer has now."""
    if not personal.minimums:
        return "No minimum of your own holds anything back now."
    each = ", ".join(f"{m.kind} {_minimum(m)}" for m in personal.minimums)
    return f"Your own minimums: {each}. What is beneath is told as a movement, and says so."


def no_proposal_words(answer: NoProposal) -> str:
    """Return why nothing is proposed, without a full stop."""
    return _DOUBTS[answer.doubt].format(kind=answer.kind, **answer.numbers)


def _unseen(proposal: Proposal) -> str:
    """Return what it does on nights left out; nothing of a minimum that is only lowered."""
    if proposal.lost is None or proposal.after is None:
        return ""
    left_out = proposal.left_out
    return (
        f"; judged by the other nights' labels alone, it removes {len(left_out.removed)} and keeps "
        f"{len(left_out.kept)}"
    )


def _lost(lost: Lost | None) -> str:
    if lost is None or not lost.most:
        return ""
    return (
        f". Of later real ones {_percent(lost.expected)} % are expected to be held back, at most "
        f"{_percent(lost.most)} % (95 % sure)"
    )


def _percent(share: float) -> int:
    return ceil(100 * share)


def _minimum(minimum: Minimum | None) -> str:
    return "no minimum" if minimum is None else minimum_words(minimum.quantity, minimum.at_least)


_DOUBTS: Final[Mapping[Doubt, str]] = {
    Doubt.NOT_FOUND: (
        "real ones that the detector took for {kind}: {real}. No minimum brings them back"
    ),
    Doubt.NOTHING_BETTER: "no other minimum removes more false ones of nights that it did not see",
    Doubt.FEW_EVENTS: "{events} reviewed events are too few, a stricter minimum needs {needed}",
    Doubt.FEW_NIGHTS: "{nights} reviewed nights are too few, a stricter minimum needs {needed}",
}
