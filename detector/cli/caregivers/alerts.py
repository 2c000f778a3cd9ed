"""`spasmwatch alerts`: contacts whose phones are told, and tests of the way to each."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from detector.cli.caregivers.alert_add import FOLDER, NameArgument, add
from detector.cli.caregivers.alert_budget import budget
from detector.cli.caregivers.alert_tests import UNREACHED, say_trials, tried
from detector.terminal.invocation import Invocation, UsageError, program_name

if TYPE_CHECKING:
    from detector.config import ContactSettings, Settings
    from detector.push.drills import Drill

app = typer.Typer(no_args_is_help=True, help="Whose phones are told, and how often somebody wakes.")

app.command(short_help="Add somebody whose phone is to be told, and send a test.")(add)


@app.command("list", short_help="Show whom alerts are pushed to, in order.")
def list_(ctx: typer.Context) -> None:
    """Show the contacts in the order in which they are told, and when each was last tested.

    With --json one object: schema, contacts (each name, service, devices that the page notifies,
    quiet, wake_for, wording, tested, confirmed).
    """
    from detector.events import format_utc
    from detector.push.drills import read_drills

    call = Invocation.of(ctx)
    settings = call.configuration().settings
    drills = read_drills(settings.data_dir)
    rows = []
    for contact in settings.contact:
        drill = drills.get(contact.name)
        rows.append(
            {
                "name": contact.name,
                "service": _service(contact),
                "devices": _devices(contact, settings),
                "quiet": contact.quiet,
                "wake_for": None if contact.wake_for is None else list(contact.wake_for),
                "wording": contact.wording,
                "tested": None if drill is None else format_utc(drill.tested),
                "confirmed": None if drill is None else format_utc(drill.confirmed),
            }
        )
    if call.out.json:
        call.out.data(json.dumps({"schema": "contacts/1", "contacts": rows}))
        return
    for number, contact in enumerate(settings.contact, 1):
        call.out.data(f"{number}  {_line(contact, drills.get(contact.name), settings)}")
    if not rows:
        call.out.say(
            f"No contact: alerts go to no phone. Add one: {program_name()} alerts add NAME"
        )


@app.command(short_help="Take a contact out of the settings.")
def remove(ctx: typer.Context, name: NameArgument) -> None:
    """Take a contact out of the settings, and delete the file with their address."""
    from detector.config import default_path, read_configuration
    from detector.config.settings_file import remove_section
    from detector.push.drills import read_drills, write_drills

    call = Invocation.of(ctx)
    settings = call.configuration().settings
    [contact] = _chosen(settings, name)
    path = call.config_path or default_path()
    change = remove_section(
        path, "contact", name, lambda draft: read_configuration(draft, environ={})
    )
    call.out.say(f"{name} is out of {path}; the old file is kept.")
    ours = path.absolute().parent / FOLDER / f"{name}.url"
    if contact.url_file == ours:
        ours.unlink(missing_ok=True)
    drills = read_drills(settings.data_dir)
    if drills.pop(name, None) is not None:
        write_drills(settings.data_dir, drills)
    if change.backup is not None:
        backup = shlex.quote(str(change.backup))
        call.out.say(f"Undo: mv {backup} {shlex.quote(str(path))}, and write the address again")


@app.command("test", short_help="Send a test to every contact, or to one.")
def send_test(
    ctx: typer.Context,
    to: Annotated[str | None, typer.Option("--to", metavar="NAME", help="This one alone.")] = None,
) -> None:
    """Send a test to each contact the way that every alarm goes, and say how long it took.

    Needs no night that runs. Whoever gets it presses its button, or says its code to you:
    `alerts confirm CODE`. Exits with 69 where a contact was not reached. With --json one object:
    schema, contacts (each name, latency_s, why).
    """
    call = Invocation.of(ctx)
    settings = call.configuration().settings
    names = [contact.name for contact in _chosen(settings, to)]
    trials = tried(call, settings, names)
    say_trials(call.out, trials)
    if any(trial.why is not None for trial in trials):
        raise typer.Exit(UNREACHED)


@app.command(short_help="Say that a test was heard, by the code in it.")
def confirm(
    ctx: typer.Context,
    code: Annotated[list[str], typer.Argument(metavar="CODE", help="Six digits, of a test.")],
) -> None:
    """Confirm that somebody heard a test of the last 24 hours. Exits with 1 where there is none."""
    from detector.push.drills import confirm as confirmed

    call = Invocation.of(ctx)
    name = confirmed(call.configuration().settings.data_dir, "".join(code))
    if name is None:
        call.out.error(
            "No test of the last 24 hours has this code: only the latest of each contact counts. "
            f"Send one: {program_name()} alerts test"
        )
        raise typer.Exit(1)
    call.out.data(json.dumps({"confirmed": name}) if call.out.json else f"{name} has confirmed.")


app.command(short_help="Find wake rules that wake somebody less often.")(budget)


def _chosen(settings: Settings, name: str | None) -> tuple[ContactSettings, ...]:
    """Return the contact of this name, or all of them.

    Raises
    ------
    UsageError
        There is none.
    """
    if not settings.contact:
        raise UsageError(f"There is no contact. Add one: {program_name()} alerts add NAME")
    if name is None:
        return settings.contact
    found = tuple(contact for contact in settings.contact if contact.name == name)
    if not found:
        known = ", ".join(contact.name for contact in settings.contact)
        raise UsageError(f"There is no contact {name!a:.40}: there are {known}")
    return found


def _service(contact: ContactSettings) -> str:
    """Return what kind of address a contact has, and nothing else of it."""
    from detector.errors import ConfigError

    try:
        return contact.address().partition("://")[0].lower()
    except (ConfigError, ValueError):
        return "unusable"


def _devices(contact: ContactSettings, settings: Settings) -> int | None:
    """Return how many devices the page notifies for a contact; None where it is another service."""
    from datetime import UTC, datetime

    from detector.config.contacts import person_of_page
    from detector.errors import ConfigError
    from detector.people.people_file import PeopleFile

    try:
        person = person_of_page(contact.address())
    except (ConfigError, ValueError):
        return None
    people = PeopleFile(settings.data_dir).now()
    return None if person is None else len(people.devices(person, datetime.now(UTC)))


def _line(contact: ContactSettings, drill: Drill | None, settings: Settings) -> str:
    """Return a contact as one line."""
    from detector.words.phrases import counted

    parts = [f"{contact.name:<12} {_service(contact)}://***"]
    devices = _devices(contact, settings)
    if devices is not None:
        parts.append(counted(devices, "device") if devices else "NO DEVICE asks for it")
    if contact.quiet is not None:
        parts.append(f"quiet {contact.quiet}")
    if contact.wake_for is not None:
        parts.append(f"for {', '.join(contact.wake_for)}")
    parts.append(f"{contact.wording} words")
    if drill is None:
        parts.append("never tested")
    else:
        zone = settings.wearer.zone
        parts.append(f"tested {drill.tested.astimezone(zone):%d %b %H:%M}")
        parts.append(
            "not confirmed"
            if drill.confirmed is None
            else f"confirmed {drill.confirmed.astimezone(zone):%d %b %H:%M}"
        )
    return "   ".join(parts)
