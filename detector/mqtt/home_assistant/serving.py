"""Announce a night to Home Assistant after each connection and birth, and obey its buttons."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial

from detector.alerts.commands import Command, CommandError
from detector.config import Settings
from detector.errors import LinkError
from detector.events import Origin
from detector.mqtt.contract import Topics
from detector.mqtt.home_assistant.buttons import ButtonName, Presses, topic_of
from detector.mqtt.home_assistant.discovery import OFFLINE, ONLINE, STATUS, NightDevice, discovery
from detector.mqtt.link import Handler, Link
from detector.mqtt.properties import Received
from detector.mqtt.security.gate import CommandRefused, Flaw
from detector.mqtt.session import Ack

log = logging.getLogger(__name__)

AGAIN_S = 1.0  # between two announcements: a flood of births, which anybody may publish, costs one


def home_assistant(
    settings: Settings, topics: Topics, obey: Callable[[Command], None]
) -> HomeAssistant | None:
    """Return what announces a night to a Home Assistant; None where nobody wants that.

    Parameters
    ----------
    obey : as of `HomeAssistant`; called only where the settings let buttons have rights
    """
    options = settings.mqtt
    if not options.home_assistant or topics.origin is Origin.REPLAY:
        return None
    device = night_device(settings, topics)
    return HomeAssistant(device, obey=obey if device.commands else None)


def night_device(settings: Settings, topics: Topics) -> NightDevice:
    """Return the device of a night, as its settings have it."""
    options = settings.mqtt
    return NightDevice(
        topics=topics,
        label=settings.wearer.label,
        prefix=options.discovery_prefix,
        commands=options.home_assistant_commands,
    )


class HomeAssistant:
    """A night's side of Home Assistant.

    Parameters
    ----------
    obey : is called with each command of a button, and raises CommandError where it cannot be
        obeyed; None where buttons have no rights
    mono_s, sleep : the clocks

    Attributes
    ----------
    refusal : why the broker does not take the discovery; None where it does
    listens : whether a Home Assistant is there; None where neither it nor the broker has said so
    """

    def __init__(
        self,
        device: NightDevice,
        *,
        obey: Callable[[Command], None] | None = None,
        mono_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.refusal: str | None = None
        self.listens: bool | None = None
        self._device = device
        self._obey = obey
        self._mono_s = mono_s
        self._sleep = sleep
        self._presses = Presses()
        self._due = asyncio.Event()

    def announce(self) -> None:
        """Have the discovery published soon; call it after each connection."""
        self._due.set()

    async def run(self, link: Link, refuse: Callable[[Flaw, str], None]) -> None:
        """Announce and obey until cancelled.

        Parameters
        ----------
        refuse : is told of each press that is not obeyed, and why
        """
        heard: dict[str, Handler] = {STATUS: self._hear_birth}
        if self._obey is not None:
            for button in ButtonName:
                topic = topic_of(self._device.topics, button)
                heard[topic] = partial(self._take, button, self._obey, refuse)
        for topic, hear in heard.items():
            with contextlib.suppress(LinkError):  # the link tries again after each connection
                await link.subscribe(topic, hear)
        while True:
            await self._due.wait()
            self._due.clear()
            with contextlib.suppress(LinkError):  # announced after the next connection
                self._note(await link.publish(discovery(self._device)))
            await self._sleep(AGAIN_S)

    def _hear_birth(self, received: Received) -> None:
        if received.payload in {ONLINE, OFFLINE}:
            self.listens = received.payload == ONLINE
        if received.payload == ONLINE and not received.retained:
            self.announce()

    def _take(
        self,
        button: ButtonName,
        obey: Callable[[Command], None],
        refuse: Callable[[Flaw, str], None],
        received: Received,
    ) -> None:
        try:
            obey(
                self._presses.admit(
                    button, received.payload, retained=received.retained, now_s=self._mono_s()
                )
            )
        except CommandRefused as refusal:
            refuse(refusal.flaw, str(refusal))
        except CommandError as error:
            refuse(Flaw.OTHER, f"ha/{button}: {error}")

    def _note(self, ack: Ack) -> None:
        if not ack.accepted and self.refusal != ack.why:
            log.warning(
                "Home Assistant is not told of this night: the broker does not let us publish %s "
                "(%s); allow it in its access list",
                self._device.topic,
                ack.why,
            )
        self.refusal = None if ack.accepted else ack.why
        if ack.no_subscribers or not ack.accepted:
            self.listens = False
        elif self.listens is False:  # somebody has come who takes it
            self.listens = None
