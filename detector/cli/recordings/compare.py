"""`spasmwatch replay --compare`: one recording under two settings files, side by side."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from detector.terminal.invocation import Invocation
from detector.words.phrases import COUNTED, NOTICE, length, one_line

if TYPE_CHECKING:
    from detector.config import Settings

SCHEMA = "compare/1"
LONGEST_NAME = 20  # characters of a settings file above its column


@dataclass(frozen=True, slots=True)
class Column:
    """What one settings file makes of a recording.

    alerts : those that its rules would have raised, by the rule as written
    """

    settings: str
    site: str
    likely: int
    clonus: int
    twitches: int
    held_back: int
    alerts: dict[str, int]


def compare(call: Invocation, file: Path, settings_files: Sequence[Path]) -> bool:
    """Show what would have been found and told with each; return whether the recording is whole.

    Raises
    ------
    ConfigError
        One of the files cannot be used.
    RecordingError
        The recording cannot be read.
    """
    from detector.config import read_configuration

    columns: list[Column] = []
    whole, watched_s = True, 0.0
    configured = [(path, read_configuration(path).settings) for path in settings_files]
    with call.out.progress(file.name, len(configured)) as advance:
        for path, settings in configured:
            column, is_whole, watched_s = _column(file, path.stem, settings)
            columns.append(column)
            whole &= is_whole
            advance(1)
    if call.out.json:
        said = {"schema": SCHEMA, "recording": file.name, "watched_s": watched_s}
        call.out.data(json.dumps(said | {"with": [asdict(each) for each in columns]}))
        return whole
    call.out.data(f"{file.name}   {length(watched_s)} watched")
    for line in _table(columns):
        call.out.data(line)
    call.out.say(f"Nothing was sent or written. {NOTICE}")
    return whole


def _column(file: Path, name: str, settings: Settings) -> tuple[Column, bool, float]:
    from detector.alert import AlertClass, AlertState
    from detector.cli.recordings.replayed import replayed
    from detector.events import Kind
    from detector.store.formats.reader import open_recording

    with open_recording(file) as reader:
        site = reader.site or settings.sensor.placement
        recorded = replayed(reader, settings)
        for _ in recorded.steps():
            pass
    kinds = Counter(event.kind for event in recorded.events)
    raised = Counter(
        alert.rule or alert.kind
        for alert in recorded.alerts
        if alert.state is AlertState.RAISED and alert.alert_class is AlertClass.CLINICAL
    )
    column = Column(
        settings=name,
        site=site,
        likely=sum(kinds[kind] for kind in COUNTED),
        clonus=kinds[Kind.CLONUS],
        twitches=kinds[Kind.TWITCH],
        held_back=sum(event.held_back is not None for event in recorded.events),
        alerts=dict(sorted(raised.items())),
    )
    return column, recorded.is_whole, recorded.night.monitored_s


def _table(columns: Sequence[Column]) -> list[str]:
    """Return the lines of a table without boxes, in 60 columns."""
    rules = sorted({rule for column in columns for rule in column.alerts})
    rows = [
        ("likely spasms", [column.likely for column in columns]),
        ("  of them clonus", [column.clonus for column in columns]),
        ("twitches", [column.twitches for column in columns]),
        ("held back by minimums", [column.held_back for column in columns]),
        ("alerts", [sum(column.alerts.values()) for column in columns]),
        *(
            (f"  {one_line(rule)}", [column.alerts.get(rule, 0) for column in columns])
            for rule in rules
        ),
    ]
    names = [one_line(column.settings)[:LONGEST_NAME] for column in columns]
    wide = [max(8, len(name)) for name in names]
    first = max(len(name) for name, _ in rows)
    lines = [" " * first + "".join(f"  {n:>{w}}" for n, w in zip(names, wide, strict=True))]
    for name, counts in rows:
        cells = "".join(f"  {count:>{w}}" for count, w in zip(counts, wide, strict=True))
        lines.append(f"{name:<{first}}{cells}")
    return lines
