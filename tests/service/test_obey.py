"""What a person says to a night is done, logged and kept, whatever restarts."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from detector.alert import Alert, AlertClass, AlertState, Level
from detector.alerts.commands import (
    Acknowledge,
    AddNote,
    CallForHelp,
    Command,
    CommandError,
    LabelEvent,
    MarkSpasm,
    PauseAlerts,
    ResumeAlerts,
    SaidKind,
    Snooze,
    from_dict,
)
from detector.alerts.response import BLIND_ANSWER_S
from detector.channels import EntryKind
from detector.devices.profile import ButtonPressed
from detector.devices.stream import LinkUp, Reading
from detector.service.assembly import Assembly
from detector.service.presentation.answering import MOST_COMMANDS
from detector.sources.clock import HostClock
from detector.status import StateWord
from tests.kit.silent_night import watching
from tests.kit.waiting import until

S = 1_000_000_000
MIN_NS = 60 * S
SPEED = 100.0


class AheadClock(HostClock):
    """The host's clocks, and time that has passed besides; they are of the host's boot."""

    def __init__(self) -> None:
        self._ahead_ns = 0

    def mono_ns(self) -> int:
        return super().mono_ns() + self._ahead_ns

    def utc_ns(self) -> int:
        return super().utc_ns() + self._ahead_ns

    def pass_on(self, by_ns: int) -> None:
        self._ahead_ns += by_ns


async def told(made: Assembly) -> list[tuple[EntryKind, dict[str, Any]]]:
    entries = await made.archive.ask(lambda state: state.replay_from(1))
    return [(entry.kind, json.loads(entry.body)) for entry in entries]


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (Acknowledge(by="anna"), EntryKind.COMMAND),
        (Snooze(by="anna", minutes=10), EntryKind.COMMAND),
        (PauseAlerts(by="anna", minutes=30), EntryKind.COMMAND),
        (CallForHelp(by="maria"), EntryKind.COMMAND),
        (MarkSpasm(by="maria"), EntryKind.NOTE),
        (AddNote(by="maria", text="took baclofen"), EntryKind.NOTE),
        (LabelEvent(by="anna", event="e1", verdict=SaidKind.CLONUS), EntryKind.LABEL),
    ],
)
def test_every_command_is_an_entry_of_the_log_as_it_was_said(
    config_home: Path, command: Command, kind: EntryKind
) -> None:
    async def night() -> list[tuple[EntryKind, dict[str, Any]]]:
        async with watching(config_home, AheadClock(), pace=SPEED) as made:
            made.service.obey(command)
            await until(lambda: made.service._committer.idle)
            return await told(made)

    said = [(k, body) for k, body in asyncio.run(night()) if body["schema"] == "command/1"]
    ((found, body),) = said
    assert found is kind
    assert body["wearer"]
    assert body["source"] == "live"
    assert datetime.fromisoformat(body["said_at"]).tzinfo is not None
    again = from_dict(body)
    assert again == (replace(command, at=again.at) if hasattr(command, "at") else command)


class StoodClock(HostClock):
    """The host's monotonic clock, and a wall clock that stands still."""

    def utc_ns(self) -> int:
        return 1_795_500_000 * S


def test_what_is_said_at_once_is_taken_back_one_by_one(config_home: Path) -> None:
    async def night() -> list[dict[str, Any]]:
        async with watching(config_home, StoodClock(), pace=SPEED) as made:
            for name in ("e1", "e2", "e3"):
                label = LabelEvent(by="anna", event=name, verdict=SaidKind.SPASM)
                made.service.obey(label)
            await until(lambda: made.service._committer.idle)
            return [body for kind, body in await told(made) if kind is EntryKind.LABEL]

    moments = [each["said_at"] for each in asyncio.run(night())]
    assert moments == sorted({*moments})
    assert len(moments) == 3


def test_whoever_is_on_it_is_known_after_a_kill_and_nobody_is_told_again(
    config_home: Path,
) -> None:
    clock = AheadClock()

    async def night() -> list[dict[str, Any]]:
        async with watching(config_home, clock, pace=SPEED) as made:
            clock.pass_on(3 * MIN_NS)
            await until(lambda: any(a.kind == "no-signal" for a in made.night.open_alerts))
            (alert,) = made.night.open_alerts
            made.service.obey(Acknowledge(by="anna", alert=alert.id))
            await until(lambda: made.service._committer.idle)
        async with watching(config_home, clock, pace=SPEED) as made:
            clock.pass_on(20 * MIN_NS)
            ticks = made.service.ticks
            await until(lambda: made.service.ticks > ticks + 2)
            answering = made.service._answering
            (shown,) = answering.open(made.night.open_alerts)
            assert (shown.state, shown.by) == (AlertState.ACKNOWLEDGED, "anna")
            with pytest.raises(CommandError, match="over by now"):
                made.service.obey(Acknowledge(by="berta", alert="0" * 20))
            return [body for kind, body in await told(made) if kind is EntryKind.ALERT]

    states = [each["state"] for each in asyncio.run(night()) if each["kind"] == "no-signal"]
    assert states == ["raised", "acknowledged"]


def test_a_call_for_help_wakes_in_a_pause_that_can_be_ended_at_once(config_home: Path) -> None:
    async def night() -> None:
        async with watching(config_home, AheadClock(), pace=SPEED) as made:
            with pytest.raises(CommandError, match="not paused"):
                made.service.obey(ResumeAlerts(by="anna"))
            made.service.obey(PauseAlerts(by="anna", minutes=60))
            assert made.service.status.watch is StateWord.PAUSED
            made.service.obey(CallForHelp(by="maria"))
            (call,) = made.service._answering.open(())
            assert (call.level, call.kind) == (Level.HIGH, "button")
            made.service.obey(ResumeAlerts(by="anna"))
            assert made.service.status.watch is not StateWord.PAUSED

    asyncio.run(night())


def test_a_press_of_the_sensors_button_is_a_call_for_help(config_home: Path) -> None:
    async def night() -> tuple[Alert, ...]:
        async with watching(config_home, AheadClock(), pace=SPEED) as made:
            link = LinkUp(1, "microbit", "C0:5E", "BBC micro:bit", 0, 0)
            made.service._take(0, Reading(link, (ButtonPressed(),)))
            return made.service.now.open_alerts

    (call,) = asyncio.run(night())
    assert (call.kind, call.by, call.wakes) == ("button", "wearer", True)


def test_a_flood_of_commands_is_refused_but_never_a_call_for_help(config_home: Path) -> None:
    async def night() -> None:
        async with watching(config_home, AheadClock(), pace=SPEED) as made:
            for _ in range(MOST_COMMANDS):
                made.service.obey(MarkSpasm(by="anna"))
            with pytest.raises(CommandError, match="too many commands"):
                made.service.obey(MarkSpasm(by="anna"))
            made.service.obey(CallForHelp(by="maria"))
            assert made.service._answering.open(())
            with pytest.raises(CommandError, match="too many commands"):
                made.service.obey(CallForHelp(by="maria"))  # the same press: no entry more

    asyncio.run(night())


RESTARTS = int(os.environ.get("SPASMWATCH_RESTARTS", "12"))


def test_restarts_at_any_moment_lose_and_repeat_no_alert_no_answer_and_no_pause(
    config_home: Path,
) -> None:
    """Every answer that was committed holds; every alert has one straight life."""
    clock, chance = AheadClock(), Random(1)
    answered: set[str] = set()
    paused_ns: int | None = None

    async def nights() -> list[dict[str, Any]]:
        nonlocal paused_ns
        for _ in range(RESTARTS):
            async with watching(config_home, clock, pace=SPEED) as made:
                lasts = made.service._answering.pausing.lasts
                now_ns = clock.mono_ns()
                assert lasts(now_ns) == (paused_ns is not None and now_ns < paused_ns)
                for known in made.service._answering.open(made.night.open_alerts):
                    held = known.state is AlertState.ACKNOWLEDGED
                    technical = known.alert_class is AlertClass.TECHNICAL  # told again in an hour
                    assert (known.id in answered) == held or (technical and not held)
                for _ in range(chance.randrange(3)):
                    clock.pass_on(chance.randrange(4 * MIN_NS))
                    await _say(made, chance)
                await until(lambda: made.service._committer.idle)
                saved = await made.archive.ask(lambda state: state.saved("pause"))
                paused_ns = saved and saved["until_ns"]
                for alert in made.service._answering.open(made.night.open_alerts):
                    if alert.state is AlertState.ACKNOWLEDGED:
                        answered.add(alert.id)
                bodies = [body for kind, body in await told(made) if kind is EntryKind.ALERT]
        return bodies

    async def _say(made: Assembly, chance: Random) -> None:
        ticks = made.service.ticks
        await until(lambda: made.service.ticks > ticks)
        try:
            made.service.obey(
                chance.choice(
                    [
                        Acknowledge(by="anna"),
                        CallForHelp(by="maria"),
                        PauseAlerts(by="anna", minutes=chance.randrange(1, 20)),
                        MarkSpasm(by="anna"),
                    ]
                )
            )
        except CommandError as refusal:
            assert "less than a second ago" in str(refusal)  # noqa: PT017 - the one that may be

    lives: dict[str, list[dict[str, Any]]] = {}
    for body in asyncio.run(nights()):
        lives.setdefault(body["id"], []).append(body)
    assert any(each["state"] == "acknowledged" for life in lives.values() for each in life)
    for life in lives.values():
        states = [each["state"] for each in life]
        assert states[0] == "raised"
        assert states.count("raised") == 1
        assert "resolved" not in states[:-1]
        for before, after in pairwise(life):
            if before["state"] == "acknowledged" and after["state"] != "resolved":
                assert after["class"] == "technical", "an answer holds as long as the alert"
                waited = datetime.fromisoformat(after["at"]) - datetime.fromisoformat(before["at"])
                assert waited.total_seconds() > BLIND_ANSWER_S - 1


def test_notes_are_dated_as_they_say(config_home: Path) -> None:
    at = datetime(2026, 11, 28, 22, 30, tzinfo=UTC)

    async def night() -> list[tuple[EntryKind, dict[str, Any]]]:
        async with watching(config_home, AheadClock(), pace=SPEED) as made:
            made.service.obey(AddNote(by="maria", text="tizanidine 4 mg", at=at))
            await until(lambda: made.service._committer.idle)
            return await told(made)

    (note,) = [body for kind, body in asyncio.run(night()) if kind is EntryKind.NOTE]
    assert note["at"] == "2026-11-28T22:30:00.000Z"
