"""Checks as people read them, and as programs do."""

from __future__ import annotations

from collections.abc import Callable

from detector.checkup.check import CheckResult

NAME_WIDTH = 22


def lines(check: CheckResult, mask: Callable[[str], str] = str) -> list[str]:
    """Write a check: status, name, what was found; below it the command that mends it."""
    written = [f" {check.status:<5} {check.name:<{NAME_WIDTH}} {mask(check.detail)}"]
    if check.fix:
        written.append(f"{'':<{NAME_WIDTH + 8}}fix: {mask(check.fix)}")
    # A sensor's name is anybody's text: it must not look like another check.
    return [line.replace("\n", "�") for line in written]


def plain(check: CheckResult, mask: Callable[[str], str] = str) -> dict[str, str | None]:
    """Return a check as --json prints it; stable: name, status, detail, fix."""
    return {
        "name": check.name,
        "status": check.status.value,
        "detail": mask(check.detail),
        "fix": None if check.fix is None else mask(check.fix),
    }
