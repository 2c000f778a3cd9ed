"""Begin a night, or go on with one whose process was killed, in the same recordings."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from detector.alerts.rules import Rule
from detector.devices.interpreter import Interpreter
from detector.devices.registry import installed
from detector.devices.stream import Item, LinkUp, Reading
from detector.errors import RecordingError
from detector.night.night import Night, Told
from detector.night.saved import SavedNight
from detector.night.seen import Worn
from detector.store.recording import Recording, RecordingWriter

NIGHT, ROWS, ENDED = "night", "rows", "ended"
"""Names under which the state keeps a night, how much of each recording it had taken in, and
whether it came to its end."""

Note = Callable[[str, object], None]
"""Called with the name of what does not work, and why."""


@dataclass(slots=True)
class Begun:
    """A night, new or gone on with.

    told : output for the time in which nothing was watched
    recorders : those that go on, one for each sensor; none where recordings begin anew
    sessions : numbers of each sensor's latest connection
    """

    night: Night
    told: list[Told] = field(default_factory=list)
    recorders: list[RecordingWriter] = field(default_factory=list)
    sessions: list[int] = field(default_factory=list)


def begin(
    worn: Sequence[Worn],
    rules: Sequence[Rule],
    *,
    saved: Callable[[str], Any],
    nights: Path,
    resume: Callable[[Worn, Path], RecordingWriter] | None,
    mono_ns: int,
    utc_ns: int,
    note: Note,
) -> Begun:
    """Go on with the saved night if it was interrupted and may go on, else begin a new one.

    Parameters
    ----------
    worn : the sensors, with the names that new recordings would have
    saved : returns what the state keeps under a name
    nights : folder of the recordings
    resume : opens a recording to go on with it; None where nothing is recorded
    """
    night = Night(worn, rules=rules)
    kept = saved(NIGHT)
    if kept is None:
        _take_over_alarms(night, saved("policy"), note)
        return Begun(night)
    try:
        known = SavedNight.of(kept)
        if not saved(ENDED) and resume is not None and known.goes_on(worn, utc_ns):
            rows = saved(ROWS) or [0] * len(worn)
            paths = [nights / f"{each.provenance.recording}.sqlite" for each in known.worn]
            night = Night(known.worn, rules=rules)
            night.load(kept)
            return _go_on(night, known, paths, rows, resume=resume, now=(mono_ns, utc_ns))
    except (ValueError, RecordingError) as error:
        note("night", f"a new night begins: {error}")
    try:
        return Begun(night, [night.inherit(kept, mono_ns, utc_ns)])
    except ValueError as error:
        note("night", f"{error}; earlier open alarms are lost")
        return Begun(night)


def _take_over_alarms(night: Night, policy: Any, note: Note) -> None:
    """Go on with the alarms that release 0.1 had open."""
    if policy is not None:
        try:
            night.start_alarms_again(policy, ())
        except ValueError as error:
            note("night", f"{error}; earlier open alarms are lost")


def _go_on(
    night: Night,
    known: SavedNight,
    paths: Sequence[Path],
    rows: Sequence[int],
    *,
    resume: Callable[[Worn, Path], RecordingWriter],
    now: tuple[int, int],
) -> Begun:
    """Take in what was recorded after the night was saved; return what was cut short.

    Raises
    ------
    RecordingError
        One of its recordings cannot be used.
    """
    with ExitStack() as opened:
        recorders = [resume(worn, path) for worn, path in zip(known.worn, paths, strict=True)]
        for recorder in recorders:
            opened.callback(recorder.close)
        told = list(_catch_up(night, paths, rows))
        told.append(night.resume(*now))
        opened.pop_all()
    numbers = zip(known.sessions, recorders, strict=True)
    sessions = [max(session, recorder.session) for session, recorder in numbers]
    return Begun(night, told, recorders, sessions)


def _catch_up(night: Night, paths: Sequence[Path], rows: Sequence[int]) -> Iterator[Told]:
    """Take what was recorded after the night was saved, of all sensors in the order it came."""
    with ExitStack() as opened:
        tails = [
            _tail(opened.enter_context(Recording.open(path)), row, sensor)
            for sensor, (path, row) in enumerate(zip(paths, rows, strict=True))
        ]
        for _, sensor, reading in heapq.merge(*tails, key=lambda tail: tail[0]):
            yield night.take(reading, sensor=sensor)


def _tail(recording: Recording, row: int, sensor: int) -> Iterator[tuple[int, int, Reading]]:
    """Yield the readings after a row; the driver gets its session from the beginning."""
    session: list[Item] = []  # of the session under way at that row
    interpreter: Interpreter | None = None
    for place, item in enumerate(recording.items(), 1):
        if place + recording.damaged <= row:
            session = [item] if isinstance(item, LinkUp) else [*session, item]
            continue
        if interpreter is None:
            interpreter = Interpreter(installed())
            for earlier in session:
                interpreter.feed(earlier)
        yield item.mono_ns, sensor, interpreter.feed(item)
