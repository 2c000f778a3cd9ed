"""`spasmwatch ha`: show a night in Home Assistant, alert phones from there, or take it out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detector.terminal.invocation import Invocation, UsageError, check_target, program_name

if TYPE_CHECKING:
    from detector.config import Settings
    from detector.mqtt.contract import Message
    from detector.mqtt.home_assistant.discovery import NightDevice

app = typer.Typer(no_args_is_help=True, help="Show a night in Home Assistant.")

PATIENCE_S = 10.0  # for a broker across the internet; ours answers within milliseconds
BLUEPRINT = "night_alerts.yaml"

SimulatedOption = Annotated[
    bool, typer.Option("--simulated", help="The device of simulated nights instead.")
]


@app.command(short_help="Publish what Home Assistant makes its entities from.")
def discovery(
    ctx: typer.Context,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print it, and publish nothing.")
    ] = False,
    simulated: SimulatedOption = False,
) -> None:
    """Publish what Home Assistant makes its entities from.

    `run` does so by itself, at each connection, where mqtt.home_assistant is true.
    """
    from detector.mqtt.home_assistant import discovery as made

    call = Invocation.of(ctx)
    settings = call.configuration().settings
    device = _device(settings, simulated=simulated)
    message = made.discovery(device)
    if dry_run:
        content = made.payload(device)
        shown = {"topic": message.topic, "retain": True, "payload": content}
        call.out.data(json.dumps(shown, ensure_ascii=False, indent=None if call.out.json else 2))
        return
    _publish(settings, message)
    call.out.say(f"Published: {message.topic}. Home Assistant lists it under Settings, Devices.")
    if not settings.mqtt.home_assistant:
        call.out.say("`run` tells it again by itself with home_assistant = true in [mqtt].")


@app.command(short_help="Print an automation for phones, a speaker and a light.")
def blueprint(
    ctx: typer.Context,
    *,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="PATH", help="Write it to a new .yaml file.")
    ] = None,
) -> None:
    """Print a blueprint for Home Assistant: an automation for phones, a speaker and a light.

    Its place there is config/blueprints/automation/spasmwatch/night_alerts.yaml.
    """
    from detector.errors import StorageError
    from detector.mqtt.home_assistant.blueprint import text

    call = Invocation.of(ctx)
    if out is None:
        yaml = text()
        call.out.data(json.dumps({"name": BLUEPRINT, "text": yaml}) if call.out.json else yaml)
        return
    check_target("--out", out, ".yaml", new=True)
    try:
        out.write_text(text(), encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{out}: {error.strerror}. Choose another --out.") from error
    if call.out.json:
        call.out.data(json.dumps({"written": str(out)}))
    call.out.say(
        f"Written: {out}. Copy it to config/blueprints/automation/spasmwatch/{BLUEPRINT} of Home "
        "Assistant, and make an automation from it: Settings, Automations & scenes, Blueprints."
    )


@app.command(short_help="Take the night out of Home Assistant again.")
def remove(ctx: typer.Context, *, simulated: SimulatedOption = False) -> None:
    """Take the night's device and entities out of Home Assistant, and out of the broker."""
    from detector.mqtt.home_assistant.discovery import removal

    call = Invocation.of(ctx)
    settings = call.configuration().settings
    message = removal(_device(settings, simulated=simulated))
    _publish(settings, message)
    call.out.say(f"Removed: {message.topic}. Home Assistant deletes the device and its entities.")
    if settings.mqtt.home_assistant:
        call.out.say(
            "It comes back when `run` connects: delete home_assistant = true from [mqtt] of your "
            f"settings ({program_name()} config path), and start `run` again."
        )


def _device(settings: Settings, *, simulated: bool) -> NightDevice:
    """Return the device of this computer's wearer."""
    from detector.events import Origin
    from detector.mqtt.contract import Topics
    from detector.mqtt.home_assistant.serving import night_device
    from detector.service.persistence.places import DataFolder
    from detector.store import wearer_file

    origin = Origin.SIMULATED if simulated else Origin.LIVE
    place = DataFolder.of(settings.data_dir, origin)
    wearer = wearer_file.read(place.folder)
    if wearer is None:
        run = "run --simulated" if simulated else "run"
        raise UsageError(f"{place.folder} has no wearer yet: start `{program_name()} {run}` once")
    topics = Topics(wearer=wearer, origin=origin, prefix=settings.mqtt.prefix)
    return night_device(settings, topics)


def _publish(settings: Settings, message: Message) -> None:
    """Publish one message at the broker of the settings; a managed one runs while `run` does."""
    import asyncio

    from detector.errors import LinkError
    from detector.mqtt.endpoint import Endpoint, configured
    from detector.mqtt.once import publish_once

    options = settings.mqtt
    if options.broker == "none":
        raise UsageError("There is no broker: your settings say broker = 'none' in [mqtt]")
    here = Endpoint(port=options.port or 1883, username=options.username, password=options.secret())
    there = configured(options) or here
    ack = asyncio.run(publish_once(there, message, within_s=PATIENCE_S))
    if not ack.accepted:
        raise LinkError(
            f"{there} does not let us publish {message.topic} ({ack.why}): allow it in the "
            "broker's access list"
        )
