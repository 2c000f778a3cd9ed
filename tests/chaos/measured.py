"""Figures of a run, printed and kept: `docs/measured/NAME.json`, of which docs/trust.md is made.

A run keeps its figures when `SPASMWATCH_MEASURED` names a folder (`make trust` does). `load` is how
many processes wanted each processor during the last 5 min: far above 1, delays are the machine's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def record(
    name: str, *, bar: str, held: bool, figures: Mapping[str, Any], seed: int | None = None
) -> None:
    """Print the figures of a run as one line of JSON, and keep them where that is asked for.

    Parameters
    ----------
    name : of the file; a later run of the same name replaces it
    bar : what had to be reached, in words
    held : whether it was
    """
    run = {
        "bar": bar,
        "held": held,
        "figures": dict(figures),
        "seed": seed,
        "load": round(os.getloadavg()[1] / (os.cpu_count() or 1), 1),
        "command": _command(),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "commit": _commit(),
    }
    print(json.dumps(run))
    if folder := os.environ.get("SPASMWATCH_MEASURED"):
        path = Path(folder) / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(run, indent=2) + "\n")


def _command() -> str:
    """Return the command of this run, as it can be typed again."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    module = getattr(spec, "name", "?").removesuffix(".__main__")
    return " ".join(["python -m", module, *sys.argv[1:]])


PRODUCT = ("detector", "firmware_sim", "models")


def _commit() -> str:
    """Return the last commit that changed the product, `+` if it has changed since."""
    head = _git("log", "-1", "--format=%h", "--abbrev=10", "--", *PRODUCT)
    return head + ("+" if _git("status", "--porcelain", "--", *PRODUCT) else "")


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()
