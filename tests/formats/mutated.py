"""Damaged and hostile files of every format: each is read, or refused in one sentence.

`python -m tests.formats.mutated --each 5000` prints a line for each format, and exits 1 where a
file took more than 2 s or 256 MiB, or ended in an error that is none of ours. Files are read in
processes of 500, whose memory counts whole, interpreter and numpy included.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np

from detector.config import read_configuration
from detector.devices.interpreter import Interpreter
from detector.devices.pmd import PMD_CONTROL, PMD_DATA
from detector.devices.registry import installed
from detector.devices.stream import Item, LinkUp, Packet
from detector.errors import SpasmwatchError
from detector.events import Event, Kind, Origin, Phase
from detector.recognition.rules.model_files import model_file
from detector.recognition.rules.opinions import parse_model
from detector.store.capture import CaptureWriter
from detector.store.formats.labels import find_labels, read_labels
from detector.store.formats.reader import open_recording
from detector.store.recording import RecordingHeader
from detector.store.recording_writer import RecordingWriter
from detector.store.state import State, StateDamagedError

from . import exchanged

MOST_S = 2.0
MOST_BYTES = 256 << 20
BATCH = 500
LONGEST_ERROR = 2500  # characters: twenty problems of a settings file
BEGAN = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)
OFFER = bytes.fromhex("f001020000 00013400")  # of a Polar: 52 Hz

HOSTILE = [
    b"NaN", b"Infinity", b"-1e999", b"1e999", b"9" * 5000, b"[" * 20_000, b'{"a":' * 5000,
    b"a." * 20_000, b"a." * 20 + b"a=1\n", b"\0", b"\xff\xfe", b"'" * 3, b'"' * 3, b"\n" * 300,
    b"x" * 20_000, b",", b"\t", b"null", b"true", b"[[1,2],[3,4]]", b"\x80" * 64,
    b"2026-11-20T22:30:00Z", b"-9223372036854775809", b"\xef\xbb\xbf", b"=SUM(A1)", b"__import__",
    b"(99999999999, 3)", b"'<f8'", b"'|O'", b"True", b"-1", b"(0, 3)", b"'<U99999999'",
]  # fmt: skip


@dataclass(frozen=True)
class Format:
    """A valid file, what reads it, and what puts damaged content into a whole file."""

    name: str
    write: Callable[[Path], None]
    read: Callable[[Path], object]
    put: Callable[[Path, bytes], object] = Path.write_bytes


def formats() -> dict[str, Format]:
    """Return every format by name."""
    return {
        each.name: each
        for each in (
            Format("night.sqlite", _write_recording, _read_recording),
            Format("night.jsonl", _write_capture, _read_recording),
            Format("night.csv", _write_table, _read_recording),
            Format("night.npz", _write_archive, _read_recording),
            Format("packed.npz", partial(_write_archive, packed=True), _read_recording),
            Format("acc.npy", _write_member, _read_zipped, _put_member),
            Format("night.parquet", exchanged.write_parquet_file, _read_recording),
            Format("night.edf", exchanged.write_edf_file, _read_recording),
            Format("night.bdf", exchanged.write_bdf_file, _read_recording),
            Format("night.export.csv", exchanged.write_csv_file, _read_recording),
            Format("night_motion.tsv", exchanged.write_motion_file, _read_recording, exchanged.put),
            Format("night_motion.json", exchanged.write_motion_file, _read_motion, exchanged.put),
            Format("night_channels.tsv", exchanged.write_motion_file, _read_motion, exchanged.put),
            Format("night_events.tsv", _write_labels, read_labels),
            Format("labels.npz", _write_archive, find_labels),
            Format("state.sqlite", _write_state, _read_state),
            Format("config.toml", _write_settings, partial(read_configuration, environ={})),
            Format("rules.json", partial(_write_model, "rules-v1"), _read_model),
            Format("learned.json", partial(_write_model, "learned-v1"), _read_model),
        )
    }


def mutated(content: bytes, seed: int) -> bytes:
    """Return the content damaged once to eight times: bits, bytes, cuts, copies, hostile words."""
    rng = random.Random(seed)
    body = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 8))):
        at = rng.randrange(len(body) + 1)
        stop = min(len(body), at + rng.choice((1, 2, 4, 16, 100, 4096)))
        match rng.randrange(9):
            case 0 if at < len(body):
                body[at] ^= 1 << rng.randrange(8)
            case 1:
                body[at:stop] = rng.randbytes(stop - at)
            case 2:
                del body[at:]
            case 3:
                del body[at:stop]
            case 4:
                body[at:at] = body[at:stop] * rng.choice((1, 2, 50))
            case 5:
                body[at:at] = rng.choice(HOSTILE)
            case 6:
                body[at:stop] = rng.choice(HOSTILE)
            case 7:
                body[at:stop] = bytes(stop - at)
            case _:
                where = rng.choice((0, len(body) // 2, len(body)))
                word = rng.choice(HOSTILE)
                found = body.find(rng.choice((b": ", b"= ", b",", b"\t")), at)
                place = found + 1 if found >= 0 else where
                body[place : place + rng.choice((0, 3, 8))] = word
    return bytes(body)


@dataclass(frozen=True)
class Outcome:
    """What became of a file."""

    seed: int
    seconds: float
    peak_bytes: int
    error: str  # of ours, "" where it was read
    fault: str  # of anything else


def outcomes(kind: Format, seeds: Iterator[int] | range, scratch: Path) -> Iterator[Outcome]:
    """Read mutations of a format's file, each in a folder of its own."""
    source = scratch / "valid" / kind.name
    source.parent.mkdir(exist_ok=True)
    kind.write(source)
    content = source.read_bytes()
    kind.read(source)  # so that what is imported and cached is before the first
    for seed in seeds:
        folder = scratch / str(seed)
        folder.mkdir()
        path = folder / kind.name
        kind.put(path, mutated(content, seed))
        error = fault = ""
        began_s = time.process_time()
        try:
            kind.read(path)
        except SpasmwatchError as told:
            error = str(told)
            if not error or len(error) > LONGEST_ERROR:
                fault = f"an error of {len(error)} characters"
        except Exception as raised:
            fault = f"{type(raised).__name__}: {raised}"
        took_s = time.process_time() - began_s
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        shutil.rmtree(folder)
        yield Outcome(seed, took_s, peak, error, fault)


def broken_bars(found: Outcome) -> str:
    """Return what a file broke, "" where it broke nothing."""
    if found.fault:
        return found.fault
    if found.seconds > MOST_S:
        return f"took {found.seconds:.1f} s"
    return f"took {found.peak_bytes >> 20} MiB" if found.peak_bytes > MOST_BYTES else ""


def _read_recording(path: Path) -> None:
    with open_recording(path) as reader:
        for _ in reader.readings():
            pass


def _read_motion(path: Path) -> None:
    _read_recording(path.with_name("night_motion.tsv"))


def _read_zipped(path: Path) -> None:
    if path.with_suffix(".npz").exists():
        _read_recording(path.with_suffix(".npz"))


def _write_member(path: Path) -> None:
    np.save(path, _samples(300))


def _put_member(path: Path, content: bytes) -> None:
    """Put a damaged array into an archive whose checksums are right."""
    with zipfile.ZipFile(path.with_suffix(".npz"), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("acc.npy", content)
        fs = io.BytesIO()
        np.save(fs, 50.0)
        archive.writestr("fs.npy", fs.getvalue())


def _read_state(path: Path) -> None:
    try:
        state = State.open(path)
    except StateDamagedError:
        state = State.open(path)
        assert list(path.parent.glob("*.damaged-1*")), "kept under another name"
    with state:
        state.open_channel("mqtt", from_start=True)
        state.saved("night")
        state.events()
        state.open_alerts()
        state.read("mqtt")
        state.commit(at=BEGAN, events=[_event(99)], saved={"night": {}})


def _read_model(path: Path) -> None:
    rules, opinions = parse_model(path.stem, path.read_bytes(), site="calf")
    assert all(np.isfinite(np.hstack([rules.gate.least_g, *rules.spasm.jerk_g_s])))
    assert opinions is None or opinions.name


def packets_of_a_polar(rows: int = 1500) -> list[Item]:
    utc = int(BEGAN.timestamp()) * 10**9
    up = LinkUp(1, "polar-h10", "A0:9E:1A:00:00:01", "Polar H10 0001", 0, utc)
    items: list[Item] = [up, Packet(1, PMD_CONTROL, OFFER, 0, utc)]
    counts = (_samples(rows) * 1000).astype("<i2")
    for first in range(0, rows, 30):
        ns = (first + 30) * 10**9 // 52
        head = b"\x02" + ns.to_bytes(8, "little") + b"\x01"
        data = head + counts[first : first + 30].tobytes()
        items.append(Packet(1, PMD_DATA, data, ns, utc + ns))
    return items


def _samples(rows: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.array([0.02, -0.1, 0.99]) + rng.normal(0, 0.003, (rows, 3))


def _write_recording(path: Path) -> None:
    header = RecordingHeader(
        name="night",
        wearer="k3vq7m2xta",
        sensor="left-calf",
        site="calf",
        driver="polar-h10",
        origin=Origin.LIVE,
        created=BEGAN,
        version="0",
        time_zone="UTC",
    )
    writer = RecordingWriter.create(path, header)
    for item in packets_of_a_polar():
        writer.write(item)
    writer.close()


def _write_capture(path: Path) -> None:
    interpreter = Interpreter(installed())
    writer = CaptureWriter(path, placement="calf", version="0", versions={"bleak": "3"})
    for item in packets_of_a_polar():
        writer.write(interpreter.feed(item))
    writer.close()


def _write_table(path: Path) -> None:
    rows = [f"{n / 50:.2f},{x:.3f},{y:.3f},{z:.3f}" for n, (x, y, z) in enumerate(_samples(1500))]
    path.write_text("\n".join(["time,acc_x,acc_y,acc_z", *rows]) + "\n")


def _write_archive(path: Path, *, packed: bool = False) -> None:
    labels = json.dumps([[n, n + 1.5, "clonus"] for n in range(20)])
    save = np.savez_compressed if packed else np.savez
    save(path, acc=_samples(1500), fs=50.0, labels=labels, subject="s1", placement="calf")


def _write_labels(path: Path) -> None:
    rows = [f"{n}\t1.5\tclonus\t5.5\t8\t0.4\tn/a" for n in range(0, 60, 3)]
    head = "onset\tduration\ttrial_type\trhythm_hz\tbeats\tpeak_g\tparts"
    path.write_text("\n".join([head, *rows]) + "\n")


def _event(n: int) -> Event:
    return Event(
        id=f"{n:020x}",
        kind=Kind.CLONUS,
        phase=Phase.END,
        onset_s=float(n),
        duration_s=2.0,
        onset=BEGAN,
        end=BEGAN,
        confidence=0.9,
        reason="steady 5.8 beats a second",
    )


def _write_state(path: Path) -> None:
    with State.open(path) as state:
        state.commit(at=BEGAN, events=[_event(n) for n in range(30)], saved={"night": {"n": [1]}})


def _write_settings(path: Path) -> None:
    path.write_text(
        '[sensor]\ndevice = "Polar H10 0001"\nplacement = "calf"\n\n[wearer]\nlabel = "Ann"\n'
        'time_zone = "Europe/Berlin"\n\n[alerts]\nwake_for = ["clonus >= 60s"]\nsound = true\n\n'
        '[mqtt]\nbroker = "embedded"\nport = 1883 # the usual\nprefix = "sw"\n\n'
        "[recording]\nretention_nights = 30\n"
    )


def _write_model(name: str, path: Path) -> None:
    path.write_bytes(model_file(name))


def _batch(name: str, first: int, count: int) -> None:
    """Read one batch in this process; print each broken bar, and the figures as the last line."""
    kind = formats()[name]
    worst_s, peak, refused = 0.0, 0, 0
    with tempfile.TemporaryDirectory() as scratch:
        for found in outcomes(kind, range(first, first + count), Path(scratch)):
            worst_s, peak = max(worst_s, found.seconds), max(peak, found.peak_bytes)
            refused += bool(found.error)
            if why := broken_bars(found):
                print(f"{name} seed {found.seed}: {why}")
    print(json.dumps([worst_s, peak, refused]))


def main() -> None:
    """Print the figures; exit 1 where the bar is missed."""
    parser = argparse.ArgumentParser(description="Read damaged and hostile files of each format.")
    parser.add_argument("--each", type=int, default=5000)
    parser.add_argument("--only", action="append", choices=list(formats()))
    parser.add_argument("--batch", nargs=3, metavar=("FORMAT", "FIRST", "COUNT"))
    asked = parser.parse_args()
    if asked.batch:
        _batch(asked.batch[0], int(asked.batch[1]), int(asked.batch[2]))
        return
    complaints = 0
    for name in asked.only or formats():
        worst_s, peak, refused = 0.0, 0, 0
        for first in range(0, asked.each, BATCH):
            count = min(BATCH, asked.each - first)
            command = [sys.executable, "-m", __spec__.name, "--batch", name, str(first), str(count)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            *broken, figures = done.stdout.splitlines() or ["[0, 0, 0]"]
            if done.returncode:
                broken.append(f"{name} from seed {first}: {done.stderr[-500:]}")
            complaints += len(broken)
            print(*broken[:10], sep="\n", end="\n" if broken else "")
            batch_s, batch_peak, batch_refused = json.loads(figures)
            worst_s, peak = max(worst_s, batch_s), max(peak, batch_peak)
            refused += batch_refused
        print(
            f"{name}: {asked.each} files, {refused} refused, at most {worst_s:.2f} s and "
            f"{peak >> 20} MiB",
            flush=True,
        )
    sys.exit(bool(complaints))


if __name__ == "__main__":
    main()
