"""Assembly of a night from settings: state, recording, broker, publisher, and the service."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

from detector.alert import Alert
from detector.alerts.commands import Command, CommandError
from detector.alerts.conditions import Condition
from detector.alerts.learning import LearningNights
from detector.alerts.reception import Reception, must_reach
from detector.alerts.response import AlertResponse
from detector.alerts.rules import BUTTON
from detector.boot import host_boot_id
from detector.channels import EntryKind
from detector.config import Settings
from detector.errors import LinkError
from detector.events import Event, Origin
from detector.mqtt.broker import Broker, provide
from detector.mqtt.contract import LEAVES, Topics
from detector.mqtt.endpoint import configured
from detector.mqtt.publisher import Publisher
from detector.mqtt.security.protection import Protection, protection
from detector.night.night import Night
from detector.push.channel import PushChannel
from detector.service.channels_out import in_turn, pushed, unreachable
from detector.service.checks.clock_check import ClockCheck
from detector.service.checks.command_watch import CommandWatch
from detector.service.checks.delivery import DeliveryWatch
from detector.service.checks.disk_space import DiskSpace
from detector.service.checks.lag import LagWatch
from detector.service.checks.link_watch import LinkWatch
from detector.service.checks.push_watch import PushWatch
from detector.service.checks.self_test import open_tests
from detector.service.checks.starts import StartWatch, note_start
from detector.service.checks.troubles import NotedTroubles, TroubleCheck
from detector.service.ending import MQTT
from detector.service.persistence import retention
from detector.service.persistence.archive import Archive
from detector.service.persistence.opening import (
    Beginning,
    OpenedNight,
    open_night,
    open_state,
)
from detector.service.persistence.places import DataFolder
from detector.service.persistence.resumption import ANSWERS, ENDED
from detector.service.presentation.answering import LEARNED, RESPONSE, Answering
from detector.service.presentation.health import vitals
from detector.service.presentation.local_sound import LocalSound, sounding_here
from detector.service.presentation.movement import RecentMovement
from detector.service.presentation.news import News
from detector.service.presentation.pausing import Pausing
from detector.service.service import STARTING, Service
from detector.sources.clock import Clock, HostClock
from detector.sources.source import Source
from detector.store.state import State, StateError
from detector.words.delivery import not_started_words


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
    open_before: tuple[Alert, ...] = ()  # that an earlier process left open
    goes_on: bool = False  # with a night that an earlier process began
    kept: bool = True  # on disk, not in memory only
    publisher: Publisher | None = None
    push: PushChannel | None = None
    reception: Reception = field(default_factory=Reception)
    starts: StartWatch = field(default_factory=lambda: StartWatch(0))
    beside: NotedTroubles = field(default_factory=NotedTroubles)  # for parts beside the service
    sources: tuple[Source, ...] = ()
    learning: LearningNights = field(default_factory=lambda: LearningNights(0, ""))
    movement: RecentMovement = field(default_factory=RecentMovement)

    @property
    def losses(self) -> Mapping[str, int]:
        """What was refused or lost since the start, by the names of `mqtt.payloads.COUNTS`."""
        return self.service.losses if self.publisher is None else self.publisher.losses

    @property
    def last_refusal(self) -> str | None:
        """Why the latest command that was not obeyed was not."""
        return None if self.publisher is None else self.publisher.requests.last_refusal

    async def unkept(self) -> list[Event]:
        """Return the events that are on no disk, each in its latest form."""
        found = list(self.service.uncommitted_events)
        if not self.kept:
            with suppress(StateError):
                found = [*await self.archive.ask(lambda state: state.events()), *found]
        return list({event.id: event for event in found}.values())

    async def waiting(self) -> int:
        """Return the number of messages that reached nobody; 0 where that cannot be read."""
        with suppress(StateError):
            return await self.archive.log_of(MQTT).waiting(LEAVES)
        return 0


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
        begun = Beginning(tell)
        watched = [sensor for sensor, _ in zip(settings.sensors, sources, strict=False)]
        place = DataFolder.of(settings.data_dir, origin)
        state = stack.enter_context(open_state(place, begun))
        state.open_channel(MQTT, from_start=True)
        starts = _start(state)
        archive = stack.enter_context(closing(Archive(state)))
        opened = open_night(
            settings,
            watched,
            place,
            state,
            origin=origin,
            clock=clock,
            beginning=begun,
            stack=stack,
        )
        night, recorders = opened.night, opened.recorders
        for source, last in zip(sources, opened.connections, strict=True):
            source.go_on(*last)
        deleted = _retain(place, settings.recording.retention_nights, night, begun)
        broker = await _enter_broker(stack, settings, mqtt, free_port, begun)
        topics = Topics(prefix=settings.mqtt.prefix, wearer=state.wearer, origin=origin)
        publisher, delivery = None, None
        checks: list[TroubleCheck] = []
        reception = _unreached(state, time.monotonic())
        tests = open_tests(settings, state, origin, clock, begun, here=broker.endpoint is None)
        if broker.endpoint is not None:
            boot_id = token_hex(8)

            def obey(command: Command) -> None:
                _check_may_command(settings, broker)
                service.obey(command)

            publisher = Publisher(
                broker.endpoint,
                archive.log_of(MQTT),
                topics,
                boot_id=boot_id,
                status=STARTING,
                vitals=lambda: vitals(night, clock),
                reception=reception,
                reports_nobody=broker.kind != "embedded",
                paths=tests,
                obey=obey,
                losses=lambda: {**service.losses, "broker_restarts": broker.restarts},
                protection=_protection(settings, topics, boot_id, clock),
            )
            delivery = DeliveryWatch(publisher, reception, broker)
            checks = [delivery, CommandWatch(publisher.requests)]

        def announce(part: str, why: str) -> None:
            service.failed(part, why)

        push = await stack.enter_async_context(
            pushed(
                settings,
                state,
                archive,
                place.folder,
                live=origin is Origin.LIVE,
                reception=reception,
                begun=begun,
                announce=announce,
            )
        )
        sound = None
        if settings.alerts.sound and origin is Origin.LIVE:
            sound = await _sound_of(stack, settings, begun, alone=publisher is None)
        for found in state.troubles:
            begun.note(Condition.STATE, found)
        clocks = ClockCheck(HostClock(), before_ns=opened.clocks_before, same_boot=opened.same_boot)
        nobody = unreachable(reception, push, published=publisher is not None)
        answering = _answering(settings, opened, state, clock, nobody)
        movement = RecentMovement()
        lag, beside = LagWatch(night, sources, clock, pace=pace), NotedTroubles()
        service = Service(
            sources=sources,
            night=night,
            archive=archive,
            clock=clock,
            tell=tell,
            recorders=recorders,
            publisher=publisher,
            checks=[
                LinkWatch(sources),
                lag,
                starts,
                clocks,
                DiskSpace(place.folder),
                *checks,
                *([] if push is None else [PushWatch(push)]),
                *([] if sound is None else [sound]),
                beside,
                tests,
            ],
            watched=in_turn(movement.feed, None if publisher is None else publisher.live.feed),
            unlogged=in_turn(None if push is None else push.tell),
            committed=in_turn(
                tests.committed,
                None if delivery is None else delivery.committed,
                None if push is None else push.committed,
            ),
            sound=None if sound is None else sound.tell,
            tests=tests,
            pace=pace,
            troubles=begun.troubles,
            told=opened.told,
            heard_until=opened.heard_until,
            answering=answering,
        )
        recordings = tuple(recorder.path for recorder in recorders if recorder is not None)
        yield Assembly(
            service,
            night,
            archive,
            broker,
            topics,
            recordings,
            place.state,
            deleted=tuple(deleted),
            open_before=opened.open_before,
            goes_on=opened.heard_until is not None,
            kept=all(trouble.name != Condition.MEMORY for trouble in begun.troubles),
            publisher=publisher,
            push=push,
            reception=reception,
            starts=starts,
            beside=beside,
            sources=tuple(sources),
            learning=answering.learning,
            movement=movement,
        )


def _answering(
    settings: Settings,
    opened: OpenedNight,
    state: State,
    clock: Clock,
    unreached: Callable[[str], bool],
) -> Answering:
    """Return what people make of the alerts, as an earlier process left it."""
    whose, options = opened.night.worn[0].provenance, settings.alerts
    saved = state.saved(ANSWERS)
    known = saved if isinstance(saved, dict) else {}
    nights = options.learning_nights if whose.source is Origin.LIVE else 0
    learning = LearningNights(nights, (whose.recording or "")[:10], known.get(LEARNED))
    response = AlertResponse(
        wearer=whose.wearer,
        source=whose.source,
        calls=BUTTON in options.wake_for,
        refractory_s=options.refractory_min * 60.0,
        learning=learning.number is not None,
    )
    response.load(known.get(RESPONSE), clock.mono_ns(), same_boot=opened.same_boot)
    return Answering(
        response,
        Pausing(opened.pause, settings.wearer.zone),
        learning=learning,
        unreachable=unreached,
    )


def _check_may_command(settings: Settings, broker: Broker) -> None:
    """Raise CommandError unless people command from this computer, or signed.

    No stranger on the network may silence alarms, or write into the wearer's night.
    """
    here = broker.endpoint is not None and broker.endpoint.is_local
    if not here and settings.mqtt.signing_file is None:
        raise CommandError(
            "over the network what a person says must be signed: "
            "`spasmwatch setup tls` makes the keys"
        )


def _protection(
    settings: Settings, topics: Topics, boot_id: str, clock: Clock
) -> Protection | None:
    """Return what signs and judges messages; None where the settings name no keys."""
    if settings.mqtt.signing_file is None:
        return None
    return protection(
        settings.mqtt.signing_file,
        topics,
        boot_id=boot_id,
        utc_s=clock.utc_ns() / 1e9,
        mono_s=asyncio.get_running_loop().time,
    )


def _start(state: State) -> StartWatch:
    """Record that a process begins, before anything in it can fail."""
    return note_start(
        state,
        boot=host_boot_id() or "",
        mono_s=time.monotonic(),
        at=datetime.now(UTC),
        last_ended=state.saved(ENDED) is True,
    )


async def _sound_of(
    stack: AsyncExitStack, settings: Settings, begun: Beginning, *, alone: bool
) -> LocalSound | None:
    """Return an observer that sounds on this computer; None, with a note, where there is none."""
    command = settings.alerts.sound_command
    try:
        sounding = await stack.enter_async_context(sounding_here(command))
    except OSError as error:
        begun.note(Condition.SOUND, f"this computer cannot sound an alarm: {error}")
        return None
    mono_s = asyncio.get_running_loop().time
    return LocalSound(sounding, command=command, alone=alone, mono_s=mono_s)


def _unreached(state: State, now_s: float) -> Reception:
    """Return which alerts of an earlier process have reached nobody yet."""
    reception = Reception()
    with suppress(StateError):
        refused = [each.entry for each in state.refused(MQTT)]
        for entry in [*state.read(MQTT), *refused]:
            if entry.kind is EntryKind.ALERT and must_reach(entry.body):
                reception.wait_for(entry.n, now_s)
    return reception


def _retain(place: DataFolder, nights: int, night: Night, begun: Beginning) -> list[Path]:
    current = min(worn.provenance.recording or "" for worn in night.worn)[:10]
    doomed = retention.expired(place.nights, nights=nights, current=current)
    deleted, trouble = retention.delete(doomed)
    if trouble is not None:
        begun.note(Condition.RETENTION, trouble)
    return deleted


async def _enter_broker(
    stack: AsyncExitStack, settings: Settings, mqtt: bool, free_port: bool, begun: Beginning
) -> Broker:
    """Return a broker that runs until the stack closes; `none`, with a note, where none starts."""
    options = settings.mqtt
    choice = (configured(options) or options.broker) if mqtt else "none"
    port = 0 if free_port else options.port or 1883
    own = provide(
        choice, port=port, username=options.username, password=options.secret(), patient=True
    )
    try:
        broker = await stack.enter_async_context(own)
    except (LinkError, OSError) as error:
        begun.note(Condition.BROKER, f"no alert leaves this computer: {error}")
        return Broker("none", None)
    if broker.last_error is not None:
        begun.note(Condition.BROKER, not_started_words(broker.last_error))
    return broker
