"""How a limb lies, read from gravity."""

from __future__ import annotations

import numpy as np

from detector.dsp.frames import Floats


def angle_deg(before: Floats, after: Floats) -> Floats:
    """Angle between two mean accelerations, (..., 3) g -> (...) degrees, 0 to 180.

    By the two-argument arctangent, which stays exact for small angles where the arc cosine of
    a dot product does not. Rotation about gravity itself is invisible.
    """
    cross = np.cross(before, after)
    sine = np.sqrt(cross[..., 0] ** 2 + cross[..., 1] ** 2 + cross[..., 2] ** 2)
    product = before * after
    cosine = product[..., 0] + product[..., 1] + product[..., 2]
    return np.degrees(np.arctan2(sine, cosine))
