"""`spasmwatch pair`: let a phone or browser see the page, list who may, and remove somebody."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from detector.terminal.invocation import Invocation, UsageError, program_name

if TYPE_CHECKING:
    from detector.config import Settings
    from detector.people.people import People
    from detector.people.people_file import PeopleFile
    from detector.terminal.output import Output


class RoleName(StrEnum):
    """What a person may do on the page."""

    CAREGIVER = "caregiver"
    WEARER = "wearer"
    READ_ONLY = "read-only"


def pair(
    ctx: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="Who it is: a-z, 0-9, _ and -.", show_default="the role"
        ),
    ] = None,
    *,
    role: Annotated[
        RoleName,
        typer.Option(help="caregiver answers alerts, wearer calls for help, read-only looks."),
    ] = RoleName.CAREGIVER,
    every: Annotated[
        bool, typer.Option("--list", help="Say who has access, with how many devices.")
    ] = False,
    remove: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Let somebody in no more, on any device, from now on."),
    ] = None,
) -> None:
    """Let a phone or browser see the page, by a one-time code that lasts 10 minutes.

    Open the address on that device and type the code, or scan the picture. The same NAME once
    more lets in another device of theirs. With --json: code, name, role, address, link, minutes.
    """
    from detector.people.people_file import PeopleFile

    call = Invocation.of(ctx)
    settings = call.configuration().settings
    file = PeopleFile(settings.data_dir)
    if sum([every, remove is not None, name is not None]) > 1:
        raise UsageError("NAME, --list and --remove go one at a time")
    if every:
        _say_who(call.out, file.change(lambda people: (people, people)))
    elif remove is not None:
        _remove(call.out, file, remove, settings)
    else:
        _pair(call.out, settings, file, name or role.value, role)


def _pair(out: Output, settings: Settings, file: PeopleFile, name: str, role: RoleName) -> None:
    from datetime import UTC, datetime

    from detector.people.people import CODE, Role
    from detector.web.access.pairing import new_code
    from detector.web.serving.address_file import read_address

    code = new_code()
    file.change(
        lambda people: (people.with_code(code, name, Role(role.value), datetime.now(UTC)), None)
    )
    page = read_address(settings.data_dir)
    running = page is not None
    address = _expected(settings) if page is None else page.address
    link, minutes = f"{address}/pair#{code}", round(CODE.total_seconds() / 60)
    if out.json:
        out.data(
            json.dumps(
                {
                    "code": code,
                    "name": name,
                    "role": role.value,
                    "address": address,
                    "link": link,
                    "minutes": minutes,
                    "running": running,
                }
            )
        )
        return
    out.data(f"Code for {name} ({role.value}): {code}")
    out.data(f"Open {address}/pair on their device within {minutes} minutes, and type it.")
    if not out.plain and sys.stdout.isatty():
        import segno

        segno.make(link, error="l").terminal(compact=True)
    else:
        out.data(f"Or open this link there: {link}")
    if not running:
        out.say(f"The page is there while {program_name()} run is: start it within these minutes.")
    if settings.web.cert_file is None:
        out.say(
            "Only this computer can open it. For phones: spasmwatch setup tls --page, which says "
            "what to put into the settings."
        )


def _expected(settings: Settings) -> str:
    scheme = "http" if settings.web.cert_file is None else "https"
    bind = settings.web.bind
    return f"{scheme}://{f'[{bind}]' if ':' in bind else bind}:{settings.web.port}"


def _say_who(out: Output, people: People) -> None:
    from detector.words.phrases import counted

    for person in sorted(people.people, key=lambda each: each.name):
        last = max((session.used for session in person.sessions), default=None)
        if out.json:
            out.data(
                json.dumps(
                    {
                        "name": person.name,
                        "role": person.role.value,
                        "devices": len(person.sessions),
                        "last_used": None if last is None else last.isoformat(),
                    }
                )
            )
            continue
        used = "" if last is None else f", last used {last.astimezone():%Y-%m-%d}"
        devices = counted(len(person.sessions), "device")
        out.data(f"{person.name}: {person.role.value}, {devices}{used}")
    if not people.people:
        out.say(f"Nobody has access yet: {program_name()} pair NAME")


def _remove(out: Output, file: PeopleFile, name: str, settings: Settings) -> None:
    from detector.config.contacts import person_of_page
    from detector.errors import ConfigError

    def without(people: People) -> tuple[People, None]:
        named = {person.name for person in people.people} | {code.name for code in people.codes}
        if name not in named:
            known = ", ".join(sorted(named)) or "nobody"
            raise ConfigError(f"{name!a:.80} has no access, only: {known}")
        return people.without(name), None

    file.change(without)
    out.say(f"{name} has no access any more.")
    for contact in settings.contact:
        try:
            told = person_of_page(contact.address()) == name
        except (ConfigError, ValueError):
            continue
        if told:
            out.error(
                f"Alerts for the contact {contact.name} reach no device any more: {program_name()} "
                f"alerts remove {contact.name}, or {program_name()} pair {name} again"
            )
