"""Which commands are obeyed: signed by a caregiver, fresh, and not yet seen. Pure; time is given.

Freshness goes by no wall clock, as those of both sides may be wrong (ADR 22). A command names the
latest heartbeat that its sender has: the run of the service, which is random, and its number. The
service knows when it sent that, by its monotonic clock.
"""

from __future__ import annotations

import hmac
import re
from collections import deque
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Any, TypedDict

from detector.fields import Text
from detector.mqtt.contract import COMMAND_EXPIRES_S, Command, Topics
from detector.mqtt.security.signing import mac

NONCES_MOST = 2000
"""Commands of one caregiver within `COMMAND_EXPIRES_S`; 33 a second, where a busy receiver sends
two."""

ISSUED_MOST = 1000  # heartbeats and snapshots within `COMMAND_EXPIRES_S`: one in 60 ms

NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")


class Proven(TypedDict):
    """Fields that prove who sent a command; in a command that is not signed none of them counts.

    at : boot id and number of a heartbeat, which the command was made after
    """

    at: Annotated[str, Text("[^:]{1,64}:[0-9]{1,15}")]
    nonce: Annotated[str, Text(NONCE.pattern)]
    mac: Annotated[str, Text("[0-9a-f]{64}")]


PROOF = tuple(Proven.__annotations__)


class Flaw(StrEnum):
    """Why a command was not obeyed."""

    RETAINED = "retained"
    OVERSIZE = "oversize"
    UNREADABLE = "unreadable"
    UNSIGNED = "unsigned"
    FORGED = "forged"
    STALE = "stale"
    REPEATED = "repeated"
    OTHER = "other"  # of another log, more than we take at once, or the disk failed


class CommandRefused(ValueError):  # noqa: N818 - a verdict on somebody's command, not our error
    """A command is not obeyed; the message says why."""

    def __init__(self, flaw: Flaw, why: str) -> None:
        super().__init__(why)
        self.flaw = flaw


class Gate:
    """Judge the commands of one run of the service.

    Parameters
    ----------
    topics : of the wearer; a command is signed for one topic
    keys : of each caregiver, by name
    boot_id : of this run, in each heartbeat
    mono_s : the clock
    """

    def __init__(
        self,
        topics: Topics,
        keys: Mapping[str, bytes],
        *,
        boot_id: str,
        mono_s: Callable[[], float],
    ) -> None:
        self._topics = topics
        self._keys = dict(keys)
        self._boot_id = boot_id
        self._mono_s = mono_s
        self._issued: deque[tuple[int, float]] = deque(maxlen=ISSUED_MOST)
        self._nonces: dict[str, dict[str, float]] = {name: {} for name in keys}

    def issued(self, seq: int) -> None:
        """Record that a heartbeat or snapshot of this number is sent now."""
        self._issued.append((seq, self._mono_s()))

    def admit(self, command: Command, fields: Mapping[str, Any]) -> None:
        """Return where the command is to be obeyed; it is remembered then.

        Raises
        ------
        CommandRefused
            It is not.
        """
        topic = self._topics.command(command)
        by, given, nonce = fields.get("by"), fields.get("mac"), fields.get("nonce")
        if not isinstance(by, str) or not isinstance(given, str):
            raise CommandRefused(Flaw.UNSIGNED, f"{topic} is not signed")
        key = self._keys.get(by)
        if key is None:
            raise CommandRefused(Flaw.UNSIGNED, f"{topic} is of {by[:32]!a}, who has no key here")
        try:
            right = mac(fields, topic=topic, key=key)
        except ValueError as error:
            raise CommandRefused(Flaw.UNREADABLE, f"{topic}: {error}") from None
        if not hmac.compare_digest(right.encode(), given.encode()):
            raise CommandRefused(Flaw.FORGED, f"{topic} is signed with another key than {by}'s")
        self._check_fresh(topic, fields.get("at"), by)
        if not isinstance(nonce, str) or not NONCE.fullmatch(nonce):
            raise CommandRefused(Flaw.UNREADABLE, f"{topic} of {by} has no nonce")
        self._remember(topic, by, nonce)

    def _check_fresh(self, topic: str, at: object, by: str) -> None:
        boot_id, _, number = at.partition(":") if isinstance(at, str) else ("", "", "")
        self._forget()
        known = boot_id == self._boot_id and re.fullmatch(r"[0-9]{1,15}", number) is not None
        fresh = known and bool(self._issued)
        if not fresh or not self._issued[0][0] <= int(number) <= self._issued[-1][0]:
            raise CommandRefused(
                Flaw.STALE,
                f"{topic} of {by} was made more than {COMMAND_EXPIRES_S} s ago, or before a "
                "restart",
            )

    def _remember(self, topic: str, by: str, nonce: str) -> None:
        nonces = self._nonces[by]
        if nonce in nonces:
            raise CommandRefused(Flaw.REPEATED, f"{topic} of {by} came twice")
        if len(nonces) >= NONCES_MOST:
            raise CommandRefused(
                Flaw.OTHER, f"{by} sends more than {NONCES_MOST} commands a minute"
            )
        nonces[nonce] = self._mono_s()

    def _forget(self) -> None:
        """Forget heartbeats that are old, and nonces of commands that can name no fresh one."""
        oldest_s = self._mono_s() - COMMAND_EXPIRES_S
        while self._issued and self._issued[0][1] < oldest_s:
            self._issued.popleft()
        for nonces in self._nonces.values():  # in the order in which they came
            while nonces and next(iter(nonces.values())) < oldest_s:
                del nonces[next(iter(nonces))]
