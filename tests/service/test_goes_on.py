"""What a night that is gone on with says of the time in which nobody watched."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from detector.alert import Alert, AlertClass, AlertState, Level
from detector.config import read_configuration
from detector.devices.interpreter import Interpreter
from detector.devices.registry import installed
from detector.devices.stream import Item, LinkUp, Packet, Reading
from detector.events import Event, Kind, Origin, Phase
from detector.night.liveness import NO_SAMPLES, SILENT_S
from detector.night.night import Night
from detector.night.outcome import Outcome
from detector.service.assembly import Assembly, assembled
from detector.service.persistence.resumption import ROWS
from detector.service.presentation.news import News, NightOver, WatchedAgain
from detector.sources.clock import ScaledClock
from detector.sources.replay import ReplaySource
from detector.status import StateWord, Status
from detector.terminal.narrator import Narrator
from detector.terminal.output import NightOutput
from tests.pin.inputs import sensors

from .left_behind import RULES, worn

S = 1_000_000_000
EVENING = datetime(2026, 11, 20, 22, 39, 2, tzinfo=UTC)
SPEED = 100.0


def polar() -> tuple[Item, ...]:
    return next(each.items for each in sensors() if each.name == "polar-verity-sense-spasms")


def dated_now(items: Sequence[Item], clock: ScaledClock, session: int) -> list[Reading]:
    """Return the readings of one session, as if it began now."""
    mono_ns = clock.mono_ns() - items[0].mono_ns
    utc_ns = clock.utc_ns() - items[0].utc_ns
    interpreter = Interpreter(installed())
    return [
        interpreter.feed(
            replace(
                each,
                session=session,
                mono_ns=each.mono_ns + mono_ns,
                utc_ns=each.utc_ns + utc_ns,
            )
        )
        for each in items
    ]


class StaysConnected(ReplaySource):
    """A source that ends only when it is let go: a night that is over is not gone on with."""

    def __init__(self, readings: Iterable[Reading], clock: ScaledClock) -> None:
        super().__init__(readings, clock)
        self.let_go = asyncio.Event()
        self._time = clock

    async def readings(self) -> AsyncIterator[Reading]:
        async for reading in super().readings():
            yield reading
        self._time.advance_to(0)  # it stood still for the last one, and nothing is saved then
        await self.let_go.wait()


def test_a_night_that_is_gone_on_with_is_not_called_watched_before_samples_come(
    config_home: Path,
) -> None:
    """A copy of its folder is what a kill leaves."""
    items = [each for each in polar()[:60] if each.session == 1]
    news: list[list[News]] = [[], []]

    async def watch(data: Path, number: int, left: Path | None = None) -> Assembly:
        settings = read_configuration(
            environ={}, flags={"data_dir": data, "mqtt.broker": "none"}
        ).settings
        clock = ScaledClock(SPEED)
        readings: list[Reading] = []
        source = StaysConnected(readings, clock)
        async with assembled(
            settings,
            sources=[source],
            origin=Origin.SIMULATED,
            clock=clock,
            tell=news[number].append,
            pace=SPEED,
        ) as made:
            clock.advance_to(clock.mono_ns() + 20 * S)  # while it looks for the sensor
            readings += dated_now(items, clock, number + 1)
            running = asyncio.create_task(made.service.run())
            if left is not None:
                while Status(StateWord.WATCHING) not in news[number]:
                    await asyncio.sleep(0)
                while not any(await made.archive.ask(lambda state: state.saved(ROWS)) or []):
                    await asyncio.sleep(0)  # a commit waits for the recording's thread
                await made.archive.ask(lambda _: shutil.copytree(data, left))
            source.let_go.set()
            await running
        return made

    async def twice() -> list[Assembly]:
        data, left = config_home / "data", config_home / "left"
        return [await watch(data, 0, left), await watch(left, 1)]

    first, second = asyncio.run(twice())
    words = [
        each.watch if isinstance(each, Status) else each
        for each in news[1]
        if isinstance(each, Status | WatchedAgain)
    ]

    assert (first.goes_on, second.goes_on) == (False, True)
    assert not [each for each in news[0] if isinstance(each, WatchedAgain)]
    assert words[0] is StateWord.NO_SIGNAL
    (again,) = [each for each in words if isinstance(each, WatchedAgain)]
    assert words.index(again) == words.index(StateWord.WATCHING) - 1
    assert again.until - again.since >= timedelta(seconds=19)
    over = news[1].index(NightOver())
    assert not [each for each in news[1][over:] if isinstance(each, WatchedAgain)]


def test_a_sensor_is_not_said_to_be_mute_before_it_is_late() -> None:
    """From its connection to its first samples every sensor takes a moment."""
    night = Night(worn(), rules=RULES)
    night.tick(0, 0)
    night.take(Reading(LinkUp(1, "polar-verity-sense", "C0:5E", "Polar", S, S)))
    late_ns = round(SILENT_S * S)

    assert night.silence(S) == night.silence(late_ns) == "the sensor was not heard yet"
    assert night.silence(S + late_ns) == NO_SAMPLES
    night.take(Reading(Packet(1, "x", b"", 2 * S, 2 * S)))
    assert night.silence(S + late_ns) == NO_SAMPLES


@pytest.mark.parametrize(
    ("gap_s", "says"),
    [
        (128.0, "The night goes on. Not watched from 22:39:02 to 22:41:10 (2 min 8 s)."),
        (4.0, "The night goes on. Not watched from 22:39:02 to 22:39:06 (4.0 s)."),
        (0.9, ""),
        (-3.0, ""),
    ],
)
def test_what_was_not_watched_is_one_line(
    capsys: pytest.CaptureFixture[str], gap_s: float, says: str
) -> None:
    narrator = Narrator(NightOutput(), lambda: round(EVENING.timestamp() * S), UTC)
    narrator.tell(WatchedAgain(EVENING, EVENING + timedelta(seconds=gap_s)))

    assert capsys.readouterr().out.partition("  ")[2].strip() == says


def test_an_alert_that_was_left_open_is_named_where_lines_are_read(
    capsys: pytest.CaptureFixture[str],
) -> None:
    alert = Alert(
        id="0",
        episode="1",
        state=AlertState.RAISED,
        alert_class=AlertClass.CLINICAL,
        level=Level.HIGH,
        kind="spasm",
        reason="3 spasms in 10min",
        rule="3 spasms in 10min",
    )
    for json in (False, True):
        narrator = Narrator(NightOutput(json=json), lambda: 0, UTC)
        narrator.left_open([alert])
        said, talked = capsys.readouterr()
        assert (talked if json else said) == (
            "00:00:00  Still open from before: 3 spasms in 10 min.\n"
        )
        assert (said if json else talked) == ""


def test_an_event_that_the_end_of_the_night_cut_short_had_no_gap(
    capsys: pytest.CaptureFixture[str],
) -> None:
    event = Event(
        id="0",
        kind=Kind.SPASM,
        phase=Phase.END,
        onset_s=754.2,
        duration_s=13.0,
        confidence=0.9,
        reason="steady beats",
        cut_short=True,
    )
    narrator = Narrator(NightOutput(), lambda: 0, UTC)
    for news in (Outcome((event,)), NightOver(), Outcome((replace(event, id="1"),))):
        narrator.tell(news)

    assert [line.partition("beats. ")[2] for line in capsys.readouterr().out.splitlines()] == [
        "Cut short by a gap.",
        "Cut short: the night ended.",
    ]
