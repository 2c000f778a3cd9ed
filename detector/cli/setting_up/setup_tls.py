"""`spasmwatch setup tls`: certificates, passwords and keys for broker and page on the network."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from detector.terminal.invocation import Invocation, UsageError, program_name

if TYPE_CHECKING:
    from detector.mqtt.security.bundles import Plan
    from detector.terminal.output import Output

FOLDER = "security"  # beside the settings
ANYWHERE = ("192.0.2.1", 9)  # RFC 5737: an address that nobody has; nothing is sent there


def tls(
    ctx: typer.Context,
    *,
    caregiver: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Who listens: a-z, 0-9, _ and -; one name, one device."),
    ] = None,
    add: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="One more caregiver; everything else stays."),
    ] = None,
    remove: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Let a caregiver in no more, whose device was lost."),
    ] = None,
    host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST",
            help="Name or address of the broker's computer; caregivers use the first.",
            show_default="this computer's",
        ),
    ] = None,
    port: Annotated[
        int, typer.Option(metavar="PORT", min=1, max=65535, help="Of the broker.")
    ] = 8883,
    folder: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="For all of it.", show_default="beside the settings"),
    ] = None,
    installed: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Where the broker will find its files.",
            show_default="/etc/mosquitto/spasmwatch",
        ),
    ] = None,
    page: Annotated[
        bool,
        typer.Option(
            "--page", help="A new certificate for the page that phones open; all else stays."
        ),
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Write the service's part into the settings file.")
    ] = False,
) -> None:
    """Make certificates, passwords and keys for a broker and the page on the network.

    A certificate authority of your own, the broker's certificate, mosquitto's configuration with
    users and access list, and a folder for each caregiver. Nothing is installed; it says how.
    """
    from detector.config import default_path
    from detector.mqtt.security import bundles

    call = Invocation.of(ctx)
    settings_path = (call.config_path or default_path()).absolute()
    place = (folder or settings_path.parent / FOLDER).expanduser().absolute()
    if not str(place).isprintable() or '"' in str(place) or "\\" in str(place):
        raise UsageError("the folder's name must be printable, without quotation marks")
    if page:
        if caregiver or add or remove:
            raise UsageError("--page goes alone")
        plan = _plan(call, host, port, installed, settings_path)
        _page(call, place, plan, settings_path, write=write)
        return
    if add or remove:
        if caregiver or host:
            raise UsageError("--add and --remove go alone: the broker's names stay as they are")
        if remove:
            bundles.remove(place, remove)
        if add:
            bundles.add(place, add)
        plan = bundles.read_plan(place)
    else:
        if not caregiver:
            raise UsageError(f"who listens? {program_name()} setup tls --caregiver anna")
        plan = _plan(call, host, port, installed, settings_path)
        bundles.check_names(caregiver)
        if place.exists():
            _move_aside(call.out, place)
        bundles.make(place, plan, caregiver, now=datetime.now(UTC))
    if write:
        _write(settings_path, bundles.service_settings(place, plan))
    if call.out.json:
        call.out.data(json.dumps(bundles.summary(place, plan, _page_port(call, settings_path))))
    changed = bool(add or remove)
    _explain(call.out, place, plan, add or caregiver or [], changed=changed, written=write)


def _plan(
    call: Invocation, host: list[str] | None, port: int, installed: str | None, settings_path: Path
) -> Plan:
    from detector.mqtt.security.bundles import INSTALLED, Plan

    hosts = tuple(dict.fromkeys([*(host or own_hosts()), "localhost", "127.0.0.1", "::1"]))
    prefix = call.configuration().settings.mqtt.prefix if settings_path.exists() else "sw/v1"
    return Plan(hosts, host[0] if host else "localhost", port, prefix, installed or INSTALLED)


def _page_port(call: Invocation, settings_path: Path) -> int:
    from detector.config import WebSettings

    there = settings_path.exists()
    return call.configuration().settings.web.port if there else WebSettings().port


def _page(
    call: Invocation,
    place: Path,
    plan: Plan,
    settings_path: Path,
    *,
    write: bool,
) -> None:
    """Make the page's certificate, by the authority that is there or a new one; say what to do."""
    from detector.mqtt.security import bundles

    now = datetime.now(UTC)
    if place.exists():
        bundles.add_page(place, now=now)
    else:
        bundles.make(place, plan, [], now=now)
    values = bundles.page_settings(place, _page_port(call, settings_path))
    out = call.out
    if write:
        _write(settings_path, values, section="web")
    if out.json:
        out.data(json.dumps(values))
    out.say(f"Made in {place}, which only you may read.\n")
    if write:
        out.say(f"1. This computer: end {program_name()} run, and start it again.")
    else:
        out.say("1. This computer: put these lines into your settings (--write does), and run.")
        out.say("   [web]")
        for name, value in values.items():
            out.say(f"   {name} = {json.dumps(value)}")
    out.say("2. Each phone must trust your own authority once: bring this file to it, by mail or a")
    out.say("   cable, open it, and install it as a CA certificate (docs/page.md says where that")
    out.say("   is). It is no secret; ca.key beside it is one: never send that.")
    out.say(f"   {place / 'ca.crt'}")
    out.say(f"3. Let each of them in: {program_name()} pair NAME")
    out.say("The certificate lasts two years; the same command makes a new one.")


def own_hosts() -> list[str]:
    """Return by which names and addresses others may reach this computer."""
    name = socket.gethostname().partition(".")[0].lower()
    found = [f"{name}.local", name]
    for family in (socket.AF_INET, socket.AF_INET6):
        anywhere = ANYWHERE if family == socket.AF_INET else ("2001:db8::1", 9)
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(anywhere)  # chooses a network; a datagram socket sends nothing by that
            found.append(str(probe.getsockname()[0]))
    return found


def _move_aside(out: Output, place: Path) -> None:
    """Ask before new credentials take the place of the old, which are kept."""
    from detector.cli.setting_up.questions import ask
    from detector.errors import StorageError

    out.say(
        f"{place} exists already. For one more caregiver: {program_name()} setup tls --add NAME\n"
        "With new credentials the old ones are of no use: everybody needs theirs again."
    )
    try:
        answer = ask(out, "Make new ones, and keep the old folder beside it? [y/N] ", str.lower)
    except EOFError:
        answer = ""
    if answer not in {"y", "yes"}:
        out.error("Nothing was changed.")
        raise typer.Exit(1)
    number = 1
    while (old := place.with_name(f"{place.name}.old{number}")).exists():
        number += 1
    try:
        place.rename(old)
    except OSError as error:
        raise StorageError(f"{place}: {error.strerror}. Nothing was changed.") from error
    out.say(f"The old ones are in {old}")


def _write(path: Path, values: dict[str, str], *, section: str = "mqtt") -> None:
    from detector.config import read_configuration
    from detector.config.settings_file import change_section

    path.parent.mkdir(parents=True, exist_ok=True)
    change_section(path, section, values, {}, lambda draft: read_configuration(draft, environ={}))


def _other_ways(plan: Plan) -> list[str]:
    """Return how to reach the broker where a network does not know its name."""
    name, number = plan.hosts[0], next(filter(_is_number, plan.hosts), None)
    if number is None or _is_number(name):
        return []
    url = f"mqtts://{f'[{number}]' if ':' in number else number}:{plan.port}"
    return [
        f"They reach this computer as {name} or {number}. If that name is not known there:",
        f"spasmwatch listen --broker {quote(url)}",
    ]


def _is_number(host: str) -> bool:
    """Whether a host is a network address that others can use."""
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return False


def _explain(
    out: Output, place: Path, plan: Plan, names: list[str], *, changed: bool, written: bool
) -> None:
    from detector.mqtt.home_assistant.buttons import BY as HOME_ASSISTANT
    from detector.mqtt.security.bundles import THEIRS

    broker, installed = quote(str(place / "broker")), quote(plan.installed)
    out.say(f"Made in {place}, which only you may read.\n")
    out.say("1. The broker's computer, with mosquitto (sudo apt install mosquitto):")
    out.say(f"   sudo mkdir -p {installed} && sudo cp {broker}/* {installed}/")
    out.say(f"   sudo chown -R mosquitto: {installed} && sudo chmod 700 {installed}")
    if changed:
        out.say("   sudo systemctl reload mosquitto")
    else:
        out.say(f"   sudo cp {installed}/spasmwatch.conf /etc/mosquitto/conf.d/")
        out.say("   sudo systemctl restart mosquitto")
    if changed or written:
        out.say(f"2. This computer: end {program_name()} run, and start it again.")
    else:
        out.say("2. This computer: put these lines into your settings (--write does), and run.")
        out.say("   " + (place / "service/config.toml").read_text().strip().replace("\n", "\n   "))
    if HOME_ASSISTANT in names:
        theirs = place / "caregivers" / HOME_ASSISTANT
        out.say(
            f"3. Home Assistant, in its MQTT integration: broker {plan.hosts[0]}, port {plan.port},"
        )
        out.say(f"   user {HOME_ASSISTANT}, the password in {theirs}/password,")
        out.say(f"   certificate {theirs}/ca.crt. Then home_assistant = true in [mqtt] here.")
    names = [name for name in names if name != HOME_ASSISTANT]
    if not names:
        return
    out.say("3. Each caregiver's computer: bring their folder there with a memory stick or scp,")
    out.say("   never by mail or chat. There, with NAME for theirs:")
    out.say(f"   mkdir -p {THEIRS} && cp --backup=numbered NAME/* {THEIRS}/")
    out.say(f"   chmod 600 {THEIRS}/*")
    out.say("   spasmwatch listen")
    out.say(
        "   A config.toml that was there before is then config.toml.~1~: put its other lines into"
    )
    out.say("   the new one.")
    for line in _other_ways(plan):
        out.say(f"   {line}")
    out.say("   The folders:")
    for name in names:
        out.say(f"   {place / 'caregivers' / name}/")
