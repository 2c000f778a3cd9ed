"""Assembly of a night from settings: state, recording, broker, publisher, and the service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_hex
from zoneinfo import ZoneInfo

from detector.alerts.rules import parse_rules
from detector.block import EPOCH
from detector.config import SensorSettings, Settings
from detector.errors import LinkError
from detector.events import Origin, Phase
from detector.mqtt.broker import Broker, provide
from detector.mqtt.contract import Topics
from detector.mqtt.endpoint import Endpoint, Tls
from detector.mqtt.publisher import Publisher
from detector.night.night import Night
from detector.night.seen import Worn
from detector.recognition.events.stamp import Provenance
from detector.service import retention
from detector.service.archive import Archive
from detector.service.health import vitals
from detector.service.places import DataFolder, header_of
from detector.service.resumption import NIGHT, ROWS, Begun, begin
from detector.service.service import MQTT, STARTING, News, Service, Trouble
from detector.service.supervisor import Supervisor
from detector.sources.clock import Clock
from detector.sources.source import Source
from detector.store.recording import RecordingHeader, RecordingWriteError, RecordingWriter
from detector.store.state import State, StateDamagedError, StateDiskError
from detector.store.state_file import wearer_in

RECENT = timedelta(days=2)  # what a crash interrupted longer ago was closed at an earlier start


@dataclass(frozen=True, slots=True)
class Assembly:
    """A night ready to run, and its files."""

    service: Service
    night: Night
    archive: Archive
    broker: Broker
    topics: Topics
    recordings: tuple[Path, ...]  # one for each sensor, or none
    state: Path
    deleted: tuple[Path, ...] = ()  # recordings older than the settings keep them


@dataclass(slots=True)
class _Beginning:
    """Problems during assembly: reported at once, and raised as alarms."""

    tell: Callable[[News], None]
    troubles: list[Trouble] = field(default_factory=list)

    def note(self, name: str, why: object) -> None:
        """Keep a trouble for the service to raise."""
        self.troubles.append(Trouble(name, str(why)))


@asynccontextmanager
async def assembled(
    settings: Settings,
    *,
    sources: Sequence[Source],
    origin: Origin,
    clock: Clock,
    tell: Callable[[News], None],
    pace: float = 1.0,
    mqtt: bool = True,
    free_port: bool = False,
) -> AsyncIterator[Assembly]:
    """Provide a service until the block ends; then everything it opened is closed.

    A disk or a broker that does not work is reported; the night goes on without it.

    Parameters
    ----------
    sources : for the first of the settings' sensors, in their order

    Raises
    ------
    ConfigError, StateError
        Settings that cannot be used; a state that another process owns.
    """
    async with AsyncExitStack() as stack:
        begun = _Beginning(tell)
        place = DataFolder.of(settings.data_dir, origin)
        state = stack.enter_context(_open_state(place, begun))
        state.open_channel(MQTT, from_start=True)
        archive = stack.enter_context(closing(Archive(state)))
        mono_ns, utc_ns = clock.mono_ns(), clock.utc_ns()
        now = EPOCH + timedelta(microseconds=utc_ns // 1000)
        zone = ZoneInfo(settings.wearer.time_zone) if settings.wearer.time_zone else None
        evening = now.astimezone(zone)
        first = place.new_recording(evening)
        sensors = settings.sensors[: len(sources)]
        worn = [
            Worn(
                Provenance(state.wearer, sensor.label, path.stem, origin),
                sensor.placement,
            )
            for sensor, path in zip(sensors, _recordings(first, sensors), strict=True)
        ]
        records = settings.recording.enabled and origin is not Origin.REPLAY

        def header(of: Worn) -> RecordingHeader:
            sensor = sensors[[each.label for each in sensors].index(of.provenance.sensor or "")]
            return header_of(settings, sensor, of.provenance, evening)

        def go_on(of: Worn, path: Path) -> RecordingWriter:
            return RecordingWriter.resume(path, header(of))

        def new_night(*, resume: bool) -> Begun:
            return begin(
                worn,
                parse_rules(settings.alerts.wake_for),
                saved=state.saved,
                nights=place.nights,
                resume=go_on if resume else None,
                mono_ns=mono_ns,
                utc_ns=utc_ns,
                note=begun.note,
            )

        starter = Supervisor(
            mono_s=lambda: clock.mono_ns() / 1e9, sleep=asyncio.sleep, announce=begun.note
        )
        made = starter.call(
            "saved night",
            lambda: new_night(resume=records),
            rebuild=lambda: new_night(resume=False),
        ) or Begun(Night(worn, rules=parse_rules(settings.alerts.wake_for)))
        night = made.night
        recorders: list[RecordingWriter | None] = list(made.recorders)
        if records and not recorders:
            for each in night.worn:
                path = place.nights / f"{each.provenance.recording}.sqlite"
                recorders.append(_begin_recording(path, header(each), begun))
        for recorder in recorders:
            stack.callback(_end_recording, recorder, begun)
        for source, session in zip(sources, made.sessions, strict=False):
            source.number_from(session + 1)
        if any(made.told):
            state.commit(
                at=now,
                events=[event for told in made.told for event in told.events],
                alerts=[alert for told in made.told for alert in told.alerts],
                saved={NIGHT: night.save(), ROWS: [r.written if r else 0 for r in recorders]},
            )
        _close_what_was_left_open(state, now)
        deleted = _retain(place, settings.recording.retention_nights, night, begun)
        broker = await _enter_broker(stack, settings, mqtt, free_port, begun)
        topics = Topics(prefix=settings.mqtt.prefix, wearer=state.wearer, origin=origin)
        publisher = None
        if broker.endpoint is not None:
            publisher = Publisher(
                broker.endpoint,
                archive.log_of(MQTT),
                topics,
                boot_id=token_hex(8),
                status=STARTING,
                vitals=lambda: vitals(night, clock),
            )
        for found in state.troubles:
            begun.note("state", found)
        service = Service(
            sources=sources,
            night=night,
            archive=archive,
            clock=clock,
            tell=tell,
            recorders=recorders,
            publisher=publisher,
            pace=pace,
            troubles=begun.troubles,
            told=made.told,
        )
        recordings = tuple(recorder.path for recorder in recorders if recorder is not None)
        yield Assembly(
            service, night, archive, broker, topics, recordings, place.state, tuple(deleted)
        )


def _open_state(place: DataFolder, begun: _Beginning) -> State:
    """Return the open state; where no disk takes it, one in memory."""
    try:
        try:
            return State.open(place.state)
        except StateDamagedError as error:  # moved aside: a new one begins
            begun.note("state", error)
            return State.open(place.state)
    except StateDiskError as error:
        begun.note("memory", f"{error} This night is kept in memory only: it is lost at its end.")
        return State.in_memory(wearer=wearer_in(place.state))


def _close_what_was_left_open(state: State, now: datetime) -> None:
    """Close events that a crash interrupted, as cut short, in their latest form."""
    interrupted = [
        replace(event, phase=Phase.END, cut_short=True)
        for event in state.events(since=now - RECENT)
        if event.phase is not Phase.END
    ]
    if interrupted:
        state.commit(at=now, events=interrupted)


def _recordings(first: Path, sensors: Sequence[SensorSettings]) -> list[Path]:
    """Return a recording for each sensor, the others named after the first."""
    others = [first.with_name(f"{first.stem}-{each.label}.sqlite") for each in sensors[1:]]
    return [first, *others]


def _begin_recording(
    path: Path, header: RecordingHeader, begun: _Beginning
) -> RecordingWriter | None:
    """Return the night's new file; None, with a note, where the disk refuses it."""
    try:
        return RecordingWriter.create(path, header)
    except RecordingWriteError as error:
        begun.note("recording", error)
        return None


def _end_recording(recorder: RecordingWriter | None, begun: _Beginning) -> None:
    """Close the night's file; delete it when nothing came."""
    if recorder is None:
        return
    try:
        recorder.close()
        if not recorder.kept and not recorder.lost:
            recorder.path.unlink()
    except (RecordingWriteError, OSError) as error:
        begun.tell(Trouble("recording", str(error)))


def _retain(place: DataFolder, nights: int, night: Night, begun: _Beginning) -> list[Path]:
    current = min(worn.provenance.recording or "" for worn in night.worn)[:10]
    doomed = retention.expired(place.nights, nights=nights, current=current)
    deleted, trouble = retention.delete(doomed)
    if trouble is not None:
        begun.note("retention", trouble)
    return deleted


async def _enter_broker(
    stack: AsyncExitStack, settings: Settings, mqtt: bool, free_port: bool, begun: _Beginning
) -> Broker:
    """Return a broker that runs until the stack closes; `none`, with a note, where none starts."""
    address, options = settings.mqtt.address, settings.mqtt
    choice: str | Endpoint = options.broker if mqtt else "none"
    if mqtt and address is not None:
        choice = Endpoint(
            host=address.host,
            port=address.port,
            username=options.username,
            password=options.secret(),
            tls=Tls() if address.tls else None,
            insecure=options.insecure,
        )
    port = 0 if free_port else options.port or 1883
    own = provide(choice, port=port, username=options.username, password=options.secret())
    try:
        return await stack.enter_async_context(own)
    except (LinkError, OSError) as error:
        begun.note("broker", f"no alert leaves this computer: {error}")
        return Broker("none", None)
