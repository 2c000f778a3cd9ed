"""Kill a publishing service, its broker or both at random moments: what was never heard?

`python -m tests.mqtt.unheard --service 500 --broker 200 --both 100` prints a line for each. The
service is a process of its own with the real state file and publisher, which commits events as
fast as every 10 ms instead of finding them; broker and receiver are real. The receiver comes and
goes half of the time. Each service that is killed has committed an event before, however slow the
computer is.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from detector.alerts.reception import Reception
from detector.events import Event, Kind, Origin, Phase, event_id
from detector.mqtt.broker import provide
from detector.mqtt.contract import Topics
from detector.mqtt.endpoint import Endpoint
from detector.mqtt.publisher import Publisher
from detector.service.persistence.archive import Archive
from detector.status import StateWord, Status, Vitals
from detector.store.state import State

from ..chaos.measured import record
from ..kit.caregiver import Caregiver
from ..kit.waiting import until

WEARER = "k3vq7m2xta"
TOPICS = Topics(wearer=WEARER)
EVERY_S = 0.01
GRACE_S = 60.0
COMMITTED = "committed"  # what a service says once, of its first event
LONGEST_S = 0.8  # from a commit to a kill: some eighty more commits, of which a few are under way


@dataclass
class Tally:
    """What became of the events of one run."""

    kills: int
    committed: int
    unheard: int
    twice: int
    seconds: float

    def line(self, what: str) -> str:
        return (
            f"{what:8} {self.kills} kills, {self.committed} events committed, "
            f"{self.unheard} unheard, {self.twice} heard twice, {self.seconds:.0f} s"
        )


async def serve(state_file: Path, port: int) -> None:
    """Be the service: commit an event now and then, and publish the log, until killed."""
    with State.open(state_file, wearer=WEARER) as state:
        state.open_channel("mqtt", from_start=True)
        archive = Archive(state)
        publisher = Publisher(
            Endpoint(port=port),
            archive.log_of("mqtt"),
            TOPICS,
            boot_id=os.urandom(4).hex(),
            status=Status(StateWord.WATCHING),
            vitals=Vitals,
            reception=Reception(),
        )
        running = asyncio.create_task(publisher.run())
        first = number = int(time.time() * 1000)
        while not running.done():
            await archive.commit(
                at=datetime.now(UTC), events=[_event(number)], alerts=(), entries=(), saved={}
            )
            publisher.wake()
            if number == first:
                print(COMMITTED, flush=True)
            number += 1
            await asyncio.sleep(EVERY_S)


def _event(number: int) -> Event:
    now = datetime.now(UTC)
    return Event(
        id=event_id(WEARER, "leg", "night", number),
        kind=Kind.CLONUS,
        phase=Phase.END,
        onset_s=float(number),
        duration_s=1.0,
        onset=now,
        end=now,
        confidence=0.9,
        grade=1,
        reason="committed, not found",
        source=Origin.LIVE,
        wearer=WEARER,
    )


async def listen(anna: Caregiver, length_s: float | None = None) -> None:
    """Start a receiver, and end it after so long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(length_s):
            await anna.begin().run()


async def run(what: str, kills: int, *, seed: int) -> Tally:
    """Kill `service`, `broker` or `both` so often, and let the rest arrive; return the tally."""
    chance, began_s = random.Random(seed), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        state_file = Path(folder) / "state.sqlite"
        async with provide("mosquitto", port=0) as broker:
            assert broker.endpoint is not None
            anna = Caregiver(broker.endpoint, TOPICS)
            service = await start_service(state_file, broker.endpoint.port)
            there = asyncio.create_task(listen(anna))
            try:
                # What was logged before its first heartbeat is not for this receiver.
                await until(lambda: anna.saved is not None and anna.saved["epoch"], GRACE_S)
                first_n = int(anna.saved["upto"])
                there.cancel()
                there = asyncio.create_task(_come_and_go(anna, chance))
                for _ in range(kills):
                    await asyncio.sleep(chance.uniform(0.0, LONGEST_S))
                    if what in ("broker", "both") and broker.pid is not None:
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(broker.pid, signal.SIGKILL)
                    if what in ("service", "both"):
                        service.kill()
                        service.wait()
                        service = await start_service(state_file, broker.endpoint.port)
            finally:
                there.cancel()
                await asyncio.wait({there})
            service.kill()
            service.wait()
            committed = _committed(state_file, after=first_n)
            service = await start_service(state_file, broker.endpoint.port)
            last = asyncio.create_task(listen(anna, GRACE_S))
            with contextlib.suppress(TimeoutError):
                await until(lambda: committed <= set(anna.ids), GRACE_S)
            last.cancel()
            service.kill()
            service.wait()
    return Tally(
        kills,
        len(committed),
        len(committed - set(anna.ids)),
        len(anna.ids) - len(set(anna.ids)),
        time.monotonic() - began_s,
    )


def _committed(state_file: Path, *, after: int) -> set[str]:
    """Return the ids of all events in the log after a number."""
    with State.open(state_file) as state:
        return {entry.subject for entry in state.replay_from(after + 1, 1_000_000)}


async def start_service(state_file: Path, port: int) -> subprocess.Popen[bytes]:
    """Start a service; return once it has committed its first event."""
    argv = [sys.executable, "-m", "tests.mqtt.unheard", "--serve", str(state_file), str(port)]
    service = subprocess.Popen(argv, stdout=subprocess.PIPE)
    assert service.stdout is not None
    with service.stdout:
        said = await asyncio.to_thread(service.stdout.readline)
    assert said.strip() == COMMITTED.encode(), "the service ended by itself"
    return service


async def _come_and_go(anna: Caregiver, chance: random.Random) -> None:
    while True:
        await listen(anna, chance.uniform(0.2, 3.0))
        await asyncio.sleep(chance.uniform(0.1, 3.0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for what in ("service", "broker", "both"):
        parser.add_argument(f"--{what}", type=int, default=0, metavar="KILLS")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--serve", nargs=2, metavar=("STATE", "PORT"))
    asked = parser.parse_args()
    if asked.serve:
        asyncio.run(serve(Path(asked.serve[0]), int(asked.serve[1])))
        return
    unheard = 0
    figures: dict[str, int] = {}
    for what in ("service", "broker", "both"):
        if kills := getattr(asked, what):
            tally = asyncio.run(run(what, kills, seed=asked.seed))
            print(tally.line(what), flush=True)
            unheard += tally.unheard
            figures |= {f"{what}_{k}": round(v) for k, v in asdict(tally).items()}
    record(
        "unheard",
        bar="0 committed events unheard over kills of the service, of the broker and of both",
        held=not unheard,
        seed=asked.seed,
        figures=figures,
    )
    sys.exit(1 if unheard else 0)


if __name__ == "__main__":
    main()
