"""`spasmwatch setup --page`: the same questions on a page of this computer, then the night."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote

from detector.cli.caregivers.alert_add import FOLDER
from detector.config import SensorSettings, Settings, read_configuration
from detector.config.settings_file import change_section
from detector.config.worn import sensor_values
from detector.devices.registry import installed
from detector.doctor.check import CheckResult
from detector.doctor.sensor import check_sensor
from detector.errors import ConfigError, StorageError
from detector.files import PRIVATE, write_whole
from detector.people.people_file import PeopleFile
from detector.sources.nearby import NearbyDevice
from detector.sources.reach import Reach
from detector.terminal.output import Output
from detector.web.no_night.first_page import FirstPage, Work, admit
from detector.web.no_night.first_settings import FirstSettings, Typed
from detector.web.serving.server import Where, served

HERE = "127.0.0.1"
ENDING_S = 1.0  # for the page that says that the night begins


@dataclass(frozen=True, slots=True)
class PageVisit:
    """How and where the first settings are made.

    path : the settings file
    before : what it says now; None where there is none
    timeout_s : how long to listen for sensors
    """

    out: Output
    reach: Reach
    path: Path
    before: Settings | None
    data_dir: Path
    timeout_s: float


async def first_settings(visit: PageVisit) -> None:
    """Serve the page until a person has seen what was written, and starts the night.

    Raises
    ------
    StorageError
        No port can be had.
    """
    people, now = PeopleFile(visit.data_dir), visit.before or Settings()
    page = FirstPage(
        people,
        Work(
            find=lambda: visit.reach.scan(visit.timeout_s, lambda _s: None),
            look=lambda sensor: _look(visit, sensor),
            write=lambda chosen: _written(visit, now.sensor, chosen),
            admit=lambda chosen, token: admit(people, chosen, token, datetime.now(UTC)),
        ),
        typed=Typed(place=now.sensor.placement, label=now.wearer.label),
    )
    try:
        async with served(page, Where(HERE, now.web.port)) as address:
            visit.out.data(f"Open this on this computer, in one browser: {address}/?key={page.key}")
            visit.out.say("It goes on there. Ctrl-C ends it; nothing is changed before you say so.")
            await page.done.wait()
            await asyncio.sleep(ENDING_S)
    except OSError as error:
        why = error.strerror or str(error)
        raise StorageError(f"web.port {now.web.port} and those above it: {why}") from None


async def _look(visit: PageVisit, sensor: NearbyDevice) -> Sequence[CheckResult]:
    look, why = await visit.reach.look(sensor.address, driver=sensor.driver)
    loss_note = installed().named(sensor.driver or "").sheet.loss
    zone = None if visit.before is None else visit.before.wearer.zone
    return check_sensor(look, why=why, loss_note=loss_note, zone=zone)


def _written(visit: PageVisit, now: SensorSettings, chosen: FirstSettings) -> tuple[str, str]:
    """Write the settings; return their text, and the command that undoes it."""
    sensor, path = chosen.sensor, visit.path
    values, remarks = sensor_values(
        now, chosen.worn, address=sensor.address, name=sensor.name, driver=sensor.driver
    )
    with _told(visit, chosen) as contact:
        change = change_section(
            path,
            "sensor",
            values,
            remarks,
            lambda draft: read_configuration(draft, environ={}),
            beside={"wearer": {"label": chosen.label}},
            added={"contact": contact} if contact else {},
        )
    lines = [f'label = "{chosen.label}"', *(f'{name} = "{each}"' for name, each in values.items())]
    undo = "nothing was changed" if not change.changed else f"rm {quote(str(path))}"
    if change.backup is not None:
        undo = f"mv {quote(str(change.backup))} {quote(str(path))}"
    lines = [f"# {path}", "[wearer]", lines[0], "", "[sensor]", *lines[1:]]
    if contact:
        lines += ["", "[[contact]]", *(f'{name} = "{each}"' for name, each in contact.items())]
    return "\n".join(lines), undo


@contextmanager
def _told(visit: PageVisit, chosen: FirstSettings) -> Iterator[dict[str, str]]:
    """Provide the section of whom to tell; the file of the address stays if all goes well.

    Raises
    ------
    ConfigError, StorageError
        There is such a contact, or the file cannot be written.
    """
    if not chosen.told:
        yield {}
        return
    secret = visit.path.absolute().parent / FOLDER / f"{chosen.told}.url"
    known = () if visit.before is None else visit.before.contact
    if secret.exists() or any(contact.name == chosen.told for contact in known):
        raise ConfigError(f"There is a contact {chosen.told} already: choose another name.")
    try:
        secret.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(secret, f"{chosen.address}\n", mode=PRIVATE)
    except OSError as error:
        raise StorageError(f"{secret}: {error.strerror}. Nothing was changed.") from None
    try:
        yield {"name": chosen.told, "url_file": str(secret)}
    except BaseException:
        secret.unlink(missing_ok=True)
        raise
