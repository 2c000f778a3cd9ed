"""Whether the service is started again and again: what restarts it hides that it does not last."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from detector.alerts.conditions import Condition
from detector.store.state import State, StateError

STARTS = "starts"  # name under which the state keeps them

WITHIN_S = 600.0  # systemd starts it again after seconds: a loop is several within minutes
MOST_STARTS = 3  # within WITHIN_S that came to no end: a power cut and an update are two


@dataclass(frozen=True, slots=True)
class Start:
    """When a process began: on the monotonic clock of boot `boot`, and on the wall clock."""

    boot: str
    mono_s: float
    utc_s: float

    def age_s(self, now: Start) -> float:
        """Return how long ago it was; across boots, as far as the wall clock is right."""
        if self.boot and self.boot == now.boot:
            return now.mono_s - self.mono_s
        return abs(now.utc_s - self.utc_s)


def recent_starts(saved: Any, now: Start, *, last_ended: bool) -> list[Start]:
    """Return the starts of the last `WITHIN_S` whose processes died, of those that were saved.

    Parameters
    ----------
    last_ended : the last of them was ended on purpose, which starts counting anew
    """
    if last_ended or not isinstance(saved, list):
        return []
    starts = []
    for each in saved[-MOST_STARTS:]:
        match each:
            case [str(boot), int() | float() as mono_s, int() | float() as utc_s]:
                starts.append(Start(boot, mono_s, utc_s))
    return [start for start in starts if start.age_s(now) <= WITHIN_S]


class StartWatch:
    """Raises an alarm for `WITHIN_S` after the start that made it a loop.

    Parameters
    ----------
    died : starts within `WITHIN_S` before this one
    """

    def __init__(self, died: int, mono_s: Callable[[], float] = time.monotonic) -> None:
        self.died = died
        self._mono_s = mono_s
        self._began_s = mono_s()

    def troubles(self) -> Mapping[Condition, str | None]:
        """Return the condition with why it holds, or None where it does not."""
        holds = self.died >= MOST_STARTS and self._mono_s() - self._began_s < WITHIN_S
        return {Condition.RESTART_LOOP: _words(self.died) if holds else None}


def joined_starts(earlier: Any, later: Any, *, last_ended: bool) -> list[Any]:
    """Return the starts that a file has and those that a night in memory had, as they are saved.

    Parameters
    ----------
    last_ended : the last of the earlier ones was ended on purpose
    """
    before = earlier if isinstance(earlier, list) and not last_ended else []
    since = later if isinstance(later, list) else []
    return [*(each for each in before if each not in since), *since][-MOST_STARTS:]


def _words(died: int) -> str:
    return (
        f"spasmwatch ended unexpectedly {died} times within 10 min and was started again each "
        "time. Look at logs/spasmwatch.log in the data folder for why, and look after the wearer "
        "yourself meanwhile."
    )


def note_start(
    state: State, *, boot: str, at: datetime, last_ended: bool, mono_s: float
) -> StartWatch:
    """Record in the state that a process begins; return the judge of how often that was."""
    now = Start(boot, mono_s, at.timestamp())
    died: Sequence[Start] = recent_starts(state.saved(STARTS), now, last_ended=last_ended)
    kept = [*died, now][-MOST_STARTS:]
    with suppress(StateError):  # a disk error is an alarm of its own
        state.commit(at=at, saved={STARTS: [[s.boot, s.mono_s, s.utc_s] for s in kept]})
    return StartWatch(len(died))
