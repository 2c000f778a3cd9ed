"""Laws of the log: it explains a fault, never fills a disk, and never ends a night."""

from __future__ import annotations

import json
import logging
import os
import resource
from pathlib import Path

import pytest

from detector.service.diagnostics import MOST_ALIKE, logging_to

log = logging.getLogger("detector.tests")


def test_a_fault_is_kept_with_its_traceback_in_a_file_for_its_owner_only(tmp_path: Path) -> None:
    with logging_to(tmp_path, level="info", as_json=False) as path:
        try:
            _ = 1 // 0
        except ZeroDivisionError as error:
            log.error("part %s failed", "tick", exc_info=error)

    text = path.read_text()
    assert "ERROR detector.tests: part tick failed" in text
    assert "ZeroDivisionError" in text
    assert path.stat().st_mode & 0o077 == 0


def test_each_line_of_a_json_log_is_an_object(tmp_path: Path) -> None:
    with logging_to(tmp_path, level="debug", as_json=True) as path:
        log.debug("small")
        log.error("large", exc_info=ValueError("x"))

    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["level"] for line in lines] == ["debug", "error"]
    assert "ValueError: x" in lines[1]["traceback"]


@pytest.mark.parametrize(
    ("level", "kept"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)]
)
def test_the_level_decides_what_is_written(tmp_path: Path, level: str, kept: int) -> None:
    with logging_to(tmp_path, level=level, as_json=False) as path:
        log.debug("a")
        log.info("b")
        log.warning("c")
        log.error("d")

    assert len(path.read_text().splitlines()) == kept


def test_a_million_alike_lines_take_a_few_and_their_number_is_told(tmp_path: Path) -> None:
    now_s = 0.0
    with logging_to(tmp_path, level="info", as_json=False, mono_s=lambda: now_s) as path:
        for minute in range(3):
            now_s = 61.0 * minute
            for _ in range(20_000):
                log.warning("a packet made no sense")

    lines = path.read_text().splitlines()
    assert len(lines) == 3 * MOST_ALIKE
    assert "19995 like it left out" in lines[MOST_ALIKE]


def test_hostile_text_cannot_forge_a_line_or_steer_a_terminal(tmp_path: Path) -> None:
    with logging_to(tmp_path, level="info", as_json=False) as path:
        log.info("connected to %s", "x\n2026-01-01 ERROR forged\x1b[2J")

    text = path.read_text()
    assert len(text.splitlines()) == 1
    assert "\x1b" not in text


def test_a_disk_that_takes_no_line_costs_the_lines_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with logging_to(tmp_path, level="info", as_json=False):
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
        try:
            log.error("nobody will read this")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    os.mkfifo(tmp_path / "logs" / "pipe")
    (tmp_path / "logs" / "pipe").replace(tmp_path / "logs" / "spasmwatch.log")
    with logging_to(tmp_path, level="info", as_json=False):
        log.error("nor will a pipe be waited for")
    (tmp_path / "file").write_text("in the way")
    with logging_to(tmp_path / "file", level="info", as_json=False):
        log.error("nor this")

    assert capsys.readouterr().err == ""
