"""Screens of a review and of minimums: eight nights that were reviewed, and one that was not."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from itertools import count
from pathlib import Path

from detector.alerts.commands import SaidKind
from detector.events import Kind
from detector.people.people import Role
from detector.review.answers import labelled
from detector.status import StateWord, Status

from ..review.made import spasm
from .past_screens import VIEWS
from .screens import MIN, NOW, browser, device, opened
from .stand import Bedroom, standing

NIGHT = f"/nights/{NOW.date() - timedelta(days=1)}/review"
SCREENS = {"review": NIGHT, "rest": f"{NIGHT}?rest", "tune": "/tune"}
COUNT = 12  # likely spasms of the night that nobody has reviewed, none of one episode
WHY = "steady 5.8 beats a second for 6.1 s, abrupt start, no walking rhythm under it"


def reviewed(nights: int = 8) -> Bedroom:
    """Return weak real ones and strong false ones of nights that anna reviewed, and a new night."""
    ticks = count()  # two things that are said have two times
    room = Bedroom(now=lambda: NOW + next(ticks) * timedelta(milliseconds=1))
    for night in range(nights, 0, -1):
        events = [
            spasm(
                f"n{night}e{n}",
                onset=NOW - timedelta(days=night, minutes=20 * n),
                rms_g=0.03 + 0.001 * night if n % 2 else 0.2 + 0.01 * night,
            )
            for n in range(6)
        ]
        for event in events:
            room.keep(event)
        for weak, verdict in ((True, SaidKind.SPASM), (False, SaidKind.NOT_A_SPASM)):
            names = [each.id for each in events if weak is ((each.rms_g or 0) < 0.1)]
            room.obey(labelled(names, verdict, by="anna"))
    room.show(Status(StateWord.WATCHING), 300 * MIN)
    for n in range(COUNT):
        clonus = {"kind": Kind.CLONUS, "rhythm_hz": 5.8, "beats": 20} if n % 3 == 0 else {}
        onset = NOW - (5 + 20 * n) * MIN
        room.keep(spasm(f"e{n}", onset=onset, duration_s=2.0 + n, reason=WHY, **clonus))
    room.keep(spasm("e12", onset=NOW - 4 * MIN, duration_s=1.0, episode="e0"))
    return room


def draw_review(folder: Path) -> None:
    """Draw them."""
    with (
        browser() as chromium,
        tempfile.TemporaryDirectory() as data,
        standing(Path(data), reviewed()) as stand,
    ):
        token = stand.let_in("anna", Role.CAREGIVER)
        for name, path in SCREENS.items():
            for suffix, dark, size in VIEWS:
                if name == "rest" or (name == "tune" and suffix):
                    continue
                context = device(chromium, stand, token, dark=dark, size=size)
                page = opened(context, stand, path)
                page.screenshot(path=folder / f"{name}{suffix}.png")
                context.close()
