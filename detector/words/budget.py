"""What a budget of wakes would cost, in words."""

from __future__ import annotations

from typing import Any

from detector.alerts.budget import RulesProposal, Trial
from detector.words.phrases import counted

FEW_LABELS = 20
"""Fewer labelled events than this are little to go on: one more or less moves a share by 5 %."""


def budget_lines(found: RulesProposal, wakes_a_week: float) -> list[str]:
    """Return the lines that tell a proposal: what is so now, what would be, what that costs."""
    lines = [
        (
            f"From {counted(found.nights, 'night')} that were watched, "
            f"{counted(found.labelled, 'event')} of them labelled by people."
        ),
        f"Now:       {_trial(found.present)}",
    ]
    if found.proposed is None:
        lines.append(f"No rules that were tried keep to {wakes_a_week:g} wakes a week.")
        return lines
    if found.proposed.rules == found.present.rules:
        lines.append(f"That is within {wakes_a_week:g} wakes a week: nothing to change.")
        return lines
    lines.append(f"Proposed:  {_trial(found.proposed)}")
    if found.kept is not None:
        woke, still = len(found.present.woke_for), found.present.woke_for & found.proposed.woke_for
        lines.append(
            f"Of {counted(woke, 'likely spasm')} labelled so by people, and waking somebody now, "
            f"{len(still)} would still wake somebody."
        )
    if found.labelled < FEW_LABELS:
        lines.append(f"Fewer than {FEW_LABELS} labels are little to go on; it is easy to go back.")
    return lines


def _trial(trial: Trial) -> str:
    rules = ", ".join(str(rule) for rule in trial.rules)
    false = f", {trial.false} of them for what was no spasm" if trial.false else ""
    return f"{trial.per_week:.1f} wakes a week{false}: {rules}"


def budget_json(found: RulesProposal, wakes_a_week: float) -> dict[str, Any]:
    """Return a proposal as JSON-able data."""
    return {
        "nights": found.nights,
        "labelled": found.labelled,
        "wakes_a_week": wakes_a_week,
        "present": _plain(found.present),
        "proposed": None if found.proposed is None else _plain(found.proposed),
        "kept": found.kept,
    }


def _plain(trial: Trial) -> dict[str, Any]:
    return {
        "wake_for": [str(rule) for rule in trial.rules],
        "per_week": round(trial.per_week, 2),
        "woke_for": len(trial.woke_for),
        "false": trial.false,
    }
