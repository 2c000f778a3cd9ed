"""An alarm sounds at once, repeats until its reasons are over, and says when it cannot."""

from __future__ import annotations

import asyncio
import io
import os
import shlex
import signal
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.alert import Alert, AlertClass, AlertState, Level
from detector.alerts.conditions import Condition
from detector.audible.alarm import AudibleAlarm
from detector.audible.player import RATE_HZ, SoundError, tone
from detector.night.outcome import Outcome
from detector.receiver.sound import Sound
from detector.receiver.sounding import Sounding
from detector.repetition import AGAIN_S, FIRST_AGAIN_S
from detector.service.presentation.local_sound import LOOK_S, LocalSound
from detector.service.presentation.news import Trouble

from ..kit.waiting import until
from .kept_sounds import KeptSounds


@given(st.lists(st.floats(0.01, 5.0), min_size=1, max_size=2000))
def test_it_sounds_at_once_after_a_minute_and_every_five_whenever_it_is_asked(
    steps_s: list[float],
) -> None:
    alarm, now_s, sounded = AudibleAlarm(), 0.0, []
    alarm.hold("x", now_s)
    for step_s in [0.0, *steps_s]:
        now_s += step_s
        alarm.hold("x", now_s)
        if alarm.due(now_s):
            sounded.append(now_s)
    assert sounded[0] == 0.0
    waits = np.diff(sounded)
    assert all(FIRST_AGAIN_S <= wait < FIRST_AGAIN_S + 5 for wait in waits[:1])
    assert all(AGAIN_S <= wait < AGAIN_S + 5 for wait in waits[1:])
    assert now_s - sounded[-1] < AGAIN_S + 5
    alarm.release("x")
    assert not alarm.due(now_s + 1e6)


def test_a_second_reason_sounds_at_once_beside_the_first() -> None:
    alarm = AudibleAlarm()
    alarm.hold("one", 0.0)
    assert alarm.due(0.0)
    alarm.hold("two", 10.0)
    assert alarm.due(10.0)
    alarm.release("one")
    assert not alarm.due(60.0)
    assert alarm.due(70.0)


def test_the_tone_is_audible_without_a_click() -> None:
    with wave.open(io.BytesIO(tone())) as file:
        assert (file.getframerate(), file.getnchannels()) == (RATE_HZ, 1)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
    assert 1.0 < len(samples) / RATE_HZ < 3.0
    assert 0.3 < np.sqrt(np.mean(samples**2))
    assert np.abs(samples).max() < 0.9
    assert abs(samples[0]) < 0.01 > abs(samples[-1])


def command_that_counts(folder: Path) -> str:
    return f"sh -c {shlex.quote(f'wc -c < $0 >> {folder}/played')}"


def test_what_reaches_nobody_sounds_here_until_somebody_is_there(tmp_path: Path) -> None:
    async def check() -> None:
        now_s, failures = 0.0, []
        played = tmp_path / "played"
        with Sound(command_that_counts(tmp_path)) as sound:
            sounding = Sounding(sound, mono_s=lambda: now_s, failed=failures.append)
            here = LocalSound(sounding, command=None, alone=False, mono_s=lambda: now_s)
            running = asyncio.create_task(sounding.run())
            here.tell(Outcome((raised(),)))  # others are there: published, not sounded
            here.tell(Trouble(Condition.NOBODY_REACHABLE, "nobody"))
            await until(lambda: played.exists() and played.read_text().count("\n") == 1)
            now_s = FIRST_AGAIN_S
            await until(lambda: played.read_text().count("\n") == 2)
            here.tell(Trouble(Condition.NOBODY_REACHABLE, None))
            now_s = 1e6
            running.cancel()
        assert int(played.read_text().split()[0]) == len(tone())
        assert failures == []

    asyncio.run(check())


def test_where_nothing_is_published_every_urgent_alert_sounds_here() -> None:
    sounds = KeptSounds()
    here = LocalSound(sounds, command=None, alone=True, mono_s=lambda: 0.0)
    here.tell(Outcome((raised(), raised(level=Level.MEDIUM))))
    assert sounds.asked == [("again", "00")]


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (None, "no program that plays a sound"),
        ("no-such-player", "cannot be run"),
        ("sh -c 'echo broken >&2; exit 3'", "cannot play the alarm: broken"),
    ],
)
def test_that_no_sound_can_be_made_is_said_once(command: str | None, why: str) -> None:
    async def check() -> None:
        failures: list[str] = []
        with Sound(command, players=()) as sound:
            with pytest.raises(SoundError, match=why):
                await sound.play()
            sounding = Sounding(sound, mono_s=lambda: 0.0, failed=failures.append)
            running = asyncio.create_task(sounding.run())
            for reason in "abc":
                sounding.hold(reason)
                await asyncio.sleep(0.05)
            await until(lambda: failures)
            running.cancel()
        assert len(failures) == 1

    asyncio.run(check())


def test_a_sound_that_failed_here_is_a_trouble_until_a_test_sounds(tmp_path: Path) -> None:
    async def check() -> None:
        works = tmp_path / "works"
        command = f"sh -c {shlex.quote(f'echo broken >&2; test -e {works}')}"
        with Sound(command) as sound:
            sounding = Sounding(sound, mono_s=lambda: 0.0, failed=lambda _: None)
            here = LocalSound(sounding, command=command, alone=False, mono_s=lambda: 0.0)
            running = asyncio.create_task(sounding.run())
            assert here.troubles() == {Condition.SOUND: None}
            here.tell(Trouble(Condition.NOBODY_REACHABLE, "nobody"))
            await until(lambda: here.troubles()[Condition.SOUND])
            why = here.troubles()[Condition.SOUND] or ""
            assert "cannot play the alarm: broken" in why
            assert "`spasmwatch listen --test`" in why
            here.tell(Trouble(Condition.NOBODY_REACHABLE, None))
            works.touch()
            here.tell(Outcome((raised(level=Level.TEST),)))  # the remedy
            await until(lambda: here.troubles() == {Condition.SOUND: None})
            running.cancel()

    asyncio.run(check())


def test_that_nothing_here_plays_a_sound_is_a_trouble_until_something_does(tmp_path: Path) -> None:
    now_s, player = 0.0, tmp_path / "player"
    sounding = Sounding(None, mono_s=lambda: now_s, failed=lambda _: None)
    here = LocalSound(sounding, command=str(player), alone=True, mono_s=lambda: now_s)
    assert "there is no such program" in (here.troubles()[Condition.SOUND] or "")
    player.write_text("#!/bin/sh\n")
    player.chmod(0o700)
    now_s = LOOK_S
    assert here.troubles() == {Condition.SOUND: None}


def test_a_child_that_a_sound_command_leaves_behind_holds_up_no_further_sound(
    tmp_path: Path,
) -> None:
    async def check() -> None:
        script = f"sleep 1000 & echo $! > {tmp_path}/child; echo broken >&2; exit 3"
        with Sound(f"sh -c {shlex.quote(script)}") as sound:
            async with asyncio.timeout(10.0):
                with pytest.raises(SoundError, match="cannot play the alarm: broken"):
                    await sound.play()

    asyncio.run(check())
    os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)


def test_a_sound_that_is_cut_short_ends_with_all_that_plays_it(tmp_path: Path) -> None:
    child = tmp_path / "child"

    async def check() -> None:
        script = f"sleep 1000 & echo $! > {child}; wait"
        with Sound(f"sh -c {shlex.quote(script)}") as sound:
            playing = asyncio.create_task(sound.play())
            await until(lambda: child.exists() and child.read_text().strip())
            playing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await playing
            await until(lambda: is_over(int(child.read_text())))

    asyncio.run(check())


def is_over(pid: int) -> bool:
    """Return whether a process has ended, reaped by its parent or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def raised(level: Level = Level.HIGH) -> Alert:
    return Alert(
        id="00",
        state=AlertState.RAISED,
        alert_class=AlertClass.CLINICAL,
        level=level,
        kind="clonus",
        reason="clonus for 60 s",
    )
