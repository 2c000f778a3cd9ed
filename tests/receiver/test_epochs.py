"""A night that began in memory has a log of its own; then the one before it goes on."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from detector.mqtt.contract import REPLY, Command, Leaf
from detector.receiver import ReceivedEntry, Receiver


@dataclass
class Service:
    """Logs by epoch, of which one goes on, and what a receiver made of them."""

    receiver: Receiver = field(default_factory=lambda: Receiver("anna", mono_s=0.0))
    logs: dict[str, list[str]] = field(default_factory=dict)
    told: list[tuple[str, int]] = field(default_factory=list)
    beats: int = 0

    def feed(self, leaf: str, fields: dict[str, Any]) -> None:
        news = self.receiver.feed(leaf, json.dumps(fields).encode(), retained=False, mono_s=0.0)
        entries = [each.fields for each in news if isinstance(each, ReceivedEntry)]
        self.told += [(each["in"], each["n"]) for each in entries]

    def log(self, epoch: str, count: int, *, arrives: bool = True) -> None:
        for _ in range(count):
            bodies = self.logs.setdefault(epoch, [])
            bodies.append(json.dumps({"n": len(bodies) + 1, "in": epoch}))
            if arrives:
                self.feed(Leaf.ALERT, json.loads(bodies[-1]))

    def beat(self, epoch: str) -> list[int]:
        """Send a heartbeat and serve what it leads to; return from where entries were asked for."""
        self.beats += 1
        said = {"boot_id": "b", "seq": self.beats, "state": "watching", "epoch": epoch}
        bodies = self.logs.setdefault(epoch, [])
        self.feed(Leaf.HEALTH, said | {"last_n": len(bodies)})
        requests = self.receiver.requests(0.0)
        replays = [each for each in requests if each.command == Command.REPLAY]
        asked = [json.loads(each.payload)["from"] for each in replays]
        for first in asked:
            entries = [{"leaf": "alert", "body": body} for body in bodies[first - 1 :]]
            upto = {"upto": len(bodies), "last_n": len(bodies)}
            self.feed(REPLY, {"epoch": epoch, "from": first, "entries": entries} | upto)
        return asked

    def restart(self) -> None:
        saved = json.loads(json.dumps(self.receiver.save()))
        self.receiver = Receiver("anna", mono_s=0.0, saved=saved)


@pytest.mark.parametrize("restarts", [False, True])
def test_of_the_log_it_had_before_only_what_it_lacks_is_asked_for(restarts: bool) -> None:
    service = Service()
    service.log("file", 3, arrives=False)  # before it began
    service.beat("file")
    service.log("file", 1)
    service.beat("file")
    service.log("file", 1, arrives=False)  # nobody hears it: the service is killed
    service.log("memory", 2)
    service.beat("memory")
    if restarts:
        service.restart()
    service.log("file", 2, arrives=False)  # those of the memory, under their new numbers

    assert service.beat("file") == [5]
    assert [n for log, n in service.told if log == "file"] == [4, 5, 6, 7]
    assert [n for log, n in service.told if log == "memory"] == [1, 2]
    assert service.receiver.upto == 7


def test_a_log_that_comes_back_shorter_was_restored_from_a_copy_and_is_heard_anew() -> None:
    service = Service()
    service.beat("file")
    service.log("file", 4)
    service.beat("file")
    service.beat("memory")
    service.logs["file"] = [json.dumps({"n": 1, "in": "file", "other": True})]

    assert service.beat("file") == [1]
    assert [n for _, n in service.told] == [1, 2, 3, 4, 1]
