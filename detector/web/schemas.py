"""JSON Schemas (draft 2020-12) of what the page, `status` and `report` give, from their types.

`python -m detector.web.schemas FOLDER` writes them.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from detector.mqtt.json_schema import Schema, schema_of
from detector.mqtt.schemas import titled, write
from detector.report.payload import NightReportPayload
from detector.web.household.payload import HouseholdView
from detector.web.tonight.payload import NowPayload, PageView

FORMS: Mapping[str, tuple[str, type]] = {
    "page": ("What the page shows of a night", PageView),
    "household": ("What the page of everybody shows", HouseholdView),
    "now": ("What `spasmwatch status --json` prints", NowPayload),
    "night-report": ("What `spasmwatch report --json` prints", NightReportPayload),
}


def schemas() -> dict[str, Schema]:
    """Return the schema of each form by its name."""
    return {name: titled(title, schema_of(kind)) for name, (title, kind) in FORMS.items()}


if __name__ == "__main__":
    write(schemas(), Path(sys.argv[1]))
