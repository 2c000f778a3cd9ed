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


def no_sound_words(why: str, *, alone: bool) -> str:
    """Return that this computer cannot sound an alarm, and what to do.

    Parameters
    ----------
    alone : no receiver can ask for a test
    """
    then = "start spasmwatch again" if alone else "try it with `spasmwatch listen --test`"
    return (
        f"{why} Until that is mended (this computer's sound, or alerts.sound_command) what reaches "
        f"nobody else makes no sound. Then {then}."
    )


def not_started_words(why: str) -> str:
    """Return that a broker of our own could not be started yet."""
    return f"no alert leaves this computer yet: {why}"


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


TEST = "this is a test, no alarm. Press Enter at `spasmwatch listen` if you heard it"
TESTS_OFF = "off, as your settings say: nobody notices a loudspeaker that is off"


def reached_words(reached: Sequence[str], missing: Sequence[str]) -> str:
    """Return whom a test reached."""
    got = f"reached {', '.join(reached)}" if reached else "reached no receiver"
    return f"{got}, but not {', '.join(missing)}" if missing else got


def failed_test_words(missing: Sequence[str]) -> str:
    """Return whom a test did not reach, and what to do."""
    return (
        f"The test of the alarm did not reach {', '.join(missing)} within 60 s, although it was "
        "there. Start `spasmwatch listen` again there, then `spasmwatch listen --test`."
    )


def overdue_test_words() -> str:
    """Return that no test has passed for too long, and what to do."""
    return (
        "The way that alarms take was not tested for over a day. Start `spasmwatch listen --test` "
        "where somebody is to hear them."
    )


def unconfirmed_words(receivers: Sequence[str]) -> str:
    """Return where nobody confirmed for a week that an alarm can be heard, and what to do."""
    at = f" at {', '.join(receivers)}" if receivers else ""
    start = "Start" if not receivers else "There, start"
    return (
        f"For 7 days nobody has confirmed{at} that an alarm can be heard. {start} "
        "`spasmwatch listen --test`, and press Enter when it sounds."
    )


def twin_words() -> str:
    """Return that a second service publishes for the same wearer, and what to do."""
    return (
        "Another spasmwatch watches the same wearer, on this or another computer: receivers get "
        "the alerts of both, and may confirm one to the other. Stop one of them."
    )


def unproven_words(why: str) -> str:
    """Return that a message was not obeyed as nobody with a key has signed it, and what to do."""
    return (
        f"A message was not obeyed: {why}. If it is of a receiver of yours, give it its own key "
        "(`spasmwatch setup tls --add NAME`); if not, somebody else uses your broker: change its "
        "passwords."
    )
