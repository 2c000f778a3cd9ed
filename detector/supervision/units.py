"""systemd units for the service and its watchdog, as text. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from detector.supervision.heartbeat import LATE_S

SERVICE = "spasmwatch.service"
WATCHDOG = "spasmwatch-watchdog.service"
MARK = "# Written by `spasmwatch service install`; `spasmwatch service uninstall` removes it."
USER = "spasmwatch"  # systemd makes it up, and both units share it

CALLS = ("@system-service", "~@privileged @resources")


@dataclass(frozen=True, slots=True)
class UnitPlan:
    """How the service is to be run.

    program : absolute path and first arguments of spasmwatch
    system : for the whole computer; else for one person, while that person is logged in or lingers
    options : global options in front of the command's name; % stands for systemd's specifiers
    secrets : files that the service reads, by the setting that names them; for `system`
    groups : further groups of the system service
    sound : whether it makes sounds itself
    """

    program: Sequence[str]
    system: bool
    options: Sequence[str] = ()
    secrets: Mapping[str, Path] = field(default_factory=dict)
    groups: Sequence[str] = ()
    sound: bool = True


def units(plan: UnitPlan) -> dict[str, str]:
    """Return the text of each unit by its name."""
    return {SERVICE: _service(plan), WATCHDOG: _watchdog(plan)}


def _service(plan: UnitPlan) -> str:
    # BlueZ may come later, or again: the service waits for its adapter by itself.
    after = ["After=bluetooth.service", "Wants=bluetooth.service"] if plan.system else []
    runs = [
        "Type=notify",
        "NotifyAccess=main",
        f"ExecStart={_command([*plan.program], [*plan.options], 'run')}",
        f"WatchdogSec={LATE_S}",  # frozen to started again takes it, RestartSec and 2 s
        "TimeoutAbortSec=3",  # to write where it hung
        "Restart=always",
        "RestartSec=1",  # also after a mistake in the settings: `run` shows it meanwhile
    ]
    families = "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6"  # D-Bus; the broker
    return _text(
        "spasmwatch: watches a movement sensor at night",
        [*after, "StartLimitIntervalSec=0"],
        [*runs, *_place(plan), *_hardened(plan), families],
        plan,
    )


def _watchdog(plan: UnitPlan) -> str:
    runs = [
        "Type=notify",
        "NotifyAccess=main",
        f"ExecStart={_command([*plan.program], [*plan.options], 'watchdog')}",
        "WatchdogSec=30",  # it says every second that it looks, and waits for nothing
        "Restart=always",
        "RestartSec=5",  # one that cannot start takes no time from the service
    ]
    return _text(
        "spasmwatch: alarms when the service hangs",
        [f"After={SERVICE}", "StartLimitIntervalSec=0"],
        [*runs, *_place(plan), *_hardened(plan), "RestrictAddressFamilies=AF_UNIX"],
        plan,
    )


def _place(plan: UnitPlan) -> list[str]:
    """Return lines for whom it runs, and where it may write."""
    memory = [
        "RuntimeDirectory=spasmwatch",  # holds the heartbeat, which the other unit reads
        "RuntimeDirectoryMode=0700",
        "RuntimeDirectoryPreserve=yes",
        "UMask=0077",
    ]
    if not plan.system:
        return memory
    groups = [f"SupplementaryGroups={' '.join(plan.groups)}"] if plan.groups else []
    credentials: list[str] = []
    for setting, path in plan.secrets.items():
        credentials.append(f"LoadCredential={setting}:{_escaped(str(path))}")
        if "." in setting:
            variable = "SPASMWATCH_" + setting.upper().replace(".", "__")
            credentials.append(f"Environment={variable}=%d/{setting}")
    return [
        "DynamicUser=yes",
        f"User={USER}",
        *groups,
        "StateDirectory=spasmwatch",
        "StateDirectoryMode=0700",
        *memory,
        *credentials,
    ]


def _hardened(plan: UnitPlan) -> list[str]:
    """Return lines that take away what the service does not need."""
    anyway = [
        "NoNewPrivileges=yes",
        "LimitCORE=0",  # a dump would hold health data
        "LockPersonality=yes",
        "MemoryDenyWriteExecute=yes",
        "RestrictNamespaces=yes",
        "RestrictRealtime=yes",
        "RestrictSUIDSGID=yes",
        "SystemCallArchitectures=native",
        *(f"SystemCallFilter={calls}" for calls in CALLS),
        "SystemCallErrorNumber=EPERM",
    ]
    if not plan.system:
        # The rest needs root: before systemd 253 a person's manager ignores it, later it makes a
        # user namespace, which some kernels refuse, and then the unit does not start.
        return anyway
    devices = ["DevicePolicy=closed", "DeviceAllow=char-alsa rw"] if plan.sound else []
    return [
        *anyway,
        "CapabilityBoundingSet=",
        "AmbientCapabilities=",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "PrivateTmp=yes",
        *(devices or ["PrivateDevices=yes"]),
        "PrivateMounts=yes",
        "ProtectClock=yes",
        "ProtectControlGroups=yes",
        "ProtectHostname=yes",
        "ProtectKernelLogs=yes",
        "ProtectKernelModules=yes",
        "ProtectKernelTunables=yes",
        "ProtectProc=invisible",
        "KeyringMode=private",
        "RemoveIPC=yes",
    ]


def _text(about: str, unit: Sequence[str], service: Sequence[str], plan: UnitPlan) -> str:
    target = "multi-user.target" if plan.system else "default.target"
    sections = {
        "Unit": [f"Description={about}", *unit],
        "Service": service,
        "Install": [f"WantedBy={target}"],
    }
    parts = ["\n".join([f"[{name}]", *lines]) for name, lines in sections.items()]
    return "\n\n".join([MARK, *parts]) + "\n"


def _command(program: Sequence[str], options: Sequence[str], command: str) -> str:
    """Return a command line as systemd parses it; of `options`, specifiers are kept."""
    words = [_quoted(_escaped(word)) for word in program]
    return " ".join([*words, *map(_quoted, options), command])


def literal(text: str) -> str:
    """Return an option in which % stands for itself."""
    return _escaped(text)


def _escaped(text: str) -> str:
    return text.replace("%", "%%")


def _quoted(word: str) -> str:
    """Return a word of a command line, in quotation marks where systemd would part it."""
    word = word.replace("$", "$$")
    if word and not set(word) & set(" \t\"'\\;"):
        return word
    inside = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{inside}"'
