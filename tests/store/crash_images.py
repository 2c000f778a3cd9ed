"""What a power cut leaves of a night: is anything wrong in it, and how much is lost?

`python -m tests.store.crash_images --images 2000` prints the figures.

A night's recording and state are written by the real writers, and every write, truncation, sync
and deletion that SQLite asks for is logged (`faulty_disk`). An image is the disk at a random moment
of that log, half of them in a checkpoint or the end of a file:

- what was synced is there;
- every 4 KiB page written since the file's last sync has, for itself, any of the contents that it
  had since then, is torn between two of them at a sector, or is zero where the file grew;
- the file is as long as at any moment since its last sync;
- a file that was never synced may be missing, one deleted without a sync of the folder may be back;
- there is no -shm: it is an index in memory.

Left out: disks that lie about a sync, and sectors damaged at rest (`test_recording`,
`test_damage`). The creation of the two files is before the log (`test_recording` kills there). The
time that a commit waits for a disk is not in the seconds lost: the night's clock stands still.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from detector.devices.stream import Item, LinkUp, Packet
from detector.events import Event, Kind, Origin, Phase, RecordingSpan, event_id
from detector.store.recording import Recording, RecordingHeader
from detector.store.recording_writer import RecordingWriter
from detector.store.state import State

from ..chaos.measured import record
from .faulty_disk import AVAILABLE, Disk, Operation, below_sqlite

PAGE, SECTOR = 4096, 512
PACKET_S = 36 / 52  # of a Polar
COMMIT_S = 1.0  # as a service's tick
EVENT_EVERY = 7  # packets
BEGAN = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)
WEARER = "k3vq7m2xta"
NIGHT, STATE = "2026-11-20.sqlite", "state.sqlite"
HEADER = RecordingHeader(
    name="2026-11-20",
    wearer=WEARER,
    sensor="left-calf",
    site="calf",
    driver="polar-verity-sense",
    origin=Origin.SIMULATED,
    created=BEGAN,
    version="0",
    time_zone="UTC",
)


@dataclass(frozen=True)
class Reached:
    """How far the night had come at a place of the log: packets taken, events acknowledged."""

    items: int
    events: int


@dataclass
class Log:
    """A night on the disk: the files it began with, and all that was asked of them then."""

    begun: dict[str, bytes]
    steps: list[Operation | Reached]
    items: list[Item]
    events: list[Event]


LOST_S = 5.0  # of a recording, that a power cut may cost


@dataclass
class Found:
    """Figures over all images."""

    images: int = 0
    wrong: int = 0
    wrong_events: int = 0
    unreadable: int = 0
    events_lost: int = 0
    most_lost_s: float = 0.0
    lost_s: list[float] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether the bar is met."""
        wrong = self.wrong or self.wrong_events or self.unreadable or self.events_lost
        return not wrong and self.most_lost_s <= LOST_S

    def __str__(self) -> str:
        usual = sorted(self.lost_s)[len(self.lost_s) // 2] if self.lost_s else 0.0
        return (
            f"{self.images} crash images: {self.unreadable} unreadable, {self.wrong} wrong packets,"
            f" {self.wrong_events} wrong events, {self.events_lost} committed events lost; "
            f"recording lost: median {usual:.1f} s, at most {self.most_lost_s:.1f} s"
        )


@dataclass
class DiskFile:
    """A file as it is, as it was when last synced, and the steps from that to this."""

    now: bytearray
    synced: bytes = b""
    since: list[Operation] = field(default_factory=list)
    named: bool = False  # the name survives too
    may_return: bool = False  # deleted, the folder not synced

    def take(self, operation: Operation) -> None:
        """Apply a write, truncation or sync."""
        if operation.kind == "sync":
            self.synced, self.since, self.named = bytes(self.now), [], True
            return
        self.since.append(operation)
        _apply(self.now, operation)

    def image(self, rng: random.Random) -> bytes | None:
        """Return what a power cut may leave of it; None: nothing, not even the name."""
        if not self.named and rng.random() < 0.5:
            return None
        forms = [bytearray(self.synced)]
        for operation in self.since:
            forms.append(bytearray(forms[-1]))
            _apply(forms[-1], operation)
        mode = rng.choice(("all", "none", "any", "any"))
        if mode != "any" or not self.since:
            return bytes(forms[0 if mode == "none" else -1])
        size = len(rng.choice(forms))
        left = bytearray(forms[0][:size].ljust(size, b"\0"))
        touched = {
            page
            for each in self.since
            for page in range(each.offset // PAGE, (each.offset + len(each.data)) // PAGE + 1)
        }
        for page in touched:
            begin, stop = page * PAGE, min((page + 1) * PAGE, size)
            if begin >= size:
                continue
            one, other = (bytes(rng.choice(forms)[begin:stop]) for _ in range(2))
            content = one
            if rng.random() < 0.25:
                tear = rng.randrange(0, PAGE, SECTOR)
                content = one[:tear] + other[tear:]
            if begin >= len(self.synced) and rng.random() < 0.25:
                content = b""
            left[begin:stop] = content[: stop - begin].ljust(stop - begin, b"\0")
        return bytes(left)


def _apply(content: bytearray, operation: Operation) -> None:
    if operation.kind == "truncate":
        del content[operation.offset :]
        content.extend(bytes(operation.offset - len(content)))
        return
    stop = operation.offset + len(operation.data)
    content.extend(bytes(max(0, stop - len(content))))
    content[operation.offset : stop] = operation.data


def packets(count: int, seed: int) -> Iterator[Item]:
    """Yield a night's packets, none like another."""
    rng = random.Random(seed)
    began_ns = int(BEGAN.timestamp() * 1e9)
    yield LinkUp(1, HEADER.driver, "A0:9E:1A:00:00:01", "Polar Sense 0001", 0, began_ns)
    for n in range(1, count):
        ns = round(n * PACKET_S * 1e9)
        yield Packet(1, "pmd", n.to_bytes(4, "little") + rng.randbytes(222), ns, began_ns + ns)


def event(n: int) -> Event:
    """Return the n-th event of the night."""
    onset_s = 5.0 * n  # whole: times are kept to the millisecond
    at = BEGAN + timedelta(seconds=onset_s)
    return Event(
        id=event_id(WEARER, "left-calf", HEADER.name, n),
        kind=Kind.CLONUS,
        phase=Phase.END,
        onset_s=onset_s,
        duration_s=2.0,
        onset=at,
        end=at + timedelta(seconds=2),
        confidence=0.9,
        reason="steady 5.8 beats a second",
        recording=RecordingSpan(HEADER.name, 0, 100),
    )


def logged_night(folder: Path, *, count: int, seed: int) -> Log:
    """Write a night of `count` packets; both files are closed and gone on with half-way."""
    steps: list[Operation | Reached] = []
    items = list(packets(count, seed))
    events: list[Event] = []
    disk = Disk(after=steps.append)
    with below_sqlite(disk):
        writer = RecordingWriter.create(folder / NIGHT, HEADER)
        state = State.open(folder / STATE, wearer=WEARER)
        begun = {
            path.name: path.read_bytes()
            for path in folder.iterdir()
            if not path.name.endswith(("-shm", ".lock"))
        }
        steps.clear()
        committed_s = 0.0
        for n, item in enumerate(items):
            writer.write(item)
            steps.append(Reached(n + 1, len(events)))
            if n * PACKET_S - committed_s >= COMMIT_S:
                writer.commit()
                committed_s = n * PACKET_S
            if n % EVENT_EVERY == EVENT_EVERY - 1:
                fresh = event(len(events))
                state.commit(at=BEGAN, events=[fresh], saved={"night": {"n": n}})
                events.append(fresh)
                steps.append(Reached(n + 1, len(events)))
            if n == count // 2:
                writer.close()
                state.close()
                writer = RecordingWriter.resume(folder / NIGHT, HEADER)
                state = State.open(folder / STATE)
        writer.close()
        state.close()
    return Log(begun, steps, items, events)


def examine(log: Log, *, images: int, seed: int, scratch: Path) -> Found:
    """Make images of a logged night and read each as a service would after the power cut."""
    rng = random.Random(seed)
    places = [n for n, step in enumerate(log.steps) if isinstance(step, Operation)]
    rare = [n for n in places if _is_rare(log.steps[n])]
    chosen = sorted(rng.choice(rare if image % 2 else places) for image in range(images))
    files = {name: DiskFile(bytearray(body), body, [], True) for name, body in log.begun.items()}
    found = Found()
    reached = Reached(0, 0)
    for place, step in enumerate(log.steps):
        if isinstance(step, Reached):
            reached = step
        else:
            _take(files, step)
        while chosen and chosen[0] == place:
            chosen.pop(0)
            with tempfile.TemporaryDirectory(dir=scratch) as folder:
                _write_image(files, rng, Path(folder))
                _examine_image(log, reached, Path(folder), found)
    return found


def _is_rare(step: Operation | Reached) -> bool:
    if isinstance(step, Reached):
        return False
    return not step.path.name.endswith("-wal") or step.kind in {"truncate", "delete"}


def _take(files: dict[str, DiskFile], step: Operation) -> None:
    name = step.path.name
    if step.kind == "delete":
        if step.offset:  # the folder is synced too
            files.pop(name, None)
        elif name in files:
            files[name].may_return = True
        return
    known = files.get(name)
    if known is None or known.may_return:
        known = files[name] = DiskFile(bytearray())
    known.take(step)


def _write_image(files: dict[str, DiskFile], rng: random.Random, folder: Path) -> None:
    for name, file in files.items():
        if file.may_return and rng.random() < 0.5:
            continue
        content = file.image(rng)
        if content is not None:
            (folder / name).write_bytes(content)


def _examine_image(log: Log, reached: Reached, folder: Path, found: Found) -> None:
    found.images += 1
    try:
        with Recording.open(folder / NIGHT) as recording:
            rows = list(recording.numbered())
        found.wrong += sum(log.items[number - 1] != item for number, item in rows)
        lost_s = (reached.items - len(rows)) * PACKET_S
        found.lost_s.append(lost_s)
        found.most_lost_s = max(found.most_lost_s, lost_s)
        if lost_s > 5:
            found.complaints.append(f"{lost_s:.1f} s lost after {reached.items} packets")
        with closing(RecordingWriter.resume(folder / NIGHT, HEADER)) as writer:
            writer.write(log.items[0])
            writer.commit()
        with State.open(folder / STATE) as state:
            kept = {each.id: each for each in state.events()}
            known = {each.id: each for each in log.events}
            found.wrong_events += sum(known.get(name) != each for name, each in kept.items())
            missing = [each.id for each in log.events[: reached.events] if each.id not in kept]
            found.events_lost += len(missing)
            found.wrong += (state.wearer != WEARER) + bool(state.troubles)
    except Exception as error:
        found.unreadable += 1
        found.complaints.append(f"after {reached.items} packets: {type(error).__name__}: {error}")


def main() -> None:
    """Print the figures; exit 1 where the bar is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--packets", type=int, default=1500, help="of the night; 1500 are 17 min")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    if not AVAILABLE:
        sys.exit("sqlite3 of this Python is not a library of its own: its disk cannot be watched")
    scratch = Path(tempfile.gettempdir())
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        log = logged_night(Path(folder), count=asked.packets, seed=asked.seed)
        found = examine(log, images=asked.images, seed=asked.seed, scratch=scratch)
    record(
        "crash-images",
        bar=f"a power cut makes nothing wrong, loses no committed event and <= {LOST_S:g} s",
        held=found.holds,
        seed=asked.seed,
        figures={
            "images": found.images,
            "steps": len(log.steps),
            "unreadable": found.unreadable,
            "wrong_packets": found.wrong,
            "wrong_events": found.wrong_events,
            "events_lost": found.events_lost,
            "lost_max_s": round(found.most_lost_s, 2),
        },
    )
    for complaint in found.complaints[:20]:
        print(complaint)
    sys.exit(not found.holds)


if __name__ == "__main__":
    main()
