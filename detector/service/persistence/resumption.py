"""Begin a night, or go on with one whose process was killed, in the same recordings."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from detector.alert import Alert
from detector.alerts.conditions import Condition
from detector.alerts.rules import Rule
from detector.block import utc_of
from detector.devices.interpreter import Interpreter
from detector.devices.registry import installed
from detector.devices.stream import Reading
from detector.errors import RecordingError
from detector.night.night import Night
from detector.night.observation import WornSensor
from detector.night.outcome import Outcome
from detector.night.saved import SavedNight
from detector.recognition.personal.minimums import Personal
from detector.service.live_night import TICK_NS
from detector.store.recording import Recording
from detector.store.recording_writer import RecordingWriteError, RecordingWriter

NIGHT, ROWS, ENDED, BOOT = "night", "rows", "ended", "boot"
PAUSE, ANSWERS = "pause", "answers"
"""Names under which the state keeps a night; how many rows of each recording it had taken in, None
where nothing was recorded; whether it came to its end; the computer's boot; a pause; and what
people said to its alerts."""

Now = Callable[[int], tuple[int, int]]
"""Returns the night's monotonic and wall clock. One that runs faster than the host's is first set
to a wall clock, ns, that the night had reached, where it is behind."""

Note = Callable[[Condition, object], None]
"""Called with the name of what does not work, and why."""


@dataclass(slots=True)
class Begun:
    """A night, new or gone on with.

    told : output for the time in which nothing was watched
    recorders : those that go on; empty for a new night, None where a recording is still to begin
    heard_until : when samples last came, of a night that is gone on with
    """

    night: Night
    told: list[Outcome] = field(default_factory=list)
    recorders: list[RecordingWriter | None] = field(default_factory=list)
    heard_until: datetime | None = None

    def connections(self) -> list[tuple[int, str | None]]:
        """Return the number of each sensor's latest, and the address that samples came from."""
        unrecorded = [0] * len(self.night.watches)
        recorded = [0 if each is None else each.session for each in self.recorders]
        return [
            (max(watch.session, last), watch.address if watch.samples else None)
            for watch, last in zip(self.night.watches, recorded or unrecorded, strict=True)
        ]


def begin(
    worn: Sequence[WornSensor],
    rules: Sequence[Rule],
    *,
    saved: Callable[[str], Any],
    nights: Path,
    resume: Callable[[WornSensor, Path], RecordingWriter] | None,
    now: Now,
    note: Note,
    boot: str | None = None,
    personal: Personal | None = None,
) -> Begun:
    """Go on with the saved night if it was interrupted and may go on, else begin a new one.

    Parameters
    ----------
    worn : the sensors, with the names that new recordings would have
    saved : returns what the state keeps under a name
    nights : folder of the recordings
    resume : opens a recording to go on with it; None where nothing is recorded
    boot : of the computer, with the monotonic clock of `now`; None where that is not known
    personal : the wearer's own minimums
    """
    kept = saved(NIGHT)
    if kept is None:
        return _begin_first(worn, rules, saved("policy"), note, now=now(0), personal=personal)
    ran_on = same_boot(saved(BOOT), boot)
    try:
        known = SavedNight.of(kept)
        rows = saved(ROWS) or [None] * len(worn)
        # What is recorded now must be recorded from the night's beginning.
        complete = resume is None or None not in rows
        if (
            not saved(ENDED)
            and complete
            and known.goes_on(worn, now(known.utc_ns), same_boot=ran_on)
        ):
            night = Night(known.worn, rules=rules, personal=personal)
            night.load(kept)
            return _go_on(night, known, nights, rows, resume=resume, now=now, same_boot=ran_on)
    except (ValueError, RecordingError, RecordingWriteError) as error:
        note(Condition.NIGHT, f"a new night begins: {error}")
    return begin_anew(worn, rules, kept, note, now=now(0), ran_on=ran_on, personal=personal)


def begin_anew(
    worn: Sequence[WornSensor],
    rules: Sequence[Rule],
    kept: Any,
    note: Note,
    *,
    now: tuple[int, int],
    ran_on: bool | None = None,
    personal: Personal | None = None,
) -> Begun:
    """Begin a new night with what outlives the saved one; None: there is none.

    Parameters
    ----------
    ran_on : whether the computer ran on since that was saved; None where it is not known
    """
    night, told = Night(worn, rules=rules, personal=personal), []
    if kept is not None:
        try:
            told.append(night.inherit(kept, *now, same_boot=ran_on))
        except ValueError as error:
            note(Condition.NIGHT, f"{error}; earlier open alarms are lost")
    return _at(night, told, now)


def _begin_first(
    worn: Sequence[WornSensor],
    rules: Sequence[Rule],
    policy: Any,
    note: Note,
    *,
    now: tuple[int, int],
    personal: Personal | None,
) -> Begun:
    """Begin the first night that is saved, with the alarms that release 0.1 had open."""
    night = Night(worn, rules=rules, personal=personal)
    if policy is not None:
        try:
            night.start_alarms_again(policy, ())
        except ValueError as error:
            note(Condition.NIGHT, f"{error}; earlier open alarms are lost")
    return _at(night, [], now)


def _at(night: Night, told: list[Outcome], now: tuple[int, int]) -> Begun:
    """Let the night know what time it is: saved before the first packet, it may be gone on with."""
    return Begun(night, [*told, night.tick(*now)])


def _go_on(
    night: Night,
    known: SavedNight,
    nights: Path,
    rows: Sequence[int | None],
    *,
    resume: Callable[[WornSensor, Path], RecordingWriter] | None,
    now: Now,
    same_boot: bool | None,
) -> Begun:
    """Take in what was recorded after the night was saved; return what was cut short.

    Raises
    ------
    RecordingError, RecordingWriteError
        One of its recordings cannot be used.
    """
    recorders: list[RecordingWriter | None] = []
    told: list[Outcome] = []
    with ExitStack() as opened:
        if resume is not None:
            for worn, watch in zip(known.worn, night.watches, strict=True):
                path = nights / f"{worn.provenance.recording}.sqlite"
                begun = watch.session or path.exists()
                recorders.append(resume(worn, path) if begun else None)
                if (recorder := recorders[-1]) is not None:
                    opened.callback(recorder.close)
            told += _catch_up(night, recorders, rows)
        heard_until = _heard_until(night)
        at = now(night.host_ns[1])
        told.append(night.resume(*at, same_boot=same_boot))
        opened.pop_all()
    return Begun(night, [*told, night.tick(*at)], recorders, heard_until)


def same_boot(was: Any, boot: str | None) -> bool | None:
    """Return whether the computer ran on since a night was saved; None where it is not known."""
    return None if boot is None or not isinstance(was, str) else was == boot


def open_before(kept: Any) -> tuple[Alert, ...]:
    """Return the alerts that a saved night left open; none where it is damaged, which is told."""
    try:
        return () if kept is None else SavedNight.of(kept).open_alerts
    except ValueError:
        return ()


def clocks_before(kept: Any) -> tuple[int, int] | None:
    """Return the host's clocks when a night was last saved; None where there is none to read."""
    try:
        known = None if kept is None else SavedNight.of(kept)
    except ValueError:
        return None
    return None if known is None else (known.mono_ns, known.utc_ns)


def _heard_until(night: Night) -> datetime | None:
    """Return when samples of any sensor last came; None before the first."""
    mono_ns, utc_ns = night.host_ns
    ages_s = [age for watch in night.watches if (age := watch.data_age_s(mono_ns)) is not None]
    return utc_of(utc_ns - round(min(ages_s) * 1e9)) if ages_s else None


def _catch_up(
    night: Night, recorders: Sequence[RecordingWriter | None], rows: Sequence[int | None]
) -> Iterator[Outcome]:
    """Take what was recorded after the night was saved, of all sensors in the order it came.

    Time passes as it does in a `LiveNight`.
    """
    with ExitStack() as opened:
        tails = [
            _tail(opened.enter_context(Recording.open(recorder.path)), row or 0, sensor)
            for sensor, (recorder, row) in enumerate(zip(recorders, rows, strict=True))
            if recorder is not None and recorder.kept > (row or 0)
        ]
        ticked_ns: int | None = None
        for mono_ns, sensor, reading in heapq.merge(*tails, key=lambda tail: tail[0]):
            if ticked_ns is None or mono_ns - ticked_ns >= TICK_NS:
                ticked_ns = mono_ns
                yield night.tick(mono_ns, reading.item.utc_ns)
            yield night.take(reading, sensor=sensor)


def _tail(recording: Recording, row: int, sensor: int) -> Iterator[tuple[int, int, Reading]]:
    """Yield the readings after a row; the driver gets its session from the beginning."""
    interpreter = Interpreter(installed())
    for number, item in recording.numbered(recording.link_up_before(row)):
        reading = interpreter.feed(item)
        if number > row:
            yield item.mono_ns, sensor, reading
