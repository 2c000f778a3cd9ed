"""systemd is told exactly what is true, over the socket it names, and nobody waits for it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.supervision.notify import LONGEST_STATUS, Notifier


@contextmanager
def manager(address: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.bind("\0" + address[1:] if address.startswith("@") else address)
        bound.settimeout(5)
        yield bound


@pytest.mark.parametrize("abstract", [False, True])
def test_each_word_arrives_as_a_datagram_of_its_own(tmp_path: Path, abstract: bool) -> None:
    address = f"@spasmwatch-notify-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with manager(address) as bound:
        notifier = Notifier.of({"NOTIFY_SOCKET": address}, 1)
        assert all([notifier.ready(), notifier.alive(), notifier.stopping()])
        assert [bound.recv(99) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]


@given(st.text(max_size=400))
def test_no_state_in_words_says_anything_else_to_the_manager(words: str) -> None:
    address = f"@spasmwatch-words-{os.getpid()}"
    with manager(address) as bound:
        assert Notifier(address).status(words)
        line = bound.recv(4096).decode()
    assert line.startswith("STATUS=")
    assert "\n" not in line
    assert len(line) <= LONGEST_STATUS + len("STATUS=")


def test_without_a_manager_or_with_one_that_is_gone_or_reads_nothing_nobody_waits(
    tmp_path: Path,
) -> None:
    assert not Notifier.of({}, 1).ready()
    assert not Notifier(str(tmp_path / "nobody")).ready()
    with manager(str(tmp_path / "deaf")):
        taken = [Notifier(str(tmp_path / "deaf")).alive() for _ in range(3000)]
    assert not taken[-1]


@pytest.mark.parametrize(
    ("environ", "watchdog_s"),
    [
        ({"WATCHDOG_USEC": "15000000"}, 15.0),
        ({"WATCHDOG_USEC": "15000000", "WATCHDOG_PID": "7"}, 15.0),
        ({"WATCHDOG_USEC": "15000000", "WATCHDOG_PID": "8"}, None),  # meant for another process
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_fed_where_the_manager_asks_this_process(
    environ: dict[str, str], watchdog_s: float | None
) -> None:
    assert Notifier.of(environ, 7).watchdog_s == watchdog_s
