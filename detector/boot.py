"""Which boot of this computer it is: each begins the monotonic clock anew."""

from __future__ import annotations

from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def host_boot_id() -> str | None:
    """Return an identifier of this boot of the computer; None where there is none (not Linux)."""
    try:
        return BOOT_ID.read_text("ascii").strip() or None
    except (OSError, ValueError):
        return None
