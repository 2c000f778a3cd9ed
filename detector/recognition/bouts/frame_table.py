"""What is known of each frame: the one table that bouts, rules and explanations read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detector.dsp.frames import FRAME, Floats
from detector.dsp.rhythm import SUBFRAME

FrameTable = NDArray[np.void]
"""Consecutive frames of one wearer, shape (n,), dtype `FRAME_DTYPE`."""

# Single precision: the values are measured, and a live wearer's open bout must stay small.
FRAME_DTYPE = np.dtype(
    [
        ("active", np.bool_),
        ("rms_g", np.float32),  # about the frame's own mean
        ("mean_g", np.float32, 3),  # posture
        # What `dsp.rhythm` measures; 0 where the gate is closed.
        ("regularity", np.float32),
        ("beats", np.float32),
        ("frequency_hz", np.float32),
        ("stride", np.float32),
        ("line", np.float32),
        ("pace_hz", np.float32),
        ("peak_g", np.float32),
        ("envelope_g2", np.float32, FRAME // SUBFRAME),
        ("score", np.float32),  # evidence for a beat, by the wearer's rules
    ]
)
RHYTHM_FIELDS = (
    "regularity", "beats", "frequency_hz", "stride", "line", "pace_hz", "peak_g", "envelope_g2",
)  # fmt: skip

_NUMBERS = (FRAME_DTYPE.itemsize - 1) // 4
_WHOLE = np.dtype(
    {
        "names": ["numbers"],
        "formats": [(np.float32, _NUMBERS)],
        "offsets": [1],
        "itemsize": 1 + 4 * _NUMBERS,
    }
)
"""A frame as all of its numbers in one piece, behind `active`."""

COLUMN = {name: (offset - 1) // 4 for name, (_, offset, *_) in (FRAME_DTYPE.fields or {}).items()}
"""Where a number, or the first of several, lies among the rows of `columns_of`."""


def columns_of(frames: FrameTable) -> Floats:
    """Return all numbers of frames in double precision, (numbers, n): each runs along memory."""
    columns: Floats = frames.view(_WHOLE)["numbers"].T.astype(np.float64, order="C")
    return columns
