"""Make a report in a process of its own: what draws takes memory and time that a night needs.

Never imported by the service. It reads what to do as JSON, writes the page, and ends with 0; with
66 where nothing is known of the night, with 1 and a sentence where it cannot be read.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from detector.errors import SpasmwatchError
from detector.evaluation.wearing import context_hours
from detector.events import Origin
from detector.report.gather import NightPlace, Nights
from detector.report.page import report_html
from detector.report.reported import ReportedNight
from detector.service.presentation.report_maker import NOT_KNOWN

NICENESS = 10  # a night comes first


def page_of(asked: dict[str, Any]) -> str | None:
    """Return the page of a night; None where nothing is known of it."""
    zone = asked["zone"]
    place = NightPlace(
        state=Path(asked["state"]),
        recordings=Path(asked["recordings"]),
        origin=Origin(asked["origin"]),
        zone=None if zone is None else ZoneInfo(zone),
        label=asked["label"],
        site=asked["site"],
        model=asked["model"],
    )
    nights = Nights(place, context_hours, datetime.now(UTC))
    night = nights.report(date.fromisoformat(asked["evening"]))
    return None if night is None else report_html([ReportedNight(night, nights.trace)])


def main() -> int:
    """Read what to do from stdin; write the page to stdout."""
    os.nice(NICENESS)
    try:
        page = page_of(json.load(sys.stdin))
    except (SpasmwatchError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if page is None:
        return NOT_KNOWN
    sys.stdout.buffer.write(page.encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
