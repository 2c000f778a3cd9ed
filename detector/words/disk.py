"""Sentences about the disk."""

from __future__ import annotations

from pathlib import Path

SLOW_COMMIT = (
    "the disk takes seconds to keep an event: it is slow or failing. Alerts are sent all the same. "
    "Check the disk, and what else writes to it."
)


INTERRUPTED = "the night that raised it was interrupted, another watches"


def memory_words(why: str) -> str:
    """Return that no disk takes the night, what follows, and what helps."""
    return (
        f"{why} This night is kept in memory only: it is lost at its end unless the disk takes it "
        "before. That is tried again every 30 s: mend the disk while the night goes on."
    )


def other_wearer_words(path: Path, theirs: str, ours: str) -> str:
    """Return that the state file belongs to another wearer than the night."""
    return (
        f"The state file {path} belongs to the wearer {theirs}, and could not be read when this "
        f"night of {ours} began. End the night and start spasmwatch again."
    )


def no_heartbeat_words(path: Path, why: str) -> str:
    """Return that the watchdog cannot see the service, what follows, and what helps."""
    return (
        f"no heartbeat for `spasmwatch watchdog` can be written to {path} ({why}): it would claim "
        "that spasmwatch does not run. Move away what is there, or make its folder writable, and "
        "start spasmwatch again."
    )


def low_words(free_bytes: int, folder: Path) -> str:
    """Return how little room is left, what follows, and what helps."""
    return (
        f"only {free_bytes / 1e6:.0f} MB are free on the disk of {folder}. Once it is full the "
        "night is watched but not recorded. Delete or move files, or keep fewer nights: "
        "recording.retention_nights."
    )
