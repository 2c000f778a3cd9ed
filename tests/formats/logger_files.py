"""Writers of files as research accelerometers leave them, from the makers' descriptions."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import xor
from pathlib import Path

import numpy as np

START = datetime(2026, 3, 14, 2, 10, tzinfo=UTC)
CWA_PAGE = struct.Struct("<2sHHIIIHHBBBBhH")


def cwa(
    path: Path, samples: np.ndarray, *, fs: int = 100, six: bool = False, packed: bool = False,
    lost: Collection[int] = (), torn: Collection[int] = (), true_hz: float | None = None,
) -> None:  # fmt: skip
    """Write (n, 3) g as AX3 or AX6 (`six`) does; `lost` pages are not there, `torn` are damaged."""
    each = 120 if packed else 40 if six else 80
    code = 15 - int(np.log2(3200 / fs))
    per_g, light = (4096, 4 << 13) if six else (256, 0)
    pages = [b"MD" + struct.pack("<H", 1020) + bytes(1020)]
    for number, first in enumerate(range(0, len(samples) - each + 1, each)):
        counts = np.round(samples[first : first + each] * per_g).astype(np.int64)
        at = START + timedelta(seconds=first / (true_hz or fs))
        fraction = at.microsecond * 32_768 // 1_000_000
        offset = -((fraction * 2 * fs) >> 16)  # put back by the whole samples in the fraction
        time = (
            at.year - 2000 << 26 | at.month << 22 | at.day << 17 | at.hour << 12 | at.minute << 6
            | at.second
        )  # fmt: skip
        if packed:
            words = [x & 0x3FF | (y & 0x3FF) << 10 | (z & 0x3FF) << 20 for x, y, z in counts]
            data = struct.pack(f"<{each}I", *words)
        elif six:
            data = np.hstack([np.full_like(counts, 7), counts]).astype("<i2").tobytes()
        else:
            data = counts.astype("<i2").tobytes()
        form = (6 if six else 3) << 4 | (0 if packed else 2)
        head = CWA_PAGE.pack(
            b"AX", 508, 0x8000 | fraction, 1, number, time, light, 0, 0, 0, code, form, offset, each
        )
        page = head + data.ljust(480, b"\0")
        check = -int(np.frombuffer(page, "<u2").sum(dtype=np.int64)) & 0xFFFF
        page += struct.pack("<H", check)
        if number in torn:
            page = page[:100] + bytes([page[100] ^ 0x55]) + page[101:]
        if number not in lost:
            pages.append(page)
    path.write_bytes(b"".join(pages))


def gt3x(
    path: Path, samples: np.ndarray, *, fs: int = 50, shorts: bool = False,
    lost: Collection[int] = (), torn: Collection[int] = (),
) -> None:  # fmt: skip
    """Write (n, 3) g, whole seconds of it, as ActiGraph does."""
    log = [record(6, 0, b'{"started": 1}')]
    for number in range(len(samples) // fs):
        counts = np.round(samples[number * fs : (number + 1) * fs] * 256).astype(np.int64)
        if shorts:
            payload = counts.astype("<i2").tobytes()
        else:
            bits = "".join(f"{v & 0xFFF:012b}" for row in counts for v in (row[1], row[0], row[2]))
            bits = bits.ljust(-(-len(bits) // 8) * 8, "0")
            payload = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
        made = record(26 if shorts else 0, int(START.timestamp()) + number, payload)
        if number in torn:
            made = made[:30] + bytes([made[30] ^ 0x55]) + made[31:]
        if number not in lost:
            log.append(made)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        info = f"Serial Number: MOS2E00000000\nSample Rate: {fs}\nAcceleration Scale: 256.0\n"
        archive.writestr("info.txt", info)
        archive.writestr("log.bin", b"".join(log))


def record(kind: int, time_s: int, payload: bytes) -> bytes:
    made = struct.pack("<BBIH", 0x1E, kind, time_s, len(payload)) + payload
    return made + bytes([~reduce(xor, made) & 0xFF])


def geneactiv(
    path: Path, samples: np.ndarray, *, fs: int = 50, lost: Collection[int] = (),
    torn: Collection[int] = (),
) -> None:  # fmt: skip
    """Write (n, 3) g, whole pages of 300, as GENEActiv does."""
    gain, offset = (25548, 25530, 25600), (574, -300, 120)
    lines = ["Device Identity", "Device Unique Serial Code:000001", "", "Calibration Data"]
    for axis, g, o in zip("xyz", gain, offset, strict=True):
        lines += [f"{axis} gain:{g}", f"{axis} offset:{o}"]
    lines += ["Memory Status", f"Number of Pages:{len(samples) // 300}", ""]
    for number in range(len(samples) // 300):
        part = samples[number * 300 : (number + 1) * 300]
        counts = np.round((part * gain + offset) / 100).astype(np.int64)
        at = START + timedelta(seconds=number * 300 / fs)
        words = [(x & 0xFFF) << 36 | (y & 0xFFF) << 24 | (z & 0xFFF) << 12 for x, y, z in counts]
        text = "".join(f"{word:012X}" for word in words)
        text = text[:-5] if number in torn else text
        page = [
            "Recorded Data", "Device Unique Serial Code:000001", f"Sequence Number:{number}",
            f"Page Time:{at:%Y-%m-%d %H:%M:%S}:{at.microsecond // 1000:03d}", "Unassigned:",
            "Temperature:21.5", "Battery voltage:4.1", "Device Status:Recording",
            f"Measurement Frequency:{fs}.0", text,
        ]  # fmt: skip
        lines += page if number not in lost else []
    path.write_bytes("\r\n".join([*lines, ""]).encode())


WRITERS = {"cwa": cwa, "gt3x": gt3x, "bin": geneactiv}
SIZES: dict[str, Sequence[int]] = {"cwa": (100, 80), "gt3x": (50, 50), "bin": (50, 300)}
"""Rate, Hz, and samples in a page of each."""
