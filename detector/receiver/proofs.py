"""Which signed messages are of the service's present run, and not repetitions. Pure."""

from __future__ import annotations

from typing import Any

from detector.mqtt.contract import Availability, Leaf
from detector.mqtt.security.signing import Proof

STOPPED = Availability.STOPPED.value.encode()


class Proofs:
    """The latest proof, by which others are judged: runs and their messages are numbered.

    A signature alone proves that the service sent something once. A heartbeat must be newer than
    the one before it, of this run or a later one, or a recording of the last night would hold the
    deadline for ever.

    Attributes
    ----------
    unproven : messages that were not taken
    """

    def __init__(self) -> None:
        self.unproven = 0
        self._told = 0
        self._newest = Proof(0, 0)  # of the heartbeats

    @property
    def run(self) -> int:
        """Number of the present run; 0 before its first heartbeat."""
        return self._newest.run

    def take(self, leaf: str, payload: bytes, proof: Proof | None) -> bool:
        """Return whether a message is to be taken; it is counted where it is not."""
        taken = proof is not None and self._is_present(leaf, payload, proof)
        self.unproven += not taken
        return taken

    def more_unproven(self) -> bool:
        """Return whether messages were not taken since this was last asked."""
        more, self._told = self.unproven > self._told, self.unproven
        return more

    def save(self) -> list[int]:
        """Return what must outlive a restart, as plain data."""
        return [self._newest.run, self._newest.seq]

    def load(self, saved: Any) -> None:
        """Take what `save` returned; None is of a receiver that needed no proof."""
        if saved is not None:
            run, seq = saved
            self._newest = Proof(int(run), int(seq))

    def _is_present(self, leaf: str, payload: bytes, proof: Proof) -> bool:
        if leaf == Leaf.HEALTH:
            newer = proof > self._newest
            self._newest = max(self._newest, proof)
            return newer
        if leaf == Leaf.AVAILABILITY and payload == STOPPED:
            # It ends the watch for the service: only where it is the last word of a run we know.
            return proof.run == self._newest.run and proof.seq > self._newest.seq
        return proof.run >= self._newest.run
