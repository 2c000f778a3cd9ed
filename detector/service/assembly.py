"""Assembly of a night from settings: state, recording, broker, publisher, and the service."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex

from detector.alert import Alert
from detector.alerts.commands import Command
from detector.alerts.conditions import Condition
from detector.alerts.learning import LearningNights
from detector.alerts.reception import Reception
from detector.alerts.response import AlertResponse
from detector.alerts.rules import BUTTON
from detector.config import Settings
from detector.events import Event, Origin
from detector.mqtt.broker import Broker
from detector.mqtt.contract import LEAVES, Topics
from detector.mqtt.home_assistant.serving import home_assistant
from detector.mqtt.publisher import Publisher
from detector.night.night import Night
from detector.push.channel import PushChannel
from detector.service.channels_out import Hearer, each_of, pushed, unreachable
from detector.service.checks.clock_check import ClockCheck
from detector.service.checks.command_watch import CommandWatch, check_may_command
from detector.service.checks.delivery import DeliveryWatch
from detector.service.checks.disk_space import DiskSpace
from detector.service.checks.lag import LagWatch
from detector.service.checks.link_watch import LinkWatch
from detector.service.checks.minimums_watch import MinimumsWatch
from detector.service.checks.push_watch import PushWatch
from detector.service.checks.self_test import EveningTest, open_tests
from detector.service.checks.starts import StartWatch
from detector.service.checks.troubles import NotedTroubles, TroubleCheck
from detector.service.ending import MQTT
from detector.service.parts import (
    broker_of,
    protection_of,
    retained,
    sound_of,
    started,
    unreached_of,
)
from detector.service.persistence.archive import Archive
from detector.service.persistence.opening import (
    Beginning,
    OpenedNight,
    open_night,
    open_state,
)
from detector.service.persistence.places import DataFolder
from detector.service.persistence.resumption import ANSWERS
from detector.service.persistence.return_to_disk import ReturnToDisk
from detector.service.presentation.answering import LEARNED, RESPONSE, Answering
from detector.service.presentation.health import vitals
from detector.service.presentation.local_sound import LocalSound
from detector.service.presentation.movement import RecentMovement
from detector.service.presentation.news import News
from detector.service.presentation.pausing import Pausing
from detector.service.service import STARTING, Service
from detector.sources.clock import Clock, HostClock
from detector.sources.source import Source
from detector.store.state import State, StateError


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
    tests: EveningTest
    deleted: tuple[Path, ...] = ()  # recordings older than the settings keep them
    open_before: tuple[Alert, ...] = ()  # that an earlier process left open
    goes_on: bool = False  # with a night that an earlier process began
    publisher: Publisher | None = None
    push: PushChannel | None = None
    sound: LocalSound | None = None  # on this computer
    reception: Reception = field(default_factory=Reception)
    starts: StartWatch = field(default_factory=lambda: StartWatch(0))
    beside: NotedTroubles = field(default_factory=NotedTroubles)  # for parts beside the service
    sources: tuple[Source, ...] = ()
    hearers: list[Hearer] = field(default_factory=list)  # of entries that are committed
    learning: LearningNights = field(default_factory=lambda: LearningNights(0, ""))
    movement: RecentMovement = field(default_factory=RecentMovement)

    @property
    def kept(self) -> bool:
        """Whether the night is on disk, not in memory only."""
        return self.archive.on_disk

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
        starts = started(state)
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
        deleted = retained(place, settings.recording.retention_nights, night, begun)
        broker = await broker_of(stack, settings, mqtt, free_port, begun)
        topics = Topics(prefix=settings.mqtt.prefix, wearer=state.wearer, origin=origin)
        publisher, delivery = None, None
        checks: list[TroubleCheck] = []
        reception = unreached_of(state, time.monotonic())
        tests = open_tests(settings, state, origin, clock, begun, here=broker.endpoint is None)
        if broker.endpoint is not None:
            boot_id = token_hex(8)

            def obey(command: Command) -> None:
                check_may_command(settings, broker)
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
                protection=protection_of(settings, topics, boot_id, clock),
                home_assistant=home_assistant(settings, topics, obey),
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
            sound = await sound_of(stack, settings, begun, alone=publisher is None)
        for found in state.troubles:
            begun.note(Condition.STATE, found)
        clocks = ClockCheck(HostClock(), before_ns=opened.clocks_before, same_boot=opened.same_boot)
        nobody = unreachable(reception, push, published=publisher is not None)
        answering = _answering(settings, opened, state, clock, nobody)
        movement = RecentMovement()
        hearers: list[Hearer] = [tests.committed]
        if delivery is not None:
            hearers.append(delivery.committed)
        if push is not None:
            hearers.append(push.committed)
        if not state.on_disk:
            back = ReturnToDisk(
                archive,
                state,
                place.state,
                clock,
                why=next(each.why for each in begun.troubles if each.name == Condition.MEMORY),
                channel=MQTT,
                publisher=publisher,
                reception=reception,
                tests=tests,
                answering=answering,
                may=lambda: (publisher is None or publisher.idle) and (push is None or push.idle),
            )
            checks.append(stack.enter_context(closing(back)))
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
                MinimumsWatch(
                    place.folder, night.own, now_s=lambda: clock.mono_ns() / 1e9, tell=tell
                ),
                *checks,
                *([] if push is None else [PushWatch(push)]),
                *([] if sound is None else [sound]),
                beside,
                tests,
            ],
            watched=each_of([movement.feed, *([] if publisher is None else [publisher.live.feed])]),
            committed=each_of(hearers),
            unlogged=each_of([] if push is None else [push.tell]),
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
            tests,
            deleted=tuple(deleted),
            open_before=opened.open_before,
            goes_on=opened.heard_until is not None,
            publisher=publisher,
            push=push,
            sound=sound,
            reception=reception,
            starts=starts,
            beside=beside,
            sources=tuple(sources),
            hearers=hearers,
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
    tonight = (whose.recording or "")[:10]
    learning = LearningNights(nights, tonight, known.get(LEARNED), known=state.on_disk)
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
