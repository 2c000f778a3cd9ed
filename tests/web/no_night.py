"""Pages without a night, served in a thread: for tests and pictures."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from detector.config import SettingsError, read_configuration
from detector.errors import ConfigError, StorageError
from detector.people.people_file import PeopleFile
from detector.web.no_night.failure import Failure, failure_of
from detector.web.no_night.failure_page import FailurePage
from detector.web.serving.server import Servable, Where, served

NOW = datetime(2026, 11, 21, 2, 14, tzinfo=UTC)
USUAL = Path("/home/anna/.config/spasmwatch/config.toml")

WRONG = """\
[wearer]
label = "Anna's room"
time_zone = "Europe/Amsterdm"

[sensor]
placement = "ankel"
devise = "Polar Sense 9A21"

[mqtt]
broker = "mqtt://anna:hushhush@broker.test"
"""


@contextmanager
def serving(make: Callable[[], Servable]) -> Iterator[str]:
    """Serve a page until the block ends; the value is its address."""
    found: list[str] = []
    ready, loop = threading.Event(), asyncio.new_event_loop()

    async def serve() -> None:
        async with served(make(), Where("127.0.0.1", 23_577)) as address:
            found.append(address)
            ready.set()
            await asyncio.Event().wait()

    task = loop.create_task(serve())

    def run() -> None:
        try:
            loop.run_until_complete(task)
        except asyncio.CancelledError:
            pass
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()
            ready.set()

    thread = threading.Thread(target=run, name="no night")
    thread.start()
    try:
        assert ready.wait(20)
        yield found[0]
    finally:
        if not loop.is_closed():
            loop.call_soon_threadsafe(task.cancel)
        thread.join(20)


def error_of(text: str, folder: Path) -> ConfigError:
    """Return what is said of settings with this text."""
    path = folder / "config.toml"
    path.write_text(text)
    path.chmod(0o600)
    try:
        read_configuration(path, environ={})
    except ConfigError as error:
        return error
    raise AssertionError("these settings are valid")


def wrong_settings(folder: Path) -> Failure:
    """Return the failure of settings with a few mistakes, as if they lay in the usual place."""
    error = error_of(WRONG, folder)
    assert isinstance(error, SettingsError)
    usual = SettingsError(str(error), path=USUAL, problems=error.problems)
    return failure_of(usual, str(error), path=USUAL, again_s=20, at=NOW)


def no_room(folder: Path) -> Failure:
    """Return a failure that no settings mend."""
    words = (
        "/home/anna/.local/share/spasmwatch: Read-only file system\nWhat cannot be written is lost."
    )
    return failure_of(StorageError(words), words, path=USUAL, again_s=20, at=NOW)


FAILURES: dict[str, Callable[[Path], Failure]] = {"failure": wrong_settings, "no-room": no_room}


def failing(failure: Failure, folder: Path, label: str = "Anna's room") -> FailurePage:
    """Return the page that shows a failure."""
    return FailurePage(failure, PeopleFile(folder), label=label, zone=UTC)
