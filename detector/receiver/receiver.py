"""One receiver: messages and time in; entries, each once, and the state of the service out.

Pure. It acknowledges the number up to which it has every entry of the log, asks for those it
lacks, and expects a heartbeat until a deadline on its own monotonic clock: when service, broker or
network die, nothing arrives that could tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from detector.alerts.commands import Command as SaidCommand
from detector.channels import RECEIVER_NAME
from detector.mqtt import commands
from detector.mqtt.commands import EPOCH_MOST
from detector.mqtt.contract import (
    HEALTH_EXPIRES_S,
    PAYLOAD_MOST,
    REPLY,
    Availability,
    Command,
    Leaf,
)
from detector.mqtt.payloads import REPLY_SCHEMA
from detector.mqtt.runs import Runs
from detector.mqtt.security.signing import Proof
from detector.receiver.newest import Newest
from detector.receiver.news import (
    TWINS,
    UNANSWERED,
    UNHEARD,
    UNPROVEN,
    Absence,
    News,
    ReceivedEntry,
    ServiceState,
)
from detector.receiver.open_alerts import Snapshots
from detector.receiver.proofs import Proofs
from detector.receiver.untrusted import good_for_s, moment_of, number_of, object_of
from detector.receiver.wishes import Request, Wishes
from detector.status import StateWord

ASK_AGAIN_S = 2.0
"""A request without an answer is repeated after so long: many times what an answer takes."""

UNANSWERED_S = 10.0
"""A receiver that lacks entries and gets none of them for so long, asked for five times, is as good
as none: the service may be alive, but what it tells does not arrive."""

REMEMBERED = 2000
"""Entries known by content: a repetition is recognised even when the log began anew."""

SAVED = 200
"""Of those, as many outlive a restart: what has no number, as the disk refused it."""

SIGNED_WITHIN_S = 45.0
"""A command names a heartbeat no older than this: the service obeys it for 60 s after that."""

SCHEMA = "receiver/1"


class Receiver:
    """Receive one wearer's entries under a name of its own.

    Parameters
    ----------
    name : up to 32 of a-z, 0-9, `_` and `-`; the same receiver has the same name after a restart
    mono_s : the present time of the clock that `feed` and `tick` are given
    saved : what `save` returned; without it, only what is logged from now on is received
    needs_proof : only what the service has signed is taken

    Attributes
    ----------
    proofs : which messages are of the service's present run; None where it needs no proof

    Raises
    ------
    ValueError
        It is no name, or another version saved this.
    """

    def __init__(
        self, name: str, *, mono_s: float, saved: Any = None, needs_proof: bool = False
    ) -> None:
        if not RECEIVER_NAME.fullmatch(name):
            raise ValueError(f"not a receiver's name: {name[:40]!a}")
        self.name = name
        self.state = ServiceState(Absence.SILENT, "nothing was heard yet")
        self._epoch: str | None = None
        self._since = 0  # what has a lower number was logged before this receiver began
        self._upto = 0
        self._upto_at_beat = 0  # at the latest heartbeat: the log has at least so many
        self._beyond: dict[int, str] = {}  # received after a hole: hash of the body, by number
        self._last_n = 0
        self._newest = Newest()
        self._known: dict[str, int | None] = {}  # number by hash of the body, the oldest first
        self._deadline_s: float | None = mono_s + HEALTH_EXPIRES_S
        self._told_silence = False
        # Numbers that it has: repeated, or of a log that began anew, as the next heartbeat tells.
        self._doubtful: list[tuple[Leaf, str]] = []
        self._runs = Runs()
        self._followed: str | None = None  # boot id of the run whose log and state count
        self._beat: tuple[str, int] | None = None  # boot id and sequence of the latest heartbeat
        self._beat_s = mono_s  # when it came
        self.proofs = Proofs() if needs_proof else None
        self._asked_s: float | None = None
        self._lacking: tuple[int, float] | None = None  # at which `upto`, and since when
        self._reconnected = False  # entries may have been missed, and no heartbeat has told yet
        self._acknowledged: int | None = None
        self._snapshots = Snapshots()
        self._wishes = Wishes()
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
        self,
        leaf: str,
        payload: bytes,
        *,
        retained: bool,
        mono_s: float,
        proof: Proof | None = None,
        number: int | None = None,
    ) -> list[News]:
        """Take a message by the last level of its topic, or `REPLY`; return what is new.

        What cannot be read is ignored: the deadline and the numbers show what is missing.

        Parameters
        ----------
        proof : what its signature proves
        number : of the request that it answers
        """
        proven = self.proofs is None or self.proofs.take(leaf, payload, proof)
        kept = leaf in (Leaf.AVAILABILITY, Leaf.STATE)  # a broker retains these for latecomers
        if not proven or len(payload) > PAYLOAD_MOST or (retained and not kept):
            return []
        match leaf:
            case Leaf.AVAILABILITY:
                return self._available(payload)
            case Leaf.HEALTH:
                return self._heartbeat(object_of(payload), mono_s)
            case Leaf.STATE:
                return list(self._snapshots.take(object_of(payload)))
            case Leaf.EVENT | Leaf.ALERT:
                return self._entry(Leaf(leaf), payload.decode(errors="replace"), late=False)
            case _:
                return self._reply(object_of(payload), number) if leaf == REPLY else []

    def tick(self, mono_s: float) -> list[News]:
        """Advance time; return that nothing was heard, or answered, for too long, once."""
        return [*self._tick(mono_s), *self._wishes.unanswered(self.state, mono_s)]

    def _tick(self, mono_s: float) -> list[News]:
        if self._hears_in_vain(mono_s) and not self._told_silence:
            return self._become(ServiceState(Absence.SILENT, UNANSWERED))
        if self._deadline_s is None or mono_s < self._deadline_s or self._told_silence:
            return []
        self._told_silence = True
        doubtful, self._doubtful = self._doubtful, []  # no heartbeat will tell: rather twice
        forged = self.proofs is not None and self.proofs.more_unproven()
        why = UNPROVEN if forged else UNHEARD
        return self._told_anyway(doubtful) + self._become(ServiceState(Absence.SILENT, why))

    def requests(self, mono_s: float) -> list[Request]:
        """Return what is to be published now: acknowledge, and ask for what is missing.

        Call it after what `feed` returned was passed on: what is acknowledged is not sent again.
        """
        told: list[Request] = []
        if self._epoch is not None and self._acknowledged != self._upto:
            told.append(Request(Command.SEEN, commands.seen(self.name, self._epoch, self._upto)))
            self._acknowledged = self._upto
        told += self._wishes.requests(self.name)
        lacking = self._epoch is not None and (self._is_behind or self._reconnected)
        waited = self._asked_s is None or mono_s - self._asked_s >= ASK_AGAIN_S
        if lacking and waited:
            told.append(Request(Command.REPLAY, commands.replay(self.name, self._upto + 1)))
            self._asked_s, self._reconnected = mono_s, False
        return told

    def test(self, heard: str | None = None) -> None:
        """Ask for a test of the alarm, or confirm that a person heard the one with this alert."""
        self._wishes.test(heard)

    def say(self, command: SaidCommand, mono_s: float) -> None:
        """Take what a person says to the night; what came of it is told as an `Answer`."""
        self._wishes.say(command, mono_s)

    def latest_beat(self, mono_s: float) -> str | None:
        """Return boot id and number of the latest heartbeat, which a signed command names.

        None where that is too old: what is to be published then waits for the next.
        """
        if self._beat is None or mono_s - self._beat_s > SIGNED_WITHIN_S:
            return None
        return f"{self._beat[0]}:{self._beat[1]}"

    def lost_connection(self) -> None:
        """Record that messages may have been lost both ways: acknowledge and ask again."""
        self._acknowledged = self._asked_s = self._lacking = None
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
            "proven": None if self.proofs is None else self.proofs.save(),
            "newest": self._newest.save(),
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
            if self.proofs is not None:
                self.proofs.load(saved.get("proven"))
            self._newest.load(saved.get("newest", ()))  # younger than the first saved receivers
        except (KeyError, TypeError) as error:
            raise ValueError(f"not what a receiver saved: {error!r}") from error

    def _available(self, payload: bytes) -> list[News]:
        if payload == Availability.STOPPED.value.encode():
            self._deadline_s = None  # a person's wish: nothing more is expected
            return self._become(ServiceState(Absence.STOPPED, "a person has stopped it"))
        if payload == Availability.OFFLINE.value.encode():
            self._told_silence = True
            doubtful, self._doubtful = self._doubtful, []
            ended = ServiceState(Absence.SILENT, "spasmwatch has ended or lost the broker")
            return self._told_anyway(doubtful) + self._become(ended)
        return []

    def _heartbeat(self, said: Mapping[str, Any], mono_s: float) -> list[News]:
        boot_id, seq, state = said.get("boot_id"), number_of(said.get("seq")), said.get("state")
        if not isinstance(boot_id, str) or seq is None or not isinstance(state, str):
            return []
        if state not in set(StateWord):
            return []
        known = boot_id in self._runs
        if not self._runs.take(boot_id, seq, mono_s):
            return []  # repeated by whoever: only what is new proves that somebody is there
        self._deadline_s = mono_s + good_for_s(said.get("expires_in_s"))
        if self._told_silence:
            self._told_silence, self._lacking = False, None  # asked anew from now on
        if boot_id != self._followed:
            # A new run follows one that ended. One that goes on beside another is a twin: its log
            # is another, and changing between the two would ask for each of them for ever.
            followed_s = self._runs.silent_s(self._followed or "", mono_s)
            if known and followed_s < HEALTH_EXPIRES_S:
                return []
            self._followed = boot_id
        self._beat, self._beat_s = (boot_id, seq), mono_s
        told = self._compare(said.get("epoch"), said.get("last_n"))
        self._acknowledged = None  # each heartbeat is answered: the service knows who is there
        why = said.get("why")
        whys = [why] if isinstance(why, str) else []
        if len(self._runs.alive(mono_s)) > 1:
            whys.append(TWINS)
        until = moment_of(said.get("until")) if state == StateWord.PAUSED else None
        now = ServiceState(StateWord(state), "; ".join(whys) or None, until)
        if self._hears_in_vain(mono_s):
            now = ServiceState(Absence.SILENT, UNANSWERED)
        became = self._become(now)
        return told + became + list(self._snapshots.heard(boot_id))

    def _compare(self, epoch: object, last_n: object) -> list[News]:
        """Take how far which log has come; return what turns out to be of a new one."""
        last = number_of(last_n)
        if not isinstance(epoch, str) or not 0 < len(epoch) <= EPOCH_MOST or last is None:
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
            self._newest = Newest()
        self._last_n, self._upto_at_beat = last, self._upto
        return self._told_anyway(doubtful) if first or not same or restored else []

    def _told_anyway(self, doubtful: list[tuple[Leaf, str]]) -> list[News]:
        return [
            news
            for leaf, body in doubtful
            for news in self._entry(leaf, body, late=False, doubt=False)
        ]

    def _entry(self, leaf: Leaf, body: str, *, late: bool, doubt: bool = True) -> list[News]:
        fields = object_of(body.encode(errors="replace"))
        if not fields:
            return []
        number = number_of(fields.get("n")) or None
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
        return [ReceivedEntry(leaf, number, fields, late, self._newest.superseded(fields, number))]

    def _reply(self, said: Mapping[str, Any], number: int | None) -> list[News]:
        """Take what came of a request, or the entries that were missing."""
        if said.get("schema") == REPLY_SCHEMA:
            return list(self._wishes.answered(number, said))
        return self._replayed(said)

    def _replayed(self, said: Mapping[str, Any]) -> list[News]:
        """Take entries that were missing; there is nothing else up to the number it names."""
        entries, first = said.get("entries"), number_of(said.get("from"))
        upto, last_n = number_of(said.get("upto")), number_of(said.get("last_n"))
        if said.get("epoch") != self._epoch or first is None or upto is None or last_n is None:
            return []
        told: list[News] = []
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

    @property
    def _is_behind(self) -> bool:
        return bool(self._beyond) or self._last_n > self._upto

    def _hears_in_vain(self, mono_s: float) -> bool:
        """Whether heartbeats name entries that do not come, however often they are asked for."""
        if not self._is_behind or self._epoch is None:
            self._lacking = None
            return False
        if self._lacking is None or self._lacking[0] != self._upto:
            self._lacking = self._upto, mono_s
        return mono_s - self._lacking[1] >= UNANSWERED_S

    def _become(self, state: ServiceState) -> list[News]:
        if state == self.state:
            return []
        self.state = state
        return [state]
