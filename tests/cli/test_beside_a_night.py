"""What is kept is read and copied while a real night runs; what would change it is refused."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

from ..conftest import Done
from ..kit.waiting import until
from .a_night import COMMAND, a_night, surroundings

WRITTEN = 40_000  # bytes in the -wal: some seconds of samples


def ask(tmp_path: Path, *words: object) -> Done:
    data = str(tmp_path / "data")
    done = subprocess.run(
        [*COMMAND, "--data-dir", data, *map(str, words)],
        env=surroundings(tmp_path),
        capture_output=True,
        encoding="utf-8",
        cwd=tmp_path,
        timeout=60,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def recorded(tmp_path: Path) -> list[Path]:
    nights = tmp_path / "data" / "simulated" / "nights"
    begun = [path for path in nights.glob("*.sqlite") if Path(f"{path}-wal").exists()]
    return [path for path in begun if Path(f"{path}-wal").stat().st_size > WRITTEN]


def test_a_night_goes_on_while_it_is_read_exported_and_backed_up(tmp_path) -> None:
    with a_night(tmp_path):
        asyncio.run(until(lambda: bool(recorded(tmp_path)), within_s=60))
        (night,) = [path.stem for path in recorded(tmp_path)]

        assert ask(tmp_path, "events", "--simulated").returncode == 0
        exported = ask(tmp_path, "export", "--simulated", "--to", "out")
        assert exported.returncode == 0, exported.stderr
        backed_up = ask(tmp_path, "backup", "b.zip")
        assert backed_up.returncode == 0, backed_up.stderr

        refused = ask(tmp_path, "restore", "b.zip", "--replace")
        assert (refused.returncode, refused.stdout) == (69, "")
        assert "stop it first" in refused.stderr
        kept = ask(tmp_path, "purge", night, "--simulated", "--yes")
        assert kept.returncode == 2
        assert "never deleted" in kept.stderr
        before = recorded(tmp_path)[0].stat().st_ino

        assert ask(tmp_path, "status").returncode in {0, 4}  # it runs
        assert recorded(tmp_path)[0].stat().st_ino == before

    again = ask(tmp_path, "detect", f"out/{night}.csv")
    assert again.returncode == 0, again.stderr
    restored = ask(tmp_path, "restore", "b.zip", "--replace")
    assert restored.returncode == 0, restored.stderr
    assert (tmp_path / "data.before-restore-1" / "simulated").is_dir()
    assert ask(tmp_path, "events", "--simulated").returncode == 0
