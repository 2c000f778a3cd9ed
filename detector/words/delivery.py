"""Sentences about alerts that reach nobody, and why."""

from __future__ import annotations

from collections.abc import Sequence

from detector.words.phrases import counted
from detector.words.technical import lost_share_words


def unreached_words(alerts: int) -> str:
    """Return that nobody received alerts, and what to do."""
    return (
        f"Nobody has confirmed {counted(alerts, 'alert')}. Start `spasmwatch listen` where "
        "somebody hears it, or look after the wearer yourself."
    )


def broker_lost_words() -> str:
    """Return that the broker is away too often, and what to do."""
    return (
        f"The broker was away for {lost_share_words()}: alerts come late. Look at its log, and "
        "at the network between it and this computer."
    )


def refused_words(refusals: Sequence[str]) -> str:
    """Return what the broker refuses, each with its topic, and what to do."""
    more = f", and {len(refusals) - 1} more like it" if len(refusals) > 1 else ""
    return (
        f"{refusals[0]}{more}. Allow it in the broker's access list, or set mqtt.prefix to a "
        "topic that the user may write."
    )


def twin_words() -> str:
    """Return that a second service has the same name at the broker, and what to do."""
    return (
        "Another spasmwatch is connected to the broker for the same wearer: the two disconnect "
        "each other. Stop one of them."
    )
