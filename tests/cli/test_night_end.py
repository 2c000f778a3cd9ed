"""How a night ends on the screen: a person's Ctrl-C and a simulated night that is over."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from detector.devices.stream import LinkDown, LinkUp
from detector.status import StateWord, Status
from detector.terminal.narrator import Narrator
from detector.terminal.output import NightOutput
from firmware_sim.trace_files import make_trace, save_trace

WITHIN_S = 60.0
FAULTS = ("Traceback", "Exception", "ERROR", "never awaited", "RuntimeWarning")
LOST = ("Link lost", "No signal")
INTERRUPT = b"\x03"


def in_a_terminal(arguments: Sequence[str], tmp_path: Path, *, after: bytes | None) -> str:
    """Return what a terminal shows until the command ends; Ctrl-C is typed once it shows `after`.

    The terminal sends SIGINT to all of its foreground process group, as a real one does.
    """
    config = tmp_path / "settings.toml"
    config.write_text("" if arguments[0] == "demo" else '[mqtt]\nbroker = "none"\n')
    common = ("-m", "detector", "-c", str(config), "--data-dir", str(tmp_path / "data"))
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, *common, *arguments])  # noqa: S606
    shown, typed = b"", False
    until_s = time.monotonic() + WITHIN_S
    try:
        while time.monotonic() < until_s:
            if not select.select([terminal], [], [], 1.0)[0]:
                continue
            try:
                read = os.read(terminal, 65_536)
            except OSError:  # all of its processes have ended
                read = b""
            if not read:
                break
            shown += read
            if after is not None and after in shown and not typed:
                typed = True
                os.write(terminal, INTERRUPT)
        else:
            pytest.fail(f"it did not end: {shown.decode()}")
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)
    return shown.decode().replace("\r\n", "\n")


NIGHT = ("run", "--source", "simulator", "--scenario", "clonus", "--speed", "20")


@pytest.mark.parametrize("after", [b"Looking for", b"Connected to", b"Watching"])
def test_ctrl_c_in_a_terminal_ends_the_night_and_shows_no_fault(
    tmp_path: Path, after: bytes
) -> None:
    shown = in_a_terminal(NIGHT, tmp_path, after=after)

    assert shown.count("Night finished") == 1, shown
    assert ("Night finished. Nothing was watched" in shown) != ("To see it again" in shown), shown
    assert not [word for word in FAULTS if word in shown], shown


def test_sigint_to_the_whole_process_group_ends_the_night_without_a_fault(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "detector", "--data-dir", str(tmp_path), *NIGHT, "--no-mqtt")
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0
    ) as night:
        assert night.stdout is not None
        night.stdout.readline()
        os.killpg(night.pid, signal.SIGINT)
        said, talked = night.communicate(timeout=WITHIN_S)

    assert night.returncode == 0
    assert said.count("Night finished") == 1
    assert not [word for word in FAULTS if word in said + talked], talked


def test_a_night_that_a_person_ends_shows_no_lost_link(tmp_path: Path) -> None:
    shown = in_a_terminal((*NIGHT, "--view", "plain"), tmp_path, after=b"Watching")

    after = shown.partition("^C")[2]
    assert after.startswith("\n"), "what was typed has a line of its own"
    assert "\nNight finished: " in after
    assert not [word for word in LOST if word in after], shown


@pytest.mark.parametrize("command", [("run", "--source", "simulator", "TRACE"), ("demo",)])
def test_a_simulated_night_that_is_over_is_no_lost_link(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    trace = tmp_path / "clonus.npz"
    save_trace(make_trace("clonus", seed=1, duration_s=60), trace)
    words = [str(trace) if word == "TRACE" else word for word in command]

    shown = in_a_terminal([*words, "--speed", "60"], tmp_path, after=None)

    assert "Watching." in shown, shown
    assert shown.count("The simulated night is over.") == 1, shown
    assert not [word for word in LOST if word in shown.partition("Watching.")[2]], shown


def test_a_link_that_is_lost_in_a_simulated_night_is_written_when_it_goes_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    waiting: list[Callable[[], None]] = []
    narrator = Narrator(NightOutput(), lambda: 0, later=waiting.append)
    for session in (1, 2):
        narrator.tell(LinkUp(session, "polar-verity-sense", "C0:5E", "Polar", 0, 0))
        narrator.tell(LinkDown(session, "too far away", 0, 0))
        narrator.tell(Status(StateWord.NO_SIGNAL, why="looking"))
    narrator.tell(LinkUp(3, "polar-verity-sense", "C0:5E", "Polar", 0, 0))
    narrator.tell(LinkDown(3, "out of range", 0, 0))
    waiting[-1]()
    narrator.tell(LinkDown(3, "closed", 0, 0))
    narrator.end("The simulated night is over.")
    for call in waiting:
        call()

    talked = capsys.readouterr().err.splitlines()
    assert [line.split("  ")[1].split()[0] for line in talked] == [
        *("Connected", "Link", "Connected", "Link", "Connected", "Link", "The"),
    ]


def test_ctrl_c_in_a_demo_shows_no_fault(tmp_path: Path) -> None:
    shown = in_a_terminal(["demo"], tmp_path, after=b"Connected to")

    assert not [word for word in (*FAULTS, "Error", "night is over") if word in shown], shown


def test_ctrl_c_in_a_demo_has_a_last_line_that_says_how_to_go_on(tmp_path: Path) -> None:
    shown = in_a_terminal(["demo"], tmp_path, after=b"simulation")
    last = shown.rstrip().splitlines()[-1]

    assert last.startswith("The demo was ended before its end."), shown
    assert last.endswith(f"{sys.executable} -m detector demo")


def test_sigint_while_the_program_is_loaded_shows_no_traceback() -> None:
    """From its own first line on; what Python does before that is not ours."""
    words = (
        "import signal, sys; from detector.__main__ import main\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'typer': signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupting()); main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", words], capture_output=True, timeout=WITHIN_S, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, b"", b"")


@pytest.mark.parametrize("lines", [0, 1, 3])
@pytest.mark.parametrize("command", ["replay", "detect", "run"])
def test_a_reader_that_has_enough_ends_no_command_with_an_error(
    tmp_path: Path, command: str, lines: int
) -> None:
    trace, config = tmp_path / "clonus.npz", tmp_path / "c.toml"
    save_trace(make_trace("clonus", seed=1, duration_s=60), trace)
    config.write_text('[mqtt]\nbroker = "none"\n')
    run = ("--source", "file", "--speed", "1000") if command == "run" else ()
    words = ("-c", str(config), "--data-dir", str(tmp_path), command, *run, str(trace))
    with subprocess.Popen(
        (sys.executable, "-m", "detector", *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for _ in range(lines):
            process.stdout.readline()
        process.stdout.close()
        talked = process.stderr.read().decode()
        code = process.wait(WITHIN_S)

    assert code == 0, talked
    assert not [word for word in (*FAULTS, "Broken") if word in talked], talked


def test_a_demo_has_its_own_broker_whatever_the_settings_say(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text('[mqtt]\nbroker = "none"\n')
    command = (sys.executable, "-m", "detector", "-c", str(config), "--data-dir", str(tmp_path))
    done = subprocess.run(
        (*command, "demo", "--speed", "60"),
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
