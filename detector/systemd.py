"""systemd of this computer: whether it runs, and which unit of ours a process belongs to."""

from __future__ import annotations

import re
from pathlib import Path

BOOTED = Path("/run/systemd/system")  # exists where systemd is the first process: sd_booted(3)
PROC = Path("/proc")
# A terminal's programs are in units, too: only what has our name is started again when it ends.
_OURS = re.compile(r"/(spasmwatch[\w@.-]*\.service)$", re.MULTILINE)


def is_running(booted: Path = BOOTED) -> bool:
    """Whether this computer is run by systemd, so that its commands work."""
    return booted.is_dir()


def control(verb: str, pid: int, unit: str | None = None, proc: Path = PROC) -> str | None:
    """Return the command for the unit of a process; None where it belongs to none of ours.

    Parameters
    ----------
    unit : another one of the same systemd
    """
    try:
        groups = (proc / str(pid) / "cgroup").read_text("utf-8", "replace")
    except OSError:
        return None
    found = _OURS.search(groups)
    if found is None:
        return None
    manager = "systemctl --user" if "/user@" in groups else "sudo systemctl"
    return f"{manager} {verb} {unit or found[1]}"
