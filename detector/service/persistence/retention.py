"""Delete recordings of nights that are older than the settings keep them."""

from __future__ import annotations

from pathlib import Path

from detector.service.persistence.places import RECORDING


def expired(folder: Path, *, nights: int, current: str) -> list[Path]:
    """Return the recordings to delete, oldest first.

    Parameters
    ----------
    nights : how many nights with a recording are kept, this one included
    current : evening of the night that is watched, such as `2026-11-20`; never deleted, nor
        whatever is dated later
    """
    dated = sorted(
        (match[1], path)
        for path in folder.glob("*.sqlite")
        if (match := RECORDING.fullmatch(path.name))
    )
    evenings = sorted({evening for evening, _ in dated if evening < current})
    kept = set(evenings[-(nights - 1) :] if nights > 1 else ())
    return [path for evening, path in dated if evening < current and evening not in kept]


def delete(recordings: list[Path]) -> tuple[list[Path], str | None]:
    """Delete recordings, with SQLite's files beside them.

    Returns
    -------
    those that are gone, and why the first of the others is not, None where all are
    """
    gone: list[Path] = []
    trouble: str | None = None
    for path in recordings:
        try:
            for beside in ("-wal", "-shm"):
                path.with_name(path.name + beside).unlink(missing_ok=True)
            path.unlink()
        except OSError as error:
            trouble = trouble or f"{path} cannot be deleted: {error.strerror}"
        else:
            gone.append(path)
    return gone, trouble
