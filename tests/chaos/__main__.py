"""Nights of chaos: `python -m tests.chaos [--seeds 60] [--seconds 60]`.

Prints a line for each seed and, of a seed that fails, its plan and every law that it broke. The
same seed has the same things happen again at the same moments; how processes and network react to
them differs a little from run to run.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from .history import Violation, check
from .measured import record
from .night import Outcome, live_through
from .plan import plan_of


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seeds", type=int, default=60, help="how many")
    parser.add_argument("--seed", type=int, default=1, help="the first")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each night, house time")
    parser.add_argument("--speed", type=float, default=5.0, help="house seconds to a real one")
    parser.add_argument("--show", action="store_true", help="print each plan, and nothing else")
    parser.add_argument("--words", action="store_true", help="print what programs say of failures")
    asked = parser.parse_args()
    logging.disable()
    failed: list[int] = []
    totals: Counter[str] = Counter()
    for seed in range(asked.seed, asked.seed + asked.seeds):
        plan = plan_of(seed, asked.seconds)
        if asked.show:
            print(f"seed {seed}", *plan.lines(), sep="\n  ")
            continue
        began_s = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            outcome = asyncio.run(live_through(plan, Path(folder), speed=asked.speed))
        violations = check(outcome.history)
        print(line(seed, outcome, violations, time.monotonic() - began_s), flush=True)
        totals.update({"entries": len(outcome.history.log), "violations": len(violations)})
        totals.update(strike.what.value for strike in plan.strikes)
        if violations:
            failed.append(seed)
            print("    " + "\n    ".join([*plan.lines(), *outcome.exits]))
            print("  " + "\n  ".join(map(str, violations[:20])), flush=True)
            if asked.words:
                print(outcome.words[-6000:])
    if failed:
        again = f"python -m tests.chaos --seed {failed[0]} --seeds 1 --seconds {asked.seconds:g}"
        print(f"FAILED: seeds {', '.join(map(str, failed))}. Again: {again}")
    if not asked.show:
        record(
            "chaos",
            bar=f"five laws hold on {asked.seeds} seeds of {asked.seconds:g} s",
            held=not failed,
            seed=asked.seed,
            figures={"seeds": asked.seeds, "failed": failed, **totals},
        )
    return 1 if failed else 0


def line(seed: int, outcome: Outcome, violations: list[Violation], took_s: float) -> str:
    """Return what became of a seed in one line."""
    figures = ", ".join(f"{name} {value:g}" for name, value in outcome.figures.items())
    verdict = f"{len(violations)} VIOLATIONS" if violations else "holds"
    more = [*outcome.notes, f"{len(outcome.exits)} exits" if outcome.exits else ""]
    said = "; ".join([figures, *filter(None, more)])
    return f"seed {seed:4}  {verdict}  ({said}; {took_s:.0f} s)"


if __name__ == "__main__":
    sys.exit(main())
