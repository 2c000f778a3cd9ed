"""Puts a night together from settings: state, recording, broker, publisher, and the service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_hex
from zoneinfo import ZoneInfo

from detector.alerts.rules import parse_rules
from detector.block import EPOCH
from detector.config import SensorSettings, Settings
from detector.events import Origin, Phase
from detector.mqtt.broker import Broker, provide
from detector.mqtt.contract import Topics
from detector.mqtt.endpoint import Endpoint, Tls
from detector.mqtt.publisher import Publisher
from detector.night.night import Night
from detector.night.sensor_watch import Worn
from detector.recognition.events.stamp import Provenance
from detector.release import VERSION
from detector.service.archive import Archive
from detector.service.service import STARTING, News, Service, Trouble
from detector.sources.clock import Clock
from detector.sources.source import Source
from detector.status import Vitals
from detector.store.recording import RecordingHeader, RecordingWriteError, RecordingWriter
from detector.store.state import State, StateDamagedError

NIGHTS = "nights"
RECENT = timedelta(days=2)  # what a crash interrupted longer ago was closed at an earlier start


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Where things lie. What is not live has a house of its own: it must never be counted."""

    folder: Path

    @classmethod
    def of(cls, data_dir: Path, origin: Origin) -> DataFolder:
        """Return the place for samples of this origin."""
        return cls(data_dir if origin is Origin.LIVE else data_dir / origin.value)

    @property
    def state(self) -> Path:
        """Events, alerts and letters."""
        return self.folder / "state.sqlite"

    def new_recording(self, evening: datetime) -> Path:
        """Return a file that does not exist yet, named after the evening the night began in."""
        night = (evening - timedelta(hours=12)).date().isoformat()
        path, again = self.folder / NIGHTS / f"{night}.sqlite", 1
        while path.exists():
            again += 1
            path = path.with_name(f"{night}-{again}.sqlite")
        return path


@dataclass(frozen=True, slots=True)
class Assembly:
    """A night ready to be watched, and where its traces will be found."""

    service: Service
    night: Night
    archive: Archive
    broker: Broker
    topics: Topics
    recordings: tuple[Path, ...]  # one for each sensor, or none
    state: Path


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
    """Have a service for as long as the block lasts; everything it opened is closed behind it.

    Parameters
    ----------
    sources : for the first of the settings' sensors, in their order

    Raises
    ------
    ConfigError, StateError, LinkError
        Settings that cannot be used, a state another process owns, no broker of ours.
    """
    async with AsyncExitStack() as stack:
        place = DataFolder.of(settings.data_dir, origin)
        state = stack.enter_context(_open_state(place.state, tell))
        archive = stack.enter_context(closing(Archive(state)))
        now = EPOCH + timedelta(microseconds=clock.utc_ns() // 1000)
        _close_what_was_left_open(state, now)
        zone = ZoneInfo(settings.wearer.time_zone) if settings.wearer.time_zone else None
        evening = now.astimezone(zone)
        first = place.new_recording(evening)
        worn: list[Worn] = []
        recorders: list[RecordingWriter | None] = []
        for number, sensor in enumerate(settings.sensors[: len(sources)]):
            path = first if number == 0 else first.with_name(f"{first.stem}-{sensor.label}.sqlite")
            provenance = Provenance(state.wearer, sensor.label, path.stem, origin)
            worn.append(Worn(provenance, sensor.placement))
            if settings.recording.enabled and origin is not Origin.REPLAY:
                header = header_of(settings, sensor, provenance, evening)
                recorders.append(_begin_recording(path, header, tell))
                stack.callback(_end_recording, recorders[-1], tell)
        night = Night(worn, rules=parse_rules(settings.alerts.wake_for))
        _resume_alarms(night, state, tell)
        broker = await stack.enter_async_context(_provide_broker(settings, mqtt, free_port))
        topics = Topics(prefix=settings.mqtt.prefix, wearer=state.wearer, origin=origin)
        publisher = None
        if broker.endpoint is not None:
            publisher = Publisher(
                broker.endpoint,
                archive,
                topics,
                boot_id=token_hex(8),
                status=STARTING,
                vitals=lambda: _vitals(night, clock),
            )
        service = Service(
            sources=sources,
            night=night,
            archive=archive,
            clock=clock,
            tell=tell,
            recorders=recorders,
            publisher=publisher,
            pace=pace,
        )
        recordings = tuple(recorder.path for recorder in recorders if recorder is not None)
        yield Assembly(service, night, archive, broker, topics, recordings, place.state)


def header_of(
    settings: Settings, sensor: SensorSettings, provenance: Provenance, evening: datetime
) -> RecordingHeader:
    """Return what a recording of this sensor says of itself."""
    return RecordingHeader(
        name=provenance.recording or "",
        wearer=provenance.wearer or "",
        sensor=sensor.label,
        site=sensor.placement,
        driver=sensor.driver or "",
        origin=provenance.source,
        created=evening,
        version=VERSION,
        time_zone=settings.wearer.time_zone or "",
    )


def _vitals(night: Night, clock: Clock) -> Vitals:
    """Return the vitals of the sensor that is worst off in each."""
    mono_ns = clock.mono_ns()
    rates_hz = [watch.clock.rate_hz for watch in night.watches]
    charges = [watch.battery_percent for watch in night.watches]
    lasting_s = [watch.battery_lasts_s(mono_ns) for watch in night.watches]
    least_s = _least(lasting_s)
    return Vitals(
        data_age_s=night.data_age_s(mono_ns),
        rate_hz=_least(rates_hz),
        battery_percent=_least(charges),
        battery_lasts_s=None if least_s is None else round(least_s),
    )


def _least(values: Sequence[float | None]) -> float | None:
    return min((value for value in values if value is not None), default=None)


def _open_state(path: Path, tell: Callable[[News], None]) -> State:
    """Open the state; a damaged one was moved aside, which is told before a new one begins."""
    try:
        return State.open(path)
    except StateDamagedError as error:
        tell(Trouble("state", str(error)))
        return State.open(path, wearer=error.wearer)


def _close_what_was_left_open(state: State, now: datetime) -> None:
    """Say of events that a crash interrupted that they are over, as far as they were seen."""
    interrupted = [
        replace(event, phase=Phase.END, cut_short=True)
        for event in state.events(since=now - RECENT)
        if event.phase is not Phase.END
    ]
    if interrupted:
        state.commit(at=now, events=interrupted)


def _resume_alarms(night: Night, state: State, tell: Callable[[News], None]) -> None:
    """Go on with the alarms that were open when the service last ended."""
    saved = state.saved("policy")
    if saved is None:
        return
    try:
        night.restore_policy(saved)
    except ValueError as error:
        tell(Trouble("alarms", f"{error}; open alarms of before are forgotten"))


def _begin_recording(
    path: Path, header: RecordingHeader, tell: Callable[[News], None]
) -> RecordingWriter | None:
    """Begin the night's file, or tell why there will be none: the night is watched anyway."""
    try:
        return RecordingWriter.create(path, header)
    except RecordingWriteError as error:
        tell(Trouble("recording", str(error)))
        return None


def _end_recording(recorder: RecordingWriter | None, tell: Callable[[News], None]) -> None:
    """Close the night's file; one in which nothing came is no night."""
    if recorder is None:
        return
    try:
        recorder.close()
        if not recorder.kept and not recorder.lost:
            recorder.path.unlink()
    except (RecordingWriteError, OSError) as error:
        tell(Trouble("recording", str(error)))


@asynccontextmanager
async def _provide_broker(settings: Settings, mqtt: bool, free_port: bool) -> AsyncIterator[Broker]:
    address = settings.mqtt.address
    choice: str | Endpoint = settings.mqtt.broker if mqtt else "none"
    if mqtt and address is not None:
        choice = Endpoint(
            host=address.host,
            port=address.port,
            username=settings.mqtt.username,
            password=settings.mqtt.secret(),
            tls=Tls() if address.tls else None,
            insecure=settings.mqtt.insecure,
        )
    port = 0 if free_port else settings.mqtt.port or 1883
    async with provide(choice, port=port) as broker:
        yield broker
