"""Ten hours of a restless simulated night with thirteen others before it, and how long it takes.

`python -m tests.report.long_night` prints the seconds of one core that the command takes, for each
format: processor time, since other processes may have the core meanwhile.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from detector.alerts.commands import NoteKind
from detector.events import Event, Kind

from ..web.recorded_night import FS, clonus, dated, record
from .made import HOUR, MIN, House, MadeNight, event, note

BEGIN = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
HOURS = 10
SETTINGS = '[wearer]\ntime_zone = "Europe/Amsterdam"\nlabel = "bedroom"\n[mqtt]\nbroker = "none"\n'
MOST_S = 5.0


def others(folder: Path, nights: int = 13) -> House:
    """Nights before the long one: some quiet, some not, and two that nobody watched."""
    house = House(folder)
    generator = np.random.default_rng(4)
    for back in range(nights, 0, -1):
        if back in (4, 9):
            continue
        begin = BEGIN - timedelta(days=back)
        onsets = sorted(generator.uniform(0.2, 7.6, generator.integers(8, 70)))
        kinds = generator.choice([Kind.SPASM, Kind.CLONUS, Kind.TWITCH, Kind.TONIC], len(onsets))
        events = [
            event(Kind(kind), begin + onset * HOUR, float(generator.uniform(0.6, 14)))
            for kind, onset in zip(kinds, onsets, strict=True)
        ]
        house.keep(MadeNight(begin, 8, events, [(3 * HOUR, 9 * MIN)]))
    return house


def long_night(folder: Path, hours: int = HOURS) -> House:
    """Return a data folder with a recording of so many hours, a part of each full of clonus."""
    house = others(folder)
    samples, found = clonus()
    each_hour = HOUR.seconds * FS
    still = np.random.default_rng(5).normal(0, 0.002, (each_hour - len(samples), 3))
    rest = samples[:100].mean(axis=0) + still
    (folder / "nights").mkdir(parents=True, exist_ok=True)
    whole = np.tile(np.concatenate([samples, rest]), (hours, 1))
    name = record(folder / "nights", BEGIN, whole)
    events: list[Event] = []
    for hour in range(hours):
        for number, each in enumerate(found):
            placed = dated(each, BEGIN + hour * HOUR, name)
            events.append(_moved(placed, f"h{hour}n{number}", hour * each_hour))
    said = [
        (BEGIN + 10 * MIN, note("tizanidine 4 mg", NoteKind.MEDICATION)),
        (BEGIN + 5 * HOUR, note("woke", NoteKind.WOKE)),
        (BEGIN + 9 * HOUR, note("stiffness 4")),
    ]
    house.keep(MadeNight(BEGIN, hours, events, [(4 * HOUR, 20 * MIN)], said))
    return house


def _moved(event: Event, name: str, first: int) -> Event:
    span = event.recording
    assert span is not None
    moved = replace(span, first=span.first + first, last=span.last + first)
    return replace(event, id=name, episode=None, recording=moved)


def main() -> int:
    slow = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "c.toml").write_text(SETTINGS)
        long_night(folder / "data")
        one = min(os.sched_getaffinity(0))
        for out in ([], ["--out", "night.html"], ["--out", "night.pdf"], ["--json"]):
            words = ["-c", "c.toml", "--data-dir", "data", "report", "2026-11-20", *out]
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(
                [sys.executable, "-m", "detector", *words],
                check=True,
                cwd=folder,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                preexec_fn=lambda: os.sched_setaffinity(0, {one}),
            )
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            slow += seconds > MOST_S
            print(f"{' '.join(out) or 'text':24}{seconds:6.2f} s   (at most {MOST_S:g})")
    return int(slow > 0)


if __name__ == "__main__":
    sys.exit(main())
