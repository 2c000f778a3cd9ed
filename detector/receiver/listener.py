"""A receiver over MQTT: it connects, passes on what is new, then acknowledges it."""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from detector.alerts import commands as said
from detector.errors import LinkError
from detector.mqtt import commands
from detector.mqtt.contract import COMMAND_EXPIRES_S, PAYLOAD_MOST, REPLY, Leaf, Message, Topics
from detector.mqtt.endpoint import Endpoint
from detector.mqtt.link import Link
from detector.mqtt.properties import Received
from detector.mqtt.security.keys import CaregiverKey
from detector.mqtt.security.signing import Proof, Verifier
from detector.receiver.news import (
    UNHEARD,
    UNHEARD_WHY,
    Absence,
    News,
    ReceivedEntry,
    ServiceState,
    breaks_words,
)
from detector.receiver.receiver import Receiver
from detector.receiver.untrusted import object_of
from detector.receiver.wishes import Request

TICK_S = 0.5  # silence is noticed after 15 s, so much later at most
BREAKS_WITHIN_S, BREAKS_TIMES = 60.0, 4
"""A connection that begins so often is none to rely on. Two receivers of one name end each other's
every few seconds, which most brokers do not say; a broker that restarts does so once."""

HEARD = (Leaf.AVAILABILITY, Leaf.HEALTH, Leaf.STATE, Leaf.EVENT, Leaf.ALERT)

ARRIVED_MOST = 1000  # messages that wait to be told: an hour of heartbeats, 65 MB at worst


class Listener:
    """Connect a receiver to the broker while `run` runs.

    Parameters
    ----------
    tell : called with what is new, in order; it is acknowledged when this has returned. If it
        raises, nothing more is acknowledged and `run` raises that
    key : signs what is published, and tells the service's messages from others; without it nothing
        is signed, and the receiver must need no proof
    leaves : what is received; an entry of the log is acknowledged
    kind : of the program, so that two of one name keep apart at the broker
    save : called after that, before the acknowledgement, with what `Receiver.save` returns, and
        when it is known how far the log has come, or that the service has begun anew
    mono_s, sleep : the clocks
    """

    def __init__(
        self,
        endpoint: Endpoint,
        topics: Topics,
        receiver: Receiver,
        *,
        tell: Callable[[News], None],
        key: CaregiverKey | None = None,
        leaves: Sequence[Leaf] = HEARD,
        kind: str = "receiver",
        save: Callable[[dict[str, object]], None] = lambda _: None,
        mono_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.receiver = receiver
        self.link = Link(
            endpoint,
            f"spasmwatch-{kind}-{topics.wearer}-{receiver.name}",
            on_connect=self._connected,
            mono_s=mono_s,
        )
        self._topics, self._leaves = topics, leaves
        self._tell = tell
        self._save = save
        self._mono_s = mono_s
        self._sleep = sleep
        self._saved_for = self._known_of()
        self._key = key
        self._verifier = None if key is None else Verifier(key.service)
        self._ours = secrets.token_hex(8)  # begins what tells our requests' answers from others
        self._arrived: deque[tuple[str, Received, float]] = deque()
        self._more = asyncio.Event()
        self._told = asyncio.Event()
        self._told_state = receiver.state, False
        self._connected_s: deque[float] = deque(maxlen=BREAKS_TIMES)  # when the latest began

    async def run(self) -> None:
        """Receive until cancelled."""
        for leaf in self._leaves:
            await self._hear(self._topics.of(leaf), leaf)
        await self._hear(self._topics.reply(self.receiver.name), REPLY)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.link.run())
            tasks.create_task(self._receive_forever())
            tasks.create_task(self._request_forever())
            tasks.create_task(self._tick_forever())

    def test(self, heard: str | None = None) -> None:
        """Ask for a test of the alarm, or confirm that a person heard the one with this alert."""
        self.receiver.test(heard)
        self._more.set()

    def say(self, command: said.Command) -> None:
        """Say something to the night; what came of it is told as an `Answer`."""
        commands.payload(command)  # raises where it is nothing that is said over MQTT
        self.receiver.say(command, self._mono_s())
        self._more.set()

    def acknowledge(self, alert: str | None = None) -> None:
        """Say that somebody is on an alert, or on all that are open; CommandError for no id."""
        self.say(said.Acknowledge(by=self.receiver.name, alert=alert))

    def snooze(self, minutes: int = said.SNOOZE_MOST_MIN, alert: str | None = None) -> None:
        """Put an alert off, or all that are open, for 1 to 30 minutes; CommandError for others."""
        self.say(said.Snooze(by=self.receiver.name, minutes=minutes, alert=alert))

    def pause(self, minutes: int) -> None:
        """Ask that alerts wake nobody for 1 to 60 minutes; CommandError for any other time."""
        self.say(said.PauseAlerts(by=self.receiver.name, minutes=minutes))

    def resume(self) -> None:
        """End a pause."""
        self.say(said.ResumeAlerts(by=self.receiver.name))

    def mark(self, at: datetime | None = None) -> None:
        """Mark a spasm, now or at a moment."""
        self.say(said.MarkSpasm(by=self.receiver.name, at=at))

    def label(self, event: str, verdict: said.SaidKind) -> None:
        """Say what an event was; CommandError for no id."""
        self.say(said.LabelEvent(by=self.receiver.name, event=event, verdict=verdict))

    def note(
        self, text: str, kind: said.NoteKind = said.NoteKind.OTHER, at: datetime | None = None
    ) -> None:
        """Add a note of one line to the night; CommandError for any other text."""
        self.say(said.AddNote(by=self.receiver.name, text=text, kind=kind, at=at))

    async def _hear(self, topic: str, leaf: str) -> None:
        await self.link.subscribe(topic, partial(self._take, leaf), most_bytes=PAYLOAD_MOST)

    async def _connected(self) -> None:
        self.receiver.lost_connection()
        self._connected_s.append(self._mono_s())
        self._more.set()

    def _take(self, leaf: str, received: Received) -> None:
        """Keep a message; one that finds no room is asked for again, like any that is lost."""
        if len(self._arrived) < ARRIVED_MOST:
            self._arrived.append((leaf, received, self._mono_s()))
        self._more.set()

    async def _tick_forever(self) -> None:
        while True:
            await self._sleep(TICK_S)
            self._more.set()

    async def _receive_forever(self) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            while self._arrived:
                leaf, got, at_s = self._arrived.popleft()
                self._pass_on(
                    self.receiver.feed(
                        leaf,
                        got.payload,
                        retained=got.retained,
                        mono_s=at_s,
                        proof=self._proof(got),
                        number=self._number(got),
                    )
                )
            self._pass_on(self.receiver.tick(self._mono_s()))
            self._told.set()

    def _known_of(self) -> tuple[str | None, int]:
        """Return which log and which run of the service the receiver knows."""
        proofs = self.receiver.proofs
        return self.receiver.epoch, 0 if proofs is None else proofs.run

    def _proof(self, got: Received) -> Proof | None:
        if self._verifier is None:
            return None
        return self._verifier.proof(got.topic, got.payload, got.signature)

    def _number(self, got: Received) -> int | None:
        """Return which of our requests a message answers; None where it is none of ours.

        What proves the answer does not cover the correlation, but the nonce in it.
        """
        answered = (got.correlation or b"").decode(errors="replace")
        if self._key is not None and object_of(got.payload).get("nonce") != answered:
            return None
        ours, _, number = answered.rpartition("-")
        return int(number) if ours == self._ours and _NUMBER.fullmatch(number) else None

    def _pass_on(self, news: list[News]) -> None:
        """Tell what is new and save that it was; whatever raises ends `run` before a request."""
        for each in news:
            if not isinstance(each, ServiceState):
                self._tell(each)
            elif each == self.receiver.state:
                self._tell_state()
        self._tell_state()
        now = self._known_of()
        if now != self._saved_for or any(isinstance(each, ReceivedEntry) for each in news):
            self._saved_for = now
            self._save(self.receiver.save())

    def _tell_state(self) -> None:
        """Tell the state of the service, if it changed, with what the connection knows of it."""
        state, link = self.receiver.state, self.link
        often = len(self._connected_s) == BREAKS_TIMES
        breaks = often and self._mono_s() - self._connected_s[0] < BREAKS_WITHIN_S
        if (state, breaks) == self._told_state:
            return
        self._told_state = state, breaks
        if breaks:
            state = ServiceState(Absence.SILENT, breaks_words(self.receiver.name))
        elif state.why == UNHEARD and not link.state.connected and link.state.last_error:
            state = replace(state, why=f"{UNHEARD_WHY}: {link.state.last_error}")
        self._tell(state)

    async def _request_forever(self) -> None:
        """Publish requests beside the receiving: a broker slow to answer delays no alert."""
        while True:
            await self._told.wait()
            self._told.clear()
            if not self.link.state.connected:
                continue
            at = self.receiver.latest_beat(self._mono_s())
            if self._key is not None and at is None:
                continue  # it waits for a heartbeat that it can name
            for request in self.receiver.requests(self._mono_s()):
                with contextlib.suppress(LinkError):  # the receiver asks again once connected
                    await self.link.publish(self._message(request, at))

    def _message(self, request: Request, at: str | None) -> Message:
        """Return a request as it is published, with where its answer goes if one is waited for."""
        topic, payload = self._topics.command(request.command), request.payload
        nonce = None if request.number is None else f"{self._ours}-{request.number}"
        if self._key is not None:
            payload = self._key.signed(topic, payload, str(at), nonce)
        if nonce is None:
            return Message(topic, payload, expiry_s=COMMAND_EXPIRES_S)
        return Message(
            topic,
            payload,
            expiry_s=COMMAND_EXPIRES_S,
            response_topic=self._topics.reply(self.receiver.name),
            correlation=nonce.encode(),
        )


_NUMBER = re.compile("[0-9]{1,9}")
