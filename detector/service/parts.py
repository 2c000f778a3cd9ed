"""Parts of a night that its settings choose; what cannot be had is noted, and the night begins."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path

from detector.alerts.conditions import Condition
from detector.alerts.reception import Reception
from detector.boot import host_boot_id
from detector.config import Settings
from detector.errors import LinkError
from detector.mqtt.broker import Broker, provide
from detector.mqtt.contract import Topics
from detector.mqtt.endpoint import configured
from detector.mqtt.security.protection import Protection, protection
from detector.night.night import Night
from detector.service.checks.starts import StartWatch, note_start
from detector.service.ending import MQTT
from detector.service.persistence import retention
from detector.service.persistence.opening import (
    Beginning,
    unreached_in,
)
from detector.service.persistence.places import DataFolder
from detector.service.persistence.resumption import ENDED
from detector.service.presentation.local_sound import LocalSound, sounding_here
from detector.sources.clock import Clock
from detector.store.state import State, StateError
from detector.words.delivery import not_started_words


def protection_of(
    settings: Settings, topics: Topics, boot_id: str, clock: Clock
) -> Protection | None:
    """Return what signs and judges messages; None where the settings name no keys."""
    if settings.mqtt.signing_file is None:
        return None
    return protection(
        settings.mqtt.signing_file,
        topics,
        boot_id=boot_id,
        utc_s=clock.utc_ns() / 1e9,
        mono_s=asyncio.get_running_loop().time,
    )


def started(state: State) -> StartWatch:
    """Record that a process begins, before anything in it can fail."""
    return note_start(
        state,
        boot=host_boot_id() or "",
        mono_s=time.monotonic(),
        at=datetime.now(UTC),
        last_ended=state.saved(ENDED) is True,
    )


async def sound_of(
    stack: AsyncExitStack, settings: Settings, begun: Beginning, *, alone: bool
) -> LocalSound | None:
    """Return an observer that sounds on this computer; None, with a note, where there is none."""
    command = settings.alerts.sound_command
    try:
        sounding = await stack.enter_async_context(sounding_here(command))
    except OSError as error:
        begun.note(Condition.SOUND, f"this computer cannot sound an alarm: {error}")
        return None
    mono_s = asyncio.get_running_loop().time
    return LocalSound(sounding, command=command, alone=alone, mono_s=mono_s)


def unreached_of(state: State, now_s: float) -> Reception:
    """Return which alerts of an earlier process have reached nobody yet."""
    reception = Reception()
    with suppress(StateError):
        for n in unreached_in(state, MQTT):
            reception.wait_for(n, now_s)
    return reception


def retained(place: DataFolder, nights: int, night: Night, begun: Beginning) -> list[Path]:
    """Delete recordings that are older than `nights` nights; return which."""
    current = min(worn.provenance.recording or "" for worn in night.worn)[:10]
    doomed = retention.expired(place.nights, nights=nights, current=current)
    deleted, trouble = retention.delete(doomed)
    if trouble is not None:
        begun.note(Condition.RETENTION, trouble)
    return deleted


async def broker_of(
    stack: AsyncExitStack, settings: Settings, mqtt: bool, free_port: bool, begun: Beginning
) -> Broker:
    """Return a broker that runs until the stack closes; `none`, with a note, where none starts."""
    options = settings.mqtt
    choice = (configured(options) or options.broker) if mqtt else "none"
    port = 0 if free_port else options.port or 1883
    own = provide(
        choice, port=port, username=options.username, password=options.secret(), patient=True
    )
    try:
        broker = await stack.enter_async_context(own)
    except (LinkError, OSError) as error:
        begun.note(Condition.BROKER, f"no alert leaves this computer: {error}")
        return Broker("none", None)
    if broker.last_error is not None:
        begun.note(Condition.BROKER, not_started_words(broker.last_error))
    return broker
