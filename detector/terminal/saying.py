"""Say something to a night as commands do: to the service that runs, else behind the last night."""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from detector.alerts.commands import Command, name_of, to_dict
from detector.config import Settings
from detector.errors import ServiceError
from detector.events import Origin
from detector.service.persistence.places import DataFolder
from detector.store.log import of_command
from detector.store.state import State
from detector.store.state_file import StateDamagedError, StateDiskError, StateError
from detector.supervision.present import present
from detector.terminal.invocation import program_name
from detector.web.serving.address_file import read_address
from detector.web.serving.asking import LocalPage, SilentServiceError

if TYPE_CHECKING:
    from detector.web.serving.address_file import PageAddress

NOBODY = "terminal"  # where the user's own name cannot be used

IN_NIGHT, BEHIND = "in the night that runs", "behind the last night"


def login() -> str:
    """Return the user's name as the log takes it."""
    try:
        name = re.sub(r"[^a-z0-9_-]+", "-", getpass.getuser().lower()).strip("-_")[:32]
    except (OSError, KeyError):
        name = ""
    return name or NOBODY


def say(settings: Settings, commands: Sequence[Command]) -> str:
    """Tell the night that runs, whatever its samples come from, or write it; return which.

    Raises
    ------
    CommandError, ServiceError, StateError
        It was refused; a night runs that cannot be told; the disk takes nothing.
    """
    left = list(commands)
    page = read_address(settings.data_dir)
    if page is not None and _told(page, left):
        return IN_NIGHT
    check_silent(settings)
    _write(settings, left, Origin.LIVE)
    return BEHIND


def say_of(settings: Settings, commands: Sequence[Command], origin: Origin) -> str:
    """Say something of what was found in samples of one origin; return where, as `say`.

    Whoever owns that state is told. A night of another origin that runs is not: it has other
    events. Errors as `say`.
    """
    left = list(commands)
    try:
        _write(settings, left, origin)
    except (StateDiskError, StateDamagedError):
        raise
    except StateError:
        page = read_address(settings.data_dir)
        if page is None or not _told(page, left):
            check_silent(settings)
            raise
        return IN_NIGHT
    return BEHIND


def check_silent(settings: Settings) -> None:
    """Check that no night runs whose page cannot be reached.

    Raises
    ------
    ServiceError
        One does.
    """
    if present(settings.data_dir, os.environ).runs:
        raise ServiceError(
            "A night runs that cannot be told, as its page is off (web.enabled) or hangs: nothing "
            f"was noted. Where `{program_name()} run` was started in a terminal, press n there and "
            "type the text."
        )


def _told(page: PageAddress, left: list[Command]) -> bool:
    """Tell the service; return whether it answered. What it took is no longer among `left`."""
    try:
        while left:
            fields = {name: each for name, each in to_dict(left[0]).items() if each is not None}
            LocalPage(page).say(name_of(left[0]), fields)
            del left[0]
    except SilentServiceError:
        return False  # it ended without a word, or hangs
    return True


def _write(settings: Settings, commands: Sequence[Command], origin: Origin) -> None:
    """Write it behind the last night, each a ms after the other: they are taken back one by one."""
    now = datetime.now(UTC)
    with closing(State.open(DataFolder.of(settings.data_dir, origin).state)) as state:
        entries = [
            of_command(command, at=now + n * _MS, whose=state.wearer, source=origin)
            for n, command in enumerate(commands)
        ]
        state.commit(at=now, entries=entries)


_MS = timedelta(milliseconds=1)
