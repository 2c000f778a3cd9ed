"""Pages that are open at a night's address, and what they were sent."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from detector.people.people import Role
from detector.web.access.guard import form_token

from ..kit.waiting import running
from .stand import let_in


@dataclass
class Follower:
    """A page that is open, and what it was sent."""

    link: aiohttp.ClientSession
    address: str
    token: str
    views: list[dict[str, Any]]

    async def follow(self) -> None:
        async with self.link.get(f"{self.address}/stream") as answer:
            async for line in answer.content:
                if line.startswith(b"data: "):
                    self.views.append(json.loads(line[6:]))

    async def say(self, name: str, **fields: Any) -> int:
        said = {"token": form_token(self.token), **fields}
        headers = {"Origin": self.address}
        async with self.link.post(
            f"{self.address}/say/{name}", json=said, headers=headers
        ) as answer:
            return answer.status

    @property
    def alerts(self) -> list[dict[str, Any]]:
        return list(self.views[-1]["alerts"]) if self.views else []


@asynccontextmanager
async def following(
    folder: Path, address: str, name: str, role: Role = Role.CAREGIVER
) -> AsyncIterator[Follower]:
    token = let_in(folder, name, role)
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(
        headers={"Cookie": f"spasmwatch={token}"}, cookie_jar=jar
    ) as link:
        follower = Follower(link, address, token, [])
        async with running(follower.follow(), within_s=100):
            yield follower
