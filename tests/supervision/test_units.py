"""The units that are written are valid, hardened, and start what the person has set up."""

from __future__ import annotations

import ctypes.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector import systemd
from detector.errors import ServiceError
from detector.supervision.installing import ServiceManager, unreachable_by_others
from detector.supervision.units import CALLS, MARK, SERVICE, WATCHDOG, UnitPlan, units

from ..conftest import Done
from ..kit.tools import needs
from .manager import Manager, a_night_of, long_recording

ANALYZE = shutil.which("systemd-analyze")
needs_systemd = needs(ANALYZE, "systemd-analyze is not installed")
PROGRAM = [sys.executable, "-P", "-m", "detector"]


def plan(folder: Path, *, system: bool) -> UnitPlan:
    settings = folder / "my 100% settings.toml"
    settings.touch()
    if not system:
        return UnitPlan(PROGRAM, system, ["-c", str(settings).replace("%", "%%")])
    secrets = {"settings": settings, "mqtt.password_file": settings}
    options = ["-c", "%d/settings", "--data-dir", "%S/spasmwatch"]
    return UnitPlan(PROGRAM, system, options, secrets, ["audio"])


def analyze(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *map(str, words)], capture_output=True, text=True, check=False
    )


@needs_systemd
@pytest.mark.parametrize("system", [True, False])
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path, system: bool) -> None:
    for name, text in units(plan(tmp_path, system=system)).items():
        (tmp_path / name).write_text(text)
    done = analyze("verify", tmp_path / SERVICE, tmp_path / WATCHDOG)
    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
@pytest.mark.parametrize(("system", "most"), [(True, 2.0), (False, 6.5)])
def test_the_exposure_is_what_the_documentation_says(
    tmp_path: Path, system: bool, most: float
) -> None:
    for name, text in units(plan(tmp_path, system=system)).items():
        (tmp_path / name).write_text(text)
        done = analyze("security", "--offline=yes", "--no-pager", tmp_path / name)
        found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
        assert found is not None, done.stderr
        assert float(found[1]) <= most


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\n\r"), min_size=1, max_size=30))
def test_a_path_in_a_command_line_is_one_word_whatever_is_in_it(path: str) -> None:
    text = units(UnitPlan(["/x", path], system=False))[SERVICE]
    line = next(line for line in text.split("\n") if line.startswith("ExecStart="))
    words = line.removeprefix("ExecStart=").removeprefix("/x ").removesuffix(" run")
    assert unquoted(words) == path


def unquoted(word: str) -> str:
    """A word as systemd.service(5) reads it: quotation marks, backslashes, $$ and %%."""
    if word.startswith('"'):
        word = re.sub(r"\\(.)", r"\1", word[1:-1])
    else:
        assert not set(word) & set(" \t\"'\\;")
    return word.replace("$$", "$").replace("%%", "%")


def test_the_service_waits_for_its_adapter_and_is_always_started_again(tmp_path: Path) -> None:
    text = units(plan(tmp_path, system=True))[SERVICE]
    lines = set(text.splitlines())
    assert {"After=bluetooth.service", "Restart=always", "StartLimitIntervalSec=0"} <= lines
    assert {"Type=notify", "NotifyAccess=main", "WatchdogSec=15"} <= lines
    assert not any(line.startswith(("Requires=", "BindsTo=")) for line in lines)


@needs_systemd
def test_a_night_runs_with_the_system_calls_and_memory_that_the_units_allow(
    tmp_path: Path,
) -> None:
    """What systemd would forbid is forbidden here, so that the units do not break the service."""
    guard = Path(__file__).with_name("guarded.py")
    allowed = calls_of(CALLS[0].split()) - calls_of(CALLS[1].removeprefix("~").split())
    calls = tmp_path / "allowed.txt"
    calls.write_text("\n".join(sorted(allowed)))
    if ctypes.util.find_library("seccomp") is None:
        pytest.skip("libseccomp is not installed")
    night = a_night_of(long_recording(tmp_path), tmp_path)
    with Manager(
        [sys.executable, str(guard), str(calls), *night], tmp_path, 15.0, restart_s=-1
    ) as manager:
        manager.until(lambda: any("STATUS=Watching" in line for line in manager.lines()), 30)
        manager.process.terminate()
        manager.until(lambda: manager.process.poll() is not None, 10)
        assert manager.process.returncode == 0, manager.words()
        assert "Operation not permitted" not in manager.words()


def calls_of(groups: list[str]) -> set[str]:
    found: set[str] = set()
    for group in groups:
        lines = analyze("syscall-filter", "--no-pager", group).stdout.splitlines()
        words = [line.strip() for line in lines[1:] if not line.strip().startswith("#")]
        found |= {word for word in words if word and not word.startswith("@")}
        found |= calls_of([word for word in words if word.startswith("@")])
    return found


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which a stand-in for systemctl keeps what it is asked."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "systemctl").symlink_to(Path(__file__).with_name("systemctl"))
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    monkeypatch.setenv("SYSTEMCTL", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def manager_of(folder: Path) -> ServiceManager:
    return ServiceManager(system=False, booted=folder)


def calls(folder: Path) -> list[str]:
    return (folder / "calls").read_text().splitlines()


def test_what_is_installed_is_removed_again_and_nothing_else(asked: Path) -> None:
    manager = manager_of(asked)
    foreign = manager.folder / "other.service"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("theirs")
    manager.check()
    manager.install(units(plan(asked, system=False)))
    assert {path.name for path in manager.folder.iterdir()} == {
        SERVICE, WATCHDOG, "other.service",
    }  # fmt: skip
    assert calls(asked)[-3:] == [
        "user daemon-reload",
        f"user enable {SERVICE} {WATCHDOG}",
        f"user restart {SERVICE} {WATCHDOG}",
    ]
    removed = manager.uninstall()
    assert {path.name for path in removed} == {SERVICE, WATCHDOG}
    assert [path.name for path in manager.folder.iterdir()] == ["other.service"]
    assert f"user disable --now {WATCHDOG} {SERVICE}" in calls(asked)
    assert manager.uninstall() == []


def test_a_failed_installation_leaves_what_was_there_before(asked: Path) -> None:
    manager = manager_of(asked)
    (asked / "fail-restart").write_text("Job for spasmwatch.service failed.\n")
    with pytest.raises(ServiceError, match=r"restart failed: Job .* journalctl --user -u"):
        manager.install(units(plan(asked, system=False)))
    assert list(manager.folder.iterdir()) == []
    (asked / "fail-restart").unlink()
    manager.install(units(plan(asked, system=False)))
    before = (manager.folder / SERVICE).read_text()
    (asked / "fail-restart").write_text("Job failed.\n")
    with pytest.raises(ServiceError):
        manager.install(dict.fromkeys([SERVICE, WATCHDOG], f"{MARK}\n[Service]\n"))
    assert (manager.folder / SERVICE).read_text() == before


def test_a_unit_of_somebody_else_is_neither_overwritten_nor_removed(asked: Path) -> None:
    manager = manager_of(asked)
    manager.folder.mkdir(parents=True)
    (manager.folder / SERVICE).write_text("[Service]\nExecStart=/theirs\n")
    for attempt in (lambda: manager.install(units(plan(asked, system=False))), manager.uninstall):
        with pytest.raises(ServiceError, match="was not written by spasmwatch: move it away"):
            attempt()
    assert "theirs" in (manager.folder / SERVICE).read_text()


@pytest.mark.parametrize(
    ("active", "words", "watching", "said"),
    [
        ("active", "Watching", True, "Watching"),
        ("active", "Clonus: 6 beats", True, "Clonus"),
        ("active", "No signal – not watching: no adapter", False, "no adapter"),  # noqa: RUF001
        ("active", "", False, "has not said yet"),
        ("failed", "Watching", False, "NOT running (watchdog), started again 3 times"),
    ],
)
def test_status_says_whether_somebody_is_watched(
    spasmwatch: Callable[..., Done],
    asked: Path,
    active: str,
    words: str,
    watching: bool,
    said: str,
) -> None:
    environ = {"XDG_CONFIG_HOME": str(asked / "config")}
    manager = manager_of(asked)
    manager.install(units(plan(asked, system=False)))
    (asked / "show").write_text(
        f"ActiveState={active}\nStatusText={words}\nNRestarts=3\nResult=watchdog\n"
    )
    plain = spasmwatch("service", "status", **environ)
    as_json = spasmwatch("service", "status", "--json", **environ)
    assert said in plain.stdout
    assert json.loads(as_json.stdout)["watching"] == watching
    assert json.loads(as_json.stdout)["installed"]
    assert (plain.returncode, as_json.returncode) == (int(active != "active" or not watching),) * 2


def test_without_systemd_there_is_a_remedy_and_the_units_can_be_seen(
    spasmwatch: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ServiceError, match="not run by systemd"):
        ServiceManager(system=False, booted=tmp_path / "none").check()
    dry = spasmwatch("service", "install", "--dry-run", "--system", "--json")
    assert set(json.loads(dry.stdout)) == {SERVICE, WATCHDOG}
    monkeypatch.setattr(systemd, "BOOTED", tmp_path)
    missing = spasmwatch("service", "status")
    assert missing.returncode == 1
    assert missing.stdout.startswith("Not installed. Install it: spasmwatch service install")
    monkeypatch.setattr(systemd, "BOOTED", tmp_path / "none")
    without = spasmwatch("service", "status")
    assert without.returncode == 1
    assert without.stdout.startswith("Not installed. This computer is not run by systemd")
    gone = spasmwatch("service", "uninstall", XDG_CONFIG_HOME=str(tmp_path))
    assert gone.returncode == 0
    assert "Nothing to remove" in gone.stderr


def test_a_program_in_a_closed_folder_is_found(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    (closed / "bin").mkdir(parents=True)
    closed.chmod(0o700)
    for folder in closed.parents:
        if folder.stat().st_mode & 0o001 == 0:
            closed = folder  # pytest's own folders are closed too
    assert unreachable_by_others([tmp_path / "closed" / "bin" / "python"]) == closed
