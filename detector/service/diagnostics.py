"""Diagnostic log for faults: standard `logging`, rotating in the data folder.

No line at INFO or above holds health data: what was found in a night is in the state, not here.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

from detector.files import regular_only
from detector.plain_json import printable

FOLDER: Final = "logs"
FILE: Final = "spasmwatch.log"

LONGEST_FILE = 4_000_000  # bytes; with the older ones 20 MB, weeks of a bad night's lines
OLDER_FILES = 4

MOST_ALIKE = 5
"""Lines of one origin in `WINDOW_S`: a million bad packets must not fill a disk."""
WINDOW_S = 60.0
MOST_ORIGINS = 1000  # places that log at all; beyond, counting begins anew

ROOTS = ("detector", "firmware_sim", "bleak", "asyncio")
"""Loggers whose lines are kept. bumble and paho log every packet at DEBUG: not theirs."""


@contextmanager
def logging_to(
    folder: Path, *, level: str, as_json: bool, mono_s: Callable[[], float] = time.monotonic
) -> Iterator[Path]:
    """Log to a rotating file in `folder` for as long as the block lasts; yield its path.

    Lines that cannot be written are lost; nothing is raised.

    Parameters
    ----------
    level : debug, info, warning or error: the least important line that is written
    as_json : one JSON object a line instead of text
    """
    path = folder / FOLDER / FILE
    handler = _open(path)
    handler.setFormatter(_JsonLine() if as_json else _PlainLine())
    handler.addFilter(_RateLimit(mono_s))
    loggers = [logging.getLogger(name) for name in ROOTS]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(level.upper())
    try:
        yield path
    finally:
        for logger, was in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(was)
        handler.close()


def _open(path: Path) -> logging.Handler:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _Rotating(path, maxBytes=LONGEST_FILE, backupCount=OLDER_FILES, encoding="utf-8")
    except OSError:
        return logging.NullHandler()  # the state reports a full or read-only disk


class _Rotating(RotatingFileHandler):
    """A rotating file that counts write errors instead of printing their tracebacks."""

    refused = 0

    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, "a", encoding="utf-8", opener=regular_only)

    def close(self) -> None:
        with suppress(OSError):  # lines that the disk refused are written again at the end
            super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - inherited
        self.refused += 1


class _RateLimit(logging.Filter):
    """Let `MOST_ALIKE` lines of one origin pass in `WINDOW_S`; the next says how many did not."""

    def __init__(self, mono_s: Callable[[], float]) -> None:
        super().__init__()
        self._mono_s = mono_s
        self._seen: dict[tuple[str, int, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        detail = "" if record.exc_info is None else str(record.args)
        origin = (record.pathname, record.lineno, detail)
        now_s = self._mono_s()
        since_s, count = self._seen.get(origin, (now_s, 0))
        if now_s - since_s >= WINDOW_S:
            if count > MOST_ALIKE:
                record.msg = f"{record.msg} ({count - MOST_ALIKE} like it left out)"
            since_s, count = now_s, 0
        if len(self._seen) >= MOST_ORIGINS:
            self._seen.clear()
        self._seen[origin] = since_s, count + 1
        return count < MOST_ALIKE


class _PlainLine(logging.Formatter):
    """`2026-11-21T02:14:07.310Z ERROR detector.service.supervisor: …`, tracebacks below."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802 - inherited
        return _utc(record)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - inherited
        return printable(super().formatMessage(record))  # names of sensors are untrusted


class _JsonLine(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and a traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _utc(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def _utc(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
