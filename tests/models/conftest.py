"""Puts the scripts of training and evaluation, folders and not packages, on the import path."""

from __future__ import annotations

import sys
from pathlib import Path

MODELS = Path(__file__).parents[2] / "models"
sys.path[:0] = [str(MODELS / "training"), str(MODELS / "evaluation")]
