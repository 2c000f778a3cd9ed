"""docs/trust.md from the figures of runs and the list of hazards.

`python -m tests.chaos.trust` writes it.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from .hazards import FILE, STATUSES, Hazard, read_hazards
from .measured import ROOT

PAGE = ROOT / "docs" / "trust.md"
MEASURED = ROOT / "docs" / "measured"

HEAD = """# How far it can be trusted

A night monitor is trusted because it never fails silently. This page says what was tried, and what
came of it. It is written by `python -m tests.chaos.trust` from the figures of runs in
[`docs/measured/`](measured) and from [`docs/hazards.toml`](hazards.toml); `make trust` measures
again. Simulated sensors, real Bluetooth protocol, brokers, disks and processes; no person was
watched. It is not a medical device.
"""

CHAOS = """
One seed decides a night of `python -m tests.chaos`: motions, programs that are killed or frozen,
networks that delay, throttle, stall one way or both, reset or half-close, clocks that are set an
hour, a year or to 1970, disks that refuse, and the sensor's own faults. `run`, two `listen`,
mosquitto, their disks and sockets are real; the clocks of our own processes run five times as fast,
so mosquitto's last will comes five times too late and receivers depend on their own deadline. A
checker without I/O holds what was recorded against five laws: every committed entry is heard by
every named receiver; in the order of the log, or told as history; no screen shows *Watching* while
nothing was watched for 20 s; every such silence has a technical alarm at every receiver that runs;
nobody says `stopped` unless asked.
"""


def page(runs: list[dict[str, Any]], hazards: list[Hazard]) -> str:
    """Return the page."""
    lines = [HEAD, "## Bars\n"]
    lines.append(
        "`load`: processes that wanted each processor meanwhile. Far above 1, something else ran "
        "beside, and delays are its. A commit with `+` had changes that it does not hold.\n"
    )
    lines += ["| bar | held | figures | seed | load | date | commit | command |", "|---" * 8 + "|"]
    lines += [_row(run) for run in runs]
    lines += [CHAOS, "## Hazards\n"]
    count = Counter(hazard.status for hazard in hazards)
    lines.append(
        f"{len(hazards)} hazards: " + ", ".join(f"{count[each]} {each}" for each in STATUSES) + "."
    )
    lines.append(
        "Announced: a person is told. In part: some forms of it are. Open: control or proof is not "
        "there yet.\n"
    )
    lines += ["| | failure | status | figure | what is missing, or why |", "|---" * 5 + "|"]
    for each in hazards:
        lines.append(
            f"| {each.id} | {each.failure} | {each.status} | {each.figure} | {each.reason} |"
        )
    return "\n".join(lines) + "\n"


def _row(run: dict[str, Any]) -> str:
    pairs = run["figures"].items()
    figures = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in pairs)
    held = "yes" if run["held"] else "**no**"
    cells = [run["bar"], held, figures, run["seed"], run["load"], run["date"], run["commit"]]
    said = ["" if each is None else str(each) for each in cells]
    return "| " + " | ".join(said) + f" | `{run['command']}` |"


def measured(folder: Path = MEASURED) -> list[dict[str, Any]]:
    """Return the runs whose figures were kept, by name."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def made() -> str:
    """Return the page as it should be now."""
    return page(measured(), read_hazards(FILE.read_text(encoding="utf-8")))


if __name__ == "__main__":
    PAGE.write_text(made(), encoding="utf-8")
