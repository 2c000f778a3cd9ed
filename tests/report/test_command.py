"""The command: any night that is kept, one sentence where there is none, in every locale."""

from __future__ import annotations

import json
import os
import re
import shlex
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from detector.events import Kind
from firmware_sim.motion.scenarios import scenario

from .made import HOUR, House, MadeNight, event

BEGIN = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
SETTINGS = '[wearer]\ntime_zone = "Europe/Amsterdam"\n[mqtt]\nbroker = "none"\n'


@pytest.fixture
def report(spasmwatch, tmp_path):
    """Runs the command on a data folder, in 60 columns."""
    (tmp_path / "c.toml").write_text(SETTINGS)

    def ask(*words, **environ):
        given = ("-c", tmp_path / "c.toml", "--data-dir", tmp_path / "data")
        return spasmwatch(*given, "report", *words, COLUMNS="60", **environ)

    return ask


def a_house(folder: Path) -> House:
    house = House(folder / "data")
    for back in (2, 0):
        begin = BEGIN - timedelta(days=back)
        house.keep(MadeNight(begin, 8, [event(Kind.CLONUS, begin + HOUR, 7.0)]))
    return house


def test_the_last_night_is_shown_where_none_is_named(report, tmp_path) -> None:
    a_house(tmp_path)
    done = report()
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Night of Friday 20 November 2026\n")
    assert max(map(len, done.stdout.splitlines())) <= 60
    assert "Not a medical device" in done.stdout
    assert report("2026-11-18", "last").stdout.count("Night of ") == 2


def test_json_is_a_line_for_each_night(report, tmp_path) -> None:
    a_house(tmp_path)
    done = report("--json", "2026-11-18", "2026-11-20")
    first, second = map(json.loads, done.stdout.splitlines())
    assert (first["schema"], first["evening"]) == ("night-report/1", "2026-11-18")
    assert second["evening"] == "2026-11-20"
    assert second["zone"] == "Europe/Amsterdam"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("2026-11-19",), 66, "The last night that is known: 2026-11-20."),
        (("20.11.2026",), 66, "neither an evening"),
        (("2026-11-31",), 66, "neither an evening"),
        (("--trial", "soon"), 2, "no date"),
        (("--simulated", "--replayed"), 2, "give one of them"),
        (("--simulated",), 66, "No night is kept"),
    ],
)
def test_what_cannot_be_shown_is_said_in_a_sentence(report, tmp_path, words, code, said) -> None:
    a_house(tmp_path)
    done = report(*words)
    assert done.returncode == code
    assert said in " ".join(done.stderr.split())
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_a_damaged_state_is_said_and_left_alone(report, tmp_path) -> None:
    house = a_house(tmp_path)
    house.state.write_bytes(b"SQLite format 3\0" + bytes(5000))
    before = house.state.read_bytes()
    done = report()
    assert done.returncode == 74
    assert "cannot be read" in done.stderr
    assert house.state.read_bytes() == before


def test_looking_at_a_night_changes_no_file(report, tmp_path) -> None:
    a_house(tmp_path)
    files = {path: path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file()}
    assert report().returncode == 0
    after = {path: path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file()}
    assert after == files


def test_a_night_is_read_while_a_service_writes(report, tmp_path) -> None:
    house = a_house(tmp_path)
    db = sqlite3.connect(house.state, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("BEGIN IMMEDIATE")
    db.execute("UPDATE dropped SET entries = 7")
    assert report().returncode == 0
    db.execute("COMMIT")
    db.close()


def test_a_recording_that_no_state_tells_of_is_watched_now(report, tmp_path) -> None:
    made = scenario("clonus", seed=3, fs=50, duration_s=600).samples
    rows = np.column_stack([1_795_500_000 + np.arange(len(made)) / 50, made])
    file = tmp_path / "clip.csv"
    np.savetxt(file, rows, "%.5f", delimiter=",", header="time,x,y,z", comments="")
    done = report("--json", file)
    assert done.returncode == 0, done.stderr
    body = json.loads(done.stdout)
    assert body["counts"][1]["found"] > 0
    assert body["coverage"]["watched_s"] == pytest.approx(600, abs=1)
    said = " ".join(report(file).stdout.split())
    assert f"clip (ankle): {body['counts'][0]['found']} likely spasms" in said
    undated = tmp_path / "undated.csv"
    rows[:, 0] -= rows[0, 0]
    np.savetxt(undated, rows, "%.5f", delimiter=",", header="time,x,y,z", comments="")
    refused = report("--json", undated)
    assert refused.returncode == 65
    remedy = re.search(r"--began '[^']+'", refused.stderr)
    assert remedy is not None
    begun = report("--json", undated, *shlex.split(remedy[0]))
    assert begun.returncode == 0, begun.stderr
    assert json.loads(begun.stdout)["evening"] == "2026-11-20"


def test_a_file_that_happens_to_lie_in_a_data_folder_is_watched_now(report, tmp_path) -> None:
    a_house(tmp_path)
    folder = tmp_path / "data" / "exports"
    folder.mkdir()
    rows = np.column_stack(
        [1_795_500_000 + np.arange(3000) / 50, np.zeros((3000, 2)), np.ones(3000)]
    )
    rows[:, 1:] += np.random.default_rng(6).normal(0, 0.01, (3000, 3))
    np.savetxt(folder / "x.csv", rows, "%.5f", delimiter=",", header="time,x,y,z", comments="")
    done = report("--json", folder / "x.csv")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["source"] == "replay"


@pytest.mark.parametrize("words", [("--json",), ("--plain",), ("--trial", "2026-11-19")])
def test_a_report_without_pictures_loads_nothing_that_draws(tmp_path: Path, words) -> None:
    a_house(tmp_path)
    program = (
        "import sys; from typer.testing import CliRunner; from detector.cli import app\n"
        "done = CliRunner().invoke(app, sys.argv[1:]); print(done.exit_code)\n"
        "print([name for name in ('matplotlib', 'typst', 'jinja2', 'scipy.stats')"
        " if name in sys.modules])"
    )
    given = ["--data-dir", str(tmp_path / "data"), "report", "2026-11-20", *words]
    done = subprocess.run(
        [sys.executable, "-c", program, *given],
        capture_output=True, text=True, timeout=60, check=True,
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert done.stdout.splitlines() == ["0", "[]"]


@pytest.mark.parametrize("opens", [True, False])
def test_a_page_is_opened_where_there_is_a_browser_and_named_where_not(
    report, tmp_path, monkeypatch, opens
) -> None:
    a_house(tmp_path)
    asked: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: asked.append(url) or opens)
    done = report("--open")
    assert done.returncode == 0, done.stderr
    page = tmp_path / "data" / "reports" / "2026-11-20.html"
    assert asked == [page.as_uri()]
    assert f"Written to {page}" in done.stderr
    assert ("No browser" in done.stderr) is not opens
    assert page.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("suffix", ["html", "pdf", "txt", "json"])
def test_a_file_has_the_form_of_its_suffix(report, tmp_path, suffix) -> None:
    a_house(tmp_path)
    file = tmp_path / f"night.{suffix}"
    done = report("--out", file)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    begins = {"html": b"<!doctype html>", "pdf": b"%PDF-", "txt": b"Night of", "json": b'{"schema"'}
    assert file.read_bytes().startswith(begins[suffix])
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--out", "night.docx"), 2, ".html, .pdf, .txt, .json"),
        (("2026-11-18", "2026-11-20", "--out", "two.pdf"), 2, "one night"),
        (("--out", "nowhere/night.html"), 74, "no such folder"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_first(
    report, tmp_path, words, code, said
) -> None:
    a_house(tmp_path)
    done = report(*words)
    assert done.returncode == code
    assert said in done.stderr
    assert not list(tmp_path.glob("*.pdf"))


@pytest.mark.timeout(240)
def test_the_readmes_simulated_night_is_reported_by_the_command_that_it_ends_with(
    tmp_path: Path,
) -> None:
    (tmp_path / "c.toml").write_text(SETTINGS)
    environ = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path),
        "LC_ALL": "de_DE.UTF-8", "COLUMNS": "60", "PYTHONUTF8": "1",
    }  # fmt: skip

    def typed(words: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words, capture_output=True, text=True, timeout=110, check=False, env=environ,
            cwd=tmp_path,
        )  # fmt: skip

    program = [sys.executable, "-m", "detector", "-c", str(tmp_path / "c.toml")]
    data = ["--data-dir", str(tmp_path / "a folder")]
    night = ["--source", "simulator", "--scenario", "demo", "--speed", "60", "--view", "plain"]
    played = typed([*program, *data, "run", *night])
    assert played.returncode == 0, played.stderr
    command = re.search(r"^How the night went: (.*)$", played.stdout, re.MULTILINE)
    assert command is not None, played.stdout
    likely = re.search(r"^(\d+) likely spasms, (\d+) of them clonus", played.stdout, re.MULTILINE)
    assert likely is not None, played.stdout
    shown = typed(shlex.split(command[1]))
    assert shown.returncode == 0, shown.stderr
    assert "This night is simulated" in shown.stdout
    assert f"{likely[1]} likely spasms" in shown.stdout
    assert f"{likely[2]} of them clonus" in shown.stdout
