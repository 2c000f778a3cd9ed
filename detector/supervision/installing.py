"""Install, examine and remove the units: files of ours, and `systemctl`."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from detector.errors import ServiceError
from detector.supervision.units import MARK, SERVICE, WATCHDOG
from detector.systemd import BOOTED, is_running

PATIENCE_S = 120.0  # systemctl waits until the service is ready, which may load for long
SYSTEM_UNITS = Path("/etc/systemd/system")
OLDEST = 250  # version of systemd whose units know %d, the folder of credentials; Debian 12 has 252

SHOWN = ("LoadState", "ActiveState", "SubState", "StatusText", "NRestarts", "Result")


@dataclass(frozen=True, slots=True)
class UnitState:
    """What systemd says of a unit.

    installed : its file is there
    words : its own last line of status
    restarts : how often it was started again
    """

    installed: bool
    running: bool
    words: str
    restarts: int
    result: str


class ServiceManager:
    """systemd of the computer, or of one person.

    Parameters
    ----------
    folder : where its units lie
    booted : exists where systemd runs
    """

    def __init__(
        self, *, system: bool, environ: Mapping[str, str] = os.environ, booted: Path = BOOTED
    ) -> None:
        self._booted = booted
        self._scope = [] if system else ["--user"]
        self.system = system
        home = environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
        self.folder = SYSTEM_UNITS if system else Path(home) / "systemd" / "user"

    def check(self) -> None:
        """Check that there is a systemd that takes units.

        Raises
        ------
        ServiceError
            There is none, it is too old, or it cannot be reached.
        """
        if not is_running(self._booted):
            raise ServiceError(
                "This computer is not run by systemd, so there is no service to install. Let its "
                "own service manager start: spasmwatch run, and: spasmwatch watchdog"
            )
        if self.system and os.geteuid() != 0:
            raise ServiceError(
                "Only root may change the computer's services: run the same command with sudo, or "
                "without --system for your own account."
            )
        first = self._call("--version").split()
        version = first[1] if len(first) > 1 else ""
        if self.system and version.isdecimal() and int(version) < OLDEST:
            raise ServiceError(
                f"systemd {version} is too old for a system service of spasmwatch, which needs "
                f"{OLDEST}: install it without --system."
            )

    def install(self, units: Mapping[str, str]) -> None:
        """Write the units and start them, now and whenever the computer starts.

        Raises
        ------
        ServiceError, OSError
            They are as they were before: none, or those of an earlier installation.
        """
        for name in units:
            self._refuse_foreign(name)
        before = {path: path.read_text("utf-8") for path in self._written(units)}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for name, text in units.items():
                _write(self.folder / name, text)
            self._call("daemon-reload")
            self._call("enable", *units)
            self._call("restart", *units)  # of an installed one too, which may have changed
        except (ServiceError, OSError):
            with suppress(ServiceError, OSError):
                self._undo(before)
            raise

    def uninstall(self) -> list[Path]:
        """Stop and remove the units that `install` wrote; return their files.

        Raises
        ------
        ServiceError, OSError
            A unit of the same name is not ours, or systemd does not answer.
        """
        names = [path.name for path in self._written((WATCHDOG, SERVICE))]
        for name in names:
            self._refuse_foreign(name)
        if names:
            self._call("disable", "--now", *names)
            for name in names:
                (self.folder / name).unlink()
            self._call("daemon-reload")
            with suppress(ServiceError):  # systemd has forgotten those that did not fail
                self._call("reset-failed", *names)
        return [self.folder / name for name in names]

    def state(self, name: str) -> UnitState:
        """Return what systemd says of a unit.

        Raises
        ------
        ServiceError
            It does not answer.
        """
        text = self._call("show", name, *(f"--property={each}" for each in SHOWN))
        shown = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        restarts = shown.get("NRestarts", "")
        return UnitState(
            installed=(self.folder / name).exists(),
            running=shown.get("ActiveState") == "active",
            words=shown.get("StatusText", ""),
            restarts=int(restarts) if restarts.isdecimal() else 0,
            result=shown.get("Result", ""),
        )

    def _written(self, names: Iterable[str]) -> list[Path]:
        paths = [self.folder / name for name in names]
        return [path for path in paths if path.exists()]

    def _undo(self, before: Mapping[Path, str]) -> None:
        if not before:
            self.uninstall()
            return
        for path, text in before.items():
            _write(path, text)
        self._call("daemon-reload")
        self._call("restart", *(path.name for path in before))

    def _refuse_foreign(self, name: str) -> None:
        path = self.folder / name
        if path.exists() and not path.read_text("utf-8", "replace").startswith(MARK):
            raise ServiceError(
                f"{path} was not written by spasmwatch: move it away, then run the same command."
            )

    def _call(self, *words: str) -> str:
        """Return what systemctl prints."""
        try:
            done = subprocess.run(
                ["systemctl", *self._scope, "--no-pager", *words],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=PATIENCE_S,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except FileNotFoundError:
            raise ServiceError("systemctl is not installed: install systemd.") from None
        except subprocess.TimeoutExpired:
            raise ServiceError(
                f"systemctl {words[0]} did not end within {PATIENCE_S:.0f} s. Look why: "
                f"journalctl {' '.join([*self._scope, '-u', SERVICE])}"
            ) from None
        if done.returncode:
            raise ServiceError(self._why(words, done.stderr))
        return done.stdout

    def _why(self, words: Sequence[str], said: str) -> str:
        line = (said.strip().splitlines() or ["no reason given"])[0][:200]
        if not self.system and "connect to bus" in line:
            return (
                "Your own service manager cannot be reached: log in as this person, on the screen "
                "or by ssh, not with su or sudo; or install it for the computer with --system."
            )
        log = " ".join(["journalctl", *self._scope, "-u", SERVICE, "-n", "20"])
        return f"systemctl {words[0]} failed: {line} Its log: {log}"


def _write(path: Path, text: str) -> None:
    """Write a unit whole or not at all."""
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.write_text(text, encoding="utf-8")
        fresh.chmod(0o644)
        fresh.replace(path)
    except OSError:
        with suppress(OSError):
            fresh.unlink()
        raise


def lingers(user: str, folder: Path = Path("/var/lib/systemd/linger")) -> bool:
    """Return whether a person's services run while that person is not logged in."""
    return (folder / user).exists()


def unreachable_by_others(program: Sequence[Path]) -> Path | None:
    """Return the first folder, on the way to these, that the service's own user cannot enter."""
    for path in program:
        for folder in reversed(path.parents):
            if not folder.stat().st_mode & 0o001:
                return folder
    return None
