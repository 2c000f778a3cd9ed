"""`spasmwatch service`: let systemd start `run`, watch over it, and start it again."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detector.terminal.invocation import Invocation, UsageError, program_name

if TYPE_CHECKING:
    from detector.config import Configuration
    from detector.supervision.installing import ServiceManager, UnitState
    from detector.supervision.units import UnitPlan

app = typer.Typer(
    no_args_is_help=True,
    help="Watch every night by itself: as a service that systemd starts, and starts again.",
)

SystemOption = Annotated[
    bool,
    typer.Option(
        "--system", help="For the whole computer, as root, instead of for your own account."
    ),
]
GROUPS = ("audio", "bluetooth")  # of Debian: who may use a sound card, and ask BlueZ


@app.command(short_help="Write two units, `run` and its watchdog, and start them.")
def install(
    ctx: typer.Context,
    *,
    system: SystemOption = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the units, and change nothing.")
    ] = False,
) -> None:
    """Write two units, the service and its watchdog, and start them.

    They start with the computer (with --system) or with your session, wait for the Bluetooth
    adapter, and are started again whenever they end or hang.
    """
    from detector.supervision.installing import ServiceManager, lingers
    from detector.supervision.units import units

    call = Invocation.of(ctx)
    configuration = call.configuration()
    plan = _plan(configuration, system=system)
    if dry_run:
        if call.out.json:
            call.out.data(json.dumps(units(plan)))
            return
        for name, text in units(plan).items():
            call.out.data(f"# ---- {name}\n{text}")
        return
    manager = ServiceManager(system=system)
    manager.check()
    _check_plan(plan)
    manager.install(units(plan))
    if call.out.json:
        call.out.data(json.dumps({"installed": [str(manager.folder / n) for n in units(plan)]}))
    used = configuration.path or "none: the defaults"
    call.out.say(f"Installed and started: {', '.join(units(plan))} in {manager.folder}.")
    call.out.say(f"Settings: {used}. How it does: {program_name()} service status")
    variables = sorted(name for name in os.environ if name.startswith("SPASMWATCH_"))
    if variables:
        call.out.say(
            f"Not taken over: {', '.join(variables)}. The service reads the settings file alone."
        )
    user = _user()
    if not system and not lingers(user):
        call.out.say(
            "It ends when you log out. To let it run always: sudo loginctl enable-linger " + user
        )


@app.command(short_help="Say whether it is installed, running, and watching.")
def status(ctx: typer.Context, *, system: SystemOption = False) -> None:
    """Say whether the service is installed, running, and watching; exit code 1 where it is not."""
    from detector.supervision.installing import ServiceManager
    from detector.supervision.units import SERVICE, WATCHDOG
    from detector.systemd import is_running

    call = Invocation.of(ctx)
    manager = ServiceManager(system=system)
    if not (manager.folder / SERVICE).exists():
        other = "without --system" if system else "with --system"
        if call.out.json:
            call.out.data(json.dumps({"installed": False, "running": False, "watching": False}))
        else:
            how = f"Install it: {program_name()} service install. Or ask {other}."
            if not is_running():
                how = (
                    "This computer is not run by systemd: let its own service manager start "
                    f"{program_name()} run, and {program_name()} watchdog."
                )
            call.out.data(f"Not installed. {how}")
        raise typer.Exit(1)
    service, dog = manager.state(SERVICE), manager.state(WATCHDOG)
    watching = _watches(service)
    if call.out.json:
        call.out.data(
            json.dumps(
                {
                    "installed": True,
                    "running": service.running,
                    "watching": watching,
                    "words": service.words,
                    "restarts": service.restarts,
                    "watchdog": dog.running,
                }
            )
        )
    else:
        for line in _lines(manager, service, dog):
            call.out.data(line)
    if not (watching and dog.running):
        raise typer.Exit(1)


@app.command(short_help="Stop it, and remove what `install` wrote; data stays.")
def uninstall(ctx: typer.Context, *, system: SystemOption = False) -> None:
    """Stop the service and its watchdog, and remove what `install` wrote; data stays."""
    from detector.supervision.installing import ServiceManager

    call = Invocation.of(ctx)
    manager = ServiceManager(system=system)
    if manager.has_units:
        manager.check()
    removed = manager.uninstall()
    if call.out.json:
        call.out.data(json.dumps({"removed": [str(path) for path in removed]}))
    elif removed:
        call.out.say("Stopped and removed: " + ", ".join(str(path) for path in removed))
        call.out.say("Recordings and settings stay where they are.")
    else:
        call.out.say(f"Nothing to remove: there is no service of spasmwatch in {manager.folder}.")


def _watches(service: UnitState) -> bool:
    from detector.status import WORDS, StateWord

    blind = (WORDS[StateWord.NO_SIGNAL], WORDS[StateWord.PAUSED])
    return service.running and bool(service.words) and not service.words.startswith(blind)


def _lines(manager: ServiceManager, service: UnitState, dog: UnitState) -> list[str]:
    from detector.supervision.units import SERVICE, WATCHDOG

    journal = "sudo journalctl -u" if manager.system else "journalctl --user -u"
    control = "sudo systemctl" if manager.system else "systemctl --user"
    again = f", started again {service.restarts} times" if service.restarts else ""
    if service.running:
        lines = [f"Running{again}.", service.words or "It has not said yet how it does."]
    else:
        why = service.result or "stopped"
        lines = [f"NOT running ({why}){again}: nobody is watched."]
        lines.append(f"Why: {journal} {SERVICE} -n 20. Start it: {control} restart {SERVICE}")
    if not dog.running:
        lines.append(
            "The watchdog is NOT running: nobody is told when the service hangs. Start it: "
            f"{control} restart {WATCHDOG}"
        )
    return lines


def _plan(configuration: Configuration, *, system: bool) -> UnitPlan:
    """Return how the service is run, with the settings that this call reads."""
    import grp

    from detector.supervision.units import UnitPlan, literal

    settings, path = configuration.settings, configuration.path
    program = [sys.executable, "-P", "-m", "detector"]
    sound = settings.alerts.sound
    if not system:
        named = ["-c", literal(str(path.absolute()))] if path else []
        options = [*named, "--data-dir", literal(str(settings.data_dir))]
        return UnitPlan(program, system, options, sound=sound)
    secrets = {} if path is None else {"settings": path.absolute()}
    secrets |= _files(settings.model_dump())
    secrets |= {each.credential_name: each.url_file for each in settings.contact if each.url_file}
    followed = [each for each in settings.follow if each.signing_file]
    secrets |= {each.credential_name: each.signing_file for each in followed if each.signing_file}
    named = ["-c", "%d/settings"] if path else []
    known = {each.gr_name for each in grp.getgrall()}
    groups = [name for name in GROUPS if name in known]
    options = [*named, "--data-dir", "%S/spasmwatch"]
    return UnitPlan(program, system, options, secrets, groups, sound=sound)


def _files(values: dict[str, Any], above: str = "") -> dict[str, Path]:
    """Return the files that settings name, by setting; the data folder is systemd's to choose."""
    found: dict[str, Path] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            found |= _files(value, f"{above}{key}.")
        elif isinstance(value, Path) and above:
            found[f"{above}{key}"] = value
    return found


def _check_plan(plan: UnitPlan) -> None:
    """Refuse what could not start: a program or a file that the service's user cannot reach."""
    from detector.supervision.installing import unreachable_by_others

    for setting, path in plan.secrets.items():
        if not path.is_file():
            raise UsageError(f"{setting}: there is no file {path}")
    if not plan.system:
        return
    closed = unreachable_by_others([Path(sys.executable), Path(__file__)])
    at_home = any(place.is_relative_to(home) for place in _places() for home in _homes())
    if closed is not None or at_home:
        where = closed or Path(sys.prefix)
        raise UsageError(
            f"spasmwatch is installed in {where}, which a system service cannot read. Install it "
            "for everybody: sudo python3 -m venv /opt/spasmwatch, then sudo "
            "/opt/spasmwatch/bin/pip install spasmwatch, and from there: service install --system"
        )


def _homes() -> list[Path]:
    """Return the folders that `ProtectHome=yes` hides from a service (systemd.exec)."""
    from pwd import getpwuid

    return [Path("/home"), Path(getpwuid(0).pw_dir)]


def _places() -> list[Path]:
    return [Path(sys.executable), Path(sys.prefix), Path(__file__)]


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
