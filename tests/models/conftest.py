"""Puts the training scripts, a folder and not a package, on the import path."""

from __future__ import annotations

import sys
from pathlib import Path

TRAINING = Path(__file__).parents[2] / "models" / "training"
sys.path.insert(0, str(TRAINING))
