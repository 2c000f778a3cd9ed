"""When each contact was last tested, and whether a person confirmed it: a file in the data folder.

A test is sent on request; that a server took it proves nothing about the phone, so each carries a
code or a button by which whoever got it says so.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from detector import plain_json
from detector.errors import StorageError
from detector.events import format_utc, parse_utc
from detector.files import PRIVATE, read_start, write_whole
from detector.push.tokens import PushAnswer

SCHEMA = "drills/1"
DRILLS_FILE = "drills.json"
LARGEST_BYTES = 64 * 1024  # sixteen contacts take two

DUE = timedelta(days=7)
"""A person confirms a test each week, as at a receiver: what is never tried may not work."""

CONFIRMABLE = timedelta(hours=24)  # as long as the button of its notification
CODE_DIGITS = 6  # read aloud over the telephone; good for one test, for a day
TEST_PREFIX = "test-"  # of what stands for an alert's id in the token of a test's button


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """The latest test of one contact.

    tested : when it was sent
    latency_s : until its service took it; None where it did not
    code : by which it is confirmed
    confirmed : when a person last confirmed a test, this one or an earlier
    """

    tested: datetime
    latency_s: float | None
    code: str
    confirmed: datetime | None = None


def new_code() -> str:
    """Return a code for a test."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"


def is_test(answer: PushAnswer) -> bool:
    """Whether an answer is that to a test, and to no alert."""
    return answer.alert.startswith(TEST_PREFIX)


def after_test(known: Drill | None, *, at: datetime, latency_s: float | None, code: str) -> Drill:
    """Return a contact's drill after a test."""
    confirmed = None if known is None else known.confirmed
    return Drill(tested=at, latency_s=latency_s, code=code, confirmed=confirmed)


def confirmed_by(drills: Mapping[str, Drill], code: str, at: datetime) -> str | None:
    """Return the contact whose latest test has this code and can still be confirmed, or None."""
    for name, drill in drills.items():
        fresh = timedelta(0) <= at - drill.tested < CONFIRMABLE
        if fresh and secrets.compare_digest(drill.code.encode(), code.encode()):
            return name
    return None


def read_drills(folder: Path) -> dict[str, Drill]:
    """Return the latest drill of each contact; none where there is no file, or it is damaged.

    Raises
    ------
    StorageError
        The disk cannot be read.
    """
    path = folder / DRILLS_FILE
    try:
        data = read_start(path, LARGEST_BYTES)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from error
    try:
        said: Any = plain_json.read(data, most_bytes=LARGEST_BYTES)
        return {str(name): _drill(each) for name, each in said["contacts"].items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        return {}  # a test tells anew


def write_drills(folder: Path, drills: Mapping[str, Drill]) -> None:
    """Replace the file whole.

    Raises
    ------
    StorageError
        The disk cannot be written.
    """
    path = folder / DRILLS_FILE
    contacts = {
        name: asdict(drill)
        | {"tested": format_utc(drill.tested), "confirmed": format_utc(drill.confirmed)}
        for name, drill in drills.items()
    }
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = json.dumps({"schema": SCHEMA, "contacts": contacts})
        write_whole(path, text + "\n", mode=PRIVATE)
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from error


def confirm(folder: Path, code: str, at: datetime | None = None) -> str | None:
    """Record that somebody got the test of this code; return which contact, or None for no test.

    Raises
    ------
    StorageError
        The disk cannot be read or written.
    """
    at = at or datetime.now(UTC)
    drills = read_drills(folder)
    name = confirmed_by(drills, code, at)
    if name is not None:
        write_drills(folder, drills | {name: replace(drills[name], confirmed=at)})
    return name


def confirm_answer(folder: Path, answer: PushAnswer) -> bool:
    """Record the answer of a test's button; return whether there is such a test.

    Raises
    ------
    StorageError
        The disk cannot be read or written.
    """
    if not is_test(answer):
        return False
    return confirm(folder, answer.alert.removeprefix(TEST_PREFIX)) == answer.contact


def _drill(said: Any) -> Drill:
    tested = parse_utc(said["tested"])
    latency_s = said["latency_s"]
    confirmed = parse_utc(said["confirmed"])
    if tested is None or not isinstance(said["code"], str):
        raise ValueError("not a drill")
    if tested.tzinfo is None or (confirmed is not None and confirmed.tzinfo is None):
        raise ValueError("without a time zone")
    return Drill(
        tested=tested,
        latency_s=None if latency_s is None else float(latency_s),
        code=said["code"],
        confirmed=confirmed,
    )
