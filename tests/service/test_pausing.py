"""A pause is visible, committed, and over within the hour; then what is open is told again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.alert import Alert, AlertState, Level, to_dict
from detector.alerts.commands import CommandError, PauseAlerts
from detector.alerts.pause import MOST_MIN, Pause, hushed
from detector.alerts.response import AlertResponse
from detector.channels import EntryKind
from detector.config import read_configuration
from detector.devices.interpreter import Interpreter
from detector.devices.registry import installed
from detector.devices.stream import LinkUp
from detector.events import Kind, Origin
from detector.mqtt.contract import Command, Message
from detector.mqtt.link import Link
from detector.mqtt.security.keys import ServiceKeys, write_secret
from detector.night.outcome import Outcome
from detector.receiver.open_alerts import OpenAlerts, OpenNow, Sounds, is_urgent
from detector.service.assembly import Assembly, assembled
from detector.service.persistence.resumption import BOOT, PAUSE
from detector.service.presentation.answering import Answering
from detector.service.presentation.news import News
from detector.service.presentation.pausing import Pausing
from detector.sources.clock import HostClock, ScaledClock, clock_boot
from detector.sources.replay import ReplaySource
from detector.status import Snapshot, StateWord, Status
from detector.terminal.narrator import Narrator
from detector.terminal.output import NightOutput
from tests.alerts.open_alert import LOST
from tests.kit.waiting import until

S = 1_000_000_000
MIN_NS = 60 * S
SPEED = 100.0
NOW_NS = 1_795_903_200 * S
YEAR_S = 365 * 86_400


@given(
    minutes=st.integers(1, MOST_MIN),
    begun_ns=st.integers(0, 10**15),
    steps=st.lists(
        st.tuples(st.floats(0, 600), st.integers(-YEAR_S, YEAR_S), st.booleans()), max_size=20
    ),
)
def test_no_clock_and_no_restart_makes_a_pause_longer_than_was_asked_for(minutes, begun_ns, steps):
    pausing = Pausing(zone=UTC)
    pausing.begin(minutes, "anna", begun_ns)
    passed_s = 0.0
    for wait_s, wall_s, restarts in [*steps, (minutes * 60.0, 0, True)]:
        passed_s += wait_s
        mono_ns = begun_ns + round(passed_s * S)
        if restarts:
            pausing = Pausing(Pause.load(pausing.save(), same_boot=True), UTC)
        until = pausing.until(mono_ns, NOW_NS + wall_s * S)
        assert (until is not None) == (passed_s < minutes * 60)
    assert pausing.is_over(mono_ns)
    assert not pausing.is_over(mono_ns), "what is open is told again once"


@pytest.mark.parametrize("minutes", [0, -1, 61, 10**9])
def test_a_pause_of_more_than_an_hour_is_refused(minutes):
    with pytest.raises(ValueError, match="1 to 60 minutes"):
        Pausing().begin(minutes, "anna", 0)


anything = st.integers() | st.floats() | st.text()


@given(
    st.none()
    | st.text()
    | st.dictionaries(st.sampled_from(["by", "begun_ns", "until_ns"]), anything)
)
def test_a_saved_pause_that_cannot_be_is_none(saved):
    pause = Pause.load(saved, same_boot=True)
    assert pause is None or pause.until_ns - pause.begun_ns <= MOST_MIN * MIN_NS


def test_pauses_asked_for_in_a_flood_are_one():
    pausing = Pausing()
    pausing.begin(5, "anna", 0)
    with pytest.raises(ValueError, match="less than a second ago"):
        pausing.begin(60, "anna", S - 1)
    pausing.begin(6, "berta", S)
    assert pausing.until(6 * MIN_NS, NOW_NS) is not None
    assert pausing.until(6 * MIN_NS + S, NOW_NS) is None


def test_a_computer_that_was_started_anew_has_no_pause():
    saved = Pause.of(60, "anna", 5 * S).save()
    assert Pause.load(saved, same_boot=True) == Pause.of(60, "anna", 5 * S)
    assert Pause.load(saved, same_boot=False) is None
    assert Pause.load(saved, same_boot=None) is None


def test_a_pause_is_shown_before_all_else_and_says_what_is_so_beside_it():
    pausing = Pausing(zone=UTC)
    pausing.begin(30, "anna", 0)
    silent = Status(StateWord.NO_SIGNAL, why="out of range")
    shown = pausing.shown(silent, 0, NOW_NS)
    until = datetime.fromtimestamp(NOW_NS / S, UTC) + timedelta(minutes=30)

    assert shown.words == f"Paused until {until:%H:%M}"
    assert shown.why == "by anna; No signal – not watching: out of range"  # noqa: RUF001
    spasms = [
        Status(StateWord.SPASM, kind=Kind.CLONUS, why=f"steady beats for {n} s") for n in (5, 9)
    ]
    assert len({pausing.shown(each, 0, NOW_NS) for each in spasms}) == 1, "no new state every 5 s"
    assert pausing.shown(silent, S, NOW_NS + S + 3_000_000) == shown, "no change each second"
    assert pausing.shown(silent, 30 * MIN_NS, NOW_NS) == silent


def test_a_pause_wakes_nobody_and_changes_nothing_else():
    over = hushed(LOST)
    assert over == hushed(over)
    assert (over.level, over.id, over.state) == (Level.MEDIUM, LOST.id, AlertState.RAISED)


def test_a_receiver_that_starts_in_a_pause_is_told_of_what_is_open_and_not_woken():
    now = Snapshot(status=Status(StateWord.WATCHING), open_alerts=(LOST,))
    answering = Answering(AlertResponse(), Pausing())
    assert answering.shown(now, 0) == now
    answering.obey(PauseAlerts(by="anna", minutes=5), 0, NOW_NS)
    assert [a.level for a in answering.shown(now, S).open_alerts] == [Level.MEDIUM]
    assert answering.shown(now, 5 * MIN_NS) == now

    screen = OpenNow()
    body = to_dict(answering.shown(now, S).open_alerts[0])
    changes = screen.snapshot(OpenAlerts((body,), complete=True, sent=None))
    assert not any(map(is_urgent, [*changes.still, *changes.new]))
    again = replace(LOST, state=AlertState.REPEATED)
    assert screen.entry(again, late=False).sounds is Sounds.AGAIN, "the pause is over"


@dataclass
class Heard:
    """What a night told: its news, and its lines."""

    clock: ScaledClock
    news: list[News] = field(default_factory=list)

    def tell(self, news: News) -> None:
        self.news.append(news)
        Narrator(NightOutput(), self.clock.utc_ns, UTC).tell(news)

    @property
    def alerts(self) -> list[Alert]:
        return [a for told in self.news if isinstance(told, Outcome) for a in told.alerts]

    @property
    def watch(self) -> StateWord | None:
        said = [each.watch for each in self.news if isinstance(each, Status)]
        return said[-1] if said else None


def test_a_caregiver_pauses_a_night_over_mqtt_and_is_told_afterwards_what_is_open(
    config_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = ScaledClock(SPEED)
    heard = Heard(clock)
    link = LinkUp(1, "polar-verity-sense", "C0:5E", "Polar", clock.mono_ns(), clock.utc_ns())
    late = replace(link, session=2, mono_ns=link.mono_ns + 40 * MIN_NS)
    interpreter = Interpreter(installed())
    readings = [interpreter.feed(link), interpreter.feed(late)]

    async def night() -> list[tuple[EntryKind, str]]:
        settings = read_configuration(
            environ={}, flags={"data_dir": config_home, "mqtt.broker": "embedded"}
        ).settings
        made: Assembly
        async with assembled(
            settings,
            sources=[ReplaySource(readings, clock)],
            origin=Origin.SIMULATED,
            clock=clock,
            tell=heard.tell,
            pace=SPEED,
            free_port=True,
        ) as made:
            assert made.broker.endpoint is not None
            running = asyncio.create_task(made.service.run())
            anna = Link(made.broker.endpoint, "anna")
            linked = asyncio.create_task(anna.run())
            async with asyncio.timeout(10):
                await anna.connected()
                while heard.watch is not StateWord.PAUSED:
                    topic = made.topics.command(Command.PAUSE)
                    await anna.publish(Message(topic, '{"by": "anna", "minutes": 15}', expiry_s=60))
                    await asyncio.sleep(0.05)
            clock.advance_to(clock.mono_ns() + 10 * MIN_NS)
            await until(lambda: "no-signal" in [alert.kind for alert in heard.alerts])
            assert heard.watch is StateWord.PAUSED
            clock.advance_to(clock.mono_ns() + 10 * MIN_NS)
            await until(lambda: heard.watch is StateWord.NO_SIGNAL)
            entries = await made.archive.ask(lambda state: state.replay_from(1))
            linked.cancel()
            await made.service.stop()
            await running
        return [(entry.kind, entry.body) for entry in entries]

    entries = asyncio.run(night())
    told = [(a.state, a.level) for a in heard.alerts if a.kind == "no-signal"]

    assert told[:2] == [(AlertState.RAISED, Level.MEDIUM), (AlertState.REPEATED, Level.HIGH)]
    assert '"minutes": 15' in next(body for kind, body in entries if kind is EntryKind.COMMAND)
    assert any('"state": "paused"' in body for kind, body in entries if kind is EntryKind.STATUS)
    assert "Paused until " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("broker", "keys", "obeyed"),
    [
        ("mqtts://192.0.2.1", False, False),
        ("mqtts://192.0.2.1", True, True),
        ("mqtt://127.0.0.1:9", False, True),
    ],
)
def test_over_the_network_a_pause_without_keys_is_refused_and_says_what_makes_them(
    config_home: Path, broker: str, keys: bool, obeyed: bool
) -> None:
    """Anybody on the network could silence the alarms; with keys the gate asks for a signature."""
    flags: dict[str, object] = {"data_dir": config_home, "mqtt.broker": broker}
    flags |= {"mqtt.insecure": True}
    if keys:
        write_secret(config_home / "keys.json", ServiceKeys.new().with_new("anna").to_json())
        flags |= {"mqtt.signing_file": config_home / "keys.json"}
    clock = ScaledClock(1.0)

    async def night() -> tuple[str | None, StateWord]:
        settings = read_configuration(environ={}, flags=flags).settings
        async with assembled(
            settings,
            sources=[ReplaySource([], clock)],
            origin=Origin.LIVE,
            clock=clock,
            tell=lambda news: None,
        ) as made:
            assert made.publisher is not None
            try:
                made.publisher.requests._obey(PauseAlerts(by="anna", minutes=60))
            except CommandError as error:
                return str(error), made.service.status.watch
            return None, made.service.status.watch

    refusal, watch = asyncio.run(night())

    assert (watch is StateWord.PAUSED) == obeyed
    assert obeyed or "spasmwatch setup tls" in str(refusal)


@pytest.mark.parametrize("boot", ["another", None])
def test_a_pause_of_another_boot_is_gone_even_if_this_start_is_killed_at_once(
    config_home: Path, boot: str | None
) -> None:
    flags = {"data_dir": config_home, "mqtt.broker": "none", "alerts.sound": False}
    settings = read_configuration(environ={}, flags=flags).settings
    clock = HostClock()

    async def saved_pauses() -> list[object]:
        found: list[object] = []
        for earlier in (boot, clock_boot(clock), None):
            async with assembled(
                settings,
                sources=[ReplaySource([], clock)],
                origin=Origin.LIVE,
                clock=clock,
                tell=lambda _: None,
            ) as made:
                found.append(await made.archive.ask(lambda state: state.saved(PAUSE)))
                asked = Pause.of(60, "anna", clock.mono_ns()).save()
                kept = {PAUSE: asked, BOOT: earlier}
                await made.archive.ask(
                    lambda state, kept=kept: state.commit(at=datetime.now(UTC), saved=kept)
                )
        return found

    first, of_another_boot, of_this_boot = asyncio.run(saved_pauses())
    assert first is of_another_boot is None
    assert of_this_boot is not None
