"""The simulator in its own process: nothing lost at 60x with eight sensors, no orphan left."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from detector.errors import LinkError
from firmware_sim.__main__ import main
from firmware_sim.child import running_air


def test_eight_sensors_at_sixty_times_real_time_lose_and_alter_nothing(
    listener, trace_file, record_property
):
    paths, truths = zip(*(trace_file(52 * 120 + 7, 52, seed) for seed in range(8)), strict=True)

    async def play(house, sensor):
        session = await house.connect(sensor["name"])
        await session.ask("02 09")
        await session.start(52)
        await asyncio.wait_for(session.lost.wait(), 30)
        return session

    async def law():
        with tempfile.TemporaryDirectory() as folder:  # pytest's own is too deep for a socket
            arguments = ["--listen", f"unix:{folder}/air", "--speed", "60"]
            async with running_air(*map(str, paths), *arguments) as air:
                house = listener(air.address)
                playing = [asyncio.create_task(play(house, sensor)) for sensor in air.sensors]
                sessions = await asyncio.gather(*playing)
                events = [event async for event in air.events()]
                assert await air.wait() == 0
            assert list(Path(folder).iterdir()) == []
        return sessions, events

    sessions, events = asyncio.run(law())
    for session, truth in zip(sessions, truths, strict=True):
        np.testing.assert_array_equal(session.samples, truth)
    finished = [event for event in events if event["event"] == "finished"]
    assert sum(event["frames_sent"] for event in finished) == sum(
        len(session.arrivals) for session in sessions
    )
    late_ms = 1e3 * np.concatenate([_lateness_s(session, 60) for session in sessions])
    for q in (50, 99, 100):
        record_property(f"lateness_p{q}_ms", float(np.percentile(late_ms, q)))
    assert np.percentile(late_ms, 50) < 100  # CATCH_UP_S: beyond it the clock would be held


def _lateness_s(session, speed):
    """How much later than the promptest frame each one came, against the sensor's clock."""
    came = np.array([moment for moment, _ in session.arrivals])
    due = np.array([frame.last_ns - session.frames[0].last_ns for frame in session.frames[:1]])
    stamps = np.array([frame.last_ns for frame in session.frames])
    late = came - (stamps - due[0]) / 1e9 / speed
    return late[:-1] - late[:-1].min()  # the last frame is partial and sent when it is full


@asynccontextmanager
async def _spawned(*arguments, stdin=PIPE):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "firmware_sim", *arguments, stdin=stdin, stdout=PIPE, stderr=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _ready(process):
    return json.loads(await asyncio.wait_for(process.stdout.readline(), 20))


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "end of its input"])
def test_it_ends_in_good_order_when_told(trace_file, how):
    path, _ = trace_file(520, 52)

    async def law():
        async with _spawned(str(path)) as process:
            assert (await _ready(process))["event"] == "ready"
            if how == "end of its input":
                process.stdin.close()
            else:
                process.send_signal(signal.Signals[how])
            _, said = await asyncio.wait_for(process.communicate(), 10)
            assert (process.returncode, said) == (0, b"")

    asyncio.run(law())


def test_it_does_not_outlive_a_parent_that_is_killed(trace_file):
    path, _ = trace_file(520, 52)
    parent = (
        "import asyncio, sys\n"
        "from firmware_sim.child import running_air\n"
        "async def main():\n"
        "    async with running_air(sys.argv[1]) as air:\n"
        "        print(air._process.pid, flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )

    async def law():
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", parent, str(path), stdin=DEVNULL, stdout=PIPE
        )
        child = int(await asyncio.wait_for(process.stdout.readline(), 20))
        process.kill()
        await process.wait()
        try:
            async with asyncio.timeout(10):
                while _runs(child):
                    await asyncio.sleep(0.02)
        finally:
            if _runs(child):
                os.kill(child, signal.SIGKILL)

    asyncio.run(law())


def _runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["missing.npz"], 66, "missing.npz: no such file"),
        (["{odd}"], 65, "whole number of Hz, got 62.5"),
        (["{good}", "--drop", "soon"], 2, "AT:FOR"),
        (["{good}", "--speed", "0"], 2, "speed must be > 0"),
        (["{good}", "--sensors", "0"], 2, "--sensors must be 1 or more"),
        (["{good}", "--serial", "xyz"], 2, "--serial must be hex digits, got 'xyz'"),
    ],
)
def test_what_cannot_be_planned_is_said_in_one_sentence(
    trace_file, capfd, arguments, code, sentence
):
    odd, _ = trace_file(52, 62.5, seed=1)
    good, _ = trace_file(52, 52, seed=2)
    assert main([argument.format(odd=odd, good=good) for argument in arguments]) == code
    said, complaint = capfd.readouterr()
    assert said == ""
    assert sentence in complaint
    assert complaint.count("\n") == 1


@pytest.mark.parametrize(
    ("address", "code", "sentence"),
    [
        ("bluetooth", 2, "unix:PATH or tcp:HOST:PORT"),
        ("unix:/nowhere/at/all", 74, "cannot listen"),
    ],
)
def test_an_unusable_address_is_reported_in_one_sentence(trace_file, address, code, sentence):
    path, _ = trace_file(52, 52)

    async def law():
        async with _spawned(str(path), "--listen", address, stdin=DEVNULL) as process:
            said, complaint = await asyncio.wait_for(process.communicate(), 20)
            assert (process.returncode, said) == (code, b"")
            assert sentence in complaint.decode()
            assert complaint.count(b"\n") == 1

    asyncio.run(law())


def test_a_simulator_that_does_not_start_raises_in_its_parent(tmp_path):
    async def law():
        with pytest.raises(LinkError, match="exit code 66"):
            async with running_air(os.fspath(tmp_path / "missing.npz")):
                pass

    asyncio.run(law())
