"""A service that hangs is ended and started again, and a second process raises the alarm."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from detector.boot import host_boot_id
from detector.supervision.heartbeat import (
    SIZE,
    Heartbeat,
    HeartbeatFile,
    heartbeat_path,
    read_heartbeat,
)
from detector.supervision.watchdog import FIRST_S, LATE_S, LOOK_S, HeartbeatWatch

from .manager import Manager, a_night_of, long_recording

WATCHDOG_S = 4.0  # a quarter of what the units have: the test waits for it


def of(folder: Path) -> Path:
    """Where a night that plays a file leaves its heartbeat."""
    return heartbeat_path(folder / "data" / "replay", {"XDG_RUNTIME_DIR": str(folder)})


def test_a_frozen_service_is_started_again_and_one_that_is_stopped_says_so(tmp_path: Path) -> None:
    command = a_night_of(long_recording(tmp_path), tmp_path)
    with Manager(command, tmp_path, WATCHDOG_S, abstract=True) as manager:
        manager.until(lambda: "WATCHDOG=1" in manager.lines(), 20)
        manager.until(lambda: any("STATUS=Watching" in line for line in manager.lines()), 20)
        manager.process.send_signal(signal.SIGSTOP)
        frozen_s = time.monotonic()
        manager.until(lambda: len(manager.starts) == 2 and manager.ready, 20)

        assert manager.kills[0] - frozen_s <= WATCHDOG_S + 2, "of this test on a busy computer"
        assert "WATCHDOG=1" not in [
            line for at_s, line in manager.told if frozen_s + 0.1 < at_s < manager.starts[1]
        ]
        assert "Fatal Python error: Aborted" in manager.words(), "where it hung is in the log"

        manager.restart_s = -1
        manager.process.terminate()
        manager.until(lambda: manager.process.poll() is not None, 10)
        manager.turn(0.1)
        assert manager.process.returncode == 0
        assert manager.lines()[-1] == "STOPPING=1"
    beat = read_heartbeat(of(tmp_path))
    assert beat is not None
    assert beat.ended


def test_the_watchdog_alarms_about_a_service_that_was_killed_and_runs_the_command(
    tmp_path: Path,
) -> None:
    called = tmp_path / "called.txt"
    program = tmp_path / "caller"
    program.write_text(f'#!/bin/sh\nprintf %s "$1" > {called}\n')
    program.chmod(0o700)
    environ = os.environ | {"XDG_RUNTIME_DIR": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    command = a_night_of(long_recording(tmp_path), tmp_path)
    words = ["--json", "--data-dir", tmp_path / "data" / "replay", "watchdog", "--no-sound"]
    dog = subprocess.Popen(
        [sys.executable, "-m", "detector", *map(str, words), "--command", str(program)],
        stdout=subprocess.PIPE,
        text=True,
        env=environ,
    )
    assert dog.stdout is not None
    try:
        with Manager(command, tmp_path, WATCHDOG_S, restart_s=-1) as manager:
            waiting = json.loads(dog.stdout.readline())
            assert waiting["words"] == f"data folder {tmp_path}/data/replay"
            said = [waiting["watchdog"]]
            said.append(json.loads(dog.stdout.readline())["watchdog"])
            manager.process.kill()
            manager.process.wait()
        beat = read_heartbeat(of(tmp_path))
        assert beat is not None
        assert not beat.ended
        age(of(tmp_path), beat, LATE_S)  # what it would wait for
        alarm = json.loads(dog.stdout.readline())
        deadline = time.monotonic() + 5
        while not called.exists() or not called.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.02)  # another process writes it
    finally:
        dog.terminate()
        dog.wait(10)
        dog.stdout.close()

    assert said == ["waiting", "watching"]
    assert alarm["watchdog"] == "alarm"
    assert f"process {beat.pid}" in alarm["words"]
    assert called.read_text() == alarm["words"]
    assert dog.returncode == 0


def test_a_simulated_night_is_watched_over_in_its_own_folder(tmp_path: Path) -> None:
    environ = os.environ | {"XDG_RUNTIME_DIR": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    words = ["--data-dir", str(tmp_path), "watchdog", "--simulated", "--no-sound"]
    path = heartbeat_path(tmp_path / "simulated", {"XDG_RUNTIME_DIR": str(tmp_path)})
    with HeartbeatFile(path) as file:
        file.beat("Watching")
        dog = subprocess.Popen(
            [sys.executable, "-m", "detector", *words],
            stdout=subprocess.PIPE,
            text=True,
            env=environ,
        )
        assert dog.stdout is not None
        try:
            assert "`spasmwatch run` is watching: Watching" in dog.stdout.readline()
        finally:
            dog.terminate()
            dog.wait(10)
            dog.stdout.close()


def age(path: Path, beat: Heartbeat, by_s: float) -> None:
    """Write a heartbeat again, as if it had been written earlier."""
    line = json.dumps(
        {"boot": beat.boot, "mono_s": beat.mono_s - by_s, "pid": beat.pid, "words": "", "ended": 0}
    )
    path.write_text(line.ljust(SIZE))


@given(
    st.lists(st.tuples(st.floats(0, 60), st.sampled_from(["beat", "nothing", "end"])), max_size=40)
)
def test_the_alarm_is_raised_within_20_s_and_only_when_nobody_watches(
    steps: list[tuple[float, str]],
) -> None:
    watch, now_s, last = HeartbeatWatch("boot", 0.0), 0.0, None
    for step_s, what in steps:
        now_s += step_s
        if what != "nothing":
            last = Heartbeat("boot", now_s, 1, ended=what == "end")
        trouble = watch.trouble(last, now_s)
        if last is None:
            assert (trouble is not None) == (now_s >= FIRST_S)
        elif not last.ended and now_s - last.mono_s >= 20 - LOOK_S:
            assert trouble is not None
        elif last.ended or now_s - last.mono_s < 12:  # a silent sensor is declared within 11 s
            assert trouble is None


def test_a_heartbeat_of_an_earlier_boot_is_none() -> None:
    watch = HeartbeatWatch("now", 1000.0)
    assert watch.trouble(Heartbeat("before", 1000.0, 1, ended=True), 1000.0 + FIRST_S) is not None


@given(st.text(max_size=600))
def test_a_heartbeat_is_one_page_whatever_the_words(words: str) -> None:
    path = Path("/dev/shm" if Path("/dev/shm").is_dir() else "/tmp") / f"beat-{os.getpid()}"  # noqa: S108
    try:
        with HeartbeatFile(path) as file:
            file.beat(words)
            assert path.stat().st_size == SIZE
            beat = read_heartbeat(path)
            assert beat is not None
            assert (beat.pid, beat.boot, beat.ended) == (os.getpid(), host_boot_id() or "", False)
            assert words.startswith(beat.words) or "\\" in json.dumps(words)
    finally:
        path.unlink()


@given(st.binary(max_size=600))
def test_a_file_that_is_no_heartbeat_is_none(data: bytes) -> None:
    path = Path("/tmp") / f"no-beat-{os.getpid()}"  # noqa: S108
    path.write_bytes(data)
    try:
        assert read_heartbeat(path) is None
    finally:
        path.unlink()


def test_a_new_process_takes_back_an_end_but_never_hides_a_death(tmp_path: Path) -> None:
    path = tmp_path / "beat"
    with HeartbeatFile(path) as file:
        file.beat("Watching")
    ended = read_heartbeat(path)
    second = HeartbeatFile(path)
    second.begin()
    begun = read_heartbeat(path)
    third = HeartbeatFile(path)
    third.begin()

    assert ended is not None
    assert ended.ended
    assert begun is not None
    assert not begun.ended
    assert read_heartbeat(path) == begun, "the second died without progress"


def test_the_watchdog_loads_neither_event_loop_nor_numbers_nor_network() -> None:
    code = "import detector.supervision.watchdog, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"asyncio", "numpy", "scipy", "paho", "pydantic", "bleak"} & set(done.stdout.split())
