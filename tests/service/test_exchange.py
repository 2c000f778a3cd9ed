"""A file takes over from memory between two commits, and no number stands for another entry."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from detector.channels import Entry, EntryKind
from detector.service.persistence.archive import Archive, Offer
from detector.store.log import Draft
from detector.store.state import State, StateError

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
MQTT = "mqtt"


def said(by: str) -> Draft:
    return Draft(EntryKind.NOTE, "note", {"by": by})


def names(log: Sequence[Entry]) -> list[str]:
    return [json.loads(entry.body)["by"] for entry in log]


async def commit(archive: Archive, by: str) -> list[int]:
    """Commit an entry; return the numbers that it got."""
    nothing: dict[str, Any] = {"events": (), "alerts": (), "saved": {}}
    return [entry.n for entry in await archive.commit(at=NOW, entries=[said(by)], **nothing)]


def in_memory() -> State:
    memory = State.in_memory(wearer="k3vq7m2xta")
    memory.open_channel(MQTT, from_start=True)
    return memory


def test_nothing_is_exchanged_while_an_entry_is_on_its_way_under_its_old_number(
    tmp_path: Path,
) -> None:
    async def exchange() -> None:
        on_its_way, moved = True, list[Mapping[int, int]]()
        memory = in_memory()
        with State.open(tmp_path / "state.sqlite", wearer=memory.wearer) as file:
            file.commit(at=NOW, entries=[said("ada")])
            with closing(Archive(memory)) as archive:
                log = archive.log_of(MQTT)
                archive.offer(Offer(file, [], [], {}, lambda: not on_its_way, moved.append, print))
                assert await commit(archive, "bea") == [1]
                seen = asyncio.ensure_future(log.acknowledge_as("anna", 1, at=NOW))
                on_its_way, epoch = False, log.epoch
                assert await commit(archive, "cleo") == [3]
                with pytest.raises(StateError, match="acknowledge again"):
                    await seen
                assert moved == [{1: 2}]
                assert archive.on_disk
                assert log.epoch == file.epoch != epoch
                assert names(await log.read(9)) == ["bea", "cleo"]

    asyncio.run(exchange())


def test_a_fault_in_the_exchange_costs_no_commit_and_is_passed_on(tmp_path: Path) -> None:
    async def exchange() -> None:
        faults: list[Exception] = []
        memory = in_memory()
        file = State.open(tmp_path / "state.sqlite", wearer=memory.wearer)
        with closing(Archive(memory)) as archive:
            unsaveable = {"starts": {1, 2}}
            archive.offer(Offer(file, [], [], unsaveable, lambda: True, print, faults.append))
            assert await commit(archive, "bea") == [1]
            assert await commit(archive, "cleo") == [2]
            assert not archive.on_disk
        assert [type(fault) for fault in faults] == [TypeError]
        with State.open(tmp_path / "state.sqlite") as file:
            assert file.last == 0, "nothing of it was written, and the file is free again"
        memory.close()

    asyncio.run(exchange())
