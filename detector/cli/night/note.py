"""`spasmwatch note`: write down what belongs to a night, whether one runs or not."""

from __future__ import annotations

import getpass
import os
import re
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from detector.terminal.invocation import Invocation, UsageError

if TYPE_CHECKING:
    from detector.alerts.commands import AddNote
    from detector.config import Settings

NOBODY = "terminal"  # where the user's own name cannot be used


def note(
    ctx: typer.Context,
    text: Annotated[list[str], typer.Argument(metavar="TEXT", help="What to write down.")],
    *,
    by: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Who says so.", show_default="your login"),
    ] = None,
) -> None:
    """Note something that belongs to the night: "took baclofen", "moved the sensor".

    It stands in the log with the time, and on the page. While `run` watches, it goes there; else
    it is written behind the last night.
    """
    from detector.alerts.commands import AddNote, CommandError

    call = Invocation.of(ctx)
    settings = call.configuration().settings
    try:
        command = AddNote(by=by or _login(), text=" ".join(text).strip())
        where = _say(settings, command)
    except CommandError as error:
        raise UsageError(f"Nothing was noted: {error}") from None
    call.out.say(f"Noted by {command.by}, {where}.")


def _say(settings: Settings, command: AddNote) -> str:
    """Tell the night that runs, or write it where the last one ended; return which."""
    from detector.alerts.commands import to_dict
    from detector.errors import ServiceError
    from detector.supervision.present import present
    from detector.web.serving.address_file import read_address
    from detector.web.serving.asking import LocalPage, SilentServiceError

    page = read_address(settings.data_dir)
    if page is not None:
        fields = {name: value for name, value in to_dict(command).items() if value is not None}
        try:
            LocalPage(page).say("note", fields)
        except SilentServiceError:
            pass  # it ended without a word, or hangs
        else:
            return "in the night that runs"
    if present(settings.data_dir, os.environ).runs:
        raise ServiceError(
            "A night runs that cannot be told, as its page is off (web.enabled) or hangs: nothing "
            "was noted. At its own terminal: n and the text."
        )
    _write(settings, command)
    return "behind the last night"


def _write(settings: Settings, command: AddNote) -> None:
    from datetime import UTC, datetime

    from detector.events import Origin
    from detector.service.persistence.places import DataFolder
    from detector.store.log import of_command
    from detector.store.state import State

    now = datetime.now(UTC)
    with closing(State.open(DataFolder.of(settings.data_dir, Origin.LIVE).state)) as state:
        entry = of_command(command, at=now, whose=state.wearer, source=Origin.LIVE)
        state.commit(at=now, entries=[entry])


def _login() -> str:
    """Return the user's name as the log takes it."""
    try:
        name = re.sub(r"[^a-z0-9_-]+", "-", getpass.getuser().lower()).strip("-_")[:32]
    except (OSError, KeyError):
        name = ""
    return name or NOBODY
