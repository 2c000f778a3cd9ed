"""A tiny second process that alarms when the service hangs or dies.

It shares nothing with the service but the heartbeat's file: no event loop, no numpy, no broker.
Run as `python -P -m detector.supervision.watchdog` by the command `watchdog`.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType

from detector.audible.alarm import AudibleAlarm
from detector.audible.player import LONGEST_S, Player, SoundError
from detector.boot import host_boot_id
from detector.supervision.heartbeat import Heartbeat, read_heartbeat
from detector.supervision.notify import Notifier
from detector.systemd import control

LOOK_S = 1.0  # as often as the service writes
LATE_S = 15.0
"""Without progress for so long the service hangs: it says every second that it makes some, and
needs up to 11 s to notice that a sensor is silent. With the look, an alarm within 20 s."""
FIRST_S = 60.0  # to start in: a small computer imports for 20 s after it has booted
REASON = "service"
BY_HAND = (
    "spasmwatch run, or where it is a service, systemctl --user start spasmwatch (sudo systemctl "
    "start spasmwatch if it was installed with --system)"
)


class HeartbeatWatch:
    """Judge heartbeats. Pure; times are seconds of the monotonic clock of boot `boot`.

    Parameters
    ----------
    start : the command that starts the service
    """

    def __init__(self, boot: str, begun_s: float, start: str = BY_HAND) -> None:
        self._boot = boot
        self._begun_s = begun_s
        self._start = start

    def trouble(self, beat: Heartbeat | None, mono_s: float) -> str | None:
        """Return what is wrong with the service; None while it makes progress, or was ended."""
        if beat is None or beat.boot != self._boot:
            if mono_s - self._begun_s < FIRST_S:
                return None
            return f"spasmwatch does not run: nobody is watched. Start it: {self._start}."
        if beat.ended or mono_s - beat.mono_s < LATE_S:
            return None
        return (
            f"spasmwatch (process {beat.pid}) has made no progress for "
            f"{mono_s - beat.mono_s:.0f} s: it hangs, or it ended by a fault. Nobody is "
            "watched: look after the wearer, and start it again."
        )


class Watchdog:
    """Looks at the heartbeat, and sounds, says and runs a command while the service is gone.

    Parameters
    ----------
    player : None makes no sound
    command : a program with its arguments; the sentence becomes its last one
    folder : data folder of the service, for a person
    say : takes the state, which is watching, ended, waiting or alarm, and a sentence
    """

    def __init__(
        self,
        heartbeat: Path,
        *,
        player: Player | None,
        command: Sequence[str] | None,
        folder: str,
        say: Callable[[str, str], None],
    ) -> None:
        self._heartbeat, self._player, self._command, self._say = heartbeat, player, command, say
        self._folder = folder
        start = control("start", os.getpid(), "spasmwatch.service") or BY_HAND
        self._watch = HeartbeatWatch(host_boot_id() or "", time.monotonic(), start)
        self._alarm = AudibleAlarm()
        self._state = ""
        self._started: list[tuple[float, subprocess.Popen[bytes]]] = []

    def look(self) -> None:
        """Look once, and do what is due."""
        now_s = time.monotonic()
        beat = read_heartbeat(self._heartbeat)
        why = self._watch.trouble(beat, now_s)
        if why is None:
            self._alarm.release(REASON)
            waits = beat is None or beat.boot != (host_boot_id() or "")
            state = "waiting" if waits else "ended" if beat and beat.ended else "watching"
            words = beat.words if beat and not waits else f"data folder {self._folder}"
            self._change(state, words)
        else:
            self._alarm.hold(REASON, now_s)
            self._change("alarm", why)
            if self._alarm.due(now_s):
                self._sound(now_s)
                self._run(why, now_s)
        self._reap(now_s)

    def close(self) -> None:
        """End what still plays."""
        self._reap(float("inf"))

    def _change(self, state: str, words: str) -> None:
        if state != self._state:
            self._state = state
            self._say(state, words)

    def _sound(self, now_s: float) -> None:
        if self._player is not None:
            try:
                self._started.append((now_s, self._player.start()))
            except SoundError as error:
                self._say("no sound", str(error))

    def _run(self, why: str, now_s: float) -> None:
        if self._command is not None:
            try:
                process = subprocess.Popen([*self._command, why], stdin=subprocess.DEVNULL)
            except OSError as error:
                self._say("no command", f"{self._command[0]} cannot be run: {error.strerror}.")
            else:
                self._started.append((now_s, process))

    def _reap(self, now_s: float) -> None:
        """Forget what has ended; end what takes too long."""
        for since_s, process in self._started:
            if process.poll() is None and now_s - since_s > LONGEST_S:
                process.kill()
                process.wait()
        self._started = [each for each in self._started if each[1].poll() is None]


WORDS = {
    "watching": "`spasmwatch run` is watching",
    "ended": "`spasmwatch run` was ended: nobody is watched",
    "waiting": "Waiting for `spasmwatch run`",
    "alarm": "ALARM",
    "no sound": "No sound can be made",
    "no command": "The command fails",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Watch the heartbeat until the process is asked to end."""
    parser = argparse.ArgumentParser(prog="spasmwatch watchdog")
    parser.add_argument("heartbeat", type=Path)
    parser.add_argument("--folder", default="")
    parser.add_argument("--silent", action="store_true")
    parser.add_argument("--sound-command")
    parser.add_argument("--command")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)

    def say(state: str, words: str) -> None:
        if given.json:
            line = json.dumps({"watchdog": state, "words": words})
        else:
            clock = time.strftime("%H:%M:%S")
            printable = "".join(each if each.isprintable() else " " for each in words)
            line = f"{clock}  {WORDS[state]}" + (f": {printable}" if printable else "")
        with suppress(OSError):  # nobody reads: it still sounds
            print(line, flush=True)  # noqa: T201 - a program of its own
        notifier.status(line)

    def end(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    notifier = Notifier.of(os.environ, os.getpid())
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    command = None if given.command is None else shlex.split(given.command)
    with ExitStack() as stack:
        player = None if given.silent else stack.enter_context(Player(given.sound_command))
        dog = Watchdog(
            given.heartbeat, player=player, command=command, folder=given.folder, say=say
        )
        stack.callback(dog.close)
        notifier.ready()
        while True:
            dog.look()
            notifier.alive()
            time.sleep(LOOK_S)


if __name__ == "__main__":
    sys.exit(main())
