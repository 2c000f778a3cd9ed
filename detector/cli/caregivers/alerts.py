"""`spasmwatch alerts`: contacts whose phones are told, and tests of the way to each."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detector.cli.caregivers.alert_budget import budget
from detector.terminal.invocation import Invocation, UsageError, program_name

if TYPE_CHECKING:
    from detector.config import ContactSettings, Settings
    from detector.push.drills import Drill
    from detector.push.trial import PushTrial
    from detector.terminal.output import Output

app = typer.Typer(no_args_is_help=True, help="Whose phones are told, and how often somebody wakes.")

FOLDER = "contacts"  # beside the settings: a file with the address of each contact
UNREACHED = 69  # a contact was not reached
LONGEST_LINE = 4096  # characters of an address that is typed

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Small letters, such as anna.")]


@app.command(short_help="Add somebody whose phone is to be told, and send a test.")
def add(
    ctx: typer.Context,
    name: NameArgument,
    url: Annotated[
        str | None,
        typer.Argument(
            metavar="[URL]",
            help="Where, such as mailtos://…, or page for the page's own notifications; asked for "
            "if left out, when Enter makes a new topic at ntfy.sh. - reads it from stdin: others "
            "here see what a command is given.",
        ),
    ] = None,
    *,
    quiet_hours: Annotated[
        str | None,
        typer.Option(
            "--quiet-hours", metavar="22:00-07:00", help="When the next one is told instead."
        ),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Say what was found, too.")] = False,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Accept an address that is not encrypted.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Keep it even if the test fails.")] = False,
) -> None:
    """Add a contact, last in the order, and send a test; nothing is kept where that fails.

    The address goes into a file beside the settings that is yours alone. docs/push.md has the
    addresses of ntfy, mail, Telegram and others.
    """
    from detector.config import default_path, read_configuration
    from detector.config.contacts import check_address, person_of_page, whole_address
    from detector.config.settings_file import change_section, undo
    from detector.files import PRIVATE, write_whole

    call = Invocation.of(ctx)
    settings = call.configuration().settings
    if any(contact.name == name for contact in settings.contact):
        raise UsageError(f"There is a contact {name} already: choose another name.")
    address = whole_address(_address(call.out, url), name)
    try:
        check_address(address, insecure=insecure)
    except ValueError as error:
        raise UsageError(f"The address {error}") from None
    person = person_of_page(address)
    if person is not None and not settings.web.enabled:
        raise UsageError("The page is switched off: set web.enabled = true first.")
    path = call.config_path or default_path()
    secret = path.absolute().parent / FOLDER / f"{name}.url"
    values: dict[str, str | bool] = {"name": name, "url_file": str(secret)}
    if quiet_hours is not None:
        values["quiet"] = quiet_hours
    if full:
        values["wording"] = "full"
    if insecure:
        values["insecure"] = True
    with _new_secret(secret):
        secret.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(secret, f"{address}\n", mode=PRIVATE)
        change = change_section(
            path,
            "contact",
            values,
            {},
            lambda draft: read_configuration(draft, environ={}),
            another=True,
        )
        if person is not None:
            _say_page(call.out, change.path, person, settings)
            return
        [trial] = _tried(call, _settings_at(call, path), [name])
        if trial.why is not None and not force:
            undo(change)
            _said(call.out, [trial])
            call.out.error(f"Nothing was changed. To keep {name} all the same: add --force")
            raise typer.Exit(UNREACHED)
    if not call.out.json:
        call.out.say(f"Written: {change.path}, and the address to {secret}")
    _said(call.out, [trial])
    call.out.say("A night that runs already tells them from its next start on.")


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
    trials = _tried(call, settings, names)
    _said(call.out, trials)
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


def _say_page(out: Output, path: Path, person: str, settings: Settings) -> None:
    """Say how a device asks for the page's notifications: until one does, nothing can be sent."""
    out.say(f"Written: {path}")
    out.say(
        f"1. Start {program_name()} again, if it runs.\n"
        f"2. On each device of {person} open the page ({program_name()} pair {person} lets one in; "
        f"a phone needs {program_name()} setup tls --page --write first).\n"
        "3. There, below What happened: Notify this device, then Send a test."
    )
    if settings.web.public_url is None:
        out.say("Until that sets web.public_url, notifications have no button to answer by.")
    if out.json:
        out.data(json.dumps({"schema": "push-test/1", "contacts": []}))


def _tried(call: Invocation, settings: Settings, names: Sequence[str]) -> list[PushTrial]:
    import asyncio

    from detector.push.links import links_of
    from detector.push.trial import try_contacts

    folder = settings.data_dir
    contacts = [contact for contact in settings.contact if contact.name in names]
    call.out.say(f"Sending a test to {', '.join(names)} …")
    links = links_of(settings.web, folder)
    return asyncio.run(try_contacts(contacts, folder, label=settings.wearer.label, links=links))


def _said(out: Output, trials: Sequence[PushTrial]) -> None:
    """Write what became of tests."""
    if out.json:
        rows = [{"name": t.name, "latency_s": t.latency_s, "why": t.why} for t in trials]
        out.data(json.dumps({"schema": "push-test/1", "contacts": rows}))
        return
    for trial in trials:
        if trial.latency_s is None:
            out.data(f"{trial.name}: not reached: {trial.why}")
        else:
            out.data(f"{trial.name}: taken after {trial.latency_s:.1f} s")
    if any(trial.why is None for trial in trials):
        out.say(
            "Whether it was heard, only they can tell: by its button, or by the code in it: "
            f"{program_name()} alerts confirm CODE"
        )


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


def _address(out: Output, url: str | None) -> str:
    """Return the address as it was given, from stdin, as it is typed, or of a new topic."""
    import sys

    if url is not None and url != "-":
        return url
    if url is None:
        out.say(
            "Their address, page for the page's notifications, or Enter for a new topic at ntfy.sh:"
        )
    line = sys.stdin.readline(LONGEST_LINE)
    if url is None and line == "\n":
        return _new_topic(out)
    if not line.strip():
        raise UsageError("No address was given.")
    return line.strip()


def _new_topic(out: Output) -> str:
    """Return the address of a new topic, once somebody says that a phone follows it."""
    import sys

    from detector.push.new_topic import SERVER, new_topic

    topic = new_topic()
    out.say(
        f"1. On the phone install the app ntfy, from its store or from {SERVER}.\n"
        "2. In it press + and type this topic. It is a secret: who knows it reads the alerts.\n\n"
        f"       {topic.name}\n"
    )
    if not out.plain and sys.stderr.isatty():
        import segno

        out.say("   An Android phone that has the app can scan this instead:\n")
        segno.make(topic.link, error="l").terminal(out=sys.stderr, compact=True)
    out.say("3. Allow its notifications, and let it override Do Not Disturb.")
    out.say("Press Enter when the phone follows the topic:")
    if not sys.stdin.readline(LONGEST_LINE):
        raise UsageError("Nothing was changed: nobody said that the phone follows the topic.")
    return topic.address


def _settings_at(call: Invocation, path: Path) -> Settings:
    """Return the settings as they are in the file now."""
    from detector.config import read_configuration

    return read_configuration(path, flags={"data_dir": call.data_dir}).settings


@contextmanager
def _new_secret(path: Path) -> Iterator[None]:
    """Delete a file that is made inside the block, where the block does not end well."""
    if path.exists():
        raise UsageError(f"{path} exists already: remove it, or choose another name.")
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


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
