"""Wherever the service is killed, every alarm is pushed, and few twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from detector.alert import Alert
from detector.push.channel import CHANNEL
from detector.push.recipients import Contact
from detector.store.state import State

from .alerts import alert
from .house import HandClock, house
from .servers import FakeNtfy, ntfy

ALARMS = [alert(about=f"e{n}", tier=3, rule=f"clonus >= {60 + n}s") for n in range(4)]
PEOPLE = ("anna", "ben")


class Fuse:
    """Ends the process at the so manieth step, before or after it."""

    def __init__(self, step: int) -> None:
        self.left = step
        self.steps = 0
        self.gone = asyncio.Event()

    def count(self) -> None:
        self.steps += 1
        self.left -= 1
        if self.left < 0:
            self.gone.set()
            raise asyncio.CancelledError


class Fused:
    """A log or a sender, each of whose calls is two steps."""

    def __init__(self, inner: Any, fuse: Fuse) -> None:
        self._inner, self._fuse = inner, fuse

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def call(*arguments: Any) -> Any:
            self._fuse.count()
            found = await getattr(self._inner, name)(*arguments)
            self._fuse.count()
            return found

        return call


async def run(folder: Path, server: FakeNtfy, fuse: Fuse, alarms: list[Alert]) -> None:
    people = {Contact(name): server.address.replace("bedroom", name) for name in PEOPLE}

    def fused(inner: Any) -> Fused:
        return Fused(inner, fuse)

    async with house(folder, people, HandClock(), wrap_log=fused, wrap_sender=fused) as here:
        await here.commit(*alarms)
        idle = asyncio.ensure_future(here.idle(*PEOPLE))
        gone = asyncio.ensure_future(fuse.gone.wait())
        await asyncio.wait({idle, gone}, return_when=asyncio.FIRST_COMPLETED)
        for task in (idle, gone):
            task.cancel()
        await asyncio.wait({idle, gone})


def told(server: FakeNtfy) -> Counter[tuple[str, str]]:
    return Counter((each["topic"], each["sequence_id"]) for each in server.taken)


def test_no_alarm_is_lost_at_any_point_and_each_kill_repeats_one_at_most(tmp_path: Path) -> None:
    step, ended = 0, False
    while not ended:
        folder = tmp_path / str(step)
        with State.open(folder / "state.sqlite", wearer="k3vq7m2xta") as state:
            for name in PEOPLE:
                state.open_channel(CHANNEL + name, from_start=True)
        with ntfy() as server:
            fuse = Fuse(step)
            asyncio.run(run(folder, server, fuse, ALARMS))
            ended = not fuse.gone.is_set()
            asyncio.run(run(folder, server, Fuse(10_000), []))
        found = told(server)
        assert len(found) == len(PEOPLE) * len(ALARMS), f"killed at step {step}"
        assert found.total() <= len(found) + 2, f"one in flight for each: killed at step {step}"
        step += 3
    assert step > 30, "so many points were tried"
