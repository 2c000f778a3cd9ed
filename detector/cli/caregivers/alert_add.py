"""`alerts add`: somebody whose phone is to be told, and a first test of the way to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detector.cli.caregivers.alert_tests import UNREACHED, say_trials, tried
from detector.terminal.invocation import Invocation, UsageError, program_name

if TYPE_CHECKING:
    from detector.config import Settings
    from detector.push.trial import PushTrial
    from detector.terminal.output import Output

FOLDER = "contacts"  # beside the settings: a file with the address of each contact
LONGEST_LINE = 4096  # characters of an address that is typed

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Small letters, such as anna.")]


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
    path = call.config_path or default_path()
    secret = path.absolute().parent / FOLDER / f"{name}.url"
    settings = call.configuration().settings
    _check_name(name, settings, secret)
    address = whole_address(_address(call.out, url), name)
    try:
        check_address(address, insecure=insecure)
    except ValueError as error:
        raise UsageError(f"The address {error}") from None
    person = person_of_page(address)
    if person is not None and not settings.web.enabled:
        raise UsageError("The page is switched off: set web.enabled = true first.")
    values: dict[str, str | bool] = {"name": name, "url_file": str(secret)}
    if quiet_hours is not None:
        values["quiet"] = quiet_hours
    if full:
        values["wording"] = "full"
    if insecure:
        values["insecure"] = True
    change = None
    try:
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
        trial = _first_test(call, path, name, force=force, asks=url is None)
    except BaseException:  # such as Ctrl-C: settings that name a file that is gone stop a night
        if change is not None:
            undo(change)
        secret.unlink(missing_ok=True)
        raise
    if not call.out.json:
        call.out.say(f"Written: {change.path}, and the address to {secret}")
    say_trials(call.out, [trial])
    call.out.say("A night that runs already tells them from its next start on.")


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


def _check_name(name: str, settings: Settings, secret: Path) -> None:
    """Check a new contact's name before anybody sets up a phone for it.

    Raises
    ------
    UsageError
        It is none, or is taken.
    """
    from detector.alerts.commands import PERSON

    if not PERSON.fullmatch(name):
        better = name.lower() if PERSON.fullmatch(name.lower()) else "anna"
        raise UsageError(
            f"The name {name!a:.80} must be up to 32 of a-z, 0-9, _ and -: "
            f"{program_name()} alerts add {better}"
        )
    if any(contact.name == name for contact in settings.contact):
        raise UsageError(
            f"There is a contact {name} already: choose another name, or for a new phone of "
            f"theirs first {program_name()} alerts remove {name}"
        )
    if secret.exists():
        raise UsageError(f"{secret} exists already: remove it, or choose another name.")


def _first_test(call: Invocation, path: Path, name: str, *, force: bool, asks: bool) -> PushTrial:
    """Send a new contact the first test, again for as long as somebody asks for that.

    Parameters
    ----------
    asks : somebody is there, and has set up a phone for this very address

    Raises
    ------
    typer.Exit
        It failed, and nobody wants the contact all the same.
    """
    import sys

    while True:
        [trial] = tried(call, _settings_at(call, path), [name])
        if trial.why is None or force:
            return trial
        if not asks or call.out.json:
            break
        say_trials(call.out, [trial])
        call.out.error(
            "See to that, or to this computer's internet connection, and press Enter to try again. "
            f"To keep {name} untested, type k and Enter; Ctrl-C changes nothing:"
        )
        line = sys.stdin.readline(LONGEST_LINE)
        if line.strip().lower() == "k":
            return trial
        if not line:
            call.out.error("Nothing was changed.")
            raise typer.Exit(UNREACHED)
    say_trials(call.out, [trial])
    call.out.error(f"Nothing was changed. To keep {name} all the same: add --force")
    raise typer.Exit(UNREACHED)


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
