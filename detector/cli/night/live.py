"""Watch a night from the command line: open the source, run the service, end it."""

from __future__ import annotations

import asyncio
import logging
import signal
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from shlex import quote
from typing import Generic, TypeVar

from detector.cli.night.night_screen import NightScreen, night_screen
from detector.cli.night.simulated import ENDING_S, OVER, sample_timed, simulated_sensor, source_on
from detector.config import Settings
from detector.events import Origin
from detector.mqtt.contract import Leaf
from detector.mqtt.publisher import Publisher
from detector.recognition.rules.opinions import DEFAULT_MODEL, load_model
from detector.service.assembly import Assembly, assembled
from detector.service.diagnostics import logging_to
from detector.service.persistence.places import DataFolder
from detector.service.presentation.oversight import overseen
from detector.service.service import Service
from detector.sources.ble import BleSource
from detector.sources.clock import Clock, HostClock, ScaledClock
from detector.sources.radio import Adapter
from detector.sources.replay import PIECE_S, ReplaySource
from detector.sources.source import Source
from detector.store.formats.reader import open_recording
from detector.terminal.failures import NOT_KEPT, NOT_WHOLE
from detector.terminal.invocation import program_name
from detector.terminal.narrator import Narrator
from detector.terminal.output import NightOutput, Output
from detector.words.alerts import learning_words
from detector.words.endings import NightEnd, ending_json, ending_lines
from detector.words.phrases import NOTICE, sentence

T = TypeVar("T")

log = logging.getLogger(__name__)

WHOSE = {"url": "from your settings", "found": "which runs here already"}  # a broker, by its kind


@dataclass(frozen=True, slots=True)
class Wish:
    """The options of `run` that choose the source."""

    source: str
    file: Path | None
    speed: float
    scenario: str
    seed: int
    radio: str | None


@dataclass(frozen=True, slots=True)
class _Chosen:
    sources: tuple[Source, ...]
    clock: Clock
    origin: Origin
    speed: float
    ended: asyncio.Future[int] | None = None  # the simulated sensor has played its trace
    damage: Callable[[], list[str]] = list  # of the file that was played, known at the end


async def watch_night(
    out: Output,
    settings: Settings,
    wish: Wish,
    *,
    until: datetime | None,
    mqtt: bool,
    live: bool = False,
    begun: Callable[[], None] = lambda: None,
) -> int:
    """Watch until the source ends, the end time comes or a person stops it.

    Parameters
    ----------
    live : show the present state under the lines, redrawn in place
    begun : called once everything is open, before the first sample

    Returns
    -------
    the exit code
    """
    out = NightOutput.of(out)
    zone = settings.wearer.zone
    async with AsyncExitStack() as stack:
        level, as_json = settings.log.level, settings.log.format == "json"
        stack.enter_context(logging_to(settings.data_dir, level=level, as_json=as_json))
        for worn in settings.sensors:  # kept; it is no time of a night whose clock runs fast
            load_model(DEFAULT_MODEL, site=worn.placement)
        chosen = await stack.enter_async_context(_chosen(settings, wish))
        later = partial(asyncio.get_running_loop().call_later, ENDING_S)
        narrator = Narrator(
            out,
            chosen.clock.utc_ns,
            zone,
            label=settings.wearer.label,
            later=None if chosen.ended is None else later,
        )
        async with assembled(
            settings,
            sources=chosen.sources,
            origin=chosen.origin,
            clock=chosen.clock,
            tell=narrator.tell,
            pace=chosen.speed,
            mqtt=mqtt,
        ) as made:
            _introduce(made, settings, out)
            if made.publisher is not None:
                saying = _say_once_connected(out, made.publisher)
                stack.enter_context(_Cancelled(asyncio.ensure_future(saying)))
            if wish.source == "file" and wish.file is not None:
                begins = f"Playing {wish.file.name}."
            else:
                begins = f"Looking for the sensor{'s' if len(chosen.sources) > 1 else ''}."
            if made.goes_on:
                begins = f"The night goes on. {begins}"
            narrator.left_open(made.open_before)
            begun()
            begin = partial(out.say, f"{begins} Ctrl-C ends the night.")
            folder = DataFolder.of(settings.data_dir, chosen.origin).folder
            ending = Ending(made.service, narrator)
            screen = NightScreen(
                out,
                made,
                chosen.clock,
                label=settings.wearer.label,
                zone=zone,
                stop=ending.interrupt,
            )
            async with (
                overseen(made, settings, folder, chosen.clock, note=out.say),
                night_screen(screen, out, live=live),
            ):
                await _watch(made.service, ending, chosen.ended, until, begin)
            night = made.night
            ended = NightEnd(
                monitored_s=night.monitored_s,
                samples=night.samples,
                gap_count=night.gap_count,
                longest_gap_s=night.longest_gap_s,
                counts=night.counts,
                contexts=night.contexts,
                alerts=narrator.alerts,
                recordings=[path for path in made.recordings if path.exists()],
                open_alerts=night.open_alerts,
                waiting=await made.waiting() if mqtt and settings.mqtt.broker != "none" else 0,
                not_kept=None if made.kept else settings.data_dir,
                went_on=made.goes_on,
                incomplete=made.service.recording_failed,
                losses=made.losses,
                last_refusal=made.last_refusal,
                unkept=await made.unkept(),
                zone=zone,
                report=_report_command(made, settings, chosen.origin),
            )
        if out.json:
            out.data(ending_json(ended))
        for line in ending_lines(ended, program_name()):
            out.result(line)
        for told in chosen.damage():
            out.say(told)
        if ended.unkept:
            return NOT_KEPT
        return NOT_WHOLE if any(chosen.damage()) else 0


def _report_command(made: Assembly, settings: Settings, origin: Origin) -> str:
    """Return the command that reports the night, wherever its data folder is."""
    if not made.kept:
        return ""
    program = program_name()
    recordings = [path for path in made.recordings if path.exists()]
    if recordings:
        return f"{program} report {quote(str(recordings[0]))}"
    which = {Origin.LIVE: "", Origin.SIMULATED: " --simulated", Origin.REPLAY: " --replayed"}
    return f"{program} --data-dir {quote(str(settings.data_dir))} report{which[origin]}"


def _introduce(made: Assembly, settings: Settings, out: Output) -> None:
    """Say where the night goes, and what there is to know before it begins."""
    out.say(NOTICE)
    if made.broker.note:
        out.say(sentence(made.broker.note))
    if made.broker.endpoint is not None:
        topic = made.topics.of(Leaf.EVENT).removesuffix(f"/{Leaf.EVENT}")
        whose = WHOSE.get(made.broker.kind, f"its own, {made.broker.kind}")
        out.say(f"Will publish to {made.broker.endpoint} ({whose}), topics {topic}/…")
    for recording in made.recordings:
        out.say(f"Recording to {recording}")
    for gone in made.deleted:
        out.say(f"Deleted {gone.name}: older than {settings.recording.retention_nights} nights")
    if made.learning.number is not None:
        out.say(learning_words(made.learning.number, made.learning.most))


async def _say_once_connected(out: Output, publisher: Publisher) -> None:
    await publisher.link.connected()
    out.say(f"Publishing to {publisher.link.endpoint}.")


class Ending:
    """How a night ends on somebody's wish: once, whoever asks how often."""

    def __init__(self, service: Service, narrator: Narrator) -> None:
        self._service, self._narrator = service, narrator
        self.tasks: list[asyncio.Task[None]] = []

    def stop(self, why: str | None = None) -> None:
        """End the night; say why where it is nobody's wish."""
        if not self.tasks:
            self._narrator.end(why)
            self.tasks.append(asyncio.get_running_loop().create_task(self._service.stop()))

    def interrupt(self) -> None:
        """End the night, as a key at the terminal asks for."""
        self._narrator.begin_line()
        self.stop()


async def _watch(
    service: Service,
    ending: Ending,
    ended: asyncio.Future[int] | None,
    until: datetime | None,
    begin: Callable[[], None],
) -> None:
    """Watch until the source ends, the end time comes, or a person stops it.

    `begin` is called as soon as Ctrl-C ends the night, and no sooner.
    """
    loop = asyncio.get_running_loop()

    def terminal_gone() -> None:
        """Go on: a lost connection or a closed window is nobody's wish to end the night."""
        loop.add_signal_handler(signal.SIGHUP, lambda: None)  # the shell tells it, too
        log.warning("the terminal is gone: the night goes on")

    def played(simulator: asyncio.Future[int]) -> None:
        if not simulator.cancelled():
            ending.stop(None if simulator.result() else OVER)

    loop.add_signal_handler(signal.SIGINT, ending.interrupt)
    loop.add_signal_handler(signal.SIGTERM, ending.stop)
    loop.add_signal_handler(signal.SIGHUP, terminal_gone)
    if ended is not None:
        ended.add_done_callback(played)
    if until is not None:
        loop.call_later((until - datetime.now(until.tzinfo)).total_seconds(), ending.stop)
    try:
        begin()
        await service.run()
    finally:
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(number)
        # A second Ctrl-C must not take the last lines away: they come within seconds.
        loop.add_signal_handler(signal.SIGINT, lambda: None)
        await asyncio.gather(*ending.tasks)


@asynccontextmanager
async def _chosen(settings: Settings, wish: Wish) -> AsyncIterator[_Chosen]:
    device = settings.sensor.device
    async with AsyncExitStack() as stack:
        if wish.source == "ble":
            clock, adapter = HostClock(), Adapter()
            sources = tuple(
                BleSource(
                    device=worn.device,
                    driver=worn.driver,
                    name=worn.name,
                    clock=clock,
                    adapter=adapter,
                    hci=worn.adapter,
                    switch_on=worn.power_on_adapter,
                    waits=True,
                )
                for worn in settings.sensors
            )
            yield _Chosen(sources, clock, Origin.LIVE, 1.0)
        elif wish.source == "file":
            assert wish.file is not None  # noqa: S101 - `run` has refused that
            scaled = ScaledClock(wish.speed)
            reader = stack.enter_context(open_recording(wish.file))
            pieces = reader.readings(piece_s=PIECE_S, undated_ns=scaled.utc_ns())
            played = ReplaySource(pieces, scaled)
            yield _Chosen(
                (played,),
                scaled,
                Origin.REPLAY,
                wish.speed,
                damage=lambda: [found for found in [reader.damage()] if found],
            )
        elif wish.radio is not None:
            scaled = ScaledClock(wish.speed)
            adapter = Adapter()
            simulated = tuple(
                sample_timed(
                    source_on(wish.radio, scaled, worn.device, adapter, name=worn.name), scaled
                )
                for worn in settings.sensors
            )
            yield _Chosen(simulated, scaled, Origin.SIMULATED, wish.speed)
        else:
            from firmware_sim.trace_files import checked

            trace = _scenario_trace(stack, wish) if wish.file is None else checked(wish.file)
            sensor = await stack.enter_async_context(
                simulated_sensor(trace, speed=wish.speed, device=device)
            )
            ended = stack.enter_context(_Cancelled(asyncio.ensure_future(sensor.air.wait())))
            yield _Chosen((sensor.source,), sensor.clock, Origin.SIMULATED, wish.speed, ended)


def _scenario_trace(stack: AsyncExitStack, wish: Wish) -> Path:
    from firmware_sim.trace_files import make_trace, save_trace

    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="spasmwatch-")))
    path = folder / f"{wish.scenario}-{wish.seed}.npz"
    save_trace(make_trace(wish.scenario, seed=wish.seed), path)
    return path


class _Cancelled(Generic[T]):
    """Cancel a future at the end of the block."""

    def __init__(self, future: asyncio.Future[T]) -> None:
        self._future = future

    def __enter__(self) -> asyncio.Future[T]:
        return self._future

    def __exit__(self, *_: object) -> None:
        self._future.cancel()
