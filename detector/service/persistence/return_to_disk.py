"""Bring a night that is kept in memory only back to its disk, once that takes it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from detector.alert import Alert, AlertState
from detector.alerts.conditions import Condition
from detector.alerts.reception import Reception
from detector.block import utc_of
from detector.events import Event
from detector.mqtt.publisher import Publisher
from detector.service.checks.self_test import SELF_TEST, EveningTest
from detector.service.checks.starts import STARTS, joined_starts
from detector.service.persistence.archive import Archive, Offer
from detector.service.persistence.opening import interrupted_in, unreached_in
from detector.service.persistence.resumption import (
    ANSWERS,
    BOOT,
    ENDED,
    NIGHT,
    open_before,
    same_boot,
)
from detector.service.presentation.answering import Answering
from detector.sources.clock import Clock, clock_boot
from detector.store.state import State, StateDamagedError, StateDiskError, StateError
from detector.store.takeover import TAKEN
from detector.words.disk import INTERRUPTED, other_wearer_words

log = logging.getLogger(__name__)

TRY_EVERY_S = 30.0  # of the night's clock: so much of it may be lost after the disk works again


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """What earlier processes left in a state file that this one could not read at its start.

    events, alerts : that they left open, as they are over
    saved : plain data by name, joined with what this process has of it
    unreached : numbers of the alerts that have reached nobody
    tests : of the alarm, as they were saved; None where there were none
    answers : of people, as they were saved
    boot : of the computer then
    receivers : when each was last there
    """

    events: list[Event]
    alerts: list[Alert]
    saved: dict[str, Any]
    unreached: list[int]
    tests: Any
    answers: Any
    boot: Any
    receivers: dict[str, datetime]


class ReturnToDisk:
    """Try the state file again and again, and have it take over what is in memory.

    Parameters
    ----------
    memory : the state in memory, which the archive begins with
    why : no disk took the night when it began
    channel : of the log, whose alerts must reach somebody
    publisher : of that channel; None where nothing is published
    may : whether no entry is on its way under a number that it would lose
    reception, tests : know entries of the log by their numbers
    answering : goes on with what people said to an earlier process
    mono_s : the clock of `reception`
    """

    def __init__(
        self,
        archive: Archive,
        memory: State,
        path: Path,
        clock: Clock,
        *,
        why: str | None,
        channel: str,
        publisher: Publisher | None,
        reception: Reception,
        tests: EveningTest,
        answering: Answering,
        may: Callable[[], bool],
        mono_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._archive = archive
        self._wearer, self._epoch = memory.wearer, memory.epoch
        self._starts = memory.saved(STARTS)
        self._path = path
        self._clock = clock
        self._why = why
        self._channel = channel
        self._publisher = publisher
        self._reception = reception
        self._tests = tests
        self._answering = answering
        self._may = may
        self._mono_s = mono_s
        self._tried_ns = clock.mono_ns()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="return to disk")
        self._opening: Future[tuple[State, LeftBehind]] | None = None
        self._offered = False
        self._fault: Exception | None = None
        self._damage: str | None = None
        self._in_the_way: str | None = None
        self._said = False  # that something was in the way

    def troubles(self) -> Mapping[Condition, str | None]:
        """Return that the night is in memory only, and what is wrong with the file beside that.

        Raises
        ------
        Exception
            An attempt failed by no fault of the disk.
        """
        fault, self._fault = self._fault, None
        if fault is not None:
            raise fault
        kept = self._archive.on_disk
        if not kept:
            self._go_on()
        found: dict[Condition, str | None] = {Condition.MEMORY: None if kept else self._why}
        wrong = self._damage or self._in_the_way
        self._said = self._said or wrong is not None
        if self._said:  # else it is of others to say that it is over
            found[Condition.STATE] = wrong
        return found

    def close(self) -> None:
        """End the attempt that is under way."""
        self._thread.shutdown(wait=True)
        if self._opening is not None and self._opening.exception() is None:
            self._opening.result()[0].close()

    def _go_on(self) -> None:
        now_ns = self._clock.mono_ns()
        if self._opening is not None:
            if self._opening.done():
                self._take(self._opening)
        elif not self._offered and now_ns - self._tried_ns >= TRY_EVERY_S * 1e9:
            self._tried_ns = now_ns
            self._opening = self._thread.submit(self._open)

    def _take(self, opening: Future[tuple[State, LeftBehind]]) -> None:
        self._opening = None
        self._in_the_way = None
        try:
            file, left = opening.result()
        except StateDiskError as error:
            log.info("the night stays in memory: %s", error)
            return
        except StateError as error:  # the disk may work: a person must know what is in the way
            self._in_the_way = f"{error} Until then this night is kept in memory only."
            return
        self._offered = True
        self._archive.offer(
            Offer(
                file,
                left.events,
                left.alerts,
                left.saved,
                may=self._may,
                taken=partial(self._taken, left),
                refused=self._refused,
            )
        )

    def _taken(self, left: LeftBehind, moved: Mapping[int, int]) -> None:
        """Go on with the file's log, and with what an earlier process knew."""
        self._reception.renumber(moved)
        self._tests.renumber(moved)
        for n in left.unreached:
            self._reception.wait_for(n, self._mono_s())
        if self._publisher is not None:
            self._publisher.wake()
        ran_on = same_boot(left.boot, clock_boot(self._clock))
        self._answering.recall(left.answers, self._clock.mono_ns(), same_boot=ran_on)
        if left.tests is not None:
            try:
                self._tests.recall(left.tests, left.receivers)
            except ValueError as error:
                self._damage = f"{error}: they begin anew"

    def _refused(self, error: Exception) -> None:
        self._offered = False
        if isinstance(error, StateError):
            log.info("the night stays in memory: %s", error)
        else:
            self._fault = error

    def _open(self) -> tuple[State, LeftBehind]:
        """Open the file, in a thread: a disk that hangs holds up no tick."""
        try:
            file = State.open(self._path, wearer=self._wearer)
        except StateDamagedError as error:  # moved aside: a new one begins
            self._damage = str(error)
            file = State.open(self._path, wearer=self._wearer)
        try:
            if file.wearer != self._wearer:
                raise StateError(other_wearer_words(self._path, file.wearer, self._wearer))
            return file, self._left_in(file)
        except BaseException:
            file.close()
            raise

    def _left_in(self, file: State) -> LeftBehind:
        file.open_channel(self._channel, from_start=True)
        # What an attempt that failed has left is our own.
        ours = (file.saved(TAKEN) or {}).get("epoch") == self._epoch
        now, ended = utc_of(self._clock.utc_ns()), file.saved(ENDED) is True
        return LeftBehind(
            events=interrupted_in(file, now),
            alerts=[
                replace(
                    alert, state=AlertState.RESOLVED, at=now, reason=f"{alert.kind}: {INTERRUPTED}"
                )
                for alert in open_before(file.saved(NIGHT))
            ],
            saved={STARTS: joined_starts(file.saved(STARTS), self._starts, last_ended=ended)},
            unreached=unreached_in(file, self._channel),
            tests=None if ours else file.saved(SELF_TEST),
            answers=None if ours else file.saved(ANSWERS),
            boot=file.saved(BOOT),
            receivers={each.name: each.at for each in file.receivers},
        )
