"""How a night begins: its state, what a killed process left in it, and the recordings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from detector.alert import Alert
from detector.alerts.conditions import Condition
from detector.alerts.pause import Pause
from detector.alerts.reception import must_reach
from detector.alerts.rules import parse_rules, with_no_signal
from detector.block import utc_of
from detector.channels import EntryKind
from detector.config import SensorSettings, Settings
from detector.devices.profile import Note
from detector.errors import ConfigError
from detector.events import Event, Kind, Origin, Phase, broken_off
from detector.night.night import Night
from detector.night.observation import WornSensor
from detector.night.outcome import Outcome
from detector.recognition.events.stamp import Provenance
from detector.recognition.personal.minimums import Personal
from detector.review.minimums_file import read_minimums
from detector.service.persistence.absence import log_absence
from detector.service.persistence.places import DataFolder, header_of
from detector.service.persistence.resumption import (
    BOOT,
    ENDED,
    NIGHT,
    PAUSE,
    ROWS,
    Begun,
    begin,
    begin_anew,
    clocks_before,
    open_before,
    same_boot,
)
from detector.service.presentation.news import News, Trouble
from detector.service.supervisor import Supervisor
from detector.sources.clock import Clock, ScaledClock, clock_boot
from detector.store.recording import RecordingHeader
from detector.store.recording_writer import RecordingWriteError, RecordingWriter
from detector.store.state import State, StateDamagedError, StateDiskError, StateError
from detector.store.state_file import wearer_in
from detector.words.disk import memory_words
from detector.words.tuning import minimums_line

RECENT = timedelta(days=2)  # what a crash interrupted longer ago was closed at an earlier start


@dataclass(slots=True)
class Beginning:
    """What went wrong while a night was put together: told at once, and raised as alarms."""

    tell: Callable[[News], None]
    troubles: list[Trouble] = field(default_factory=list)

    def note(self, name: Condition, why: object) -> None:
        """Keep a trouble for the service to raise."""
        self.troubles.append(Trouble(name, str(why)))


@dataclass(frozen=True, slots=True)
class OpenedNight:
    """A night that is saved, so that it can be gone on with from now on.

    recorders : one for each sensor, None where it cannot be written; none where nothing is recorded
    connections : number of each sensor's latest, 0 without one, and the address that samples came
        from, None without any
    told : what there is to say of the time before, for the service to tell
    open_before : alerts that an earlier process left open
    heard_until : when samples last came, of a night that is gone on with
    clocks_before : the computer's monotonic and wall clock when an earlier process last saved
    same_boot : whether the computer ran on since; None where that is not known
    pause : that somebody asked an earlier process for, and that may still hold
    """

    night: Night
    recorders: tuple[RecordingWriter | None, ...]
    connections: tuple[tuple[int, str | None], ...]
    told: tuple[Outcome, ...]
    open_before: tuple[Alert, ...]
    heard_until: datetime | None
    clocks_before: tuple[int, int] | None = None
    same_boot: bool | None = None
    pause: Pause | None = None


class Closing(Protocol):
    """A stack of what is to be done at the end."""

    def callback(self, work: Callable[..., object], /, *arguments: object) -> object:
        """Call `work` at the end."""


def open_state(place: DataFolder, beginning: Beginning) -> State:
    """Open the state; a night is watched from memory where no disk takes it."""
    try:
        try:
            return State.open(place.state)
        except StateDamagedError as error:  # moved aside: a new one begins
            beginning.note(Condition.STATE, error)
            return State.open(place.state)
    except StateDiskError as error:
        beginning.note(Condition.MEMORY, memory_words(str(error)))
        return State.in_memory(wearer=wearer_in(place.state))


def open_night(
    settings: Settings,
    sensors: Sequence[SensorSettings],
    place: DataFolder,
    state: State,
    *,
    origin: Origin,
    clock: Clock,
    beginning: Beginning,
    stack: Closing,
) -> OpenedNight:
    """Go on with the night that was interrupted, or begin one; record it, if the disk lets us.

    The night is saved before its recordings are begun: killed in between, the next process begins
    them under the same names.

    Parameters
    ----------
    stack : closes the recordings
    """
    now = utc_of(clock.utc_ns())
    evening = now.astimezone(settings.wearer.zone)
    records = settings.recording.enabled and origin is not Origin.REPLAY
    names = _recordings(place.new_recording(evening), sensors)
    worn = [
        WornSensor(Provenance(state.wearer, sensor.label, path.stem, origin), sensor.placement)
        for sensor, path in zip(sensors, names, strict=True)
    ]
    rules = with_no_signal(parse_rules(settings.alerts.wake_for))
    personal = _minimums(place.folder, beginning)

    def header(of: WornSensor) -> RecordingHeader:
        label = of.provenance.sensor or ""
        sensor = next(each for each in sensors if each.label == label)
        return header_of(settings, sensor, of.provenance, evening)

    def record_on(of: WornSensor, path: Path) -> RecordingWriter:
        return RecordingWriter.resume(path, header(of))

    def clocks(reached_utc_ns: int) -> tuple[int, int]:
        if isinstance(clock, ScaledClock):
            clock.go_on_from(reached_utc_ns)
        return clock.mono_ns(), clock.utc_ns()

    boot, kept = clock_boot(clock), state.saved(NIGHT)
    ran_on = same_boot(state.saved(BOOT), boot)
    pause = Pause.load(state.saved(PAUSE), same_boot=ran_on)

    def go_on() -> Begun:
        return begin(
            worn,
            rules,
            saved=state.saved,
            nights=place.nights,
            resume=record_on if records else None,
            now=clocks,
            note=beginning.note,
            boot=boot,
            personal=personal,
        )

    def begin_again() -> Begun:
        return begin_anew(
            worn, rules, kept, beginning.note, now=clocks(0), ran_on=ran_on, personal=personal
        )

    left_open = open_before(kept)
    starter = Supervisor(
        mono_s=lambda: clock.mono_ns() / 1e9,
        sleep=asyncio.sleep,
        announce=lambda _name, why: beginning.note(Condition.SAVED_NIGHT, why),
    )
    # A file is played from its beginning: its times would go back.
    first = begin_again if origin is Origin.REPLAY else go_on
    made = starter.call(Condition.SAVED_NIGHT, first, rebuild=begin_again) or Begun(
        Night(worn, rules=rules, personal=personal)
    )
    recorders = made.recorders
    with ExitStack() as closing:
        for recorder in recorders:
            closing.callback(_end_recording, recorder, beginning)
        _save(
            state, made, kept, records=records, at=now, boot=boot, pause=pause, beginning=beginning
        )
        if records:
            recorders = [
                begun or _begin_recording(place, header(each), beginning)
                for each, begun in zip(
                    made.night.worn, recorders or [None] * len(worn), strict=True
                )
            ]
        closing.pop_all()
    for recorder in recorders:
        stack.callback(_end_recording, recorder, beginning)
    return OpenedNight(
        made.night,
        tuple(recorders),
        tuple(made.connections()),
        tuple(made.told),
        left_open,
        made.heard_until,
        None if isinstance(clock, ScaledClock) else clocks_before(kept),
        ran_on,
        pause,
    )


def _save(
    state: State,
    made: Begun,
    kept: Any,
    *,
    records: bool,
    at: datetime,
    boot: str | None,
    pause: Pause | None,
    beginning: Beginning,
) -> None:
    """Commit the night as it begins, and what there is to say of the time before."""
    rows = [0 if each is None else each.written for each in made.recorders]
    unrecorded = [0 if records else None] * len(made.night.worn)
    try:
        whose = made.night.worn[0].provenance
        if whose.source is not Origin.REPLAY:  # what a file plays is dated anew each time
            log_absence(state, kept, whose, at, heard_until=made.heard_until)
        state.commit(
            at=at,
            events=[event for told in made.told for event in told.events],
            alerts=[alert for told in made.told for alert in told.alerts],
            saved={
                NIGHT: made.night.save(),
                ROWS: rows or unrecorded,
                ENDED: False,
                BOOT: boot,  # and with it what that boot's clock dates
                PAUSE: None if pause is None else pause.save(),
            },
        )
        _close_what_was_left_open(state, at)
    except StateError as error:  # the service tries again
        beginning.note(Condition.DISK, error)


def _close_what_was_left_open(state: State, now: datetime) -> None:
    """Say of events that a crash interrupted that they are over, as far as they were seen."""
    interrupted = interrupted_in(state, now)
    if interrupted:
        state.commit(at=now, events=interrupted)


def interrupted_in(state: State, now: datetime) -> list[Event]:
    """Return the events that a crash interrupted, as far as they were seen, as over."""
    return [
        broken_off(event)
        for event in state.events(since=now - RECENT)
        # What was taken back is never over: another event tells it.
        if event.phase is not Phase.END
        and (event.kind is not Kind.MOVEMENT or event.held_back is not None)
    ]


def unreached_in(state: State, channel: str) -> list[int]:
    """Return the numbers of the alerts that a channel has brought to nobody yet."""
    waiting = [*state.read(channel), *(each.entry for each in state.refused(channel))]
    return [
        entry.n for entry in waiting if entry.kind is EntryKind.ALERT and must_reach(entry.body)
    ]


def _minimums(folder: Path, beginning: Beginning) -> Personal:
    """Return the wearer's own minimums; none where they cannot be read: rather too much is told."""
    try:
        personal = read_minimums(folder).personal
    except ConfigError as error:
        beginning.note(Condition.STATE, error)
        return Personal()
    if personal.minimums:
        beginning.tell(Note(minimums_line(personal)))
    return personal


def _recordings(first: Path, sensors: Sequence[SensorSettings]) -> list[Path]:
    """Return a recording for each sensor, the others named after the first."""
    others = [first.with_name(f"{first.stem}-{each.label}.sqlite") for each in sensors[1:]]
    return [first, *others]


def _begin_recording(
    place: DataFolder, header: RecordingHeader, beginning: Beginning
) -> RecordingWriter | None:
    """Begin a night's file, or tell why there will be none: the night is watched anyway."""
    try:
        return RecordingWriter.create(place.nights / f"{header.name}.sqlite", header)
    except RecordingWriteError as error:
        beginning.note(Condition.RECORDING, error)
        return None


def _end_recording(recorder: RecordingWriter | None, beginning: Beginning) -> None:
    """Close the night's file; one in which nothing came is no night."""
    if recorder is None:
        return
    try:
        recorder.close()
        if not recorder.kept and not recorder.lost:
            recorder.path.unlink()
    except (RecordingWriteError, OSError) as error:
        beginning.tell(Trouble(Condition.RECORDING, str(error)))
