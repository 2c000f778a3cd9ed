"""One receiver: messages and time in; entries, each once, and the state of the service out.

Pure. It acknowledges the number up to which it has every entry of the log, asks for those it
lacks, and expects a heartbeat until a deadline on its own monotonic clock: when service, broker or
network die, nothing arrives that could tell.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any

from detector.mqtt import commands
from detector.mqtt.commands import EPOCH_MOST, NUMBER_MOST
from detector.mqtt.contract import (
    HEALTH_EXPIRES_S,
    PAYLOAD_MOST,
    Availability,
    Command,
    Leaf,
)
from detector.status import StateWord
from detector.store.receivers import NAME

REPLY = "reply"
"""Name under which `feed` takes the answer to a request."""

ASK_AGAIN_S = 2.0
"""A request without an answer is repeated after so long: many times what an answer takes."""

EXPIRY_MOST_S = 60.0
"""No heartbeat may put the deadline off for longer, whatever it claims."""

REMEMBERED = 2000
"""Entries known by content: a repetition is recognised even when the log began anew."""

SAVED = 200
"""Of those, as many outlive a restart: what has no number, as the disk refused it."""

SCHEMA = "receiver/1"


class Absence(StrEnum):
    """Why a receiver knows of none of the four states: a person's wish, or nobody knows."""

    STOPPED = "stopped"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class ReceivedEntry:
    """An event or alert of the log, as it was logged.

    Parameters
    ----------
    leaf : event or alert
    fields : of its JSON object; untrusted
    late : it came by a replay, not when it was published
    superseded : a later state of the same event or alert was received before; it is history
    """

    leaf: Leaf
    n: int | None
    fields: Mapping[str, Any]
    late: bool
    superseded: bool = False


@dataclass(frozen=True, slots=True)
class ServiceState:
    """What the service does, or that nothing is heard from it; `why` for a person."""

    word: StateWord | Absence
    why: str | None = None


class Receiver:
    """Receive one wearer's entries under a name of its own.

    Parameters
    ----------
    name : up to 32 of a-z, 0-9, `_` and `-`; the same receiver has the same name after a restart
    mono_s : the present time of the clock that `feed` and `tick` are given
    saved : what `save` returned; without it, only what is logged from now on is received

    Raises
    ------
    ValueError
        It is no name, or another version saved this.
    """

    def __init__(self, name: str, *, mono_s: float, saved: Any = None) -> None:
        if not NAME.fullmatch(name):
            raise ValueError(f"not a receiver's name: {name[:40]!a}")
        self.name = name
        self.state = ServiceState(Absence.SILENT, "nothing was heard yet")
        self._epoch: str | None = None
        self._since = 0  # what has a lower number was logged before this receiver began
        self._upto = 0
        self._upto_at_beat = 0  # at the latest heartbeat: the log has at least so many
        self._beyond: dict[int, str] = {}  # received after a hole: hash of the body, by number
        self._last_n = 0
        self._newest: dict[str, int] = {}  # number of the latest state, by id, the oldest first
        self._known: dict[str, int | None] = {}  # number by hash of the body, the oldest first
        self._deadline_s: float | None = mono_s + HEALTH_EXPIRES_S
        self._told_silence = False
        # Numbers that it has: repeated, or of a log that began anew, as the next heartbeat tells.
        self._doubtful: list[tuple[Leaf, str]] = []
        self._beat: tuple[str, int] | None = None  # boot id and sequence of the latest heartbeat
        self._asked_s: float | None = None
        self._reconnected = False  # entries may have been missed, and no heartbeat has told yet
        self._acknowledged: int | None = None
        if saved is not None:
            self._load(saved)

    @property
    def upto(self) -> int:
        """Number up to which every entry of the log was received."""
        return self._upto

    @property
    def epoch(self) -> str | None:
        """The log it has entries of; None before the first heartbeat."""
        return self._epoch

    def feed(
        self, leaf: str, payload: bytes, *, retained: bool, mono_s: float
    ) -> list[ReceivedEntry | ServiceState]:
        """Take a message by the last level of its topic, or `REPLY`; return what is new.

        What cannot be read is ignored: the deadline and the numbers show what is missing.
        """
        if len(payload) > PAYLOAD_MOST:
            return []
        match leaf:
            case Leaf.AVAILABILITY:
                return self._available(payload)
            case Leaf.HEALTH if not retained:
                return self._heartbeat(_object(payload), mono_s)
            case Leaf.EVENT | Leaf.ALERT if not retained:
                return self._entry(Leaf(leaf), payload.decode(errors="replace"), late=False)
            case _ if leaf == REPLY and not retained:
                return self._reply(_object(payload))
        return []

    def tick(self, mono_s: float) -> list[ReceivedEntry | ServiceState]:
        """Advance time; return that nothing was heard for too long, once."""
        if self._deadline_s is None or mono_s < self._deadline_s or self._told_silence:
            return []
        self._told_silence = True
        doubtful, self._doubtful = self._doubtful, []  # no heartbeat will tell: rather twice
        return self._told_anyway(doubtful) + self._become(
            ServiceState(
                Absence.SILENT,
                "nothing was heard from spasmwatch for 15 s: its computer, the broker or the "
                "network is down",
            )
        )

    def requests(self, mono_s: float) -> list[tuple[Command, str]]:
        """Return what is to be published now: acknowledge, and ask for what is missing.

        Call it after what `feed` returned was passed on: what is acknowledged is not sent again.
        """
        told: list[tuple[Command, str]] = []
        if self._epoch is not None and self._acknowledged != self._upto:
            told.append((Command.SEEN, commands.seen(self.name, self._epoch, self._upto)))
            self._acknowledged = self._upto
        behind = bool(self._beyond) or self._last_n > self._upto
        lacking = self._epoch is not None and (behind or self._reconnected)
        waited = self._asked_s is None or mono_s - self._asked_s >= ASK_AGAIN_S
        if lacking and waited:
            told.append((Command.REPLAY, commands.replay(self.name, self._upto + 1)))
            self._asked_s, self._reconnected = mono_s, False
        return told

    def lost_connection(self) -> None:
        """Take that messages may have been lost both ways: acknowledge and ask again."""
        self._acknowledged = self._asked_s = None
        self._reconnected = True

    def save(self) -> dict[str, Any]:
        """Return what must outlive a restart, as plain data."""
        known = list(self._known.items())[-SAVED:]
        return {
            "schema": SCHEMA,
            "epoch": self._epoch,
            "since": self._since,
            "upto": self._upto,
            "beyond": sorted(self._beyond.items())[:REMEMBERED],
            "known": known,
            "newest": list(self._newest.items())[-SAVED:],
        }

    def _load(self, saved: Any) -> None:
        try:
            if saved["schema"] != SCHEMA:
                raise ValueError(f"saved by another version: {str(saved['schema'])[:40]!a}")
            epoch, upto, known = saved["epoch"], saved["upto"], saved["known"]
            self._epoch = None if epoch is None else str(epoch)
            self._since, self._upto = int(saved["since"]), int(upto)
            self._known = {str(digest): n for digest, n in known}
            self._beyond = {int(n): str(digest) for n, digest in saved["beyond"]}
            newest = saved.get("newest", ())  # younger than the first saved receivers
            self._newest = {str(subject): int(n) for subject, n in newest}
        except (KeyError, TypeError) as error:
            raise ValueError(f"not what a receiver saved: {error!r}") from error

    def _available(self, payload: bytes) -> list[ReceivedEntry | ServiceState]:
        if payload == Availability.STOPPED.value.encode():
            self._deadline_s = None  # a person's wish: nothing more is expected
            return self._become(ServiceState(Absence.STOPPED, "a person has stopped it"))
        if payload == Availability.OFFLINE.value.encode():
            self._told_silence = True
            doubtful, self._doubtful = self._doubtful, []
            ended = ServiceState(Absence.SILENT, "spasmwatch has ended or lost the broker")
            return self._told_anyway(doubtful) + self._become(ended)
        return []

    def _heartbeat(
        self, said: Mapping[str, Any], mono_s: float
    ) -> list[ReceivedEntry | ServiceState]:
        boot_id, seq, state = said.get("boot_id"), _number(said.get("seq")), said.get("state")
        if not isinstance(boot_id, str) or seq is None or not isinstance(state, str):
            return []
        if state not in set(StateWord):
            return []
        if self._beat is not None and self._beat[0] == boot_id and seq <= self._beat[1]:
            return []  # repeated by whoever: only what is new proves that somebody is there
        self._beat = boot_id, seq
        self._deadline_s = mono_s + _within(said.get("expires_in_s"))
        self._told_silence = False
        told = self._compare(said.get("epoch"), said.get("last_n"))
        self._acknowledged = None  # each heartbeat is answered: the service knows who is there
        why = said.get("why")
        state = ServiceState(StateWord(state), why if isinstance(why, str) else None)
        return told + self._become(state)

    def _compare(self, epoch: object, last_n: object) -> list[ReceivedEntry | ServiceState]:
        """Take how far which log has come; return what turns out to be of a new one."""
        last = _number(last_n)
        if not isinstance(epoch, str) or len(epoch) > EPOCH_MOST or last is None:
            return []
        doubtful, self._doubtful = self._doubtful, []
        first, same = self._epoch is None, epoch == self._epoch
        restored = same and last < self._upto_at_beat  # from a copy: its numbers come again
        if first or not same or restored:
            # At first, entries logged before are not received; of another log, all are.
            self._since = last if first else min(self._since, last) if same else 0
            self._upto = self._since
            self._epoch, self._acknowledged = epoch, None
            self._beyond.clear()
            self._newest.clear()
        self._last_n, self._upto_at_beat = last, self._upto
        return self._told_anyway(doubtful) if first or not same or restored else []

    def _told_anyway(self, doubtful: list[tuple[Leaf, str]]) -> list[ReceivedEntry | ServiceState]:
        return [
            news
            for leaf, body in doubtful
            for news in self._entry(leaf, body, late=False, doubt=False)
        ]

    def _entry(
        self, leaf: Leaf, body: str, *, late: bool, doubt: bool = True
    ) -> list[ReceivedEntry | ServiceState]:
        fields = _object(body.encode(errors="replace"))
        if not fields:
            return []
        number = _number(fields.get("n")) or None
        digest = sha256(f"{leaf} {body}".encode(errors="replace")).hexdigest()[:16]
        # With a number that was told with other content, one of the two is forged: both are told.
        repeated = (
            number is not None
            and self._epoch is not None
            and self._since < number <= self._upto
            and number not in self._known.values()
        )
        if digest in self._known or self._beyond.get(number or 0) == digest:
            return []
        if repeated and late:
            return []  # an answer is of this log: its numbers say all
        waits = doubt and not self._told_silence and len(self._doubtful) < REMEMBERED
        if repeated and waits:
            self._doubtful.append((leaf, body))
            return []
        if number is not None and number > self._upto and len(self._beyond) < REMEMBERED:
            self._beyond[number] = digest
            self._close_up()
        self._known[digest] = number
        if len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]
        return [ReceivedEntry(leaf, number, fields, late, self._is_superseded(fields, number))]

    def _is_superseded(self, fields: Mapping[str, Any], number: int | None) -> bool:
        """Take an entry's number; return whether a later one about the same thing was received."""
        subject = fields.get("id")
        if number is None or not isinstance(subject, str):
            return False
        if number < self._newest.get(subject, 0):
            return True
        self._newest.pop(subject, None)
        self._newest[subject] = number
        if len(self._newest) > REMEMBERED:
            del self._newest[next(iter(self._newest))]
        return False

    def _reply(self, said: Mapping[str, Any]) -> list[ReceivedEntry | ServiceState]:
        """Take the entries that were missing; there is nothing else up to the number it names."""
        entries, first = said.get("entries"), _number(said.get("from"))
        upto, last_n = _number(said.get("upto")), _number(said.get("last_n"))
        if said.get("epoch") != self._epoch or first is None or upto is None or last_n is None:
            return []
        told: list[ReceivedEntry | ServiceState] = []
        for each in entries if isinstance(entries, list) else []:
            leaf, body = (each.get("leaf"), each.get("body")) if isinstance(each, dict) else (0, 0)
            if leaf in (Leaf.EVENT, Leaf.ALERT) and isinstance(body, str):
                told += self._entry(Leaf(leaf), body, late=True)
        if first <= self._upto + 1:
            self._upto = max(self._upto, upto)
            self._close_up()
        self._last_n = max(self._last_n, last_n)
        if self._upto >= last_n:  # what lies beyond is asked for when a heartbeat names it
            self._beyond.clear()
        self._asked_s = None
        return told

    def _close_up(self) -> None:
        """Move `upto` over what was received beyond it."""
        while self._upto + 1 in self._beyond:
            self._upto += 1
        self._beyond = {n: held for n, held in self._beyond.items() if n > self._upto}

    def _become(self, state: ServiceState) -> list[ReceivedEntry | ServiceState]:
        if state == self.state:
            return []
        self.state = state
        return [state]


def _object(payload: bytes) -> Mapping[str, Any]:
    """Return a JSON object; empty where it is none."""
    try:
        said = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _within(expires_s: object) -> float:
    """Return for how long a heartbeat is good, whatever it claims."""
    if isinstance(expires_s, int | float) and 0 < expires_s <= EXPIRY_MOST_S:
        return float(expires_s)
    return HEALTH_EXPIRES_S


def _number(value: object) -> int | None:
    """Return a whole number that any JSON parser reads as one, or None."""
    return value if type(value) is int and 0 <= value < NUMBER_MOST else None
